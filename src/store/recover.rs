//! Start: what waits is `pending`, and the changes of lots after the watermark without what was settled.

use super::StoreError;
use super::contact;
use super::dedup::DedupKey;
use super::delivery;
use super::face::Waiting;
use super::lot;
use super::pending;
use super::runs::Runs;
use super::schema::meta;
use super::sql::Sql;
use super::waiting::Recent;
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;

/// Rebuilds memory from the file.
pub(super) fn recent(db: &dyn Sql) -> Result<Recent, StoreError> {
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

/// Every contact with something to deliver, and from when on, as its row lies in the file: by connection, then by key. `runs` is
/// told where in `pending` they are.
pub(super) fn waiting(db: &dyn Sql, recent: &Recent, runs: &mut Runs) -> Result<Vec<Waiting>, StoreError> {
    let mut waiting = Vec::new();
    pending::each_contact(db, runs, |key, connection| note(&mut waiting, key, connection))?;
    for (key, changes) in &recent.current.changes {
        if let Some((_, change)) = changes.first() {
            note(&mut waiting, *key, change.contact.connection.clone());
        }
    }
    with_retries(db, waiting)
}

/// The same of one connection while the store is open, with those in memory.
pub(super) fn waiting_of(
    db: &dyn Sql,
    connection: &ConnectionName,
    recent: Vec<ContactKey>,
) -> Result<Vec<Waiting>, StoreError> {
    let mut waiting = Vec::new();
    for key in recent {
        note(&mut waiting, key, connection.clone());
    }
    pending::each_contact(db, &mut Runs::default(), |key, at| {
        if at == *connection {
            note(&mut waiting, key, at);
        }
    })?;
    with_retries(db, waiting)
}

/// Adds a contact. Of a million of one connection the name is held once.
fn note(waiting: &mut Vec<Waiting>, key: ContactKey, connection: ConnectionName) {
    let same = waiting.last().map(|last| &last.connection).filter(|last| **last == connection);
    let connection = same.cloned().unwrap_or(connection);
    waiting.push(Waiting { key, connection, not_before: None, throttled: false });
}

fn with_retries(db: &dyn Sql, mut waiting: Vec<Waiting>) -> Result<Vec<Waiting>, StoreError> {
    waiting.sort_unstable_by(|a, b| (&a.connection, a.key).cmp(&(&b.connection, b.key)));
    waiting.dedup_by_key(|one| one.key);
    for one in &mut waiting {
        let retry = contact::retry(db, one.key)?;
        one.throttled = retry.as_ref().is_some_and(|retry| retry.throttled);
        one.not_before = retry.map(|retry| retry.at);
    }
    Ok(waiting)
}
