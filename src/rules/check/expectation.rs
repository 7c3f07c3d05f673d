//! Reading what a test expects.

use std::collections::BTreeMap;

use super::desk::{Asked, Desk, Target};
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::RuleId;
use crate::domain::tag::TagName;
use crate::rules::codes::Code;
use crate::rules::testing::{Bodies, Expectation, ExpectedReply, TagSets};
use crate::rules::yaml::{Entry, Kind, Node};

/// Reads `expect`; the table of keys has been held against it already.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Expectation {
    if matches!(&node.kind, Kind::Map(entries) if entries.is_empty()) {
        desk.findings
            .add(Code::AssertsNothing, node.span, "this test expects nothing, so it can't fail")
            .help("give `expect` one of: rules, tag, set, forward, contact, faults, reply");
    }
    Expectation {
        rules: node.get("rules").map(|rules| rule_ids(rules, desk)),
        tags: node.get("tag").map(|tags| tag_sets(tags, desk)),
        set: node.get("set").map(|sets| by_connection(sets, &Asked::Set, desk, fields)),
        forward: node.get("forward").map(|forwards| bodies(forwards, desk)),
        contact: node.get("contact").map(|contacts| {
            let text = |entry: &Entry| entry.value.scalar().unwrap_or_default();
            by_connection(contacts, &Asked::Tag(None), desk, text)
        }),
        faults: node.get("faults").map(|faults| faults.items().iter().filter_map(Node::scalar).collect()),
        reply: node.get("reply").map(reply),
    }
}

/// The tags of a list.
pub fn tags(node: &Node) -> Vec<TagName> {
    node.items().iter().filter_map(Node::scalar).filter_map(|text| TagName::parse(&text)).collect()
}

fn rule_ids(node: &Node, desk: &mut Desk<'_>) -> Vec<RuleId> {
    let mut rules = Vec::new();
    for item in node.items() {
        let Some(name) = item.scalar() else { continue };
        desk.refer(Target::Rule, &name, item.span);
        rules.extend(RuleId::parse(&name).ok());
    }
    rules
}

fn tag_sets(node: &Node, desk: &mut Desk<'_>) -> TagSets {
    let mut sets = TagSets::default();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        desk.ask(&entry.key, Asked::Tag(None), entry.key_span);
        for (key, wants) in [("add", true), ("remove", false)] {
            for tag in entry.value.get(key).map(tags).unwrap_or_default() {
                sets.set(&entry.key, tag, wants);
            }
        }
    }
    sets
}

fn by_connection<T>(
    node: &Node,
    asked: &Asked,
    desk: &mut Desk<'_>,
    read: impl Fn(&Entry) -> T,
) -> BTreeMap<String, T> {
    let mut found = BTreeMap::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        if *asked != Asked::Tag(None) {
            desk.ask(&entry.key, asked.clone(), entry.key_span);
        }
        found.insert(entry.key.clone(), read(entry));
    }
    found
}

fn fields(entry: &Entry) -> BTreeMap<String, String> {
    entry.value.entries().iter().map(|field| (field.key.clone(), canonical(&field.value))).collect()
}

fn canonical(node: &Node) -> String {
    let text = node.to_json_text();
    Json::parse(text.as_bytes()).map_or(text.clone(), |json| OwnedJson::of(json).canonical())
}

/// A list stands for several bodies, one after the other.
fn bodies(node: &Node, desk: &mut Desk<'_>) -> Bodies {
    by_connection(node, &Asked::Forward, desk, |entry| match &entry.value.kind {
        Kind::List(items) => items.iter().map(canonical).collect(),
        _ => vec![canonical(&entry.value)],
    })
}

/// As the JSON that a rendered reply is compared in. A text alone stands for a reply with nothing else.
fn reply(node: &Node) -> ExpectedReply {
    match &node.kind {
        Kind::Null => ExpectedReply::Nothing,
        Kind::Map(_) => ExpectedReply::Reply(node.to_json()),
        _ => ExpectedReply::Reply(serde_json::json!({ "text": node.scalar().unwrap_or_default() })),
    }
}
