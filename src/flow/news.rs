//! News of tags: what a provider tells is held against what we did, before the event that tells it is judged.
//!
//! News may come late, twice or out of order, and is heard before anybody knows whether the event repeats another. So it never says
//! how tags are: what is known is dropped by it, or stays known where it agrees. What was told is remembered for judging later news
//! once the event is stored, and by no event that repeats another: whoever gets no answer tells the same again, and is no echo of that.
//!
//! What is judged is the store's, so any gateway may hear it. What is remembered stays where it was heard, and our own words, which
//! all gateways have, overrule what is older; whichever gateway has the contact drops what it knew wherever that may be wrong.

use std::sync::Arc;

use super::converge::Account;
use super::echo::{Before, Verdict, judge};
use super::gateway::Gateway;
use crate::clock;
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::event::Event;
use crate::domain::news::News;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::providers::knowledge::LastKnown;
use crate::rules::{Catalog, tags_told};
use crate::store::StoreError;

/// What is to be remembered of news of one contact.
pub struct Heard {
    account: Arc<Account>,
    key: ContactKey,
    news: Arc<News>,
    /// Tags of which it proves nothing.
    unproven: Vec<TagName>,
    at: Timestamp,
}

impl Heard {
    /// The event that told it is stored, and new.
    pub fn remember(&self) {
        self.account.knowledge.hear(self.key, &self.news, &self.unproven, self.at);
    }
}

/// Judges what an event tells of tags, and marks it where it is an echo. What is to be remembered of it, where it told of any.
pub async fn hear(
    gateway: &Gateway,
    catalog: &Catalog,
    event: &mut Event<'_>,
) -> Result<Option<Vec<Heard>>, StoreError> {
    let Some(told) = tags_told(catalog, event) else { return Ok(None) };
    let (news, mut heard) = (Arc::new(told.news), Vec::new());
    let accounts = gateway.deliveries.accounts();
    let (mut verdicts, mut doubtful) = (Vec::new(), Vec::new());
    for contact in &told.whose {
        let Some(account) = accounts.iter().find(|account| account.config.name == contact.connection) else { continue };
        let known_as = gateway.store.reader().known_as(contact.clone()).await?;
        let before = before(gateway, account, &known_as).await?;
        let now = clock::now();
        let verdict = judge(&news, &before, now);
        tracing::debug!(connection = %contact.connection, ?verdict, "tags are told of");
        verdicts.push((before.is_touched(), matches!(verdict, Verdict::Echo { .. })));
        for one in &known_as {
            doubt(account, one.key(), &news, &before, verdict, now);
        }
        if verdict != (Verdict::Echo { current: false }) {
            let in_play = before.words.keys().chain(&before.waiting).filter(|tag| before.is_in_play(tag, now));
            let unproven: Vec<_> = if verdict == Verdict::Foreign { in_play.cloned().collect() } else { Vec::new() };
            heard.extend(known_as.iter().map(|one| Heard {
                account: Arc::clone(account),
                key: one.key(),
                news: Arc::clone(&news),
                unproven: unproven.clone(),
                at: now,
            }));
        }
        if verdict != (Verdict::Echo { current: true }) {
            doubtful.extend(known_as.iter().map(|one| (one.key(), one.connection.clone())));
        }
    }
    gateway.store.outdated(doubtful).await?;
    // Where an id is known at several connections, those at which we did something say what it is.
    let any_touched = verdicts.iter().any(|(touched, _)| *touched);
    if verdicts.iter().any(|(touched, is_echo)| *is_echo && (*touched || !any_touched)) {
        event.mark_as_echo();
    }
    Ok(Some(heard))
}

/// What we know of a person, under whatever they are known by.
async fn before(gateway: &Gateway, account: &Account, known_as: &[Contact]) -> Result<Before, StoreError> {
    let (mut before, mut last) = (Before::default(), LastKnown::default());
    for contact in known_as {
        // First: what is settled in between is then a word, and not lost between the two.
        let taken = gateway.look(contact).await?;
        before.waiting.extend(taken.changes.iter().filter_map(|(_, change)| change.effect.tag().cloned()));
        for (tag, word) in gateway.store.reader().words(contact.clone()).await? {
            if word.how.took() {
                // Also where nothing had to be called: a call right before may have been what made it so.
                before.words.insert(tag, (word.wants, word.at));
            }
        }
        last = last.or_newer(account.knowledge.last_known(contact.key()));
    }
    // Another gateway may have had the words, and this one have heard the news before them.
    before.words.iter().for_each(|(tag, (wants, at))| last.overrule(tag, *wants, *at));
    before.known = last.all();
    Ok(before)
}

/// What may be wrong is known no more; what our last words say too stays known.
fn doubt(account: &Account, key: ContactKey, news: &News, before: &Before, verdict: Verdict, now: Timestamp) {
    let knowledge = &account.knowledge;
    if verdict == (Verdict::Echo { current: true }) {
        let told = |tag: &TagName| match news {
            News::All(tags) => Some(tags.contains(tag)),
            News::Some(tags) => tags.get(tag).copied(),
            News::Unknown => None,
        };
        let words = before.words.iter().filter(|(tag, (wants, _))| told(tag) == Some(*wants));
        let agreed: Vec<(TagName, bool)> = words.map(|(tag, (wants, _))| (tag.clone(), *wants)).collect();
        knowledge.confirm(key, &agreed, now, account.config.tag_cache);
    } else {
        knowledge.outdate(key, now, now);
    }
}
