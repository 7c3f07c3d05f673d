//! The keys of a source.

use super::shape::{Key, Object, Shape, Words};
use crate::domain::scheme::PRESETS;
use crate::domain::source::SourceKind;
use crate::rules::params::ParamType;

fn kinds() -> Vec<&'static str> {
    SourceKind::ALL.iter().map(|kind| kind.name()).collect()
}

fn presets() -> Vec<&'static str> {
    PRESETS.iter().map(|preset| preset.name).collect()
}

/// The contact's id, or how the provider finds the person.
pub const CONTACT: Shape = Shape::Either(&[Shape::Template, Shape::Object(&LOOK_UP)]);

static LOOK_UP: Object = Object {
    what: "a contact's look-up",
    keys: &[
        Key::new("email", Shape::Template, "The person's e-mail address.").example("email: \"{{ params.email }}\""),
        Key::new("phone", Shape::Template, "The person's phone number; compared as `+` and digits.")
            .example("phone: \"{{ params.phone }}\""),
        Key::new("field", Shape::Text, "A field that the provider can search; `value` says for what."),
        Key::new("value", Shape::Template, "What the field holds.")
            .example("field: telegramId\nvalue: \"{{ payload.from.id }}\""),
        Key::new("create", Shape::Flag, "`true`: somebody who isn't found is made; `false` by default."),
    ],
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
                later: &["helpcrunch", "respond-io", "chatwoot", "api"],
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
        Key::new("contact_at", Shape::Mapping(&CONTACT), "The contact at single connections, for rules that don't say otherwise.")
            .example("contact_at: { shop: { phone: \"{{ params.phone }}\" } }"),
        Key::new(
            "respond_io_parameters",
            Shape::OneOrMany(&Shape::Name),
            "Connections at which the parameters RB_ADDTAGS, RB_REMOVETAGS and RB_FIELD_* are acted on.",
        )
        .example("respond_io_parameters: [shop]"),
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
        .example("types: { budget: number, topics: list, since: date, vip: boolean }"),
        Key::new("allow_ips", Shape::OneOrMany(&Shape::Network), "The addresses that may call, besides having a proof.")
            .example("allow_ips: [203.0.113.0/24]"),
    ],
};

static AUTH: Object = Object {
    what: "a form of auth",
    keys: &[
        Key::new("basic", Shape::Object(&BASIC), "HTTP Basic: a user and a password.")
            .example("basic: { username: dialogflow, password: env:DIALOGFLOW_PASSWORD }"),
        Key::new("bearer", Shape::Secret, "A token after `Authorization: Bearer`.").example("bearer: env:HOOK_TOKEN"),
        Key::new("header", Shape::Object(&HEADER), "A header that must have a secret value.")
            .example("header: { name: X-Token, value: env:HOOK_TOKEN }"),
        Key::new("query", Shape::Object(&QUERY), "A query parameter that must have a secret value.")
            .example("query: { name: token, value: env:HOOK_TOKEN }"),
        Key::new(
            "hmac",
            Shape::Either(&[Shape::OneOf(Words { now: presets, later: &[] }), Shape::Object(&HMAC)]),
            "A signature over the raw body: a preset, or how it is made. Needs `secret`.",
        )
        .example("hmac: standard-webhooks\nsecret: env:WEBHOOK_SECRET"),
        Key::new("secret", Shape::OneOrMany(&Shape::Secret), "The key of `hmac`; several make a rotation."),
        Key::later("google_id_token", "A Google-signed identity token."),
    ],
};

static BASIC: Object = Object {
    what: "basic",
    keys: &[
        Key::new("username", Shape::Text, "The user; `env:NAME` works here too.").required(),
        Key::new("password", Shape::Secret, "The password.").required().example("password: env:HOOK_PASSWORD"),
    ],
};

static HEADER: Object = Object {
    what: "header",
    keys: &[
        Key::new("name", Shape::Text, "The header's name; its case doesn't matter.").required(),
        Key::new("value", Shape::Secret, "What it must be.").required(),
    ],
};

static QUERY: Object = Object {
    what: "query",
    keys: &[
        Key::new("name", Shape::Text, "The parameter's name.").required(),
        Key::new("value", Shape::Secret, "What it must be.").required(),
    ],
};

static HMAC: Object = Object {
    what: "hmac",
    keys: &[
        Key::new("header", Shape::Text, "The header with the signature.").required().example("header: X-Signature"),
        Key::new(
            "algorithm",
            Shape::OneOf(Words { now: || vec!["sha1", "sha256", "sha512"], later: &[] }),
            "The hash; `sha256` by default.",
        ),
        Key::new(
            "encoding",
            Shape::OneOf(Words { now: || vec!["hex", "base64"], later: &[] }),
            "How the signature is written; `hex` by default.",
        ),
        Key::new("value", Shape::Text, "What stands in the header around `{signature}` and `{timestamp}`.")
            .example("value: \"t={timestamp},v1={signature}\""),
        Key::new(
            "signed",
            Shape::Text,
            "What is signed, of `{id}` `{timestamp}` `{body}` `{url}`; `{body}` by default.",
        )
        .example("signed: \"{timestamp}.{body}\""),
        Key::new("timestamp_header", Shape::Text, "The header with the time, where it isn't in the signature's."),
        Key::new("id_header", Shape::Text, "The header with the message's id."),
        Key::new("tolerance", Shape::Duration, "How old or early a timestamp may be.").example("tolerance: 5m"),
        Key::new(
            "key",
            Shape::OneOf(Words { now: || vec!["text", "base64", "whsec"], later: &[] }),
            "How the key is made from the secret's text; `text` by default.",
        ),
    ],
};
