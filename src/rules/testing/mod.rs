//! Tests of rules: events, and what the rules must make of them.

mod expect;
pub(super) mod model;
mod run;
mod tag_sets;

use std::path::PathBuf;
use std::time::Duration;

use super::finding::Span;
use crate::domain::detail::{Detail, Details};
use crate::domain::event::Event;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::request::Fields;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;

pub use expect::{Bodies, Expectation, ExpectedReply};
pub use model::{Happened, Outcome, People};
pub use run::{BodyReader, TestReport, TestResult, reached, run_tests};
pub(super) use run::{run, summed};
pub use tag_sets::TagSets;

/// Noon of the first day of 2026, in milliseconds: when an event is received if the test doesn't say.
pub(super) const DEFAULT_AT: Timestamp = Timestamp(1_767_268_800_000);

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
    /// When its first event is received.
    pub(super) at: Timestamp,
    /// The contact's tags before, by connection.
    pub(super) tagged: Vec<(ConnectionName, Vec<TagName>)>,
    /// What happens, one after the other; a test without `steps` has one.
    pub(super) steps: Vec<Step>,
}

/// One thing that happens in a test.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// How long after the one before.
    pub after: Duration,
    /// What happens; `None`: time goes by.
    pub trigger: Option<Trigger>,
    /// What must come of it.
    pub expect: Expectation,
}

/// What happens in a test.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An event in short.
    Event(Box<ShortEvent>),
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
    pub page: Option<String>,
    pub flow: Option<String>,
    /// What the source would have found.
    pub contact: Option<String>,
    /// What only some platforms tell.
    pub details: Vec<(Detail, Value<'static>)>,
    /// A mapping.
    pub params: OwnedJson,
    /// A list of parameters with their `displayName`.
    pub form: OwnedJson,
    pub payload: OwnedJson,
    pub body: OwnedJson,
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl ShortEvent {
    /// An event of a source that carries nothing yet.
    pub fn of(source: SourceName) -> Self {
        let empty = || OwnedJson::of(Json::EMPTY_MAP);
        Self {
            source,
            intent: None,
            kind: None,
            language: None,
            confidence: None,
            text: None,
            session: None,
            page: None,
            flow: None,
            contact: None,
            details: Vec::new(),
            params: empty(),
            form: OwnedJson::of(Json::EMPTY_LIST),
            payload: empty(),
            body: empty(),
            query: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The event, received at a time.
    pub fn event(&self, at: Timestamp) -> Event<'_> {
        let text = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty()).map(Into::into);
        let fields = |pairs: &[(String, String)]| {
            Fields(pairs.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect())
        };
        Event {
            kind: text(&self.kind),
            intent: text(&self.intent),
            text: text(&self.text),
            language: text(&self.language),
            session: text(&self.session),
            page: text(&self.page),
            flow: text(&self.flow),
            confidence: self.confidence,
            details: Details::Said(self.details.clone()),
            params: self.params.json(),
            form: self.form.json(),
            payload: self.payload.json(),
            body: self.body.json(),
            query: fields(&self.query),
            headers: fields(&self.headers),
            ..Event::empty(self.source.clone(), at)
        }
    }
}
