//! An example as an item of `tests:`, ready to be pasted.

use std::fmt::Write as _;

use serde_json::Value as Tree;

use super::witness::Witness;
use crate::domain::tag::TagName;
use crate::rules::testing::{DEFAULT_AT, ShortEvent};

impl Witness {
    /// A test of this name that expects these rules to match.
    pub fn as_test(&self, name: &str, rules: &[&str]) -> String {
        let mut test = format!("- name: {}\n", scalar(name));
        // Writing to a text can't fail.
        if self.at != DEFAULT_AT {
            let _ = writeln!(test, "  at: {}", self.at);
        }
        let _ = writeln!(test, "  event: {}", event(&self.event));
        if !self.tagged.is_empty() {
            let of = |tags: &[TagName]| tags.iter().map(|tag| scalar(tag.as_str())).collect::<Vec<_>>().join(", ");
            let tagged: Vec<_> = self
                .tagged
                .iter()
                .map(|(connection, tags)| format!("{}: [{}]", scalar(connection.as_str()), of(tags)))
                .collect();
            let _ = writeln!(test, "  tagged: {{ {} }}", tagged.join(", "));
        }
        let rules: Vec<_> = rules.iter().map(|rule| scalar(rule)).collect();
        let _ = writeln!(test, "  expect: {{ rules: [{}] }}", rules.join(", "));
        test
    }
}

fn event(event: &ShortEvent) -> String {
    let mut parts = vec![format!("source: {}", scalar(event.source.as_str()))];
    let texts = [
        ("intent", &event.intent),
        ("type", &event.kind),
        ("language", &event.language),
        ("text", &event.text),
        ("session", &event.session),
        ("page", &event.page),
        ("flow", &event.flow),
        ("contact", &event.contact),
    ];
    parts.extend(texts.into_iter().filter_map(|(key, text)| Some(format!("{key}: {}", scalar(text.as_ref()?)))));
    parts.extend(event.confidence.map(|confidence| format!("confidence: {confidence}")));
    parts.extend(event.details.iter().map(|(detail, value)| format!("{detail}: {}", flow(&value.to_json()))));
    let trees = [("params", event.params.to_value()), ("form", form(&event.form.to_value()))];
    let is_empty = |tree: &Tree| tree.as_object().is_none_or(serde_json::Map::is_empty);
    parts.extend(trees.iter().filter(|(_, tree)| !is_empty(tree)).map(|(key, tree)| format!("{key}: {}", flow(tree))));
    let (payload, body) = (event.payload.to_value(), event.body.to_value());
    if payload.as_object().is_none_or(|map| !map.is_empty()) {
        parts.push(format!("payload: {}", flow(&payload)));
    }
    if body != payload {
        parts.push(format!("body: {}", flow(&body)));
    }
    for (key, pairs) in [("query", &event.query), ("headers", &event.headers)] {
        if !pairs.is_empty() {
            let pairs: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{}: {}", scalar(name), scalar(value))).collect();
            parts.push(format!("{key}: {{ {} }}", pairs.join(", ")));
        }
    }
    format!("{{ {} }}", parts.join(", "))
}

/// As a test writes it: by the parameters' names.
fn form(list: &Tree) -> Tree {
    let named = |parameter: &Tree| {
        let mut rest = parameter.as_object()?.clone();
        let name = rest.remove("displayName")?.as_str()?.to_owned();
        Some((name, Tree::Object(rest)))
    };
    Tree::Object(list.as_array().into_iter().flatten().filter_map(named).collect())
}

fn flow(tree: &Tree) -> String {
    match tree {
        Tree::Object(map) if map.is_empty() => "{}".to_owned(),
        Tree::Object(map) => {
            let parts: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Tree::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Tree::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text as YAML takes it in any place: without quotes only where nobody could read anything else.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '+' | '@' | '/'))
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { Tree::from(text).to_string() }
}
