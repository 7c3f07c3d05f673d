//! Changes that wait and have left memory, in runs of events.
//!
//! A run holds the changes of 65,536 events in a row, sorted by contact. Spreading so writes to a few dense places, whatever
//! has piled up before; sorted by contact alone, each change would touch a page of its own once many wait. Whoever takes a
//! contact's changes looks into each run there is: one where deliveries keep up, a few dozen behind a long outage.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::contact::json;
use crate::domain::change::{Change, ChangeId, Ord, Terms};
use crate::domain::contact::ContactKey;
use crate::domain::whence::Whence;

/// The run that an event's changes are in.
fn run(ord: Ord) -> i64 {
    (ord.0 >> 16) as i64
}

/// Writes a change; one that is there already stays as it is.
pub(super) fn insert(db: &Connection, contact: ContactKey, id: ChangeId, change: &Change) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO pending VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![run(id.ord), contact.0.as_slice(), id.ord.0 as i64, id.index, json(change)]).map(drop)
}

/// Removes a change, if it is here.
pub(super) fn remove(db: &Connection, contact: ContactKey, id: ChangeId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    let mut delete = db.prepare_cached(sql)?;
    delete.execute(params![run(id.ord), contact.0.as_slice(), id.ord.0 as i64, id.index]).map(drop)
}

/// Lets a change that waits say where it came from; nothing happens where it doesn't.
pub(super) fn keep_whence(
    db: &Connection,
    contact: ContactKey,
    id: ChangeId,
    whence: &Whence,
) -> Result<(), StoreError> {
    let place = params![run(id.ord), contact.0.as_slice(), id.ord.0 as i64, id.index];
    let sql = "SELECT change FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    let text: Option<String> = db.prepare_cached(sql)?.query_row(place, |row| row.get(0)).optional()?;
    let Some(text) = text else { return Ok(()) };
    let mut change = read(&text)?;
    let terms = change.terms.as_deref().cloned().unwrap_or_default();
    change.terms = Terms { whence: Some(whence.clone()), ..terms }.boxed();
    remove(db, contact, id)?;
    Ok(insert(db, contact, id, &change)?)
}

/// A contact's changes, oldest first, at most `limit`.
pub(super) fn of(db: &Connection, contact: ContactKey, limit: usize) -> Result<Vec<(ChangeId, Change)>, StoreError> {
    let mut changes = Vec::new();
    let mut next = db.prepare_cached("SELECT run FROM pending WHERE run > ?1 ORDER BY run LIMIT 1")?;
    let sql = "SELECT ord, ix, change FROM pending WHERE run = ?1 AND contact = ?2 ORDER BY ord, ix";
    let mut select = db.prepare_cached(sql)?;
    let mut run = -1_i64;
    while let Some(found) = next.query_row([run], |row| row.get(0)).optional()? {
        run = found;
        let mut rows = select.query(params![run, contact.0.as_slice()])?;
        while let Some(row) = rows.next()? {
            let id = ChangeId { ord: Ord(row.get::<_, i64>(0)? as u64), index: row.get(1)? };
            changes.push((id, read(&row.get::<_, String>(2)?)?));
            if changes.len() >= limit {
                return Ok(changes);
            }
        }
    }
    Ok(changes)
}

/// Calls `each` with one change of every contact that has any, whichever comes first in the table.
pub(super) fn one_of_each(db: &Connection, mut each: impl FnMut(ContactKey, Change)) -> Result<(), StoreError> {
    let mut seen = std::collections::HashSet::with_hasher(super::hashed::AlreadyHashed);
    let mut statement = db.prepare("SELECT contact, change FROM pending")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(|_| StoreError::Damaged("a contact's key is no key"))?;
        let contact = ContactKey::from_hash(bytes);
        // Most rows are of a contact that was seen before: only its key is looked at.
        if seen.insert(contact) {
            each(contact, read(&row.get::<_, String>(1)?)?);
        }
    }
    Ok(())
}

fn read(change: &str) -> Result<Change, StoreError> {
    serde_json::from_str(change).map_err(|_| StoreError::Damaged("a waiting change can't be read"))
}
