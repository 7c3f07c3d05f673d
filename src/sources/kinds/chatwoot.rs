//! Chatwoot: one event a body, `{"event": "message_created", ..}`, with the attributes of what it is about around it.

use std::borrow::Cow;

use crate::domain::event::{Event, TagNews, TagsTold};
use crate::domain::json::{Json, JsonKind};
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text, texts};

pub static CODE: Code = Code::one(read, include_str!("../samples/chatwoot.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [name, own, conversation, contact, sender, content, direction, changed, meta] = json.pick([
        "event",
        "id",
        "conversation",
        "contact",
        "sender",
        "content",
        "message_type",
        "changed_attributes",
        "meta",
    ]);
    let name = look::told(name, "event", "a webhook of Chatwoot")?;
    let sender = map(sender);
    if name.starts_with("message_") {
        event.session = id(map(conversation).get("id"));
        // An agent's message has the agent as its sender, and the person in the conversation.
        let theirs = is_incoming(direction);
        let person = || id(map(map(map(conversation).get("meta")).get("sender")).get("id"));
        event.contact =
            theirs.then(|| id(sender.get("id"))).flatten().or_else(|| id(map(contact).get("id"))).or_else(person);
        event.text = theirs.then(|| text(content)).flatten();
        if name == "message_created" {
            // A message is made once; it may be updated many times.
            event.key = id(own).map(|own| Cow::Owned(format!("{name}/{own}")));
        }
    } else if name.starts_with("conversation_") {
        event.session = id(own);
        event.contact = id(map(map(meta).get("sender")).get("id"));
    } else if name.starts_with("contact_") {
        event.contact = id(own);
        let labels = changed.and_then(labels);
        event.tags_told =
            event.contact.clone().zip(labels).map(|(contact, labels)| TagsTold { contact, news: TagNews::All(labels) });
    } else {
        event.contact = id(map(contact).get("id"));
    }
    event.kind = Some(name);
    event.params = json;
    event.payload = json;
    event.body = json;
    Ok(())
}

/// The webhook writes the direction as a word, the API as a number.
fn is_incoming(direction: Option<Json<'_>>) -> bool {
    direction.is_some_and(|direction| matches!(direction.text(), "\"incoming\"" | "0"))
}

/// What `changed_attributes`, a list of `{name: {current_value, previous_value}}`, says of the labels.
fn labels(changed: Json<'_>) -> Option<Vec<Cow<'_, str>>> {
    changed.items().into_iter().find_map(now_of_labels).map(texts)
}

fn now_of_labels(change: Json<'_>) -> Option<Json<'_>> {
    let [labels, label_list] = change.pick(["labels", "label_list"]);
    map(labels.or(label_list)).get("current_value").filter(|now| now.kind() == JsonKind::List)
}
