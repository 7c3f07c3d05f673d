//! Forgetting a person: whatever names a contact goes, and what is left of its events says only that they were.

use std::collections::HashMap;

use serde::Serialize;

use super::StoreError;
use super::contact;
use super::delivery::Settlement;
use super::lot::{self, Lot};
use super::record::Frame;
use super::sql::{Sql, args};
use super::{alias, fault};
use crate::domain::change::{ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Last words on tags.
    pub words: usize,
    /// Last words on fields.
    pub fields: usize,
    /// Changes that waited.
    pub waiting: usize,
    /// Dead letters.
    pub dead_letters: usize,
    /// Deliveries, with their calls.
    pub deliveries: usize,
    /// Tags that would have gone by themselves.
    pub timers: usize,
    /// Events whose body, headers and all else of the person went.
    pub events: usize,
    /// Names under which the person was known.
    pub names: usize,
}

/// Where events are that some contacts are named in.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The first numbers of the lots that hold them.
    lots: Vec<Ord>,
    /// How far was looked.
    upto: Ord,
    /// Under which names was looked.
    keys: Vec<ContactKey>,
}

impl Found {
    /// Nothing yet, of these names.
    pub fn under(keys: Vec<ContactKey>) -> Self {
        Self { keys, ..Self::default() }
    }
}

/// Goes on looking through all events for those that name the contacts.
pub(super) fn find(db: &dyn Sql, mut found: Found) -> Result<Found, StoreError> {
    while let Some(lot) = lot::oldest_above(db, found.upto)? {
        let mut theirs = false;
        for frame in lot.frames() {
            let (ord, frame) = frame?;
            theirs |= frame.head()?.names(&found.keys);
            found.upto = ord;
        }
        if theirs {
            found.lots.push(lot.first);
        }
    }
    Ok(found)
}

/// Erases all that names these contacts. What waits must have left memory before, for the tables are what is looked at.
pub(super) fn erase(db: &dyn Sql, contact: Contact, found: Found) -> Result<(Forgotten, Vec<ContactKey>), StoreError> {
    let known_as = alias::all(db, contact)?;
    let keys: Vec<ContactKey> = known_as.iter().map(Contact::key).collect();
    let mut erased = Forgotten::default();
    // A look-up that was answered since has given them another name: then all is looked through again.
    let is_whole = keys.iter().all(|key| found.keys.contains(key));
    let found = if is_whole { found } else { Found::under(keys.clone()) };
    for first in find(db, found)?.lots {
        erased.events += lot::holding(db, first)?.map_or(Ok(0), |lot| rewrite(db, &lot, &keys))?;
    }
    for key in &keys {
        if let Some(row) = contact::load(db, *key)? {
            erased.words += row.past.words.len();
            erased.fields += row.past.fields.len();
        }
        let delete = |sql: &str| db.run(sql, args![key]);
        erased.names += delete("DELETE FROM contact WHERE key = ?1")?;
        erased.waiting += delete("DELETE FROM pending WHERE contact = ?1")?;
        erased.dead_letters += delete("DELETE FROM dead WHERE contact = ?1")?;
        erased.deliveries += delete("DELETE FROM delivery WHERE contact = ?1")?;
        erased.timers += delete("DELETE FROM timer WHERE contact = ?1")?;
        delete("DELETE FROM alias WHERE key = ?1 OR other = ?1")?;
    }
    Ok((erased, keys))
}

/// Writes a lot anew without what names the contacts; numbers and places of all that stays are as they were.
fn rewrite(db: &dyn Sql, lot: &Lot, keys: &[ContactKey]) -> Result<usize, StoreError> {
    let mut frames = Vec::new();
    let mut count = 0;
    for entry in lot.places() {
        let (ord, frame) = entry?;
        let mut head = frame.head()?;
        if !head.names(keys) {
            frames.push(frame.bytes());
            continue;
        }
        let numbered: Vec<_> = head.numbered().map(|(index, change)| (index, change.clone())).collect();
        let (theirs, others): (Vec<_>, Vec<_>) =
            numbered.into_iter().partition(|(_, change)| keys.contains(&change.contact.key()));
        // An event that only said that others had changed the person's tags has no change whose place could tell.
        head.forgotten |= theirs.is_empty();
        head.tags_changed.retain(|contact| !keys.contains(&contact.key()));
        head.erased.extend(theirs.into_iter().map(|(index, _)| index));
        head.erased.sort_unstable();
        head.changes = others.into_iter().map(|(_, change)| change).collect();
        head.key = None;
        head.note = String::new();
        head.query.clear();
        head.headers.clear();
        let text = contact::json(&head);
        frames.push(Frame { head: text.as_bytes(), reply: b"{}", body: b"" }.bytes());
        // Other contacts' dead letters of this event have copies of its body.
        db.send("UPDATE dead SET event = NULL WHERE ord = ?1", args![ord])?;
        fault::answer(db, ord)?;
        count += 1;
    }
    let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    db.send("UPDATE lot SET body = ?2 WHERE first = ?1", args![lot.first, lot::pack(&slices).as_slice()])?;
    Ok(count)
}

/// Who was forgotten by this process, and up to which event: a call that was under way then must not bring them back.
#[derive(Debug, Default)]
pub(super) struct Gone(HashMap<ContactKey, Ord>);

impl Gone {
    /// These are forgotten, as far as events below `upto` speak of them.
    pub fn add(&mut self, keys: Vec<ContactKey>, upto: Ord) {
        self.0.extend(keys.into_iter().map(|key| (key, upto)));
    }

    /// What there is of the contact is taken for a call: all of it came after the forgetting.
    pub fn begins_anew(&mut self, key: ContactKey) {
        self.0.remove(&key);
    }

    /// Whether a change is one that was forgotten.
    pub fn has(&self, key: ContactKey, id: ChangeId) -> bool {
        self.0.get(&key).is_some_and(|upto| id.ord < *upto)
    }

    /// What is left of a settlement; nothing, where all that it tells of was forgotten.
    pub fn left_of(&self, mut settlement: Settlement) -> Option<Settlement> {
        let key = settlement.contact.key();
        if !self.0.contains_key(&key) {
            return Some(settlement);
        }
        settlement.settled.retain(|done| !self.has(key, done.id));
        // A failed try names no change: it is of those from before, since the contact hasn't begun anew.
        (!settlement.settled.is_empty()).then_some(settlement)
    }
}
