//! Events with faults that nobody has answered yet: shown until they are replayed or dismissed.

use rusqlite::{Connection, params};

use super::{StoreError, lot};
use crate::domain::change::Ord;

/// Keeps that an event had faults.
pub(super) fn insert(db: &Connection, ord: Ord) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO fault VALUES (?1)")?.execute([ord.0 as i64]).map(drop)
}

/// The event is answered; `false` when there was nothing to answer.
pub(super) fn answer(db: &Connection, ord: Ord) -> rusqlite::Result<bool> {
    Ok(db.prepare_cached("DELETE FROM fault WHERE ord = ?1")?.execute([ord.0 as i64])? > 0)
}

/// The events below `before`, newest first.
pub(super) fn newest_below(db: &Connection, before: Ord, limit: usize) -> rusqlite::Result<Vec<Ord>> {
    let mut statement = db.prepare_cached("SELECT ord FROM fault WHERE ord < ?1 ORDER BY ord DESC LIMIT ?2")?;
    let before = i64::try_from(before.0).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![before, limit as i64], |row| Ok(Ord(row.get::<_, i64>(0)? as u64)))?;
    rows.collect()
}

/// Whether an event waits for an answer.
pub(super) fn is_open(db: &Connection, ord: Ord) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM fault WHERE ord = ?1)";
    db.prepare_cached(sql)?.query_row([ord.0 as i64], |row| row.get(0))
}

/// Forgets events that retention has removed.
pub(super) fn retain(db: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM fault WHERE ord < coalesce((SELECT min(first) FROM lot), 9223372036854775807)";
    db.execute(sql, []).map(drop)
}

/// Looks through all events, for a file of a version that didn't keep this.
pub(super) fn fill(db: &Connection) -> Result<(), StoreError> {
    let mut last = Ord(0);
    while let Some(lot) = lot::oldest_above(db, last)? {
        for frame in lot.frames() {
            let (ord, frame) = frame?;
            if !frame.head()?.faults.is_empty() {
                insert(db, ord)?;
            }
            last = ord;
        }
    }
    Ok(())
}
