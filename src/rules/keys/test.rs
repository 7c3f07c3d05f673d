//! The keys of a test.

use super::shape::{Key, Object, Shape};

pub static TEST: Object = Object {
    what: "a test",
    keys: &[
        Key::new("name", Shape::Text, "What it proves, in a sentence.").required(),
        Key::new("at", Shape::Time, "When the event is received; 2026-01-01T12:00:00Z by default.")
            .example("at: 2026-03-02T15:00:00-05:00"),
        Key::new("event", Shape::Object(&EVENT), "The event in short. Either this or `request`.")
            .example("event: { source: website-bot, intent: pricing.inquiry, params: { plan: pro }, contact: \"17\" }"),
        Key::new("request", Shape::Object(&REQUEST), "A raw request, read by the source's own parser.")
            .example("request: { source: website-bot, body: fixtures/es-pricing.json }"),
        Key::new(
            "tagged",
            Shape::Mapping(&Shape::List(&Shape::Text)),
            "The tags that the contact has before, by connection.",
        )
        .example("tagged: { crm: [Customer] }"),
        Key::new(
            "expect",
            Shape::Object(&EXPECT),
            "What must come of it; each key given is compared whole, order aside.",
        )
        .required()
        .example("expect: { rules: [pricing-lead] }"),
        Key::later("steps", "A sequence of events with time between them."),
    ],
};

static EVENT: Object = Object {
    what: "a test's event",
    keys: &[
        Key::new("source", Shape::Name, "The source that it comes through.").required(),
        Key::new("intent", Shape::Text, "What the person meant."),
        Key::new("type", Shape::Text, "Dialogflow ES: the action."),
        Key::new("language", Shape::Text, "The language tag."),
        Key::new("confidence", Shape::Number(0.0, 1.0), "How sure the platform is, 0 to 1."),
        Key::new("text", Shape::Text, "What the person said."),
        Key::new("params", Shape::Mapping(&Shape::Anything), "What the platform filled in."),
        Key::new("contact", Shape::Scalar, "The contact's id, as the source would have found it."),
        Key::new("session", Shape::Text, "The conversation."),
    ],
};

static REQUEST: Object = Object {
    what: "a test's request",
    keys: &[
        Key::new("source", Shape::Name, "The source that it comes through.").required(),
        Key::new("body", Shape::Text, "The file with the raw body, relative to this file.").required(),
    ],
};

static EXPECT: Object = Object {
    what: "expect",
    keys: &[
        Key::new("rules", Shape::List(&Shape::Name), "The rules that match; `[]`: none."),
        Key::new("tag", Shape::Mapping(&Shape::Object(&EXPECTED_TAGS)), "What remains after guards; `{}`: nothing.")
            .example("tag: { crm: { add: [Lead], remove: [Cold] } }"),
        Key::new(
            "reply",
            Shape::Either(&[Shape::Text, Shape::Object(&EXPECTED_REPLY), Shape::Nothing]),
            "The answer: a text, or a mapping as in a rule; nothing after the colon: none.",
        ),
        Key::later("set", "Fields that are set."),
        Key::later("forward", "Bodies that are sent on."),
    ],
};

static EXPECTED_TAGS: Object = Object {
    what: "expected tags",
    keys: &[
        Key::new("add", Shape::List(&Shape::Text), "Tags that are added."),
        Key::new("remove", Shape::List(&Shape::Text), "Tags that are removed."),
    ],
};

static EXPECTED_REPLY: Object = Object {
    what: "an expected reply",
    keys: &[
        Key::new("text", Shape::Text, "Plain words."),
        Key::new("messages", Shape::List(&Shape::Anything), "Messages in the platform's own form."),
        Key::new("payload", Shape::Mapping(&Shape::Anything), "The payload for the integration."),
        Key::new("contexts", Shape::List(&Shape::Anything), "Contexts that are set."),
        Key::new("event", Shape::Mapping(&Shape::Anything), "The event to invoke."),
    ],
};
