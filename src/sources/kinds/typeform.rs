//! Typeform: one response a body. Its answers are a list in which each says its type and its question; rules want them by the
//! question's reference, so they are written as a mapping, with the hidden fields beside them.

use std::collections::BTreeMap;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code { params: Some(answers), ..Code::one(read, include_str!("../samples/typeform.json")) };

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [kind, key, response] = json.pick(["event_type", "event_id", "form_response"]);
    event.kind = Some(look::told(kind, "event_type", "a webhook of Typeform")?);
    event.key = id(key);
    event.session = text(map(response).get("token"));
    event.payload = json;
    event.body = json;
    Ok(())
}

/// The answers by their question's reference, else by its id; an answer stands before a hidden field of the same name.
fn answers(body: &[u8]) -> Option<String> {
    let json = Json::parse(body).ok()?;
    let [hidden, answers] = map(json.get("form_response")).pick(["hidden", "answers"]);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in map(hidden).entries() {
        found.insert(name.into_owned(), value.text().to_owned());
    }
    for answer in answers.map(Json::items).unwrap_or_default() {
        let [field, kind] = answer.pick(["field", "type"]);
        let [reference, own] = map(field).pick(["ref", "id"]);
        let name = text(reference).or_else(|| id(own));
        let (Some(name), Some(value)) = (name, text(kind).and_then(|kind| value(answer, &kind))) else { continue };
        found.insert(name.into_owned(), value);
    }
    let pairs = found.iter().map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())));
    Some(format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")))
}

/// What was answered: `{"type": "choice", "choice": {"label": "Pro"}}` is `"Pro"`, what has no label is itself.
fn value(answer: Json<'_>, kind: &str) -> Option<String> {
    let given = answer.get(kind)?;
    if given.kind() != JsonKind::Map {
        return Some(given.text().to_owned());
    }
    let [label, labels, other] = given.pick(["label", "labels", "other"]);
    match (kind, label.or(other), labels) {
        ("choice", Some(chosen), _) => Some(chosen.text().to_owned()),
        ("choices", other, labels) => {
            let all = labels.map(Json::items).unwrap_or_default().into_iter().chain(other);
            Some(format!("[{}]", all.map(Json::text).collect::<Vec<_>>().join(",")))
        }
        _ => Some(given.text().to_owned()),
    }
}
