//! Dead letters: changes that can't be delivered without a person.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::contact::json;
use super::delivery::SettledChange;
use super::lot;
use crate::domain::attempt::Attempt;
use crate::domain::change::{Change, ChangeId, Ord};
use crate::domain::contact::ContactKey;
use crate::domain::time::{Timestamp, rfc3339};

/// A change that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which change, as `17.0`.
    #[serde(default)]
    pub id: String,
    /// Since when.
    #[serde(default, serialize_with = "rfc3339::serialize")]
    pub at: Timestamp,
    /// What was wanted.
    pub change: Change,
    /// Why it can't be delivered.
    pub reason: String,
    /// The last call, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
}

#[derive(Serialize)]
struct Body<'a> {
    change: &'a Change,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<&'a Attempt>,
}

/// Keeps a dead letter with a copy of its event, which may go before a person looks.
pub(super) fn insert(
    db: &Connection,
    contact: ContactKey,
    at: Timestamp,
    done: &SettledChange,
    last_attempt: Option<&Attempt>,
) -> Result<(), StoreError> {
    let event = match lot::holding(db, done.id.ord)? {
        Some(lot) => lot.record(done.id.ord)?.map(|record| record.body),
        None => None,
    };
    let body = Body { change: &done.change, reason: &done.reason, last_attempt };
    db.prepare_cached("INSERT OR REPLACE INTO dead VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        done.id.ord.0 as i64,
        done.id.index,
        contact.0.as_slice(),
        at.0,
        json(&body),
        event
    ])?;
    Ok(())
}

/// Takes a dead letter out and gives its change.
pub(super) fn remove(db: &Connection, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
    let found = get(db, id)?;
    if found.is_some() {
        db.execute("DELETE FROM dead WHERE ord = ?1 AND ix = ?2", params![id.ord.0 as i64, id.index])?;
    }
    Ok(found)
}

const COLUMNS: &str = "SELECT ord, ix, at, body FROM dead";

/// One dead letter.
pub(super) fn get(db: &Connection, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
    let sql = format!("{COLUMNS} WHERE ord = ?1 AND ix = ?2");
    let row = db.query_row(&sql, params![id.ord.0 as i64, id.index], columns).optional()?;
    row.map(open).transpose()
}

/// Dead letters whose id is below `before`, newest first.
pub(super) fn newest_below(db: &Connection, before: ChangeId, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
    let sql = format!("{COLUMNS} WHERE (ord, ix) < (?1, ?2) ORDER BY ord DESC, ix DESC LIMIT ?3");
    let ord = i64::try_from(before.ord.0).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(params![ord, before.index, limit as i64], columns)?;
    rows.map(|row| open(row?)).collect()
}

/// How many there are.
pub(super) fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM dead", [], |row| row.get::<_, i64>(0)).map(|n| n as u64)
}

type Columns = (ChangeId, Timestamp, String);

fn columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    let id = ChangeId { ord: Ord(row.get::<_, i64>(0)? as u64), index: row.get(1)? };
    Ok((id, Timestamp(row.get(2)?), row.get(3)?))
}

fn open((id, at, body): Columns) -> Result<DeadLetter, StoreError> {
    let mut letter: DeadLetter =
        serde_json::from_str(&body).map_err(|_| StoreError::Damaged("a dead letter can't be read"))?;
    letter.id = id.to_string();
    letter.at = at;
    Ok(letter)
}
