//! LINE: a list of events a body, `{"destination": .., "events": [..]}`; the console's "Verify" sends an empty one.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::source::SourceConfig;
use crate::sources::fault::ReadError;
use crate::sources::reading::{JsonBody, Reading};

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code::several(read, include_str!("../samples/line.json"));

/// What is told of an event stands under its own name, or under the last word of it.
const LAST_WORDS: [&str; 3] = ["link", "joined", "left"];

fn read<'a>(_: &SourceConfig, body: &'a JsonBody<'_>, event: Event<'a>) -> Result<Reading<'a>, ReadError> {
    let json = look::mapping(body)?;
    let blank = Event { body: json, ..event };
    let list = look::list(json, "events", "a webhook of LINE")?;
    let items = list.items();
    look::few(items.len(), "events")?;
    let events = items.into_iter().map(|item| {
        let mut event = blank.clone();
        happened(item, &mut event);
        event
    });
    Ok(Reading::of_list(events.collect(), json, list))
}

fn happened<'a>(item: Json<'a>, event: &mut Event<'a>) {
    let [name, key, source, message, postback] = item.pick(["type", "webhookEventId", "source", "message", "postback"]);
    let [user, group, room] = map(source).pick(["userId", "groupId", "roomId"]);
    event.key = id(key);
    event.contact = id(user);
    event.session = id(group).or_else(|| id(room)).or_else(|| id(user));
    event.payload = item;
    let Some(name) = text(name) else { return };
    if let Some(message) = message {
        said(name, message, event);
        return;
    }
    if postback.is_some() {
        let [data, chosen] = map(postback).pick(["data", "params"]);
        (event.intent, event.params) = (text(data), map(chosen));
    } else {
        let own = item.get(&name).or_else(|| item.pick(LAST_WORDS).into_iter().flatten().next());
        event.params = map(own);
    }
    event.kind = Some(name);
}

/// Words, or a picture, a place and the like, whose kind follows a dot.
fn said<'a>(name: Cow<'a, str>, message: Json<'a>, event: &mut Event<'a>) {
    let [content, words] = message.pick(["type", "text"]);
    match text(content) {
        Some(content) if content != "text" => {
            event.kind = Some(format!("{name}.{content}").into());
            event.params = map(Some(message));
        }
        _ => {
            event.kind = Some(name);
            event.text = text(words);
        }
    }
}
