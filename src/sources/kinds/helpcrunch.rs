//! HelpCrunch: one event a body, `{"event": .., "eventData": {..}, "id": ..}`.
//!
//! Where the customer stands depends on the event: those of customers are the customer, those of chats and messages have one.

use crate::domain::event::{Event, TagNews, TagsTold};
use crate::domain::json::JsonKind;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code::one(read, include_str!("../samples/helpcrunch.json"));

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [name, data, key] = json.pick(["event", "eventData", "id"]);
    let name = look::told(name, "event", "a webhook of HelpCrunch")?;
    let data = map(data);
    let [own, customer, chat, message, tags] = data.pick(["id", "customer", "chat_id", "message", "tags"]);
    event.contact = if name.starts_with("customer.") { id(own) } else { id(map(customer).get("id")) };
    event.session = if name.starts_with("chat.") { id(chat).or_else(|| id(own)) } else { id(chat) };
    // What an agent says, or notes, is not what the person said.
    if name.ends_with(".customer") {
        event.text = text(map(message).get("text"));
    }
    if name == "customer.tags_changed" {
        let names = |list: crate::domain::json::Json<'a>| {
            list.items().into_iter().filter_map(|tag| text(tag.get("name"))).collect::<Vec<_>>()
        };
        let tags = tags.filter(|tags| tags.kind() == JsonKind::List);
        let news = tags.map_or(TagNews::Unknown, |tags| TagNews::All(names(tags)));
        event.tags_told = event.contact.clone().map(|contact| TagsTold { contact, news });
    }
    event.kind = Some(name);
    event.key = text(key);
    event.params = data;
    event.payload = json;
    event.body = json;
    Ok(())
}
