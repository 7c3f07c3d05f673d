//! Who is known by what: a contact that was looked up, and the id that was found, each under the other's key.

use rusqlite::{Connection, params};

use super::StoreError;
use super::contact::json;
use crate::domain::contact::{Contact, ContactKey, ContactRef};

/// Keeps that a look-up by one found the other.
pub(super) fn keep(db: &Connection, one: &Contact, other: &Contact) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO alias VALUES (?1, ?2, ?3)")?;
    for (of, known_as) in [(one, other), (other, one)] {
        insert.execute(params![of.key().0.as_slice(), known_as.key().0.as_slice(), json(known_as)])?;
    }
    Ok(())
}

/// A contact and all that it is known by, itself first. From a look-up that one id leads to, no other id is gone on to: a number
/// may have changed hands, and then it is another person's.
pub(super) fn all(db: &Connection, contact: Contact) -> Result<Vec<Contact>, StoreError> {
    let mut found = vec![contact];
    let mut next = 0;
    while let Some(one) = found.get(next) {
        next += 1;
        if next > 1 && !matches!(one.reference, ContactRef::Id(_)) {
            continue;
        }
        for other in of(db, one.key())? {
            if !found.contains(&other) {
                found.push(other);
            }
        }
    }
    Ok(found)
}

fn of(db: &Connection, key: ContactKey) -> Result<Vec<Contact>, StoreError> {
    let mut statement = db.prepare_cached("SELECT contact FROM alias WHERE key = ?1 ORDER BY other")?;
    let rows = statement.query_map([key.0.as_slice()], |row| row.get::<_, String>(0))?;
    let read = |text: String| serde_json::from_str(&text).map_err(|_| StoreError::Damaged("an alias can't be read"));
    rows.map(|row| read(row?)).collect()
}
