//! Who the person is: every integration puts what its platform sent into the request's payload, each in a form of its own.
//!
//! The ways are those that Google's integrations and callers' code use; there is no page that lists them all.

use std::borrow::Cow;

use crate::domain::contact::ContactRef;
use crate::domain::json::{Json, JsonKind};
use crate::domain::value::Number;

/// One integration: what it is called, and where it says who the person is; the first that is there counts.
struct Integration {
    platform: &'static str,
    /// Beginnings of the `source` that the request names.
    sources: &'static [&'static str],
    ways: &'static [&'static [&'static str]],
}

/// respond.io and its white labels send the channel in `source` and the person here, as their Contacts API knows them.
const RESPOND_IO: &[&str] = &["contact", "cId"];

/// A caller's number. Nothing else looks like it, so it counts without a `source` too.
const CALLER: &[&str] = &["telephony", "caller_id"];

const INTEGRATIONS: [Integration; 10] = [
    Integration { platform: "telephony", sources: &["google_telephony", "telephony"], ways: &[CALLER] },
    Integration { platform: "facebook", sources: &["facebook"], ways: &[&["data", "sender", "id"]] },
    Integration {
        platform: "slack",
        sources: &["slack"],
        ways: &[&["data", "user"], &["data", "event", "user"], &["data", "user", "id"]],
    },
    Integration {
        platform: "telegram",
        sources: &["telegram"],
        ways: &[
            &["data", "message", "from", "id"],
            &["data", "callback_query", "from", "id"],
            &["data", "from", "id"],
            &["data", "message", "chat", "id"],
            &["data", "chat", "id"],
        ],
    },
    Integration { platform: "line", sources: &["line"], ways: &[&["data", "source", "userId"]] },
    Integration { platform: "viber", sources: &["viber"], ways: &[&["data", "sender", "id"], &["data", "user", "id"]] },
    Integration {
        platform: "twitter",
        sources: &["twitter"],
        ways: &[
            &["data", "direct_message", "sender_id_str"],
            &["data", "direct_message", "sender_id"],
            &["data", "message_create", "sender_id"],
            &["data", "user", "id_str"],
        ],
    },
    Integration {
        platform: "skype",
        sources: &["skype"],
        ways: &[&["data", "address", "user", "id"], &["data", "user", "id"], &["data", "from", "id"]],
    },
    Integration { platform: "kik", sources: &["kik"], ways: &[&["data", "from"]] },
    Integration {
        platform: "google-chat",
        sources: &["hangouts", "google_chat", "googlechat", "google-chat"],
        ways: &[&["data", "event", "user", "name"], &["data", "user", "name"]],
    },
];

/// Where whoever calls Dialogflow itself says who the person is. Dialogflow Messenger's `user-id` is the first.
const OWN: [&[&str]; 4] = [&["userId"], &["user_id"], &["user", "userId"], &["user", "id"]];

/// The platform, by the `source` beside the payload or in it.
pub fn platform(source: Option<&str>, payload: Json<'_>) -> Option<String> {
    let Some(named) = named(source, payload) else {
        return at(payload, CALLER).map(|_| "telephony".to_owned());
    };
    let known = by_source(&named).map(|known| known.platform.to_owned());
    Some(known.unwrap_or_else(|| if named == "dialogflow_console" { "console".to_owned() } else { named }))
}

/// The person's id at the platform.
pub fn contact<'a>(source: Option<&str>, payload: Json<'a>) -> Option<Cow<'a, str>> {
    let by_platform = || {
        let known = by_source(&named(source, payload)?)?;
        known.ways.iter().find_map(|way| at(payload, way))
    };
    at(payload, RESPOND_IO)
        .or_else(by_platform)
        .or_else(|| at(payload, CALLER))
        .or_else(|| OWN.iter().find_map(|way| at(payload, way)))
}

/// The person's phone number, where the platform is one of phones.
pub fn phone(payload: Json<'_>) -> Option<String> {
    let written = at(payload, CALLER).or_else(|| {
        // On WhatsApp and SMS the channel's own id of a person is the number.
        let channel = at(payload, &["source"])?.to_lowercase();
        let is_phone =
            ["twilio", "whatsapp", "sms", "360dialog", "vonage", "nexmo"].iter().any(|it| channel.contains(it));
        at(payload, RESPOND_IO).filter(|_| is_phone)
    })?;
    match ContactRef::phone(&written)? {
        ContactRef::Phone(number) => Some(number),
        _ => None,
    }
}

fn named(source: Option<&str>, payload: Json<'_>) -> Option<String> {
    let beside = source.filter(|source| !source.is_empty()).map(str::to_lowercase);
    beside.or_else(|| at(payload, &["source"]).map(|source| source.to_lowercase()))
}

fn by_source(source: &str) -> Option<&'static Integration> {
    INTEGRATIONS.iter().find(|known| known.sources.iter().any(|start| source.starts_with(start)))
}

/// An id: a text, or a number as it is written. What Dialogflow made a double of is the whole number that it was.
fn at<'a>(payload: Json<'a>, way: &[&str]) -> Option<Cow<'a, str>> {
    let found = way.iter().try_fold(payload, |json, key| json.get(key))?;
    match found.kind() {
        JsonKind::Text => found.as_text().filter(|id| !id.is_empty()),
        JsonKind::Number => Some(Number::parse(found.text()).to_string().into()),
        _ => None,
    }
}
