//! What was written, read in the order of its numbers: events, deliveries, and notices of connections.
//!
//! In a file numbers are committed in their order. Where several gateways write, a number may be committed after a greater one: so
//! nobody goes past a gap before it is certain that nothing will fill it. That takes some looks, see [`Gap`].

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::StoreError;
use super::command::Command;
use super::delivery::{self, Delivery};
use super::lot;
use super::notice::{self, Notice};
use super::record::EventHead;
use super::sql::{Row, Sql, args};
use crate::domain::change::Ord;
use crate::domain::subscription::Topic;
use crate::domain::time::Timestamp;

/// Whoever takes a number is known to the database as one who writes within this time.
const SETTLED_MS: i64 = 2_000;
/// Whatever else goes on there, no transaction of a gateway lasts so long: its statements have a limit.
const OVER_MS: i64 = 60_000;

/// What is written with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, std::cmp::Ord)]
pub enum Log {
    /// Events.
    Lots,
    /// What was brought about.
    Deliveries,
    /// What happened to connections.
    Notices,
}

impl Log {
    /// Where it stands what a topic tells.
    pub fn of(topic: Topic) -> Self {
        match topic {
            Topic::TagAdded | Topic::TagRemoved | Topic::DeadLetter => Self::Deliveries,
            Topic::RuleFired => Self::Lots,
            Topic::ConnectionPaused => Self::Notices,
        }
    }

    /// Those in which something is written by these.
    pub(super) fn written_by(commands: &[Command]) -> BTreeSet<Self> {
        commands.iter().filter_map(Command::writes).collect()
    }

    /// Its table, and the column of its number.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Lots => ("lot", "first"),
            Self::Deliveries => ("delivery", "id"),
            Self::Notices => ("notice", "id"),
        }
    }
}

/// Who wants to hear that something was written: of each log by itself, so that nobody is woken for what they don't read.
#[derive(Debug, Clone, Default)]
pub struct Commits {
    lots: watch::Sender<()>,
    deliveries: watch::Sender<()>,
    notices: watch::Sender<()>,
}

impl Commits {
    fn of(&self, log: Log) -> &watch::Sender<()> {
        match log {
            Log::Lots => &self.lots,
            Log::Deliveries => &self.deliveries,
            Log::Notices => &self.notices,
        }
    }

    /// Tells that some of these was committed.
    pub(super) fn tell(&self, logs: impl IntoIterator<Item = Log>) {
        for log in logs {
            self.of(log).send_if_modified(|()| true);
        }
    }

    /// Hears of each commit from now on.
    pub(super) fn hear(&self, log: Log) -> watch::Receiver<()> {
        self.of(log).subscribe()
    }
}

/// One of what was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// An event, with its number and when it was accepted.
    Event(Ord, Timestamp, Box<EventHead>),
    /// A delivery.
    Delivery(Box<Delivery>),
    /// What happened to a connection.
    Notice(Notice),
}

impl Written {
    /// When it was.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event(_, at, _) => *at,
            Self::Delivery(delivery) => delivery.at,
            Self::Notice(notice) => notice.at,
        }
    }
}

/// Some of what was written, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stretch {
    /// Each with its number.
    pub written: Vec<(i64, Written)>,
    /// All up to here has been looked at.
    pub upto: i64,
    /// Whether there is more, or may be soon, without anybody saying so.
    pub more: bool,
    /// What was left behind for the next look.
    pub gap: Option<Gap>,
}

/// Numbers that are missing, and what was learnt of them.
///
/// Transactions don't take their numbers in the order in which they begin to write: one may take a number before the database knows
/// of it as one who writes, or in the middle of its work. So it says nothing that a greater number was written by an older one. But
/// a number that is missing below one that is there was taken when the gap was seen, and whoever took it is known a moment later:
/// when all that are known by then have ended, nobody is left who could fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// All numbers up to here were taken when it was seen.
    upto: i64,
    /// When it was seen.
    seen: Timestamp,
    /// All who had taken one of the numbers were known to the database as transactions below this one.
    writers: Option<i64>,
}

impl Stretch {
    /// A look that was asked for then took so long: what it saw may have been written as late.
    pub(super) fn seen_within(mut self, asked: Timestamp, took: Duration) -> Self {
        if let Some(gap) = self.gap.as_mut().filter(|gap| gap.seen == asked) {
            gap.seen = asked.plus(took);
        }
        self
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Behind {
    /// Of this.
    pub log: Log,
    /// Only greater numbers.
    pub after: i64,
    /// About so many.
    pub limit: usize,
    /// What the look before left behind.
    pub gap: Option<Gap>,
    /// The time.
    pub now: Timestamp,
}

/// Reads what comes behind a number. `shared`: others may be writing what has lower numbers than what is there.
pub(super) fn behind(db: &dyn Sql, asked: &Behind, shared: bool) -> Result<Stretch, StoreError> {
    let Behind { log, after, limit, now, .. } = *asked;
    let mut stretch = Stretch { upto: after, ..Stretch::default() };
    if log == Log::Lots {
        // The rest of one that was begun.
        let begun = lot::newest_below(db, Ord(after.max(0) as u64 + 1))?.filter(|lot| lot.last().0 as i64 > after);
        begun.map_or(Ok(()), |lot| take_lot(&mut stretch, &lot))?;
    }
    let (table, number) = log.place();
    let columns = match log {
        Log::Lots => lot::COLUMNS_OF_ONE,
        Log::Deliveries => delivery::COLUMNS,
        Log::Notices => notice::COLUMNS,
    };
    let oldest = if shared { "(SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint)" } else { "0" };
    let sql = format!("SELECT {columns}, {oldest} FROM {table} WHERE {number} > ?1 ORDER BY {number}");
    let oldest = columns.split(',').count();
    let mut waits = false;
    if stretch.written.len() < limit {
        db.each(&sql, args![stretch.upto], &mut |row| {
            let found = row.int(0)?;
            let gap = asked.gap.filter(|gap| found <= gap.upto);
            // By how long it is known, and not by what the row says of its time, which is another clock's.
            let is_over = gap.is_some_and(|gap| now.since(gap.seen) > OVER_MS);
            if shared && found > stretch.upto + 1 && !is_over {
                // All who may have taken it have ended: what they wrote is seen by this very look.
                let oldest = row.int(oldest)?;
                if gap.and_then(|gap| gap.writers).is_none_or(|writers| oldest < writers) {
                    (stretch.more, waits, stretch.gap) = (true, true, gap);
                    return Ok(false);
                }
            }
            take(&mut stretch, log, &row, found)?;
            stretch.more = stretch.written.len() >= limit;
            Ok(!stretch.more)
        })?;
    } else {
        stretch.more = true;
    }
    stretch.gap = if waits {
        noted(db, (table, number), stretch.gap, now)?
    } else {
        asked.gap.filter(|gap| stretch.upto < gap.upto)
    };
    Ok(stretch)
}

/// Learns more of a gap that nobody may go past yet.
fn noted(db: &dyn Sql, place: (&str, &str), gap: Option<Gap>, now: Timestamp) -> Result<Option<Gap>, StoreError> {
    let Some(mut gap) = gap else {
        // For all that are missing now, so that many gaps take no longer than one.
        let (table, number) = place;
        let newest = format!("SELECT {number} FROM {table} ORDER BY {number} DESC LIMIT 1");
        let newest = db.first(&newest, &[], |row| row.int(0))?;
        return Ok(newest.map(|upto| Gap { upto, seen: now, writers: None }));
    };
    if gap.writers.is_none() && now.since(gap.seen) > SETTLED_MS {
        // A number of our own: a snapshot tells of nobody who began after the last that ended.
        gap.writers = db.first("SELECT pg_current_xact_id()::text::bigint", &[], |row| row.int(0))?;
    }
    Ok(Some(gap))
}

fn take(stretch: &mut Stretch, log: Log, row: &Row<'_>, number: i64) -> Result<(), StoreError> {
    match log {
        Log::Lots => return take_lot(stretch, &lot::open(row)?),
        Log::Deliveries => {
            let delivery = delivery::from_row(row)?;
            stretch.written.push((number, Written::Delivery(Box::new(delivery))));
        }
        Log::Notices => stretch.written.push((number, Written::Notice(notice::read(row)?))),
    }
    stretch.upto = number;
    Ok(())
}

/// What of a lot wasn't looked at yet.
fn take_lot(stretch: &mut Stretch, lot: &lot::Lot) -> Result<(), StoreError> {
    let after = stretch.upto;
    for entry in lot.frames() {
        let (ord, frame) = entry?;
        if ord.0 as i64 > after {
            let event = Written::Event(ord, lot.at, Box::new(frame.head()?));
            stretch.written.push((ord.0 as i64, event));
        }
    }
    stretch.upto = lot.last().0 as i64;
    Ok(())
}

/// The number behind which stands what is written from `now` on, and what has been begun to be written within `in_flight_ms` before.
pub(super) fn now(db: &dyn Sql, log: Log, now: Timestamp, in_flight_ms: i64) -> Result<i64, StoreError> {
    let (table, number) = log.place();
    let end = if log == Log::Lots { "first + events - 1" } else { number };
    let newest = format!("SELECT {number}, at, {end} FROM {table} ORDER BY {number} DESC LIMIT 1");
    let newest = db.first(&newest, &[], |row| Ok((row.int(0)?, row.time(1)?, row.int(2)?)))?;
    let Some((first, at, last)) = newest else { return Ok(0) };
    let since = now.plus_millis(-in_flight_ms);
    if in_flight_ms == 0 || at < since {
        return Ok(last);
    }
    // Times ascend with numbers, nearly: the oldest that was written since then is found by halving.
    let look = format!("SELECT {end}, at FROM {table} WHERE {number} >= ?1 ORDER BY {number} LIMIT 1");
    let (mut from, mut to) = (1, first);
    while from < to {
        let middle = from + (to - from) / 2;
        match db.first(&look, args![middle], |row| Ok((row.int(0)?, row.time(1)?)))? {
            Some((end, at)) if at < since => from = end + 1,
            _ => to = middle,
        }
    }
    // What is there without a gap is written already. What a gap is left for may be on its way.
    let rest = format!("SELECT {number}, {end} FROM {table} WHERE {number} >= ?1 ORDER BY {number}");
    let mut upto = from - 1;
    db.each(&rest, args![from], &mut |row| {
        let follows = row.int(0)? == upto + 1;
        if follows {
            upto = row.int(1)?;
        }
        Ok(follows)
    })?;
    Ok(upto)
}

/// The newest of what there is, in order: about so many.
pub(super) fn newest(db: &dyn Sql, log: Log, limit: i64, now: Timestamp) -> Result<Vec<Written>, StoreError> {
    let (table, number) = log.place();
    let newest = format!("SELECT {number} FROM {table} ORDER BY {number} DESC LIMIT ?1");
    let mut numbers = db.all(&newest, args![limit], |row| row.int(0))?;
    let Some(after) = numbers.pop().map(|oldest| oldest - 1) else { return Ok(Vec::new()) };
    // Gaps are nothing to wait for here.
    let all = Behind { log, after, limit: usize::MAX, gap: None, now };
    Ok(behind(db, &all, false)?.written.into_iter().map(|(_, written)| written).collect())
}
