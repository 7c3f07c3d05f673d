//! Telegram: one update a body, `{"update_id": .., "message": {..}}`. The key beside the id says what happened.
//!
//! A reply is a call of a method of the Bot API, written as the answer: `sendMessage` to the chat unless the rule's payload
//! names another.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::reply::Reply;
use crate::sources::fault::{ReadError, ReplyTooLarge};
use crate::sources::reading::JsonBody;

use super::look::{self, id, map, text};
use super::{Code, answer};

pub static CODE: Code = Code { write, ..Code::one(read, include_str!("../samples/telegram.json")) };

/// What a message may be besides words, by Telegram's names. An animation comes as a document too, so it stands before it.
const CONTENTS: [&str; 31] = [
    "animation",
    "audio",
    "checklist",
    "contact",
    "dice",
    "document",
    "game",
    "giveaway",
    "invoice",
    "left_chat_member",
    "live_photo",
    "venue",
    "location",
    "new_chat_members",
    "paid_media",
    "passport_data",
    "photo",
    "pinned_message",
    "poll",
    "refunded_payment",
    "sticker",
    "story",
    "successful_payment",
    "users_shared",
    "chat_shared",
    "video",
    "video_note",
    "voice",
    "web_app_data",
    "write_access_allowed",
    "migrate_to_chat_id",
];

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let Some(key) = id(json.get("update_id")) else {
        return Err(ReadError::field("update_id", "missing; an update of Telegram has a number there")
            .help("a sender of another kind needs a source of its own kind; `catch` takes anything"));
    };
    event.key = Some(key);
    event.payload = json;
    event.body = json;
    let is_update = |(_, item): &(Cow<'_, str>, Json<'_>)| item.kind() == JsonKind::Map;
    let Some((name, item)) = json.entries().into_iter().find(is_update) else { return Ok(()) };
    let [from, user, chat, message] = item.pick(["from", "user", "chat", "message"]);
    let person = map(from.or(user));
    event.contact = id(person.get("id"));
    event.language = text(person.get("language_code"));
    event.session = id(map(chat.or_else(|| map(message).get("chat"))).get("id"));
    match name.as_ref() {
        "message" | "edited_message" | "channel_post" | "edited_channel_post" => said(name, item, event),
        "business_message" | "edited_business_message" => {
            // The chat is the customer's; whoever else writes there is the business.
            let echo = (event.contact != event.session).then(|| format!("{name}.echo"));
            event.contact.clone_from(&event.session);
            said(name, item, event);
            if let Some(echo) = echo {
                (event.kind, event.text, event.intent) = (Some(echo.into()), None, None);
            }
        }
        _ => {
            let [data, game, query, member] = item.pick(["data", "game_short_name", "query", "new_chat_member"]);
            event.intent = text(data).or_else(|| text(game)).or_else(|| text(map(member).get("status")));
            event.text = text(query);
            event.params = item;
            event.kind = Some(name);
        }
    }
    Ok(())
}

/// A message: its words or its caption, a command as the intent, whatever else it holds as the parameters.
fn said<'a>(name: Cow<'a, str>, message: Json<'a>, event: &mut Event<'a>) {
    let [words, caption] = message.pick(["text", "caption"]);
    event.text = text(words).or_else(|| text(caption));
    if words.is_some() {
        event.intent = event.text.as_deref().and_then(command).map(Cow::Owned);
        event.kind = Some(name);
        return;
    }
    let content = CONTENTS.iter().zip(message.pick(CONTENTS)).find_map(|(content, found)| Some((content, found?)));
    event.params = map(content.map(|(_, found)| found));
    event.kind = Some(match content {
        Some((content, _)) => format!("{name}.{content}").into(),
        None => name,
    });
}

/// The command that words begin with, without the bot's name: `/price` of `/price@our_bot pro`.
fn command(words: &str) -> Option<String> {
    let word = words.split_whitespace().next().filter(|word| words.starts_with(*word))?;
    let name = word.strip_prefix('/')?.split('@').next()?;
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then(|| format!("/{name}"))
}

/// A reply as a call of the Bot API; without one nothing is called.
fn write(chat: Option<&str>, _language: Option<&str>, reply: Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge> {
    let mut call = answer::payload(reply);
    if let (Some(words), Some(chat)) = (answer::words(reply), chat) {
        let chat = chat.parse::<i64>().map_or_else(|_| Value::from(chat), Value::from);
        call.entry("method").or_insert_with(|| "sendMessage".into());
        call.entry("chat_id").or_insert(chat);
        call.entry("text").or_insert_with(|| words.into());
    }
    answer::json(&call)
}
