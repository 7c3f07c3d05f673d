//! One thing that happened, as rules see it.

use std::borrow::Cow;

use super::detail::{Detail, Details};
use super::json::Json;
use super::name::SourceName;
use super::request::Fields;
use super::time::Timestamp;
use super::value::Value;

/// What a vendor tells of a contact's tags, where its event says that they changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsTold<'a> {
    /// The contact's id at the vendor.
    pub contact: Cow<'a, str>,
    /// What is told of them.
    pub news: TagNews<'a>,
}

/// What is told of a contact's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagNews<'a> {
    /// These are all that the contact has now.
    All(Vec<Cow<'a, str>>),
    /// These were added; nothing is told of others.
    Added(Vec<Cow<'a, str>>),
    /// These were removed; nothing is told of others.
    Removed(Vec<Cow<'a, str>>),
    /// They changed, and it isn't told how.
    Unknown,
}

/// The header that marks an echo. Whoever sends one is not believed.
pub const ECHO: &str = "tagrelay-echo";

/// An event, read from a request's body and borrowing from it.
///
/// Every part but the source and the time is optional: what a vendor didn't send is `None`, and rules see it as unset.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// The hook it came through.
    pub source: SourceName,
    /// When its request was received. A replay keeps it.
    pub received_at: Timestamp,
    /// The key that makes a repetition of this event known, if there is one.
    pub key: Option<Cow<'a, str>>,
    /// Dialogflow ES: the action; CX: the fulfillment tag; else the vendor's event name.
    pub kind: Option<Cow<'a, str>>,
    /// What the person meant, as the chat platform named it.
    pub intent: Option<Cow<'a, str>>,
    /// What the person said.
    pub text: Option<Cow<'a, str>>,
    /// A language tag as the platform sent it (`es-419`).
    pub language: Option<Cow<'a, str>>,
    /// The conversation, as the platform named it.
    pub session: Option<Cow<'a, str>>,
    /// How sure the platform is of the intent, 0 to 1.
    pub confidence: Option<f64>,
    /// The contact's id, where the kind of source knows one without a template.
    pub contact: Option<Cow<'a, str>>,
    /// That a contact's tags changed, where the event is about that.
    pub tags_told: Option<TagsTold<'a>>,
    /// Dialogflow CX: the page that the conversation is on, by its display name.
    pub page: Option<Cow<'a, str>>,
    /// Dialogflow CX: the flow that it is in, by its resource name.
    pub flow: Option<Cow<'a, str>>,
    /// Dialogflow CX: the page's form, a list of `{displayName, required, state, value, justCollected}`.
    pub form: Json<'a>,
    /// What only some platforms tell.
    pub details: Details<'a>,
    /// What the platform filled in: a mapping.
    pub params: Json<'a>,
    /// The item this event was read from (the whole body, where a body is one event).
    pub payload: Json<'a>,
    /// A part of `payload`, under this key, that the kind of source came by when it read it. See [`Event::payload_at`].
    pub known_part: Option<(&'static str, Json<'a>)>,
    /// The whole body.
    pub body: Json<'a>,
    /// The request's query, credentials left out.
    pub query: Fields<'a>,
    /// The request's headers in lower case, credentials left out.
    pub headers: Fields<'a>,
}

impl<'a> Event<'a> {
    /// The value under `key` of the payload. What the kind of source came by isn't looked for once more; only where it lies in the
    /// payload as it is now, since an event is also asked what it would be with another one.
    pub fn payload_at(&self, key: &str) -> Option<Json<'a>> {
        match self.known_part {
            Some((known, part)) if known == key && part.lies_in(self.payload) => Some(part),
            _ => self.payload.get(key),
        }
    }
}

impl Event<'_> {
    /// An event that carries nothing yet.
    pub fn empty(source: SourceName, received_at: Timestamp) -> Self {
        Event {
            source,
            received_at,
            key: None,
            kind: None,
            intent: None,
            text: None,
            language: None,
            session: None,
            confidence: None,
            contact: None,
            tags_told: None,
            page: None,
            flow: None,
            form: Json::EMPTY_LIST,
            details: Details::None,
            params: Json::EMPTY_MAP,
            payload: Json::EMPTY_MAP,
            known_part: None,
            body: Json::EMPTY_MAP,
            query: Fields::default(),
            headers: Fields::default(),
        }
    }

    /// The contact's id, where the kind of source knows one without a template; a body may be searched for it.
    pub fn whose(&self) -> Option<Cow<'_, str>> {
        self.contact.as_deref().map(Cow::Borrowed).or_else(|| self.details.contact(self.body))
    }

    /// What only some platforms tell; a body is searched for it when somebody asks.
    pub fn detail(&self, detail: Detail) -> Value<'_> {
        match &self.details {
            Details::Said(_) => self.details.get(detail, self.body),
            _ if detail == Detail::Echo => Value::Bool(self.headers.get(ECHO).is_some()),
            details => details.get(detail, self.body),
        }
    }

    /// Whether it tells of what we did ourselves.
    pub fn is_echo(&self) -> bool {
        matches!(self.detail(Detail::Echo), Value::Bool(true))
    }

    /// From now on it tells of what we did ourselves. It is kept as a header is, so that whoever reads the event again knows.
    pub fn mark_as_echo(&mut self) {
        self.headers.0.push((ECHO.into(), "true".into()));
    }

    /// What nobody but us may say.
    pub fn forget_marks(&mut self) {
        self.headers.0.retain(|(name, _)| name != ECHO);
    }
}
