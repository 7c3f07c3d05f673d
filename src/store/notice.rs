//! What happened to connections, for those who want to be told: rare, so that a row each is written with what brings it about.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::contact::json;
use super::face::Paused;
use super::sql::{Row, Sql, args};
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;

/// A connection isn't called any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Ascending.
    #[serde(skip)]
    pub id: i64,
    /// When.
    #[serde(skip)]
    pub at: Timestamp,
    /// Which.
    pub connection: ConnectionName,
    /// `refused` or `failing`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
}

/// A pause that begins now. It is told once, whichever gateway of several notices it, and again where it becomes one of another kind.
pub(super) fn of_pause(
    db: &dyn Sql,
    now: Timestamp,
    connection: &ConnectionName,
    paused: &Paused,
) -> Result<(), StoreError> {
    if paused.since.is_none() {
        return Ok(());
    }
    let kind = paused.kind.word();
    let notice =
        Notice { id: 0, at: now, connection: connection.clone(), kind: kind.to_owned(), reason: paused.reason.clone() };
    let sql = "INSERT INTO notice (at, body) SELECT ?1, ?2 WHERE NOT EXISTS
        (SELECT 1 FROM connection WHERE name = ?3 AND kind = ?4 AND paused_since IS NOT NULL)";
    db.send(sql, args![now, &json(&notice), connection.as_str(), kind])
}

/// What [`read`] reads.
pub(super) const COLUMNS: &str = "id, at, body";

pub(super) fn read(row: &Row<'_>) -> Result<Notice, StoreError> {
    let notice: Notice =
        serde_json::from_str(row.text(2)?).map_err(|_| StoreError::Damaged("a notice can't be read"))?;
    Ok(Notice { id: row.int(0)?, at: row.time(1)?, ..notice })
}

/// Forgets what is older.
pub(super) fn retain(db: &dyn Sql, before: Timestamp) -> Result<(), StoreError> {
    db.send("DELETE FROM notice WHERE at < ?1", args![before])
}
