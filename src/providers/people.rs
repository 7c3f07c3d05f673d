//! Who is meant by an e-mail address, a phone number or a field: a bounded cache that saves look-ups and is never the truth.

use std::time::Duration;

use moka::sync::Cache;

use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;
use crate::providers::outcome::Glance;

/// How many look-ups are remembered.
const PEOPLE: u64 = 50_000;

/// What a look-up saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// One contact, with this id.
    Found(String),
    /// Nobody.
    Nobody,
    /// The first pages of a search that has more.
    Part(Glance),
}

/// What look-ups saw, by the contact as it was looked up.
#[derive(Debug, Clone)]
pub struct People(Cache<ContactKey, (Timestamp, Sight)>);

impl Default for People {
    fn default() -> Self {
        Self(Cache::new(PEOPLE))
    }
}

impl People {
    /// What was seen less than `ttl` ago; that there is nobody is trusted for `nobody` alone. A sight from the future isn't
    /// trusted: the clock has been set back.
    pub fn seen(&self, key: ContactKey, now: Timestamp, ttl: Duration, nobody: Duration) -> Option<Sight> {
        let (at, sight) = self.0.get(&key)?;
        let trusted = match sight {
            Sight::Found(_) => ttl,
            Sight::Nobody => nobody,
            // However slowly calls may start: who began anew for every page would never come to the last one.
            Sight::Part(_) => return Some(sight),
        };
        (0..i64::try_from(trusted.as_millis()).unwrap_or(i64::MAX)).contains(&now.since(at)).then_some(sight)
    }

    /// A look-up or a creation gave this id.
    pub fn found(&self, key: ContactKey, id: &str, at: Timestamp) {
        self.0.insert(key, (at, Sight::Found(id.to_owned())));
    }

    /// A look-up found nobody.
    pub fn nobody(&self, key: ContactKey, at: Timestamp) {
        self.0.insert(key, (at, Sight::Nobody));
    }

    /// A page of a search was read, and there are more.
    pub fn part(&self, key: ContactKey, glance: Glance, at: Timestamp) {
        self.0.insert(key, (at, Sight::Part(glance)));
    }

    /// What was seen doesn't hold any more, or can't be told.
    pub fn forget(&self, key: ContactKey) {
        self.0.invalidate(&key);
    }

    /// Nothing that was seen holds any more.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }
}
