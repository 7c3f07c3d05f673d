//! Receive: verify, read, decide, store. What returns from here is durable.

use std::rc::Rc;

use super::batch::Batcher;
use super::gateway::Gateway;
use super::ruleset::RuleSet;
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::name::RuleId;
use crate::domain::request::Request;
use crate::rules::{Catalog, decide};
use crate::sources::{self, ReadError, Refusal, Source};
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
    /// The store can't take it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

/// Takes one request of a source of `rules`, and judges it by the same set.
pub async fn receive(
    gateway: &Gateway,
    rules: &RuleSet,
    batcher: &Rc<Batcher>,
    source: &Source,
    request: Request<'_>,
) -> Result<Vec<Answer>, NotTaken> {
    let body = request.body;
    let verified = source.verify(request)?;
    let events = sources::read(source.config(), &verified)?;
    let mut intake = Vec::with_capacity(events.len());
    let mut decided = Vec::with_capacity(events.len());
    for event in &events {
        let (mut decision, reply) = judge(&rules.catalog, source, event);
        intake.push(Intake::of(event, rules.catalog.hash(), &mut decision, &reply, body));
        decided.push((decision.rules, reply));
    }
    drop(events);
    let accepted = batcher.accept(intake).await?;
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
    Ok(answers.collect())
}

/// Decides an event and writes its answer. A reply that the platform would not take is a fault, and the answer is empty.
pub fn judge(catalog: &Catalog, source: &Source, event: &Event<'_>) -> (Decision, Vec<u8>) {
    let mut decision = decide(catalog, event);
    let reply = decision.reply.take();
    let (kind, session, language) = (source.config().kind, event.session.as_deref(), event.language.as_deref());
    let written = sources::write_reply(kind, session, language, reply.as_ref()).unwrap_or_else(|error| {
        if let Some(rule) = decision.rules.first().cloned() {
            decision.faults.push(Fault { rule, at: "reply".to_owned(), message: error.to_string() });
        }
        sources::write_reply(kind, session, language, None).unwrap_or_default()
    });
    for fault in &decision.faults {
        tracing::warn!(source = %event.source, rule = %fault.rule, at = %fault.at, problem = %fault.message, "rule fault");
    }
    (decision, written)
}
