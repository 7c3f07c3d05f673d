//! JSON whose keys keep their order: an editor shows and inserts them as they stand in the table.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use crate::rules::yaml::{Kind, Node};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A text, a number, true, false, null, or what has no order to keep.
    Value(Value),
    /// A list.
    List(Vec<Tree>),
    /// An object, in order.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// An object with these keys.
    pub fn map<const N: usize>(entries: [(&str, Tree); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::from(text.as_ref())).collect())
    }

    /// Whether it is an object with this key.
    pub fn has(&self, key: &str) -> bool {
        matches!(self, Self::Map(entries) if entries.iter().any(|(name, _)| name == key))
    }

    /// Adds every key of another object.
    pub fn join(&mut self, other: Tree) {
        match (self, other) {
            (Self::Map(entries), Self::Map(more)) => entries.extend(more),
            (Self::Map(entries), Self::Value(Value::Object(more))) => {
                entries.extend(more.into_iter().map(|(key, value)| (key, Self::Value(value))));
            }
            _ => {}
        }
    }

    /// Adds a key to an object.
    pub fn put(&mut self, key: &str, value: impl Into<Tree>) {
        if let Self::Map(entries) = self {
            entries.push((key.to_owned(), value.into()));
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<bool> for Tree {
    fn from(truth: bool) -> Self {
        Self::Value(truth.into())
    }
}

impl From<&Node> for Tree {
    fn from(node: &Node) -> Self {
        match &node.kind {
            Kind::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Kind::Map(entries) => Self::Map(entries.iter().map(|e| (e.key.clone(), Self::from(&e.value))).collect()),
            _ => Self::Value(node.to_json()),
        }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
