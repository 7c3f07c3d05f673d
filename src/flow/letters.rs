//! Dead letters that a person has looked at: tried again under their old numbers, asked for anew, or ended for good.

use super::gateway::Gateway;
use super::replay::is_full;
use crate::clock;
use crate::domain::change::{Change, ChangeId, Terms};
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::SourceName;
use crate::rules::{Catalog, lists_tag};
use crate::store::{Accepted, Again, DeadFilter, DeadLetter, Intake, Origin, StoreError};

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
    for ids in all(gateway, filter).await?.chunks(PAGE) {
        let mut again = Vec::new();
        for id in ids {
            let letter = gateway.store.reader().dead_letter(*id).await?;
            again.extend(letter.map(|letter| Again { id: *id, mended: mended(&rules.catalog, &letter) }));
        }
        let done = gateway.store.retry_dead(again).await?;
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
    let mut lot = Vec::new();
    // Oldest first over all of them, so that of two letters about one tag the later one keeps the last word.
    for id in all(gateway, filter).await? {
        let Some(letter) = gateway.store.reader().dead_letter(id).await? else { continue };
        lot.push((id, intake(&rules.catalog, id, &letter)));
        if is_full(lot.iter().map(|(_, intake)| intake)) {
            renew_lot(gateway, std::mem::take(&mut lot), &mut renewed).await?;
        }
    }
    renew_lot(gateway, lot, &mut renewed).await?;
    Ok(renewed)
}

async fn renew_lot(
    gateway: &Gateway,
    lot: Vec<(ChangeId, Intake)>,
    renewed: &mut Vec<Renewed>,
) -> Result<(), StoreError> {
    let (ids, intake): (Vec<ChangeId>, Vec<Intake>) = lot.into_iter().unzip();
    // A crash between this and the end of a letter asks for it again: the same key makes that a duplicate.
    let accepted = gateway.store.accept(intake).await?;
    for (id, accepted) in ids.into_iter().zip(accepted) {
        let (Accepted::New(ord) | Accepted::Duplicate { ord, .. }) = accepted;
        gateway.store.discard_dead(id, format!("asked for anew by event {ord}")).await?;
        tracing::info!(change = %id, event = %ord, "dead letter asked for anew");
        renewed.push(Renewed { id: id.to_string(), event: ord.to_string() });
    }
    Ok(())
}

/// Ends the letters for good; gives how many there were.
pub async fn discard(gateway: &Gateway, filter: &DeadFilter, note: &str) -> Result<usize, StoreError> {
    let mut count = 0;
    for id in all(gateway, filter).await? {
        if gateway.store.discard_dead(id, note.to_owned()).await? {
            tracing::info!(change = %id, "dead letter discarded");
            count += 1;
        }
    }
    Ok(count)
}

/// Which letters there are now, oldest first: only their ids are held, and what dies again meanwhile isn't met twice.
async fn all(gateway: &Gateway, filter: &DeadFilter) -> Result<Vec<ChangeId>, StoreError> {
    gateway.store.reader().dead_ids(filter.clone()).await
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
