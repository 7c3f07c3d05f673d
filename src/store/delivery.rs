//! Deliveries: what one convergence of one contact did, appended and never changed.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::alias;
use super::contact::{self, ContactRow, json};
use super::dead;
use super::pending;
use super::runs::Runs;
use super::schema;
use super::timer;
use super::{HELD, StoreError};
use crate::domain::attempt::Attempt;
use crate::domain::cause::Cause;
use crate::domain::change::{Change, ChangeId, Ord, Settled};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// A change and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledChange {
    /// Which one.
    pub id: ChangeId,
    /// What it wanted.
    pub change: Change,
    /// How it ended.
    pub how: Settled,
    /// Why, in words.
    pub reason: String,
    /// Other tags that went with it: it was an exclusive add.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<TagName>,
    /// What it died of, where it is a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl SettledChange {
    /// Whether a call settled it. What ended without one was settled beside the call for something else.
    pub fn has_call(&self) -> bool {
        has_call(self.how) && self.cause != Some(Cause::NotListed)
    }
}

/// Whether a change that ended so may have been settled by a call.
pub(super) fn has_call(how: Settled) -> bool {
    matches!(how, Settled::Applied | Settled::Dead)
}

/// When a contact is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Not before.
    pub at: Timestamp,
    /// How many tries have failed in a row.
    pub tries: u32,
    /// Since when they have.
    pub failing_since: Timestamp,
    /// How long the connection had been paused in all by then: pauses don't count towards giving up.
    #[serde(default)]
    pub paused_before_ms: i64,
    /// What the last one failed of.
    pub reason: String,
}

/// Tags that a call took away for an exclusive add, which is still open itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TookAway {
    /// The add.
    pub by: ChangeId,
    /// What it wants.
    pub change: Change,
    /// What is gone.
    pub tags: Vec<TagName>,
}

/// What one convergence of one contact did.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// Whose.
    pub contact: Contact,
    /// When.
    pub at: Timestamp,
    /// The changes that ended.
    pub settled: Vec<SettledChange>,
    /// The calls that were made.
    pub attempts: Vec<Attempt>,
    /// The events that calls were made for.
    pub made_for: Vec<Ord>,
    /// What a call took away for adds that are open.
    pub took: Vec<TookAway>,
    /// What is left is tried again then.
    pub retry: Option<Retry>,
    /// The starts of these calls, as they were written before: they are told by the attempts from now on.
    pub started: Vec<i64>,
}

impl Settlement {
    /// One that says nothing yet.
    pub fn of(contact: Contact, at: Timestamp) -> Self {
        let (settled, attempts, started) = (Vec::new(), Vec::new(), Vec::new());
        Self { contact, at, settled, attempts, made_for: Vec::new(), took: Vec::new(), retry: None, started }
    }
}

/// A delivery read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Ascending.
    #[serde(default)]
    pub id: i64,
    /// When it was recorded.
    #[serde(default, serialize_with = "crate::domain::time::rfc3339::serialize")]
    pub at: Timestamp,
    /// The account.
    pub connection: ConnectionName,
    /// The contact there, as `id:1568834`.
    pub contact: String,
    /// The changes that ended.
    pub settled: Vec<SettledChange>,
    /// The calls that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The events that calls were made for, beside those that something was settled of; nothing where a retry says that all waits.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub made_for: Vec<Ord>,
    /// When what is left is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

impl Delivery {
    /// How a change ended here.
    pub fn end_of(&self, id: ChangeId) -> Option<&SettledChange> {
        self.settled.iter().find(|done| done.id == id)
    }

    /// Whether it has to do with an event: something was settled of it, or a call was made for it.
    pub fn is_about(&self, ord: Ord) -> bool {
        self.settled.iter().any(|done| done.id.ord == ord) || self.made_for.contains(&ord)
    }

    /// The call that settled a change, if one did.
    pub fn call_for(&self, id: ChangeId) -> Option<&Attempt> {
        self.attempts.last().filter(|_| self.end_of(id).is_none_or(SettledChange::has_call))
    }
}

#[derive(Serialize)]
struct Body<'a> {
    connection: &'a ConnectionName,
    contact: String,
    settled: &'a [SettledChange],
    attempts: &'a [Attempt],
    #[serde(rename = "for", skip_serializing_if = "<[_]>::is_empty")]
    made_for: &'a [Ord],
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: &'a Option<Retry>,
}

/// Appends a delivery, and no more: calls that were made only to look.
pub(super) fn append(db: &Connection, settlement: &Settlement, id: i64) -> Result<(), StoreError> {
    let body = Body {
        connection: &settlement.contact.connection,
        contact: settlement.contact.reference.to_string(),
        settled: &settlement.settled,
        attempts: &settlement.attempts,
        made_for: &settlement.made_for,
        retry: &settlement.retry,
    };
    db.prepare_cached("INSERT INTO delivery (id, at, contact, body) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        id,
        settlement.at.0,
        settlement.contact.key().0.as_slice(),
        json(&body)
    ])?;
    Ok(())
}

/// Appends a delivery and brings the contact's row up to date.
pub(super) fn record(db: &Connection, runs: &mut Runs, settlement: &Settlement, id: i64) -> Result<(), StoreError> {
    append(db, settlement, id)?;
    let key = settlement.contact.key();
    for done in &settlement.settled {
        pending::remove(db, key, done.id)?;
        match done.how {
            Settled::Dead => {
                let call = settlement.attempts.last().filter(|_| done.has_call());
                dead::insert(db, key, settlement.at, done, call)?;
            }
            // The change names the contact that was found, and waits there under its old number.
            Settled::Moved => {
                pending::insert(db, runs, done.change.contact.key(), done.id, &done.change)?;
                alias::keep(db, &settlement.contact, &done.change.contact)?;
            }
            _ => {}
        }
    }
    timer::keep(db, &settlement.settled)?;
    let mut row = contact::load(db, key)?.unwrap_or_else(|| ContactRow::new(settlement.contact.clone()));
    row.take_away(&settlement.took, settlement.at, id);
    row.settle(&settlement.settled, settlement.at, id);
    row.retry.clone_from(&settlement.retry);
    contact::save(db, key, &row)
}

/// The id that the next delivery gets; none comes twice, since retention stops below `settled_from`.
pub(super) fn next_id(db: &Connection) -> rusqlite::Result<i64> {
    let last: i64 = db.query_row("SELECT coalesce(max(id), 0) FROM delivery", [], |row| row.get(0))?;
    Ok((last + 1).max(schema::meta(db, "settled_from")?))
}

/// One delivery, until its retention ends.
pub(super) fn get(db: &Connection, id: i64) -> Result<Option<Delivery>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id, at, body FROM delivery WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(from_row).transpose()
}

/// Those of a contact's deliveries since `from` that are `wanted`, oldest first. Only these are held: bodies that were sent on are part
/// of them, and a contact may have very many.
pub(super) fn of_contact(
    db: &Connection,
    key: ContactKey,
    from: Timestamp,
    wanted: impl Fn(&Delivery) -> bool,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT id, at, body FROM delivery WHERE contact = ?1 AND at >= ?2 ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![key.0.as_slice(), from.0])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.extend(Some(from_row(row)?).filter(&wanted));
    }
    Ok(deliveries)
}

/// Hands over deliveries one by one, newest first, as long as `more` says so.
pub(super) fn each_newest(db: &Connection, mut more: impl FnMut(&Delivery) -> bool) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("SELECT id, at, body FROM delivery ORDER BY id DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !more(&from_row(row)?) {
            break;
        }
    }
    Ok(())
}

/// Deliveries that one look goes through at most, so that a rare find doesn't hold up other readers.
const LOOK: usize = 20_000;

/// The newest deliveries below `before` of a contact or a connection, and where the list goes on.
pub(super) fn list(
    db: &Connection,
    before: i64,
    contact: Option<ContactKey>,
    connection: Option<&str>,
    limit: usize,
) -> Result<(Vec<Delivery>, Option<i64>), StoreError> {
    let sql = match contact {
        Some(_) => "SELECT id, at, body FROM delivery WHERE id < ?1 AND contact = ?2 ORDER BY id DESC",
        None => "SELECT id, at, body FROM delivery WHERE id < ?1 AND ?2 IS NULL ORDER BY id DESC",
    };
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![before, contact.map(|key| key.0.to_vec())])?;
    let (mut items, mut held) = (Vec::new(), 0);
    for seen in 1.. {
        let Some(row) = rows.next()? else { break };
        let delivery = from_row(row)?;
        let id = delivery.id;
        if connection.is_none_or(|name| delivery.connection.as_str() == name) {
            held += row.get_ref(2)?.as_str().map_or(0, str::len);
            items.push(delivery);
        }
        if items.len() == limit || seen == LOOK || held >= HELD {
            return Ok((items, Some(id)));
        }
    }
    Ok((items, None))
}

/// Calls `each` with every settled change of the deliveries from `first` on, and whose delivery it was.
pub(super) fn settled_from(
    db: &Connection,
    first: i64,
    mut each: impl FnMut(ContactKey, ChangeId),
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("SELECT id, at, body, contact FROM delivery WHERE id >= ?1 ORDER BY id")?;
    let mut rows = statement.query([first])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(3)?.as_blob().map_err(|_| StoreError::Damaged("a contact's key is no key"))?;
        let key = ContactKey::from_hash(key);
        from_row(row)?.settled.iter().for_each(|done| each(key, done.id));
    }
    Ok(())
}

fn from_row(row: &rusqlite::Row<'_>) -> Result<Delivery, StoreError> {
    let body: String = row.get(2)?;
    let mut delivery: Delivery =
        serde_json::from_str(&body).map_err(|_| StoreError::Damaged("a delivery can't be read"))?;
    delivery.id = row.get(0)?;
    delivery.at = Timestamp(row.get(1)?);
    Ok(delivery)
}
