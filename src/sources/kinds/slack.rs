//! Slack: events as JSON, commands as a form, and buttons, shortcuts and windows as a form with JSON under `payload`.
//!
//! The answer to a command is shown to whoever gave it; without a reply it is empty, since Slack would show, or complain of,
//! anything else.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::kind::Media;
use crate::domain::reply::Reply;
use crate::domain::request::Request;
use crate::domain::source::SourceConfig;
use crate::sources::fault::{ReadError, ReplyTooLarge};
use crate::sources::reading::JsonBody;

use super::look::{self, id, map, text};
use super::{Code, answer, form};

pub static CODE: Code = Code { body: json_body, write, ..Code::one(read, include_str!("../samples/slack.json")) };

/// The body, or the JSON in a form's `payload`, or the form.
fn json_body<'r>(_: &SourceConfig, request: &Request<'r>) -> Result<JsonBody<'r>, ReadError> {
    if Media::of(request) != Media::Form {
        return Ok(JsonBody::as_it_came(request.body));
    }
    let fields = form::pairs(request)?;
    let json = match fields.get("payload") {
        Some(payload) => Cow::Owned(payload.as_bytes().to_vec()),
        None => form::mapping(&fields),
    };
    Ok(JsonBody::written(json, Media::Form))
}

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [kind, command, inner, event_id, trigger] = json.pick(["type", "command", "event", "event_id", "trigger_id"]);
    event.payload = json;
    event.body = json;
    event.key = id(event_id).or_else(|| id(trigger));
    match (text(kind), text(command)) {
        (Some(kind), _) if kind == "event_callback" => happened(map(inner), event),
        (Some(kind), _) => done(kind, json, event),
        (None, Some(command)) => {
            let [words, user, channel] = json.pick(["text", "user_id", "channel_id"]);
            event.kind = Some("slash_command".into());
            event.intent = Some(command);
            event.text = text(words);
            event.contact = id(user);
            event.session = id(channel);
            event.params = json;
        }
        (None, None) => {
            return Err(ReadError::field("type", "missing; an event of Slack has it, a command has `command`")
                .help("a sender of another kind needs a source of its own kind; `catch` takes anything"));
        }
    }
    Ok(())
}

/// An event of the Events API. What a bot said has a type of its own, so that no rule answers itself.
fn happened<'a>(inner: Json<'a>, event: &mut Event<'a>) {
    let [kind, subtype, bot, words, user, channel, item] =
        inner.pick(["type", "subtype", "bot_id", "text", "user", "channel", "item"]);
    let subtype = text(subtype).or_else(|| text(bot).map(|_| "bot_message".into()));
    event.kind = text(kind).map(|kind| match &subtype {
        Some(subtype) if kind == "message" => format!("{kind}.{subtype}").into(),
        _ => kind,
    });
    // A new message stands in place of the old one.
    let message = map(inner.get("message"));
    // What a bot says isn't what a person said.
    let is_bot = bot.or_else(|| message.get("bot_id")).is_some_and(|bot| text(Some(bot)).is_some());
    event.text = text(words).or_else(|| text(message.get("text"))).filter(|_| !is_bot);
    event.contact = named(user).or_else(|| named(message.get("user")));
    event.session = named(channel).or_else(|| id(map(item).get("channel")));
    event.params = inner;
}

/// A button, a menu, a shortcut or a window: what was used is the intent.
fn done<'a>(kind: Cow<'a, str>, json: Json<'a>, event: &mut Event<'a>) {
    let [user, channel, callback, actions, view] = json.pick(["user", "channel", "callback_id", "actions", "view"]);
    let action = actions.and_then(|list| list.items().into_iter().next()).unwrap_or(Json::EMPTY_MAP);
    let [action_id, label, chosen, typed] = action.pick(["action_id", "text", "selected_option", "value"]);
    let view = map(view);
    event.contact = named(user);
    event.session = named(channel);
    event.intent = text(action_id).or_else(|| text(callback)).or_else(|| text(view.get("callback_id")));
    let label = map(label.or_else(|| map(chosen).get("text"))).get("text");
    event.text = text(label).or_else(|| text(typed));
    event.params = match (actions, map(view.get("state")).get("values")) {
        (Some(_), _) => map(Some(action)),
        (None, values) => map(values),
    };
    event.kind = Some(kind);
}

/// A person or a channel: an id, or a mapping that has it.
fn named(what: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let what = what?;
    if what.kind() == JsonKind::Map { id(what.get("id")) } else { id(Some(what)) }
}

/// A message for whoever gave the command. A window has no channel, and would take words for a fault: it gets the payload alone.
fn write(channel: Option<&str>, _language: Option<&str>, reply: Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge> {
    let mut message = answer::payload(reply);
    if let (Some(words), Some(_)) = (answer::words(reply), channel) {
        message.entry("text").or_insert_with(|| words.into());
    }
    if message.is_empty() { Ok(Vec::new()) } else { answer::json(&message) }
}
