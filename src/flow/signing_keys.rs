//! The public keys of those who sign for somebody else: fetched when a request needs them, by one caller at a time.
//!
//! Who has its key waits for nothing. Keys past their time are believed a while longer and fetched anew beside the request. Only
//! a request whose key isn't known waits, [`PATIENCE`] at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::domain::time::Timestamp;
use crate::providers::AddressPolicy;
use crate::providers::outbound::{Extent, Outbound};
use crate::sources::{KeySet, KeyStore};

/// The longest that a request waits: Dialogflow gives five seconds for all.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// An unknown key has the set fetched again once in that time, in milliseconds: whoever invents keys costs no more.
const BETWEEN: i64 = 60_000;

/// After a fetch that failed it is tried again sooner.
const BETWEEN_FAILURES: i64 = 5_000;

/// What came of asking for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// There are new ones.
    Fetched,
    /// There were new ones a moment ago, and they are what there is.
    NotAgain,
    /// Nobody could be asked, now or a moment ago.
    Failed,
}

/// When an address was asked last, and whether it answered; and the keys that it gave last, for every source that asks there.
#[derive(Debug, Default)]
struct Last {
    asked: Option<(Timestamp, bool)>,
    keys: Option<Arc<KeySet>>,
}

impl Last {
    /// What came of the last time, where that is so short ago that nobody asks again.
    fn so_lately(&self, now: Timestamp) -> Option<Asked> {
        match self.asked {
            Some((at, true)) if now.since(at) < BETWEEN => Some(Asked::NotAgain),
            Some((at, false)) if now.since(at) < BETWEEN_FAILURES => Some(Asked::Failed),
            _ => None,
        }
    }
}

/// One address and whether it may be in a network of one's own: an answer that one way isn't allowed to fetch says nothing of another.
type Place = (String, bool);

/// Fetches keys; each place has one flight at a time.
#[derive(Debug, Default)]
pub struct SigningKeys {
    flights: Mutex<HashMap<Place, Arc<tokio::sync::Mutex<Last>>>>,
}

impl SigningKeys {
    /// Asks for keys, unless that was done a moment ago; who comes while somebody asks has what they get.
    pub async fn ask(&self, keys: &KeyStore) -> Asked {
        let came = clock::now();
        let flight = self.flight(keys);
        let all = async {
            let mut last = flight.lock().await;
            let now = clock::now();
            let is_new = last.asked.is_some_and(|(at, is_fetched)| is_fetched && at >= came);
            if let Some(lately) = if is_new { Some(Asked::Fetched) } else { last.so_lately(now) } {
                // Another source may have asked, whose keys aren't this one's yet.
                if let Some(set) = last.keys.as_ref().filter(|_| lately != Asked::Failed) {
                    keys.put(Arc::clone(set));
                }
                return lately;
            }
            // Written first: a fetch that is given up in the middle was one too.
            last.asked = Some((now, false));
            let fetched = fetch(keys).await;
            let is_fetched = fetched.is_ok();
            match fetched {
                Ok(set) => {
                    let set = Arc::new(set);
                    keys.put(Arc::clone(&set));
                    last.keys = Some(set);
                    tracing::debug!(url = keys.url(), "signing keys fetched");
                }
                Err(why) => tracing::warn!(url = keys.url(), why, "signing keys can't be fetched"),
            }
            last.asked = Some((clock::now(), is_fetched));
            if is_fetched { Asked::Fetched } else { Asked::Failed }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap_or(Asked::Failed)
    }

    /// Whether asking for keys now would fetch them: nobody does so at this moment, nor did a moment ago.
    pub fn would_ask(&self, keys: &KeyStore) -> bool {
        let flight = self.flight(keys);
        flight.try_lock().is_ok_and(|last| last.so_lately(clock::now()).is_none())
    }

    fn flight(&self, keys: &KeyStore) -> Arc<tokio::sync::Mutex<Last>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry((keys.url().to_owned(), keys.allow_private())).or_default())
    }
}

async fn fetch(keys: &KeyStore) -> Result<KeySet, String> {
    let policy = if keys.allow_private() { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
    // Made for this call alone: it comes some times a day, and on whichever thread needs it.
    let client = Outbound::new(PATIENCE, policy).map_err(|error| error.to_string())?;
    let answer = client.get(keys.url()).await?;
    if answer.status != 200 {
        return Err(format!("it answered {}", answer.status));
    }
    if answer.extent != Extent::Whole {
        return Err("its answer was not whole".to_owned());
    }
    KeySet::parse(&answer.body, answer.fresh_for, clock::now()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_begins_to_ask_while_it_is_asked_or_was_a_moment_ago() {
        let all = SigningKeys::default();
        let keys = KeyStore::new("https://keys.example.com".to_owned(), false).expect("an address");
        assert!(all.would_ask(&keys));
        let flight = all.flight(&keys);
        let mut last = flight.lock().await;
        assert!(!all.would_ask(&keys), "somebody asks");
        for (ago, is_fetched, expected) in [
            (1_000, true, false),
            (1_000, false, false),
            (BETWEEN_FAILURES + 1_000, false, true),
            (BETWEEN_FAILURES + 1_000, true, false),
            (BETWEEN + 1_000, true, true),
        ] {
            last.asked = Some((clock::now().plus_millis(-ago), is_fetched));
            drop(last);
            assert_eq!(all.would_ask(&keys), expected, "{ago} ms ago, {is_fetched}");
            last = flight.lock().await;
        }
    }
}
