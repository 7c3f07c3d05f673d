//! Reading what a rule sets and what it sends on, and JSON with templates in it.

use super::desk::{Asked, Desk, Target};
use super::shape;
use crate::domain::json::{Json, OwnedJson};
use crate::rules::codes::Code;
use crate::rules::model::{Fields, Forward, JsonTemplate, SetBlock};
use crate::rules::yaml::{Kind, Node};

/// Reads `set`.
pub fn sets(node: &Node, desk: &mut Desk<'_>) -> Vec<SetBlock> {
    let mut blocks = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        desk.ask(&entry.key, Asked::Set, entry.key_span);
        if matches!(&entry.value.kind, Kind::Map(entries) if entries.is_empty()) {
            desk.findings
                .add(Code::DoesNothing, entry.key_span, format!("nothing is set at `{}`", entry.key))
                .help("name a field: `plan: \"{{ params.plan }}\"`");
        }
        let fields = mapping(&entry.value, desk);
        blocks.extend(desk.connection(&entry.key).map(|connection| SetBlock { connection, fields }));
    }
    blocks
}

/// Reads `forward`.
pub fn forwards(node: &Node, desk: &mut Desk<'_>) -> Vec<Forward> {
    let mut forwards = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        desk.ask(&entry.key, Asked::Forward, entry.key_span);
        let body = json(&entry.value, desk);
        let connection = desk.connection(&entry.key);
        forwards.extend(connection.zip(body).map(|(connection, body)| Forward { connection, body }));
    }
    forwards
}

/// Reads a mapping whose values may hold templates.
pub fn mapping(node: &Node, desk: &mut Desk<'_>) -> Fields {
    node.entries().iter().filter_map(|entry| Some((entry.key.as_str().into(), json(&entry.value, desk)?))).collect()
}

/// Reads a value that may hold templates.
pub fn json(node: &Node, desk: &mut Desk<'_>) -> Option<JsonTemplate> {
    match &node.kind {
        Kind::Text(text) if text.contains("{{") => desk.template(node).map(JsonTemplate::Text),
        Kind::Text(text) => {
            shape::not_read(node, &mut desk.findings);
            desk.without_braces(node, text);
            Json::parse(node.to_json_text().as_bytes()).map(OwnedJson::of).map(JsonTemplate::Fixed).ok()
        }
        Kind::List(items) => Some(JsonTemplate::List(items.iter().filter_map(|item| json(item, desk)).collect())),
        Kind::Map(_) => Some(JsonTemplate::Map(mapping(node, desk))),
        _ => Json::parse(node.to_json_text().as_bytes()).map(OwnedJson::of).map(JsonTemplate::Fixed).ok(),
    }
}
