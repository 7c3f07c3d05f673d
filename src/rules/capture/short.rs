//! An event in short, as a tree that can be taken apart.

use super::tree::Tree;
use crate::domain::detail::{Detail, DetailType};
use crate::domain::event::Event;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::SourceName;
use crate::domain::request::Fields;
use crate::domain::value::{Number, Value};
use crate::rules::testing::ShortEvent;

/// The keys in the order in which people write them.
pub const KEYS: [&str; 27] = [
    "source",
    "intent",
    "type",
    "language",
    "confidence",
    "text",
    "contact",
    "params",
    "session",
    "page",
    "flow",
    "form",
    "echo",
    "fallback",
    "trigger",
    "knowledge",
    "sentiment",
    "platform",
    "phone",
    "intent_id",
    "parent_intent",
    "environment",
    "region",
    "payload",
    "body",
    "query",
    "headers",
];

/// All that an event has, in short; the source is left to the writer.
pub fn of(event: &Event<'_>) -> Tree {
    let mut entries: Vec<(String, Tree)> = Vec::new();
    let mut give = |key: &str, value: Option<Tree>| entries.extend(value.map(|value| (key.to_owned(), value)));
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(|text| Tree::Text(text.to_owned()));
    give("intent", text(&event.intent));
    give("type", text(&event.kind));
    give("language", text(&event.language));
    give("confidence", event.confidence.map(|sure| Tree::Raw(sure.to_string())));
    give("text", text(&event.text));
    give("params", some(event.params));
    give("session", text(&event.session));
    give("page", text(&event.page));
    give("flow", text(&event.flow));
    give("form", form(event.form));
    for detail in Detail::ALL {
        give(detail.name(), told(&event.detail(detail)));
    }
    give("payload", some(event.payload));
    give("body", some(event.body).filter(|_| event.body.text() != event.payload.text()));
    give("query", pairs(&event.query));
    give("headers", pairs(&event.headers));
    Tree::Map(entries)
}

fn some(json: Json<'_>) -> Option<Tree> {
    Some(Tree::of(json)).filter(|tree| tree.len() > 0 || matches!(tree, Tree::Raw(_) | Tree::Text(_)))
}

/// What a test would say by itself isn't said.
fn told(value: &Value<'_>) -> Option<Tree> {
    match value {
        Value::Text(text) => Some(Tree::Text(text.to_string())),
        Value::Unset | Value::Bool(false) => None,
        other => Some(Tree::Raw(other.to_json().to_string())),
    }
}

fn details(tree: &Tree) -> Vec<(Detail, Value<'static>)> {
    let given = Detail::ALL.into_iter().filter_map(|detail| Some((detail, tree.get(detail.name())?)));
    let value = |(detail, tree): (Detail, &Tree)| match tree {
        Tree::Text(text) => Some((detail, Value::text(text.clone()))),
        Tree::Raw(text) if detail.type_of() == DetailType::Flag => Some((detail, Value::Bool(text == "true"))),
        Tree::Raw(text) => Some((detail, Value::Number(Number::parse(text).into_owned()))),
        Tree::List(_) | Tree::Map(_) => None,
    };
    given.filter_map(value).collect()
}

/// By the names of its parameters.
fn form(json: Json<'_>) -> Option<Tree> {
    let parameter = |item: Json<'_>| {
        let Tree::Map(entries) = Tree::of(item) else { return None };
        let name = entries.iter().find_map(|(key, value)| match value {
            Tree::Text(name) if key == "displayName" => Some(name.clone()),
            _ => None,
        });
        Some((name?, Tree::Map(entries.into_iter().filter(|(key, _)| key != "displayName").collect())))
    };
    let entries: Vec<_> = json.items().into_iter().filter_map(parameter).collect();
    (!entries.is_empty()).then_some(Tree::Map(entries))
}

/// Of several of one name the first, which is the one that rules see.
fn pairs(fields: &Fields<'_>) -> Option<Tree> {
    let mut entries: Vec<(String, Tree)> = Vec::new();
    for (name, value) in &fields.0 {
        if entries.iter().all(|(other, _)| *other != **name) {
            entries.push((name.to_string(), Tree::Text(value.to_string())));
        }
    }
    (!entries.is_empty()).then_some(Tree::Map(entries))
}

/// The event that a test with this text would have.
pub fn read(source: &SourceName, tree: &Tree) -> ShortEvent {
    let text = |key: &str| match tree.get(key) {
        Some(Tree::Text(text) | Tree::Raw(text)) => Some(text.clone()),
        _ => None,
    };
    let json = |key: &str| tree.get(key).map(Tree::json);
    let owned = |text: Option<String>, absent: Json<'_>| {
        let read = text.as_ref().and_then(|text| Json::parse(text.as_bytes()).ok());
        OwnedJson::of(read.unwrap_or(absent))
    };
    let named = |key: &str| match tree.get(key) {
        Some(Tree::Map(entries)) => entries.iter().filter_map(pair).collect(),
        _ => Vec::new(),
    };
    let payload = owned(json("payload"), Json::EMPTY_MAP);
    ShortEvent {
        intent: text("intent"),
        kind: text("type"),
        language: text("language"),
        confidence: text("confidence").and_then(|text| text.parse().ok()),
        text: text("text"),
        session: text("session"),
        page: text("page"),
        flow: text("flow"),
        contact: text("contact"),
        details: details(tree),
        params: owned(json("params"), Json::EMPTY_MAP),
        form: owned(tree.get("form").map(form_text), Json::EMPTY_LIST),
        body: owned(json("body"), payload.json()),
        query: named("query"),
        headers: named("headers"),
        payload,
        ..ShortEvent::of(source.clone())
    }
}

fn pair((name, value): &(String, Tree)) -> Option<(String, String)> {
    match value {
        Tree::Text(text) | Tree::Raw(text) => Some((name.clone(), text.clone())),
        Tree::List(_) | Tree::Map(_) => None,
    }
}

/// As Dialogflow CX sends it: a list whose items have their name in them.
fn form_text(tree: &Tree) -> String {
    let Tree::Map(parameters) = tree else { return "[]".to_owned() };
    let parameter = |(name, value): &(String, Tree)| {
        let mut entries = vec![("displayName".to_owned(), Tree::Text(name.clone()))];
        if let Tree::Map(rest) = value {
            entries.extend(rest.iter().cloned());
        }
        Tree::Map(entries)
    };
    Tree::List(parameters.iter().map(parameter).collect()).json()
}
