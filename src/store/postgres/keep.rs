//! What last words keep when retention takes what tells of them, as in `keepsake.rs`, for many events in a few round trips.

use std::collections::{BTreeSet, HashMap};

use super::session::{Many, Session};
use crate::domain::change::{ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::whence::Whence;
use crate::store::contact::{self, ContactRow};
use crate::store::lot::Lot;
use crate::store::sql::Row;
use crate::store::{StoreError, alias, delivery, keepsake, pending};

/// An event, as far as words may have come from it.
struct Came {
    ord: Ord,
    whence: Whence,
    contacts: Vec<Contact>,
    indexes: Vec<u32>,
}

/// Words and waiting changes that came from these lots' events say where they came from.
pub(super) fn of_lots(session: &Session, lots: &[Lot]) -> Result<(), StoreError> {
    let mut events = Vec::new();
    for lot in lots {
        for frame in lot.frames() {
            let (ord, frame) = frame?;
            let head = frame.head()?;
            let contacts: Vec<Contact> = keepsake::contacts(&head).into_iter().cloned().collect();
            if !contacts.is_empty() {
                let indexes = head.numbered().map(|(index, _)| index).collect();
                events.push(Came { ord, whence: keepsake::whence(&head), contacts, indexes });
            }
        }
    }
    let known = aliases(session, &events)?;
    let mut concerned: HashMap<ContactKey, Vec<&Came>> = HashMap::new();
    for event in &events {
        let mut keys = BTreeSet::new();
        for contact in &event.contacts {
            let of = |key| Ok(known.get(&key).cloned().unwrap_or_default());
            keys.extend(alias::all_by(contact.clone(), of)?.iter().map(Contact::key));
        }
        for key in keys {
            concerned.entry(key).or_default().push(event);
        }
    }
    complete(session, &concerned.keys().copied().collect(), |key, row| {
        let mut said = false;
        for event in concerned.get(&key).into_iter().flatten() {
            said |= keepsake::say_whence(row, event.ord, &event.whence);
        }
        said
    })?;
    waiting(session, &concerned)
}

/// By what else contacts are known, as far as that has to be asked.
fn aliases(session: &Session, events: &[Came]) -> Result<HashMap<ContactKey, Vec<Contact>>, StoreError> {
    let mut known: HashMap<ContactKey, Vec<Contact>> = HashMap::new();
    loop {
        let mut unknown = BTreeSet::new();
        for contact in events.iter().flat_map(|event| &event.contacts) {
            alias::all_by(contact.clone(), |key| {
                Ok(known.get(&key).cloned().unwrap_or_else(|| {
                    unknown.insert(key);
                    Vec::new()
                }))
            })?;
        }
        if unknown.is_empty() {
            return Ok(known);
        }
        let sql = "SELECT key, contact FROM alias WHERE key = ANY ($1) ORDER BY key, other";
        let rows = session.ask(sql, vec![Many::keys(&unknown)])?;
        known.extend(unknown.into_iter().map(|key| (key, Vec::new())));
        for row in &rows {
            let row = Row::Postgres(row);
            known.entry(row.key(0)?).or_default().push(alias::read(row.text(1)?)?);
        }
    }
}

/// Changes that wait say where they came from.
fn waiting(session: &Session, concerned: &HashMap<ContactKey, Vec<&Came>>) -> Result<(), StoreError> {
    let mut asked: Vec<(ContactKey, ChangeId)> = Vec::new();
    for (key, events) in concerned {
        let ids = |event: &&Came| {
            let ord = event.ord;
            event.indexes.clone().into_iter().map(move |index| ChangeId { ord, index })
        };
        asked.extend(events.iter().flat_map(ids).map(|id| (*key, id)));
    }
    // In one order, so that no two that write changes wait for each other.
    asked.sort_unstable();
    let keys = Many::keys(asked.iter().map(|(key, _)| key));
    let ords = asked.iter().map(|(_, id)| id.ord.0 as i64).collect();
    let indexes = asked.iter().map(|(_, id)| i64::from(id.index)).collect();
    for row in &session.ask(pending::OF_IDS, vec![keys, Many::Ints(ords), Many::Ints(indexes)])? {
        let (key, id, change) = pending::of_ids(&Row::Postgres(row))?;
        let event = concerned.get(&key).into_iter().flatten().find(|event| event.ord == id.ord);
        if let Some(event) = event {
            pending::say_whence(session, key, id, change, &event.whence)?;
        }
    }
    Ok(())
}

/// Words that these deliveries settled by a call say by which.
pub(super) fn of_deliveries(session: &Session, deliveries: &[(i64, ContactKey)]) -> Result<(), StoreError> {
    let mut concerned: HashMap<ContactKey, Vec<i64>> = HashMap::new();
    for (id, key) in deliveries {
        concerned.entry(*key).or_default().push(*id);
    }
    let mut lacking = BTreeSet::new();
    each_row(session, "", &concerned.keys().copied().collect(), |key, row| {
        let ids = concerned.get(&key).into_iter().flatten();
        lacking.extend(ids.copied().filter(|id| keepsake::lacks_call(row, *id)).map(|id| (key, id)));
        Ok(())
    })?;
    // Only now, and one at a time: a delivery may hold a whole body that was sent on.
    let mut told: HashMap<ContactKey, Vec<delivery::Delivery>> = HashMap::new();
    for (key, id) in &lacking {
        let mut of = delivery::get(session, *id)?;
        // Beside the call, all that is asked of it is how each change ended.
        if let Some(of) = &mut of {
            of.attempts.iter_mut().for_each(|call| call.request = None);
        }
        told.entry(*key).or_default().extend(of);
    }
    complete(session, &told.keys().copied().collect(), |key, row| {
        let mut said = false;
        for of in told.get(&key).into_iter().flatten() {
            said |= keepsake::say_call(row, of);
        }
        said
    })
}

/// Writes the rows of contacts anew whose words `change` changed. They are read twice: most have nothing to say, and those alone are
/// locked that do.
fn complete(
    session: &Session,
    keys: &BTreeSet<ContactKey>,
    change: impl Fn(ContactKey, &mut ContactRow) -> bool,
) -> Result<(), StoreError> {
    let mut changed = BTreeSet::new();
    each_row(session, "", keys, |key, row| {
        if change(key, row) {
            changed.insert(key);
        }
        Ok(())
    })?;
    each_row(
        session,
        "FOR UPDATE",
        &changed,
        |key, row| {
            if change(key, row) { contact::save(session, key, row) } else { Ok(()) }
        },
    )
}

/// Reads the rows of contacts, in the order of their keys, in which all others lock them too.
fn each_row(
    session: &Session,
    lock: &str,
    keys: &BTreeSet<ContactKey>,
    mut each: impl FnMut(ContactKey, &mut ContactRow) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT key, connection, reference, retry, words, guards, more FROM contact WHERE key = ANY ($1) ORDER BY key {lock}"
    );
    for row in &session.ask(&sql, vec![Many::keys(keys)])? {
        let row = Row::Postgres(row);
        each(row.key(0)?, &mut contact::read(&row, 1)?)?;
    }
    Ok(())
}
