//! The keys that say who may call a source.

use super::shape::{Key, Object, Shape, Snippet, Words};
use crate::domain::scheme::PRESETS;

fn presets() -> Vec<&'static str> {
    PRESETS.iter().map(|preset| preset.name).collect()
}

pub static AUTH: Object = Object {
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
        Key::new(
            "secret",
            Shape::OneOrMany(&Shape::Secret),
            "The key of `hmac`; alone, what the sender of this kind proves itself with. Several make a rotation.",
        )
        .example("hmac: github\nsecret: [env:NEW_SECRET, env:OLD_SECRET]"),
        Key::new(
            "google_id_token",
            Shape::Object(&GOOGLE),
            "`Authorization: Bearer` with an identity token that Google has signed for its service agent.",
        )
        .example("google_id_token:\n  audience: https://hooks.example.com/hooks/shop-agent\n  email: service-123456789@gcp-sa-dialogflow.iam.gserviceaccount.com"),
    ],
    snippets: &[
        Snippet {
            label: "basic",
            about: "HTTP Basic: a user and a password.",
            body: &["basic:", "  username: ${2:dialogflow}", "  password: env:${3:HOOK_PASSWORD}"],
        },
        Snippet {
            label: "bearer",
            about: "A token after `Authorization: Bearer`.",
            body: &["bearer: env:${2:HOOK_TOKEN}"],
        },
        Snippet {
            label: "header",
            about: "A header with a secret value.",
            body: &["header:", "  name: ${2:X-Token}", "  value: env:${3:HOOK_TOKEN}"],
        },
        Snippet {
            label: "query",
            about: "A query parameter with a secret value.",
            body: &["query:", "  name: ${2:token}", "  value: env:${3:HOOK_TOKEN}"],
        },
        Snippet {
            label: "google_id_token",
            about: "An identity token of Google's service agent.",
            body: &[
                "google_id_token:",
                "  audience: ${2:https://hooks.example.com/hooks/shop-agent}",
                "  email: ${3:service-123456789@gcp-sa-dialogflow.iam.gserviceaccount.com}",
            ],
        },
        Snippet {
            label: "hmac, a preset",
            about: "A signature as a known sender makes it.",
            body: &["hmac: ${2:standard-webhooks}", "secret: env:${3:WEBHOOK_SECRET}"],
        },
        Snippet {
            label: "hmac, spelt out",
            about: "A signature of any other make.",
            body: &[
                "hmac:",
                "  header: ${2:X-Signature}",
                "  algorithm: ${3:sha256}",
                "  encoding: ${4:hex}",
                "secret: env:${5:WEBHOOK_SECRET}",
            ],
        },
    ],
};

static BASIC: Object = Object {
    what: "basic",
    keys: &[
        Key::new("username", Shape::Setting, "The user; `env:NAME` works here too.")
            .required()
            .example("username: dialogflow"),
        Key::new("password", Shape::Secret, "The password.").required().example("password: env:HOOK_PASSWORD"),
    ],
    snippets: &[Snippet {
        label: "user and password",
        about: "A user and a password.",
        body: &["username: ${2:dialogflow}", "password: env:${3:HOOK_PASSWORD}"],
    }],
};

static HEADER: Object = Object {
    what: "header",
    keys: &[
        Key::new("name", Shape::Text, "The header's name; its case doesn't matter.")
            .required()
            .example("name: X-Token"),
        Key::new("value", Shape::Secret, "What it must be.").required().example("value: env:HOOK_TOKEN"),
    ],
    snippets: &[Snippet {
        label: "header and value",
        about: "A header and its secret value.",
        body: &["name: ${2:X-Token}", "value: env:${3:HOOK_TOKEN}"],
    }],
};

static QUERY: Object = Object {
    what: "query",
    keys: &[
        Key::new("name", Shape::Text, "The parameter's name.").required().example("name: token"),
        Key::new("value", Shape::Secret, "What it must be.").required().example("value: env:HOOK_TOKEN"),
    ],
    snippets: &[Snippet {
        label: "parameter and value",
        about: "A parameter and its secret value.",
        body: &["name: ${2:token}", "value: env:${3:HOOK_TOKEN}"],
    }],
};

static GOOGLE: Object = Object {
    what: "google_id_token",
    keys: &[
        Key::new("audience", Shape::OneOrMany(&Shape::Setting), "Whom the token must be for: any of these.")
            .required()
            .example("audience: https://hooks.example.com/hooks/shop-agent"),
        Key::new(
            "email",
            Shape::OneOrMany(&Shape::Setting),
            "Whose the token must be: any of these verified addresses.",
        )
        .required()
        .example("email: service-123456789@gcp-sa-dialogflow.iam.gserviceaccount.com"),
        Key::new("keys_url", Shape::Setting, "Where the public keys are; at Google by default.")
            .example("keys_url: https://keys.example.com/certs"),
        Key::new(
            "allow_private",
            Shape::Flag,
            "Whether `keys_url` may be in a network of one's own; `false` by default.",
        )
        .example("allow_private: true\nkeys_url: http://127.0.0.1:8099/certs"),
    ],
    snippets: &[Snippet {
        label: "audience and email",
        about: "Whom the token is for and whose it is.",
        body: &[
            "audience: ${2:https://hooks.example.com/hooks/shop-agent}",
            "email: ${3:service-123456789@gcp-sa-dialogflow.iam.gserviceaccount.com}",
        ],
    }],
};

static HMAC: Object = Object {
    what: "hmac",
    keys: &[
        Key::new("header", Shape::Text, "The header with the signature.").required().example("header: X-Signature"),
        Key::new(
            "algorithm",
            Shape::OneOf(Words { now: || vec!["sha1", "sha256", "sha512"], later: &[] }),
            "The hash; `sha256` by default.",
        )
        .example("algorithm: sha256"),
        Key::new(
            "encoding",
            Shape::OneOf(Words { now: || vec!["hex", "base64"], later: &[] }),
            "How the signature is written; `hex` by default.",
        )
        .example("encoding: hex"),
        Key::new("value", Shape::Text, "What stands in the header around `{signature}` and `{timestamp}`.")
            .example("value: \"t={timestamp},v1={signature}\""),
        Key::new(
            "signed",
            Shape::Text,
            "What is signed, of `{id}` `{timestamp}` `{body}` `{url}` `{form}`; `{body}` by default.",
        )
        .example("signed: \"{timestamp}.{body}\"\ntimestamp_header: X-Timestamp"),
        Key::new("timestamp_header", Shape::Text, "The header with the time, where it isn't in the signature's.")
            .example("timestamp_header: X-Timestamp"),
        Key::new("id_header", Shape::Text, "The header with the message's id.").example("id_header: X-Message-Id"),
        Key::new("tolerance", Shape::Duration, "How old or early a timestamp may be.")
            .example("tolerance: 5m\nsigned: \"{timestamp}.{body}\"\ntimestamp_header: X-Timestamp"),
        Key::new(
            "key",
            Shape::OneOf(Words { now: || vec!["text", "base64", "whsec"], later: &[] }),
            "How the key is made from the secret's text; `text` by default.",
        )
        .example("key: text"),
    ],
    snippets: &[
        Snippet {
            label: "body alone",
            about: "The body is signed, and nothing else.",
            body: &["header: ${2:X-Signature}", "algorithm: ${3:sha256}", "encoding: ${4:hex}"],
        },
        Snippet {
            label: "time and body",
            about: "The time is signed too, so old requests are refused.",
            body: &[
                "header: ${2:X-Signature}",
                "signed: \"{timestamp}.{body}\"",
                "timestamp_header: ${3:X-Timestamp}",
                "tolerance: ${4:5m}",
            ],
        },
    ],
};
