//! Carrying a rule out for an event: its changes and its reply.

use serde_json::{Map, Value as JsonValue};

use super::expr::eval::Scope;
use super::expr::template::Template;
use super::model::{JsonTemplate, ReplyTemplate, Rule, TagBlock, TagTemplate};
use crate::domain::change::{Change, Effect};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;
use crate::domain::reply::{FollowupEvent, OutputContext, Reply};
use crate::domain::tag::TagName;
use crate::domain::value::Value;

/// Where in a rule something went wrong, and what.
#[derive(Debug)]
pub struct RuleFault {
    /// `tag.crm.add[1]`
    pub at: String,
    /// Without any value of the event.
    pub message: String,
}

type Rendered<T> = Result<T, RuleFault>;

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

/// All changes of a rule, removes before adds, or the fault for which it makes none.
pub fn changes<'v>(rule: &'v Rule, scope: &Scope<'v>) -> Rendered<Vec<Change>> {
    let mut changes = Vec::new();
    for side in [Side::Remove, Side::Add] {
        for block in &rule.tags {
            block_changes(rule, block, side, scope, &mut changes)?;
        }
    }
    Ok(changes)
}

fn block_changes<'v>(
    rule: &'v Rule,
    block: &'v TagBlock,
    side: Side,
    scope: &Scope<'v>,
    changes: &mut Vec<Change>,
) -> Rendered<()> {
    let templates = match side {
        Side::Add => &block.add,
        Side::Remove => &block.remove,
    };
    let mut tags = Vec::with_capacity(templates.len());
    for (index, template) in templates.iter().enumerate() {
        tag_names(template, scope, &mut tags)
            .map_err(|message| fault(format!("tag.{}.{}[{index}]", block.connection, side.word()), message))?;
    }
    if tags.is_empty() {
        return Ok(());
    }
    // Only now: a rule whose tags all came out empty needs no contact.
    let reference = contact(rule, &block.connection, scope)?;
    changes.reserve(tags.len());
    for tag in tags {
        let contact = Contact { connection: block.connection.clone(), reference: reference.clone() };
        let effect = match side {
            Side::Add => Effect::AddTag(tag),
            Side::Remove => Effect::RemoveTag(tag),
        };
        changes.push(Change { contact, effect, rule: rule.id.clone(), guard: block.guard.clone(), terms: None });
    }
    Ok(())
}

/// The names that one template stands for: a list adds each item, empty ones are left out.
fn tag_names<'v>(template: &'v TagTemplate, scope: &Scope<'v>, tags: &mut Vec<TagName>) -> Result<(), String> {
    let template = match template {
        TagTemplate::Fixed(tag) => {
            tags.push(tag.clone());
            return Ok(());
        }
        TagTemplate::Rendered(template) => template,
    };
    match template.value(scope).map_err(|fault| fault.message)? {
        Value::List(items) => {
            for item in &items {
                if !item.is_unset() {
                    tags.extend(tag_name(item)?);
                }
            }
        }
        value => tags.extend(tag_name(&value)?),
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

/// Nearest wins: the rule's `contact_at`, its `contact`, then what the source knows.
fn contact<'v>(rule: &'v Rule, connection: &ConnectionName, scope: &Scope<'v>) -> Rendered<ContactRef> {
    let own_at = rule.contact_at.iter().find(|(at, _)| at == connection).map(|(_, template)| template);
    let (at, value) = match (own_at, &rule.contact) {
        (Some(template), _) => (format!("contact_at.{connection}"), template.value(scope)),
        (None, Some(template)) => ("contact".to_owned(), template.value(scope)),
        (None, None) => ("contact".to_owned(), scope.contact()),
    };
    let id = match value {
        Ok(Value::Text(text)) => Ok(text.trim().to_owned()),
        Ok(Value::Number(number)) => Ok(number.to_string()),
        Ok(Value::Unset) => Err("there is no contact: it is unset".to_owned()),
        Ok(other) => Err(format!("a contact's id can't be {}", other.kind())),
        Err(fault) => Err(fault.message),
    };
    match id {
        Ok(id) if id.is_empty() => Err(fault(at, "there is no contact: it is unset".to_owned())),
        Ok(id) => Ok(ContactRef::Id(id)),
        Err(message) => Err(fault(at, message)),
    }
}

/// A rule's reply.
pub fn reply<'v>(template: &'v ReplyTemplate, scope: &Scope<'v>) -> Rendered<Reply> {
    let mut reply = Reply::default();
    if let Some(words) = &template.text {
        reply.text = Some(text(words, scope, "reply")?);
    }
    for (index, message) in template.messages.iter().enumerate() {
        reply.messages.push(json(message, scope, &format!("reply.messages[{index}]"))?);
    }
    if let Some(payload) = &template.payload {
        reply.payload = Some(mapping(payload, scope, "reply.payload")?);
    }
    for (index, context) in template.contexts.iter().enumerate() {
        let at = format!("reply.contexts[{index}]");
        let parameters = mapping(&context.parameters, scope, &at)?;
        reply.contexts.push(OutputContext {
            name: text(&context.name, scope, &at)?,
            lifespan: context.lifespan,
            parameters,
        });
    }
    if let Some(event) = &template.event {
        let language = event.language.as_ref().map(|language| text(language, scope, "reply.event")).transpose()?;
        let parameters = mapping(&event.parameters, scope, "reply.event")?;
        reply.event = Some(FollowupEvent { name: text(&event.name, scope, "reply.event")?, language, parameters });
    }
    Ok(reply)
}

fn text<'v>(template: &'v Template, scope: &Scope<'v>, at: &str) -> Rendered<String> {
    template.text(scope).map_err(|problem| fault(at.to_owned(), problem.message))
}

fn mapping<'v>(entries: &'v [(String, JsonTemplate)], scope: &Scope<'v>, at: &str) -> Rendered<Map<String, JsonValue>> {
    entries.iter().map(|(key, value)| Ok((key.clone(), json(value, scope, &format!("{at}.{key}"))?))).collect()
}

fn json<'v>(template: &'v JsonTemplate, scope: &Scope<'v>, at: &str) -> Rendered<JsonValue> {
    match template {
        JsonTemplate::Fixed(value) => Ok(value.clone()),
        JsonTemplate::Text(template) => match template.value(scope) {
            Ok(Value::Unset) => Err(fault(at.to_owned(), "it is unset; `| default(..)` answers it".to_owned())),
            Ok(value) => Ok(value.to_json()),
            Err(problem) => Err(fault(at.to_owned(), problem.message)),
        },
        JsonTemplate::List(items) => {
            let items = items.iter().enumerate().map(|(index, item)| json(item, scope, &format!("{at}[{index}]")));
            items.collect::<Rendered<_>>().map(JsonValue::Array)
        }
        JsonTemplate::Map(entries) => mapping(entries, scope, at).map(JsonValue::Object),
    }
}

fn fault(at: String, message: String) -> RuleFault {
    RuleFault { at, message }
}
