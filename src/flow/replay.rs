//! Replay: the stored body through its source's own reader and the rules of today, as a new event with a number of its own.

use super::gateway::Gateway;
use super::outdated::drop_knowledge;
use super::receive::judge;
use super::ruleset::RuleSet;
use crate::domain::change::{Change, Ord};
use crate::domain::contact::Contact;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::request::{Fields, Request};
use crate::sources::{self, ReadError, Verified};
use crate::store::{Accepted, EventFilter, EventLine, EventQuery, EventRecord, Intake, Origin, StoreError};

/// Sources whose names begin so are the gateway's own.
pub const OURS: &str = "tagrelay.";
/// Events that one call may replay.
pub const MOST: usize = 100_000;
/// Events that are listed, and stored, in one go.
const PAGE: usize = 256;
/// Bytes that are held for one go: bodies are at most a mebibyte each by default, and many at once are much.
const HELD: usize = 8 << 20;

/// Whether so many are stored before more is read.
pub(super) fn is_full<'i>(held: impl Iterator<Item = &'i Intake>) -> bool {
    let (count, bytes) = held.fold((0, 0), |(count, bytes), intake| (count + 1, bytes + intake.bytes()));
    count >= PAGE || bytes >= HELD
}

/// Why an event can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// There is no such event.
    #[error("there is no event of this id, or its retention has ended")]
    NoEvent,
    /// No request brought it.
    #[error("event {ord} is of {source_name}: no request brought it, so there is no body to replay")]
    Ours {
        /// The event.
        ord: Ord,
        /// Its source.
        source_name: String,
    },
    /// Its body went with a person who was forgotten.
    #[error("event {0}: its body went with a person who was forgotten")]
    Forgotten(Ord),
    /// The rules no longer have its source.
    #[error("event {ord} came through the source {source_name:?}, which the rules no longer have")]
    NoSource {
        /// The event.
        ord: Ord,
        /// Its source.
        source_name: String,
    },
    /// Its source reads it no longer.
    #[error("event {ord}: its source can't read the body any more: {why}")]
    Unreadable {
        /// The event.
        ord: Ord,
        /// Why not.
        why: ReadError,
    },
    /// Its source reads other than one event in it now.
    #[error("event {ord}: its source now reads {found} events in the body, where there was one")]
    Several {
        /// The event.
        ord: Ord,
        /// How many.
        found: usize,
    },
    /// The store failed between two of many; those before are replayed.
    #[error("event {ord} and those after it were not replayed: {why}")]
    Stopped {
        /// The first that wasn't.
        ord: Ord,
        /// Why not.
        why: StoreError,
    },
    /// The filter lets through more than one call may replay.
    #[error("these are more than {MOST} events: narrow the filter")]
    TooMany,
    /// The store can't do it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The new event.
    pub ord: Ord,
    /// Of what it is a replay.
    pub of: Ord,
    /// Through which source.
    pub source: SourceName,
    /// The rules that matched this time.
    pub rules: Vec<RuleId>,
    /// What they want.
    pub changes: Vec<Change>,
    /// Whose tags others have changed, as it says.
    pub tags_changed: Vec<Contact>,
    /// What went wrong in rules.
    pub faults: usize,
}

/// Replays one event.
pub async fn one(gateway: &Gateway, ord: Ord) -> Result<Replayed, NotReplayed> {
    let record = gateway.store.reader().record(ord).await?.ok_or(NotReplayed::NoEvent)?;
    let (intake, mut replayed) = again(&gateway.rules(), &record)?;
    drop_knowledge(gateway, std::mem::take(&mut replayed.tags_changed)).await?;
    let accepted = gateway.store.accept(vec![intake]).await?;
    number(gateway, &mut replayed, accepted.first());
    Ok(replayed)
}

/// The events that a filter lets through and that can be replayed, oldest first. A replay is left out, since its original is
/// there, unless it had faults of its own.
pub async fn select(gateway: &Gateway, filter: &EventFilter) -> Result<Vec<Ord>, NotReplayed> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let query = EventQuery { before, filter: filter.clone(), limit: PAGE };
        let page = gateway.store.reader().events(query).await?;
        let rules = gateway.rules();
        let fits = |record: &&EventLine| {
            (filter.faulty || record.head.replay_of.is_none())
                && !record.head.is_forgotten()
                && rules.source(record.head.source.as_str()).is_some()
        };
        found.extend(page.items.iter().filter(fits).map(|record| record.ord));
        if found.len() > MOST {
            return Err(NotReplayed::TooMany);
        }
        let Some(next) = page.next.and_then(|next| next.parse().ok()) else { break };
        before = Some(Ord(next));
    }
    found.reverse();
    Ok(found)
}

/// What became of many.
#[derive(Debug, Default)]
pub struct Many {
    /// The replays, without their changes: those are looked up one by one.
    pub replayed: Vec<Replayed>,
    /// Why others were not.
    pub not: Vec<NotReplayed>,
}

/// Events that are judged and not stored yet.
#[derive(Default)]
struct Go {
    intake: Vec<Intake>,
    judged: Vec<Replayed>,
}

/// Replays events in the order of their numbers, so that the newest has the last word again.
pub async fn many(gateway: &Gateway, ords: &[Ord]) -> Result<Many, NotReplayed> {
    let mut all = Many::default();
    let mut rules = gateway.rules();
    let mut go = Go::default();
    for ord in ords {
        // One that went meanwhile is not there to be replayed.
        let Some(record) = gateway.store.reader().record(*ord).await? else { continue };
        match again(&rules, &record) {
            Ok((event, replayed)) => {
                go.intake.push(event);
                go.judged.push(Replayed { changes: Vec::new(), ..replayed });
            }
            Err(why) => all.not.push(why),
        }
        if is_full(go.intake.iter()) {
            if !store(gateway, std::mem::take(&mut go), &mut all).await? {
                return Ok(all);
            }
            rules = gateway.rules();
        }
    }
    store(gateway, go, &mut all).await?;
    Ok(all)
}

/// Stores what was judged in one go; `false` where the store failed and others had been replayed before.
async fn store(gateway: &Gateway, Go { intake, mut judged }: Go, all: &mut Many) -> Result<bool, NotReplayed> {
    let changed = judged.iter_mut().flat_map(|replayed| std::mem::take(&mut replayed.tags_changed)).collect();
    let accepted = match drop_knowledge(gateway, changed).await {
        Ok(()) => gateway.store.accept(intake).await,
        Err(error) => Err(error),
    };
    let accepted = match (accepted, judged.first()) {
        (Ok(accepted), _) => accepted,
        // Whoever is told of a failure alone would replay the first ones again.
        (Err(why), Some(first)) if !all.replayed.is_empty() => {
            all.not.push(NotReplayed::Stopped { ord: first.of, why });
            return Ok(false);
        }
        (Err(why), _) => return Err(why.into()),
    };
    for (mut replayed, accepted) in judged.into_iter().zip(&accepted) {
        number(gateway, &mut replayed, Some(accepted));
        all.replayed.push(replayed);
    }
    Ok(true)
}

fn number(gateway: &Gateway, replayed: &mut Replayed, accepted: Option<&Accepted>) {
    let Some(Accepted::New(ord)) = accepted else { return };
    replayed.ord = *ord;
    gateway.metrics.accepted(&replayed.source);
    tracing::info!(event = %ord, replay_of = %replayed.of, source = %replayed.source, "event replayed");
}

/// Reads and judges a stored event anew. It has no key, so it is never a duplicate.
fn again(rules: &RuleSet, record: &EventRecord) -> Result<(Intake, Replayed), NotReplayed> {
    let (ord, head) = (record.ord, &record.head);
    let source_name = head.source.to_string();
    if source_name.starts_with(OURS) {
        return Err(NotReplayed::Ours { ord, source_name });
    }
    if head.is_forgotten() {
        return Err(NotReplayed::Forgotten(ord));
    }
    let source = rules.source(&source_name).ok_or(NotReplayed::NoSource { ord, source_name })?;
    let fields = |pairs: &[(String, String)]| {
        Fields(pairs.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect())
    };
    let query = fields(&head.query).to_query();
    let request = Request {
        method: "POST",
        url: "",
        query: &query,
        headers: fields(&head.headers),
        body: &record.body,
        peer: None,
        received_at: head.received_at,
    };
    let verified = Verified::by_operator(request);
    let unreadable = |why| NotReplayed::Unreadable { ord, why };
    let json = sources::json_body(source.config(), &verified).map_err(unreadable)?;
    let mut reading = sources::read(source.config(), &verified, &json).map_err(unreadable)?;
    let [event] = reading.events.as_mut_slice() else {
        return Err(NotReplayed::Several { ord, found: reading.events.len() });
    };
    let (mut decision, reply) = judge(&rules.catalog, source, event);
    event.key = None;
    let (rules_matched, changes) = (decision.rules.clone(), decision.changes.clone());
    let (faults, tags_changed) = (decision.faults.len(), decision.tags_changed.clone());
    let origin = Origin { replay_of: Some(ord), ..Origin::default() };
    let intake = Intake::from(&origin, event, rules.catalog.hash(), &mut decision, &reply, &record.body);
    let source = head.source.clone();
    Ok((intake, Replayed { ord: Ord(0), of: ord, source, rules: rules_matched, changes, tags_changed, faults }))
}
