//! Reading a rule.

use std::rc::Rc;

use super::desk::{Desk, Target};
use super::draft::Named;
use super::globs::{self, Of};
use super::{bounds, contact, effects, intents, reply, shape, strangers, tag};
use crate::domain::detail::Detail;
use crate::domain::duration::parse_duration;
use crate::domain::name::RuleId;
use crate::domain::value::{Number, Value};
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::expr::known::{Carrier, Known};
use crate::rules::expr::regexp::Regexp;
use crate::rules::files::RuleFile;
use crate::rules::model::{Matcher, Rule};
use crate::rules::near;
use crate::rules::params::{ParamType, can_equal};
use crate::rules::pattern::{LanguagePattern, ParamPattern, Pattern};
use crate::rules::render::respond_io;
use crate::rules::words::Phrase;
use crate::rules::yaml::{Entry, Kind, Node};

/// The keys by which a rule does something.
const ACTS: [&str; 5] = ["tag", "set", "forward", "reply", "stop"];

/// Reads one rule; the table of keys has been held against it already. `None` for what has no id.
pub fn read(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Named<Rule>> {
    // What it may name and how that is typed depends on the sources whose events it meets.
    let everybody = meets(node, desk).map(|met| std::mem::replace(&mut desk.known.sources, met));
    let rule = rule(file, node, desk);
    if let Some(everybody) = everybody {
        desk.known.sources = everybody;
    }
    rule
}

/// The sources that `match.source` names, if it names any that there is.
fn meets(node: &Node, desk: &Desk<'_>) -> Option<Vec<Rc<Carrier>>> {
    let names: Vec<_> = node.get("match")?.get("source")?.one_or_many().iter().filter_map(Node::scalar).collect();
    let met: Vec<_> = desk.known.sources.iter().filter(|source| names.contains(&source.name)).cloned().collect();
    (!met.is_empty()).then_some(met)
}

fn rule(file: &RuleFile, node: &Node, desk: &mut Desk<'_>) -> Option<Named<Rule>> {
    let matcher = node.get("match").map(|node| matcher(node, desk)).unwrap_or_default();
    let when = node.get("when").and_then(|node| desk.condition(node));
    desk.notes.held = strangers::held_by_match(node, &desk.known);
    if let Some(when) = &when {
        desk.notes.held.ways.extend(bounds::held(&when.expr, &desk.notes.held_by));
    }
    let contact = node.get("contact").and_then(|node| contact::read(node, desk));
    let contact_at = node.get("contact_at").map(|node| contact::read_at(node, desk)).unwrap_or_default();
    let tags = node.get("tag").map(|node| tag::read(node, desk)).unwrap_or_default();
    let sets = node.get("set").map(|node| effects::sets(node, desk)).unwrap_or_default();
    let forwards = node.get("forward").map(|node| effects::forwards(node, desk)).unwrap_or_default();
    let reply = node.get("reply").and_then(|node| reply::read(node, desk));
    let stop = Desk::flag(node, "stop").unwrap_or(false);
    let id = node.get("id")?;
    let name = id.scalar()?;
    let is_empty =
        |key: &str| node.get(key).is_none_or(|it| matches!(&it.kind, Kind::Map(entries) if entries.is_empty()));
    // A misspelt `tag` is told as that.
    let is_misspelt = node
        .entries()
        .iter()
        .map(|entry| entry.key.as_str())
        .any(|key| !ACTS.contains(&key) && near::meant(key, ACTS).is_some());
    if ["tag", "set", "forward"].into_iter().all(is_empty) && node.get("reply").is_none() && !stop && !is_misspelt {
        desk.findings
            .add(Code::DoesNothing, id.span, format!("the rule `{name}` does nothing"))
            .help("give it `tag`, `set`, `forward`, `reply` or `stop: true`");
    }
    if name == respond_io::RULE || name.starts_with(shape::RESERVED) {
        desk.findings
            .add(Code::NameTaken, id.span, format!("`{name}` stands in events for what no rule does"))
            .help("give the rule another id");
    }
    let parsed = RuleId::parse(&name);
    if let Err(bad) = &parsed {
        let help = format!("an id is {}", bad.expected);
        desk.findings.add(Code::BadName, id.span, format!("`{name}` is no id")).help(help);
    }
    if let Some(once) = node
        .get("once")
        .filter(|node| node.scalar().and_then(|text| parse_duration(&text)).is_some_and(|it| it.is_zero()))
    {
        no_time(once, "once", desk);
    }
    let (line, _) = desk.findings.place(id.span.file, id.span.start);
    let value = parsed.ok().map(|id| Rule {
        id,
        description: Desk::text(node, "description").map(String::into_boxed_str),
        enabled: Desk::flag(node, "enabled").unwrap_or(true),
        file: desk.path_of(file),
        line,
        matcher,
        when,
        once: Desk::text(node, "once").and_then(|text| parse_duration(&text)),
        contact: contact.map(Box::new),
        contact_at,
        tags: tags.into(),
        sets: sets.into(),
        forwards: forwards.into(),
        reply: reply.map(Box::new),
        stop,
    });
    Some(Named { name, span: id.span, value })
}

/// A time of nothing would be as if nothing had been said.
pub fn no_time(node: &Node, key: &str, desk: &mut Desk<'_>) {
    desk.findings
        .add(Code::BadValue, node.span, format!("`{key}` of no time at all has no effect"))
        .help("name a time such as `24h`, or take it away");
}

fn matcher(node: &Node, desk: &mut Desk<'_>) -> Matcher {
    let mut matcher =
        Matcher { intents: patterns(node, "intent", desk), types: patterns(node, "type", desk), ..Matcher::default() };
    let mut sources = Vec::new();
    for source in node.get("source").map(Node::one_or_many).unwrap_or_default() {
        let Some(name) = source.scalar() else { continue };
        desk.refer(Target::Source, &name, source.span);
        sources.extend(desk.source(&name));
    }
    matcher.sources = sources.into();
    let languages = node.get("language").map(Node::one_or_many).unwrap_or_default();
    matcher.languages = languages.iter().filter_map(Node::scalar).map(|text| LanguagePattern::parse(&text)).collect();
    let mut wanted = |entry: &Entry| {
        let values = entry.value.one_or_many().iter().filter_map(|value| param(&entry.key, value, desk)).collect();
        (entry.key.as_str().into(), values)
    };
    matcher.params = node.get("params").map(Node::entries).unwrap_or_default().iter().map(&mut wanted).collect();
    let details = Detail::ALL.into_iter().filter_map(|detail| Some((detail, node.get(detail.name())?)));
    let mut wanted = |(detail, node): (Detail, &Node)| {
        (detail, node.one_or_many().iter().filter_map(|value| value_of(value, desk)).collect())
    };
    matcher.details = details.map(&mut wanted).collect();
    if let Some(text) = node.get("text") {
        matcher.contains =
            texts(text, "contains", desk).into_iter().filter_map(|(text, at)| phrase(&text, at, desk)).collect();
        // The table of keys has told of what is none.
        matcher.regex = texts(text, "regex", desk).iter().filter_map(|(text, _)| Regexp::parse(text).ok()).collect();
        if matches!(&text.kind, Kind::Map(entries) if entries.is_empty()) {
            desk.findings
                .add(Code::MissingKey, text.span, "`text` says nothing of the text")
                .help("give it `contains` or `regex`");
        }
    }
    never_carried(node, desk);
    matcher
}

/// What no source of the rule carries would never fit.
fn never_carried(node: &Node, desk: &mut Desk<'_>) {
    const CARRIED: [(&str, Root); 4] =
        [("intent", Root::Intent), ("type", Root::Type), ("language", Root::Language), ("text", Root::Text)];
    for entry in node.entries() {
        let fixed = CARRIED.into_iter().find(|(key, _)| *key == entry.key).map(|(_, root)| root);
        let Some(root) = fixed.or_else(|| Detail::named(&entry.key).map(Root::Detail)) else { continue };
        if !desk.known.carries(root) {
            let message = format!("this never fits: no source of the rule carries `{}`", entry.key);
            desk.findings.add(Code::NotCarried, entry.key_span, message).help(Known::who_carries(root));
        }
    }
}

fn phrase(text: &str, node: &Node, desk: &mut Desk<'_>) -> Option<Phrase> {
    globs::look_at_words(text, node, desk);
    let phrase = Phrase::parse(text);
    if phrase.is_none() {
        desk.findings
            .add(Code::BadValue, node.span, format!("`{text}` holds no letter and no digit, so no text contains it"))
            .help("`contains` compares words; for signs write `regex`");
    }
    phrase
}

fn patterns(node: &Node, key: &str, desk: &mut Desk<'_>) -> Box<[Pattern]> {
    let texts = texts(node, key, desk);
    for (text, at) in &texts {
        if key == "intent" {
            intents::look(text, at, desk);
        }
        globs::look(text, Of::Names, at, desk);
    }
    texts.into_iter().map(|(text, _)| Pattern::parse(&text)).collect()
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

fn param(name: &str, node: &Node, desk: &mut Desk<'_>) -> Option<ParamPattern> {
    match &node.kind {
        Kind::Text(text) if text.is_empty() || text == "*" => {}
        Kind::Text(text) => can_fit(name, &Value::text(text.as_str()), node, desk),
        Kind::Bool(truth) => can_fit(name, &Value::Bool(*truth), node, desk),
        Kind::Number(number) => can_fit(name, &Value::Number(Number::parse(number).into_owned()), node, desk),
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => {}
    }
    value_of(node, desk)
}

/// One of the values that fit.
fn value_of(node: &Node, desk: &mut Desk<'_>) -> Option<ParamPattern> {
    match &node.kind {
        Kind::Text(text) if text.is_empty() => {
            never(node, desk);
            None
        }
        Kind::Text(text) if text == "*" => Some(ParamPattern::Set),
        Kind::Text(text) => {
            globs::look(text, Of::Texts, node, desk);
            Some(ParamPattern::Text(Pattern::parse(text)))
        }
        Kind::Bool(truth) => Some(ParamPattern::Value(Value::Bool(*truth))),
        Kind::Number(number) => Some(ParamPattern::Value(Value::Number(Number::parse(number).into_owned()))),
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => None,
    }
}

/// What a source's types make of it is what a parameter is compared with.
fn can_fit(name: &str, written: &Value<'_>, node: &Node, desk: &mut Desk<'_>) {
    // A list fits by its items, and nothing is said of those.
    let Some(declared) = desk.known.declared(name).filter(|declared| *declared != ParamType::List) else { return };
    if !can_equal(written, declared) {
        let (message, help) = match declared {
            ParamType::Date => (
                format!("this never fits: by its source `{name}` is a time, as `2026-03-02T00:00:00.000Z`"),
                format!("compare times in `when`: `params.{name} >= \"2026-03-02\"`"),
            ),
            _ => (
                format!(
                    "this never fits: by its source `{name}` is a {}, and this is {}",
                    declared.name(),
                    node.words()
                ),
                "a number, `true` and `false` stand without quotes, a text in quotes".to_owned(),
            ),
        };
        desk.findings.add(Code::Types, node.span, message).help(help);
    }
}

fn never(node: &Node, desk: &mut Desk<'_>) {
    desk.findings
        .add(Code::BadValue, node.span, "an empty text is unset, so nothing fits it")
        .help("for what must be unset, write `when: params.name is not set`");
}
