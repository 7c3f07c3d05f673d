//! The gateway put together: rules, sources, connections, store and deliveries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::converge::Account;
use super::deliver::Deliveries;
use super::metrics::{Metrics, SharedMetrics};
use crate::clock::Clock;
use crate::domain::connection::ConnectionConfig;
use crate::domain::name::{ConnectionName, SourceName};
use crate::providers::knowledge::Knowledge;
use crate::providers::people::People;
use crate::providers::{ConnectError, Provider};
use crate::rules::Catalog;
use crate::sources::{OpenError, Source};
use crate::store::{Options, Store, StoreError};
use crate::vault::Vault;

/// Why a gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Secrets without a value and credentials that can't be used: every one of them.
    #[error("{}", .0.join("\n"))]
    Secrets(Vec<String>),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything a request needs, shared by the threads that receive.
pub struct Gateway {
    /// The rule set that judges.
    pub catalog: Catalog,
    /// The hooks by name.
    pub sources: HashMap<SourceName, Source>,
    /// What is durable.
    pub store: Store,
    /// What is counted.
    pub metrics: SharedMetrics,
    /// The deliveries under way.
    pub deliveries: Deliveries,
}

/// Everything that the rule files name, with its secrets: the part of a start that can fail for want of a secret.
pub struct Opened {
    sources: HashMap<SourceName, Source>,
    accounts: Vec<Account>,
}

/// Opens every source and connection of a rule set; all that is missing is told at once. `adjust` may redirect a connection
/// (the sandbox does).
pub fn open(catalog: &Catalog, vault: &Vault, adjust: impl Fn(&mut ConnectionConfig)) -> Result<Opened, StartError> {
    let mut missing = Vec::new();
    let mut sources = HashMap::new();
    for config in catalog.sources() {
        match Source::open(config, vault) {
            Ok(source) => drop(sources.insert(config.name.clone(), source)),
            Err(errors) => {
                missing.extend(errors.iter().map(|error: &OpenError| format!("source {}: {error}", config.name)));
            }
        }
    }
    let knowledge = Arc::new(Knowledge::new());
    let people = Arc::new(People::default());
    let mut accounts = Vec::new();
    for config in catalog.connections() {
        let mut config = config.clone();
        for (key, variable) in std::mem::take(&mut config.from_env) {
            match vault.variable(&variable).map(|text| config.set(key, &text)) {
                Some(Ok(())) => {}
                Some(Err(expected)) => {
                    missing.push(format!("connection {}: {key}: {variable} must be {expected}", config.name));
                }
                None if vault.has_fallback() => {}
                None => missing
                    .push(format!("connection {}: {key}: environment variable {variable} is not set", config.name)),
            }
        }
        adjust(&mut config);
        match Provider::connect(&config, vault) {
            Ok(Some(provider)) => accounts.push(Account {
                config,
                provider,
                knowledge: Arc::clone(&knowledge),
                people: Arc::clone(&people),
            }),
            Ok(None) => {
                tracing::warn!(connection = %config.name, provider = config.provider.name(),
                    "this version doesn't deliver to this provider yet; what is decided for it is kept and waits");
            }
            Err(ConnectError::Credentials { connection, missing: unset }) => {
                missing.extend(unset.iter().map(|error| format!("connection {connection}: {error}")));
            }
            Err(error) => missing.push(error.to_string()),
        }
    }
    if missing.is_empty() { Ok(Opened { sources, accounts }) } else { Err(StartError::Secrets(missing)) }
}

impl Gateway {
    /// Opens the store and starts the deliveries of what waited. Needs a running tokio runtime.
    pub async fn start(
        catalog: Catalog,
        opened: Opened,
        database: &std::path::Path,
        retention: Duration,
    ) -> Result<Arc<Self>, StartError> {
        let (wake, wakes) = tokio::sync::mpsc::unbounded_channel();
        let (store, waiting) = Store::open(database, Options { retention, clock: Clock::system() }, wake)?;
        store.keep_rule_set(catalog.hash().to_owned(), catalog.text().to_owned()).await?;
        let deliveries = Deliveries::start(&store, opened.accounts, wakes, waiting, &Clock::system());
        let metrics = Arc::new(Metrics::default());
        Ok(Arc::new(Self { catalog, sources: opened.sources, store, metrics, deliveries }))
    }

    /// The names of the connections of this rule set.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionName> {
        self.catalog.connections().map(|config| &config.name)
    }
}
