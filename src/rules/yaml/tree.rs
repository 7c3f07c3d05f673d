//! The tree: exactly what the file says.

use serde_json::Value;

use crate::rules::finding::Span;

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, quotes included. Of a mapping or a list without brackets only the start is known.
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JSON writes it: all its digits.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in order.
    Map(Vec<Entry>),
    /// Something that can't be read, and was told as such: nobody need complain of it again.
    Broken,
}

/// One line of a mapping.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What stands under it.
    pub value: Node,
}

impl Node {
    /// The value under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the one value that stands in its place.
    pub fn one_or_many(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The text of a text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, a number or true or false, as text.
    pub fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(truth) => Some(truth.to_string()),
            Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Broken => None,
        }
    }

    /// In a rule author's words.
    pub fn words(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Broken => "unreadable",
        }
    }

    /// As JSON. The depth is bounded by the reader.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null | Kind::Broken => Value::Null,
            Kind::Bool(truth) => Value::Bool(*truth),
            Kind::Number(number) => serde_json::from_str(number).unwrap_or(Value::Null),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect()),
        }
    }

    /// As JSON text in which every number keeps its digits.
    pub fn to_json_text(&self) -> String {
        match &self.kind {
            Kind::Number(number) => number.clone(),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(Node::to_json_text).collect();
                format!("[{}]", items.join(","))
            }
            Kind::Map(entries) => {
                let line = |e: &Entry| format!("{}:{}", Value::String(e.key.clone()), e.value.to_json_text());
                format!("{{{}}}", entries.iter().map(line).collect::<Vec<_>>().join(","))
            }
            Kind::Null | Kind::Bool(_) | Kind::Text(_) | Kind::Broken => self.to_json().to_string(),
        }
    }
}
