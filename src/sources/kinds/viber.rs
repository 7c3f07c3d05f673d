//! Viber: one event a body, `{"event": .., "message_token": ..}`.
//!
//! Only the answer to `conversation_started` is shown: it is the welcome message, written as one that is sent.

use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::reply::Reply;
use crate::sources::fault::{ReadError, ReplyTooLarge};
use crate::sources::reading::JsonBody;

use super::look::{self, id, map, text};
use super::{Code, answer};

pub static CODE: Code = Code { write, ..Code::one(read, include_str!("../samples/viber.json")) };

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [name, token, sender, user, user_id, message, context] =
        json.pick(["event", "message_token", "sender", "user", "user_id", "message", "context"]);
    let name = look::told(name, "event", "a callback of Viber")?;
    let person = map(sender.or(user));
    event.contact = id(person.get("id")).or_else(|| id(user_id));
    event.language = text(person.get("language"));
    event.intent = text(context);
    // A receipt has the token of the message that was received.
    event.key = id(token).map(|token| match (name.as_ref(), event.contact.as_deref()) {
        ("message", _) => token,
        (name, contact) => format!("{name}/{token}/{}", contact.unwrap_or_default()).into(),
    });
    event.kind = Some(name);
    if let Some(message) = message {
        said(map(Some(message)), event);
    }
    event.payload = json;
    event.body = json;
    Ok(())
}

/// Words, or a picture, a place and the like, whose kind follows a dot. A picture may have words too.
fn said<'a>(message: Json<'a>, event: &mut Event<'a>) {
    let [content, words] = message.pick(["type", "text"]);
    event.text = text(words);
    if let Some(content) = text(content).filter(|content| content != "text") {
        event.params = map(message.get(&content));
        event.kind = Some(format!("message.{content}").into());
    }
}

/// The welcome message. Viber wants the name of a sender with it, which the rule's payload gives.
fn write(_session: Option<&str>, _language: Option<&str>, reply: Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge> {
    let mut message = answer::payload(reply);
    if let Some(words) = answer::words(reply) {
        message.entry("type").or_insert_with(|| "text".into());
        message.entry("text").or_insert_with(|| words.into());
    }
    answer::json(&message)
}
