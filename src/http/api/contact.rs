//! How calls name a contact.

use super::super::problem::Problem;
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;

/// A contact that a list is filtered by; it is known at a connection.
pub fn asked_for(connection: Option<&str>, reference: Option<&str>) -> Result<Option<Contact>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    let connection =
        connection.ok_or_else(|| Problem::Call("contact: `connection` says where it is known".to_owned()))?;
    let connection =
        ConnectionName::parse(connection).map_err(|error| Problem::Call(format!("connection: {error}")))?;
    let reference = ContactRef::parse(reference).ok_or_else(|| {
        Problem::Call("contact: expected an id, or id:17, email:.., phone:.., field:name=value".to_owned())
    })?;
    Ok(Some(Contact { connection, reference }))
}
