//! Dead letters: changes that can't be delivered without a person.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::contact::json;
use super::delivery::SettledChange;
use super::face::Again;
use super::runs::Runs;
use super::{HELD, StoreError};
use super::{lot, pending};
use crate::domain::attempt::Attempt;
use crate::domain::cause::{Cause, Needs};
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
    /// What it died of.
    #[serde(default)]
    pub cause: Cause,
    /// What was wanted.
    pub change: Change,
    /// Why it can't be delivered.
    pub reason: String,
    /// The last call, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
}

/// Which dead letters; what isn't given lets all of them through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadFilter {
    /// This one.
    pub id: Option<ChangeId>,
    /// Of this connection.
    pub connection: Option<String>,
    /// Of these contacts.
    pub contacts: Option<Vec<ContactKey>>,
    /// Asked for by this rule.
    pub rule: Option<String>,
    /// Whose reason has these words, whatever their case.
    pub reason: Option<String>,
    /// That died of this.
    pub cause: Option<Cause>,
    /// That need this.
    pub needs: Option<Needs>,
    /// Dead since then or later.
    pub since: Option<Timestamp>,
}

impl DeadFilter {
    fn lets_through(&self, id: ChangeId, letter: &DeadLetter) -> bool {
        let change = &letter.change;
        let is = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);
        let says = |words: &String| letter.reason.to_lowercase().contains(&words.to_lowercase());
        self.id.is_none_or(|wanted| wanted == id)
            && is(&self.connection, change.contact.connection.as_str())
            && self.contacts.as_ref().is_none_or(|keys| keys.contains(&change.contact.key()))
            && is(&self.rule, change.rule.as_str())
            && self.reason.as_ref().is_none_or(says)
            && self.cause.is_none_or(|cause| cause == letter.cause)
            && self.needs.is_none_or(|needs| letter.cause.needs() == Some(needs))
            && self.since.is_none_or(|since| letter.at >= since)
    }
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
    let sql =
        "INSERT OR REPLACE INTO dead (ord, ix, contact, at, body, event, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    db.prepare_cached(sql)?.execute(params![
        done.id.ord.0 as i64,
        done.id.index,
        contact.0.as_slice(),
        at.0,
        json(&body),
        event,
        done.cause.unwrap_or_default().word(),
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

/// Makes a dead letter's change wait again under its old number: a later word on its tag still wins over it.
pub(super) fn revive(
    db: &Connection,
    runs: &mut Runs,
    Again { id, mended }: Again,
) -> Result<Option<(ContactKey, Change)>, StoreError> {
    let Some(DeadLetter { mut change, .. }) = remove(db, id)? else { return Ok(None) };
    if let Some(terms) = change.terms.as_deref_mut() {
        // Whoever was looked for a second time in vain may be there by now.
        terms.found_again = false;
        if mended {
            terms.refused = None;
        }
    }
    let key = change.contact.key();
    pending::insert(db, runs, key, id, &change)?;
    Ok(Some((key, change)))
}

const COLUMNS: &str = "SELECT ord, ix, at, body, cause FROM dead";

/// One dead letter.
pub(super) fn get(db: &Connection, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
    let sql = format!("{COLUMNS} WHERE ord = ?1 AND ix = ?2");
    let row = db.query_row(&sql, params![id.ord.0 as i64, id.index], columns).optional()?;
    row.map(|row| open(row).map(|(_, letter)| letter)).transpose()
}

/// The copy of its event's body.
pub(super) fn event(db: &Connection, id: ChangeId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT event FROM dead WHERE ord = ?1 AND ix = ?2";
    let found = db.query_row(sql, params![id.ord.0 as i64, id.index], |row| row.get(0)).optional()?;
    Ok(found.flatten())
}

/// Dead letters whose id is below `before` that a filter lets through, newest first, at most `limit` and no more than may be held at
/// once; and where the list goes on.
pub(super) fn newest_below(
    db: &Connection,
    before: ChangeId,
    filter: &DeadFilter,
    limit: usize,
) -> Result<(Vec<DeadLetter>, Option<ChangeId>), StoreError> {
    let (mut letters, mut held, mut next) = (Vec::new(), 0, None);
    each_below(db, before, filter, |id, letter, bytes| {
        held += bytes;
        letters.push(letter);
        let is_full = letters.len() >= limit || held >= HELD;
        next = is_full.then_some(id);
        !is_full
    })?;
    Ok((letters, next))
}

/// The ids of all that a filter lets through, oldest first.
pub(super) fn ids(db: &Connection, filter: &DeadFilter) -> Result<Vec<ChangeId>, StoreError> {
    let mut ids = Vec::new();
    each_below(db, ChangeId { ord: Ord(u64::MAX), index: u32::MAX }, filter, |id, _, _| {
        ids.push(id);
        true
    })?;
    ids.reverse();
    Ok(ids)
}

/// Hands over one letter after the other, newest first, with its bytes, as long as `more` says so.
fn each_below(
    db: &Connection,
    before: ChangeId,
    filter: &DeadFilter,
    mut more: impl FnMut(ChangeId, DeadLetter, usize) -> bool,
) -> Result<(), StoreError> {
    let sql = format!("{COLUMNS} WHERE (ord, ix) < (?1, ?2) ORDER BY ord DESC, ix DESC");
    let ord = i64::try_from(before.ord.0).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![ord, before.index])?;
    while let Some(row) = rows.next()? {
        let columns = columns(row)?;
        let bytes = columns.2.len();
        let (id, letter) = open(columns)?;
        if filter.lets_through(id, &letter) && !more(id, letter, bytes) {
            break;
        }
    }
    Ok(())
}

/// How many there are.
pub(super) fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row("SELECT count(*) FROM dead", [], |row| row.get::<_, i64>(0)).map(|n| n as u64)
}

/// How many a contact has.
pub(super) fn count_of(db: &Connection, contact: ContactKey) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM dead WHERE contact = ?1";
    db.prepare_cached(sql)?.query_row([contact.0.as_slice()], |row| row.get::<_, i64>(0)).map(|n| n as usize)
}

/// Whether a contact has any.
pub(super) fn has(db: &Connection, contact: ContactKey) -> rusqlite::Result<bool> {
    count_of(db, contact).map(|count| count > 0)
}

type Columns = (ChangeId, Timestamp, String, Cause);

fn columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    let id = ChangeId { ord: Ord(row.get::<_, i64>(0)? as u64), index: row.get(1)? };
    Ok((id, Timestamp(row.get(2)?), row.get(3)?, Cause::parse(&row.get::<_, String>(4)?)))
}

fn open((id, at, body, cause): Columns) -> Result<(ChangeId, DeadLetter), StoreError> {
    let letter: DeadLetter =
        serde_json::from_str(&body).map_err(|_| StoreError::Damaged("a dead letter can't be read"))?;
    Ok((id, DeadLetter { id: id.to_string(), at, cause, ..letter }))
}
