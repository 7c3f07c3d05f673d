//! Changes that wait and have left memory, in runs of events.
//!
//! A run holds the changes of 65,536 events in a row, sorted by contact. Spreading so writes to a few dense places, whatever
//! has piled up before; sorted by contact alone, each change would touch a page of its own once many wait. Whoever takes a
//! contact's changes looks into the runs that may hold some, which `runs` tells from memory.

use serde::Deserialize;

use super::StoreError;
use super::contact::json;
use super::runs::{self, Runs};
use super::sql::{Row, Sql, args};
use crate::domain::change::{Change, ChangeId, Terms};
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::whence::Whence;

/// Writes a change; one that is there already stays as it is.
pub(super) fn insert(
    db: &dyn Sql,
    runs: &mut Runs,
    contact: ContactKey,
    id: ChangeId,
    change: &Change,
) -> Result<(), StoreError> {
    let run = runs::of(id.ord);
    runs.note(run, contact);
    let sql = "INSERT INTO pending (run, contact, ord, ix, change) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    db.send(sql, args![run, &contact, id.ord, id.index, &json(change)])
}

/// Removes a change, if it is here.
pub(super) fn remove(db: &dyn Sql, contact: ContactKey, id: ChangeId) -> Result<(), StoreError> {
    let sql = "DELETE FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    db.send(sql, args![runs::of(id.ord), &contact, id.ord, id.index])
}

/// Lets a change that waits say where it came from; nothing happens where it doesn't.
pub(super) fn keep_whence(db: &dyn Sql, contact: ContactKey, id: ChangeId, whence: &Whence) -> Result<(), StoreError> {
    let sql = "SELECT change FROM pending WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    let waits =
        db.first(sql, args![runs::of(id.ord), &contact, id.ord, id.index], |row| read::<Change>(row.text(0)?))?;
    waits.map_or(Ok(()), |change| say_whence(db, contact, id, change, whence))
}

/// Those of some changes, by contact and number, that wait.
pub(super) const OF_IDS: &str = "SELECT k.contact, k.ord, k.ix, p.change
    FROM unnest($1, $2, $3) AS k (contact, ord, ix)
    CROSS JOIN LATERAL (SELECT change FROM pending WHERE contact = k.contact AND ord = k.ord AND ix = k.ix LIMIT 1) p";

/// A row of [`OF_IDS`].
pub(super) fn of_ids(row: &Row<'_>) -> Result<(ContactKey, ChangeId, Change), StoreError> {
    Ok((row.key(0)?, row.change_id(1)?, read(row.text(3)?)?))
}

/// Writes where a change that waits came from.
pub(super) fn say_whence(
    db: &dyn Sql,
    contact: ContactKey,
    id: ChangeId,
    mut change: Change,
    whence: &Whence,
) -> Result<(), StoreError> {
    let terms = change.terms.as_deref().cloned().unwrap_or_default();
    change.terms = Terms { whence: Some(whence.clone()), ..terms }.boxed();
    let sql = "UPDATE pending SET change = ?5 WHERE run = ?1 AND contact = ?2 AND ord = ?3 AND ix = ?4";
    db.send(sql, args![runs::of(id.ord), &contact, id.ord, id.index, &json(&change)])
}

/// A contact's changes, oldest first, at most `limit`.
pub(super) fn of(
    db: &dyn Sql,
    runs: &Runs,
    contact: ContactKey,
    limit: usize,
) -> Result<Vec<(ChangeId, Change)>, StoreError> {
    let mut changes = Vec::new();
    let sql = "SELECT ord, ix, change FROM pending WHERE run = ?1 AND contact = ?2 ORDER BY ord, ix";
    for run in runs.that_may_hold(contact) {
        db.each(sql, args![run, &contact], &mut |row| {
            changes.push((row.change_id(0)?, read(row.text(2)?)?));
            Ok(changes.len() < limit)
        })?;
        if changes.len() >= limit {
            break;
        }
    }
    Ok(changes)
}

/// The same of several contacts, of each at most as many as its limit says, in a database with an index of them whatever their run:
/// the contact's place among those that were asked for, and the change.
pub(super) const OF_MANY: &str = "SELECT k.place - 1, p.ord, p.ix, p.change
    FROM unnest($1, $2) WITH ORDINALITY AS k (contact, most, place)
    CROSS JOIN LATERAL (SELECT ord, ix, change FROM pending WHERE contact = k.contact ORDER BY ord, ix LIMIT k.most) p
    ORDER BY 1, 2, 3";

/// A row of [`OF_MANY`].
pub(super) fn of_many(row: &Row<'_>) -> Result<(usize, (ChangeId, Change)), StoreError> {
    Ok((row.int(0)? as usize, (row.change_id(1)?, read(row.text(3)?)?)))
}

/// The connection of a change, without the rest of it.
pub(super) fn connection_of(change: &str) -> Result<ConnectionName, StoreError> {
    let Whose { contact: Where { connection } } = read(change)?;
    Ok(connection)
}

/// Forgets the runs that are empty on disk; not within a commit, which may fail.
pub(super) fn prune(db: &dyn Sql, runs: &mut Runs) -> Result<(), StoreError> {
    let any = "SELECT ord FROM pending WHERE run = ?1 LIMIT 1";
    runs.prune(|run| Ok(db.first(any, args![run], |_| Ok(()))?.is_none()))
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
    db: &dyn Sql,
    runs: &mut Runs,
    mut each: impl FnMut(ContactKey, ConnectionName),
) -> Result<(), StoreError> {
    let mut seen = std::collections::HashSet::with_hasher(super::hashed::AlreadyHashed);
    db.each("SELECT run, contact, change FROM pending", &[], &mut |row| {
        let contact = row.key(1)?;
        runs.note(row.int(0)?, contact);
        // Any of a contact's changes names its connection: of most rows of a busy contact only the key is looked at.
        if seen.insert(contact) {
            let Whose { contact: Where { connection } } = read(row.text(2)?)?;
            each(contact, connection);
        }
        Ok(true)
    })
}

fn read<'r, T: Deserialize<'r>>(change: &'r str) -> Result<T, StoreError> {
    serde_json::from_str(change).map_err(|_| StoreError::Damaged("a waiting change can't be read"))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::domain::change::{Effect, Ord};
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
