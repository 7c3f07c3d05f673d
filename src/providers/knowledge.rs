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
        entry.certain.fresh(|at| is_within(at, now, ttl))
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
    /// are as fresh as that news. Nothing is learnt by it.
    pub fn confirm(&self, key: ContactKey, facts: &[(TagName, bool)], at: Timestamp, ttl: Duration) {
        let _outdated = self.outdated();
        self.change(key, |entry| {
            for (tag, there) in facts {
                let learnt = entry.certain.learnt(tag).filter(|learnt| is_within(*learnt, at, ttl));
                if learnt.is_some() && entry.certain.says(tag) == Some(*there) {
                    entry.certain.single.insert(tag.clone(), (at, Some(*there)));
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

    /// Somebody else changed this contact's tags, as was heard at `at`: what is known goes, and nothing that a call tells which
    /// began by then is believed. Where many are heard of at once that costs calls, of others too, and never correctness.
    pub fn outdate(&self, key: ContactKey, at: Timestamp) {
        let mut outdated = self.outdated();
        outdated.add((self.of, key), at);
        self.facts.invalidate(&(self.of, key));
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
        if before.is_some_and(|before| before != tenure) {
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
    fn weight(&self) -> u32 {
        self.certain.weight().saturating_add(self.told.weight()).max(LEAST_WEIGHT)
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
mod tests {
    use super::*;

    const KEY: ContactKey = ContactKey([7; 16]);
    const TTL: Duration = Duration::from_millis(100);

    fn tag(name: &str) -> TagName {
        TagName::parse(name).expect("a tag")
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    #[test]
    fn facts_age_each_on_its_own() {
        let knowledge = Knowledge::new();
        knowledge.learn_whole(KEY, &[tag("a")], at(1000));
        knowledge.learn(KEY, &tag("b"), true, at(1050));
        let get = |now, name: &str| knowledge.known(KEY, at(now), TTL).get(&tag(name));
        assert_eq!((get(1099, "a"), get(1099, "b"), get(1099, "c")), (Some(true), Some(true), Some(false)));
        assert_eq!((get(1100, "a"), get(1100, "b"), get(1100, "c")), (None, Some(true), None));
        assert_eq!(get(1150, "b"), None);
        assert_eq!(get(999, "a"), None, "the clock was set back");
        assert_eq!(knowledge.known(KEY, at(1000), Duration::ZERO), KnownTags::nothing());
    }

    #[test]
    fn an_old_fact_about_a_tag_does_not_bring_back_an_older_list() {
        let knowledge = Knowledge::new();
        knowledge.learn_whole(KEY, &[tag("a")], at(1000));
        knowledge.doubt(KEY, &[tag("a")], at(1000));
        assert_eq!(knowledge.known(KEY, at(1001), TTL).get(&tag("a")), None);
        knowledge.learn(KEY, &tag("a"), false, at(1010));
        assert_eq!(knowledge.known(KEY, at(1011), TTL).get(&tag("a")), Some(false));
    }

    #[test]
    fn facts_that_come_late_change_nothing_where_they_agree_and_leave_a_doubt_where_they_do_not() {
        let knowledge = Knowledge::new();
        let get = |name: &str| knowledge.known(KEY, at(1060), TTL).get(&tag(name));
        knowledge.learn(KEY, &tag("b"), true, at(1050));
        knowledge.learn_whole(KEY, &[], at(1000));
        knowledge.learn(KEY, &tag("b"), true, at(1040));
        assert_eq!((get("b"), get("a")), (Some(true), Some(false)));
        knowledge.learn(KEY, &tag("b"), false, at(1040));
        assert_eq!((get("b"), get("a")), (None, Some(false)), "both calls were under way");
        knowledge.learn_whole(KEY, &[tag("a"), tag("c")], at(1060));
        assert_eq!((get("b"), get("a")), (Some(false), Some(true)), "a later call has seen what came of both");
        knowledge.learn_whole(KEY, &[tag("c")], at(1055));
        assert_eq!(
            (get("a"), get("b"), get("c")),
            (None, Some(false), Some(true)),
            "where two lists differ nobody can say"
        );
    }

    #[test]
    fn a_list_that_was_asked_for_before_a_call_ended_in_doubt_does_not_clear_the_doubt() {
        let knowledge = Knowledge::new();
        knowledge.doubt(KEY, &[tag("a")], at(1010));
        knowledge.learn_whole(KEY, &[], at(1005));
        let get = || knowledge.known(KEY, at(1020), TTL).get(&tag("a"));
        assert_eq!(get(), None);
        knowledge.learn_whole(KEY, &[], at(1010));
        assert_eq!(get(), Some(false));
    }

    #[test]
    fn doubt_lasts_until_the_next_fact() {
        let knowledge = Knowledge::new();
        knowledge.doubt(KEY, &[tag("a")], at(1000));
        assert_eq!(knowledge.known(KEY, at(1000), TTL).get(&tag("a")), None);
        knowledge.learn_whole(KEY, &[tag("a")], at(1000));
        assert_eq!(knowledge.known(KEY, at(1000), TTL).get(&tag("a")), Some(true));
        knowledge.forget(KEY);
        assert_eq!(knowledge.known(KEY, at(1000), TTL), KnownTags::nothing());
    }

    #[test]
    fn an_answer_to_a_call_from_before_somebody_elses_change_is_not_believed() {
        let knowledge = Knowledge::new();
        knowledge.learn(KEY, &tag("a"), true, at(1000));
        knowledge.outdate(KEY, at(1010));
        let get = || knowledge.known(KEY, at(1020), TTL).get(&tag("a"));
        assert_eq!(get(), None);
        knowledge.learn(KEY, &tag("a"), true, at(1005));
        knowledge.learn_whole(KEY, &[tag("a")], at(1010));
        assert_eq!(get(), None, "both began by then");
        knowledge.outdate(KEY, at(1000));
        knowledge.learn(KEY, &tag("a"), true, at(1010));
        assert_eq!(get(), None, "what was heard first came last");
        knowledge.learn(ContactKey([8; 16]), &tag("a"), true, at(1005));
        assert_eq!(knowledge.known(ContactKey([8; 16]), at(1020), TTL).get(&tag("a")), Some(true), "another contact");
        knowledge.learn_whole(KEY, &[], at(1011));
        assert_eq!(get(), Some(false));
    }

    #[test]
    fn of_too_many_changes_by_others_the_newest_speaks_for_all() {
        let knowledge = Knowledge::new();
        knowledge.outdate(KEY, at(1010));
        for n in 0..OUTDATED {
            let mut key = [9; 16];
            key[..8].copy_from_slice(&n.to_be_bytes());
            knowledge.outdate(ContactKey(key), at(1000));
        }
        assert!(knowledge.outdated().of.len() <= OUTDATED);
        knowledge.learn(KEY, &tag("a"), true, at(1010));
        assert_eq!(knowledge.known(KEY, at(1020), TTL).get(&tag("a")), None);
        knowledge.learn(KEY, &tag("a"), true, at(1011));
        assert_eq!(knowledge.known(KEY, at(1020), TTL).get(&tag("a")), Some(true));
    }

    #[test]
    fn another_account_begins_without_knowledge_and_leaves_the_first_its_own() {
        let knowledge = Knowledge::new();
        knowledge.learn(KEY, &tag("a"), true, at(1000));
        let other = knowledge.anew();
        assert_eq!(other.known(KEY, at(1001), TTL), KnownTags::nothing());
        other.learn(KEY, &tag("a"), false, at(1001));
        assert_eq!(knowledge.known(KEY, at(1002), TTL).get(&tag("a")), Some(true));
        assert_eq!(other.anew().known(KEY, at(1002), TTL), KnownTags::nothing());
    }

    #[test]
    fn a_contact_with_many_tags_weighs_more() {
        let many: BTreeSet<TagName> = (0..1000).map(|n| tag(&format!("tag {n}"))).collect();
        let facts = Facts { whole: Some((at(0), many)), ..Facts::default() };
        assert!(facts.weight() > 60_000);
        assert_eq!(Entry::default().weight(), LEAST_WEIGHT);
    }

    #[test]
    fn what_news_told_is_never_known_and_what_it_repeats_stays_known_for_longer() {
        let knowledge = Knowledge::new();
        let get = |now| knowledge.known(KEY, at(now), TTL).get(&tag("a"));
        knowledge.hear(KEY, &News::All([tag("a")].into()), &[], at(1000));
        knowledge.confirm(KEY, &[(tag("a"), true)], at(1000), TTL);
        assert_eq!(get(1000), None, "nothing is learnt from news");
        assert_eq!(knowledge.last_known(KEY).all(), KnownTags::whole([tag("a")]));
        knowledge.learn(KEY, &tag("a"), true, at(1010));
        knowledge.confirm(KEY, &[(tag("a"), true)], at(1050), TTL);
        assert_eq!((get(1149), get(1150)), (Some(true), None));
        knowledge.confirm(KEY, &[(tag("a"), true)], at(1160), TTL);
        assert_eq!(get(1161), None, "what isn't trusted any more isn't trusted again");
        knowledge.learn(KEY, &tag("a"), true, at(1200));
        knowledge.confirm(KEY, &[(tag("a"), false)], at(1210), TTL);
        assert_eq!((get(1299), get(1300)), (Some(true), None), "it told otherwise");
        knowledge.learn(KEY, &tag("a"), true, at(1400));
        knowledge.outdate(KEY, at(1410));
        knowledge.confirm(KEY, &[(tag("a"), true)], at(1420), TTL);
        assert_eq!(get(1421), None, "news that comes late or twice doesn't bring back what another hand has changed");
    }

    #[test]
    fn of_calls_news_and_our_words_the_newest_holds() {
        let knowledge = Knowledge::new();
        let last = |name: &str, words: &[(bool, i64)]| {
            let mut last = knowledge.last_known(KEY);
            words.iter().for_each(|(wants, when)| last.overrule(&tag(name), *wants, at(*when)));
            last.all().get(&tag(name))
        };
        knowledge.learn(KEY, &tag("a"), true, at(1000));
        knowledge.hear(KEY, &News::All([tag("b")].into()), &[tag("c")], at(1010));
        knowledge.learn(KEY, &tag("d"), true, at(1020));
        let each = ["a", "b", "c", "d", "e"].map(|name| last(name, &[]));
        assert_eq!(each, [Some(false), Some(true), None, Some(true), Some(false)]);
        assert_eq!(last("b", &[(false, 1009)]), Some(true), "the news is newer");
        assert_eq!(last("b", &[(false, 1010)]), None, "our word is");
        assert_eq!(last("b", &[(true, 1500)]), Some(true), "and says the same");
        knowledge.hear(KEY, &News::Some([(tag("d"), false)].into()), &[], at(1030));
        assert_eq!((last("d", &[]), last("b", &[])), (Some(false), Some(true)));
        assert_eq!(knowledge.last_known(KEY).within(at(1115), TTL).get(&tag("b")), None, "it has aged");
        knowledge.forget(KEY);
        assert_eq!(knowledge.last_known(KEY).all(), KnownTags::nothing());
    }
}
