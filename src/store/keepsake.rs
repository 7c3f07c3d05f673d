//! What last words keep when retention takes what tells of them: whose word a tag is can be asked as long as its contact is known.
//!
//! It is copied then, and not when a change is settled: the intake would have to hand each change's source and rule set on, every
//! settlement would write more, and most words are replaced long before. Nothing of it is paid where somebody waits.

use std::collections::BTreeSet;

use super::StoreError;
use super::contact::{self, Word};
use super::lot::Lot;
use super::record::EventHead;
use super::sql::Sql;
use super::{alias, delivery, pending};
use crate::domain::change::{ChangeId, Effect};
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
        let whence = Whence::of(head.source.clone(), head.rule_set.clone(), &head.note);
        for key in keys {
            complete(db, key, |word| {
                let lacks = word.id.ord == ord && word.whence.is_none();
                if lacks {
                    word.whence = Some(whence.clone());
                }
                lacks
            })?;
            for (index, _) in head.numbered() {
                pending::keep_whence(db, key, ChangeId { ord, index }, &whence)?;
            }
        }
    }
    Ok(())
}

/// Under whatever the contacts of its words may lie.
fn names(db: &dyn Sql, head: &EventHead) -> Result<BTreeSet<ContactKey>, StoreError> {
    // What is sent on leaves no word.
    let changes = head.changes.iter().filter(|change| !matches!(change.effect, Effect::Forward { .. }));
    let contacts: std::collections::HashSet<&Contact> = changes.map(|change| &change.contact).collect();
    let mut keys = BTreeSet::new();
    for contact in contacts {
        keys.extend(alias::all(db, contact.clone())?.iter().map(Contact::key));
    }
    Ok(keys)
}

/// Words that a delivery settled by a call say by which.
pub(super) fn of_delivery(db: &dyn Sql, key: ContactKey, id: i64) -> Result<(), StoreError> {
    let mut read = None;
    let mut failed = None;
    complete(db, key, |word| {
        if word.delivery != id || word.call.is_some() || !delivery::has_call(word.how) {
            return false;
        }
        // Only now: a delivery may hold a whole body that was sent on.
        let delivery = read.get_or_insert_with(|| {
            delivery::get(db, id).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        word.call = delivery.as_ref().and_then(|of| of.call_for(word.id)).map(|attempt| Box::new(attempt.into()));
        word.call.is_some()
    })?;
    failed.map_or(Ok(()), Err)
}

/// Writes a contact's row anew where `change` changed one of its words.
fn complete(db: &dyn Sql, key: ContactKey, mut change: impl FnMut(&mut Word) -> bool) -> Result<(), StoreError> {
    let Some(mut row) = contact::load(db, key)? else { return Ok(()) };
    let mut changed = false;
    for word in row.past.words.values_mut().chain(row.past.fields.values_mut()) {
        changed |= change(word);
    }
    if changed { contact::save(db, key, &row) } else { Ok(()) }
}
