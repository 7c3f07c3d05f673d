//! Retention in a file: what is old goes, a bounded piece at a time; what waits was spread before and stays.

use super::schema::meta;
use super::sql::{Sql, args};
use super::{StoreError, keepsake, lot};
use crate::domain::change::Ord;
use crate::domain::time::Timestamp;

/// Events, and deliveries, that one step removes about, so that the intake never waits long behind it.
const STEP: usize = 64;

/// Whether something is old that is only in memory and in its lot: it has to be spread first.
pub(super) fn needs_spreading(db: &dyn Sql, before: Timestamp) -> Result<bool, StoreError> {
    let unspread = lot::oldest_above(db, Ord(meta(db, "spread")? as u64))?;
    Ok(unspread.is_some_and(|lot| lot.at < before))
}

/// Removes some of what is older than `before`; tells whether there may be more. What last words say of it they keep.
///
/// Lots that are not spread yet stay: their changes are nowhere else.
pub(super) fn step(db: &dyn Sql, before: Timestamp) -> Result<bool, StoreError> {
    let spread = Ord(meta(db, "spread")? as u64);
    let mut events = 0;
    while events < STEP
        && let Some(lot) = lot::oldest_above(db, Ord(0))?.filter(|lot| lot.at < before)
    {
        let last = lot.last();
        if last > spread {
            break;
        }
        keepsake::of_lot(db, &lot)?;
        db.send("DELETE FROM lot WHERE first = ?1", args![lot.first])?;
        events += (last.0 - lot.first.0 + 1) as usize;
    }
    // Deliveries that a restart would subtract from unspread lots stay as long as those do.
    let settled_from = meta(db, "settled_from")?;
    let sql = "SELECT id, contact, at FROM delivery WHERE id < ?1 ORDER BY id LIMIT ?2";
    let mut deliveries =
        db.all(sql, args![settled_from, STEP as i64], |row| Ok((row.int(0)?, row.key(1)?, row.time(2)?)))?;
    // Of those from a time on none is old: they aren't looked through.
    deliveries.truncate(deliveries.iter().position(|(.., at)| *at >= before).unwrap_or(deliveries.len()));
    for (id, key, _) in &deliveries {
        keepsake::of_delivery(db, *key, *id)?;
        db.send("DELETE FROM delivery WHERE id = ?1", args![*id])?;
    }
    let more = events >= STEP || deliveries.len() == STEP;
    if !more {
        db.send("DELETE FROM duplicate WHERE at < ?1", args![before])?;
    }
    Ok(more)
}
