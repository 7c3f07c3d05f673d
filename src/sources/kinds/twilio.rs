//! Twilio: forms for messages, receipts, calls, conversations and what a Studio flow sends; lists of events as JSON.
//!
//! The answer is `TwiML`, in which a reply is a message to whoever wrote.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::kind::Media;
use crate::domain::reply::Reply;
use crate::domain::request::Request;
use crate::domain::source::SourceConfig;
use crate::sources::credentials;
use crate::sources::fault::{ReadError, ReplyTooLarge};
use crate::sources::reading::{JsonBody, Reading};

use super::look::{self, id, map, text};
use super::{Code, answer, form};

pub static CODE: Code = Code { body: json_body, write, ..Code::several(read, include_str!("../samples/twilio.form")) };

/// JSON as it came, a form as a mapping; a GET has its fields in the query.
fn json_body<'r>(config: &SourceConfig, request: &Request<'r>) -> Result<JsonBody<'r>, ReadError> {
    if request.body.trim_ascii().is_empty() {
        let (_, query) = credentials::left_out(config, request);
        if query.0.is_empty() {
            return Err(ReadError::whole("the body is empty"));
        }
        return Ok(JsonBody::written(form::mapping(&query), Media::Form));
    }
    match Media::of(request) {
        Media::Json => Ok(JsonBody::as_it_came(request.body)),
        Media::Form | Media::Text | Media::Xml => {
            Ok(JsonBody::written(form::mapping(&form::pairs(request)?), Media::Form))
        }
    }
}

fn read<'a>(_: &SourceConfig, body: &'a JsonBody<'_>, event: Event<'a>) -> Result<Reading<'a>, ReadError> {
    let json = Json::parse(&body.json)?;
    let event = Event { body: json, ..event };
    match json.kind() {
        JsonKind::Map => Ok(Reading::single(of_form(json, event))),
        JsonKind::List => {
            let items = json.items();
            look::few(items.len(), "body")?;
            if items.is_empty() {
                return Err(ReadError::whole("the list of events is empty"));
            }
            let events = items.into_iter().map(|item| of_stream(item, event.clone()));
            Ok(Reading::of_list(events.collect(), json, json))
        }
        other => Err(ReadError::whole(&format!("expected a mapping or a list, found {}", other.name()))),
    }
}

/// An event of an event stream: `{"type": .., "id": .., "data": {..}}`.
fn of_stream<'a>(item: Json<'a>, mut event: Event<'a>) -> Event<'a> {
    let [kind, key, data] = item.pick(["type", "id", "data"]);
    let data = map(data);
    let [from, to, body, status] = data.pick(["from", "to", "body", "messageStatus"]);
    event.kind = text(kind);
    event.key = id(key);
    event.text = text(body);
    event.contact = number(if status.is_some() { to } else { from });
    event.params = data;
    event.payload = item;
    event
}

/// What a form tells, by the fields that it has.
fn of_form<'a>(json: Json<'a>, mut event: Event<'a>) -> Event<'a> {
    let [kind, message, status, call, author, from, to, words, session] = json.pick([
        "EventType",
        "MessageSid",
        "MessageStatus",
        "CallSid",
        "Author",
        "From",
        "To",
        "Body",
        "ConversationSid",
    ]);
    event.params = json;
    event.payload = json;
    event.session = text(session).or_else(|| text(call));
    event.contact = number(author).or_else(|| number(from)).or_else(|| number(json.get("MessagingBinding.Address")));
    event.text = text(words);
    // Twilio says with this header which requests are one that it repeats.
    let repeated = event.headers.0.iter().find(|(name, _)| name == "i-twilio-idempotency-token");
    event.key = repeated.map(|(_, token)| token.clone()).or(event.key);
    if let Some(kind) = text(kind) {
        event.kind = Some(kind);
    } else if let Some(status) = text(status) {
        event.key = text(message).map(|message| format!("{message}/{status}").into()).or(event.key);
        event.contact = number(to);
        event.kind = Some(format!("status.{status}").into());
    } else if call.is_some() {
        of_call(json, &mut event);
    } else if message.is_some() {
        said(json, &mut event);
    }
    event
}

/// A message: what a button or an entry of a list stands for is the intent, and so is a word that ends or begins a subscription.
fn said<'a>(json: Json<'a>, event: &mut Event<'a>) {
    let [message, media, content, button, entry, opt_out] =
        json.pick(["MessageSid", "NumMedia", "MessageType", "ButtonPayload", "ListId", "OptOutType"]);
    event.key = text(message);
    event.intent = text(button).or_else(|| text(entry)).or_else(|| text(opt_out));
    let has_media = id(media).is_some_and(|count| count != "0");
    let content = text(content).filter(|content| !matches!(content.as_ref(), "text" | "button" | "interactive"));
    event.kind = Some(match content {
        Some(content) => format!("message.{content}").into(),
        None if has_media => "message.media".into(),
        None => "message".into(),
    });
}

/// A call: who isn't us is the contact, what was said or typed into it are the words.
fn of_call<'a>(json: Json<'a>, event: &mut Event<'a>) {
    let [status, direction, to, speech, digits, sure] =
        json.pick(["CallStatus", "Direction", "To", "SpeechResult", "Digits", "Confidence"]);
    if text(direction).is_some_and(|direction| direction.starts_with("outbound")) {
        event.contact = number(to);
    }
    event.text = text(speech).or_else(|| text(digits));
    event.confidence = text(sure).and_then(|sure| sure.parse().ok()).filter(|sure| (0.0..=1.0).contains(sure));
    event.kind = text(status).map(|status| format!("call.{status}").into());
}

/// A phone number without the name of the channel before it.
fn number(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let strip = |text: &str| text.split_once(':').map(|(_, number)| number.to_owned());
    text(json).map(|text| strip(&text).map_or(text, Cow::Owned))
}

/// `TwiML`: a message with the words, or nothing to do.
fn write(_session: Option<&str>, _language: Option<&str>, reply: Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge> {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>");
    if let Some(words) = answer::words(reply) {
        xml += "<Message>";
        answer::xml_text(words, &mut xml);
        xml += "</Message>";
    }
    xml += "</Response>";
    answer::bounded(xml.into_bytes())
}
