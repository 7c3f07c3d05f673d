//! Reading a rule.

use std::sync::Arc;

use super::desk::{Desk, Target};
use super::draft::Named;
use super::{reply, tag};
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::value::{Number, Value};
use crate::rules::codes::Code;
use crate::rules::expr::template::Template;
use crate::rules::files::RuleFile;
use crate::rules::model::{Matcher, Rule};
use crate::rules::pattern::{LanguagePattern, ParamPattern, Pattern};
use crate::rules::yaml::{Kind, Node};

/// Reads one rule; the table of keys has been held against it already. `None` for what has no id.
pub fn read(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Named<Rule>> {
    let matcher = node.get("match").map(|node| matcher(node, desk)).unwrap_or_default();
    let when = node.get("when").and_then(|node| desk.condition(node));
    let contact = node.get("contact").and_then(|node| desk.template(node));
    let contact_at = node.get("contact_at").map(|node| contact_at(node, desk)).unwrap_or_default();
    let tags = node.get("tag").map(|node| tag::read(node, desk)).unwrap_or_default();
    let reply = node.get("reply").and_then(|node| reply::read(node, desk));
    let stop = Desk::flag(node, "stop").unwrap_or(false);
    let id = node.get("id")?;
    let name = id.scalar()?;
    let tags_nothing = node.get("tag").is_none_or(|tag| matches!(&tag.kind, Kind::Map(entries) if entries.is_empty()));
    if tags_nothing && node.get("reply").is_none() && !stop {
        desk.findings
            .add(Code::DoesNothing, id.span, format!("the rule `{name}` does nothing"))
            .help("give it `tag`, `reply` or `stop: true`");
    }
    let parsed = RuleId::parse(&name);
    if let Err(bad) = &parsed {
        let help = format!("an id is {}", bad.expected);
        desk.findings.add(Code::BadName, id.span, format!("`{name}` is no id")).help(help);
    }
    let (line, _) = desk.findings.place(id.span.file, id.span.start);
    let value = parsed.ok().map(|id| Rule {
        id,
        description: Desk::text(node, "description"),
        enabled: Desk::flag(node, "enabled").unwrap_or(true),
        file: Arc::from(file.path.as_str()),
        line,
        matcher,
        when,
        contact,
        contact_at,
        tags,
        reply,
        stop,
    });
    Some(Named { name, span: id.span, value })
}

fn matcher(node: &Node, desk: &mut Desk<'_>) -> Matcher {
    let mut matcher =
        Matcher { intents: patterns(node, "intent", desk), types: patterns(node, "type", desk), ..Matcher::default() };
    for source in node.get("source").map(Node::one_or_many).unwrap_or_default() {
        let Some(name) = source.scalar() else { continue };
        desk.refer(Target::Source, &name, source.span);
        matcher.sources.extend(SourceName::parse(&name).ok());
    }
    for (text, _) in texts(node, "language", desk) {
        matcher.languages.push(LanguagePattern::parse(&text));
    }
    for entry in node.get("params").map(Node::entries).unwrap_or_default() {
        let wanted = entry.value.one_or_many().iter().filter_map(|value| param(value, desk)).collect();
        matcher.params.push((entry.key.clone(), wanted));
    }
    matcher
}

fn patterns(node: &Node, key: &str, desk: &mut Desk<'_>) -> Vec<Pattern> {
    texts(node, key, desk).into_iter().map(|(text, _)| Pattern::parse(&text)).collect()
}

/// The texts under a key. An empty one would fit nothing.
fn texts<'n>(node: &'n Node, key: &str, desk: &mut Desk<'_>) -> Vec<(String, &'n Node)> {
    let values = node.get(key).map(Node::one_or_many).unwrap_or_default();
    let mut texts = Vec::new();
    for value in values {
        match value.scalar() {
            Some(text) if text.is_empty() => never(value, desk),
            Some(text) => texts.push((text, value)),
            None => {}
        }
    }
    texts
}

fn param(node: &Node, desk: &mut Desk<'_>) -> Option<ParamPattern> {
    match &node.kind {
        Kind::Text(text) if text.is_empty() => {
            never(node, desk);
            None
        }
        Kind::Text(text) if text == "*" => Some(ParamPattern::Set),
        Kind::Text(text) => Some(ParamPattern::Text(Pattern::parse(text))),
        Kind::Bool(truth) => Some(ParamPattern::Value(Value::Bool(*truth))),
        Kind::Number(number) => Some(ParamPattern::Value(Value::Number(owned(number)))),
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => None,
    }
}

fn owned(number: &str) -> Number<'static> {
    match Number::parse(number) {
        Number::Int(whole) => Number::Int(whole),
        Number::Float(double) => Number::Float(double),
        Number::Digits(digits) => Number::Digits(digits.into_owned().into()),
    }
}

fn never(node: &Node, desk: &mut Desk<'_>) {
    desk.findings
        .add(Code::BadValue, node.span, "an empty text is unset, so nothing fits it")
        .help("for what must be unset, write `when: params.name is not set`");
}

fn contact_at(node: &Node, desk: &mut Desk<'_>) -> Vec<(ConnectionName, Template)> {
    let mut contacts = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        let template = desk.template(&entry.value);
        contacts.extend(ConnectionName::parse(&entry.key).ok().zip(template));
    }
    contacts
}
