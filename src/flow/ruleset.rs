//! A rule set in force: what judges and who may call, opened together and never changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::accounts::{Allowances, Shared};
use super::converge::Account;
use crate::domain::connection::ConnectionConfig;
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::time::Timestamp;
use crate::providers::knowledge::Knowledge;
use crate::providers::{ConnectError, Provider};
use crate::rules::Catalog;
use crate::sources::{OpenError, Source};
use crate::vault::Vault;

/// A rule set in force. A request takes it once, at its start, so that nothing is judged by a mix of two.
pub struct RuleSet {
    /// The rules that judge.
    pub catalog: Catalog,
    sources: HashMap<SourceName, Source>,
    /// Since when it is in force.
    pub since: Timestamp,
}

impl RuleSet {
    /// The hook of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The names of its connections.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionName> {
        self.catalog.connections().map(|config| &config.name)
    }
}

/// Secrets without a value and credentials that can't be used: every one of them.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct NotOpened(pub Vec<String>);

/// Everything that the rule files name, with its secrets.
pub struct Opened {
    catalog: Catalog,
    sources: HashMap<SourceName, Source>,
    accounts: Vec<Arc<Account>>,
    limits: Vec<Shared>,
}

impl Opened {
    /// The rules of the set.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The set's text for the record; it is taken once.
    pub fn take_text(&mut self) -> String {
        self.catalog.take_text()
    }

    /// Its connections; they are taken once, and from then on its limits hold.
    pub fn take_accounts(&mut self) -> Vec<Arc<Account>> {
        for shared in &self.limits {
            shared.allowance.set_rates(&shared.rates);
        }
        std::mem::take(&mut self.accounts)
    }

    /// Takes over what the sources of the set before have learnt of who signs for their senders.
    pub fn keep_keys_of(&mut self, before: &RuleSet) {
        for (name, source) in &mut self.sources {
            if let Some(before) = before.sources.get(name) {
                source.keep_keys_of(before);
            }
        }
    }

    /// The set as it is from `since` on.
    pub fn in_force(self, since: Timestamp) -> RuleSet {
        RuleSet { catalog: self.catalog, sources: self.sources, since }
    }
}

/// May point a connection elsewhere, as the sandbox does.
type Adjust = Box<dyn Fn(&mut ConnectionConfig) + Send + Sync>;

/// Opens rule sets: with the secrets of this process, each in the same way.
pub struct Opener {
    vault: Vault,
    knowledge: Knowledge,
    allowances: Mutex<Allowances>,
    adjust: Adjust,
}

impl Opener {
    /// Secrets come from `vault`; `adjust` sees each connection before it is opened.
    pub fn new(vault: Vault, adjust: impl Fn(&mut ConnectionConfig) + Send + Sync + 'static) -> Self {
        Self { vault, knowledge: Knowledge::new(), allowances: Mutex::default(), adjust: Box::new(adjust) }
    }

    /// Opens every source and connection of a set; all that is missing is told at once. Connections that are `running` as the
    /// set wants them are taken over as they are.
    pub fn open(&self, catalog: Catalog, running: &[Arc<Account>]) -> Result<Opened, NotOpened> {
        let mut missing = Vec::new();
        let mut sources = HashMap::new();
        for config in catalog.sources() {
            match Source::open(config, &self.vault) {
                Ok(source) => drop(sources.insert(config.name.clone(), source)),
                Err(errors) => {
                    missing.extend(errors.iter().map(|error: &OpenError| format!("source {}: {error}", config.name)));
                }
            }
        }
        let configs: Vec<_> = catalog.connections().map(|config| self.settled(config, &mut missing)).collect();
        let limits = self.allowances.lock().unwrap_or_else(PoisonError::into_inner).of(&configs);
        let mut accounts = Vec::new();
        for (config, told) in configs.into_iter().zip(catalog.connections()) {
            let before = running.iter().find(|account| account.config.name == config.name);
            let Some(shared) = limits.iter().find(|shared| shared.key == config.account_key()) else { continue };
            let is_same = |account: &&Arc<Account>| account.config == config && account.sharing == shared.by;
            if let Some(same) = before.filter(is_same) {
                accounts.push(Arc::clone(same));
                continue;
            }
            match Provider::connect(&config, &self.vault) {
                Ok(provider) => {
                    let known = before.filter(|account| same_account(&account.config, &config));
                    let knowledge =
                        known.map_or_else(|| Arc::new(self.knowledge.anew()), |account| Arc::clone(&account.knowledge));
                    let people = known.map_or_else(Arc::default, |account| Arc::clone(&account.people));
                    let (allowance, sharing) = (shared.allowance.clone(), shared.by.clone());
                    let (apart, flips) = <_>::default();
                    let account = Account { config, provider, allowance, sharing, knowledge, people, apart, flips };
                    accounts.push(Arc::new(account));
                }
                Err(ConnectError::Credentials { connection, missing: unset }) => {
                    missing.extend(unset.iter().map(|error| format!("connection {connection}: {error}")));
                }
                Err(ConnectError::BaseUrl { connection, why }) => {
                    missing.push(format!("connection {connection}: base_url{} {why}", given_by(told, "base_url")));
                }
                Err(error) => missing.push(error.to_string()),
            }
        }
        if missing.is_empty() { Ok(Opened { catalog, sources, accounts, limits }) } else { Err(NotOpened(missing)) }
    }

    /// One connection by itself, with its secrets; what is missing elsewhere doesn't matter.
    pub fn connect(&self, config: &ConnectionConfig) -> Result<(ConnectionConfig, Provider), NotOpened> {
        let mut missing = Vec::new();
        let config = self.settled(config, &mut missing);
        match Provider::connect(&config, &self.vault) {
            Ok(provider) if missing.is_empty() => return Ok((config, provider)),
            Ok(_) => {}
            Err(error) => missing.push(error.to_string()),
        }
        Err(NotOpened(missing))
    }

    /// A connection with what the environment says of it.
    fn settled(&self, config: &ConnectionConfig, missing: &mut Vec<String>) -> ConnectionConfig {
        let mut config = config.clone();
        for (key, variable) in std::mem::take(&mut config.from_env) {
            match self.vault.variable(&variable).map(|text| config.set(key, &text)) {
                Some(Ok(())) => {}
                Some(Err(expected)) => {
                    missing.push(format!("connection {}: {key}: {variable} must be {expected}", config.name));
                }
                None if self.vault.has_fallback() => {}
                None => missing
                    .push(format!("connection {}: {key}: environment variable {variable} is not set", config.name)),
            }
        }
        (self.adjust)(&mut config);
        config
    }
}

/// `: CRM_URL`, where a setting comes from the environment: whoever mends it looks for the variable.
fn given_by(config: &ConnectionConfig, setting: &str) -> String {
    let variable = config.from_env.iter().find(|(key, _)| *key == setting);
    variable.map_or_else(String::new, |(_, variable)| format!(": {variable}"))
}

/// Whether two descriptions lead to the same account: then what is known of its contacts, and how long it asked us to wait,
/// holds for both.
pub fn same_account(one: &ConnectionConfig, other: &ConnectionConfig) -> bool {
    let whose = |config: &ConnectionConfig| (config.provider, config.account.clone(), config.channel.clone());
    whose(one) == whose(other)
        && one.base_url == other.base_url
        && one.credentials == other.credentials
        && one.secrets == other.secrets
}
