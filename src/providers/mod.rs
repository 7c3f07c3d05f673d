//! Providers: wanted tags become calls, answers become outcomes.
//!
//! One file or folder a provider. What they share: [`outbound`] (the one client), `api` (one JSON call and its attempt),
//! `judge` (a status table read aloud) and [`knowledge`] (what is known of contacts' tags, never the truth).

mod addresses;
mod api;
pub mod helpcrunch;
mod judge;
pub mod knowledge;
pub mod outbound;
mod outcome;
mod redact;

use reqwest::Url;

pub use addresses::{AddressPolicy, AddressRefused};
pub use outcome::{Asked, Called, Outcome};

use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::contact::ContactRef;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::{LiveSecret, Vault, VaultError};
use api::Api;
use helpcrunch::HelpCrunch;
use outbound::Outbound;

/// Why a connection can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Credentials without a value, all of them.
    #[error("connection {connection}: {}", list(.missing))]
    Credentials {
        /// Whose.
        connection: ConnectionName,
        /// What is missing.
        missing: Vec<VaultError>,
    },
    /// A connection that names more or fewer credentials than its provider asks for.
    #[error("connection {connection}: {provider} takes {}", .wanted.join(", "))]
    Count {
        /// Whose.
        connection: ConnectionName,
        /// Its provider.
        provider: &'static str,
        /// The keys that it takes.
        wanted: &'static [&'static str],
    },
    /// A base URL that can't be one.
    #[error("connection {connection}: base_url {why}")]
    BaseUrl {
        /// Whose.
        connection: ConnectionName,
        /// What is wrong with it.
        why: String,
    },
    /// The client can't be built, as on a system without root certificates.
    #[error("connection {connection}: the HTTP client can't be built (are the system's ca-certificates installed?)")]
    Client {
        /// Whose.
        connection: ConnectionName,
        /// The cause.
        source: reqwest::Error,
    },
}

fn list(missing: &[VaultError]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Whether tags are to be there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// They are added.
    Add,
    /// They are removed.
    Remove,
}

/// An account at a provider, ready to be called. Clones are cheap and share connections.
#[derive(Debug, Clone)]
pub struct Provider(Kind);

#[derive(Debug, Clone)]
enum Kind {
    HelpCrunch(HelpCrunch),
}

impl Provider {
    /// Resolves the connection's credentials and readies its client; nothing is called yet.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let connection = || config.name.clone();
        let mut opened = open_all(config, vault)?.into_iter();
        check_base_url(&config.base_url).map_err(|why| ConnectError::BaseUrl { connection: connection(), why })?;
        let policy = if config.allow_private { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
        let outbound = Outbound::new(config.timeout, policy)
            .map_err(|source| ConnectError::Client { connection: connection(), source })?;
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        let wanted = config.provider.capabilities().credentials;
        let count = || ConnectError::Count { connection: connection(), provider: config.provider.name(), wanted };
        let kind = match config.provider {
            ProviderKind::Helpcrunch => {
                let api = Api { outbound, base_url, table: &helpcrunch::TABLE };
                Kind::HelpCrunch(HelpCrunch::new(api, opened.next().ok_or_else(count)?))
            }
        };
        if opened.next().is_some() {
            return Err(count());
        }
        Ok(Self(kind))
    }

    /// Adds or removes `tags` in one call; the caller keeps to the provider's `tags_per_call`.
    pub async fn change_tags(
        &self,
        contact: &ContactRef,
        direction: Direction,
        tags: &[TagName],
        now: Timestamp,
    ) -> Called {
        match &self.0 {
            Kind::HelpCrunch(account) => account.change_tags(contact, direction, tags, now).await,
        }
    }

    /// Reads the contact's tags.
    pub async fn read_tags(&self, contact: &ContactRef, now: Timestamp) -> Called {
        match &self.0 {
            Kind::HelpCrunch(account) => account.read_tags(contact, now).await,
        }
    }
}

/// Every unset credential is named at once, so that a person mends them in one go.
fn open_all(config: &ConnectionConfig, vault: &Vault) -> Result<Vec<LiveSecret>, ConnectError> {
    let mut missing = Vec::new();
    let mut opened = Vec::new();
    for secret in &config.credentials {
        match vault.open(secret) {
            Ok(live) => opened.push(live),
            Err(error) => missing.push(error),
        }
    }
    if missing.is_empty() {
        Ok(opened)
    } else {
        Err(ConnectError::Credentials { connection: config.name.clone(), missing })
    }
}

/// Credentials in an address would reach logs and pages; a query or fragment would swallow the path put after it.
fn check_base_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|e| format!("is not a URL: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("must start with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold credentials".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end before any ? or #".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::secret::SecretRef;

    fn config(credentials: Vec<SecretRef>) -> ConnectionConfig {
        let name = ConnectionName::parse("crm").expect("a name");
        ConnectionConfig::with_defaults(name, ProviderKind::Helpcrunch, credentials)
    }

    fn problem(config: &ConnectionConfig) -> String {
        Provider::connect(config, &Vault::new(HashMap::new(), None)).expect_err("a fault").to_string()
    }

    #[test]
    fn every_unset_credential_is_named() {
        let unset = config(vec![SecretRef::parse("env:ONE"), SecretRef::parse("env:TWO")]);
        assert_eq!(
            problem(&unset),
            "connection crm: environment variable ONE is not set; environment variable TWO is not set"
        );
        assert_eq!(problem(&config(vec![])), "connection crm: helpcrunch takes api_key");
    }

    #[test]
    fn a_base_url_is_an_address_and_nothing_else() {
        for (base_url, why) in [
            ("api.example.com/v1", "is not a URL"),
            ("ftp://api.example.com", "must start with https://"),
            ("https://user:pass@api.example.com", "must not hold credentials"),
            ("https://api.example.com/?key=1", "must end before"),
        ] {
            let config = ConnectionConfig { base_url: base_url.into(), ..config(vec![SecretRef::parse("key")]) };
            let problem = problem(&config);
            assert!(problem.contains(why) && !problem.contains("pass"), "{problem}");
        }
    }
}
