//! Deliveries: what one convergence of one contact did, appended and never changed.

use serde::{Deserialize, Serialize};

use super::alias;
use super::contact::{self, ContactRow, json};
use super::dead;
use super::pending;
use super::runs::Runs;
use super::schema;
use super::sql::{Row, Sql, args};
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
    /// Whether the provider asked for the wait, and so means everybody of the account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub throttled: bool,
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
pub(super) fn append(db: &dyn Sql, settlement: &Settlement, id: i64) -> Result<(), StoreError> {
    let body = Body {
        connection: &settlement.contact.connection,
        contact: settlement.contact.reference.to_string(),
        settled: &settlement.settled,
        attempts: &settlement.attempts,
        made_for: &settlement.made_for,
        retry: &settlement.retry,
    };
    let sql = "INSERT INTO delivery (id, at, contact, body) VALUES (?1, ?2, ?3, ?4)";
    db.send(sql, args![id, settlement.at, &settlement.contact.key(), &json(&body)])
}

/// Appends a delivery and brings the contact's row up to date.
pub(super) fn record(
    db: &dyn Sql,
    runs: &mut Runs,
    settlement: &Settlement,
    id: i64,
    row: Option<ContactRow>,
) -> Result<ContactRow, StoreError> {
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
    let mut row = row.unwrap_or_else(|| ContactRow::new(settlement.contact.clone()));
    row.take_away(&settlement.took, settlement.at, id);
    row.settle(&settlement.settled, settlement.at, id);
    row.retry.clone_from(&settlement.retry);
    contact::save(db, key, &row)?;
    Ok(row)
}

/// The id that the next delivery gets; none comes twice, since retention stops below `settled_from`.
pub(super) fn next_id(db: &dyn Sql) -> Result<i64, StoreError> {
    let last = db.first("SELECT id FROM delivery ORDER BY id DESC LIMIT 1", &[], |row| row.int(0))?.unwrap_or(0);
    Ok((last + 1).max(schema::meta(db, "settled_from")?))
}

/// One delivery, until its retention ends.
pub(super) fn get(db: &dyn Sql, id: i64) -> Result<Option<Delivery>, StoreError> {
    db.first("SELECT id, at, body FROM delivery WHERE id = ?1", args![id], |row| from_row(&row))
}

/// Those of a contact's deliveries since `from` that are `wanted`, oldest first. Only these are held: bodies that were sent on are part
/// of them, and a contact may have very many.
pub(super) fn of_contact(
    db: &dyn Sql,
    key: ContactKey,
    from: Timestamp,
    wanted: impl Fn(&Delivery) -> bool,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT id, at, body FROM delivery WHERE contact = ?1 AND at >= ?2 ORDER BY id";
    let mut deliveries = Vec::new();
    db.each(sql, args![&key, from], &mut |row| {
        deliveries.extend(Some(from_row(&row)?).filter(&wanted));
        Ok(true)
    })?;
    Ok(deliveries)
}

/// Hands over deliveries one by one, newest first, as long as `more` says so.
pub(super) fn each_newest(db: &dyn Sql, mut more: impl FnMut(&Delivery) -> bool) -> Result<(), StoreError> {
    let sql = "SELECT id, at, body FROM delivery ORDER BY id DESC";
    db.each(sql, &[], &mut |row| Ok(more(&from_row(&row)?)))
}

/// Deliveries that one look goes through at most, so that a rare find doesn't hold up other readers.
const LOOK: usize = 20_000;

/// The newest deliveries below `before` of a contact or a connection, and where the list goes on.
pub(super) fn list(
    db: &dyn Sql,
    before: i64,
    contact: Option<ContactKey>,
    connection: Option<&str>,
    limit: usize,
) -> Result<(Vec<Delivery>, Option<i64>), StoreError> {
    let (mut items, mut held, mut seen, mut next) = (Vec::new(), 0, 0, None);
    let mut take = |row: Row<'_>| {
        let delivery = from_row(&row)?;
        let id = delivery.id;
        seen += 1;
        if connection.is_none_or(|name| delivery.connection.as_str() == name) {
            held += row.text(2)?.len();
            items.push(delivery);
        }
        next = (items.len() == limit || seen == LOOK || held >= HELD).then_some(id);
        Ok(next.is_none())
    };
    if let Some(key) = &contact {
        let sql = "SELECT id, at, body FROM delivery WHERE id < ?1 AND contact = ?2 ORDER BY id DESC";
        db.each(sql, args![before, key], &mut take)?;
    } else {
        let sql = "SELECT id, at, body FROM delivery WHERE id < ?1 ORDER BY id DESC";
        db.each(sql, args![before], &mut take)?;
    }
    Ok((items, next))
}

/// Calls `each` with every settled change of the deliveries from `first` on, and whose delivery it was.
pub(super) fn settled_from(
    db: &dyn Sql,
    first: i64,
    mut each: impl FnMut(ContactKey, ChangeId),
) -> Result<(), StoreError> {
    let sql = "SELECT id, at, body, contact FROM delivery WHERE id >= ?1 ORDER BY id";
    db.each(sql, args![first], &mut |row| {
        let key = row.key(3)?;
        from_row(&row)?.settled.iter().for_each(|done| each(key, done.id));
        Ok(true)
    })
}

/// What [`from_row`] reads.
pub(super) const COLUMNS: &str = "id, at, body";

pub(super) fn from_row(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let mut delivery: Delivery =
        serde_json::from_str(row.text(2)?).map_err(|_| StoreError::Damaged("a delivery can't be read"))?;
    delivery.id = row.int(0)?;
    delivery.at = row.time(1)?;
    Ok(delivery)
}
