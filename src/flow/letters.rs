//! Dead letters that a person has looked at: tried again under their old numbers, asked for anew, or ended for good.

use super::gateway::Gateway;
use crate::clock;
use crate::domain::change::{Change, ChangeId, Terms};
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::SourceName;
use crate::rules::{Catalog, lists_tag};
use crate::store::{Accepted, Again, DeadFilter, DeadLetter, DeadQuery, Intake, Origin, StoreError};

/// The source under which dead letters stand that are asked for anew.
pub const SOURCE: &str = "tagrelay.retry";

/// Letters that are read and acted on in one go.
const PAGE: usize = 256;

/// A dead letter that was asked for anew.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Renewed {
    /// The letter, as `17.0`.
    pub id: String,
    /// The event that asks for the same.
    pub event: String,
}

/// Puts the changes back under their old numbers; gives how many there were. A later word on their tag still wins.
pub async fn retry(gateway: &Gateway, filter: &DeadFilter) -> Result<usize, StoreError> {
    let rules = gateway.rules();
    let mut count = 0;
    let mut before = None;
    while let Some(page) = page(gateway, filter, &mut before).await? {
        let again = |(id, letter): &(ChangeId, DeadLetter)| Again { id: *id, mended: mended(&rules.catalog, letter) };
        let done = gateway.store.retry_dead(page.iter().map(again).collect()).await?;
        count += done.len();
        for id in done {
            tracing::info!(change = %id, "dead letter retried");
        }
    }
    Ok(count)
}

/// Asks for the same again by a new event each, with a number of today: it has the last word over all that came since.
pub async fn renew(gateway: &Gateway, filter: &DeadFilter) -> Result<Vec<Renewed>, StoreError> {
    let rules = gateway.rules();
    let mut renewed = Vec::new();
    let mut all = Vec::new();
    let mut before = None;
    while let Some(page) = page(gateway, filter, &mut before).await? {
        all.extend(page);
    }
    // Oldest first over all of them, so that of two letters about one tag the later one keeps the last word.
    all.reverse();
    while !all.is_empty() {
        let page: Vec<_> = all.drain(..all.len().min(PAGE)).collect();
        let intake = page.iter().map(|(id, letter)| intake(&rules.catalog, *id, letter)).collect();
        // A crash between this and the end of a letter asks for it again: the same key makes that a duplicate.
        let accepted = gateway.store.accept(intake).await?;
        for ((id, _), accepted) in page.into_iter().zip(accepted) {
            let (Accepted::New(ord) | Accepted::Duplicate { ord, .. }) = accepted;
            gateway.store.discard_dead(id, format!("asked for anew by event {ord}")).await?;
            tracing::info!(change = %id, event = %ord, "dead letter asked for anew");
            renewed.push(Renewed { id: id.to_string(), event: ord.to_string() });
        }
    }
    Ok(renewed)
}

/// Ends the letters for good; gives how many there were.
pub async fn discard(gateway: &Gateway, filter: &DeadFilter, note: &str) -> Result<usize, StoreError> {
    let mut count = 0;
    let mut before = None;
    while let Some(page) = page(gateway, filter, &mut before).await? {
        for (id, _) in page {
            if gateway.store.discard_dead(id, note.to_owned()).await? {
                tracing::info!(change = %id, "dead letter discarded");
                count += 1;
            }
        }
    }
    Ok(count)
}

/// The next letters, newest first; what dies again meanwhile isn't met twice.
async fn page(
    gateway: &Gateway,
    filter: &DeadFilter,
    before: &mut Option<ChangeId>,
) -> Result<Option<Vec<(ChangeId, DeadLetter)>>, StoreError> {
    let query = DeadQuery { before: *before, filter: filter.clone(), limit: PAGE };
    let items = gateway.store.reader().dead_letters(query).await?.items;
    let page: Vec<_> = items.into_iter().filter_map(|letter| Some((letter.id.parse().ok()?, letter))).collect();
    *before = page.last().map(|(id, _)| *id);
    Ok((!page.is_empty()).then_some(page))
}

/// Whether a letter was refused for a tag that its connection lists by now.
fn mended(catalog: &Catalog, letter: &DeadLetter) -> bool {
    let change = &letter.change;
    change.refused().is_some()
        && change.effect.tag().is_some_and(|tag| lists_tag(catalog, &change.contact.connection, tag))
}

fn intake(catalog: &Catalog, id: ChangeId, letter: &DeadLetter) -> Intake {
    let source = SourceName::parse(SOURCE).expect("it has the letters of a name");
    let mut terms = letter.change.terms.as_deref().cloned().unwrap_or_default();
    if mended(catalog, letter) {
        terms.refused = None;
    }
    // A person asks for it, so that its rule has acted already is no reason against it, nor that its time is long over.
    let terms = Terms { once_ms: None, found_again: false, ends: None, ..terms }.boxed();
    let change = Change { terms, ..letter.change.clone() };
    let mut decision = Decision { rules: vec![change.rule.clone()], changes: vec![change], ..Decision::default() };
    let event =
        Event { key: Some(id.to_string().into()), kind: Some("retry".into()), ..Event::empty(source, clock::now()) };
    let origin = Origin { note: format!("dead letter {id} asked for anew"), ..Origin::default() };
    Intake::from(&origin, &event, catalog.hash(), &mut decision, b"{}", b"{}")
}
