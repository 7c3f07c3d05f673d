//! Looking up a path in an event, without building a tree of its body.

use super::ExprFault;
use super::ast::{Path, Root, Step};
use super::eval::Scope;
use crate::domain::json::{Json, JsonKind};
use crate::domain::request::Fields;
use crate::domain::value::{Number, Value};

/// The value at `path`; what isn't there is unset.
pub fn look_up<'v>(path: &'v Path, scope: &Scope<'v>) -> Result<Value<'v>, ExprFault> {
    let event = scope.event;
    let Some(root) = path.root else { return Ok(Value::Unset) };
    let value = match root {
        Root::Params => return Ok(walk(event.params, &path.steps)),
        Root::Payload => return Ok(walk(event.payload, &path.steps)),
        Root::Body => return Ok(walk(event.body, &path.steps)),
        Root::Query => return Ok(field(&event.query, &path.steps)),
        Root::Headers => return Ok(field(&event.headers, &path.steps)),
        Root::Source => Value::text(event.source.as_str()),
        Root::Type => Value::optional_text(event.kind.as_deref()),
        Root::Intent => Value::optional_text(event.intent.as_deref()),
        Root::Text => Value::optional_text(event.text.as_deref()),
        Root::Language => Value::optional_text(event.language.as_deref()),
        Root::Session => Value::optional_text(event.session.as_deref()),
        Root::Confidence => event.confidence.map_or(Value::Unset, |c| Value::Number(Number::from_f64(c))),
        Root::Contact => scope.contact()?,
        Root::ReceivedAt => Value::text(event.received_at.to_string()),
    };
    Ok(if path.steps.is_empty() { value } else { Value::Unset })
}

fn walk<'v>(start: Json<'v>, steps: &[Step]) -> Value<'v> {
    let mut json = start;
    for step in steps {
        let next = match step {
            Step::Key(key) => json.get(key),
            Step::Index(index) => json.items().get(*index).copied(),
        };
        match next {
            Some(found) => json = found,
            None => return Value::Unset,
        }
    }
    if json.kind() == JsonKind::Map { Value::Map(json) } else { Value::from_json(json) }
}

fn field<'v>(fields: &'v Fields<'v>, steps: &[Step]) -> Value<'v> {
    match steps {
        [Step::Key(name)] => Value::optional_text(fields.get(name)),
        _ => Value::Unset,
    }
}
