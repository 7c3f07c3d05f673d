//! Carrying a rule out for an event: its changes and its reply.

mod contact;
mod json;
mod reply;
pub mod respond_io;

use super::catalog::{Catalog, Source};
use super::expr::eval::{self, Scope};
use super::model::{Rule, SetBlock, TagBlock, TagEntry, TagTemplate};
use super::params::MOST_ITEMS;
use crate::domain::change::{Change, Effect, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::tag::TagName;
use crate::domain::value::Value;

pub use super::expr::eval::print;
pub use contact::tags_changed;
pub use reply::reply;

/// Where in a rule something went wrong, and what.
#[derive(Debug)]
pub struct RuleFault {
    /// `tag.crm.add[1]`
    pub at: String,
    /// Without any value of the event.
    pub message: String,
}

/// The set and the source at home in which a rule acts.
#[derive(Clone, Copy)]
pub struct Home<'v> {
    /// The whole set.
    pub catalog: &'v Catalog,
    /// The event's source.
    pub source: &'v Source,
}

pub(super) type Rendered<T> = Result<T, RuleFault>;

/// Which end of a block is rendered.
#[derive(Clone, Copy)]
enum Side {
    Add,
    Remove,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// All changes of a rule, removes before adds, fields and forwards after them; or the fault for which it makes none.
pub fn changes<'v>(rule: &'v Rule, home: Home<'v>, scope: &Scope<'v>) -> Rendered<Vec<Change>> {
    let mut changes = Vec::new();
    for side in [Side::Remove, Side::Add] {
        for block in &rule.tags {
            block_changes(rule, block, side, home, scope, &mut changes)?;
        }
    }
    for block in &rule.sets {
        set_changes(rule, block, home, scope, &mut changes)?;
    }
    for forward in &rule.forwards {
        let at = format!("forward.{}", forward.connection);
        let mut body = String::new();
        json::write(&forward.body, scope, &at, &mut body)?;
        let reference = stream(rule, scope)?;
        let contact = Contact { connection: forward.connection.clone(), reference };
        let effect = Effect::Forward { body: json::owned(&body, &at)? };
        let terms = Terms { once_ms: rule.once.map(millis), ..Terms::default() }.boxed();
        changes.push(Change { terms, ..Change::plain(contact, effect, rule.id.clone()) });
        if let Some(record) = scope.record {
            record.made(forward, None::<&TagBlock>);
        }
    }
    Ok(changes)
}

fn block_changes<'v>(
    rule: &'v Rule,
    block: &'v TagBlock,
    side: Side,
    home: Home<'v>,
    scope: &Scope<'v>,
    changes: &mut Vec<Change>,
) -> Rendered<()> {
    let entries = match side {
        Side::Add => &block.add,
        Side::Remove => &block.remove,
    };
    let mut tags: Vec<(TagName, &TagEntry)> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let at = || format!("tag.{}.{}[{index}]", block.connection, side.word());
        let holds = entry.when.as_ref().map_or(Ok(true), |when| eval::holds(when, scope));
        if holds.map_err(|problem| fault(format!("{}.when", at()), problem.message))? {
            tag_names(entry, scope, &mut tags).map_err(|message| fault(at(), message))?;
        }
    }
    if tags.is_empty() {
        return Ok(());
    }
    // Only now: a rule whose tags all came out empty needs no contact.
    let found = contact::find(rule, home, &block.connection, scope)?;
    let manner = home.catalog.manner(&block.connection);
    changes.reserve(tags.len());
    for (tag, entry) in tags {
        let own = Terms {
            lasts_ms: entry.lasts.map(millis),
            once_ms: rule.once.map(millis),
            create: found.create,
            ..Terms::default()
        };
        let terms = match side {
            Side::Add => manner.of_add(&tag, own),
            Side::Remove => manner.of_remove(&tag, own),
        };
        let effect = match side {
            Side::Add => Effect::AddTag(tag),
            Side::Remove => Effect::RemoveTag(tag),
        };
        let contact = Contact { connection: block.connection.clone(), reference: found.reference.clone() };
        changes.push(Change { guard: block.guard.clone(), terms, ..Change::plain(contact, effect, rule.id.clone()) });
        if let Some(record) = scope.record {
            record.made(entry, Some(block));
        }
    }
    Ok(())
}

fn set_changes<'v>(
    rule: &'v Rule,
    block: &'v SetBlock,
    home: Home<'v>,
    scope: &Scope<'v>,
    changes: &mut Vec<Change>,
) -> Rendered<()> {
    let found = contact::find(rule, home, &block.connection, scope)?;
    let manner = home.catalog.manner(&block.connection);
    for line in &block.fields {
        let (field, template) = line;
        let at = format!("set.{}.{field}", block.connection);
        let mut value = String::new();
        json::write(template, scope, &at, &mut value)?;
        let own = Terms { once_ms: rule.once.map(millis), create: found.create, ..Terms::default() };
        let contact = Contact { connection: block.connection.clone(), reference: found.reference.clone() };
        let effect = Effect::Set { field: field.to_string(), value: json::owned(&value, &at)? };
        let terms = manner.of_set(own);
        changes.push(Change { terms, ..Change::plain(contact, effect, rule.id.clone()) });
        if let Some(record) = scope.record {
            record.made(line, None::<&TagBlock>);
        }
    }
    Ok(())
}

/// What is forwarded keeps its order by the contact that the rule or else the source finds; where neither finds one, by the
/// source. A rule that acts once for each contact can't do without one.
fn stream(rule: &Rule, scope: &Scope<'_>) -> Rendered<ContactRef> {
    let source = scope.event.source.clone();
    match contact::nearest(scope) {
        Ok(ContactRef::Id(id)) => Ok(ContactRef::Stream { source, contact: Some(id) }),
        Ok(found) => Ok(ContactRef::Stream { source, contact: Some(found.to_string()) }),
        Err(_) if rule.once.is_none() => Ok(ContactRef::Stream { source, contact: None }),
        Err(message) => Err(fault("contact".to_owned(), message)),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The names that one template stands for: a list adds each item, empty ones are left out. A body must not make 100,000
/// changes.
fn tag_names<'v>(
    entry: &'v TagEntry,
    scope: &Scope<'v>,
    tags: &mut Vec<(TagName, &'v TagEntry)>,
) -> Result<(), String> {
    let template = match &entry.name {
        TagTemplate::Fixed(tag) => {
            tags.push((tag.clone(), entry));
            return Ok(());
        }
        TagTemplate::Rendered(template) => template,
    };
    match template.value(scope).map_err(|fault| fault.message)? {
        Value::List(items) if items.len() > MOST_ITEMS => {
            return Err(format!("a list of {} tags; {MOST_ITEMS} is the most", items.len()));
        }
        Value::List(items) => {
            for item in &items {
                if !item.is_unset() {
                    tags.extend(tag_name(item)?.map(|tag| (tag, entry)));
                }
            }
        }
        value => tags.extend(tag_name(&value)?.map(|tag| (tag, entry))),
    }
    Ok(())
}

fn tag_name(value: &Value<'_>) -> Result<Option<TagName>, String> {
    match value {
        Value::Text(text) => Ok(TagName::parse(text)),
        Value::Number(number) => Ok(TagName::parse(&number.to_string())),
        Value::Unset => Err("the tag's name is unset; `| default(..)` answers it".to_owned()),
        other => Err(format!("a tag's name can't be {}", other.kind())),
    }
}

fn fault(at: String, message: String) -> RuleFault {
    RuleFault { at, message }
}
