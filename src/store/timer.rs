//! Timers: tags that were added for a time. They outlive rules and retention.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::contact::json;
use super::delivery::SettledChange;
use crate::domain::change::{Change, ChangeId, Ord, Settled};
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;

/// A tag's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// When it is over.
    pub due: Timestamp,
    /// The add that set it.
    pub add: ChangeId,
    /// What takes the tag away.
    pub remove: Change,
}

/// Keeps the timers of adds that have taken effect; one that was so already renews its time all the same.
pub(super) fn keep(db: &Connection, settled: &[SettledChange]) -> Result<(), StoreError> {
    for done in settled.iter().filter(|done| matches!(done.how, Settled::Applied | Settled::Already)) {
        let Some((due, remove)) = done.change.end(done.id) else { continue };
        let sql = "INSERT OR REPLACE INTO timer VALUES (?1, ?2, ?3, ?4, ?5)";
        let (ord, index) = (done.id.ord.0 as i64, done.id.index);
        db.prepare_cached(sql)?.execute(params![
            due.0,
            ord,
            index,
            json(&remove),
            remove.contact.key().0.as_slice()
        ])?;
    }
    Ok(())
}

/// Whether a delivery sets a timer.
pub(super) fn are_set(settled: &[SettledChange]) -> bool {
    settled.iter().any(|done| done.change.terms.as_ref().is_some_and(|terms| terms.lasts_ms.is_some()))
}

/// The timers that are over at `now`, the earliest first.
pub(super) fn due(db: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Timer>, StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE due <= ?1 ORDER BY due, ord, ix LIMIT ?2";
    collect(db, sql, params![now.0, limit as i64])
}

/// A contact's timers.
pub(super) fn of(db: &Connection, key: ContactKey) -> Result<Vec<Timer>, StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE contact = ?1 ORDER BY due, ord, ix";
    collect(db, sql, params![key.0.as_slice()])
}

/// Says of each timer whose tag it is about, in a file of a version that didn't.
pub(super) fn fill(db: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE contact IS NULL";
    for timer in collect(db, sql, [])? {
        let (ord, index) = (timer.add.ord.0 as i64, timer.add.index);
        let key = timer.remove.contact.key();
        let sql = "UPDATE timer SET contact = ?4 WHERE due = ?1 AND ord = ?2 AND ix = ?3";
        db.execute(sql, params![timer.due.0, ord, index, key.0.as_slice()])?;
    }
    Ok(())
}

fn collect(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Timer>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        let add = ChangeId { ord: Ord(row.get::<_, i64>(1)? as u64), index: row.get(2)? };
        let remove = serde_json::from_str(&row.get::<_, String>(3)?)
            .map_err(|_| StoreError::Damaged("a timer can't be read"))?;
        timers.push(Timer { due: Timestamp(row.get(0)?), add, remove });
    }
    Ok(timers)
}

/// When the next timer is over.
pub(super) fn next(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT due FROM timer ORDER BY due LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.map(Timestamp))
}

/// Removes a timer that has been carried out.
pub(super) fn end(db: &Connection, timer: &Timer) -> Result<(), StoreError> {
    let sql = "DELETE FROM timer WHERE due = ?1 AND ord = ?2 AND ix = ?3";
    db.prepare_cached(sql)?.execute(params![timer.due.0, timer.add.ord.0 as i64, timer.add.index])?;
    Ok(())
}
