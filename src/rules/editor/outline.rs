//! The parts of a file, nested as they are written.

use std::ops::Range;

use super::sheet::Sheet;
use crate::rules::yaml::{Entry, Node};

/// A part that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The section that it is, or is in.
    pub section: Section,
    /// All of its bytes.
    pub bytes: Range<usize>,
    /// Those of its name.
    pub at: Range<usize>,
    /// The parts within it.
    pub below: Vec<Outline>,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `rules:` itself and its like.
    Top,
    /// A source.
    Source,
    /// A connection.
    Connection,
    /// A rule.
    Rule,
    /// A named value.
    Value,
    /// A named condition.
    Condition,
    /// Opening hours.
    Hours,
    /// A test.
    Test,
}

/// The parts of a file.
pub fn of(sheet: &Sheet) -> Vec<Outline> {
    let entries = sheet.tree.entries();
    let end = sheet.file.text.len();
    let mut parts: Vec<_> = entries.iter().map(top).collect();
    close(&mut parts, end, &sheet.file.text);
    parts
}

fn top(entry: &Entry) -> Outline {
    let named = |section| entry.value.entries().iter().map(|entry| of_entry(entry, section)).collect();
    let below = match entry.key.as_str() {
        "sources" => named(Section::Source),
        "connections" => named(Section::Connection),
        "values" => named(Section::Value),
        "conditions" => named(Section::Condition),
        "hours" => named(Section::Hours),
        "rules" => entry.value.items().iter().filter_map(|rule| of_item(rule, "id", Section::Rule)).collect(),
        "tests" => entry.value.items().iter().filter_map(|test| of_item(test, "name", Section::Test)).collect(),
        _ => Vec::new(),
    };
    Outline { below, ..of_entry(entry, Section::Top) }
}

fn of_entry(entry: &Entry, section: Section) -> Outline {
    let kind = entry.value.get("kind").or_else(|| entry.value.get("provider"));
    let about = kind.and_then(Node::scalar).unwrap_or_default();
    let at = entry.key_span.range();
    Outline { name: entry.key.clone(), about, section, bytes: at.clone(), at, below: Vec::new() }
}

fn of_item(item: &Node, key: &str, section: Section) -> Option<Outline> {
    let name = item.get(key)?;
    let about = item.get("description").and_then(Node::scalar).unwrap_or_default();
    // A mapping in brackets begins with them; what has none begins with its first key.
    let start = item.span.start.min(name.span.start);
    let start = item.entries().first().map_or(start, |first| start.min(first.key_span.start));
    Some(Outline {
        name: name.scalar()?,
        about,
        section,
        bytes: start..start,
        at: name.span.range(),
        below: Vec::new(),
    })
}

/// Each part goes on until the next one begins.
fn close(parts: &mut [Outline], end: usize, text: &str) {
    let mut until = end;
    for part in parts.iter_mut().rev() {
        let start = part.bytes.start;
        let written = text.get(start..until.max(start)).unwrap_or_default();
        // The mark of the next item of a list, and the lines between, are nobody's.
        let length = written.trim_end_matches(|c: char| c.is_whitespace() || c == '-').len();
        part.bytes.end = (start + length).max(part.at.end);
        until = start;
        close(&mut part.below, part.bytes.end, text);
    }
}
