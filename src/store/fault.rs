//! Events with faults that nobody has answered yet: shown until they are replayed or dismissed.

use super::sql::{Sql, args};
use super::{StoreError, lot};
use crate::domain::change::Ord;

/// Keeps that an event had faults.
pub(super) fn insert(db: &dyn Sql, ord: Ord) -> Result<(), StoreError> {
    db.send("INSERT INTO fault (ord) VALUES (?1) ON CONFLICT DO NOTHING", args![ord])
}

/// The event is answered; `false` when there was nothing to answer.
pub(super) fn answer(db: &dyn Sql, ord: Ord) -> Result<bool, StoreError> {
    Ok(db.run("DELETE FROM fault WHERE ord = ?1", args![ord])? > 0)
}

/// The events below `before`, newest first.
pub(super) fn newest_below(db: &dyn Sql, before: Ord, limit: usize) -> Result<Vec<Ord>, StoreError> {
    let sql = "SELECT ord FROM fault WHERE ord < ?1 ORDER BY ord DESC LIMIT ?2";
    db.all(sql, args![before, limit as i64], |row| row.ord(0))
}

/// Whether an event waits for an answer.
pub(super) fn is_open(db: &dyn Sql, ord: Ord) -> Result<bool, StoreError> {
    Ok(db.first("SELECT ord FROM fault WHERE ord = ?1", args![ord], |_| Ok(()))?.is_some())
}

/// Forgets events that retention has removed.
pub(super) fn retain(db: &dyn Sql) -> Result<(), StoreError> {
    let sql = "DELETE FROM fault WHERE ord < coalesce((SELECT min(first) FROM lot), 9223372036854775807)";
    db.send(sql, &[])
}

/// Looks through all events, for a file of a version that didn't keep this.
pub(super) fn fill(db: &dyn Sql) -> Result<(), StoreError> {
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
