//! The code of each kind of source: how a body becomes events, how a reply is written, and a body to try it with. What a kind is
//! otherwise stands in its row of `domain/kinds.rs`.
//!
//! A kind is a file here, a row there, and a line in each of the two tables. `docs/adding-a-source.md` adds one.

mod answer;
mod b2chat;
mod chatwoot;
mod form;
mod github;
mod helpcrunch;
mod intercom;
mod line;
mod look;
mod meta;
mod respond_io;
mod slack;
mod stripe;
mod telegram;
mod twilio;
mod typeform;
mod viber;
mod zendesk;

use crate::domain::event::Event;
use crate::domain::reply::Reply;
use crate::domain::request::Request;
use crate::domain::source::{SourceConfig, SourceKind};

use super::fault::{ReadError, ReplyTooLarge};
use super::reading::{JsonBody, Reading};
use super::{catch, dialogflow_cx, dialogflow_es};

/// Writes a request's body as JSON text.
pub type Body = for<'r> fn(&SourceConfig, &Request<'r>) -> Result<JsonBody<'r>, ReadError>;

/// Reads a body that is one event into `event`, which has the request's headers and query.
pub type ReadOne = for<'a> fn(&'a JsonBody<'_>, &mut Event<'a>) -> Result<(), ReadError>;

/// Reads a body that may hold several events; each begins as a copy of the given one.
pub type ReadSeveral = for<'a> fn(&SourceConfig, &'a JsonBody<'_>, Event<'a>) -> Result<Reading<'a>, ReadError>;

/// Writes the answer to an event of a session and a language.
pub type Write = fn(Option<&str>, Option<&str>, Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge>;

/// Writes a body's parameters as a mapping; `None` where it has none that can be read.
pub type WriteParams = fn(&[u8]) -> Option<String>;

/// How a kind's bodies are read.
pub enum Reader {
    /// A body is one event. Without a key of its own it gets the message's id as the scheme names it.
    One(ReadOne),
    /// A body may hold several. The given event has the message's id as its key.
    Several(ReadSeveral),
}

/// A body as the vendor sends it, to try a source with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The body.
    pub body: &'static str,
    /// The headers that the kind reads.
    pub headers: &'static [(&'static str, &'static str)],
}

/// What is done for a kind.
pub struct Code {
    /// Request to JSON text.
    pub body: Body,
    /// Body to events.
    pub reader: Reader,
    /// Reply to answer.
    pub write: Write,
    /// Writes the parameters as a mapping, where the body has them in another form.
    pub params: Option<WriteParams>,
    /// A body to try it with.
    pub sample: Sample,
}

impl Code {
    /// A vendor that sends one event a body and shows nobody an answer.
    const fn one(read: ReadOne, body: &'static str) -> Self {
        Self::of(Reader::One(read), body)
    }

    /// The same for a vendor that may send several.
    const fn several(read: ReadSeveral, body: &'static str) -> Self {
        Self::of(Reader::Several(read), body)
    }

    const fn of(reader: Reader, body: &'static str) -> Self {
        Self {
            body: |_, request| Ok(JsonBody::as_it_came(request.body)),
            reader,
            write: |_, _, reply| Ok(catch::write_reply(reply)),
            params: None,
            sample: Sample { body, headers: &[] },
        }
    }
}

static DIALOGFLOW_ES: Code = Code {
    write: dialogflow_es::write_reply,
    ..Code::one(|body, event| dialogflow_es::read(&body.json, event), include_str!("../samples/dialogflow_es.json"))
};

static DIALOGFLOW_CX: Code = Code {
    write: |_, _, reply| dialogflow_cx::write_reply(reply),
    ..Code::one(|body, event| dialogflow_cx::read(&body.json, event), include_str!("../samples/dialogflow_cx.json"))
};

static CATCH: Code = Code {
    body: catch::json_body,
    ..Code::several(
        |config, body, event| catch::read(config.each.as_deref(), body, event),
        include_str!("../samples/catch.json"),
    )
};

/// The code of a kind.
pub fn code(kind: SourceKind) -> &'static Code {
    match kind {
        SourceKind::DialogflowEs => &DIALOGFLOW_ES,
        SourceKind::DialogflowCx => &DIALOGFLOW_CX,
        SourceKind::Catch => &CATCH,
        SourceKind::Helpcrunch => &helpcrunch::CODE,
        SourceKind::RespondIo => &respond_io::CODE,
        SourceKind::B2chat => &b2chat::CODE,
        SourceKind::Chatwoot => &chatwoot::CODE,
        SourceKind::Intercom => &intercom::CODE,
        SourceKind::Zendesk => &zendesk::CODE,
        SourceKind::Typeform => &typeform::CODE,
        SourceKind::Github => &github::CODE,
        SourceKind::Stripe => &stripe::CODE,
        SourceKind::Meta => &meta::CODE,
        SourceKind::Telegram => &telegram::CODE,
        SourceKind::Line => &line::CODE,
        SourceKind::Viber => &viber::CODE,
        SourceKind::Slack => &slack::CODE,
        SourceKind::Twilio => &twilio::CODE,
    }
}
