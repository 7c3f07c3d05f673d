//! Reading a test.

use std::path::Path;

use super::desk::{Desk, Target};
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::rules::codes::Code;
use crate::rules::files::RuleFile;
use crate::rules::testing::{Expectation, ExpectedReply, RuleTest, ShortEvent, TagSets, Trigger};
use crate::rules::yaml::{Kind, Node};

/// Noon of the first day of 2026, in milliseconds: when an event is received if the test doesn't say.
const DEFAULT_AT: Timestamp = Timestamp(1_767_268_800_000);

/// Reads one test; the table of keys has been held against it already.
pub fn read(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<RuleTest> {
    let trigger = trigger(file, node, desk);
    let tagged = node.get("tagged").map(|node| tagged(node, desk)).unwrap_or_default();
    let expect = node.get("expect").map(|node| expectation(node, desk));
    let name = node.get("name")?;
    let (line, _) = desk.findings.place(name.span.file, name.span.start);
    let at = Desk::text(node, "at").and_then(|text| Timestamp::parse(&text)).unwrap_or(DEFAULT_AT);
    Some(RuleTest {
        name: name.scalar()?,
        file: file.path.clone(),
        line,
        span: name.span,
        at,
        trigger: trigger?,
        tagged,
        expect: expect?,
    })
}

fn trigger(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Trigger> {
    match (node.get("event"), node.get("request")) {
        (Some(event), None) => short_event(event, desk).map(Trigger::Event),
        (None, Some(request)) => {
            let source = source(request, desk)?;
            let body = Desk::text(request, "body")?;
            let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
            Some(Trigger::Request { source, body: folder.join(body) })
        }
        (None, None) if node.get("steps").is_some() => None,
        (None, None) => {
            let help = "an `event` in short, or a `request` with the file of a raw body";
            desk.findings.add(Code::MissingKey, node.span, "a test needs an `event` or a `request`").help(help);
            None
        }
        (Some(_), Some(request)) => {
            desk.findings
                .add(Code::BadValue, request.span, "a test has an `event` or a `request`, and not both")
                .help("make two tests of it");
            None
        }
    }
}

fn source(node: &Node, desk: &mut Desk<'_>) -> Option<SourceName> {
    let source = node.get("source")?;
    let name = source.scalar()?;
    desk.refer(Target::Source, &name, source.span);
    SourceName::parse(&name).ok()
}

fn short_event(node: &Node, desk: &mut Desk<'_>) -> Option<ShortEvent> {
    let source = source(node, desk);
    let params = node.get("params").map_or_else(|| "{}".to_owned(), Node::to_json_text);
    Some(ShortEvent {
        source: source?,
        intent: Desk::text(node, "intent"),
        kind: Desk::text(node, "type"),
        language: Desk::text(node, "language"),
        confidence: Desk::text(node, "confidence").and_then(|text| text.parse().ok()),
        text: Desk::text(node, "text"),
        session: Desk::text(node, "session"),
        contact: Desk::text(node, "contact"),
        params,
    })
}

fn tagged(node: &Node, desk: &mut Desk<'_>) -> Vec<(ConnectionName, Vec<TagName>)> {
    let mut tagged = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        tagged.extend(ConnectionName::parse(&entry.key).ok().zip(Some(tags(&entry.value))));
    }
    tagged
}

fn tags(node: &Node) -> Vec<TagName> {
    node.items().iter().filter_map(Node::scalar).filter_map(|text| TagName::parse(&text)).collect()
}

fn expectation(node: &Node, desk: &mut Desk<'_>) -> Expectation {
    if matches!(node.kind, Kind::Map(_)) && node.entries().is_empty() {
        desk.findings
            .add(Code::AssertsNothing, node.span, "this test expects nothing, so it can't fail")
            .help("give `expect` one of: rules, tag, reply");
    }
    Expectation {
        rules: node.get("rules").map(|rules| expected_rules(rules, desk)),
        tags: node.get("tag").map(|tags| expected_tags(tags, desk)),
        reply: node.get("reply").map(expected_reply),
    }
}

fn expected_rules(node: &Node, desk: &mut Desk<'_>) -> Vec<RuleId> {
    let mut rules = Vec::new();
    for item in node.items() {
        let Some(name) = item.scalar() else { continue };
        desk.refer(Target::Rule, &name, item.span);
        rules.extend(RuleId::parse(&name).ok());
    }
    rules
}

fn expected_tags(node: &Node, desk: &mut Desk<'_>) -> TagSets {
    let mut sets = TagSets::default();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        for (key, wants) in [("add", true), ("remove", false)] {
            for tag in entry.value.get(key).map(tags).unwrap_or_default() {
                sets.set(&entry.key, tag, wants);
            }
        }
    }
    sets
}

/// As the JSON that a rendered reply is compared in. A text alone stands for a reply with nothing else.
fn expected_reply(node: &Node) -> ExpectedReply {
    match &node.kind {
        Kind::Null => ExpectedReply::Nothing,
        Kind::Map(_) => ExpectedReply::Reply(node.to_json()),
        _ => ExpectedReply::Reply(serde_json::json!({ "text": node.scalar().unwrap_or_default() })),
    }
}
