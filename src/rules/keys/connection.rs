//! The keys of a connection.

use super::shape::{Key, Names, Object, Shape, Snippet, Words};
use crate::domain::connection::ProviderKind;

fn providers() -> Vec<&'static str> {
    ProviderKind::ALL.iter().map(|provider| provider.name()).collect()
}

pub static CONNECTION: Object = Object {
    what: "a connection",
    keys: &[
        Key::new(
            "provider",
            Shape::OneOf(Words { now: providers, later: &["chatwoot", "kommo", "brevo", "intercom"] }),
            "The system that it is an account of.",
        )
        .required()
        .example("provider: helpcrunch"),
        Key::new("api_key", Shape::Secret, "The credential.").example("api_key: env:HELPCRUNCH_API_KEY"),
        Key::new("base_url", Shape::Url, "Everything before the resource path; the provider's own by default.")
            .example("base_url: https://api.helpcrunch.com/v1"),
        Key::new("timeout", Shape::Duration, "How long a call may take in all; `10s` by default.")
            .example("timeout: 10s"),
        Key::new("concurrency", Shape::Count(1, 64), "How many contacts may be in delivery at once; 4 by default.")
            .example("concurrency: 4"),
        Key::new("rate_limit", Shape::Rate, "Calls that may start; the provider's documented limit by default.")
            .example("rate_limit: 100/min"),
        Key::new("give_up_after", Shape::Duration, "How long a change is retried; `3d` by default.")
            .example("give_up_after: 3d"),
        Key::new("gather", Shape::Duration, "How long to wait for more changes of one contact; `0s` by default.")
            .example("gather: 2s"),
        Key::new(
            "tag_cache",
            Shape::DurationOr("off"),
            "How long knowledge of a contact's tags is trusted; `60s` by default, `off` calls for every change.",
        )
        .example("tag_cache: 60s"),
        Key::new(
            "allow_private",
            Shape::Flag,
            "Whether private and loopback addresses may be called; `false` by default.",
        )
        .example("allow_private: true"),
        Key::new("token", Shape::Secret, "The credential of providers that use a token.")
            .example("token: env:TIC_CHANNEL_TOKEN"),
        Key::new("username", Shape::Secret, "The user, where a token is exchanged for.")
            .example("username: env:B2CHAT_USERNAME"),
        Key::new("password", Shape::Secret, "The password, where a token is exchanged for.")
            .example("password: env:B2CHAT_PASSWORD"),
        Key::new(
            "url",
            Shape::SecretUrl,
            "Where a forward goes; who knows it may send there, so it is kept like a secret.",
        )
        .example("url: env:ZAPIER_HOOK_URL"),
        Key::new("signing_secret", Shape::Secret, "Signs what is forwarded, as Standard Webhooks do.")
            .example("signing_secret: env:OUT_SECRET"),
        Key::new(
            "channel",
            Shape::OneOf(Words { now: || vec!["viber"], later: &[] }),
            "1980TIC: `viber` sends contact ids in Base64, as its pages ask.",
        )
        .example("channel: viber"),
        Key::new(
            "missing_tags",
            Shape::OneOf(Words { now: || vec!["create", "skip"], later: &[] }),
            "B2Chat: what becomes of tags that the account doesn't know; `create` by default.",
        )
        .example("missing_tags: skip"),
        Key::new(
            "tags",
            Shape::OneOrMany(&Shape::Text),
            "The tags in use here, `*` for any run of characters; another name is a finding.",
        )
        .defines(Names::Tag)
        .example("tags: [Lead, Cold, \"Plan *\"]"),
        Key::new(
            "exclusive",
            Shape::List(&Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)])),
            "Tags of which a contact has one: adding one removes the others. A list in the list is a set of its own.",
        )
        .names(Names::Tag)
        .example("exclusive: [\"stage:*\"]"),
        Key::new(
            "unless_tagged",
            Shape::OneOrMany(&Shape::Text),
            "Any one of these tags forbids every add and set here, never a remove.",
        )
        .names(Names::Tag)
        .example("unless_tagged: [Opt-out]"),
        Key::new(
            "account",
            Shape::Text,
            "Connections of one account share one allowance; by default those with one credential.",
        )
        .example("account: language-school"),
        Key::new("dry_run", Shape::Flag, "`true`: decide and record, call nothing.").example("dry_run: true"),
    ],
    snippets: &[
        Snippet {
            label: "helpcrunch",
            about: "An account at HelpCrunch.",
            body: &["provider: helpcrunch", "api_key: env:${2:HELPCRUNCH_API_KEY}"],
        },
        Snippet {
            label: "1980tic",
            about: "A channel at 1980TIC.",
            body: &["provider: 1980tic", "token: env:${2:TIC_CHANNEL_TOKEN}"],
        },
        Snippet {
            label: "respond-io",
            about: "A workspace at respond.io.",
            body: &["provider: respond-io", "token: env:${2:RESPOND_IO_TOKEN}"],
        },
        Snippet {
            label: "b2chat",
            about: "An account at B2Chat.",
            body: &["provider: b2chat", "username: env:${2:B2CHAT_USERNAME}", "password: env:${3:B2CHAT_PASSWORD}"],
        },
        Snippet {
            label: "webhook",
            about: "A Zapier catch hook, or any other address.",
            body: &["provider: webhook", "url: env:${2:ZAPIER_HOOK_URL}"],
        },
    ],
};
