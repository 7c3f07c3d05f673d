//! Tests of rules: events, and what the rules must make of them.

mod run;
mod tag_sets;

use std::path::PathBuf;

use serde_json::Value;

use super::finding::Span;
use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

pub use run::{BodyReader, TestReport, TestResult, run_tests};
pub use tag_sets::TagSets;

/// One test of a `*.test.yaml` file.
#[derive(Debug, Clone)]
pub struct RuleTest {
    /// What it proves.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// Where its name stands.
    pub(super) span: Span,
    /// When the event is received.
    pub(super) at: Timestamp,
    /// What happens.
    pub(super) trigger: Trigger,
    /// The contact's tags before, by connection.
    pub(super) tagged: Vec<(ConnectionName, Vec<TagName>)>,
    /// What must come of it.
    pub(super) expect: Expectation,
}

/// What happens in a test.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An event in short.
    Event(ShortEvent),
    /// A raw request.
    Request {
        /// The source that it comes through.
        source: SourceName,
        /// The file of its body.
        body: PathBuf,
    },
}

/// An event as a test writes it.
#[derive(Debug, Clone)]
pub struct ShortEvent {
    pub source: SourceName,
    pub intent: Option<String>,
    pub kind: Option<String>,
    pub language: Option<String>,
    pub confidence: Option<f64>,
    pub text: Option<String>,
    pub session: Option<String>,
    /// What the source would have found.
    pub contact: Option<String>,
    /// JSON text of a mapping.
    pub params: String,
}

impl ShortEvent {
    /// The event. Its body is empty: a test that needs one has a `request`.
    pub fn event(&self, at: Timestamp) -> Event<'_> {
        let text = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty()).map(Into::into);
        Event {
            kind: text(&self.kind),
            intent: text(&self.intent),
            text: text(&self.text),
            language: text(&self.language),
            session: text(&self.session),
            contact: text(&self.contact),
            confidence: self.confidence,
            params: Json::parse(self.params.as_bytes()).unwrap_or(Json::EMPTY_MAP),
            ..Event::empty(self.source.clone(), at)
        }
    }
}

/// What a test expects; what is `None` isn't looked at.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// The rules that match.
    pub rules: Option<Vec<RuleId>>,
    /// The tags that remain.
    pub tags: Option<TagSets>,
    /// The reply.
    pub reply: Option<ExpectedReply>,
}

/// What reply a test expects.
#[derive(Debug, Clone)]
pub enum ExpectedReply {
    /// None at all.
    Nothing,
    /// This one, as JSON.
    Reply(Value),
}
