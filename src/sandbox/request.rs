//! A call to a provider, as far as the provider can see it, and what it answers.

use std::collections::BTreeMap;

use serde_json::Value;

/// A call to a provider.
#[derive(Debug, Clone, Default)]
pub struct Request {
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
        self.segments.get(1).map(String::as_str)
    }
}

/// What a provider answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The JSON body; `None` for none at all.
    pub body: Option<Value>,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }
}
