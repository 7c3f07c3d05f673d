//! From a connection as a rule file describes it to one that can be called: credentials, address, client.

use reqwest::Url;

use super::addresses::AddressPolicy;
use super::outbound::Outbound;
use crate::domain::connection::ConnectionConfig;
use crate::domain::name::ConnectionName;
use crate::vault::{LiveSecret, Vault, VaultError};

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
    #[error("connection {connection}: {provider} takes {}", sets(.wanted))]
    Count {
        /// Whose.
        connection: ConnectionName,
        /// Its provider.
        provider: &'static str,
        /// The keys that it takes.
        wanted: &'static [&'static [&'static str]],
    },
    /// A base URL that can't be one.
    #[error("connection {connection}: base_url {why}")]
    BaseUrl {
        /// Whose.
        connection: ConnectionName,
        /// What is wrong with it.
        why: String,
    },
    /// A setting that can't be right; its value isn't shown, since it may be a secret.
    #[error("connection {connection}: {why}")]
    Setting {
        /// Whose.
        connection: ConnectionName,
        /// What is wrong.
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

/// `username, password or token`
fn sets(wanted: &[&[&str]]) -> String {
    wanted.iter().map(|set| set.join(", ")).collect::<Vec<_>>().join(" or ")
}

/// What every provider needs to make calls.
pub struct Ready<const N: usize> {
    /// The client.
    pub outbound: Outbound,
    /// Without a `/` at the end.
    pub base_url: String,
    /// In the order of the provider's `credentials`.
    pub credentials: [LiveSecret; N],
}

/// Resolves the connection's `N` credentials and readies its client; nothing is called yet.
pub fn ready<const N: usize>(config: &ConnectionConfig, vault: &Vault) -> Result<Ready<N>, ConnectError> {
    let connection = || config.name.clone();
    let credentials = open_all(config, vault)?.try_into().map_err(|_| ConnectError::Count {
        connection: connection(),
        provider: config.provider.name(),
        wanted: config.provider.capabilities().credentials,
    })?;
    check_base_url(&config.base_url).map_err(|why| ConnectError::BaseUrl { connection: connection(), why })?;
    let policy = if config.allow_private { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
    let outbound = Outbound::new(config.timeout, policy)
        .map_err(|source| ConnectError::Client { connection: connection(), source })?;
    Ok(Ready { outbound, base_url: config.base_url.trim_end_matches('/').to_owned(), credentials })
}

/// Every unset credential is named at once, so that a person mends them in one go.
pub fn open_all(config: &ConnectionConfig, vault: &Vault) -> Result<Vec<LiveSecret>, ConnectError> {
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
    use crate::domain::connection::ProviderKind;
    use crate::domain::secret::SecretRef;

    fn config(credentials: Vec<SecretRef>) -> ConnectionConfig {
        let name = ConnectionName::parse("crm").expect("a name");
        ConnectionConfig::with_defaults(name, ProviderKind::Helpcrunch, credentials)
    }

    fn problem(config: &ConnectionConfig) -> String {
        ready::<1>(config, &Vault::new(HashMap::new(), None)).err().expect("a fault").to_string()
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
