//! Parameters on which respond.io and its white labels act themselves: with `respond_io_parameters` tagrelay does the same at
//! other connections, so that an agent built for them runs unchanged.

use std::sync::LazyLock;

use super::{Home, RuleFault, contact, fault};
use crate::domain::change::{Change, Effect, Terms};
use crate::domain::contact::Contact;
use crate::domain::json::OwnedJson;
use crate::domain::name::RuleId;
use crate::domain::tag::TagName;
use crate::domain::value::Value;
use crate::rules::expr::eval::Scope;
use crate::rules::params::split;

/// The name under which these changes stand in events, logs and blame; no rule may have it.
pub const RULE: &str = "respond_io_parameters";

static ID: LazyLock<RuleId> = LazyLock::new(|| RuleId::parse(RULE).expect("it has the letters of a name"));

/// The same as an id.
pub fn rule() -> RuleId {
    ID.clone()
}

/// The changes that an event's RB_ parameters ask for: removes before adds, fields after them.
pub fn changes<'v>(home: Home<'v>, scope: &Scope<'v>) -> Result<Vec<Change>, RuleFault> {
    let connections = &home.source.respond_io;
    if connections.is_empty() {
        return Ok(Vec::new());
    }
    let params = scope.event.params;
    let mut effects = Vec::new();
    for (name, effect) in
        [("RB_REMOVETAGS", Effect::RemoveTag as fn(TagName) -> Effect), ("RB_ADDTAGS", Effect::AddTag)]
    {
        let value = params.get(name).map_or(Value::Unset, Value::from_json);
        effects.extend(tags(name, value)?.into_iter().map(effect));
    }
    for (name, value) in params.entries() {
        // An unset parameter of an agent says nothing of the field.
        if let Some(field) = name.strip_prefix("RB_FIELD_").filter(|field| !field.is_empty())
            && !Value::from_json(value).is_unset()
        {
            effects.push(Effect::Set { field: field.to_owned(), value: OwnedJson::of(value) });
        }
    }
    let mut changes = Vec::new();
    for connection in connections.iter().filter(|_| !effects.is_empty()) {
        let found = contact::of_source(home, connection, scope)?;
        let manner = home.catalog.manner(connection);
        for effect in &effects {
            let own = Terms { create: found.create, ..Terms::default() };
            let terms = match effect {
                Effect::AddTag(tag) => manner.of_add(tag, own),
                Effect::RemoveTag(tag) => manner.of_remove(tag, own),
                _ => manner.of_set(own),
            };
            let contact = Contact { connection: connection.clone(), reference: found.reference.clone() };
            changes.push(Change { terms, ..Change::plain(contact, effect.clone(), rule()) });
        }
    }
    Ok(changes)
}

/// `tag1, tag2`: one text, or a list of them.
fn tags(name: &str, value: Value<'_>) -> Result<Vec<TagName>, RuleFault> {
    let wrong =
        |what: &str| fault(format!("params.{name}"), format!("expected tags with commas between them, found {what}"));
    let texts = match value {
        Value::Unset => Vec::new(),
        Value::List(items) => items,
        text @ Value::Text(_) => vec![text],
        other => return Err(wrong(other.kind())),
    };
    let mut tags = Vec::new();
    for text in texts {
        match text {
            Value::Unset => {}
            Value::Text(text) => {
                let items = split(&text, ",").ok_or_else(|| wrong("too many"))?;
                let names = items.iter().filter_map(|item| match item {
                    Value::Text(tag) => TagName::parse(tag),
                    _ => None,
                });
                tags.extend(names);
            }
            other => return Err(wrong(other.kind())),
        }
    }
    Ok(tags)
}
