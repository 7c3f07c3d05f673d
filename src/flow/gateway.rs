//! The gateway put together: rules, sources, connections, store and deliveries.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::converge::Account;
use super::deliver::Deliveries;
use super::metrics::{Metrics, SharedMetrics};
use super::ruleset::{Opened, RuleSet};
use super::signing_keys::SigningKeys;
use super::subscribers::Subscribers;
use crate::clock::{self, Clock};
use crate::domain::contact::Contact;
use crate::domain::known::KnownTags;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::rules::Finding;
use crate::store::{Database, Options, Store, StoreError, Taken};

/// A rule set that was not put in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refused {
    /// When.
    #[serde(serialize_with = "crate::domain::time::rfc3339::serialize")]
    pub at: Timestamp,
    /// Its hash; `None` when its files could not be read.
    pub rule_set: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// What `check` says of it.
    pub findings: Vec<Finding>,
}

/// Everything a request needs, shared by the threads that receive.
pub struct Gateway {
    rules: ArcSwap<RuleSet>,
    refused: ArcSwapOption<Refused>,
    /// What is durable.
    pub store: Store,
    /// What is counted.
    pub metrics: SharedMetrics,
    /// The deliveries under way.
    pub deliveries: Deliveries,
    /// Who is told of what happens.
    pub subscribers: Subscribers,
    /// Who signs for senders.
    pub signing_keys: Arc<SigningKeys>,
}

impl Gateway {
    /// Opens the store and starts the deliveries of what waited. Needs a running tokio runtime.
    pub async fn start(
        mut opened: Opened,
        database: &Database,
        retention: Duration,
        name: String,
        trial: bool,
    ) -> Result<Arc<Self>, StoreError> {
        let (wake, wakes) = tokio::sync::mpsc::unbounded_channel();
        let clock = Clock::system();
        let accounts = opened.take_accounts();
        let longest = longest_call(&accounts);
        let mark = Some(database.file().with_extension("gateway"));
        let options =
            Options { name, mark, longest_call: longest, trial: Some(trial), ..Options::new(retention, clock.clone()) };
        let (store, waiting) = Store::open_at(database, options, wake).await?;
        keep(&store, &mut opened).await?;
        let deliveries = Deliveries::start(&store, accounts, wakes, waiting, &clock);
        let rules = ArcSwap::from_pointee(opened.in_force(clock.now()));
        let metrics = Arc::new(Metrics::default());
        let (refused, subscribers) = (ArcSwapOption::empty(), Subscribers::default());
        let signing_keys = Arc::default();
        Ok(Arc::new(Self { rules, refused, store, metrics, deliveries, subscribers, signing_keys }))
    }

    /// The rule set in force now. Whoever judges takes it once.
    pub fn rules(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    /// The rule set on disk, while it is not the one in force because it can't be.
    pub fn refused(&self) -> Option<Arc<Refused>> {
        self.refused.load_full()
    }

    /// What waits for a contact and what has happened to it, to be looked at. What another gateway was told of its tags is heard first.
    pub async fn look(&self, contact: &Contact) -> Result<Taken, StoreError> {
        let taken = self.store.look(contact.key()).await?;
        if let Some(by) = taken.outdated {
            let accounts = self.deliveries.accounts();
            if let Some(theirs) = accounts.iter().find(|account| account.config.name == contact.connection) {
                theirs.knowledge.outdate(contact.key(), by, clock::now());
            }
        }
        Ok(taken)
    }

    /// What calls and news told of a contact's tags, our last words being what overrules what is older: to be shown, and nothing else.
    /// `None` where its connection isn't called.
    pub fn last_known<'t>(
        &self,
        contact: &Contact,
        words: impl IntoIterator<Item = (&'t TagName, bool, Timestamp)>,
        now: Timestamp,
    ) -> Option<KnownTags> {
        let account = self.deliveries.accounts().into_iter().find(|a| a.config.name == contact.connection)?;
        let mut last = account.knowledge.last_known(contact.key());
        words.into_iter().for_each(|(tag, wants, at)| last.overrule(tag, wants, at));
        Some(last.within(now, account.config.tag_cache))
    }

    /// Until when a tag of a contact rests, since it flaps.
    pub fn resting(&self, contact: &Contact, tag: &TagName, now: Timestamp) -> Option<Timestamp> {
        let account = self.deliveries.accounts().into_iter().find(|a| a.config.name == contact.connection)?;
        account.flips.resting(contact.key(), tag, now)
    }

    /// Puts a rule set in force: whole, and only once it is durable under its hash. On an error nothing has changed.
    pub async fn replace(&self, mut opened: Opened, now: Timestamp) -> Result<(), StoreError> {
        keep(&self.store, &mut opened).await?;
        let accounts = opened.take_accounts();
        self.store.outlast(longest_call(&accounts));
        // Lanes first: the first change for a new connection shall find one.
        self.deliveries.change(accounts);
        opened.keep_keys_of(&self.rules());
        self.rules.store(Arc::new(opened.in_force(now)));
        self.metrics.reloaded();
        self.refused.store(None);
        Ok(())
    }

    /// Keeps why the rule set on disk is not in force; `false` when that was known.
    pub fn refuse(&self, refused: Refused) -> bool {
        if self.refused().is_some_and(|known| Refused { at: refused.at, ..(*known).clone() } == refused) {
            return false;
        }
        self.refused.store(Some(Arc::new(refused)));
        self.metrics.reload_refused();
        true
    }

    /// The rule set on disk is the one in force; `false` when that was known.
    pub fn agree(&self) -> bool {
        self.metrics.rules_agree();
        self.refused.swap(None).is_some()
    }
}

/// How long a call of any of these may take.
fn longest_call(accounts: &[Arc<Account>]) -> Duration {
    accounts.iter().map(|account| account.config.timeout).max().unwrap_or_default()
}

/// Before an event is judged by a set, its text can be looked up under the hash that the event will carry.
async fn keep(store: &Store, opened: &mut Opened) -> Result<(), StoreError> {
    let text = opened.take_text();
    store.keep_rule_set(opened.catalog().hash().to_owned(), text).await
}
