//! B2Chat: one event a body, of which no schema is published and which carries neither a signature nor an id of its own.
//!
//! What is read are the fields of a chat as the vendor's own export has them (`contact`, `chat_id`, `status`), wherever the body
//! has them: at its top or under `chat`. A body of any other shape is an event too.

use crate::domain::event::Event;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code::one(read, include_str!("../samples/b2chat.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [name, event_type, kind, chat] = json.pick(["event", "event_type", "type", "chat"]);
    let around = chat.map_or(json, |chat| map(Some(chat)));
    let [session, contact, own_contact] = around.pick(["chat_id", "contact", "contact_id"]);
    let contact = match contact {
        Some(contact) => map(Some(contact)),
        None => map(json.get("contact")),
    };
    let [contact_id, plain_id] = contact.pick(["contact_id", "id"]);
    event.kind = text(name).or_else(|| text(event_type)).or_else(|| text(kind));
    event.session = id(session);
    event.contact = id(contact_id).or_else(|| id(plain_id)).or_else(|| id(own_contact));
    event.params = json;
    event.payload = json;
    event.body = json;
    Ok(())
}
