//! Intercom: one event a body, a `notification_event` with the thing that it is about in `data.item`.

use std::borrow::Cow;

use crate::domain::event::{Event, TagNews, TagsTold};
use crate::domain::json::Json;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, plain, text};

pub static CODE: Code = Code::one(read, include_str!("../samples/intercom.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [topic, key, data] = json.pick(["topic", "id", "data"]);
    let topic = look::told(topic, "topic", "a notification of Intercom")?;
    let item = map(map(data).get("item"));
    let [kind, own, user, contact, contacts, tag] = item.pick(["type", "id", "user", "contact", "contacts", "tag"]);
    let person = || id(map(contact).get("id")).or_else(|| id(map(user).get("id")));
    event.contact = match text(kind).as_deref() {
        Some("contact" | "user" | "lead") => id(own),
        Some("conversation") => {
            event.session = id(own);
            let first = map(contacts).get("contacts").and_then(|list| list.items().first().copied());
            first.and_then(|first| id(first.get("id"))).or_else(person)
        }
        _ => person(),
    };
    event.language = text(item.get("language_override"));
    event.text = match &*topic {
        "conversation.user.created" => {
            said(map(item.get("source"))).or_else(|| said(map(item.get("conversation_message"))))
        }
        "conversation.user.replied" => {
            let parts = map(item.get("conversation_parts")).get("conversation_parts").map(Json::items);
            parts.unwrap_or_default().last().copied().and_then(said)
        }
        _ => None,
    };
    let name = || text(map(tag).get("name"));
    let news = |one: fn(Vec<Cow<'a, str>>) -> TagNews<'a>| name().map_or(TagNews::Unknown, |name| one(vec![name]));
    let news = match &*topic {
        // Those of conversations have names of their own, `conversation_part.tag.created`.
        topic if !is_of_people(topic) => None,
        topic if topic.ends_with(".tag.created") => Some(news(TagNews::Added)),
        topic if topic.ends_with(".tag.deleted") => Some(news(TagNews::Removed)),
        _ => None,
    };
    event.tags_told = event.contact.clone().zip(news).map(|(contact, news)| TagsTold { contact, news });
    event.kind = Some(topic);
    event.key = text(key);
    event.params = item;
    event.payload = json;
    event.body = json;
    Ok(())
}

fn is_of_people(topic: &str) -> bool {
    topic.starts_with("contact.") || topic.starts_with("user.")
}

/// The words of a message, which Intercom sends as HTML.
fn said(message: Json<'_>) -> Option<Cow<'_, str>> {
    text(message.get("body")).map(plain).filter(|text| !text.is_empty())
}
