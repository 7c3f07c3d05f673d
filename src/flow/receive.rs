//! Receive: verify, read, decide, store. What returns from here is durable.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::batch::Batcher;
use super::gateway::Gateway;
use super::news::{Heard, hear};
use super::outdated::drop_knowledge;
use super::ruleset::RuleSet;
use super::signing_keys::Asked;
use crate::clock;
use crate::domain::contact::Contact;
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::name::RuleId;
use crate::domain::request::Request;
use crate::domain::source::SourceKind;
use crate::rules::{Catalog, decide, find_parts, late_reply};
use crate::sources::{self, Greeting, ReadError, Refusal, Source, TooMuch, Verified};
use crate::store::{Accepted, Intake, StoreError};

/// Why a request is not taken. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// There is no valid proof of the sender.
    #[error("no valid proof of the sender: {0}")]
    Sender(#[from] Refusal),
    /// The body can't be read.
    #[error("the body can't be read: {0}")]
    Body(#[from] ReadError),
    /// Its events would take too much of the store.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// The store can't take it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The most changes that rules may make of one request: a list of events with lists of tags would else become millions.
const MAX_CHANGES: usize = 10_000;

/// What an event of the request is answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The event's acceptance number as text.
    pub id: String,
    /// The rules that matched.
    pub rules: Vec<RuleId>,
    /// Whether it repeats an earlier event, whose answer this is.
    pub duplicate: bool,
    /// The vendor's answer.
    pub reply: Vec<u8>,
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// One for each event.
    pub answers: Vec<Answer>,
    /// Whether the body was a list of events, of whatever length.
    pub is_list: bool,
    /// The answer to a vendor's handshake, which is no event.
    pub greeting: Option<Greeting>,
}

impl Taken {
    fn events(answers: Vec<Answer>, is_list: bool) -> Self {
        Self { answers, is_list, greeting: None }
    }

    fn greeted(greeting: Greeting) -> Self {
        Self { answers: Vec::new(), is_list: false, greeting: Some(greeting) }
    }
}

/// Takes one request of a source of `rules`, and judges it by the same set.
pub async fn receive(
    gateway: &Arc<Gateway>,
    rules: &RuleSet,
    batcher: &Rc<Batcher>,
    source: &Source,
    request: Request<'_>,
) -> Result<Taken, NotTaken> {
    let body = request.body;
    if let Some(greeting) = source.greet(&request) {
        return Ok(Taken::greeted(greeting?));
    }
    let verified = verify(gateway, source, request).await?;
    if let Some(greeting) = source.greet_verified(&verified) {
        return Ok(Taken::greeted(greeting));
    }
    let json = sources::json_body(source.config(), &verified)?;
    let mut reading = sources::read(source.config(), &verified, &json)?;
    reading.fits()?;
    let is_list = reading.is_list();
    if reading.events.is_empty() {
        return Ok(Taken::events(Vec::new(), is_list));
    }
    let mut judged = Vec::with_capacity(reading.events.len());
    let mut changes = 0;
    for event in &mut reading.events {
        event.forget_marks();
        let faults = find_parts(&rules.catalog, event);
        let told = hear(gateway, &rules.catalog, event).await?;
        let (decision, reply) = tell_of(event, judge_found(&rules.catalog, source.config().kind, event, faults));
        changes += decision.changes.len();
        if changes > MAX_CHANGES {
            return Err(TooMuch::Changes { changes, limit: MAX_CHANGES }.into());
        }
        judged.push((decision, reply, told));
    }
    let mut intake = Vec::with_capacity(judged.len());
    let mut decided = Vec::with_capacity(judged.len());
    let (mut changed, mut heard) = (Vec::new(), Vec::new());
    for (index, (event, (mut decision, reply, told))) in reading.events.iter().zip(judged).enumerate() {
        match told {
            // What is to be known of these was seen to.
            Some(told) => heard.push((index, told)),
            None => changed.extend_from_slice(&decision.tags_changed),
        }
        intake.push(Intake::of(event, rules.catalog.hash(), &mut decision, &reply, &reading.stored(index, body)));
        decided.push((decision.rules, reply));
    }
    let late = reading.events.first().and_then(|event| late(rules, source, event));
    drop(reading);
    let handing = hand_in(Arc::clone(gateway), Rc::clone(batcher), changed, intake, heard);
    let accepted = match late {
        None => handing.await?,
        Some((until, reply)) => {
            if let Ok(accepted) = tokio::time::timeout(until, beside(handing)).await {
                accepted?
            } else {
                // What is handed in goes on to the store; nobody was told that it is there.
                tracing::warn!(source = %source.config().name, "answered before the event was on disk");
                let answer = Answer { id: String::new(), rules: Vec::new(), duplicate: false, reply };
                return Ok(Taken::events(vec![answer], is_list));
            }
        }
    };
    let answers = accepted.into_iter().zip(decided).map(|(accepted, (rules, reply))| match accepted {
        Accepted::New(ord) => {
            tracing::debug!(event = %ord, source = %source.config().name, ?rules, "event accepted");
            gateway.metrics.accepted(&source.config().name);
            Answer { id: ord.to_string(), rules, duplicate: false, reply }
        }
        Accepted::Duplicate { ord, rules, reply, differs } => {
            if differs {
                tracing::warn!(event = %ord, source = %source.config().name, "another body came under the key of this event");
            }
            gateway.metrics.duplicate(&source.config().name, differs);
            Answer { id: ord.to_string(), rules, duplicate: true, reply }
        }
    });
    Ok(Taken::events(answers.collect(), is_list))
}

/// Drops what is known no more, stores the events, and remembers what new ones told; each by its place in the request.
async fn hand_in(
    gateway: Arc<Gateway>,
    batcher: Rc<Batcher>,
    changed: Vec<Contact>,
    intake: Vec<Intake>,
    heard: Vec<(usize, Vec<Heard>)>,
) -> Result<Vec<Accepted>, StoreError> {
    drop_knowledge(&gateway, changed).await?;
    let accepted = batcher.accept(intake).await?;
    for (index, told) in heard {
        if matches!(accepted.get(index), Some(Accepted::New(_))) {
            told.iter().for_each(Heard::remember);
        }
    }
    Ok(accepted)
}

/// Goes on by itself where nobody waits for it any more.
async fn beside(
    handing: impl Future<Output = Result<Vec<Accepted>, StoreError>> + 'static,
) -> Result<Vec<Accepted>, StoreError> {
    let (answer, answered) = oneshot::channel();
    tokio::task::spawn_local(async move {
        if let Err(Err(error)) = answer.send(handing.await) {
            tracing::error!(%error, "an event that was answered already is not stored");
        }
    });
    answered.await.map_err(|_| StoreError::Stopped)?
}

/// How much longer the sender may wait for the store, and what it reads then.
fn late(rules: &RuleSet, source: &Source, event: &Event<'_>) -> Option<(Duration, Vec<u8>)> {
    let (within, reply) = late_reply(&rules.catalog, event)?;
    let gone = u64::try_from(clock::now().since(event.received_at)).unwrap_or_default();
    let (session, language) = (event.session.as_deref(), event.language.as_deref());
    let written = sources::write_reply(source.config().kind, session, language, reply.as_ref()).unwrap_or_default();
    Some((within.saturating_sub(Duration::from_millis(gone)), written))
}

/// Verifies a request. Only one whose key isn't known waits until it was asked for.
async fn verify<'r>(gateway: &Gateway, source: &Source, request: Request<'r>) -> Result<Verified<'r>, Refusal> {
    if source.keys().next().is_none() {
        return source.verify(request);
    }
    let now = request.received_at;
    let refused = match source.verify(request.clone()) {
        Ok(verified) => {
            let due = source.keys().filter(|keys| keys.is_due(now) && gateway.signing_keys.would_ask(keys));
            for keys in due {
                let (signing_keys, keys) = (Arc::clone(&gateway.signing_keys), Arc::clone(keys));
                tokio::spawn(async move { signing_keys.ask(&keys).await });
            }
            return Ok(verified);
        }
        Err(refused) => refused,
    };
    if refused != Refusal::UnknownKey {
        return Err(refused);
    }
    // All at once: the sender waits as long as for one.
    let asked = join_all(source.keys().map(|keys| gateway.signing_keys.ask(keys))).await;
    match source.verify(request) {
        Err(Refusal::UnknownKey) if asked.contains(&Asked::Failed) => Err(Refusal::NoKeys),
        other => other,
    }
}

/// Decides an event and writes its answer; what went wrong in rules is logged.
pub fn judge(catalog: &Catalog, source: &Source, event: &mut Event<'_>) -> (Decision, Vec<u8>) {
    let judged = judged(catalog, source.config().kind, event);
    tell_of(event, judged)
}

fn tell_of(event: &Event<'_>, (decision, written): (Decision, Vec<u8>)) -> (Decision, Vec<u8>) {
    for fault in &decision.faults {
        tracing::warn!(source = %event.source, rule = %fault.rule, at = %fault.at, problem = %fault.message, "rule fault");
    }
    (decision, written)
}

/// The same, untold. A reply that the platform would not take is a fault, and the answer is empty.
pub fn judged(catalog: &Catalog, kind: SourceKind, event: &mut Event<'_>) -> (Decision, Vec<u8>) {
    let faults = find_parts(catalog, event);
    judge_found(catalog, kind, event, faults)
}

/// The same, where its parts have been found, with what couldn't be.
fn judge_found(catalog: &Catalog, kind: SourceKind, event: &Event<'_>, faults: Vec<Fault>) -> (Decision, Vec<u8>) {
    let mut decision = decide(catalog, event);
    decision.faults.splice(0..0, faults);
    let reply = decision.reply.take();
    let (session, language) = (event.session.as_deref(), event.language.as_deref());
    let written = sources::write_reply(kind, session, language, reply.as_ref()).unwrap_or_else(|error| {
        if let Some(rule) = decision.rules.first().cloned() {
            decision.faults.push(Fault { rule, at: "reply".to_owned(), message: error.to_string() });
        }
        sources::write_reply(kind, session, language, None).unwrap_or_default()
    });
    (decision, written)
}
