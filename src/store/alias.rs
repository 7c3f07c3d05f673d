//! Who is known by what: a contact that was looked up, and the id that was found, each under the other's key.

use super::StoreError;
use super::contact::json;
use super::sql::{Sql, args};
use crate::domain::contact::{Contact, ContactKey, ContactRef};

/// Keeps that a look-up by one found the other.
pub(super) fn keep(db: &dyn Sql, one: &Contact, other: &Contact) -> Result<(), StoreError> {
    let sql = "INSERT INTO alias (key, other, contact) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    for (of, known_as) in [(one, other), (other, one)] {
        db.send(sql, args![&of.key(), &known_as.key(), &json(known_as)])?;
    }
    Ok(())
}

/// A contact and all that it is known by, itself first. From a look-up that one id leads to, no other id is gone on to: a number
/// may have changed hands, and then it is another person's.
pub(super) fn all(db: &dyn Sql, contact: Contact) -> Result<Vec<Contact>, StoreError> {
    all_by(contact, |key| of(db, key))
}

/// The same, where `of` says by what else a contact is known.
pub(super) fn all_by(
    contact: Contact,
    mut of: impl FnMut(ContactKey) -> Result<Vec<Contact>, StoreError>,
) -> Result<Vec<Contact>, StoreError> {
    let mut found = vec![contact];
    let mut next = 0;
    while let Some(one) = found.get(next) {
        next += 1;
        if next > 1 && !matches!(one.reference, ContactRef::Id(_)) {
            continue;
        }
        for other in of(one.key())? {
            if !found.contains(&other) {
                found.push(other);
            }
        }
    }
    Ok(found)
}

/// A contact as the table holds it.
pub(super) fn read(text: &str) -> Result<Contact, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged("an alias can't be read"))
}

fn of(db: &dyn Sql, key: ContactKey) -> Result<Vec<Contact>, StoreError> {
    db.all("SELECT contact FROM alias WHERE key = ?1 ORDER BY other", args![&key], |row| read(row.text(0)?))
}
