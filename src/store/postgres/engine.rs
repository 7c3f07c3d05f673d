//! The thread that keeps the books of deliveries, and does all else that people and scripts ask for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::{Notify, mpsc::UnboundedSender};
use tokio_postgres::Row as PgRow;

use super::ahead::Room;
use super::gathering::{GROUP, gather};
use super::inbox::{OUTDATED, PERSON_FORGOTTEN, TOUCHED, WOKEN, here, tell, tell_each, tell_owners};
use super::others::tell_apart;
use super::partitions::Numbered;
use super::retain;
use super::session::{Many, Session};
use super::standing::Standing;
use super::starts::{START, count, counted, limits_met};
use crate::domain::change::{ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;
use crate::store::command::{Command, Kept, Outdated, carry_out};
use crate::store::contact::{self, ContactRow};
use crate::store::face::{Options, StoreError, Taken, Wake};
use crate::store::forget::{self, Forgotten, Found, Gone};
use crate::store::log::Log;
use crate::store::outbox::{Outbox, Reply};
use crate::store::runs::Runs;
use crate::store::sql::{Row, Sql, args};
use crate::store::started::{Start, Started};
use crate::store::{pending, timer};

/// Contacts whose changes are fetched in one go: of each a page is held.
const TAKEN: usize = 64;

/// Keeps the books: what is taken, what was settled, and all that people ask for.
pub(super) struct Books {
    pub session: Session,
    pub standing: Arc<Standing>,
    pub options: Options,
    pub wake: UnboundedSender<Vec<Wake>>,
    pub timers: Arc<Notify>,
    /// What was forgotten, as far as this gateway has heard.
    pub gone: Gone,
    /// The last of it that was heard of each contact.
    pub heard: HashMap<ContactKey, i64>,
    /// Whom was called for where that could not be recorded, and as which gateway.
    pub owed: Vec<(i64, ContactKey, ConnectionName)>,
    pub room: Arc<Room>,
}

impl Books {
    /// Serves until told to stop.
    pub fn run(mut self, queue: &Receiver<Command>) {
        while let Some((group, stop)) = gather(queue, GROUP, || ()) {
            let takes = |command: &Command| matches!(command, Command::Take { .. } | Command::InMemory(..));
            let (takes, writes): (Vec<_>, Vec<_>) = group.into_iter().partition(takes);
            let met = |command: &Command| matches!(command, Command::LimitMet(..));
            let (met, writes): (Vec<_>, Vec<_>) = writes.into_iter().partition(met);
            limits_met(&self.session, met);
            let starts = |command: &Command| matches!(command, Command::Start(..));
            let (starts, mut writes): (Vec<_>, Vec<_>) = writes.into_iter().partition(starts);
            self.start(starts);
            // A long one goes by itself, so that others don't wait for all of it, and its locks are few.
            let long = |command: &Command| matches!(command, Command::Retain(_) | Command::Forget(..));
            while let Some(first) = writes.iter().position(long) {
                let mut rest = writes.split_off(first);
                let after = rest.split_off(1);
                self.commit(writes);
                self.commit(rest);
                writes = after;
            }
            self.commit(writes);
            let mut wanted = Vec::new();
            for command in takes {
                match command {
                    Command::Take { contact, for_call, reply } => wanted.push((contact, for_call, reply)),
                    // All that waits is in the tables.
                    Command::InMemory(_, reply) => drop(reply.send(Ok(Vec::new()))),
                    _ => {}
                }
            }
            while !wanted.is_empty() {
                let rest = wanted.split_off(wanted.len().min(TAKEN));
                self.take(std::mem::replace(&mut wanted, rest));
            }
            if stop {
                break;
            }
        }
    }

    /// Counts calls that are to start, those of all gateways together.
    fn start(&self, starts: Vec<Command>) {
        let mut starts: Vec<(Start, Reply<Started>)> = starts
            .into_iter()
            .filter_map(|command| if let Command::Start(start, reply) = command { Some((start, reply)) } else { None })
            .collect();
        if starts.is_empty() {
            return;
        }
        // In one order everywhere: the account's lock is held until the commit.
        starts.sort_by(|(a, _), (b, _)| a.sharing.iter().min().cmp(&b.sharing.iter().min()));
        let may_call = self.standing.may_call();
        if !may_call {
            let lost = StoreError::Unavailable("this gateway's lease must be renewed first".to_owned());
            for (_, reply) in starts {
                let _ = reply.send(Err(lost.clone()));
            }
            return;
        }
        let counted = self.session.write(|db| {
            let answers = db.ask_all(starts.iter().map(|(start, _)| (START, count(start))).collect())?;
            starts.iter().zip(&answers).map(|((start, _), rows)| counted(start, rows)).collect::<Result<Vec<_>, _>>()
        });
        match counted {
            Ok(counted) => {
                for ((_, reply), counted) in starts.into_iter().zip(counted) {
                    let _ = reply.send(Ok(counted));
                }
            }
            Err(error) => starts.into_iter().for_each(|(_, reply)| drop(reply.send(Err(error.clone())))),
        }
    }

    /// Hands over what waits for some contacts, all of it found in one round trip.
    fn take(&mut self, wanted: Vec<(ContactKey, bool, Reply<Taken>)>) {
        let mut asked = Vec::with_capacity(wanted.len());
        for (key, for_call, reply) in wanted {
            let hold = if for_call {
                // What is another gateway's is none of ours, and what we may not call for any more isn't begun.
                let Some(hold) = self.standing.hold(key) else {
                    let _ = reply.send(Ok(Taken::default()));
                    continue;
                };
                if !self.standing.may_call() {
                    let lost = StoreError::Unavailable("this gateway's lease must be renewed first".to_owned());
                    let _ = reply.send(Err(lost));
                    continue;
                }
                Some(Arc::new(hold))
            } else {
                None
            };
            asked.push((key, hold, reply));
        }
        if asked.is_empty() {
            return;
        }
        let page = self.options.page;
        let keys: Vec<ContactKey> = asked.iter().map(|(key, ..)| *key).collect();
        let pages: Vec<usize> =
            asked.iter().map(|(_, hold, _)| if hold.is_some() { page } else { usize::MAX }).collect();
        match self.found(&keys, &pages) {
            Ok(found) => {
                for ((key, hold, reply), (mut taken, heard)) in asked.into_iter().zip(found) {
                    if hold.is_some() {
                        self.heard.extend(heard.map(|id| (key, id)));
                        self.gone.begins_anew(key);
                    }
                    taken.hold = hold;
                    let _ = reply.send(Ok(taken));
                }
            }
            Err(error) => asked.into_iter().for_each(|(_, _, reply)| drop(reply.send(Err(error.clone())))),
        }
    }

    /// What there is of these contacts, of each one page of changes, and which entry last told that it was forgotten.
    fn found(&self, keys: &[ContactKey], pages: &[usize]) -> Result<Vec<(Taken, Option<i64>)>, StoreError> {
        let limits = pages.iter().map(|page| i64::try_from(page.saturating_add(1)).unwrap_or(i64::MAX)).collect();
        let rows = "SELECT key, connection, reference, retry, words, guards, more FROM contact WHERE key = ANY ($1)";
        let mut answers = self.session.look(vec![
            (FORGOTTEN, vec![Many::keys(keys)]),
            (rows, vec![Many::keys(keys)]),
            (pending::OF_MANY, vec![Many::keys(keys), Many::Ints(limits)]),
            // A beat tells it too. An event that came straight to us after it must not be judged by what was known before.
            (CHANGED, vec![Many::keys(keys)]),
        ])?;
        let (Some(changed), Some(changes), Some(rows), Some(heard)) =
            (answers.pop(), answers.pop(), answers.pop(), answers.pop())
        else {
            return Err(StoreError::Damaged("four questions have four answers"));
        };
        let heard: HashMap<ContactKey, i64> =
            heard.iter().map(forgotten).map(|read| read.map(|(key, id, _)| (key, id))).collect::<Result<_, _>>()?;
        let rows = contacts(&rows)?;
        let mut found: Vec<(Taken, Option<i64>)> =
            keys.iter().map(|key| (Taken::default(), heard.get(key).copied())).collect();
        for row in &changed {
            let row = Row::Postgres(row);
            let (key, at) = (row.key(0)?, here(row.int(1)?, &self.options.clock, &self.standing));
            let theirs = found.iter_mut().zip(keys).filter(|(_, this)| **this == key);
            theirs.for_each(|((taken, _), _)| taken.outdated = Some(at));
        }
        for row in &changes {
            let (place, change) = pending::of_many(&Row::Postgres(row))?;
            if let Some((taken, _)) = found.get_mut(place) {
                taken.changes.push(change);
            }
        }
        for ((key, page), (taken, _)) in keys.iter().zip(pages).zip(&mut found) {
            taken.more = taken.changes.len() > *page;
            taken.changes.truncate(*page);
            taken.contact = taken.changes.first().map(|(_, change)| change.contact.clone());
            if let Some(row) = rows.get(key).cloned() {
                (taken.past, taken.retry) = (row.past, row.retry);
            }
        }
        Ok(found)
    }

    fn commit(&mut self, writes: Vec<Command>) {
        if writes.is_empty() {
            return;
        }
        let sets_timers = |write: &Command| matches!(write, Command::Settle(s, _) if timer::are_set(&s.settled));
        let timers = writes.iter().any(sets_timers);
        let logs = Log::written_by(&writes);
        let now = self.options.clock.now().plus_millis(self.standing.ahead_ms());
        let mut outbox = Outbox::default();
        let mut wakes = Vec::new();
        let as_who = self.standing.me();
        let called: Vec<_> = writes.iter().filter_map(calls_for).map(|(key, name)| (as_who, key, name)).collect();
        let Self { session, standing, options, gone, heard, owed, room, .. } = self;
        let done = session.write(|db| {
            let deliveries = writes.iter().filter(|write| write.writes() == Some(Log::Deliveries)).count();
            let (owners, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(is_owners);
            let mut keys: Vec<ContactKey> = owners.iter().filter_map(concerns).collect();
            keys.sort_unstable();
            keys.dedup();
            let mut told = false;
            let mut carrying = Carrying {
                session: db,
                options,
                room,
                gone,
                numbers: Vec::new(),
                rows: HashMap::new(),
                absent: HashSet::new(),
                runs: Runs::unneeded(),
                wanted: deliveries,
            };
            if !owners.is_empty() {
                let mut answers = db.ask_all(vec![
                    (NUMBERS, vec![Many::One((deliveries as i64).into())]),
                    (
                        "SELECT id FROM gateway WHERE id = $1 AND fenced = 0 FOR KEY SHARE",
                        vec![Many::One(standing.me().into())],
                    ),
                    (LOCK, vec![Many::keys(&keys)]),
                    (FORGOTTEN, vec![Many::keys(&keys)]),
                ])?;
                let (Some(entries), Some(rows), Some(alive)) = (answers.pop(), answers.pop(), answers.pop()) else {
                    return Err(StoreError::Damaged("four questions have four answers"));
                };
                carrying.numbers = numbers(&answers.pop().unwrap_or_default())?;
                carrying.rows = contacts(&rows)?;
                carrying.absent = keys.iter().copied().filter(|key| !carrying.rows.contains_key(key)).collect();
                let mine = standing.me() != 0 && !alive.is_empty();
                for entry in &entries {
                    let (contact, id, upto) = forgotten(entry)?;
                    if heard.get(&contact).is_none_or(|seen| *seen < id) {
                        heard.insert(contact, id);
                        carrying.gone.add(vec![contact], upto);
                    }
                }
                for command in owners {
                    let owns = concerns(&command).is_none_or(|key| standing.serves(key));
                    if mine && owns {
                        carry_out(command, db, &mut carrying, now, &mut outbox, &mut wakes)?;
                    } else {
                        late(db, command, now, &mut outbox)?;
                    }
                }
            }
            // What others do to the rows isn't told here.
            carrying.rows.clear();
            carrying.absent.clear();
            for command in others {
                match command {
                    Command::Outdated(Outdated { contacts, forgotten }, reply) => {
                        for what in [OUTDATED].into_iter().chain(forgotten.then_some(PERSON_FORGOTTEN)) {
                            told |= tell_owners(db, standing.me(), contacts.iter().cloned(), what)?;
                        }
                        outbox.push(reply, Ok(()));
                    }
                    Command::KeepRuleSet(set, reply) => {
                        standing.runs(&set.hash);
                        tell_apart(db, standing.me(), &set.hash)?;
                        let sql = "UPDATE gateway SET rule_set = ?1 WHERE id = ?2";
                        (db as &dyn Sql).send(sql, args![&set.hash, standing.me()])?;
                        let command = Command::KeepRuleSet(set, reply);
                        carry_out(command, db, &mut carrying, now, &mut outbox, &mut wakes)?;
                    }
                    Command::SaidAgain(contact, entry, reply) => {
                        let sql = "DELETE FROM inbox WHERE bucket = ?1 AND id = ?2";
                        db.send(sql, args![i64::from(contact.bucket()), entry])?;
                        outbox.push(reply, Ok(()));
                    }
                    Command::TellOthers(connection, what) => {
                        told = true;
                        tell_each(db, standing.me(), connection.as_str(), what, now)?;
                    }
                    command => carry_out(command, db, &mut carrying, now, &mut outbox, &mut wakes)?,
                }
            }
            // Its lease has ended since: what was called for may have come late, though nobody was told.
            for (_, key, connection) in owed.iter().filter(|(who, ..)| *who == 0 || *who != standing.me()) {
                tell(db, *key, connection.as_str(), TOUCHED, now)?;
                told = true;
            }
            let woken = wakes.iter().map(|wake| (wake.key, wake.connection.clone()));
            Ok(tell_owners(db, standing.me(), woken, WOKEN)? || told)
        });
        match &done {
            Err(error) => {
                self.standing.doubt(wakes.iter().map(|wake| wake.key.bucket()));
                self.owed.extend(called);
                tracing::error!(%error, "commit failed; what was in it is not stored");
            }
            Ok(tell_others) => {
                self.options.commits.tell(logs);
                self.owed.clear();
                wakes.retain(|wake| self.standing.owns(wake.key.bucket()));
                if !wakes.is_empty() {
                    let _ = self.wake.send(wakes);
                }
                if timers {
                    self.timers.notify_one();
                }
                if *tell_others {
                    self.standing.tell_others();
                }
            }
        }
        outbox.send(done.as_ref().err());
    }
}

/// For whom calls were made that this tells of.
fn calls_for(command: &Command) -> Option<(ContactKey, ConnectionName)> {
    match command {
        Command::Settle(settlement, _) if !settlement.attempts.is_empty() => {
            Some((settlement.contact.key(), settlement.contact.connection.clone()))
        }
        _ => None,
    }
}

/// Whether only the contact's owner may do this.
fn is_owners(command: &Command) -> bool {
    matches!(command, Command::Settle(..) | Command::KeepJudged(..))
}

/// Whose row a command is about.
fn concerns(command: &Command) -> Option<ContactKey> {
    match command {
        Command::Settle(settlement, _) => Some(settlement.contact.key()),
        Command::KeepJudged(judged, _) => Some(judged.0.key()),
        _ => None,
    }
}

/// A gateway whose lease has ended records nothing. What it may have called for is told to the contact's owner.
fn late(db: &dyn Sql, command: Command, now: Timestamp, outbox: &mut Outbox) -> Result<(), StoreError> {
    let ended = || StoreError::Unavailable("this gateway's lease has ended; another one has the contact".to_owned());
    match command {
        Command::Settle(settlement, reply) => {
            if !settlement.attempts.is_empty() {
                let contact = &settlement.contact;
                tracing::warn!(connection = %contact.connection, "a call was made after the lease had ended; the contact's owner sets it right");
                tell(db, contact.key(), contact.connection.as_str(), TOUCHED, now)?;
            }
            outbox.push(reply, Err(ended()));
        }
        Command::KeepJudged(_, reply) => outbox.push(reply, Err(ended())),
        _ => {}
    }
    Ok(())
}

/// Locks contacts' rows in one order, so that no two gateways wait for each other, and reads them.
const LOCK: &str = "SELECT key, connection, reference, retry, words, guards, more FROM contact WHERE key = ANY ($1)
    ORDER BY key FOR UPDATE";

/// Which of some contacts were forgotten, by which entry, and up to which event.
const FORGOTTEN: &str = "SELECT contact, id, upto FROM forgotten WHERE contact = ANY ($1) ORDER BY id";

/// Of which of some contacts other gateways were told that their tags have changed, and when last: 1 is [`super::inbox::OUTDATED`].
const CHANGED: &str = "SELECT contact, max(at) FROM inbox WHERE what = 1 AND contact = ANY ($1) GROUP BY contact";

/// Numbers of deliveries, the next one last.
const NUMBERS: &str = "SELECT nextval('delivery_number') FROM generate_series(1, $1) ORDER BY 1 DESC";

fn forgotten(row: &PgRow) -> Result<(ContactKey, i64, Ord), StoreError> {
    let row = Row::Postgres(row);
    Ok((row.key(0)?, row.int(1)?, row.ord(2)?))
}

fn contacts(rows: &[PgRow]) -> Result<HashMap<ContactKey, ContactRow>, StoreError> {
    let read = |row| {
        let row = Row::Postgres(row);
        Ok((row.key(0)?, contact::read(&row, 1)?))
    };
    rows.iter().map(read).collect()
}

fn numbers(rows: &[PgRow]) -> Result<Vec<i64>, StoreError> {
    rows.iter().map(|row| Row::Postgres(row).int(0)).collect()
}

/// What carrying out commands needs besides the database.
struct Carrying<'a> {
    session: &'a Session,
    options: &'a Options,
    room: &'a Room,
    gone: &'a mut Gone,
    /// Numbers of deliveries that were fetched for this commit, the next one last.
    numbers: Vec<i64>,
    /// Rows of contacts that are locked, and contacts that have none.
    rows: HashMap<ContactKey, ContactRow>,
    absent: HashSet<ContactKey>,
    runs: Runs,
    /// How many may be wanted.
    wanted: usize,
}

impl Kept for Carrying<'_> {
    fn runs(&mut self) -> &mut Runs {
        &mut self.runs
    }

    fn gone(&mut self) -> &mut Gone {
        self.gone
    }

    fn next_delivery(&mut self) -> Result<i64, StoreError> {
        if self.numbers.is_empty() {
            let rows = self.session.ask(NUMBERS, vec![Many::One((self.wanted.max(1) as i64).into())])?;
            self.numbers = numbers(&rows)?;
        }
        let number = self.numbers.pop().ok_or(StoreError::Damaged("a sequence gave no number"))?;
        self.room.reached(Numbered::Deliveries, number);
        Ok(number)
    }

    /// Every start is kept: it is what all gateways count.
    fn end_starts(&mut self, _: &dyn Sql, _: &[i64]) -> Result<(), StoreError> {
        Ok(())
    }

    fn row(&mut self, db: &dyn Sql, key: ContactKey) -> Result<Option<ContactRow>, StoreError> {
        match self.rows.remove(&key) {
            None if !self.absent.contains(&key) => contact::load(db, key),
            row => Ok(row),
        }
    }

    fn written(&mut self, key: ContactKey, row: ContactRow) {
        self.absent.remove(&key);
        self.rows.insert(key, row);
    }

    /// A transaction lasts no longer: its statements have a limit.
    fn in_flight_ms(&self) -> i64 {
        60_000
    }

    fn settled(&mut self, _: ContactKey, _: &[ChangeId]) {}

    fn forget(
        &mut self,
        db: &dyn Sql,
        contact: Contact,
        found: Found,
    ) -> Result<(Forgotten, Vec<ContactKey>), StoreError> {
        let (erased, keys) = forget::erase(db, contact, found)?;
        let upto = self.session.ask("SELECT take_numbers_1(1)", Vec::new())?;
        let upto = upto.first().map_or(Ok(Ord(u64::MAX >> 1)), |row| Row::Postgres(row).ord(0))?;
        for key in &keys {
            let sql = "INSERT INTO forgotten (contact, upto, at) VALUES (?1, ?2, ?3)";
            db.send(sql, args![key, upto, self.options.clock.now()])?;
        }
        self.gone.add(keys.clone(), upto);
        Ok((erased, keys))
    }

    fn retain(&mut self, _: &dyn Sql, now: Timestamp) -> Result<bool, StoreError> {
        retain::step(self.session, now, self.options.retention)
    }
}
