//! Starts of calls whose end isn't recorded yet. A call's start is durable before the call is made, so that the allowance is kept
//! across a crash too; it goes with the settlement that tells of the call.

use super::StoreError;
use super::sql::{Sql, args};
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;

/// A call is made within this time after its start was written, or its start is written anew: whoever starts after a crash knows
/// that the call was made by then.
pub(super) const AHEAD_MS: i64 = 1_000;

/// The same where gateways share a database, which counts from when it was written. It is added to each window.
pub(super) const SHARED_AHEAD_MS: i64 = 250;

/// A call that is to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// Of which connection.
    pub connection: ConnectionName,
    /// When.
    pub at: Timestamp,
    /// The connections of its account, itself among them.
    pub sharing: Vec<ConnectionName>,
    /// At most so many calls of all these start in so many milliseconds. Only a database that several gateways share counts them:
    /// one gateway alone has done so before it asks.
    pub limits: Vec<(u32, i64)>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The number under which it is written down; else until when the allowance is used up or held, as gateways together see it.
    pub entry: Result<i64, Timestamp>,
    /// The last time that a gateway met the account's limit, if that was lately.
    pub met: Option<Met>,
}

impl Started {
    /// It is written down, and nothing is known of others.
    pub fn alone(entry: i64) -> Self {
        Self { entry: Ok(entry), met: None }
    }
}

/// A provider's limit was met: "too many requests" to one gateway is meant for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// When.
    pub at: Timestamp,
    /// No call starts before this.
    pub until: Timestamp,
    /// So many eighths of the limit were used from then on.
    pub eighths: u32,
}

/// Older ones decide nothing: no limit is counted over a longer time.
const KEPT_MS: i64 = 48 * 3_600 * 1_000;

/// Writes a start; its id.
pub(super) fn insert(db: &dyn Sql, connection: &ConnectionName, at: Timestamp) -> Result<i64, StoreError> {
    let sql = "INSERT INTO started (connection, at) VALUES (?1, ?2) RETURNING id";
    let id = db.first(sql, args![connection.as_str(), at], |row| row.int(0))?;
    id.ok_or(StoreError::Damaged("a row that was written gave no number"))
}

/// A call's end is recorded, or it was not made.
pub(super) fn end(db: &dyn Sql, ids: &[i64]) -> Result<(), StoreError> {
    ids.iter().try_for_each(|id| db.send("DELETE FROM started WHERE id = ?1", args![*id]))
}

/// When calls of these connections started since `since`, where every start is kept and each was made when it was written.
pub(super) fn since(
    db: &dyn Sql,
    connections: &[ConnectionName],
    since: Timestamp,
) -> Result<Vec<Timestamp>, StoreError> {
    let mut starts = Vec::new();
    for connection in connections {
        let sql = "SELECT at FROM started WHERE connection = ?1 AND at >= ?2";
        starts.extend(db.all(sql, args![connection.as_str(), since], |row| row.time(0))?);
    }
    starts.sort_unstable();
    Ok(starts)
}

/// When the calls of these connections of which nothing else is known were made at the latest.
pub(super) fn of(db: &dyn Sql, connections: &[ConnectionName]) -> Result<Vec<Timestamp>, StoreError> {
    let mut starts = Vec::new();
    db.each("SELECT connection, at FROM started ORDER BY id", &[], &mut |row| {
        let connection = row.text(0)?;
        if connections.iter().any(|name| name.as_str() == connection) {
            starts.push(row.time(1)?.plus_millis(AHEAD_MS));
        }
        Ok(true)
    })?;
    Ok(starts)
}

/// Removes those that a crash has left behind.
pub(super) fn retain(db: &dyn Sql, now: Timestamp) -> Result<(), StoreError> {
    db.send("DELETE FROM started WHERE at < ?1", args![now.0 - KEPT_MS])
}
