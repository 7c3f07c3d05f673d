//! Changes that wait and have left memory, in runs of events.
//!
//! A run holds the changes of 65,536 events in a row, sorted by contact. Spreading so writes to a few dense places, whatever
//! has piled up before; sorted by contact alone, each change would touch a page of its own once many wait. Whoever takes a
//! contact's changes looks into the runs that may hold some, which `runs` tells from memory.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;

use super::StoreError;
use super::contact::json;
use super::runs::{self, Runs};
use crate::domain::change::{Change, ChangeId, Ord, Terms};
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::whence::Whence;

/// Writes a change; one that is there already stays as it is.
pub(super) fn insert(
    db: &Connection,
    runs: &mut Runs,
    contact: ContactKey,
    id: ChangeId,
    change: &Change,
) -> rusqlite::Result<()> {
    let run = runs::of(id.ord);
    runs.note(run, contact);
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO pending VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![run, contact.0.as_slice(), id.ord.0 as i64, id.index, json(change)]).map(drop)
}

/// Removes a change, if it is here.
pub(super) fn remove(db: &Connection, contact: ContactKey, id: ChangeId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    let mut delete = db.prepare_cached(sql)?;
    delete.execute(params![runs::of(id.ord), contact.0.as_slice(), id.ord.0 as i64, id.index]).map(drop)
}

/// Lets a change that waits say where it came from; nothing happens where it doesn't.
pub(super) fn keep_whence(
    db: &Connection,
    contact: ContactKey,
    id: ChangeId,
    whence: &Whence,
) -> Result<(), StoreError> {
    let (run, key, ord) = (runs::of(id.ord), contact.0.as_slice(), id.ord.0 as i64);
    let sql = "SELECT change FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    let place = params![run, key, ord, id.index];
    let text: Option<String> = db.prepare_cached(sql)?.query_row(place, |row| row.get(0)).optional()?;
    let Some(text) = text else { return Ok(()) };
    let mut change: Change = read(rusqlite::types::ValueRef::Text(text.as_bytes()))?;
    let terms = change.terms.as_deref().cloned().unwrap_or_default();
    change.terms = Terms { whence: Some(whence.clone()), ..terms }.boxed();
    let sql = "UPDATE pending SET change = ?5 WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    db.prepare_cached(sql)?.execute(params![run, key, ord, id.index, json(&change)])?;
    Ok(())
}

/// A contact's changes, oldest first, at most `limit`.
pub(super) fn of(
    db: &Connection,
    runs: &Runs,
    contact: ContactKey,
    limit: usize,
) -> Result<Vec<(ChangeId, Change)>, StoreError> {
    let mut changes = Vec::new();
    let sql = "SELECT ord, ix, change FROM pending WHERE run = ?1 AND contact = ?2 ORDER BY ord, ix";
    let mut select = db.prepare_cached(sql)?;
    for run in runs.that_may_hold(contact) {
        let mut rows = select.query(params![run, contact.0.as_slice()])?;
        while let Some(row) = rows.next()? {
            let id = ChangeId { ord: Ord(row.get::<_, i64>(0)? as u64), index: row.get(1)? };
            changes.push((id, read(row.get_ref(2)?)?));
            if changes.len() >= limit {
                return Ok(changes);
            }
        }
    }
    Ok(changes)
}

/// Forgets the runs that are empty on disk; not within a commit, which may fail.
pub(super) fn prune(db: &Connection, runs: &mut Runs) -> rusqlite::Result<()> {
    let mut any = db.prepare_cached("SELECT 1 FROM pending WHERE run = ?1 LIMIT 1")?;
    let any = std::cell::RefCell::new(&mut any);
    runs.prune(|run| Ok(any.borrow_mut().query_row([run], |_| Ok(())).optional()?.is_none()))
}

/// Whom a change is for, without the rest of it.
#[derive(Deserialize)]
struct Whose {
    contact: Where,
}

#[derive(Deserialize)]
struct Where {
    connection: ConnectionName,
}

/// Calls `each` with every contact that has changes and the connection that it is at, once, and tells `runs` where they are.
pub(super) fn each_contact(
    db: &Connection,
    runs: &mut Runs,
    mut each: impl FnMut(ContactKey, ConnectionName),
) -> Result<(), StoreError> {
    let mut seen = std::collections::HashSet::with_hasher(super::hashed::AlreadyHashed);
    let mut statement = db.prepare("SELECT run, contact, change FROM pending")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Damaged("a contact's key is no key"))?;
        let contact = ContactKey::from_hash(bytes);
        runs.note(row.get(0)?, contact);
        // Any of a contact's changes names its connection: of most rows of a busy contact only the key is looked at.
        if seen.insert(contact) {
            let Whose { contact: Where { connection } } = read(row.get_ref(2)?)?;
            each(contact, connection);
        }
    }
    Ok(())
}

fn read<'r, T: Deserialize<'r>>(change: rusqlite::types::ValueRef<'r>) -> Result<T, StoreError> {
    let text = change.as_str().ok().and_then(|text| serde_json::from_str(text).ok());
    text.ok_or(StoreError::Damaged("a waiting change can't be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Effect;
    use crate::domain::contact::{Contact, ContactRef};
    use crate::domain::name::RuleId;
    use crate::domain::tag::TagName;
    use crate::store::schema;

    /// A contact's change of an event in the middle of a run.
    fn change(contact: &str, run: u64) -> (ContactKey, ChangeId, Change) {
        let connection = ConnectionName::parse("crm").expect("a name");
        let contact = Contact { connection, reference: ContactRef::Id(contact.to_owned()) };
        let effect = Effect::AddTag(TagName::parse("Lead").expect("a tag"));
        let id = ChangeId { ord: Ord((run << 16) + 7), index: 0 };
        (contact.key(), id, Change::plain(contact, effect, RuleId::parse("a-rule").expect("a name")))
    }

    #[test]
    fn a_contact_is_found_in_whatever_runs_it_waits_also_by_who_opens_the_file() {
        let mut db = Connection::open_in_memory().expect("a database");
        schema::migrate(&mut db).expect("tables");
        let mut runs = Runs::default();
        for (contact, run) in [("a", 9), ("b", 2), ("a", 0), ("a", 2)] {
            let (key, id, change) = change(contact, run);
            insert(&db, &mut runs, key, id, &change).expect("written");
        }
        let found = |runs: &Runs, contact| {
            let all = of(&db, runs, change(contact, 0).0, usize::MAX).expect("read");
            all.into_iter().map(|(id, _)| id.ord.0 >> 16).collect::<Vec<_>>()
        };
        assert_eq!((found(&runs, "a"), found(&runs, "b")), (vec![0, 2, 9], vec![2]));
        let (mut opened, mut contacts) = (Runs::default(), 0);
        each_contact(&db, &mut opened, |_, _| contacts += 1).expect("read");
        assert_eq!((found(&opened, "a"), found(&opened, "b"), contacts), (vec![0, 2, 9], vec![2], 2));
        let (key, id, _) = change("a", 9);
        remove(&db, key, id).expect("removed");
        prune(&db, &mut runs).expect("asked");
        assert_eq!((found(&runs, "a"), runs.that_may_hold(key).collect::<Vec<_>>()), (vec![0, 2], vec![0, 2]));
    }
}
