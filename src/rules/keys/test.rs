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
        .example("expect: { rules: [pricing-lead] }"),
        Key::new("steps", Shape::List(&Shape::Object(&STEP)), "A sequence of events with time between them, in place of one.")
            .example("steps:\n  - { event: { source: bot, intent: a }, expect: { rules: [r] } }\n  - { after: 7d, expect: { tag: { crm: { remove: [Hot] } } } }"),
    ],
};

static STEP: Object = Object {
    what: "a step",
    keys: &[
        Key::new("after", Shape::Duration, "How long after the step before; `0s` by default.").example("after: 7d"),
        Key::new("event", Shape::Object(&EVENT), "The event in short."),
        Key::new("request", Shape::Object(&REQUEST), "A raw request, read by the source's own parser."),
        Key::new("expect", Shape::Object(&EXPECT), "What must come of this step, tags that end their time included."),
    ],
};

static EVENT: Object = Object {
    what: "a test's event",
    keys: &[
        Key::new("source", Shape::Name, "The source that it comes through.").required(),
        Key::new("intent", Shape::Text, "What the person meant."),
        Key::new("type", Shape::Text, "Dialogflow ES: the action; CX: the fulfillment tag; else the event's name."),
        Key::new("language", Shape::Text, "The language tag."),
        Key::new("confidence", Shape::Number(0.0, 1.0), "How sure the platform is, 0 to 1."),
        Key::new("text", Shape::Text, "What the person said."),
        Key::new("params", Shape::Mapping(&Shape::Anything), "What the platform filled in."),
        Key::new("contact", Shape::Scalar, "The contact's id, as the source would have found it."),
        Key::new("session", Shape::Text, "The conversation."),
        Key::new("page", Shape::Text, "Dialogflow CX: the page, by its display name."),
        Key::new("flow", Shape::Text, "Dialogflow CX: the flow, by its resource name."),
        Key::new(
            "form",
            Shape::Mapping(&Shape::Mapping(&Shape::Anything)),
            "Dialogflow CX: the form's parameters by name.",
        )
        .example("form: { size: { value: 40, state: FILLED } }"),
        Key::new("payload", Shape::Anything, "The item of the body that the event is read from."),
        Key::new("body", Shape::Anything, "The whole body; `payload` by default."),
        Key::new("query", Shape::Mapping(&Shape::Scalar), "The request's query."),
        Key::new("headers", Shape::Mapping(&Shape::Scalar), "The request's headers."),
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
        Key::new(
            "set",
            Shape::Mapping(&Shape::Mapping(&Shape::Anything)),
            "Fields that are set, by connection; `{}`: none.",
        )
        .example("set: { crm: { plan: pro } }"),
        Key::new("forward", Shape::Mapping(&Shape::Anything), "Bodies that are sent on, by connection; `{}`: none.")
            .example("forward: { zapier-sales: { name: Ana } }"),
        Key::new("contact", Shape::Mapping(&Shape::Text), "Whom the changes are for, by connection.")
            .example("contact: { crm: \"email:ana@example.com\" }"),
        Key::new("faults", Shape::List(&Shape::Text), "The rules that could not be carried out; `[]`: none."),
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
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "Session parameters that are set."),
        Key::new("target_page", Shape::Text, "The page to go to."),
        Key::new("target_flow", Shape::Text, "The flow to go to."),
        Key::new("merge", Shape::Text, "`append` or `replace`."),
    ],
};
