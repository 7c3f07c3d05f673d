//! Whom a change is for.

use super::{Home, Rendered, fault};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;
use crate::domain::value::Value;
use crate::rules::expr::eval::Scope;
use crate::rules::model::{ContactTemplate, ContactsAt, FoundBy, Rule};

/// A contact, and whether it is made where it isn't found.
pub struct Found {
    /// By what the person is known at the connection.
    pub reference: ContactRef,
    /// Whether one that isn't found is made.
    pub create: bool,
}

/// Nearest wins: the rule's `contact_at`, its `contact`, the source's `contact_at`, its `contact`, the kind's own knowledge.
pub fn find<'v>(rule: &'v Rule, home: Home<'v>, at: &ConnectionName, scope: &Scope<'v>) -> Rendered<Found> {
    if let Some(own) = of(&rule.contact_at, at) {
        return by_template(own, format!("contact_at.{at}"), scope);
    }
    match &rule.contact {
        Some(own) => by_template(own, "contact".to_owned(), scope),
        None => of_source(home, at, scope),
    }
}

/// What the source says, for rules that don't say otherwise.
pub fn of_source<'v>(home: Home<'v>, at: &ConnectionName, scope: &Scope<'v>) -> Rendered<Found> {
    // What a test says that the source would have found stands before everything the source says.
    if scope.found.is_none()
        && let Some(own) = of(&home.source.contact_at, at)
    {
        return by_template(own, format!("contact_at.{at} of the source"), scope);
    }
    let (by, create) = match &home.source.contact {
        Some(contact) => (&contact.by, contact.create),
        None => (&FoundBy::Id, false),
    };
    let value = scope.contact().map_err(|problem| fault("contact".to_owned(), problem.message))?;
    reference(by, &value, create).map_err(|message| fault("contact".to_owned(), message))
}

/// Whose tags somebody else has changed, as an event of this source says; where nobody is named, nobody's.
pub fn tags_changed<'v>(home: Home<'v>, scope: &Scope<'v>) -> impl Iterator<Item = Rendered<Contact>> {
    home.source.tags_changed_at.iter().filter_map(|(connection, template)| {
        let at = || format!("tags_changed_at.{connection}");
        let value = match template.template.value(scope) {
            Ok(value) if value.is_unset() => return None,
            Ok(value) => value,
            Err(problem) => return Some(Err(fault(at(), problem.message))),
        };
        let found = reference(&template.by, &value, false).map_err(|message| fault(at(), message));
        Some(found.map(|found| Contact { connection: connection.clone(), reference: found.reference }))
    })
}

/// The nearest contact that isn't one connection's own.
pub fn nearest(scope: &Scope<'_>) -> Result<ContactRef, String> {
    let (by, value) = scope.nearest().map_err(|problem| problem.message)?;
    reference(by, &value, false).map(|found| found.reference)
}

fn of<'v>(contacts: &'v ContactsAt, at: &ConnectionName) -> Option<&'v ContactTemplate> {
    contacts.iter().find(|(connection, _)| connection == at).map(|(_, contact)| contact)
}

fn by_template<'v>(contact: &'v ContactTemplate, at: String, scope: &Scope<'v>) -> Rendered<Found> {
    match contact.template.value(scope) {
        Ok(value) => reference(&contact.by, &value, contact.create).map_err(|message| fault(at, message)),
        Err(problem) => Err(fault(at, problem.message)),
    }
}

fn reference(by: &FoundBy, value: &Value<'_>, create: bool) -> Result<Found, String> {
    let text = match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Unset => String::new(),
        other => return Err(format!("what a contact is found by can't be {}", other.kind())),
    };
    if text.is_empty() {
        return Err("there is no contact: it is unset".to_owned());
    }
    let reference = match by {
        FoundBy::Id => ContactRef::Id(text),
        FoundBy::Email => ContactRef::email(&text).ok_or("this is no e-mail address")?,
        FoundBy::Phone => ContactRef::phone(&text).ok_or("there is no digit in this phone number")?,
        FoundBy::Field(name) => ContactRef::Field { name: name.clone(), value: text },
    };
    Ok(Found { reference, create })
}
