//! How calls name a contact.

use super::super::Shared;
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

/// The contact that an address names, at a connection of the rules.
pub fn at(shared: &Shared, (connection, reference): &(String, String)) -> Result<Contact, Problem> {
    let connection = known_connection(shared, connection)?;
    let reference = ContactRef::parse(reference).ok_or_else(|| {
        Problem::Call("expected a contact's id, or id:17, email:.., phone:.., field:name=value".to_owned())
    })?;
    Ok(Contact { connection, reference })
}

/// A connection of the rules.
pub fn known_connection(shared: &Shared, name: &str) -> Result<ConnectionName, Problem> {
    let found = shared.gateway.rules().connections().find(|known| known.as_str() == name).cloned();
    found.ok_or_else(|| no_connection(shared, name))
}

/// That the rules have no connection of a name, and which they have.
pub fn no_connection(shared: &Shared, name: &str) -> Problem {
    let rules = shared.gateway.rules();
    let names: Vec<&str> = rules.connections().map(ConnectionName::as_str).collect();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there is: {}", names.join(", ")) };
    Problem::NotFound(format!("there is no connection {name:?}; {there}"))
}
