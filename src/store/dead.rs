//! Dead letters: changes that can't be delivered without a person.

use serde::{Deserialize, Serialize};

use super::contact::json;
use super::delivery::SettledChange;
use super::face::Again;
use super::runs::Runs;
use super::sql::{Row, Sql, args};
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
    db: &dyn Sql,
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
    let sql = "INSERT INTO dead (ord, ix, contact, at, body, event, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (ord, ix) DO UPDATE SET contact = excluded.contact, at = excluded.at, body = excluded.body,
        event = excluded.event, cause = excluded.cause";
    let cause = done.cause.unwrap_or_default().word();
    db.send(sql, args![done.id.ord, done.id.index, &contact, at, &json(&body), event.as_deref(), cause])
}

/// Takes a dead letter out and gives its change.
pub(super) fn remove(db: &dyn Sql, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
    let found = get(db, id)?;
    if found.is_some() {
        db.send("DELETE FROM dead WHERE ord = ?1 AND ix = ?2", args![id.ord, id.index])?;
    }
    Ok(found)
}

/// Makes a dead letter's change wait again under its old number: a later word on its tag still wins over it.
pub(super) fn revive(
    db: &dyn Sql,
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
pub(super) fn get(db: &dyn Sql, id: ChangeId) -> Result<Option<DeadLetter>, StoreError> {
    let sql = format!("{COLUMNS} WHERE ord = ?1 AND ix = ?2");
    db.first(&sql, args![id.ord, id.index], |row| open(&row).map(|(_, letter)| letter))
}

/// The copy of its event's body.
pub(super) fn event(db: &dyn Sql, id: ChangeId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT event FROM dead WHERE ord = ?1 AND ix = ?2";
    let found = db.first(sql, args![id.ord, id.index], |row| Ok(row.blob_if_any(0)?.map(<[u8]>::to_vec)))?;
    Ok(found.flatten())
}

/// Dead letters whose id is below `before` that a filter lets through, newest first, at most `limit` and no more than may be held at
/// once; and where the list goes on.
pub(super) fn newest_below(
    db: &dyn Sql,
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
pub(super) fn ids(db: &dyn Sql, filter: &DeadFilter) -> Result<Vec<ChangeId>, StoreError> {
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
    db: &dyn Sql,
    before: ChangeId,
    filter: &DeadFilter,
    mut more: impl FnMut(ChangeId, DeadLetter, usize) -> bool,
) -> Result<(), StoreError> {
    let sql = format!("{COLUMNS} WHERE (ord, ix) < (?1, ?2) ORDER BY ord DESC, ix DESC");
    db.each(&sql, args![before.ord, before.index], &mut |row| {
        let (id, letter) = open(&row)?;
        Ok(!filter.lets_through(id, &letter) || more(id, letter, row.text(3)?.len()))
    })
}

/// How many there are.
pub(super) fn count(db: &dyn Sql) -> Result<u64, StoreError> {
    Ok(db.first("SELECT count(*) FROM dead", &[], |row| row.int(0))?.unwrap_or(0) as u64)
}

/// How many a contact has.
pub(super) fn count_of(db: &dyn Sql, contact: ContactKey) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM dead WHERE contact = ?1";
    Ok(db.first(sql, args![&contact], |row| row.int(0))?.unwrap_or(0) as usize)
}

/// Whether a contact has any.
pub(super) fn has(db: &dyn Sql, contact: ContactKey) -> Result<bool, StoreError> {
    count_of(db, contact).map(|count| count > 0)
}

fn open(row: &Row<'_>) -> Result<(ChangeId, DeadLetter), StoreError> {
    let (id, at, cause) = (row.change_id(0)?, row.time(2)?, Cause::parse(row.text(4)?));
    let letter: DeadLetter =
        serde_json::from_str(row.text(3)?).map_err(|_| StoreError::Damaged("a dead letter can't be read"))?;
    Ok((id, DeadLetter { id: id.to_string(), at, cause, ..letter }))
}
