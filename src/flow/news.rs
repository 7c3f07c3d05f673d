//! News of tags: what a provider tells is held against what we did, before the event that tells it is judged.
//!
//! What is judged is the store's, so any gateway may hear it. What is learnt stays where it was heard; whichever gateway has the
//! contact drops what it knew wherever that may be wrong.

use std::sync::Arc;

use super::converge::Account;
use super::echo::{Before, Verdict, judge};
use super::gateway::Gateway;
use crate::clock;
use crate::domain::contact::Contact;
use crate::domain::event::Event;
use crate::domain::known::KnownTags;
use crate::domain::news::News;
use crate::domain::time::Timestamp;
use crate::rules::{Catalog, tags_told};
use crate::store::StoreError;

/// Judges what an event tells of tags, and marks it where it is an echo. Whether it told of any.
pub async fn hear(gateway: &Gateway, catalog: &Catalog, event: &mut Event<'_>) -> Result<bool, StoreError> {
    let Some(told) = tags_told(catalog, event) else { return Ok(false) };
    let news = told.news;
    let accounts = gateway.deliveries.accounts();
    let (mut echoes, mut doubtful) = (false, Vec::new());
    for contact in &told.whose {
        let Some(account) = accounts.iter().find(|account| account.config.name == contact.connection) else { continue };
        let known_as = gateway.store.reader().known_as(contact.clone()).await?;
        let before = before(gateway, account, &known_as).await?;
        let now = clock::now();
        let verdict = judge(&news, &before, now);
        tracing::debug!(connection = %contact.connection, ?verdict, "tags are told of");
        echoes |= matches!(verdict, Verdict::Echo { .. });
        for one in &known_as {
            believe(account, one, &news, verdict, now);
        }
        if verdict != (Verdict::Echo { current: true }) {
            doubtful.extend(known_as.iter().map(|one| (one.key(), one.connection.clone())));
        }
    }
    gateway.store.outdated(doubtful).await?;
    if echoes {
        event.mark_as_echo();
    }
    Ok(true)
}

/// What we know of a person, under whatever they are known by.
async fn before(gateway: &Gateway, account: &Account, known_as: &[Contact]) -> Result<Before, StoreError> {
    let mut before = Before::default();
    for contact in known_as {
        // First: what is settled in between is then a word, and not lost between the two.
        let taken = gateway.store.look(contact.key()).await?;
        before.waiting.extend(taken.changes.iter().filter_map(|(_, change)| change.effect.tag().cloned()));
        for (tag, word) in gateway.store.reader().words(contact.clone()).await? {
            if word.how.took() {
                // Also where nothing had to be called: a call right before may have been what made it so.
                before.words.insert(tag, (word.wants, word.at));
            }
        }
        let known = account.knowledge.last_known(contact.key());
        if known != KnownTags::nothing() {
            before.known = known;
        }
    }
    Ok(before)
}

/// What is current is learnt; whatever else is told, what was known before isn't believed any more. What another hand did is
/// learnt after that, so that it is shown.
fn believe(account: &Arc<Account>, contact: &Contact, news: &News, verdict: Verdict, now: Timestamp) {
    let (knowledge, key) = (&account.knowledge, contact.key());
    let at = match verdict {
        Verdict::Echo { current: true } => now,
        Verdict::Echo { current: false } => return knowledge.outdate(key, now),
        Verdict::Foreign => {
            knowledge.outdate(key, now);
            now.plus_millis(1)
        }
    };
    match news {
        News::All(tags) => knowledge.learn_whole(key, &tags.iter().cloned().collect::<Vec<_>>(), at),
        News::Some(tags) => tags.iter().for_each(|(tag, there)| knowledge.learn(key, tag, *there, at)),
        News::Unknown => knowledge.outdate(key, now),
    }
}
