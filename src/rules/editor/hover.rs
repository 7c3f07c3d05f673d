//! What stands at a place, in Markdown.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Guide;
use super::sheet::{Known, Name, What};
use super::words;
use crate::rules::keys::{Key, Names, Need, Object, Shape};
use crate::rules::pattern::Pattern;
use crate::rules::yaml::Node;

/// The most names that are listed.
const MOST: usize = 12;

/// The text of a part.
pub fn text(guide: &Guide<'_>, what: &What) -> Option<String> {
    match what {
        What::Key(known) => Some(key(known.object, known.key)),
        What::Choice(Known { object, key: of }, written) => Some(format!("`{written}`: {}", key(object, of))),
        What::Word(word) => words::named(word).map(word_text),
        What::Name(of) => Some(name(guide, of)),
    }
}

/// A word of an expression.
pub fn word_text(row: &words::Row) -> String {
    format!("**{}**: {}\n\n```text\n{}\n```", row.name, row.about, row.form)
}

/// A key of the table.
pub fn key(object: &Object, key: &Key) -> String {
    let mut text = format!("**{}** in {}: {}", key.name, object.what, key.about);
    if key.need == Need::Required {
        text.push_str("\n\nIt must be there.");
    }
    if let Shape::OneOf(words) = &key.shape {
        let _ = write!(text, "\n\nOne of {}.", listed((words.now)()));
    }
    if !key.example.is_empty() {
        let _ = write!(text, "\n\n```yaml\n{}\n```", key.example);
    }
    text
}

/// In a rule author's words.
pub fn what(names: Names) -> &'static str {
    match names {
        Names::Source => "source",
        Names::Connection => "connection",
        Names::Rule => "rule",
        Names::Value => "value",
        Names::Condition => "condition",
        Names::Hours => "hours",
        Names::Tag => "tag",
        Names::Intent => "intent",
        Names::Param => "parameter",
    }
}

/// What is defined under a name, in a few words.
pub fn detail(guide: &Guide<'_>, names: Names, text: &str) -> Option<String> {
    let node = guide.definition(names, text)?;
    match names {
        Names::Source => node.get("kind").and_then(Node::scalar),
        Names::Connection => node.get("provider").and_then(Node::scalar),
        Names::Rule => node.get("description").and_then(Node::scalar),
        Names::Condition => node.scalar(),
        Names::Value => Some(node.to_json_text()),
        Names::Hours => node.get("zone").and_then(Node::scalar),
        Names::Tag | Names::Intent | Names::Param => None,
    }
}

fn name(guide: &Guide<'_>, name: &Name) -> String {
    let mut text = format!("**{}**: {}", name.text, what(name.names));
    if let Some(at) = &name.at {
        let _ = write!(text, " at `{at}`");
    }
    match name.names {
        Names::Tag => by_rules(guide, name, &mut text),
        Names::Intent => {
            let fitting = guide.all_names().map(|(_, other)| other).filter(|other| {
                other.names == Names::Intent && other.rule.is_some() && Pattern::parse(&other.text).fits(&name.text)
            });
            rules(&mut text, "Matched by", fitting.filter_map(|other| other.rule.as_deref()).collect());
        }
        Names::Param => {
            let used = guide.places(name).filter_map(|(_, other)| other.rule.as_deref());
            rules(&mut text, "Used by", used.collect());
        }
        _ => defined(guide, name, &mut text),
    }
    text
}

fn defined(guide: &Guide<'_>, name: &Name, text: &mut String) {
    match detail(guide, name.names, &name.text) {
        Some(detail) if matches!(name.names, Names::Condition | Names::Value) => {
            let _ = write!(text, "\n\n```text\n{detail}\n```");
        }
        Some(detail) => {
            let _ = write!(text, "\n\n{detail}");
        }
        None if guide.definition(name.names, &name.text).is_none() => text.push_str("\n\nIt is not defined."),
        None => {}
    }
    if name.names == Names::Source {
        let _ = write!(text, "\n\n`POST /hooks/{}`", name.text);
    }
    let used = guide.places(name).filter(|(_, other)| !other.defines).filter_map(|(_, other)| other.rule.as_deref());
    rules(text, "Used by", used.collect());
}

/// Who adds a tag, who removes it, and who asks for it.
fn by_rules(guide: &Guide<'_>, name: &Name, text: &mut String) {
    for (under, words) in
        [("add", "Added by"), ("remove", "Removed by"), ("if_tagged", "Needed by"), ("unless_tagged", "Forbids")]
    {
        let of = guide.places(name).filter(|(_, other)| other.under == under);
        rules(text, words, of.filter_map(|(_, other)| other.rule.as_deref()).collect());
    }
}

fn rules(text: &mut String, words: &str, rules: BTreeSet<&str>) {
    if !rules.is_empty() {
        let _ = write!(text, "\n\n{words} {}.", listed(rules));
    }
}

fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let shown: Vec<_> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
