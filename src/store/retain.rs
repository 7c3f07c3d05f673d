//! Retention: what is old goes, a bounded piece at a time; what waits was spread before and stays.

use rusqlite::{Connection, params};

use super::schema::meta;
use super::{StoreError, keepsake, lot};
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;

/// Events, and deliveries, that one step removes about, so that the intake never waits long behind it.
const STEP: usize = 64;

/// Whether something is old that is only in memory and in its lot: it has to be spread first.
pub(super) fn needs_spreading(db: &Connection, before: Timestamp) -> Result<bool, StoreError> {
    let unspread = lot::oldest_above(db, Ord(meta(db, "spread")? as u64))?;
    Ok(unspread.is_some_and(|lot| lot.at < before))
}

/// Removes some of what is older than `before`; tells whether there may be more. What last words say of it they keep.
///
/// Lots that are not spread yet stay: their changes are nowhere else.
pub(super) fn step(db: &Connection, before: Timestamp) -> Result<bool, StoreError> {
    let spread = Ord(meta(db, "spread")? as u64);
    let mut events = 0;
    while events < STEP
        && let Some(lot) = lot::oldest_above(db, Ord(0))?.filter(|lot| lot.at < before)
    {
        let last = lot::last(db, &lot)?;
        if last > spread {
            break;
        }
        keepsake::of_lot(db, &lot)?;
        db.prepare_cached("DELETE FROM lot WHERE first = ?1")?.execute([lot.first.0 as i64])?;
        events += (last.0 - lot.first.0 + 1) as usize;
    }
    // Deliveries that a restart would subtract from unspread lots stay as long as those do.
    let settled_from = meta(db, "settled_from")?;
    let sql = "SELECT id, contact FROM delivery WHERE at < ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    let mut select = db.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, ContactKey::from_hash(row.get_ref(1)?.as_blob()?)));
    let deliveries = select.query_map(params![before.0, settled_from, STEP as i64], read)?;
    let deliveries = deliveries.collect::<rusqlite::Result<Vec<_>>>()?;
    for (id, key) in &deliveries {
        keepsake::of_delivery(db, *key, *id)?;
        db.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([id])?;
    }
    let more = events >= STEP || deliveries.len() == STEP;
    if !more {
        db.execute("DELETE FROM duplicate WHERE at < ?1", [before.0])?;
    }
    Ok(more)
}
