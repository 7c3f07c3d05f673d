//! One contact read at its provider, within what deliveries leave unused, and the call recorded.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Stopped, Waits};
use crate::clock;
use crate::domain::attempt::Attempt;
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::flow::converge::Account;
use crate::flow::desk::{ledger, tell_limit_met};
use crate::flow::gateway::Gateway;
use crate::providers::allowance::{Busy, Pass};
use crate::providers::{Called, Outcome};
use crate::store::{Settlement, Store, StoreError};

/// How soon to look again where only the line is waited for.
const LINE: Duration = Duration::from_millis(100);
/// What a provider that gives no `Retry-After` is given after a 429.
const THROTTLE: Duration = Duration::from_secs(5);

/// By what a contact's tags are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// By its id.
    Id,
    /// By the look-up that had found it.
    Found(ContactRef),
    /// Not at all, and why: nobody has been found by its look-up.
    None(String),
    /// Never, and why: its provider can't.
    Never(String),
}

impl Way {
    /// How a contact can be read that is known by all of these.
    pub fn to(account: &Account, contact: &Contact, known_as: &[Contact]) -> Self {
        let provider = account.config.provider;
        let is_look_up = |known: &&Contact| !matches!(known.reference, ContactRef::Id(_) | ContactRef::Stream { .. });
        let by = known_as.iter().rfind(is_look_up).map(|known| &known.reference);
        match (&contact.reference, by) {
            (ContactRef::Id(_), _) if provider.capabilities().reads_tags => Self::Id,
            (ContactRef::Id(_), Some(by)) => Self::Found(by.clone()),
            (ContactRef::Id(_), None) => {
                let name = provider.name();
                Self::Never(format!("{name} tells tags only of contacts that a look-up has found"))
            }
            _ => Self::None("nobody has been found by this".to_owned()),
        }
    }
}

/// What reading a contact came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// It has these tags; the call started then.
    Tags(Vec<TagName>, Timestamp),
    /// The provider doesn't know it any more.
    Lost(String),
    /// It could not be read, which says nothing of others.
    Unread(String),
    /// It never can be read.
    Unreadable(String),
    /// The provider failed; others may fare no better.
    Failed(String),
}

/// Whether a contact was read at all.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// It was, or never can be.
    Read(Read),
    /// It may not be yet.
    Waits(Waits),
    /// Nobody can be there.
    Stopped(Stopped),
}

/// Reads a contact's tags as soon as there is an unused start, if that is before `deadline`.
pub(super) async fn read(
    gateway: &Gateway,
    account: &Arc<Account>,
    contact: &Contact,
    way: &Way,
    deadline: Timestamp,
) -> Result<Step, StoreError> {
    if let Way::None(why) = way {
        return Ok(Step::Read(Read::Unread(why.clone())));
    }
    if let Way::Never(why) = way {
        return Ok(Step::Read(Read::Unreadable(why.clone())));
    }
    loop {
        let now = clock::now();
        let busy = match account.allowance.spare(Some(ledger(&gateway.store, account)), now) {
            Ok(pass) => {
                let call = call(gateway.store.clone(), Arc::clone(account), contact.clone(), way.clone(), pass);
                let Some(outcome) = gateway.deliveries.beside(call).await else { return Err(StoreError::Stopped) };
                match told(&gateway.store, account, outcome?, now) {
                    Ok(Some(step)) => return Ok(step),
                    Ok(None) => continue,
                    Err(busy) => busy,
                }
            }
            Err(busy) => busy,
        };
        let (until, reason) = match busy {
            Busy::Line => (None, "deliveries go first"),
            Busy::Held(until) => (Some(until), "the provider asked for a pause"),
            Busy::Used(until) => (Some(until), "what is left of the limit is kept for deliveries"),
            Busy::Never => {
                let limit = account.config.rate_limit;
                let reason = format!("the limit ({limit}) leaves nothing beside what is kept for deliveries");
                return Ok(Step::Stopped(Stopped { word: "no_allowance", reason }));
            }
        };
        let wake = until.unwrap_or(now.plus(LINE));
        if wake > deadline {
            return Ok(Step::Waits(Waits { until, reason: reason.to_owned() }));
        }
        tokio::time::sleep(Duration::from_millis(wake.since(now).max(1) as u64)).await;
    }
}

/// `None`: it is to be asked again; the error is why not at once.
fn told(store: &Store, account: &Account, outcome: Outcome, now: Timestamp) -> Result<Option<Step>, Busy> {
    let read = match outcome {
        Outcome::Done { tags: Some(tags) } => Read::Tags(tags, now),
        Outcome::Done { tags: None } | Outcome::Unproven => {
            Read::Unread("the contact's tags could not be read from the answer".to_owned())
        }
        Outcome::Lost { reason } => Read::Lost(reason),
        Outcome::Dead { reason } => Read::Unread(reason),
        Outcome::Refused { reason } => return Ok(Some(Step::Stopped(Stopped { word: "refused", reason }))),
        Outcome::Retry { after, throttled: true, .. } => {
            account.allowance.throttled(now.plus(after.unwrap_or(THROTTLE)), now);
            tell_limit_met(store, account, now);
            return Ok(None);
        }
        Outcome::Retry { reason, .. } => Read::Failed(reason),
        // Other gateways have used what was left, or were asked to wait.
        Outcome::NotYet { until } => return Err(Busy::Used(until)),
    };
    Ok(Some(Step::Read(read)))
}

/// Calls and records the call: it is counted after a restart too, and can be looked up with the deliveries.
async fn call(
    store: Store,
    account: Arc<Account>,
    contact: Contact,
    way: Way,
    pass: Pass,
) -> Result<Outcome, StoreError> {
    let (now, provider) = (clock::now(), account.provider.within(&pass));
    let Called { mut attempt, outcome } = match (&way, &contact.reference) {
        (Way::Found(by), ContactRef::Id(id)) => provider.read_found(by, id, now).await,
        _ => provider.read_tags(&contact.reference, now).await,
    };
    if let Outcome::Done { tags: Some(tags) } = &outcome {
        // A call of a delivery may be under way beside it: what both tell and differ in is then in doubt.
        account.knowledge.learn_whole(contact.key(), tags, now);
        // Whoever audits a whole account must not copy it here: of all that is told of people their tags are kept.
        attempt.answer = json!({ "tags": tags }).to_string();
    }
    if matches!(outcome, Outcome::Lost { .. }) {
        account.knowledge.forget(contact.key());
    }
    let starts = pass.starts();
    if !starts.is_empty() {
        let attempts = vec![counted(attempt, starts)];
        store.tell(Settlement { attempts, started: pass.written(), ..Settlement::of(contact, clock::now()) }).await?;
    }
    Ok(outcome)
}

/// The attempt with all starts that were made for it, and that it was for an audit.
fn counted(mut attempt: Attempt, mut starts: Vec<Timestamp>) -> Attempt {
    match starts.iter().position(|start| *start == attempt.at) {
        Some(own) => drop(starts.remove(own)),
        None => attempt.uncounted = true,
    }
    attempt.also = starts;
    attempt.verdict.push_str("; read for an audit");
    attempt
}
