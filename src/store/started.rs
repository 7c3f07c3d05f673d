//! Starts of calls whose end isn't recorded yet. A call's start is durable before the call is made, so that the allowance is kept
//! across a crash too; it goes with the settlement that tells of the call.

use rusqlite::{Connection, params};

use super::StoreError;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;

/// A call is made within this time after its start was written, or its start is written anew: whoever starts after a crash knows
/// that the call was made by then.
pub const AHEAD_MS: i64 = 1_000;

/// Older ones decide nothing: no limit is counted over a longer time.
const KEPT_MS: i64 = 48 * 3_600 * 1_000;

/// Writes a start; its id.
pub(super) fn insert(db: &Connection, connection: &ConnectionName, at: Timestamp) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO started (connection, at) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute(params![connection.as_str(), at.0])?;
    Ok(db.last_insert_rowid())
}

/// A call's end is recorded, or it was not made.
pub(super) fn end(db: &Connection, ids: &[i64]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM started WHERE id = ?1")?;
    ids.iter().try_for_each(|id| delete.execute([id]).map(drop))
}

/// When the calls of these connections of which nothing else is known were made at the latest.
pub(super) fn of(db: &Connection, connections: &[ConnectionName]) -> Result<Vec<Timestamp>, StoreError> {
    let mut select = db.prepare_cached("SELECT connection, at FROM started ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut starts = Vec::new();
    while let Some(row) = rows.next()? {
        let connection = row.get_ref(0)?.as_str().map_err(|_| StoreError::Damaged("a connection's name"))?;
        if connections.iter().any(|name| name.as_str() == connection) {
            starts.push(Timestamp(row.get::<_, i64>(1)?).plus_millis(AHEAD_MS));
        }
    }
    Ok(starts)
}

/// Removes those that a crash has left behind.
pub(super) fn retain(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM started WHERE at < ?1", [now.0 - KEPT_MS]).map(drop)
}
