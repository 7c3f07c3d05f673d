//! What the store keeps of a contact: its retry, its decided guards, and the last word on each of its tags.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::delivery::{Retry, SettledChange};
use crate::domain::change::{ChangeId, Settled};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// The last word on one tag of one contact: the change with the greatest number, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The change.
    pub id: ChangeId,
    /// Whether the tag shall be there.
    pub wants: bool,
    /// What became of it.
    pub how: Settled,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// When it was settled.
    pub at: Timestamp,
    /// The delivery that settled it.
    pub delivery: i64,
}

/// Last words by tag.
pub type Words = BTreeMap<TagName, Word>;

/// A contact's row.
#[derive(Debug, Clone)]
pub(super) struct ContactRow {
    pub contact: Contact,
    pub retry: Option<Retry>,
    pub words: Words,
    /// Guards that were judged before a first call, so that a retry judges the same.
    pub guards: BTreeMap<ChangeId, bool>,
}

impl ContactRow {
    pub fn new(contact: Contact) -> Self {
        Self { contact, retry: None, words: Words::new(), guards: BTreeMap::new() }
    }

    /// Takes over what a delivery settled. The greatest number keeps the last word.
    pub fn settle(&mut self, settled: &[SettledChange], at: Timestamp, delivery: i64) {
        for done in settled {
            self.guards.remove(&done.id);
            // A change that never took effect by its own guard, or that was overruled, is not a word.
            if !done.how.is_word() {
                continue;
            }
            let Some(tag) = done.change.effect.tag() else { continue };
            if self.words.get(tag).is_none_or(|word| word.id <= done.id) {
                let word = Word {
                    id: done.id,
                    wants: done.change.effect.wants(),
                    how: done.how,
                    rule: done.change.rule.clone(),
                    at,
                    delivery,
                };
                self.words.insert(tag.clone(), word);
            }
        }
    }
}

pub(super) fn load(db: &Connection, key: ContactKey) -> Result<Option<ContactRow>, StoreError> {
    type Columns = (String, String, Option<String>, String, String);
    let sql = "SELECT connection, reference, retry, words, guards FROM contact WHERE key = ?1";
    let row: Option<Columns> = db
        .prepare_cached(sql)?
        .query_row([key.0.as_slice()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)))
        .optional()?;
    let Some((connection, reference, retry, words, guards)) = row else { return Ok(None) };
    let damaged = |_| StoreError::Damaged("a contact's row can't be read");
    let guards: Vec<(ChangeId, bool)> = serde_json::from_str(&guards).map_err(damaged)?;
    Ok(Some(ContactRow {
        contact: Contact {
            connection: ConnectionName::parse(&connection).map_err(|_| StoreError::Damaged("a connection's name"))?,
            reference: serde_json::from_str(&reference).map_err(damaged)?,
        },
        retry: retry.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?,
        words: serde_json::from_str(&words).map_err(damaged)?,
        guards: guards.into_iter().collect(),
    }))
}

pub(super) fn save(db: &Connection, key: ContactKey, row: &ContactRow) -> Result<(), StoreError> {
    let guards: Vec<_> = row.guards.iter().collect();
    db.prepare_cached("INSERT OR REPLACE INTO contact VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
        key.0.as_slice(),
        row.contact.connection.as_str(),
        json(&row.contact.reference),
        row.retry.as_ref().map(json),
        json(&row.words),
        json(&guards),
    ])?;
    Ok(())
}

/// Plain data always has a JSON form.
pub(super) fn json<T: Serialize + ?Sized>(data: &T) -> String {
    serde_json::to_string(data).expect("stored types are plain data with text keys")
}
