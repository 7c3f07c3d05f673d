//! WhatsApp: a change's value holds lists of messages, of receipts and of what the business said.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};

use super::super::look::{id, map, text};

/// The lists of a change's value.
pub const LISTS: [&str; 4] = ["messages", "message_echoes", "statuses", "errors"];

/// Reads one item of a list into `event`.
pub fn happened<'a>(list: &str, item: Json<'a>, event: &mut Event<'a>) {
    event.payload = item;
    match list {
        "statuses" => receipt(item, event),
        "errors" => {
            event.params = map(Some(item));
            event.kind = Some("error".into());
        }
        _ => said(list, item, event),
    }
}

/// A message's words, its button as the intent, and whatever else it holds as the parameters.
fn said<'a>(list: &str, item: Json<'a>, event: &mut Event<'a>) {
    let [key, from, from_user, to, to_user] = item.pick(["id", "from", "from_user_id", "to", "to_user_id"]);
    let [content, referral] = item.pick(["type", "referral"]);
    let content = text(content).unwrap_or(Cow::Borrowed("text"));
    let held = map(item.get(&content));
    event.key = text(key);
    // Who keeps the number hidden has another id.
    let echo = list == "message_echoes";
    let (number, other) = if echo { (to, to_user) } else { (from, from_user) };
    event.contact = id(number).or_else(|| id(other));
    match content.as_ref() {
        "text" => event.text = text(held.get("body")),
        "button" => {
            let [payload, words] = held.pick(["payload", "text"]);
            (event.intent, event.text) = (text(payload), text(words));
        }
        "interactive" => tapped(held, event),
        _ => {
            let [caption, words] = held.pick(["caption", "text"]);
            event.text = text(caption).or_else(|| text(words));
            event.params = held;
        }
    }
    if let Some(referral) = referral.filter(|_| event.params.text() == "{}") {
        event.params = map(Some(referral));
    }
    event.kind = Some(match content.as_ref() {
        "text" | "button" | "interactive" => "message".into(),
        content => format!("message.{content}").into(),
    });
    if echo {
        // What the business says isn't what the person said.
        (event.text, event.kind) = (None, Some("message.echo".into()));
    }
}

/// A button, an entry of a list, or a flow that was filled in, whose answers are the parameters.
fn tapped<'a>(held: Json<'a>, event: &mut Event<'a>) {
    let reply = text(held.get("type")).map_or(Json::EMPTY_MAP, |name| map(held.get(&name)));
    let [chosen, title, name, words, answers] = reply.pick(["id", "title", "name", "body", "response_json"]);
    event.intent = text(chosen).or_else(|| text(name));
    event.text = text(title).or_else(|| text(words));
    event.params = map(answers);
}

fn receipt<'a>(item: Json<'a>, event: &mut Event<'a>) {
    let [message, status, recipient, recipient_user] = item.pick(["id", "status", "recipient_id", "recipient_user_id"]);
    event.contact = id(recipient).or_else(|| id(recipient_user));
    let Some(status) = text(status) else { return };
    event.key = text(message).map(|message| format!("{message}/{status}").into());
    event.kind = Some(format!("status.{status}").into());
}

/// A flow's answers come as JSON in a text, where no rule could look into them: written out, they are a mapping.
///
/// The letters of a key can't stand within a text, where each quote has a backslash before it; so they are looked for as they
/// are, and a body without them isn't touched.
pub fn flows_opened(body: &[u8]) -> Cow<'_, [u8]> {
    const KEY: &[u8] = b"\"response_json\"";
    let mut written = Vec::new();
    let mut done = 0;
    for at in memchr::memmem::find_iter(body, KEY) {
        let start = at + KEY.len();
        let Some((before, answers, after)) = body.get(start..).and_then(text_after_colon) else { continue };
        written.extend_from_slice(body.get(done..start + before).unwrap_or_default());
        written.extend_from_slice(answers.as_bytes());
        done = start + after;
    }
    if done == 0 {
        return Cow::Borrowed(body);
    }
    written.extend_from_slice(body.get(done..).unwrap_or_default());
    Cow::Owned(written)
}

/// A mapping that stands as a text after a colon: where the text begins, what it says, where it ends.
fn text_after_colon(rest: &[u8]) -> Option<(usize, String, usize)> {
    let colon = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let begins = rest.get(colon + 1..).filter(|_| rest.get(colon) == Some(&b':'))?;
    let begin = colon + 1 + begins.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let text = rest.get(begin..).filter(|text| text.first() == Some(&b'"'))?;
    let mut escaped = false;
    let closes = |byte: &u8| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    };
    let length = 2 + text.get(1..)?.iter().position(closes)?;
    let said: String = serde_json::from_slice(text.get(..length)?).ok()?;
    let is_map = Json::parse(said.as_bytes()).is_ok_and(|json| json.kind() == JsonKind::Map);
    is_map.then_some((begin, said, begin + length))
}
