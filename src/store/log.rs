//! What was written, read in the order of its numbers: events, deliveries, and notices of connections.
//!
//! In a file numbers are committed in their order. Where several gateways write, a number may be committed after a greater one: so
//! nobody goes past a gap before it is certain that nothing will fill it.

use super::StoreError;
use super::delivery::{self, Delivery};
use super::lot;
use super::notice::{self, Notice};
use super::record::EventHead;
use super::sql::{Row, Sql, args};
use crate::domain::change::Ord;
use crate::domain::subscription::Topic;
use crate::domain::time::Timestamp;

/// A gap is none any more when what comes behind it is so old and all that was being written by then has ended: whoever takes a number
/// is known to the database as one who writes within this time.
const SETTLED_MS: i64 = 2_000;
/// Whatever else goes on there, no transaction of a gateway lasts so long: its statements have a limit.
const OVER_MS: i64 = 60_000;

/// What is written with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Its table, and the column of its number.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Lots => ("lot", "first"),
            Self::Deliveries => ("delivery", "id"),
            Self::Notices => ("notice", "id"),
        }
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
    /// The time.
    pub now: Timestamp,
}

/// Reads what comes behind a number. `shared`: others may be writing what has lower numbers than what is there.
pub(super) fn behind(db: &dyn Sql, asked: &Behind, shared: bool) -> Result<Stretch, StoreError> {
    let Behind { log, after, limit, now } = *asked;
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
    // The transaction that wrote a row is older than any that is still under way.
    let settled = if shared {
        "CASE WHEN age(xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid) THEN 1::bigint ELSE 0::bigint END"
    } else {
        "1"
    };
    let sql = format!("SELECT {columns}, {settled} FROM {table} WHERE {number} > ?1 ORDER BY {number}");
    let last = columns.split(',').count();
    if stretch.written.len() < limit {
        db.each(&sql, args![stretch.upto], &mut |row| {
            let (found, at) = (row.int(0)?, row.time(1)?);
            let age = now.since(at);
            let is_passed =
                || -> Result<bool, StoreError> { Ok(age > OVER_MS || age > SETTLED_MS && row.int(last)? == 1) };
            if shared && found > stretch.upto + 1 && !is_passed()? {
                stretch.more = true;
                return Ok(false);
            }
            take(&mut stretch, log, &row, found)?;
            stretch.more = stretch.written.len() >= limit;
            Ok(!stretch.more)
        })?;
    } else {
        stretch.more = true;
    }
    Ok(stretch)
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
    let all = Behind { log, after, limit: usize::MAX, now };
    Ok(behind(db, &all, false)?.written.into_iter().map(|(_, written)| written).collect())
}
