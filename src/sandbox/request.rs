//! A call to a provider, as far as the provider can see it, and what it answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::webhook;

/// A call to a provider.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// At which provider.
    pub provider: &'static str,
    /// `PUT`, `DELETE`, ...
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// The path below the API's base, cut at `/`, with escapes undone.
    pub segments: Vec<String>,
    /// The query's parameters.
    pub query: BTreeMap<String, String>,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The contact that the path names, for faults that are meant for one.
    pub fn contact(&self) -> Option<&str> {
        let named =
            self.segments.get(usize::from(self.segments.get(1).is_some_and(|word| word == "create_or_update")) + 1);
        let named = if self.provider == webhook::NAME { self.segments.first() } else { named };
        named.map(|named| named.strip_prefix("id:").unwrap_or(named))
    }

    /// Whether this stands somewhere in a JSON body, as a text or as a name.
    pub fn carries(&self, text: &str) -> bool {
        fn has(value: &Value, text: &str) -> bool {
            match value {
                Value::String(this) => this == text,
                Value::Array(list) => list.iter().any(|item| has(item, text)),
                Value::Object(map) => map.iter().any(|(name, value)| name == text || has(value, text)),
                _ => false,
            }
        }
        serde_json::from_slice(&self.body).is_ok_and(|body| has(&body, text))
    }

    /// The credential of `Authorization: Bearer`, where there is one.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").filter(|key| !key.is_empty())
    }

    /// The body, where it is JSON and says so.
    pub fn json(&self) -> Option<Value> {
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        serde_json::from_slice(&self.body).ok().filter(|_| is_json)
    }
}

/// What a provider answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The JSON body; `None` for none at all.
    pub body: Option<Value>,
    /// Headers besides those of every answer.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, body: None, headers: Vec::new() }
    }
}
