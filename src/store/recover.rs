//! Start: what waits is `pending`, and the changes of lots after the watermark without what was settled.

use std::collections::HashMap;

use rusqlite::Connection;

use super::StoreError;
use super::contact;
use super::dedup::DedupKey;
use super::delivery;
use super::face::Waiting;
use super::lot;
use super::pending;
use super::schema::meta;
use super::waiting::Recent;
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;

/// Rebuilds memory from the file.
pub(super) fn recent(db: &Connection) -> Result<Recent, StoreError> {
    let mut recent = Recent::default();
    let settled_from = meta(db, "settled_from")?;
    let mut ord = Ord(meta(db, "spread")? as u64);
    while let Some(lot) = lot::oldest_above(db, ord)? {
        for frame in lot.frames() {
            let (this, frame) = frame?;
            let head = frame.head()?;
            let key = head.key.as_deref().map(|key| DedupKey::of(&head.source, key));
            let changes = head.changes.into_iter().map(|change| (change.contact.key(), change)).collect();
            recent.accept(this, lot.at, key, changes);
            ord = this;
        }
    }
    delivery::settled_from(db, settled_from, |contact, id| recent.settle(contact, &[id]))?;
    Ok(recent)
}

/// Every contact with something to deliver, and from when on.
pub(super) fn waiting(db: &Connection, recent: &Recent) -> Result<Vec<Waiting>, StoreError> {
    let mut found: HashMap<ContactKey, ConnectionName> = HashMap::new();
    // Any of a contact's changes names its connection.
    pending::one_of_each(db, |key, change| drop(found.insert(key, change.contact.connection)))?;
    for (key, changes) in &recent.current.changes {
        if let Some((_, change)) = changes.first() {
            found.entry(*key).or_insert_with(|| change.contact.connection.clone());
        }
    }
    let mut waiting = Vec::with_capacity(found.len());
    for (key, connection) in found {
        let retry = contact::load(db, key)?.and_then(|row| row.retry);
        waiting.push(Waiting { key, connection, retry });
    }
    Ok(waiting)
}

/// The same of one connection while the store is open, with those in memory.
pub(super) fn waiting_of(
    db: &Connection,
    connection: &ConnectionName,
    mut keys: Vec<ContactKey>,
) -> Result<Vec<Waiting>, StoreError> {
    pending::one_of_each(db, |key, change| {
        if change.contact.connection == *connection {
            keys.push(key);
        }
    })?;
    keys.sort_unstable();
    keys.dedup();
    let mut waiting = Vec::with_capacity(keys.len());
    for key in keys {
        let retry = contact::load(db, key)?.and_then(|row| row.retry);
        waiting.push(Waiting { key, connection: connection.clone(), retry });
    }
    Ok(waiting)
}
