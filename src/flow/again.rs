//! Last words that are said again: a gateway whose lease had ended may have called for older ones since.
//!
//! A call that has left can't be called back. So whoever has the contact now asks for all that its last words want once more, by an
//! event that anybody can look up; each part of it holds only as long as the word that it repeats is the last one.

use std::sync::Arc;

use serde_json::json;

use super::gateway::Gateway;
use crate::clock;
use crate::domain::change::{Change, Terms};
use crate::domain::contact::ContactKey;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::rules::tags_by_hand;
use crate::store::{Blame, Intake, Origin, StoreError};

/// The source and the rule under which it stands.
pub const NAME: &str = "tagrelay.again";

/// Serves until the deliveries end.
pub async fn run(gateway: Arc<Gateway>) {
    let Some(mut contacts) = gateway.deliveries.said_again() else { return };
    while let Some((key, entry)) = contacts.recv().await {
        // Nobody asks a second time as long as this gateway is there: it is tried until it is written.
        while let Err(error) = answer(&gateway, key, entry).await {
            tracing::error!(%error, "last words could not be said again; it is tried again");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

/// Whoever has the contact next is asked again, should this gateway end in between.
async fn answer(gateway: &Gateway, key: ContactKey, entry: i64) -> Result<(), StoreError> {
    say_again(gateway, key).await?;
    gateway.store.said_again(key, entry).await
}

async fn say_again(gateway: &Gateway, key: ContactKey) -> Result<(), StoreError> {
    let reader = gateway.store.reader();
    let Some(record) = reader.contact_record(key).await? else { return Ok(()) };
    let view = reader.contact(record.contact.clone()).await?;
    // What waits is called for anyway; what never took effect isn't owed to anybody.
    let taken: Vec<&(TagName, Blame)> = view.tags.iter().filter(|(_, blame)| blame.word.how.took()).collect();
    let (add, remove): (Vec<_>, Vec<_>) = taken.into_iter().partition(|(_, blame)| blame.word.wants);
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    let source = SourceName::parse(NAME).expect("it has the letters of a name");
    let rule = RuleId::parse(NAME).expect("it has the letters of a name");
    let (set, now) = (gateway.rules(), clock::now());
    let names = |words: &[&(TagName, Blame)]| words.iter().map(|(tag, _)| tag.clone()).collect();
    let changes = tags_by_hand(&set.catalog, &rule, &record.contact, names(&add), names(&remove));
    let asked: Vec<_> = remove.into_iter().chain(add).collect();
    let repeats = changes.into_iter().zip(&asked).map(|(change, (_, blame))| {
        let ends = view.timers.iter().find(|timer| timer.add == blame.word.id).map(|timer| timer.due);
        let left = ends.map(|due| due.since(now).max(0) as u64);
        let terms = change.terms.as_deref().cloned().unwrap_or_default();
        Change { terms: Terms { ends: Some(blame.word.id), lasts_ms: left, ..terms }.boxed(), ..change }
    });
    let mut decision = Decision { rules: vec![rule], changes: repeats.collect(), ..Decision::default() };
    let note = "another gateway may have called for older words after its lease had ended".to_owned();
    let origin = Origin { note, ..Origin::default() };
    let event = Event { kind: Some("again".into()), ..Event::empty(source, now) };
    let body = json!({ "contact": record.contact.reference.to_string() }).to_string();
    let intake = Intake::from(&origin, &event, set.catalog.hash(), &mut decision, b"{}", body.as_bytes());
    gateway.store.accept(vec![intake]).await?;
    tracing::info!(connection = %record.contact.connection, tags = asked.len(), "last words said again");
    Ok(())
}
