//! Messenger and Instagram: `{"sender": .., "recipient": .., "timestamp": .., "message": {..}}`.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};

use super::super::look::{id, map, text};

/// What stands beside what happened.
const FRAME: [&str; 6] = ["sender", "recipient", "timestamp", "prior_message", "hop_context", "priority"];

/// Reads one item of an entry into `event`.
pub fn happened<'a>(item: Json<'a>, entry: Json<'a>, event: &mut Event<'a>) {
    let [sender, recipient, time] = item.pick(["sender", "recipient", "timestamp"]);
    let is_what =
        |(key, value): &(Cow<'_, str>, Json<'_>)| value.kind() == JsonKind::Map && !FRAME.contains(&key.as_ref());
    event.payload = item;
    event.contact = person(sender);
    let Some((name, what)) = item.entries().into_iter().find(is_what) else { return };
    let [mid, words, title, payload, referral, echo, deleted] =
        what.pick(["mid", "text", "title", "payload", "referral", "is_echo", "is_deleted"]);
    let [is_echo, is_deleted] = [echo, deleted].map(|said| said.is_some_and(|said| said.text() == "true"));
    event.key = text(mid).filter(|_| matches!(name.as_ref(), "message" | "postback"));
    if is_deleted {
        // It has the id of the message that is taken back, and would be lost as that message once more.
        event.key = event.key.take().map(|key| format!("{key}/deleted").into());
    }
    match name.as_ref() {
        "message" if is_echo => {
            // The page said it: whoever it was said to is the contact, and the words aren't that person's.
            event.contact = person(recipient);
            event.kind = Some("message.echo".into());
        }
        "message" if is_deleted => event.kind = Some("message.deleted".into()),
        "message" => {
            let [quick_reply, attachments] = what.pick(["quick_reply", "attachments"]);
            event.intent = text(map(quick_reply).get("payload"));
            event.text = text(words);
            event.params = map(referral);
            let attached = attachments.and_then(|list| text(list.items().first()?.get("type")));
            event.kind = Some(match attached.filter(|_| event.text.is_none()) {
                Some(attached) => format!("message.{attached}").into(),
                None => name,
            });
        }
        "postback" => {
            event.intent = text(payload);
            event.text = text(title);
            event.params = map(referral);
            event.kind = Some(name);
        }
        _ => {
            event.intent = text(payload);
            event.params = what;
            event.kind = Some(name);
        }
    }
    if event.key.is_none() {
        // Receipts, reactions and the like have no id: a person does one of a kind in a millisecond.
        let who = (id(map(sender).get("id")), id(time));
        if let (Some(kind), (Some(sender), Some(time))) = (&event.kind, who) {
            let page = id(entry.get("id")).unwrap_or_default();
            event.key = Some(format!("{kind}/{page}/{sender}/{time}").into());
        }
    }
}

/// Another app holds the conversation, and this one only hears of it.
pub fn overheard(event: &mut Event<'_>) {
    event.key = event.key.take().map(|key| format!("standby/{key}").into());
    event.kind = event.kind.take().map(|kind| format!("standby.{kind}").into());
}

/// A person by the id at the page, else by the reference that a plugin gave.
fn person(who: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let [own, user_ref] = map(who).pick(["id", "user_ref"]);
    id(own).or_else(|| id(user_ref))
}
