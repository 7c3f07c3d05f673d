//! Reading a test.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::desk::{Asked, Desk, Target};
use super::{expectation, intents};
use crate::domain::detail::{Detail, DetailType};
use crate::domain::duration::parse_duration;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::domain::value::{Number, Value};
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::expr::known::{Carrier, Known};
use crate::rules::files::RuleFile;
use crate::rules::testing::{DEFAULT_AT, RuleTest, ShortEvent, Step, Trigger};
use crate::rules::yaml::{Entry, Node};

/// Reads one test; the table of keys has been held against it already.
pub fn read(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<RuleTest> {
    let tagged = node.get("tagged").map(|node| tagged(node, desk)).unwrap_or_default();
    let steps = steps(file, node, desk);
    let name = node.get("name")?;
    same_as_another(file, node, name, desk);
    let (line, _) = desk.findings.place(name.span.file, name.span.start);
    let at = Desk::text(node, "at").and_then(|text| Timestamp::parse(&text)).unwrap_or(DEFAULT_AT);
    Some(RuleTest { name: name.scalar()?, file: file.path.clone(), line, span: name.span, at, tagged, steps: steps? })
}

/// Two tests that do and expect the same prove no more than one.
fn same_as_another(file: &RuleFile, node: &Node, name: &Node, desk: &mut Desk<'_>) {
    let others = node.entries().iter().filter(|entry| entry.key != "name");
    let mut lines: Vec<_> = others.map(|entry| format!("{}: {}\n", entry.key, entry.value.to_json_text())).collect();
    lines.sort();
    // The file of a body is looked for beside the test.
    let reads_a_file = lines.iter().any(|line| line.contains("\"body\""));
    let folder = Path::new(&file.path).parent().filter(|_| reads_a_file).map(|folder| folder.display().to_string());
    let whole = lines.concat() + &folder.unwrap_or_default();
    match desk.notes.tests.get(&whole).copied() {
        Some(first) => {
            desk.findings
                .add(Code::SameTest, name.span, "this test does and expects what another one does and expects")
                .related(first, "the other one")
                .help("take one away, or change what it was meant to prove");
        }
        None => drop(desk.notes.tests.insert(whole, name.span)),
    }
}

/// A test without `steps` is one step.
fn steps(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Vec<Step>> {
    let Some(steps) = node.get("steps") else {
        let nothing = node.get("event").is_none() && node.get("request").is_none();
        if nothing {
            let help = "an `event` in short, a `request` with the file of a raw body, or `steps`";
            desk.findings.add(Code::MissingKey, node.span, "a test needs an `event` or a `request`").help(help);
        }
        if node.get("expect").is_none() {
            desk.findings
                .add(Code::MissingKey, node.span, "a test needs `expect`")
                .help("as in `expect: { rules: [pricing-lead] }`");
        }
        let step = step(file, node, desk)?;
        return (!nothing).then(|| vec![step]);
    };
    for entry in node.entries().iter().filter(|entry| ["event", "request", "expect"].contains(&entry.key.as_str())) {
        desk.findings
            .add(Code::BadValue, entry.key_span, format!("a test with `steps` has each `{}` in one of them", entry.key))
            .help("move it into a step");
    }
    let read: Vec<Step> = steps.items().iter().filter_map(|node| step(file, node, desk)).collect();
    if read.iter().all(|step| step.expect.is_empty()) && steps.items().iter().all(|step| step.get("expect").is_none()) {
        desk.findings
            .add(Code::AssertsNothing, steps.span, "no step expects anything, so this test can't fail")
            .help("give one of the steps `expect`");
    }
    Some(read)
}

fn step(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Step> {
    let trigger = match (node.get("event"), node.get("request")) {
        (Some(event), None) => Some(Trigger::Event(Box::new(short_event(event, desk)?))),
        (None, Some(request)) => Some(self::request(file, request, desk)?),
        (None, None) => None,
        (Some(_), Some(request)) => {
            desk.findings
                .add(Code::BadValue, request.span, "here is an `event` or a `request`, and not both")
                .help("make two steps of it, or two tests");
            return None;
        }
    };
    let after = node.get("after");
    if trigger.is_none() && after.is_none() && node.get("name").is_none() {
        desk.findings
            .add(Code::MissingKey, node.span, "nothing happens in this step")
            .help("give it an `event`, a `request`, or time: `after: 7d`");
    }
    let after = after.and_then(Node::scalar).and_then(|text| parse_duration(&text)).unwrap_or(Duration::ZERO);
    let expect = node.get("expect").map(|node| expectation::read(node, desk)).unwrap_or_default();
    Some(Step { after, trigger, expect })
}

fn request(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Trigger> {
    let source = source(node, desk)?;
    let body = Desk::text(node, "body")?;
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    Some(Trigger::Request { source, body: folder.join(body) })
}

fn source(node: &Node, desk: &mut Desk<'_>) -> Option<SourceName> {
    let source = node.get("source")?;
    let name = source.scalar()?;
    desk.refer(Target::Source, &name, source.span);
    SourceName::parse(&name).ok()
}

fn short_event(node: &Node, desk: &mut Desk<'_>) -> Option<ShortEvent> {
    let source = source(node, desk)?;
    never_carried(node, source.as_str(), desk);
    if let Some(intent) = node.get("intent") {
        intents::look_at_event(intent, source.as_str(), desk);
    }
    let payload = json(node.get("payload"), Json::EMPTY_MAP);
    Some(ShortEvent {
        intent: Desk::text(node, "intent"),
        kind: Desk::text(node, "type"),
        language: Desk::text(node, "language"),
        confidence: Desk::text(node, "confidence").and_then(|text| text.parse().ok()),
        text: Desk::text(node, "text"),
        session: Desk::text(node, "session"),
        page: Desk::text(node, "page"),
        flow: Desk::text(node, "flow"),
        contact: Desk::text(node, "contact"),
        params: json(node.get("params"), Json::EMPTY_MAP),
        form: form(node.get("form").map(Node::entries).unwrap_or_default()),
        body: json(node.get("body"), payload.json()),
        details: details(node),
        query: pairs(node.get("query"), str::to_owned),
        headers: pairs(node.get("headers"), str::to_ascii_lowercase),
        payload,
        ..ShortEvent::of(source)
    })
}

/// The table of keys has seen to it that each is of its type.
fn details(node: &Node) -> Vec<(Detail, Value<'static>)> {
    let given = Detail::ALL.into_iter().filter_map(|detail| Some((detail, node.get(detail.name())?)));
    let value = |(detail, node): (Detail, &Node)| {
        let text = node.scalar()?;
        let value = match detail.type_of() {
            DetailType::Text => Value::text(text),
            DetailType::Flag => Value::Bool(text == "true"),
            DetailType::Number(..) => Value::Number(Number::from_f64(text.parse().ok()?)),
        };
        Some((detail, value))
    };
    given.filter_map(value).collect()
}

/// A test must not give what its source could never carry.
fn never_carried(node: &Node, source: &str, desk: &mut Desk<'_>) {
    const CARRIED: [(&str, Root); 8] = [
        ("intent", Root::Intent),
        ("type", Root::Type),
        ("language", Root::Language),
        ("confidence", Root::Confidence),
        ("session", Root::Session),
        ("page", Root::Page),
        ("flow", Root::Flow),
        ("form", Root::Form),
    ];
    let Some(carrier): Option<Rc<Carrier>> = desk.known.sources.iter().find(|known| known.name == source).cloned()
    else {
        return;
    };
    for entry in node.entries() {
        let root = CARRIED.into_iter().find(|(key, _)| *key == entry.key).map(|(_, root)| root);
        let root = root.or_else(|| Detail::named(&entry.key).map(Root::Detail));
        if let Some(root) = root.filter(|root| !carrier.carries(*root)) {
            let message = format!("no event of `{source}` carries `{}`", entry.key);
            desk.findings.add(Code::NotCarried, entry.key_span, message).help(Known::who_carries(root));
        }
    }
}

fn json(node: Option<&Node>, absent: Json<'_>) -> OwnedJson {
    let text = node.map_or_else(|| absent.text().to_owned(), Node::to_json_text);
    Json::parse(text.as_bytes()).map_or_else(|_| OwnedJson::of(absent), OwnedJson::of)
}

/// As Dialogflow CX sends it: a list whose items have their name in them.
fn form(entries: &[Entry]) -> OwnedJson {
    let parameter = |entry: &Entry| {
        let name = format!("\"displayName\":{}", serde_json::Value::String(entry.key.clone()));
        let line = |e: &Entry| format!("{}:{}", serde_json::Value::String(e.key.clone()), e.value.to_json_text());
        let rest: Vec<_> = entry.value.entries().iter().map(line).collect();
        format!("{{{}}}", std::iter::once(name).chain(rest).collect::<Vec<_>>().join(","))
    };
    let text = format!("[{}]", entries.iter().map(parameter).collect::<Vec<_>>().join(","));
    Json::parse(text.as_bytes()).map_or_else(|_| OwnedJson::of(Json::EMPTY_LIST), OwnedJson::of)
}

fn pairs(node: Option<&Node>, name: fn(&str) -> String) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((name(&entry.key), entry.value.scalar()?))).collect()
}

fn tagged(node: &Node, desk: &mut Desk<'_>) -> Vec<(ConnectionName, Vec<TagName>)> {
    let mut tagged = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        desk.ask(&entry.key, Asked::Tag(None), entry.key_span);
        tagged.extend(ConnectionName::parse(&entry.key).ok().zip(Some(expectation::tags(&entry.value))));
    }
    tagged
}
