//! Retention where gateways share a database: partitions are dropped whole. What last words keep of them is copied before, a piece a
//! commit.

use std::time::Duration;

use super::keep;
use super::partitions::{self, Numbered, Partition};
use super::session::Session;
use crate::domain::change::Ord;
use crate::domain::time::Timestamp;
use crate::store::dedup::WINDOW_MS;
use crate::store::schema::{meta, set_meta};
use crate::store::sql::{Sql, args};
use crate::store::{StoreError, fault, lot, notice, started, subscription};

/// Events, or deliveries, that one step copies from.
const PIECE: u64 = 256;
/// Rows that one step removes one by one.
const SLICE: i64 = 2_000;
/// A key is kept for so long after nobody asks for it any more: the fewer there are, the more of their index is in memory.
const SPARE_MS: i64 = 3_600_000;
/// Keys that go at once.
const KEYS: i64 = 20_000;
/// One gateway at a time: the number of a lock ("tagretai").
const LOCK: i64 = 0x7461_6772_6574_6169;

/// Removes some of what is older than the retention; tells whether there may be more.
pub(super) fn step(session: &Session, now: Timestamp, retention: Duration) -> Result<bool, StoreError> {
    let db: &dyn Sql = session;
    started::retain(db, now)?;
    let before = now.plus_millis(-i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
    if numbered(session, before, partitions::span_ms(retention))? {
        return Ok(true);
    }
    fault::retain(db)?;
    notice::retain(db, before)?;
    subscription::retain(db, before)?;
    shared(db, now)
}

/// Removes what only a database of several gateways keeps: keys that are too old to be asked for, who was forgotten long ago, and
/// gateways that are no more.
///
/// Keys go a slice at a time; tells whether there may be more.
fn shared(db: &dyn Sql, now: Timestamp) -> Result<bool, StoreError> {
    let before = now.plus_millis(-WINDOW_MS - SPARE_MS);
    let slice = "DELETE FROM dedup WHERE key IN (SELECT key FROM dedup WHERE at < ?1 LIMIT ?2)";
    let keys = db.run(slice, args![before, KEYS])?;
    db.send("DELETE FROM forgotten WHERE at < ?1", args![before])?;
    db.send("DELETE FROM gateway WHERE fenced = 1 AND until < ?1", args![before])?;
    Ok(keys as i64 >= KEYS)
}

/// Of what lies in partitions, `span_ms` being how long one is to last.
fn numbered(session: &Session, before: Timestamp, span_ms: i64) -> Result<bool, StoreError> {
    let db: &dyn Sql = session;
    let free = "SELECT CASE WHEN pg_try_advisory_xact_lock(?1) THEN 1::bigint ELSE 0::bigint END";
    if db.first(free, args![LOCK], |row| row.int(0))? != Some(1) {
        return Ok(false);
    }
    for of in Numbered::ALL {
        if of_table(session, of, before, span_ms)? {
            return Ok(true);
        }
    }
    db.send("DELETE FROM duplicate WHERE at < ?1", args![before])?;
    Ok(false)
}

/// What is old of one table: copied from first, then dropped, or removed where its partition stays.
fn of_table(session: &Session, of: Numbered, before: Timestamp, span_ms: i64) -> Result<bool, StoreError> {
    let db: &dyn Sql = session;
    let kept = meta(db, of.kept())?;
    // Before anything is looked at: whatever gets a greater number came later.
    let next = partitions::next_number(db, of)?;
    let first_young = match copy(session, of, kept, before)? {
        Copied::Upto(number) => {
            set_meta(db, of.kept(), number)?;
            return Ok(true);
        }
        Copied::All { young } => young.unwrap_or(next),
    };
    let oldest = partitions::list(db, of)?.into_iter().next();
    if let Some(oldest) = oldest.as_ref().filter(|oldest| oldest.to <= first_young) {
        return drop_whole(db, of, oldest, kept);
    }
    // Where little comes, a partition lasts for long: then what is old in it isn't kept until all of it is.
    let goes_soon = match &oldest {
        Some(oldest) if oldest.to <= next => newest(db, of, oldest)?.is_none_or(|at| at < before.plus_millis(span_ms)),
        _ => false,
    };
    let table = of.table();
    if goes_soon { remove(db, of, &format!("{table}_rest"), kept) } else { remove(db, of, table, kept) }
}

/// How far what last words keep has been copied.
enum Copied {
    /// A piece more, up to this number.
    Upto(i64),
    /// Of all that is old. The first that isn't has this number.
    All { young: Option<i64> },
}

/// Copies what last words keep of the next piece that is old.
fn copy(session: &Session, of: Numbered, kept: i64, before: Timestamp) -> Result<Copied, StoreError> {
    let db: &dyn Sql = session;
    match of {
        Numbered::Lots => {
            let mut lots = lot::from(db, Ord(kept.max(0) as u64), PIECE)?;
            let old = lots.iter().position(|lot| lot.at >= before).unwrap_or(lots.len());
            let young = lots.drain(old..).next().map(|lot| lot.first.0 as i64);
            let Some(last) = lots.last() else { return Ok(Copied::All { young }) };
            keep::of_lots(session, &lots)?;
            Ok(Copied::Upto(last.last().0 as i64 + 1))
        }
        Numbered::Deliveries => {
            let sql = "SELECT id, contact, at FROM delivery WHERE id >= ?1 ORDER BY id LIMIT ?2";
            let read = db.all(sql, args![kept, PIECE as i64], |row| Ok(((row.int(0)?, row.key(1)?), row.time(2)?)))?;
            let is_old = |(_, at): &&(_, Timestamp)| *at < before;
            let old: Vec<_> = read.iter().take_while(is_old).map(|(delivery, _)| *delivery).collect();
            let young = read.get(old.len()).map(|((id, _), _)| *id);
            let Some((last, _)) = old.last() else { return Ok(Copied::All { young }) };
            keep::of_deliveries(session, &old)?;
            Ok(Copied::Upto(last + 1))
        }
    }
}

/// Drops a partition in which all is old and copied from; whether it went. Who reads or writes the table isn't made to wait for long:
/// where one of them would have to be waited for, it is tried again with the next retention.
fn drop_whole(db: &dyn Sql, of: Numbered, partition: &Partition, kept: i64) -> Result<bool, StoreError> {
    let Partition { name, from, to } = partition;
    let sql = "SELECT drop_partition_1(?1, ?2, ?3, ?4)";
    let gone = db.first(sql, args![of.table(), name, of.number(), kept], |row| row.int(0))? == Some(1);
    if gone {
        tracing::info!(table = of.table(), from, to, "a partition was dropped: all in it was old");
    } else {
        tracing::info!(table = of.table(), from, to, "a partition in which all is old is in use; it is dropped later");
    }
    Ok(gone)
}

/// When the newest row of a partition was written.
fn newest(db: &dyn Sql, of: Numbered, partition: &Partition) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!("SELECT at FROM {} ORDER BY {} DESC LIMIT 1", partition.name, of.number());
    db.first(&sql, &[], |row| row.time(0))
}

/// Removes some rows below `kept`; whether there may be more.
fn remove(db: &dyn Sql, of: Numbered, table: &str, kept: i64) -> Result<bool, StoreError> {
    let number = of.number();
    let sql = format!("SELECT {number} FROM {table} WHERE {number} < ?1 ORDER BY {number} LIMIT ?2");
    let numbers = db.all(&sql, args![kept, SLICE], |row| row.int(0))?;
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(false) };
    // By their bounds, so that only the partitions are looked at that hold them.
    db.run(&format!("DELETE FROM {table} WHERE {number} >= ?1 AND {number} <= ?2"), args![*first, *last])?;
    Ok(numbers.len() as i64 == SLICE)
}
