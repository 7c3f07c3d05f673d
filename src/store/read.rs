//! Looking things up: on a connection of its own, so that readers never hold up the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rusqlite::Connection;
use serde::Serialize;

use super::StoreError;
use super::contact::{self, Words};
use super::dead::{self, DeadFilter, DeadLetter};
use super::delivery::{self, Delivery, Retry};
use super::events::{self, EventLine, EventQuery};
use super::face::{PauseKind, Waiting};
use super::log::{self, Behind, Log, Stretch, Written};
use super::lot;
use super::postgres::{Peer, Session, Standing, others};
use super::record::EventRecord;
use super::recorded::{self, RecordedQuery};
use super::recover;
use super::schema;
use super::sql::{Sql, args};
use super::timer::{self, Timer};
use super::view::{self, ContactQuery, ContactRecord, ContactView};
use super::{alias, backup, fault, forget, started, subscription};
use crate::domain::attempt::Attempt;
use crate::domain::change::{Change, ChangeId, Ord, Settled};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::subscription::{Progress, Subscription, bucket as subscription_bucket};
use crate::domain::time::Timestamp;

/// Which dead letters to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeadQuery {
    /// Only those with a smaller id.
    pub before: Option<ChangeId>,
    /// Only these.
    pub filter: DeadFilter,
    /// At most so many.
    pub limit: usize,
}

/// Which deliveries to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    /// Only those with a smaller id.
    pub before: Option<i64>,
    /// Only of this connection.
    pub connection: Option<String>,
    /// Only of this contact.
    pub contact: Option<ContactKey>,
    /// At most so many.
    pub limit: usize,
}

/// Part of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Hand this in as `cursor` for the next ones; absent at the end.
    pub next: Option<String>,
}

/// What became of one change so far.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeState {
    /// Which one.
    pub id: ChangeId,
    /// What it wants.
    pub change: Change,
    /// `waiting`, or how it ended.
    pub state: &'static str,
    /// Why, in words.
    pub reason: String,
    /// The delivery that settled it.
    pub delivery: Option<i64>,
    /// The next try of its contact, while it waits.
    pub retry: Option<Retry>,
}

/// One event with all that became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventView {
    /// The event.
    pub record: EventRecord,
    /// Its changes.
    pub changes: Vec<ChangeState>,
    /// The deliveries of its contacts that had to do with it.
    pub deliveries: Vec<Delivery>,
    /// When the same key came again, and whether with another body.
    pub duplicates: Vec<(Timestamp, bool)>,
    /// Whether it has faults that nobody has answered.
    pub faulty: bool,
}

/// Reads beside the writer. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    from: From,
    /// Whether a look-up is made where it is asked for, and not on a thread of its own.
    in_place: bool,
    /// One copy is made at a time.
    copying: Arc<tokio::sync::Mutex<()>>,
}

/// What is read. One connection is enough for people and scripts.
#[derive(Clone)]
enum From {
    /// A file, opened at the first look-up.
    File { path: Arc<PathBuf>, db: Arc<Mutex<Option<Connection>>> },
    /// A database of several gateways.
    Shared { session: Arc<Mutex<Session>>, standing: Arc<Standing> },
}

impl Reader {
    pub(super) fn new(path: &Path) -> Self {
        let from = From::File { path: Arc::new(path.to_owned()), db: Arc::default() };
        Self { from, in_place: false, copying: Arc::default() }
    }

    pub(super) fn shared(session: Session, standing: &Arc<Standing>) -> Self {
        let from = From::Shared { session: Arc::new(Mutex::new(session)), standing: Arc::clone(standing) };
        Self { from, in_place: false, copying: Arc::default() }
    }

    /// One whose look-ups block whoever asks.
    pub(super) fn in_place(self) -> Self {
        Self { in_place: true, ..self }
    }

    /// A copy of the whole file as it is at one moment; it has no name and goes with its last reader.
    pub async fn copy(&self) -> Result<std::fs::File, StoreError> {
        // Whoever asked may go away; the copy is made to its end all the same, and until then there is no other.
        let one = Arc::clone(&self.copying).lock_owned().await;
        let From::File { path, .. } = &self.from else { return Err(StoreError::NotAFile) };
        let path = Arc::clone(path);
        let copied = tokio::task::spawn_blocking(move || {
            let _one = one;
            backup::copy(&path)
        })
        .await;
        copied.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    /// Lists events.
    pub async fn events(&self, query: EventQuery) -> Result<Page<EventLine>, StoreError> {
        self.read(move |db| events::list(db, &query)).await
    }

    /// One event; `None` when there is no such number or its retention has ended.
    pub async fn event(&self, ord: Ord) -> Result<Option<EventView>, StoreError> {
        self.read(move |db| event(db, ord)).await
    }

    /// One event as it was accepted, without what became of it.
    pub async fn record(&self, ord: Ord) -> Result<Option<EventRecord>, StoreError> {
        self.read(move |db| lot::holding(db, ord)?.map_or(Ok(None), |lot| lot.record(ord))).await
    }

    /// Hands out events with their bodies, oldest first.
    pub async fn recorded(&self, query: RecordedQuery) -> Result<Page<EventRecord>, StoreError> {
        self.read(move |db| recorded::list(db, &query)).await
    }

    /// Lists deliveries. A page may hold fewer than were asked for and still go on: the look has its bound.
    pub async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<Delivery>, StoreError> {
        self.read(move |db| {
            let before = query.before.unwrap_or(i64::MAX);
            let (items, next) = delivery::list(db, before, query.contact, query.connection.as_deref(), query.limit)?;
            Ok(Page { items, next: next.map(|id| id.to_string()) })
        })
        .await
    }

    /// Lists dead letters.
    pub async fn dead_letters(&self, query: DeadQuery) -> Result<Page<DeadLetter>, StoreError> {
        self.read(move |db| {
            let before = query.before.unwrap_or(ChangeId { ord: Ord(u64::MAX), index: u32::MAX });
            let (items, next) = dead::newest_below(db, before, &query.filter, query.limit)?;
            Ok(Page { items, next: next.map(|id| id.to_string()) })
        })
        .await
    }

    /// One dead letter.
    pub async fn dead_letter(&self, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
        self.read(move |db| dead::get(db, id)).await
    }

    /// How many dead letters a filter lets through.
    pub async fn dead_count_of(&self, filter: DeadFilter) -> Result<usize, StoreError> {
        self.dead_ids(filter).await.map(|ids| ids.len())
    }

    /// Which dead letters a filter lets through, oldest first.
    pub async fn dead_ids(&self, filter: DeadFilter) -> Result<Vec<ChangeId>, StoreError> {
        self.read(move |db| dead::ids(db, &filter)).await
    }

    /// The copy of the body of a dead letter's event.
    pub async fn dead_event(&self, id: ChangeId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| dead::event(db, id)).await
    }

    /// How many dead letters there are.
    pub async fn dead_count(&self) -> Result<u64, StoreError> {
        self.read(|db| dead::count(db)).await
    }

    /// A contact with all that is told of it, under whatever it is known by.
    pub async fn contact(&self, contact: Contact) -> Result<ContactView, StoreError> {
        self.read(move |db| view::whole(db, contact)).await
    }

    /// A contact and all that it is known by, itself first.
    pub async fn known_as(&self, contact: Contact) -> Result<Vec<Contact>, StoreError> {
        self.read(move |db| alias::all(db, contact)).await
    }

    /// Where the events are that name these contacts.
    pub(super) async fn find(&self, keys: Vec<ContactKey>) -> Result<forget::Found, StoreError> {
        self.read(move |db| forget::find(db, forget::Found::under(keys))).await
    }

    /// Lists contacts that something was settled for.
    pub async fn contacts(&self, query: ContactQuery) -> Result<Page<ContactRecord>, StoreError> {
        self.read(move |db| view::list(db, &query)).await
    }

    /// One contact in short; `None` where nothing was settled for it yet.
    pub async fn contact_record(&self, key: ContactKey) -> Result<Option<ContactRecord>, StoreError> {
        self.read(move |db| view::one(db, key)).await
    }

    /// The last word on each tag of a contact.
    pub async fn words(&self, contact: Contact) -> Result<Words, StoreError> {
        self.read(move |db| Ok(contact::load(db, contact.key())?.map_or_else(Words::new, |row| row.past.words))).await
    }

    /// When a connection's calls started since `since`, oldest first: what is left of its allowance after a restart.
    pub async fn calls_since(
        &self,
        connections: Vec<ConnectionName>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        if let From::Shared { standing, .. } = &self.from {
            // They are written by the database's clock.
            let ahead_ms = standing.ahead_ms();
            let starts =
                self.read_shared(move |db| started::since(db, &connections, since.plus_millis(ahead_ms))).await?;
            return Ok(starts.into_iter().map(|at| at.plus_millis(-ahead_ms)).collect());
        }
        self.read(move |db| {
            let mut starts = Vec::new();
            delivery::each_newest(db, |delivery| {
                if delivery.at >= since && connections.contains(&delivery.connection) {
                    let own = |call: &Attempt| (!call.uncounted).then_some(call.at);
                    let calls = delivery.attempts.iter().flat_map(|call| call.also.iter().copied().chain(own(call)));
                    starts.extend(calls.filter(|at| *at >= since));
                }
                delivery.at >= since
            })?;
            starts.extend(started::of(db, &connections)?.into_iter().filter(|at| *at >= since));
            starts.sort_unstable();
            Ok(starts)
        })
        .await
    }

    /// A connection's contacts with changes in the tables, and those in `recent`, each with its retry.
    pub(super) async fn waiting_of(
        &self,
        connection: ConnectionName,
        recent: Vec<ContactKey>,
    ) -> Result<Vec<Waiting>, StoreError> {
        let waiting = self.waiting_anywhere(connection, recent).await?;
        Ok(match &self.from {
            From::File { .. } => waiting,
            From::Shared { standing, .. } => {
                waiting.into_iter().filter(|one| standing.owns(one.key.bucket())).collect()
            }
        })
    }

    /// The same, whichever gateway delivers for them.
    pub(super) async fn waiting_anywhere(
        &self,
        connection: ConnectionName,
        recent: Vec<ContactKey>,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.read(move |db| recover::waiting_of(db, &connection, recent)).await
    }

    /// The number of the gateway that delivers for a contact, where several share the database and one has it now.
    pub async fn owner(&self, contact: ContactKey) -> Result<Option<i64>, StoreError> {
        let From::Shared { .. } = &self.from else { return Ok(None) };
        let bucket = i64::from(contact.bucket());
        let sql = "SELECT owner FROM bucket WHERE id = ?1 AND owner IS NOT NULL";
        self.read(move |db| db.first(sql, args![bucket], |row| row.int(0))).await
    }

    /// A connection's pause as it was last kept.
    pub async fn paused(&self, name: ConnectionName) -> Result<super::face::Paused, StoreError> {
        self.read(move |db| {
            let sql = "SELECT paused_since, reason, paused_ms, kind FROM connection WHERE name = ?1";
            let row = db.first(sql, args![name.as_str()], |row| {
                Ok(super::face::Paused {
                    since: row.int_if_any(0)?.map(Timestamp),
                    reason: row.text_if_any(1)?.unwrap_or_default().to_owned(),
                    before_ms: row.int(2)?,
                    kind: PauseKind::of_word(row.text(3)?),
                })
            });
            Ok(row?.unwrap_or_default())
        })
        .await
    }

    /// The gateways that share the database; none where it is a file.
    pub async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        let From::Shared { standing, .. } = &self.from else { return Ok(Vec::new()) };
        let standing = Arc::clone(standing);
        self.read_shared(move |session| others::list(session, &standing)).await
    }

    /// All subscriptions with how far each is, the oldest first.
    pub async fn subscriptions(&self) -> Result<Vec<(Subscription, Progress)>, StoreError> {
        self.read(|db| subscription::list(db)).await
    }

    /// Whether this gateway is the one that tells a subscriber: one of several that share the database.
    pub fn tells(&self, id: &str) -> bool {
        match &self.from {
            From::File { .. } => true,
            From::Shared { standing, .. } => standing.owns(subscription_bucket(id)),
        }
    }

    /// What was written behind a number, in order.
    pub async fn behind(&self, mut asked: Behind) -> Result<Stretch, StoreError> {
        // What was written bears the time of the database's clock there.
        let ahead = if let From::Shared { standing, .. } = &self.from { Some(standing.ahead_ms()) } else { None };
        asked.now = asked.now.plus_millis(ahead.unwrap_or_default());
        let began = Instant::now();
        let stretch = self.read(move |db| log::behind(db, &asked, ahead.is_some())).await?;
        Ok(stretch.seen_within(asked.now, began.elapsed()))
    }

    /// The newest of what was written, in order.
    pub async fn newest(&self, log: Log, limit: i64, now: Timestamp) -> Result<Vec<Written>, StoreError> {
        self.read(move |db| log::newest(db, log, limit, now)).await
    }

    /// When the next timer is over.
    pub async fn next_timer(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(timer::next).await
    }

    /// Timers that are over at `now`, the earliest first.
    pub async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<Timer>, StoreError> {
        if let From::Shared { standing, .. } = &self.from {
            // Each gateway ends the time of its own contacts' tags.
            let buckets = standing.owned();
            return self.read_shared(move |session| timer::due_in(session, now, &buckets, limit)).await;
        }
        self.read(move |db| timer::due(db, now, limit)).await
    }

    /// The text of a rule set that judged events.
    pub async fn rule_set(&self, hash: String) -> Result<Option<String>, StoreError> {
        self.read(move |db| {
            db.first("SELECT text FROM rule_set WHERE hash = ?1", args![&hash], |row| Ok(row.text(0)?.to_owned()))
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (path, db) = match &self.from {
            From::File { path, db } => (path.clone(), db.clone()),
            From::Shared { .. } => return self.read_shared(move |session| query(session)).await,
        };
        let look = move || {
            let mut db = db.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let open = match db.take() {
                Some(open) => open,
                None => schema::open_reader(&path)?,
            };
            let result = query(&open);
            *db = Some(open);
            result
        };
        if self.in_place {
            return look();
        }
        tokio::task::spawn_blocking(look).await.map_err(|e| StoreError::Unavailable(e.to_string()))?
    }

    async fn read_shared<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let From::Shared { session, .. } = &self.from else { return Err(StoreError::Stopped) };
        let session = Arc::clone(session);
        let look = move || session.lock().unwrap_or_else(std::sync::PoisonError::into_inner).read(query);
        tokio::task::spawn_blocking(look).await.map_err(|e| StoreError::Unavailable(e.to_string()))?
    }
}

fn event(db: &dyn Sql, ord: Ord) -> Result<Option<EventView>, StoreError> {
    let Some(lot) = lot::holding(db, ord)? else { return Ok(None) };
    let Some(record) = lot.record(ord)? else { return Ok(None) };
    let mut keys: Vec<ContactKey> = record.head.changes.iter().map(|c| c.contact.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut deliveries = Vec::new();
    let mut retries = Vec::new();
    while let Some(key) = keys.pop() {
        // The contact's other deliveries are not this event's story: those that settled or called for it, and failed tries while it waited.
        let is_ours = |d: &Delivery| d.retry.is_some() || d.is_about(ord);
        let found = delivery::of_contact(db, key, record.accepted_at, is_ours)?;
        let moved = found.iter().flat_map(|d| &d.settled).filter(|s| s.id.ord == ord && s.how == Settled::Moved);
        // Where a look-up found the contact under an id, the story goes on there.
        keys.extend(moved.map(|s| s.change.contact.key()).filter(|to| retries.iter().all(|(seen, _)| seen != to)));
        retries.push((key, contact::load(db, key)?.and_then(|row| row.retry)));
        deliveries.extend(found);
    }
    deliveries.sort_by_key(|delivery: &Delivery| delivery.id);
    deliveries.dedup_by_key(|delivery| delivery.id);
    let states = record.head.numbered();
    let changes: Vec<ChangeState> = states
        .map(|(index, change)| {
            let id = ChangeId { ord, index };
            let key = current(&deliveries, id).unwrap_or_else(|| change.contact.key());
            let retry = retries.iter().find(|(k, _)| *k == key).and_then(|(_, retry)| retry.clone());
            state(db, id, change, &deliveries, retry)
        })
        .collect::<Result<_, _>>()?;
    let waiting = changes.iter().any(|c| c.delivery.is_none());
    let last = changes.iter().filter_map(|c| c.delivery).max();
    deliveries.retain(|d| d.is_about(ord) || d.retry.is_some() && (waiting || last >= Some(d.id)));
    let repeated = "SELECT at, differs FROM duplicate WHERE ord = ?1 ORDER BY at";
    let duplicates = db.all(repeated, args![ord], |row| Ok((row.time(0)?, row.int(1)? != 0)))?;
    let faulty = fault::is_open(db, ord)?;
    Ok(Some(EventView { record, changes, deliveries, duplicates, faulty }))
}

/// Where a change that moved waits or was settled.
fn current(deliveries: &[Delivery], id: ChangeId) -> Option<ContactKey> {
    let moved = deliveries.iter().rev().flat_map(|d| &d.settled).find(|s| s.id == id && s.how == Settled::Moved);
    moved.map(|s| s.change.contact.key())
}

/// The last settlement tells, except of a dead letter that was retried: its change waits again.
fn state(
    db: &dyn Sql,
    id: ChangeId,
    change: &Change,
    deliveries: &[Delivery],
    retry: Option<Retry>,
) -> Result<ChangeState, StoreError> {
    let settled = deliveries.iter().rev().find_map(|d| d.settled.iter().find(|s| s.id == id).map(|s| (d.id, s)));
    let change = change.clone();
    if let Some((_, done)) = settled.filter(|(_, done)| done.how == Settled::Moved) {
        let reason = retry.as_ref().map_or_else(|| done.reason.clone(), |r| r.reason.clone());
        return Ok(ChangeState { id, change: done.change.clone(), state: "waiting", reason, delivery: None, retry });
    }
    if let Some((delivery, done)) = settled
        && (done.how != Settled::Dead || dead::get(db, id)?.is_some())
    {
        // The change as it ended: under the contact that was found.
        let (change, reason) = (done.change.clone(), done.reason.clone());
        return Ok(ChangeState { id, change, state: done.how.word(), reason, delivery: Some(delivery), retry: None });
    }
    let reason = retry.as_ref().map(|r| r.reason.clone()).unwrap_or_default();
    Ok(ChangeState { id, change, state: "waiting", reason, delivery: None, retry })
}
