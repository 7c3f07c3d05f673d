//! What waits in memory: the keys and changes of lots that are not spread into tables yet.
//!
//! Two generations: `current` takes what is accepted, `spreading` is written to the tables in sorted slices. Everything
//! here can be rebuilt from lots and settlements; losing it costs time, never correctness.

use std::collections::HashMap;

use super::dedup::{DedupKey, RecentKeys, slot};
use super::face::Taken;
use super::hashed::AlreadyHashed;
use super::runs::Runs;
use super::sql::Sql;
use super::{StoreError, contact, pending};
use crate::domain::change::{Change, ChangeId, Ord};
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;

/// Changes by contact.
pub(super) type Changes = HashMap<ContactKey, Vec<(ChangeId, Change)>, AlreadyHashed>;

/// What is accepted and not yet being spread.
#[derive(Default)]
pub(super) struct Current {
    pub keys: RecentKeys,
    pub changes: Changes,
    /// How many events these are of.
    pub events: usize,
}

/// A generation on its way into the tables.
pub(super) struct Spreading {
    /// Keys sorted by table and key, the next ones last.
    pub queue: Vec<(i64, DedupKey, Ord, Timestamp)>,
    pub keys: RecentKeys,
    /// Contacts sorted, the next ones last.
    pub contacts: Vec<ContactKey>,
    pub changes: Changes,
    /// The last event in it.
    pub upto: Ord,
    /// Every settlement of a later event has this delivery id or a greater one.
    pub next_settled_from: i64,
}

/// The oldest `page` changes that a contact waits for, in the tables and in memory.
pub(super) fn take(
    db: &dyn Sql,
    recent: &Recent,
    runs: &Runs,
    key: ContactKey,
    page: usize,
) -> Result<Taken, StoreError> {
    let row = contact::load(db, key)?;
    // One more than is given says whether there are more.
    let most = page.saturating_add(1);
    let mut changes = pending::of(db, runs, key, most)?;
    changes.extend(recent.of(key).take(most).cloned());
    // After a restart in the middle of spreading a change may be in the table and in memory.
    changes.sort_by_key(|(id, _)| *id);
    changes.dedup_by_key(|(id, _)| *id);
    let more = changes.len() > page;
    changes.truncate(page);
    let contact = changes.first().map(|(_, change): &(ChangeId, Change)| change.contact.clone());
    let (past, retry) = row.map_or_else(Default::default, |row| (row.past, row.retry));
    Ok(Taken { contact, changes, more, past, retry, outdated: None, hold: None })
}

/// Both generations.
#[derive(Default)]
pub(super) struct Recent {
    pub current: Current,
    pub spreading: Option<Spreading>,
}

impl Recent {
    /// The event that had this key, if it isn't in the tables yet.
    pub fn find(&self, key: DedupKey) -> Option<Ord> {
        let older = || self.spreading.as_ref().and_then(|s| s.keys.get(&key));
        self.current.keys.get(&key).or_else(older).map(|(ord, _)| *ord)
    }

    /// Takes in one accepted event.
    pub fn accept(&mut self, ord: Ord, at: Timestamp, key: Option<DedupKey>, changes: Vec<(ContactKey, Change)>) {
        if let Some(key) = key {
            self.current.keys.insert(key, (ord, at));
        }
        for (index, (contact, mut change)) in changes.into_iter().enumerate() {
            let id = ChangeId { ord, index: index as u32 };
            change.at = at;
            self.current.changes.entry(contact).or_default().push((id, change));
        }
        self.current.events += 1;
    }

    /// A contact's changes in memory, oldest first.
    pub fn of(&self, contact: ContactKey) -> impl Iterator<Item = &(ChangeId, Change)> {
        let older = self.spreading.iter().flat_map(move |s| s.changes.get(&contact).into_iter().flatten());
        older.chain(self.current.changes.get(&contact).into_iter().flatten())
    }

    /// The contacts of a connection with changes in memory; looks at every contact there is.
    pub fn contacts_of(&self, connection: &ConnectionName) -> Vec<ContactKey> {
        let generations = self.spreading.iter().map(|s| &s.changes).chain([&self.current.changes]);
        let theirs = |changes: &[(ChangeId, Change)]| changes.iter().any(|(_, c)| c.contact.connection == *connection);
        generations.flatten().filter(|(_, changes)| theirs(changes)).map(|(key, _)| *key).collect()
    }

    /// Forgets settled changes, whose ids are sorted.
    pub fn settle(&mut self, contact: ContactKey, ids: &[ChangeId]) {
        let older = self.spreading.as_mut().map(|s| &mut s.changes);
        for changes in older.into_iter().chain([&mut self.current.changes]) {
            if let Some(list) = changes.get_mut(&contact) {
                list.retain(|(this, _)| ids.binary_search(this).is_err());
                if list.is_empty() {
                    changes.remove(&contact);
                }
            }
        }
    }

    /// Begins to spread what has been accepted so far, unless a generation is still under way.
    pub fn turn(&mut self, upto: Ord, next_delivery: i64) {
        if self.spreading.is_some() || self.current.events == 0 {
            return;
        }
        let done = std::mem::take(&mut self.current);
        let mut queue: Vec<_> = done.keys.iter().map(|(key, (ord, at))| (slot(*at), *key, *ord, *at)).collect();
        queue.sort_unstable_by(|a, b| b.cmp(a));
        let mut contacts: Vec<_> = done.changes.keys().copied().collect();
        contacts.sort_unstable_by(|a, b| b.cmp(a));
        self.spreading = Some(Spreading {
            queue,
            keys: done.keys,
            contacts,
            changes: done.changes,
            upto,
            next_settled_from: next_delivery,
        });
    }
}
