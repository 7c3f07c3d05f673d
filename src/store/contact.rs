//! What the store keeps of a contact: its retry, its decided guards, and the last word on each of its tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::delivery::{Retry, SettledChange, TookAway};
use super::sql::{Row, Sql, args};
use crate::domain::change::{Change, ChangeId, Effect, Judged, Ord, Settled};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::domain::whence::{Call, Whence};

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
    /// The add whose time was over, where the change is the removal that this asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<ChangeId>,
    /// The event that it came from, once its retention has ended.
    #[serde(default, rename = "from", skip_serializing_if = "Option::is_none")]
    pub whence: Option<Whence>,
    /// The call that settled it, once its delivery's retention has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<Call>>,
}

impl Word {
    /// Whether it has the last word against a change with this number. A removal whose tag's time was over speaks against the add that
    /// set the time alone: an add that was accepted before the time was over and is late, since its contact had to be found, wins.
    pub fn beats(&self, id: ChangeId) -> bool {
        self.id > id && self.ends.is_none_or(|add| add >= id)
    }
}

/// Last words by tag.
pub type Words = BTreeMap<TagName, Word>;

/// A rule that acts on a contact at most once in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// The event by which it acted last.
    pub ord: Ord,
    /// Until when it is done with the contact.
    pub until: Timestamp,
}

/// What has happened to a contact so far, as far as what comes next hangs on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The last word on each tag.
    pub words: Words,
    /// The last word on each field.
    pub fields: BTreeMap<String, Word>,
    /// The rules that are done with the contact for some time.
    pub once: BTreeMap<RuleId, Once>,
    /// What was decided of changes before a first call, so that a retry decides the same.
    pub judged: BTreeMap<ChangeId, Judged>,
}

/// What came to be kept later than the first columns.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct More {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, Word>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    once: BTreeMap<RuleId, Once>,
}

/// A contact's row.
#[derive(Debug, Clone)]
pub(super) struct ContactRow {
    pub contact: Contact,
    pub retry: Option<Retry>,
    pub past: Past,
}

impl ContactRow {
    pub fn new(contact: Contact) -> Self {
        Self { contact, retry: None, past: Past::default() }
    }

    /// Takes over what a call took away: it is gone by the add's word, whenever that add itself ends, and however.
    pub fn take_away(&mut self, took: &[TookAway], at: Timestamp, delivery: i64) {
        for TookAway { by, change, tags } in took {
            let terms = change.terms.as_deref();
            let (ends, whence) = terms.map_or((None, None), |terms| (terms.ends, terms.whence.clone()));
            let (id, how, rule) = (*by, Settled::Applied, change.rule.clone());
            let word = Word { id, wants: false, how, rule, at, delivery, ends, whence, call: None };
            for tag in tags {
                keep(&mut self.past.words, tag, word.clone());
            }
            if let Some(judged) = self.past.judged.get_mut(by) {
                judged.others.retain(|other| !tags.contains(other));
                judged.gone.extend(tags.iter().cloned());
            }
        }
    }

    /// Takes over what a delivery settled. The greatest number keeps the last word.
    pub fn settle(&mut self, settled: &[SettledChange], at: Timestamp, delivery: i64) {
        for done in settled {
            self.past.judged.remove(&done.id);
            self.past.count_once(done.id, &done.change, done.how);
            let terms = done.change.terms.as_deref();
            let (ends, whence) = terms.map_or((None, None), |terms| (terms.ends, terms.whence.clone()));
            let rule = &done.change.rule;
            let word = |wants| {
                let (rule, whence) = (rule.clone(), whence.clone());
                Word { id: done.id, wants, how: done.how, rule, at, delivery, ends, whence, call: None }
            };
            // What a call of its own took away before is that call's doing.
            let words = &self.past.words;
            let told = |tag: &TagName| {
                words.get(tag).is_some_and(|kept| kept.id == done.id && !kept.wants && kept.how == Settled::Applied)
            };
            let others: Vec<&TagName> = done.others.iter().filter(|tag| !told(tag)).collect();
            for other in others {
                keep(&mut self.past.words, other, word(false));
            }
            // A change that never took effect by its own guard, or that was overruled, is not a word.
            if !done.how.is_word() {
                continue;
            }
            match &done.change.effect {
                Effect::AddTag(tag) => keep(&mut self.past.words, tag, word(true)),
                Effect::RemoveTag(tag) => keep(&mut self.past.words, tag, word(false)),
                Effect::Set { field, .. } => keep(&mut self.past.fields, field, word(true)),
                Effect::Forward { .. } => {}
            }
        }
    }
}

impl Past {
    /// A rule with `once` that acted is done with the contact until that time is over.
    fn count_once(&mut self, id: ChangeId, change: &Change, how: Settled) {
        let Some(once) = change.terms.as_ref().and_then(|terms| terms.once_ms).filter(|_| how.acted()) else { return };
        let until = change.at.plus_millis(i64::try_from(once).unwrap_or(i64::MAX));
        let kept = self.once.entry(change.rule.clone()).or_insert(Once { ord: id.ord, until });
        if kept.ord <= id.ord {
            *kept = Once { ord: id.ord, until };
        }
    }
}

/// The greatest number keeps the last word.
fn keep<K: std::cmp::Ord + Clone>(words: &mut BTreeMap<K, Word>, key: &K, mut word: Word) {
    match words.get_mut(key) {
        Some(kept) if kept.beats(word.id) => {}
        Some(kept) => {
            // A dead letter that was tried again comes from where it came from before.
            if kept.id == word.id && word.whence.is_none() {
                word.whence = kept.whence.take();
            }
            *kept = word;
        }
        None => drop(words.insert(key.clone(), word)),
    }
}

pub(super) fn load(db: &dyn Sql, key: ContactKey) -> Result<Option<ContactRow>, StoreError> {
    let sql = "SELECT connection, reference, retry, words, guards, more FROM contact WHERE key = ?1";
    db.first(sql, args![&key], |row| read(&row, 0))
}

/// A row whose columns, in the order of the table, begin at `first` with the connection.
pub(super) fn read(row: &Row<'_>, first: usize) -> Result<ContactRow, StoreError> {
    let damaged = |_| StoreError::Damaged("a contact's row can't be read");
    let connection = ConnectionName::parse(row.text(first)?).map_err(|_| StoreError::Damaged("a connection's name"))?;
    let judged: Vec<(ChangeId, Judged)> = serde_json::from_str(row.text(first + 4)?).map_err(damaged)?;
    let More { fields, once } = serde_json::from_str(row.text(first + 5)?).map_err(damaged)?;
    let words = serde_json::from_str(row.text(first + 3)?).map_err(damaged)?;
    Ok(ContactRow {
        contact: Contact { connection, reference: serde_json::from_str(row.text(first + 1)?).map_err(damaged)? },
        retry: row.text_if_any(first + 2)?.map(serde_json::from_str).transpose().map_err(damaged)?,
        past: Past { words, fields, once, judged: judged.into_iter().collect() },
    })
}

/// When a contact is tried again, without the rest of its row.
pub(super) fn retry(db: &dyn Sql, key: ContactKey) -> Result<Option<Retry>, StoreError> {
    let read = |text: &str| serde_json::from_str(text).map_err(|_| StoreError::Damaged("a retry can't be read"));
    let sql = "SELECT retry FROM contact WHERE key = ?1";
    Ok(db.first(sql, args![&key], |row| row.text_if_any(0)?.map(read).transpose())?.flatten())
}

pub(super) fn save(db: &dyn Sql, key: ContactKey, row: &ContactRow) -> Result<(), StoreError> {
    let judged: Vec<_> = row.past.judged.iter().collect();
    let more = More { fields: row.past.fields.clone(), once: row.past.once.clone() };
    let sql = "INSERT INTO contact (key, connection, reference, retry, words, guards, more) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (key) DO UPDATE SET connection = excluded.connection, reference = excluded.reference, retry = excluded.retry,
        words = excluded.words, guards = excluded.guards, more = excluded.more";
    db.send(
        sql,
        args![
            &key,
            row.contact.connection.as_str(),
            &json(&row.contact.reference),
            row.retry.as_ref().map(json).as_deref(),
            &json(&row.past.words),
            &json(&judged),
            &json(&more),
        ],
    )
}

/// Plain data always has a JSON form.
pub(super) fn json<T: Serialize + ?Sized>(data: &T) -> String {
    serde_json::to_string(data).expect("stored types are plain data with text keys")
}
