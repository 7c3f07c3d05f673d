//! What a contact waits for, from the tables and from memory.

use rusqlite::Connection;

use super::face::{StoreError, Taken};
use super::waiting::Recent;
use super::{contact, pending};
use crate::domain::change::{Change, ChangeId};
use crate::domain::contact::ContactKey;

/// The oldest `page` changes that a contact waits for.
pub(super) fn take(
    db: &Connection,
    recent: Option<&Recent>,
    key: ContactKey,
    page: usize,
) -> Result<Taken, StoreError> {
    let row = contact::load(db, key)?;
    // One more than is given says whether there are more.
    let most = page.saturating_add(1);
    let mut changes = pending::of(db, key, most)?;
    changes.extend(recent.iter().flat_map(|recent| recent.of(key)).take(most).cloned());
    // After a restart in the middle of spreading a change may be in the table and in memory.
    changes.sort_by_key(|(id, _)| *id);
    changes.dedup_by_key(|(id, _)| *id);
    let more = changes.len() > page;
    changes.truncate(page);
    let contact = changes.first().map(|(_, change): &(ChangeId, Change)| change.contact.clone());
    let (past, retry) = row.map_or_else(Default::default, |row| (row.past, row.retry));
    Ok(Taken { contact, changes, more, past, retry })
}
