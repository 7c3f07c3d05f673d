//! respond.io and its white labels: one event a body, `{"event_type": .., "event_id": .., "contact": {..}, ..}`.
//!
//! The vendor publishes no schema. What is read here was seen in integrators' code, so a body of any shape is an event.

use crate::domain::event::{Event, TagNews, TagsTold};
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code::one(read, include_str!("../samples/respond_io.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [name, key, contact, message, tag, action] =
        json.pick(["event_type", "event_id", "contact", "message", "tag", "action"]);
    let [contact, language] = map(contact).pick(["id", "language"]);
    event.kind = text(name);
    event.key = id(key);
    event.contact = id(contact);
    event.language = text(language);
    // `traffic` says so too, but the event's name is what both integrators go by.
    if event.kind.as_deref() == Some("message.received") {
        event.text = text(map(map(message).get("message")).get("text"));
    }
    if event.kind.as_deref() == Some("contact.tag.updated") {
        let news = match (text(tag), text(action).as_deref()) {
            (Some(tag), Some("add")) => TagNews::Added(vec![tag]),
            (Some(tag), Some("remove")) => TagNews::Removed(vec![tag]),
            _ => TagNews::Unknown,
        };
        event.tags_told = event.contact.clone().map(|contact| TagsTold { contact, news });
    }
    event.params = json;
    event.payload = json;
    event.body = json;
    Ok(())
}
