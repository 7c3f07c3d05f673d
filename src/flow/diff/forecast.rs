//! How many calls would follow, and how long they would have to wait: a forecast on paper.
//!
//! What waits for a contact is folded as in deliveries: last words, `gather`, calls that carry as many tags as the provider takes, no
//! call for what is known within `tag_cache`, look-ups for people named by an address and for guards, and the allowance, counted by
//! the gateway's own [`Window`]. Left out is what nobody can foresee: failures, what else the account is called for, tags that people
//! had before. A call is taken to last [`CALL_MS`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::domain::change::Change;
use crate::domain::connection::{AccountKey, ConnectionConfig};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::duration::Rate;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::providers::allowance::Window;
use crate::rules::Happened;

/// How long a call is taken to last, in milliseconds.
pub const CALL_MS: i64 = 200;

/// How many people are remembered at least, before those are looked for of whom nothing is known any more.
const PEOPLE: usize = 10_000;

/// What came of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that were made.
    pub calls: u64,
    /// How long each word waited from its event's acceptance until a call had brought it about, in milliseconds.
    pub delays: Vec<u32>,
}

/// The calls of all connections of a set.
pub struct Forecast<'s> {
    connections: HashMap<ConnectionName, Line<'s>>,
    accounts: Vec<Account>,
}

/// A connection in it.
struct Line<'s> {
    config: &'s ConnectionConfig,
    account: usize,
    calls: Calls,
}

/// An allowance and who waits for it.
struct Account {
    key: AccountKey,
    rates: Vec<Rate>,
    window: Window,
    /// By when they are due, then in the order in which they came.
    due: BTreeMap<(Timestamp, u64), Contact>,
    turn: u64,
    people: HashMap<Contact, Person>,
    /// With so many, those are left out that nothing is known of any more.
    most_people: usize,
    /// The longest `tag_cache` of its connections.
    cache_ms: i64,
    last: Timestamp,
    /// Starts of the window that ends with the last one.
    recent: VecDeque<Timestamp>,
    busiest: usize,
}

/// What waits for a contact, and what is known of them.
#[derive(Default)]
struct Person {
    queued: bool,
    /// Whether a guard or an exclusive tag asks for their tags.
    looks: bool,
    tags: Vec<(TagName, bool, Timestamp)>,
    fields: Vec<(String, Timestamp)>,
    forwards: VecDeque<Timestamp>,
    /// The state of tags, and when it was learnt.
    known: Vec<(TagName, bool, Timestamp)>,
    /// When all of their tags were read.
    whole: Option<Timestamp>,
    /// When a look-up found who they are.
    found: Option<Timestamp>,
}

impl<'s> Forecast<'s> {
    /// Nothing has been called for yet.
    pub fn new(configs: impl Iterator<Item = &'s ConnectionConfig>) -> Self {
        let mut accounts: Vec<Account> = Vec::new();
        let mut connections = HashMap::new();
        for config in configs {
            let key = config.account_key();
            let account = accounts.iter().position(|account| account.key == key).unwrap_or_else(|| {
                accounts.push(Account::new(key, config.rate_limit));
                accounts.len() - 1
            });
            if let Some(account) = accounts.get_mut(account) {
                account.rates.push(config.rate_limit);
                account.cache_ms = account.cache_ms.max(config.tag_cache.as_millis() as i64);
                account.window.set_rates(&account.rates);
            }
            connections.insert(config.name.clone(), Line { config, account, calls: Calls::default() });
        }
        Self { connections, accounts }
    }

    /// A change is meant for somebody, whether or not it comes about: what its guards ask for has to be known.
    pub fn meant(&mut self, change: &Change, at: Timestamp) {
        let terms = change.terms.as_deref();
        let asks = |terms: &crate::domain::change::Terms| !terms.unless.is_empty() || !terms.exclusive.is_empty();
        if !change.guard.is_open() || terms.is_some_and(asks) {
            self.wait(&change.contact, at, |person| person.looks = true);
        }
    }

    /// Something is to be brought about.
    pub fn hear(&mut self, contact: &Contact, happened: Happened<'_>, at: Timestamp) {
        match happened {
            Happened::Meant | Happened::Came(..) => {}
            Happened::Tag(tag, wants) => self.wait(contact, at, |person| {
                person.tags.retain(|(other, ..)| other != tag);
                person.tags.push((tag.clone(), wants, at));
            }),
            Happened::Set(field, _) => self.wait(contact, at, |person| {
                person.fields.retain(|(other, _)| other != field);
                person.fields.push((field.to_owned(), at));
            }),
            Happened::Forward(_) => self.wait(contact, at, |person| person.forwards.push_back(at)),
        }
    }

    fn wait(&mut self, contact: &Contact, at: Timestamp, add: impl FnOnce(&mut Person)) {
        let Some(line) = self.connections.get(&contact.connection) else { return };
        let Some(account) = self.accounts.get_mut(line.account).filter(|_| !line.config.dry_run) else { return };
        if !account.people.contains_key(contact) {
            account.forget(at);
            account.people.insert(contact.clone(), Person::default());
        }
        let Some(person) = account.people.get_mut(contact) else { return };
        add(person);
        if !std::mem::replace(&mut person.queued, true) {
            account.queue(contact.clone(), at.plus(line.config.gather));
        }
    }

    /// Makes the calls that may start until then.
    pub fn go_on_to(&mut self, until: Timestamp) {
        for account in &mut self.accounts {
            while let Some((due, _)) = account.due.first_key_value().map(|(key, _)| *key) {
                let start = account.window.next(due.max(account.last));
                if start > until {
                    break;
                }
                let Some((_, contact)) = account.due.pop_first() else { break };
                let Some(line) = self.connections.get_mut(&contact.connection) else { continue };
                account.step(line, contact, start);
            }
        }
    }

    /// Makes all that are left.
    pub fn run_out(&mut self) {
        self.go_on_to(Timestamp(i64::MAX));
    }

    /// What came of a connection, the allowance that it uses, and the most calls that started in one window.
    pub fn of(&self, name: &ConnectionName) -> Option<(&ConnectionConfig, &Calls, Rate, usize)> {
        let line = self.connections.get(name)?;
        let account = self.accounts.get(line.account)?;
        let pace = |rate: &Rate| u64::from(rate.calls) * 3_600_000 / (rate.window.as_millis() as u64).max(1);
        let rate = account.rates.iter().copied().min_by_key(pace)?;
        Some((line.config, &line.calls, rate, account.busiest))
    }

    /// The connections.
    pub fn names(&self) -> impl Iterator<Item = &ConnectionName> {
        self.connections.keys()
    }
}

impl Account {
    fn new(key: AccountKey, rate: Rate) -> Self {
        Self {
            key,
            rates: Vec::new(),
            window: Window::new(rate),
            due: BTreeMap::new(),
            turn: 0,
            people: HashMap::new(),
            most_people: PEOPLE,
            cache_ms: 0,
            last: Timestamp(i64::MIN),
            recent: VecDeque::new(),
            busiest: 0,
        }
    }

    fn queue(&mut self, contact: Contact, at: Timestamp) {
        self.turn += 1;
        self.due.insert((at, self.turn), contact);
    }

    /// Forgets whom nothing waits for and nothing is known of, once they are many.
    fn forget(&mut self, at: Timestamp) {
        if self.people.len() < self.most_people {
            return;
        }
        let cache_ms = self.cache_ms;
        self.people.retain(|_, person| person.queued || person.knows_anything(cache_ms, at));
        self.most_people = PEOPLE.max(self.people.len() * 2);
    }

    /// One step of one contact: at most one call, and another step where something is left.
    fn step(&mut self, line: &mut Line<'_>, contact: Contact, at: Timestamp) {
        let Some(person) = self.people.get_mut(&contact) else { return };
        if !person.call(line, &contact, at) {
            person.queued = false;
            return;
        }
        line.calls.calls += 1;
        self.window.start(at);
        self.last = at;
        let span = self.rates.iter().map(|rate| rate.window.as_millis() as i64).max().unwrap_or_default();
        self.recent.push_back(at);
        while self.recent.front().is_some_and(|start| at.since(*start) >= span) {
            self.recent.pop_front();
        }
        self.busiest = self.busiest.max(self.recent.len());
        self.queue(contact, at.plus_millis(CALL_MS));
    }
}

impl Person {
    /// Makes a call where one is needed; whether one was.
    fn call(&mut self, line: &mut Line<'_>, contact: &Contact, at: Timestamp) -> bool {
        let config = line.config;
        let provider = config.provider.capabilities();
        self.tags.retain(|(tag, wants, _)| state(&self.known, self.whole, tag, config, at) != Some(*wants));
        let is_waiting = !self.tags.is_empty() || !self.fields.is_empty() || !self.forwards.is_empty();
        let is_named = matches!(contact.reference, ContactRef::Id(_) | ContactRef::Stream { .. });
        if !is_named && (is_waiting || self.looks) && !is_fresh(self.found, config, at) {
            self.found = Some(at);
            return true;
        }
        if std::mem::take(&mut self.looks) && provider.reads_tags && !is_fresh(self.whole, config, at) {
            self.whole = Some(at);
            return true;
        }
        let end = at.plus_millis(CALL_MS);
        let mut waited = |since: Timestamp| line.calls.delays.push(u32::try_from(end.since(since)).unwrap_or(u32::MAX));
        // Adds before removes, each as many as go into a call.
        let wants = self.tags.iter().any(|(_, wants, _)| *wants);
        if !self.tags.is_empty() {
            let mut room = provider.tags_per_call.max(1);
            let mut left = Vec::new();
            for (tag, this, since) in std::mem::take(&mut self.tags) {
                if this != wants || room == 0 {
                    left.push((tag, this, since));
                    continue;
                }
                room -= 1;
                waited(since);
                self.known.retain(|(other, ..)| *other != tag);
                self.known.push((tag, this, at));
            }
            self.tags = left;
            if provider.answer_lists_tags {
                self.whole = Some(at);
            }
            return true;
        }
        if !self.fields.is_empty() {
            let most = provider.fields_per_call.max(1).min(self.fields.len());
            self.fields.drain(..most).for_each(|(_, since)| waited(since));
            return true;
        }
        self.forwards.pop_front().map(waited).is_some()
    }

    fn knows_anything(&self, cache_ms: i64, at: Timestamp) -> bool {
        let learnt = self.known.iter().map(|(.., learnt)| *learnt);
        learnt.chain(self.whole).chain(self.found).any(|learnt| at.since(learnt) < cache_ms)
    }
}

/// What is known of a tag without a call.
fn state(
    known: &[(TagName, bool, Timestamp)],
    whole: Option<Timestamp>,
    tag: &TagName,
    config: &ConnectionConfig,
    at: Timestamp,
) -> Option<bool> {
    let learnt = known.iter().find(|(other, ..)| other == tag);
    match learnt {
        Some((_, there, learnt)) if is_fresh(Some(*learnt).max(whole), config, at) => Some(*there),
        // What it had before isn't known to us: it is taken not to be there.
        None if is_fresh(whole, config, at) => Some(false),
        _ => None,
    }
}

fn is_fresh(learnt: Option<Timestamp>, config: &ConnectionConfig, at: Timestamp) -> bool {
    learnt.is_some_and(|learnt| at.since(learnt) < config.tag_cache.as_millis() as i64)
}
