//! Where the changes go: a connection of each provider, all at one sandbox that outlives the gateway.

use std::fmt::Write;

use tagrelay::sandbox::Sandbox;

/// A connection under test.
pub struct Place {
    pub connection: &'static str,
    pub provider: &'static str,
    keys: &'static str,
    /// Whether a contact's tags can be read by its id, so that guards and exclusive tags can be judged.
    pub reads: bool,
}

/// Those with tags.
pub const PLACES: [Place; 4] = [
    Place { connection: "crm", provider: "helpcrunch", keys: "api_key: env:CRM_KEY", reads: true },
    Place { connection: "whatsapp", provider: "1980tic", keys: "token: env:CRM_KEY", reads: true },
    Place { connection: "inbox", provider: "respond-io", keys: "token: env:CRM_KEY", reads: true },
    Place {
        connection: "shop",
        provider: "b2chat",
        keys: "username: env:CRM_KEY, password: env:CRM_KEY",
        reads: false,
    },
];

/// The connection that events are sent on to.
pub const HOOK: &str = "hook";

/// The names of all.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLACES.iter().map(|place| place.connection).chain([HOOK])
}

/// All connections, as YAML; `hook` is what else is said of the one that events are sent on to.
pub fn connections(provider: &Sandbox, timeout: &str, hook: &str) -> String {
    let base = |name: &str| provider.base_url(name).expect("it is played");
    let (common, quick) = (format!("allow_private: true, timeout: {timeout}"), "rate_limit: 100000/min");
    let mut text = "connections:\n".to_owned();
    for Place { connection, provider, keys, reads } in PLACES {
        let exclusive = if reads { ", exclusive: [\"stage:*\"]" } else { "" };
        let base_url = base(provider);
        writeln!(
            text,
            "  {connection}: {{ provider: {provider}, {keys}, base_url: \"{base_url}\", {common}, {quick}{exclusive} }}"
        )
        .expect("text");
    }
    let url = format!("{}/{HOOK}", base("webhook"));
    writeln!(text, "  {HOOK}: {{ provider: webhook, url: \"{url}\", {common}, {hook} }}").expect("text");
    text
}
