//! Retention: what is old goes, a bounded piece at a time; what waits was spread before and stays.

use rusqlite::{Connection, params};

use super::StoreError;
use super::schema::meta;
use crate::domain::time::Timestamp;

/// Rows that one step removes, so that intake never waits long behind it.
const STEP: i64 = 64;

/// Removes some of what is older than `before`; tells whether there may be more.
///
/// Lots that are not spread yet stay: their changes are nowhere else.
pub(super) fn step(db: &Connection, before: Timestamp) -> Result<bool, StoreError> {
    let spread = meta(db, "spread")?;
    let lots = db.execute(
        "DELETE FROM lot WHERE first IN (SELECT first FROM lot WHERE at < ?1 AND first + events - 1 <= ?2 ORDER BY first LIMIT ?3)",
        params![before.0, spread, STEP],
    )?;
    // Deliveries that a restart would subtract from unspread lots stay as long as those do.
    let settled_from = meta(db, "settled_from")?;
    let deliveries = db.execute(
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE at < ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
        params![before.0, settled_from, STEP],
    )?;
    db.execute("DELETE FROM duplicate WHERE at < ?1", [before.0])?;
    Ok(lots as i64 == STEP || deliveries as i64 == STEP)
}
