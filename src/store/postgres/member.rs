//! Belonging to the gateways of one database: a lease that is renewed, buckets that are claimed and given away, and what others have
//! written for us.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::address::Address;
use super::beat::Last;
use super::inbox::{SAYING, TOUCHED};
use super::mark::{Mark, Marked};
use super::schema::BUCKETS;
use super::standing::Standing;
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::store::delivery::Retry;
use crate::store::face::{StoreError, Wake, What};
use crate::store::pending;

/// One look a second: the lease, the others, and what came for us, where no notice told of it.
const BEAT: Duration = Duration::from_secs(1);
/// Notices that come closer together are one.
const GATHER: Duration = Duration::from_millis(2);
/// Looks that notices ask for are so far apart at least, where there are many, and so are notices; and so many times as long as one
/// takes, so that a database that has much to do isn't kept from it by them, up to a longest time. A contact may wait for its gateway
/// for both: until others are told, and until they look.
const APART: Duration = Duration::from_millis(25);
const TIMES: u32 = 50;
const FARTHEST: Duration = Duration::from_millis(200);
/// The channel of notices.
const CHANNEL: &str = "tagrelay";
/// What stands in a notice behind the number of the gateway that gives, where buckets are free now: they are claimed by a beat.
const FREED: &str = " free";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// What belongs to a gateway that isn't there, or is fenced, is anybody's: such a one writes nothing.
const FREE: &str = "UPDATE bucket b SET owner = NULL
    WHERE b.owner IS NOT NULL AND NOT EXISTS (SELECT FROM gateway g WHERE g.id = b.owner AND g.fenced = 0)";
/// Contacts that are looked up at once when a bucket is gained.
const PAGE: i64 = 4_096;

/// A gateway that starts while the database is away waits so long for it.
pub(super) const FIRST: Duration = Duration::from_mins(1);
/// How long buckets are read before the next beat.
const READING: Duration = Duration::from_millis(500);

/// The task.
pub(super) struct Member {
    pub address: Address,
    pub standing: Arc<Standing>,
    pub wake: UnboundedSender<Vec<Wake>>,
    pub timers: Arc<Notify>,
    /// By what people know this gateway.
    pub name: String,
    /// Our clock.
    pub clock: Clock,
    /// Where this gateway leaves its mark.
    pub mark: Option<PathBuf>,
}

/// What is being done about buckets and for others; it outlasts the connection.
#[derive(Debug, Default)]
struct Hand {
    /// Those that are given up and not given away yet.
    giving: Vec<i64>,
    /// Those of which it isn't known what waits.
    unread: BTreeSet<i64>,
    /// Since when the database doesn't answer.
    away: Option<Instant>,
    /// Something was written for others that they weren't told of.
    owed: bool,
}

/// What gateways tell each other over one connection.
struct Notices {
    from: UnboundedReceiver<String>,
    /// When others may be told next.
    next: Instant,
}

impl Member {
    /// Stays a member until told to leave.
    pub async fn run(self, joined: oneshot::Sender<Result<(), StoreError>>, mut leave: oneshot::Receiver<()>) {
        let mut joined = Some(joined);
        let mut mark = self.mark.as_deref().and_then(Mark::take);
        let mut hand = Hand::default();
        let began = Instant::now();
        loop {
            let (tell, notices) = tokio::sync::mpsc::unbounded_channel();
            tokio::select! {
                ended = self.connected(tell, notices, &mut joined, &mut mark, &mut hand) => {
                    if let Err(error) = ended {
                        if let Some(joined) = joined.take_if(|_| began.elapsed() >= FIRST) {
                            let _ = joined.send(Err(error));
                            return;
                        }
                        if hand.away.is_none() {
                            tracing::warn!(%error, "the database can't be reached; calls go on as long as the lease lasts");
                        } else {
                            tracing::debug!(%error, "the database can't be reached yet");
                        }
                        hand.away.get_or_insert_with(Instant::now);
                    }
                }
                _ = &mut leave => break,
            }
            tokio::select! {
                () = tokio::time::sleep(BEAT / 2) => {}
                _ = &mut leave => break,
            }
        }
        self.leave().await;
    }

    /// Beats as long as the connection lasts.
    async fn connected(
        &self,
        tell: UnboundedSender<String>,
        notices: UnboundedReceiver<String>,
        joined: &mut Option<oneshot::Sender<Result<(), StoreError>>>,
        mark: &mut Option<Mark>,
        hand: &mut Hand,
    ) -> Result<(), StoreError> {
        let client = self.address.connect(Some(tell)).await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        within(client.batch_execute(&format!("LISTEN {CHANNEL}"))).await?;
        self.standing.reconnected();
        if self.standing.me() == 0 {
            self.join(&client, mark).await?;
        }
        // While the database was away something may have been written or handed over of which nobody was told: an answer was lost.
        let owned = self.standing.owned();
        if !owned.is_empty() {
            let sql = "UPDATE inbox SET what = $1 WHERE what = $2 AND bucket = ANY ($3)";
            let values: [(&(dyn ToSql + Sync), Type); 3] =
                [(&TOUCHED, Type::INT8), (&SAYING, Type::INT8), (&owned, Type::INT8_ARRAY)];
            within(client.execute_typed(sql, &values)).await?;
        }
        for bucket in &owned {
            self.standing.gain(*bucket);
        }
        hand.unread.extend(owned);
        let mut last = Last::default();
        let mut told = None;
        let mut old: Option<(Instant, String)> = None;
        let mut notices = Notices { from: notices, next: Instant::now() };
        // When a beat is due; until then what others have written is heard without one.
        let mut due = Instant::now();
        loop {
            let asked = Instant::now();
            hand.unread.extend(self.standing.doubted());
            if asked < due
                && hand.giving.is_empty()
                && hand.unread.is_empty()
                && let Some(wakes) = self.hear(&client, &mut last).await?
            {
                if !wakes.is_empty() {
                    let _ = self.wake.send(wakes);
                }
                due = self.wait(&client, &mut notices, hand, due, apart(asked.elapsed())).await?;
                continue;
            }
            let beat = self.beat(&client, &hand.giving, &mut last).await?;
            let apart = apart(asked.elapsed());
            due = asked;
            if let Some(since) = hand.away.take() {
                tracing::info!(seconds = since.elapsed().as_secs(), "the database answers again");
            }
            if !beat.alive {
                *hand = Hand::default();
                self.fenced().await;
                self.join(&client, mark).await?;
                continue;
            }
            if !beat.wakes.is_empty() {
                let _ = self.wake.send(beat.wakes);
            }
            self.clear(&client, &mut old, last.seen.as_ref()).await?;
            self.tell_lanes(&client, &mut told).await?;
            if joined.is_none() && !beat.gained.is_empty() {
                tracing::info!(
                    buckets = beat.gained.len(),
                    gateways = beat.gateways,
                    "buckets taken over that were nobody's"
                );
            }
            for bucket in beat.gained {
                self.standing.gain(bucket);
                hand.unread.insert(bucket);
            }
            hand.unread.extend(self.standing.doubted());
            self.read(&client, &mut hand.unread).await?;
            if let Some(joined) = joined.take() {
                let _ = joined.send(Ok(()));
            }
            if hand.giving.is_empty() {
                hand.giving = self.surplus(beat.gateways);
                for bucket in &hand.giving {
                    self.standing.give_up(*bucket);
                }
            }
            if !hand.giving.is_empty() && self.standing.is_left(&hand.giving) {
                let sql = "UPDATE bucket SET owner = NULL WHERE owner = $1 AND id = ANY ($2)";
                let me = self.standing.me();
                within(client.execute_typed(sql, &[(&me, Type::INT8), (&hand.giving, Type::INT8_ARRAY)])).await?;
                tracing::info!(buckets = hand.giving.len(), "buckets given to other gateways");
                hand.giving.clear();
                self.notify(&client, FREED).await?;
            }
            if hand.unread.is_empty() {
                due = self.wait(&client, &mut notices, hand, asked + BEAT, apart).await?;
            }
        }
    }

    /// Looks what waits in these buckets, as far as there is time before the next beat.
    async fn read(&self, client: &Client, unread: &mut BTreeSet<i64>) -> Result<(), StoreError> {
        let began = Instant::now();
        while let Some(bucket) = unread.first().copied().filter(|_| began.elapsed() < READING) {
            self.look(client, bucket).await?;
            unread.remove(&bucket);
            if unread.is_empty() {
                self.timers.notify_one();
            }
        }
        Ok(())
    }

    /// Tells others what was written for them, until there is something to do: a beat is due, others have written, or buckets can be
    /// given. Returns when the next beat is due, which may be now.
    async fn wait(
        &self,
        client: &Client,
        notices: &mut Notices,
        hand: &mut Hand,
        mut due: Instant,
        apart: Duration,
    ) -> Result<Instant, StoreError> {
        let own = self.standing.me();
        let from = Instant::now();
        let mut look = None::<Instant>;
        loop {
            hand.owed |= self.standing.others_to_tell();
            let giving = !hand.giving.is_empty();
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due.into()) => return Ok(due),
                // Before the look, which hears of all that have come by then.
                notice = notices.from.recv() => {
                    let Some(notice) = notice else {
                        return Err(StoreError::Unavailable("the connection has ended".to_owned()));
                    };
                    if is_of(&notice, own) {
                        continue;
                    }
                    if notice.ends_with(FREED) {
                        due = Instant::now();
                    }
                    // The first after some quiet is heard at once; where they come all the time, one look hears many.
                    look.get_or_insert(Instant::now().max(from + apart) + GATHER);
                }
                () = tokio::time::sleep_until(look.unwrap_or(due).into()), if look.is_some() => return Ok(due),
                () = tokio::time::sleep_until(notices.next.into()), if hand.owed => {
                    let asked = Instant::now();
                    // What is written by now is told of with it.
                    self.standing.others_to_tell();
                    self.notify(client, "").await?;
                    (hand.owed, notices.next) = (false, Instant::now() + apart.max(self::apart(asked.elapsed())));
                }
                // What is written while others are to be told anyhow is told of together.
                () = self.standing.stir.notified(), if giving || !hand.owed => {
                    if giving && self.standing.is_left(&hand.giving) {
                        return Ok(Instant::now());
                    }
                }
            }
        }
    }

    async fn notify(&self, client: &Client, what: &str) -> Result<(), StoreError> {
        within(client.batch_execute(&format!("NOTIFY {CHANNEL}, '{}{what}'", self.standing.me()))).await
    }

    /// Frees what belongs to nobody, once this was done. A beat that its gateway doesn't wait for any more may go on at the server and
    /// claim: so it is waited for, and none begins meanwhile, nor does a gateway join; else what one claims would be nobody's for ever,
    /// or be taken from one that has just come.
    async fn free(&self, client: &Client, first: &str) -> Result<(), StoreError> {
        let lock = "SET LOCAL lock_timeout = '4s'; LOCK TABLE gateway IN SHARE ROW EXCLUSIVE MODE";
        within(client.batch_execute(&format!("BEGIN; {lock}; {first}; {FREE}; COMMIT"))).await
    }

    async fn join(&self, client: &Client, mark: &mut Option<Mark>) -> Result<(), StoreError> {
        // Whoever was here before is gone: what it had needn't wait for the end of its lease.
        if let Some(Marked { id, secret }) = mark.as_mut().and_then(Mark::before) {
            let sql = "UPDATE gateway SET fenced = 1 WHERE id = $1 AND mark = $2";
            let values: [(&(dyn ToSql + Sync), Type); 2] = [(&id, Type::INT8), (&secret, Type::TEXT)];
            within(client.execute_typed(sql, &values)).await?;
        }
        self.free(client, "").await?;
        let sql = "INSERT INTO gateway (id, name, version, mark, began, until, rule_set, lease)
            SELECT nextval('gateway_number'), $1, $2, $3, now, now + $4, $5, $4
            FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) t RETURNING id";
        let (name, version, lease) = (self.name.as_str(), env!("CARGO_PKG_VERSION"), self.standing.lease_ms());
        let secret = secret();
        let rule_set = self.standing.rule_set();
        let values: [(&(dyn ToSql + Sync), Type); 5] = [
            (&name, Type::TEXT),
            (&version, Type::TEXT),
            (&secret, Type::TEXT),
            (&lease, Type::INT8),
            (&rule_set, Type::TEXT),
        ];
        let rows = within(client.query_typed(sql, &values)).await?;
        let id: i64 = rows.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        self.standing.joined(id);
        if let Some(mark) = mark {
            mark.write(&Marked { id, secret });
        }
        tracing::info!(gateway = id, name = %self.name, "joined the gateways of the database");
        Ok(())
    }

    /// Removes news that every gateway has read: whoever lives has looked since `old`, and sees what had ended then.
    async fn clear(
        &self,
        client: &Client,
        old: &mut Option<(Instant, String)>,
        seen: Option<&String>,
    ) -> Result<(), StoreError> {
        let lease = Duration::from_millis(u64::try_from(self.standing.lease_ms()).unwrap_or_default());
        if old.as_ref().is_some_and(|(at, _)| at.elapsed() < 2 * lease) {
            return Ok(());
        }
        if let Some((_, before)) = old.take() {
            let sql = "DELETE FROM news WHERE xid < pg_snapshot_xmin($1::text::pg_snapshot)";
            within(client.execute_typed(sql, &[(&before, Type::TEXT)])).await?;
        }
        *old = seen.map(|seen| (Instant::now(), seen.clone()));
        Ok(())
    }

    /// Leaves how the lanes stand, where that is something new.
    async fn tell_lanes(&self, client: &Client, told: &mut Option<(i64, i64, Arc<str>)>) -> Result<(), StoreError> {
        let now = (self.standing.me(), self.standing.lease_ms(), self.standing.lanes());
        if told.as_ref() == Some(&now) {
            return Ok(());
        }
        let (me, lease, lanes) = &now;
        let sql = "UPDATE gateway SET lease = $2, lanes = $3 WHERE id = $1";
        let values: [(&(dyn ToSql + Sync), Type); 3] = [(me, Type::INT8), (lease, Type::INT8), (&&**lanes, Type::TEXT)];
        within(client.execute_typed(sql, &values)).await?;
        *told = Some(now);
        Ok(())
    }

    /// How many buckets are more than this gateway's share, and which.
    fn surplus(&self, gateways: i64) -> Vec<i64> {
        let mine = self.standing.owned();
        let share = (BUCKETS + gateways.max(1) - 1) / gateways.max(1);
        mine.into_iter().skip(usize::try_from(share).unwrap_or(usize::MAX)).collect()
    }

    /// Whatever waits in a bucket of ours is ours to deliver.
    async fn look(&self, client: &Client, bucket: i64) -> Result<(), StoreError> {
        let first = u8::try_from(bucket).unwrap_or_default();
        let mut after: Vec<u8> = vec![first];
        let end: Option<Vec<u8>> = first.checked_add(1).map(|next| vec![next]);
        loop {
            let sql = "SELECT DISTINCT ON (p.contact) p.contact, p.change, c.retry FROM pending p LEFT JOIN contact c ON c.key = p.contact
                WHERE p.contact > $1 AND ($2::bytea IS NULL OR p.contact < $2) ORDER BY p.contact, p.ord, p.ix LIMIT $3";
            let values: [(&(dyn ToSql + Sync), Type); 3] =
                [(&after, Type::BYTEA), (&end, Type::BYTEA), (&PAGE, Type::INT8)];
            let rows = within(client.query_typed(sql, &values)).await?;
            let mut wakes = Vec::with_capacity(rows.len());
            for row in &rows {
                let damaged = |_| StoreError::Damaged("what waits can't be read");
                let contact: Vec<u8> = row.try_get(0).map_err(damaged)?;
                let connection = pending::connection_of(row.try_get(1).map_err(damaged)?)?;
                let retry: Option<&str> = row.try_get(2).map_err(damaged)?;
                let retry: Option<Retry> = retry.and_then(|text| serde_json::from_str(text).ok());
                let what = match retry {
                    Some(retry) if retry.throttled => What::Held(retry.at),
                    Some(retry) => What::Later(retry.at),
                    None => What::New,
                };
                wakes.push(Wake { key: ContactKey::from_hash(&contact), connection, what });
                after = contact;
            }
            let last = rows.len() < PAGE as usize;
            if !wakes.is_empty() {
                let _ = self.wake.send(wakes);
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Others have taken over: nothing is begun any more, what is under way ends, and only then is anything claimed anew.
    async fn fenced(&self) {
        tracing::error!(
            "this gateway's lease ended before it was renewed: it makes no call, and whichever gateway is alive delivers what it had"
        );
        self.standing.fenced();
        while self.standing.any_step() {
            self.standing.stir.notified().await;
        }
    }

    /// Gives all back, so that nobody has to wait for the end of the lease.
    async fn leave(&self) {
        let me = self.standing.me();
        if me == 0 {
            return;
        }
        let left = async {
            let client = self.address.connect(None).await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
            self.free(&client, &format!("DELETE FROM gateway WHERE id = {me}")).await?;
            self.notify(&client, FREED).await
        };
        let left = tokio::time::timeout(PATIENCE, left).await;
        if let Err(error) = left.unwrap_or_else(|_| Err(StoreError::Unavailable("it didn't answer".to_owned()))) {
            tracing::warn!(%error, "the other gateways could not be told of the end; they notice when the lease ends");
        }
        self.standing.fenced();
    }
}

/// How far looks that notices ask for are apart, where one took so long.
fn apart(took: Duration) -> Duration {
    (TIMES * took).clamp(APART, FARTHEST)
}

/// Whether a notice is of this gateway.
fn is_of(notice: &str, gateway: i64) -> bool {
    notice.split(' ').next().is_some_and(|number| number.parse() == Ok(gateway))
}

/// Not to be guessed, though whoever could use it can write into the database already.
fn secret() -> String {
    let mut bytes = [0; 12];
    // Without randomness there is no mark that anybody would believe.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}

pub(super) async fn within<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    let answer = answer.map_err(|_| StoreError::Unavailable("the database didn't answer".to_owned()))?;
    answer.map_err(|error| super::session::failed(&error))
}
