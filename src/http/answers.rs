//! What a sender reads after its request was taken.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::kind::Answer as Form;
use crate::domain::name::RuleId;
use crate::domain::source::SourceKind;
use crate::flow::receive::{Answer, Taken};

/// One event, in the words of the contract.
#[derive(Serialize)]
struct Event<'a> {
    id: &'a str,
    rules: &'a [RuleId],
    duplicate: bool,
    reply: Option<&'a RawValue>,
}

/// A body that is one event.
#[derive(Serialize)]
struct One<'a> {
    status: &'static str,
    id: &'a str,
    rules: &'a [RuleId],
    duplicate: bool,
    reply: Option<&'a RawValue>,
}

/// A body that is a list.
#[derive(Serialize)]
struct Several<'a> {
    status: &'static str,
    events: Vec<Event<'a>>,
}

/// The answer's content type and bytes: where a vendor has an answer of its own, byte for byte as it is stored.
pub fn written(kind: SourceKind, taken: Taken) -> (&'static str, Vec<u8>) {
    if let Some(greeting) = taken.greeting {
        return (greeting.content_type, greeting.body);
    }
    match kind.traits().answer {
        Form::Own(content_type) => {
            (content_type, taken.answers.into_iter().next().map(|answer| answer.reply).unwrap_or_default())
        }
        Form::Told => ("application/json", told(&taken)),
    }
}

fn told(taken: &Taken) -> Vec<u8> {
    let events: Vec<_> = taken.answers.iter().map(event).collect();
    let bytes = match events.as_slice() {
        [Event { id, rules, duplicate, reply }] if !taken.is_list => {
            let one = One { status: "success", id, rules, duplicate: *duplicate, reply: *reply };
            serde_json::to_vec(&one)
        }
        _ => serde_json::to_vec(&Several { status: "success", events }),
    };
    bytes.expect("texts and checked JSON are always JSON")
}

fn event(answer: &Answer) -> Event<'_> {
    Event {
        id: &answer.id,
        rules: &answer.rules,
        duplicate: answer.duplicate,
        // A stored reply is JSON, of whatever kind the source was when it was stored.
        reply: serde_json::from_slice(&answer.reply).ok(),
    }
}
