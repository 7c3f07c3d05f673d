//! Reading a connection.

use std::time::Duration;

use super::desk::Desk;
use super::draft::Named;
use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::duration::{Rate, parse_duration};
use crate::domain::name::ConnectionName;
use crate::domain::secret::SecretRef;
use crate::rules::codes::Code;
use crate::rules::yaml::{Entry, Node};

/// Reads one connection; the table of keys has been held against it already.
pub fn read(entry: &Entry, desk: &mut Desk<'_>) -> Named<ConnectionConfig> {
    let provider = Desk::text(&entry.value, "provider").and_then(|name| ProviderKind::named(&name));
    let value = provider.and_then(|provider| {
        let credentials = credentials(entry, provider, desk)?;
        let name = ConnectionName::parse(&entry.key).ok()?;
        Some(with_settings(ConnectionConfig::with_defaults(name, provider, credentials), &entry.value))
    });
    Named { name: entry.key.clone(), span: entry.key_span, value }
}

/// Every credential that the provider demands.
fn credentials(entry: &Entry, provider: ProviderKind, desk: &mut Desk<'_>) -> Option<Vec<SecretRef>> {
    let mut found = Vec::new();
    let sets = provider.capabilities().credentials;
    let given = |set: &&&[&str]| set.iter().any(|key| entry.value.get(key).is_some());
    for key in sets.iter().find(given).or(sets.first()).copied().unwrap_or_default() {
        match Desk::text(&entry.value, key) {
            Some(text) => found.push(SecretRef::parse(&text)),
            None if entry.value.get(key).is_some() => return None,
            None => {
                desk.findings
                    .add(Code::MissingKey, entry.key_span, format!("a {} connection needs `{key}`", provider.name()))
                    .help(format!("as in `{key}: env:{}_{}`", provider.name().to_uppercase(), key.to_uppercase()));
                return None;
            }
        }
    }
    Some(found)
}

fn with_settings(mut config: ConnectionConfig, node: &Node) -> ConnectionConfig {
    let duration = |key: &str| Desk::text(node, key).and_then(|text| parse_duration(&text));
    if let Some(base_url) = Desk::text(node, "base_url") {
        base_url.trim_end_matches('/').clone_into(&mut config.base_url);
    }
    config.timeout = duration("timeout").unwrap_or(config.timeout);
    config.give_up_after = duration("give_up_after").unwrap_or(config.give_up_after);
    config.gather = duration("gather").unwrap_or(config.gather);
    config.tag_cache = match Desk::text(node, "tag_cache").as_deref() {
        Some("off") => Duration::ZERO,
        _ => duration("tag_cache").unwrap_or(config.tag_cache),
    };
    if let Some(concurrency) = Desk::text(node, "concurrency").and_then(|text| text.parse().ok()) {
        config.concurrency = concurrency;
    }
    if let Some(rate) = Desk::text(node, "rate_limit").and_then(|text| Rate::parse(&text)) {
        config.rate_limit = rate;
    }
    config.allow_private = Desk::flag(node, "allow_private").unwrap_or(config.allow_private);
    config
}
