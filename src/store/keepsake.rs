//! What last words keep when retention takes what tells of them: whose word a tag is can be asked as long as its contact is known.
//!
//! It is copied then, and not when a change is settled: the intake would have to hand each change's source and rule set on, every
//! settlement would write more, and most words are replaced long before. Nothing of it is paid where somebody waits.

use std::collections::{BTreeSet, HashSet};

use super::StoreError;
use super::contact::{self, ContactRow, Word};
use super::delivery::{self, Delivery};
use super::lot::Lot;
use super::record::EventHead;
use super::sql::Sql;
use super::{alias, pending};
use crate::domain::change::{ChangeId, Effect, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::whence::Whence;

/// Words and waiting changes that came from this lot's events say where they came from.
pub(super) fn of_lot(db: &dyn Sql, lot: &Lot) -> Result<(), StoreError> {
    for frame in lot.frames() {
        let (ord, frame) = frame?;
        let head = frame.head()?;
        let keys = names(db, &head)?;
        if keys.is_empty() {
            continue;
        }
        let whence = whence(&head);
        for key in keys {
            complete(db, key, |row| say_whence(row, ord, &whence))?;
            for (index, _) in head.numbered() {
                pending::keep_whence(db, key, ChangeId { ord, index }, &whence)?;
            }
        }
    }
    Ok(())
}

/// What is kept of an event.
pub(super) fn whence(head: &EventHead) -> Whence {
    Whence::of(head.source.clone(), head.rule_set.clone(), &head.note)
}

/// Whom an event's changes are for, those aside that are sent on and leave no word.
pub(super) fn contacts(head: &EventHead) -> HashSet<&Contact> {
    let changes = head.changes.iter().filter(|change| !matches!(change.effect, Effect::Forward { .. }));
    changes.map(|change| &change.contact).collect()
}

/// Under whatever the contacts of its words may lie.
fn names(db: &dyn Sql, head: &EventHead) -> Result<BTreeSet<ContactKey>, StoreError> {
    let mut keys = BTreeSet::new();
    for contact in contacts(head) {
        keys.extend(alias::all(db, contact.clone())?.iter().map(Contact::key));
    }
    Ok(keys)
}

/// Words of this event say where they came from; whether one didn't yet.
pub(super) fn say_whence(row: &mut ContactRow, ord: Ord, whence: &Whence) -> bool {
    let mut said = false;
    for word in words(row).filter(|word| word.id.ord == ord && word.whence.is_none()) {
        word.whence = Some(whence.clone());
        said = true;
    }
    said
}

/// Whether a word should say by which call this delivery settled it.
pub(super) fn lacks_call(row: &mut ContactRow, id: i64) -> bool {
    words(row).any(|word| word.delivery == id && word.call.is_none() && delivery::has_call(word.how))
}

/// Words that this delivery settled by a call say by which; whether one didn't yet.
pub(super) fn say_call(row: &mut ContactRow, of: &Delivery) -> bool {
    let mut said = false;
    for word in words(row).filter(|word| word.delivery == of.id && word.call.is_none() && delivery::has_call(word.how))
    {
        word.call = of.call_for(word.id).map(|attempt| Box::new(attempt.into()));
        said |= word.call.is_some();
    }
    said
}

/// Words that a delivery settled by a call say by which.
pub(super) fn of_delivery(db: &dyn Sql, key: ContactKey, id: i64) -> Result<(), StoreError> {
    let Some(mut row) = contact::load(db, key)? else { return Ok(()) };
    // Only now: a delivery may hold a whole body that was sent on.
    let said = lacks_call(&mut row, id) && delivery::get(db, id)?.is_some_and(|of| say_call(&mut row, &of));
    if said { contact::save(db, key, &row) } else { Ok(()) }
}

fn words(row: &mut ContactRow) -> impl Iterator<Item = &mut Word> {
    row.past.words.values_mut().chain(row.past.fields.values_mut())
}

/// Writes a contact's row anew where `change` changed one of its words.
fn complete(db: &dyn Sql, key: ContactKey, change: impl FnOnce(&mut ContactRow) -> bool) -> Result<(), StoreError> {
    let Some(mut row) = contact::load(db, key)? else { return Ok(()) };
    if change(&mut row) { contact::save(db, key, &row) } else { Ok(()) }
}
