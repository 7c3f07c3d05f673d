//! The keys of a connection.

use super::shape::{Key, Object, Shape, Words};
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
        Key::new("timeout", Shape::Duration, "How long a call may take in all; `10s` by default."),
        Key::new("concurrency", Shape::Count(1, 64), "How many contacts may be in delivery at once; 4 by default."),
        Key::new("rate_limit", Shape::Rate, "Calls that may start; the provider's documented limit by default.")
            .example("rate_limit: 100/min"),
        Key::new("give_up_after", Shape::Duration, "How long a change is retried; `3d` by default."),
        Key::new("gather", Shape::Duration, "How long to wait for more changes of one contact; `0s` by default."),
        Key::new(
            "tag_cache",
            Shape::DurationOr("off"),
            "How long knowledge of a contact's tags is trusted; `60s` by default, `off` calls for every change.",
        ),
        Key::new(
            "allow_private",
            Shape::Flag,
            "Whether private and loopback addresses may be called; `false` by default.",
        ),
        Key::later("token", "The credential of providers that use a token."),
        Key::later("username", "The user, where a token is exchanged for."),
        Key::later("password", "The password, where a token is exchanged for."),
        Key::later("url", "Where a forward goes."),
        Key::later("signing_secret", "Signs what is forwarded."),
        Key::later("channel", "The channel that contacts are on."),
        Key::later("missing_tags", "What becomes of tags that the provider doesn't know."),
        Key::later("tags", "The tags in use here."),
        Key::later("exclusive", "Tags of which a contact has one."),
        Key::later("unless_tagged", "Tags that guard every add and set here."),
        Key::later("account", "Connections of one account share one allowance."),
        Key::later("dry_run", "Decide and record, call nothing."),
    ],
};
