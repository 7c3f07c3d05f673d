//! Whose allowance is whose: connections of one account share one, also from one rule set to the next.

use crate::clock::Clock;
use crate::domain::connection::{AccountKey, ConnectionConfig};
use crate::domain::duration::Rate;
use crate::domain::name::ConnectionName;
use crate::providers::allowance::Allowance;

/// An account's allowance in one rule set.
pub(super) struct Shared {
    pub key: AccountKey,
    pub allowance: Allowance,
    /// The connections' limits: each holds for all of them together.
    pub rates: Vec<Rate>,
    /// The connections of the account.
    pub by: Vec<ConnectionName>,
}

/// Every allowance that is in use.
#[derive(Default)]
pub(super) struct Allowances(Vec<(AccountKey, Allowance)>);

impl Allowances {
    /// The allowances of these connections: those that there are already, with all that is counted, and new ones. Their rates are set
    /// when the connections are taken into use.
    pub fn of(&mut self, configs: &[ConnectionConfig]) -> Vec<Shared> {
        let mut all: Vec<Shared> = Vec::new();
        for config in configs {
            let key = config.account_key();
            if let Some(shared) = all.iter_mut().find(|shared| shared.key == key) {
                if !shared.rates.contains(&config.rate_limit) {
                    shared.rates.push(config.rate_limit);
                }
                shared.by.push(config.name.clone());
                continue;
            }
            let known = self.0.iter().find(|(known, _)| *known == key).map(|(_, allowance)| allowance.clone());
            let allowance = known.unwrap_or_else(|| Allowance::new(config.rate_limit, Clock::system()));
            all.push(Shared { key, allowance, rates: vec![config.rate_limit], by: vec![config.name.clone()] });
        }
        self.0.retain(|(_, allowance)| !allowance.is_unused());
        for shared in &all {
            if !self.0.iter().any(|(key, _)| *key == shared.key) {
                self.0.push((shared.key.clone(), shared.allowance.clone()));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::connection::ProviderKind;
    use crate::domain::secret::SecretRef;
    use crate::domain::time::Timestamp;

    fn config(name: &str, key: &str, account: Option<&str>, calls: u32) -> ConnectionConfig {
        let name = ConnectionName::parse(name).expect("a name");
        let credentials = vec![SecretRef::parse(key)];
        let defaults = ConnectionConfig::with_defaults(name, ProviderKind::Helpcrunch, credentials);
        let rate_limit = Rate { calls, window: Duration::from_secs(1) };
        ConnectionConfig { account: account.map(str::to_owned), rate_limit, ..defaults }
    }

    #[test]
    fn an_account_is_a_name_or_a_credential_and_each_limit_holds() {
        let mut allowances = Allowances::default();
        let shared = allowances.of(&[
            config("a", "env:ONE", Some("school"), 5),
            config("b", "env:TWO", Some("school"), 3),
            config("c", "env:THREE", None, 9),
            config("d", "env:THREE", None, 9),
            config("e", "env:FOUR", None, 9),
        ]);
        let rates = |shared: &Shared| shared.rates.iter().map(|rate| rate.calls).collect::<Vec<_>>();
        let seen: Vec<_> = shared.iter().map(|shared| (shared.by.len(), rates(shared))).collect();
        assert_eq!(seen, [(2, vec![5, 3]), (2, vec![9]), (1, vec![9])]);
    }

    #[test]
    fn what_was_counted_outlives_a_change_of_the_rules_as_long_as_somebody_uses_it() {
        let mut allowances = Allowances::default();
        let first = allowances.of(&[config("a", "env:ONE", None, 1)]);
        let now = Timestamp(i64::MAX / 2);
        first.first().expect("one").allowance.throttled(now, Timestamp(0));
        let again = allowances.of(&[config("b", "env:ONE", None, 1), config("a", "env:ONE", None, 1)]);
        assert_eq!(again.first().expect("one").allowance.share().next(Timestamp(0)), now);
        drop((first, again));
        allowances.of(&[]);
        let anew = allowances.of(&[config("a", "env:ONE", None, 1)]);
        assert_eq!(anew.first().expect("one").allowance.share().next(Timestamp(0)), Timestamp(0));
    }
}
