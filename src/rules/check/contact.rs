//! Reading whom a change is for.

use super::desk::{Desk, Target};
use crate::rules::codes::Code;
use crate::rules::model::{ContactTemplate, ContactsAt, FoundBy};
use crate::rules::yaml::{Kind, Node};

/// The ways of finding a contact, each with its key.
const WAYS: [&str; 3] = ["email", "phone", "field"];

/// Reads `contact`: an id, or a look-up.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Option<ContactTemplate> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some(ContactTemplate { by: FoundBy::Id, template: desk.printed(node)?, create: false });
    }
    let given: Vec<_> = node.entries().iter().filter(|entry| WAYS.contains(&entry.key.as_str())).collect();
    let create = Desk::flag(node, "create").unwrap_or(false);
    let [way] = given.as_slice() else {
        let (span, message) = match given.get(1) {
            Some(second) => (second.key_span, "a contact is found in one way"),
            None => (node.span, "this doesn't say how the contact is found"),
        };
        let help = "give it one of: email, phone, or field with value";
        desk.findings.add(Code::BadValue, span, message).help(help);
        return None;
    };
    let value = node.get("value");
    match (way.key.as_str(), value) {
        ("field", Some(value)) => {
            let name = way.value.scalar()?;
            Some(ContactTemplate { by: FoundBy::Field(name), template: desk.printed(value)?, create })
        }
        ("field", None) => {
            let help = "as in `{ field: telegramId, value: \"{{ payload.from.id }}\" }`";
            desk.findings.add(Code::MissingKey, way.key_span, "`field` needs a `value` beside it").help(help);
            None
        }
        (key, Some(value)) => {
            let message = format!("`value` belongs to `field` and not to `{key}`");
            desk.findings.add(Code::BadValue, value.span, message).help("take it away");
            None
        }
        (key, None) => {
            let by = if key == "email" { FoundBy::Email } else { FoundBy::Phone };
            Some(ContactTemplate { by, template: desk.printed(&way.value)?, create })
        }
    }
}

/// Reads `contact_at` and `tags_changed_at`.
pub fn read_at(node: &Node, desk: &mut Desk<'_>) -> ContactsAt {
    let mut contacts = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        let contact = read(&entry.value, desk);
        contacts.extend(desk.connection(&entry.key).zip(contact));
    }
    contacts.into()
}
