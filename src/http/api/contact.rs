//! How calls name a contact.

use super::super::Shared;
use super::super::problem::Problem;
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;
use crate::store::ContactQuery;

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
pub async fn at(shared: &Shared, (connection, reference): &(String, String)) -> Result<Contact, Problem> {
    let connection = known_connection(shared, connection).await?;
    Ok(Contact { connection, reference: named(reference)? })
}

/// The same, to be shown: also at a connection that the rules no longer name.
pub async fn shown_at(shared: &Shared, (connection, reference): &(String, String)) -> Result<Contact, Problem> {
    let connection = told_connection(shared, connection).await?;
    Ok(Contact { connection, reference: named(reference)? })
}

fn named(reference: &str) -> Result<ContactRef, Problem> {
    ContactRef::parse(reference).ok_or_else(|| {
        Problem::Call("expected a contact's id, or id:17, email:.., phone:.., field:name=value".to_owned())
    })
}

/// A connection of the rules.
pub async fn known_connection(shared: &Shared, name: &str) -> Result<ConnectionName, Problem> {
    match in_rules(shared, name) {
        Some(found) => Ok(found),
        None => Err(no_connection(shared, name).await),
    }
}

/// A connection of the rules, or one that they no longer name and whose contacts are told of.
pub async fn told_connection(shared: &Shared, name: &str) -> Result<ConnectionName, Problem> {
    match in_rules(shared, name) {
        Some(found) => Ok(found),
        None => left_behind(shared, name).await.ok_or_else(|| unknown(shared, name)),
    }
}

fn in_rules(shared: &Shared, name: &str) -> Option<ConnectionName> {
    shared.gateway.rules().connections().find(|known| known.as_str() == name).cloned()
}

/// One that the rules no longer name, though changes wait for it or contacts of it are known.
async fn left_behind(shared: &Shared, name: &str) -> Option<ConnectionName> {
    let name = ConnectionName::parse(name).ok()?;
    let lanes = shared.gateway.deliveries.status().await;
    if lanes.iter().any(|lane| lane.name == name) {
        return Some(name);
    }
    let query = ContactQuery { after: None, connection: Some(name.to_string()), dead: false, limit: 1 };
    let contacts = shared.gateway.store.reader().contacts(query).await.ok()?;
    (!contacts.items.is_empty()).then_some(name)
}

/// That the rules have no connection of a name, or no longer have it, and which they have.
pub async fn no_connection(shared: &Shared, name: &str) -> Problem {
    if left_behind(shared, name).await.is_some() {
        return Problem::NotFound(format!("the rules no longer name the connection {name:?}"));
    }
    unknown(shared, name)
}

fn unknown(shared: &Shared, name: &str) -> Problem {
    let rules = shared.gateway.rules();
    let names: Vec<&str> = rules.connections().map(ConnectionName::as_str).collect();
    let there = if names.is_empty() { "there is none".to_owned() } else { format!("there is: {}", names.join(", ")) };
    Problem::NotFound(format!("there is no connection {name:?}; {there}"))
}
