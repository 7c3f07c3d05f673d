//! Looking up a path in an event, without building a tree of its body.

use super::ExprFault;
use super::ast::{Path, Root, Step};
use super::eval::{Scope, truth};
use crate::domain::json::{Json, JsonKind};
use crate::domain::request::Fields;
use crate::domain::value::{Number, Value};
use crate::rules::params::param;
use crate::rules::record::Mark;

/// The value at `path`; what isn't there is unset.
pub fn look_up<'v>(path: &'v Path, scope: &Scope<'v>) -> Result<Value<'v>, ExprFault> {
    let event = scope.event;
    let Some(root) = path.root else { return Ok(Value::Unset) };
    let value = match root {
        Root::Params => {
            return match &*path.steps {
                [Step::Key(name)] => param(event, name, scope.types),
                steps => Ok(walk(event.params, steps)),
            };
        }
        Root::Form => return Ok(form(event.form, &path.steps)),
        Root::Values => return Ok(named_value(scope, &path.steps)),
        Root::Conditions => {
            let [Step::Key(name)] = &*path.steps else { return Ok(Value::Unset) };
            return match scope.shared.conditions.get(&**name) {
                Some(condition) => {
                    if let Some(record) = scope.record {
                        record.mark(Mark::Asked, &*condition.expr);
                    }
                    truth(&condition.expr, scope).map(Value::Bool)
                }
                None => Ok(Value::Unset),
            };
        }
        Root::Payload => {
            return Ok(match &*path.steps {
                [Step::Key(key), rest @ ..] => event.payload_at(key).map_or(Value::Unset, |part| walk(part, rest)),
                steps => walk(event.payload, steps),
            });
        }
        Root::Body => return Ok(walk(event.body, &path.steps)),
        Root::Query => return Ok(field(&event.query, &path.steps)),
        Root::Headers => return Ok(field(&event.headers, &path.steps)),
        Root::Source => Value::text(event.source.as_str()),
        Root::Type => Value::optional_text(event.kind.as_deref()),
        Root::Intent => Value::optional_text(event.intent.as_deref()),
        Root::Text => Value::optional_text(event.text.as_deref()),
        Root::Language => Value::optional_text(event.language.as_deref()),
        Root::Page => Value::optional_text(event.page.as_deref()),
        Root::Flow => Value::optional_text(event.flow.as_deref()),
        Root::Session => Value::optional_text(event.session.as_deref()),
        Root::Confidence => event.confidence.map_or(Value::Unset, |c| Value::Number(Number::from_f64(c))),
        Root::Contact => scope.contact()?,
        Root::Detail(detail) => event.detail(detail),
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

/// The form's parameters are a list; each is found by its name.
fn form<'v>(parameters: Json<'v>, steps: &[Step]) -> Value<'v> {
    let Some((Step::Key(name), rest)) = steps.split_first() else { return Value::Unset };
    let is_named = |parameter: &Json<'_>| parameter.get("displayName").and_then(Json::as_text).as_deref() == Some(name);
    parameters.items().into_iter().find(is_named).map_or(Value::Unset, |parameter| walk(parameter, rest))
}

fn named_value<'v>(scope: &Scope<'v>, steps: &[Step]) -> Value<'v> {
    let Some((Step::Key(name), rest)) = steps.split_first() else { return Value::Unset };
    scope.shared.values.get(&**name).map_or(Value::Unset, |value| walk(value.json(), rest))
}

fn field<'v>(fields: &'v Fields<'v>, steps: &[Step]) -> Value<'v> {
    match steps {
        [Step::Key(name)] => Value::optional_text(fields.get(name)),
        _ => Value::Unset,
    }
}
