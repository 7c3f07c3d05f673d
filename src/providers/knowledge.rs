//! What is known of contacts' tags: a bounded cache that saves calls and is never the truth. Deleting all of it costs
//! calls, never correctness.
//!
//! Beside it stands what others' news told of tags. News may come late, twice or out of order, so it is kept for comparing later
//! news with and for people to see: nothing of it is ever known, and no call is saved by it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::domain::contact::ContactKey;
use crate::domain::known::KnownTags;
use crate::domain::news::News;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// How many contacts are remembered, as long as they have few tags.
const CONTACTS: u64 = 50_000;

/// What a contact weighs at least, in bytes: with it one bound holds both the count and the memory (50 MB).
const LEAST_WEIGHT: u32 = 1024;

/// How many contacts' changes by others are remembered one by one.
const OUTDATED: usize = 10_000;

/// What is known of contacts' tags. Clones share one cache.
#[derive(Debug, Clone)]
pub struct Knowledge {
    facts: Cache<(u64, ContactKey), Arc<Entry>>,
    /// Whose knowledge: another account under the same name has another one.
    of: u64,
    accounts: Arc<AtomicU64>,
    outdated: Arc<Mutex<Outdated>>,
    tenures: Arc<Mutex<HashMap<u8, u64>>>,
}

/// Since when nothing older is believed of whom: an answer may come after others were heard to have changed the tags, to a call
/// that began before. It is kept beside the cache, which may drop an entry whenever it likes.
#[derive(Debug, Default)]
struct Outdated {
    of: HashMap<(u64, ContactKey), Timestamp>,
    /// Of anybody: what stands for those that were too many.
    everybody: Option<Timestamp>,
}

/// What there is of a contact.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// What calls told.
    certain: Facts,
    /// What of it news told once more, with its time.
    confirmed: BTreeMap<TagName, (Timestamp, bool)>,
    /// What news told.
    told: Facts,
}

/// What a contact's tags were last, by calls and by news, each as of its time. Nothing may be skipped because of it.
#[derive(Debug, Clone, Default)]
pub struct LastKnown(Facts);

#[derive(Debug, Clone, Default)]
struct Facts {
    whole: Option<(Timestamp, BTreeSet<TagName>)>,
    /// Newer than the list; `None` is a doubt.
    single: BTreeMap<TagName, (Timestamp, Option<bool>)>,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self::new()
    }
}

impl Knowledge {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let capacity = CONTACTS * u64::from(LEAST_WEIGHT);
        let facts = Cache::builder().max_capacity(capacity).weigher(|_, entry: &Arc<Entry>| entry.weight()).build();
        Self { facts, of: 0, accounts: Arc::default(), outdated: Arc::default(), tenures: Arc::default() }
    }

    /// For another account, of which nothing is known; one bound holds the memory of both.
    #[must_use]
    pub fn anew(&self) -> Self {
        let of = self.accounts.fetch_add(1, Ordering::Relaxed) + 1;
        Self { of, ..self.clone() }
    }

    /// What is known at `now` and was learnt less than `ttl` ago; with a `ttl` of zero that is nothing. A fact from the
    /// future is not trusted either: the clock has been set back, and nobody knows how old it is.
    pub fn known(&self, key: ContactKey, now: Timestamp, ttl: Duration) -> KnownTags {
        let Some(entry) = self.facts.get(&(self.of, key)) else { return KnownTags::nothing() };
        let is_fresh = |at| is_within(at, now, ttl);
        let mut known = entry.certain.fresh(is_fresh);
        for (tag, (at, there)) in &entry.confirmed {
            // Whatever a call has told otherwise since, when that call began and the news came proves nothing.
            if is_fresh(*at) && entry.certain.says(tag) == Some(*there) {
                known.set(tag.clone(), *there);
            }
        }
        known
    }

    /// What was learnt or told last, however long ago: for comparing news with, and to be shown.
    pub fn last_known(&self, key: ContactKey) -> LastKnown {
        let entry = self.facts.get(&(self.of, key)).map(Arc::unwrap_or_clone).unwrap_or_default();
        LastKnown(entry.certain.or_newer(entry.told))
    }

    /// News told this, as was heard at `at`; it proves nothing of the tags that are in play. It is for [`Self::last_known`] alone.
    pub fn hear(&self, key: ContactKey, news: &News, in_play: &[TagName], at: Timestamp) {
        self.change(key, |entry| {
            let told = &mut entry.told;
            match news {
                News::All(tags) => *told = Facts { whole: Some((at, tags.clone())), ..Facts::default() },
                News::Some(tags) => {
                    told.single.extend(tags.iter().map(|(tag, there)| (tag.clone(), (at, Some(*there)))));
                }
                News::Unknown => {}
            }
            told.unsure(in_play, at);
        });
    }

    /// News told these facts once more: as far as calls told the same, less than `ttl` ago and with nothing heard against it since, they
    /// are trusted as long as if they had been learnt with that news. Nothing is learnt by it: what a call tells overrules it, whenever that began.
    pub fn confirm(&self, key: ContactKey, facts: &[(TagName, bool)], at: Timestamp, ttl: Duration) {
        let _outdated = self.outdated();
        self.change(key, |entry| {
            for (tag, there) in facts {
                let learnt = entry.certain.learnt(tag).filter(|learnt| is_within(*learnt, at, ttl));
                if learnt.is_some() && entry.certain.says(tag) == Some(*there) {
                    entry.confirmed.insert(tag.clone(), (at, *there));
                }
            }
        });
    }

    /// The provider told the whole list at `at`. What was learnt later than that stays; of what it contradicts nobody can say which of
    /// the two calls came first at the provider.
    pub fn learn_whole(&self, key: ContactKey, tags: &[TagName], at: Timestamp) {
        let outdated = self.outdated();
        if outdated.has((self.of, key), at) {
            return;
        }
        self.change(key, |Entry { certain: facts, .. }| {
            if let Some((known, later)) = facts.whole.as_ref().filter(|(known, _)| *known > at) {
                let told: BTreeSet<TagName> = tags.iter().cloned().collect();
                let (known, differing) = (*known, later.symmetric_difference(&told).cloned().collect::<Vec<_>>());
                facts.unsure(&differing, known);
                return;
            }
            facts.single.retain(|_, (learnt, _)| *learnt > at);
            facts.whole = Some((at, tags.iter().cloned().collect()));
        });
    }

    /// A call at `at` was acknowledged: the tag is there or isn't. Of two facts the later one stays, and two that contradict each
    /// other leave a doubt: the calls were under way together.
    pub fn learn(&self, key: ContactKey, tag: &TagName, present: bool, at: Timestamp) {
        let outdated = self.outdated();
        if outdated.has((self.of, key), at) {
            return;
        }
        self.change(key, |Entry { certain: facts, .. }| {
            let newest = facts.single.get(tag).map(|(learnt, _)| *learnt).max(facts.whole.as_ref().map(|(t, _)| *t));
            match newest.filter(|newest| *newest > at) {
                None => drop(facts.single.insert(tag.clone(), (at, Some(present)))),
                Some(_) if facts.says(tag) == Some(present) => {}
                Some(newest) => facts.unsure(std::slice::from_ref(tag), newest),
            }
        });
    }

    /// A call that ended at `at` had no clear answer: its tags are unknown until a call that began later tells, whatever was known.
    pub fn doubt(&self, key: ContactKey, tags: &[TagName], at: Timestamp) {
        self.change(key, |Entry { certain: facts, .. }| {
            let newest = facts.newest().max(at);
            facts.unsure(tags, newest);
        });
    }

    /// Nothing is known of this contact any more.
    pub fn forget(&self, key: ContactKey) {
        self.facts.invalidate(&(self.of, key));
    }

    /// Somebody else changed this contact's tags, as was heard at `by`: what was learnt by then goes, and nothing that a call tells
    /// which began by then is believed. What seems to be learnt after `now` was so before the clock was set back, and goes too. Where many are heard of at once that costs calls, of others too, and never correctness.
    pub fn outdate(&self, key: ContactKey, by: Timestamp, now: Timestamp) {
        let mut outdated = self.outdated();
        outdated.add((self.of, key), by);
        // What news told is no more than that, and stays for comparing.
        self.facts.entry((self.of, key)).and_compute_with(|entry| match entry.map(moka::Entry::into_value) {
            Some(entry) => match Arc::unwrap_or_clone(entry).between(by, now) {
                entry if entry.certain.is_empty() && entry.told.is_empty() => Op::Remove,
                entry => Op::Put(Arc::new(entry)),
            },
            None => Op::Remove,
        });
    }

    /// Held while a fact is written: no older one may slip in behind a change that is heard of at that moment.
    fn outdated(&self) -> MutexGuard<'_, Outdated> {
        self.outdated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This gateway has a contact's bucket for the so-manieth time: what it knew of the bucket's contacts from before is known no
    /// more, for another gateway has called for them since.
    pub fn has(&self, key: ContactKey, tenure: u64) {
        let mut tenures = self.tenures.lock().unwrap_or_else(PoisonError::into_inner);
        let before = tenures.insert(key.bucket(), tenure);
        drop(tenures);
        if before != Some(tenure) {
            let gone = self.facts.iter().map(|(known, _)| *known).filter(|(_, known)| known.bucket() == key.bucket());
            gone.collect::<Vec<_>>().iter().for_each(|known| self.facts.invalidate(known));
        }
    }

    /// Nothing is known of anybody any more.
    pub fn forget_all(&self) {
        self.facts.invalidate_all();
    }

    /// Reads and writes as one step, so that two facts learnt at once are both kept.
    fn change(&self, key: ContactKey, change: impl FnOnce(&mut Entry)) {
        self.facts.entry((self.of, key)).and_compute_with(|entry| {
            let mut entry = entry.map(moka::Entry::into_value).unwrap_or_default();
            change(Arc::make_mut(&mut entry));
            Op::Put(entry)
        });
    }
}

impl Outdated {
    fn has(&self, whose: (u64, ContactKey), at: Timestamp) -> bool {
        self.of.get(&whose).max(self.everybody.as_ref()).is_some_and(|since| at <= *since)
    }

    fn add(&mut self, whose: (u64, ContactKey), at: Timestamp) {
        if self.of.len() >= OUTDATED {
            self.everybody = self.of.drain().map(|(_, since)| since).max().max(self.everybody);
        }
        let since = self.of.entry(whose).or_insert(at);
        *since = at.max(*since);
    }
}

fn is_within(at: Timestamp, now: Timestamp, ttl: Duration) -> bool {
    (0..i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)).contains(&now.since(at))
}

impl Entry {
    /// Without what calls told that began by the one time or after the other.
    fn between(mut self, by: Timestamp, now: Timestamp) -> Self {
        let stays = |at: Timestamp| by < at && at <= now;
        self.certain.whole.take_if(|(learnt, _)| !stays(*learnt));
        self.certain.single.retain(|_, (learnt, _)| stays(*learnt));
        self.confirmed.retain(|_, (told, _)| stays(*told));
        self
    }

    fn weight(&self) -> u32 {
        let confirmed = u32::try_from(self.confirmed.len()).unwrap_or(u32::MAX).saturating_mul(LEAST_WEIGHT);
        self.certain.weight().saturating_add(self.told.weight()).saturating_add(confirmed).max(LEAST_WEIGHT)
    }
}

impl LastKnown {
    /// Of several that one person is known as.
    #[must_use]
    pub fn or_newer(self, other: Self) -> Self {
        Self(self.0.or_newer(other.0))
    }

    /// Our last word on a tag took at `at`: what contradicts it and isn't newer holds no more.
    pub fn overrule(&mut self, tag: &TagName, wants: bool, at: Timestamp) {
        if self.0.says(tag) == Some(!wants) && self.0.learnt(tag).is_some_and(|learnt| learnt <= at) {
            self.0.unsure(std::slice::from_ref(tag), at);
        }
    }

    /// All of it, however old.
    pub fn all(&self) -> KnownTags {
        self.0.fresh(|_| true)
    }

    /// What of it is less than `ttl` old at `now`.
    pub fn within(&self, now: Timestamp, ttl: Duration) -> KnownTags {
        self.0.fresh(|at| is_within(at, now, ttl))
    }
}

impl Facts {
    /// Of two facts about a tag the newer one.
    fn or_newer(self, other: Self) -> Self {
        let whole = if other.whole.as_ref().map(|(at, _)| at) > self.whole.as_ref().map(|(at, _)| at) {
            other.whole
        } else {
            self.whole
        };
        let mut single = self.single;
        for (tag, fact) in other.single {
            if single.get(&tag).is_none_or(|(at, _)| *at < fact.0) {
                single.insert(tag, fact);
            }
        }
        // A doubt of the same moment is about the list.
        let holds =
            |(at, fact): &(Timestamp, Option<bool>), told: Timestamp| *at > told || *at == told && fact.is_none();
        single.retain(|_, fact| whole.as_ref().is_none_or(|(told, _)| holds(fact, *told)));
        Self { whole, single }
    }

    /// When it was learnt what the newest facts say of a tag.
    fn learnt(&self, tag: &TagName) -> Option<Timestamp> {
        self.single.get(tag).map(|(at, _)| *at).or_else(|| self.whole.as_ref().map(|(at, _)| *at))
    }

    /// What the newest facts say of a tag.
    fn says(&self, tag: &TagName) -> Option<bool> {
        match self.single.get(tag) {
            Some((_, fact)) => *fact,
            None => self.whole.as_ref().map(|(_, tags)| tags.contains(tag)),
        }
    }

    fn unsure(&mut self, tags: &[TagName], at: Timestamp) {
        for tag in tags {
            self.single.insert(tag.clone(), (at, None));
        }
    }

    fn fresh(&self, is_fresh: impl Fn(Timestamp) -> bool) -> KnownTags {
        let list = self.whole.as_ref().filter(|(at, _)| is_fresh(*at));
        let mut known = list.map_or_else(KnownTags::nothing, |(_, tags)| KnownTags::whole(tags.iter().cloned()));
        for (tag, (at, fact)) in &self.single {
            match fact {
                Some(present) if is_fresh(*at) => known.set(tag.clone(), *present),
                // Doubt doesn't age: a list that is older than it must not speak for the tag.
                _ if list.is_some() => known.doubt(tag.clone()),
                _ => {}
            }
        }
        known
    }

    fn is_empty(&self) -> bool {
        self.whole.is_none() && self.single.is_empty()
    }

    fn newest(&self) -> Timestamp {
        let singles = self.single.values().map(|(at, _)| *at).max();
        singles.max(self.whole.as_ref().map(|(at, _)| *at)).unwrap_or_default()
    }

    /// Bytes, about: a name, its place in a tree, its time.
    fn weight(&self) -> u32 {
        let listed = self.whole.iter().flat_map(|(_, tags)| tags);
        let names: usize = listed.chain(self.single.keys()).map(|tag| tag.as_str().len() + 64).sum();
        u32::try_from(names).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
