//! The keys of a source.

use super::auth::AUTH;
use super::shape::{Key, Names, Object, Shape, Snippet, Words};
use crate::domain::source::SourceKind;
use crate::rules::params::ParamType;

fn kinds() -> Vec<&'static str> {
    SourceKind::ALL.iter().map(|kind| kind.name()).collect()
}

/// The contact's id, or how the provider finds the person.
pub const CONTACT: Shape = Shape::Either(&[Shape::Template, Shape::Object(&LOOK_UP)]);

static LOOK_UP: Object = Object {
    what: "a contact's look-up",
    keys: &[
        Key::new("email", Shape::Template, "The person's e-mail address.").example("email: \"{{ params.email }}\""),
        Key::new("phone", Shape::Template, "The person's phone number; compared as `+` and digits.")
            .example("phone: \"{{ params.phone }}\""),
        Key::new("field", Shape::Text, "A field that the provider can search; `value` says for what.")
            .example("field: telegramId\nvalue: \"{{ payload.from.id }}\""),
        Key::new("value", Shape::Template, "What the field holds.")
            .example("field: telegramId\nvalue: \"{{ payload.from.id }}\""),
        Key::new("create", Shape::Flag, "`true`: somebody who isn't found is made; `false` by default.")
            .example("email: \"{{ params.email }}\"\ncreate: true"),
    ],
    snippets: &[
        Snippet {
            label: "by e-mail",
            about: "The person with this e-mail address.",
            body: &["email: \"{{ ${2:params.email} }}\""],
        },
        Snippet {
            label: "by phone",
            about: "The person with this phone number.",
            body: &["phone: \"{{ ${2:params.phone} }}\""],
        },
        Snippet {
            label: "by a field",
            about: "The person whose field holds this.",
            body: &["field: ${2:telegramId}", "value: \"{{ ${3:payload.from.id} }}\""],
        },
    ],
};

static TAGS_TOLD: Object = Object {
    what: "tags that are told of",
    keys: &[
        Key::new("all", Shape::Template, "All tags that the contact has now.").example("all: \"{{ payload.tags }}\""),
        Key::new("added", Shape::Template, "Tags that were added.").example("added: \"{{ payload.added }}\""),
        Key::new("removed", Shape::Template, "Tags that were removed.").example("removed: \"{{ payload.removed }}\""),
    ],
    snippets: &[Snippet {
        label: "added and removed",
        about: "The tags that were added and removed.",
        body: &["added: \"{{ ${2:payload.added} }}\"", "removed: \"{{ ${3:payload.removed} }}\""],
    }],
};

/// What parameters may be.
fn types() -> Vec<&'static str> {
    ParamType::ALL.iter().map(|(name, _)| *name).collect()
}

pub static SOURCE: Object = Object {
    what: "a source",
    keys: &[
        Key::new(
            "kind",
            Shape::OneOf(Words {
                now: kinds,
                later: &["api"],
            }),
            "What its requests look like.",
        )
        .required()
        .example("kind: dialogflow-es"),
        Key::new(
            "auth",
            Shape::Either(&[
                Shape::OneOf(Words { now: || vec!["none"], later: &[] }),
                Shape::List(&Shape::Object(&AUTH)),
                Shape::Object(&AUTH),
            ]),
            "Who may call: any one form that passes lets a request in; several make a rotation. `none` must be written out.",
        )
        .example("auth:\n  - basic: { username: dialogflow, password: env:DIALOGFLOW_PASSWORD }"),
        Key::new(
            "contact",
            CONTACT,
            "The contact's id at the connections, or how to find the person, for rules that don't say otherwise.",
        )
        .example("contact: \"{{ payload.originalDetectIntentRequest.payload.contact.cId }}\""),
        Key::new("contact_at", Shape::Mapping(&CONTACT), "The contact at single connections, for rules that don't say otherwise.").keyed_by(Names::Connection)
            .example("contact_at: { shop: { phone: \"{{ params.phone }}\" } }"),
        Key::new(
            "tags_changed_at",
            Shape::Mapping(&CONTACT),
            "Whose tags somebody else has changed, as the events say, at single connections: what is known of them is dropped.",
        )
        .keyed_by(Names::Connection)
        .example("tags_changed_at: { crm: \"{{ payload.customer.id }}\" }"),
        Key::new(
            "tags_told",
            Shape::Either(&[Shape::Template, Shape::Object(&TAGS_TOLD)]),
            "Catch: where the event tells of the contact's tags: what we did ourselves is then told from what others did.",
        )
        .example("tags_told: \"{{ payload.tags }}\"\ntags_changed_at: { crm: \"{{ payload.customer.id }}\" }"),
        Key::new(
            "respond_io_parameters",
            Shape::OneOrMany(&Shape::Name),
            "Connections at which the parameters RB_ADDTAGS, RB_REMOVETAGS and RB_FIELD_* are acted on.",
        )
        .names(Names::Connection)
        .example("respond_io_parameters: [shop]"),
        Key::new(
            "agent",
            Shape::Text,
            "Dialogflow ES: the agent's export as ZIP, relative to this file; intents are held against it.",
        )
        .example("agent: agents/website.zip"),
        Key::new(
            "reply_within",
            Shape::Duration,
            "Dialogflow: the sender is answered in that time, though the event isn't on disk yet; unset: it waits.",
        )
        .example("reply_within: 4s"),
        Key::new(
            "reply_late",
            Shape::Either(&[Shape::Template, Shape::ByLanguage(&Shape::Template)]),
            "Dialogflow: what is said then, which must promise nothing; unset: the agent's own answer stays.",
        )
        .example("reply_within: 4s\nreply_late: { es: Un momento., default: One moment. }"),
        Key::new("each", Shape::Path, "Catch: the list in the body that holds one event each; a bare list is split without it.")
            .example("each: body.leads"),
        Key::new("type", Shape::Template, "Catch: where the type is found.").example("type: \"{{ payload.event }}\""),
        Key::new("intent", Shape::Template, "Catch: where the intent is found.")
            .example("intent: \"{{ payload.intent }}\""),
        Key::new("text", Shape::Template, "Catch: where what the person said is found.")
            .example("text: \"{{ payload.message.text }}\""),
        Key::new("params", Shape::Path, "Catch: where the parameters are found; the top-level keys by default.")
            .example("params: payload.fields"),
        Key::new("dedupe", Shape::Template, "The key that makes a repetition known; the kind's own by default.")
            .example("dedupe: \"{{ payload.id }}\""),
        Key::new(
            "types",
            Shape::Mapping(&Shape::OneOf(Words { now: types, later: &[] })),
            "What parameters that arrive as text mean.",
        )
        .defines(Names::Param)
        .example("types: { budget: number, topics: list, since: date, vip: boolean }"),
        Key::new(
            "verify_token",
            Shape::Secret,
            "What the vendor's first request has to know, where the kind asks for it.",
        )
        .example("verify_token: env:VERIFY_TOKEN"),
        Key::new("allow_ips", Shape::OneOrMany(&Shape::Network), "The addresses that may call, besides having a proof.")
            .example("allow_ips: [203.0.113.0/24]"),
    ],
    snippets: &[
        Snippet {
            label: "Dialogflow ES",
            about: "A bot of Dialogflow ES that must know a password.",
            body: &["kind: dialogflow-es", "auth:", "  - basic:", "      username: ${2:dialogflow}", "      password: env:${3:DIALOGFLOW_PASSWORD}", "contact: \"{{ ${4:payload.originalDetectIntentRequest.payload.contact_id} }}\""],
        },
        Snippet {
            label: "Dialogflow CX",
            about: "A bot of Dialogflow CX that must know a token.",
            body: &["kind: dialogflow-cx", "auth:", "  - bearer: env:${2:DIALOGFLOW_TOKEN}", "contact: \"{{ ${3:params.contact_id} }}\""],
        },
        Snippet {
            label: "a vendor's webhooks",
            about: "What HelpCrunch or another vendor sends, signed by its sender.",
            body: &["kind: ${2:helpcrunch}", "auth:", "  - secret: env:${3:SIGNING_KEY}"],
        },
        Snippet {
            label: "catch",
            about: "A hook that takes any JSON, signed as Standard Webhooks are.",
            body: &["kind: catch", "auth:", "  - hmac: ${2:standard-webhooks}", "    secret: env:${3:WEBHOOK_SECRET}", "type: \"{{ ${4:payload.event} }}\"", "contact: \"{{ ${5:payload.contact_id} }}\"", "dedupe: \"{{ ${6:payload.id} }}\""],
        },
    ],
};
