//! One step towards what a contact's changes want: fold, at most one call, settle.
//!
//! A step makes one call and then folds anew, so whatever was accepted while the call was under way, or while the contact
//! waited for the allowance, is part of the next one. A contact that is known by a look-up is sought first (`seek`); its
//! changes then wait under the id that was found.

mod apart;
mod carry;
mod ending;
mod flips;
mod seek;

use std::sync::Arc;

pub use apart::Apart;
pub use flips::Flips;

use super::fold::{Folded, Free, Plan, Trust, fold};
use crate::clock::Clock;
use crate::domain::attempt::Attempt;
use crate::domain::cause::Cause;
use crate::domain::change::{Change, ChangeId, Judged, Ord, Settled};
use crate::domain::connection::ConnectionConfig;
use crate::domain::contact::{Contact, ContactKey, ContactRef};
use crate::domain::known::KnownTags;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;
use crate::providers::allowance::{Allowance, Pass};
use crate::providers::knowledge::Knowledge;
use crate::providers::people::People;
use crate::providers::{Called, Outcome, Provider};
use crate::store::{Retry, SettledChange, Settlement, Store, StoreError, Taken, TookAway};

/// A connection that can be called.
pub struct Account {
    /// What the rule files say of it.
    pub config: ConnectionConfig,
    /// The way to its provider; a step's calls go out with the step's pass.
    pub provider: Provider,
    /// What all connections of its account share.
    pub allowance: Allowance,
    /// The names of these connections, its own among them.
    pub sharing: Vec<ConnectionName>,
    /// What is known of its contacts' tags.
    pub knowledge: Arc<Knowledge>,
    /// What is known of who its contacts are.
    pub people: Arc<People>,
    /// What is called apart of refused batches.
    pub apart: Apart,
    /// When tags were called for lately.
    pub flips: Flips,
}

/// What is next for the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Idle,
    /// There is more to do now, in its turn.
    More,
    /// There is more to do, before others: what was found out is soon old.
    Soon,
    /// Not before this.
    Later(Timestamp),
    /// Not before this, unless something new comes.
    Rest(Timestamp),
}

/// What the step showed of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// No call was made.
    NoCall,
    /// It answered.
    Well,
    /// The call failed for this reason, which says little about the connection.
    Unclear(String),
    /// Its limit was met: no call before this.
    Throttled(Timestamp),
    /// It wasn't called: the account's allowance is used up until then.
    NotYet(Timestamp),
    /// It refuses our credentials or can't be called at all.
    Ill(String),
}

/// A step's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    /// What is next for the contact.
    pub next: Next,
    /// What was seen of the connection.
    pub seen: Seen,
}

/// Brings one contact one call further, with `pass` as leave for it. `paused_ms` is for how long the connection has been paused in
/// all.
pub async fn step(
    store: &Store,
    account: &Account,
    key: ContactKey,
    pass: &Pass,
    paused_ms: i64,
    clock: &Clock,
) -> Result<Stepped, StoreError> {
    let taken = store.take(key).await?;
    let Some(contact) = taken.contact.clone() else {
        account.apart.forget(key);
        return Ok(Stepped { next: Next::Idle, seen: Seen::NoCall });
    };
    if let Some(hold) = &taken.hold {
        account.knowledge.has(key, hold.tenure);
    }
    let now = clock.now();
    if let Some(by) = taken.outdated {
        account.knowledge.outdate(key, by, now);
    }
    let provider = account.provider.within(pass);
    let step = Step { store, account, provider, pass, key, contact: &contact, taken: &taken, paused_ms, clock };
    let mut stepped = match &contact.reference {
        _ if account.config.dry_run => step.only_record().await?,
        ContactRef::Email(_) | ContactRef::Phone(_) | ContactRef::Field { .. } => step.seek(now).await?,
        ContactRef::Id(_) | ContactRef::Stream { .. } => {
            match step.fold(&account.knowledge.known(key, now, account.config.tag_cache)) {
                Folded::LookUp => step.look_up(now).await?,
                Folded::Plan(plan) => step.carry_out(plan, now).await?,
            }
        }
    };
    if stepped.next == Next::Idle {
        account.apart.forget(key);
        if taken.more {
            stepped.next = Next::More;
        }
    }
    Ok(stepped)
}

struct Step<'s> {
    store: &'s Store,
    account: &'s Account,
    provider: Provider,
    pass: &'s Pass,
    key: ContactKey,
    contact: &'s Contact,
    taken: &'s Taken,
    paused_ms: i64,
    clock: &'s Clock,
}

/// What is recorded of a step.
#[derive(Default)]
struct Said<'s> {
    settled: Vec<SettledChange>,
    attempts: Vec<Attempt>,
    /// The changes that the call was for.
    made_for: &'s [ChangeId],
    /// What it took away for exclusive adds that are open.
    took: Vec<TookAway>,
    retry: Option<Retry>,
}

impl Step<'_> {
    fn fold(&self, known: &KnownTags) -> Folded {
        let trust = if self.account.config.tag_cache.is_zero() { Trust::Never } else { Trust::Fresh };
        fold(&self.taken.changes, &self.taken.past, known, trust)
    }

    /// `dry_run`: what was decided is recorded, and nobody is called.
    async fn only_record(&self) -> Result<Stepped, StoreError> {
        let reason = "the connection is on `dry_run`: nothing was called";
        let settled = self.all(Settled::DryRun, reason);
        self.settle(settled, None).await?;
        Ok(Stepped { next: Next::Idle, seen: Seen::NoCall })
    }

    /// Reads the contact's tags once for all conditions that need them, and makes the judgement durable.
    async fn look_up(&self, now: Timestamp) -> Result<Stepped, StoreError> {
        let called = self.read_tags(now).await;
        let tags = match &called.outcome {
            Outcome::Done { tags: Some(tags) } => tags,
            Outcome::Done { tags: None } => {
                let reason = "the contact's tags could not be read from the answer".to_owned();
                let outcome = Outcome::Retry { reason, after: None, throttled: false, in_doubt: false };
                let readers = self.readers();
                return self.settle_failed(Called { outcome, ..called }, Plan::default(), &readers).await;
            }
            _ => {
                let readers = self.readers();
                return self.settle_failed(called, Plan::default(), &readers).await;
            }
        };
        self.account.knowledge.learn_whole(self.key, tags, now);
        let Folded::Plan(plan) = self.fold(&KnownTags::whole(tags.iter().cloned())) else {
            return Err(StoreError::Damaged("a whole list of tags leaves a condition undecided"));
        };
        self.keep_judged(plan.judged.clone()).await?;
        let next = if plan.open() == 0 { Next::Idle } else { Next::More };
        self.settle_call(self.free(&plan), called.attempt, &self.readers(), None).await?;
        Ok(Stepped { next, seen: Seen::Well })
    }

    /// Asks for the contact's tags by its id; where the provider can't, by the look-up that had found the contact.
    async fn read_tags(&self, now: Timestamp) -> Called {
        let provider = &self.provider;
        let mut terms = self.taken.changes.iter().filter_map(|(_, change)| change.terms.as_ref());
        let found_by = terms.find_map(|terms| terms.found_by.as_ref());
        match (&self.contact.reference, found_by) {
            (ContactRef::Id(id), Some(by)) if !self.account.config.provider.capabilities().reads_tags => {
                provider.read_found(by, id, now).await
            }
            (reference, _) => provider.read_tags(reference, now).await,
        }
    }

    async fn keep_judged(&self, judged: Vec<(ChangeId, Judged)>) -> Result<(), StoreError> {
        if judged.is_empty() {
            return Ok(());
        }
        self.store.keep_judged(self.contact.clone(), judged).await
    }

    /// Every change that was taken, ended in this way.
    fn all(&self, how: Settled, reason: &str) -> Vec<SettledChange> {
        self.taken.changes.iter().filter_map(|(id, _)| self.settled(*id, how, reason, &Plan::default())).collect()
    }

    fn change(&self, id: ChangeId) -> Option<&Change> {
        let place = self.taken.changes.binary_search_by_key(&id, |(this, _)| *this).ok()?;
        self.taken.changes.get(place).map(|(_, change)| change)
    }

    fn free(&self, plan: &Plan) -> Vec<SettledChange> {
        let end = |free: &Free| match free.how {
            // What folding itself calls dead is refused by its connection's list of tags.
            Settled::Dead => self.dead(free.id, Cause::NotListed, &free.reason),
            how => self.settled(free.id, how, &free.reason, plan),
        };
        plan.free.iter().filter_map(end).collect()
    }

    fn dead(&self, id: ChangeId, cause: Cause, reason: &str) -> Option<SettledChange> {
        let settled = self.settled(id, Settled::Dead, reason, &Plan::default())?;
        Some(SettledChange { cause: Some(cause), ..settled })
    }

    /// A change that ended; what was judged of it stands with the contact, or in the plan that was folded just now.
    fn settled(&self, id: ChangeId, how: Settled, reason: &str, plan: &Plan) -> Option<SettledChange> {
        let change = self.change(id)?;
        let (rule, connection, tag) = (&change.rule, &change.contact.connection, change.effect.subject());
        let wanted = change.effect.word();
        if how == Settled::Dead {
            tracing::warn!(event = %id.ord, %rule, %connection, tag, wanted, reason, "dead letter");
        } else {
            tracing::info!(event = %id.ord, %rule, %connection, tag, wanted, outcome = how.word(), reason, "change settled");
        }
        // What the change took away with it, or found gone already: the words on those tags are its words too.
        let others = match (&change.terms, how) {
            (Some(terms), Settled::Applied | Settled::Already | Settled::Superseded) if !terms.exclusive.is_empty() => {
                let fresh = plan.judged.iter().find(|(this, _)| *this == id).map(|(_, judged)| judged);
                let judged = fresh.or_else(|| self.taken.past.judged.get(&id));
                judged.map(|judged| [judged.gone.as_slice(), &judged.others].concat()).unwrap_or_default()
            }
            // What it took away before it died is gone by its word too.
            (Some(terms), Settled::Dead) if !terms.exclusive.is_empty() => {
                self.taken.past.judged.get(&id).map(|judged| judged.gone.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Some(SettledChange { id, change: change.clone(), how, reason: reason.to_owned(), others, cause: None })
    }

    /// Records what ended without a call.
    async fn settle(&self, settled: Vec<SettledChange>, retry: Option<Retry>) -> Result<(), StoreError> {
        self.record(Said { settled, retry, ..Said::default() }).await
    }

    /// Records a call that was made for these changes.
    async fn settle_call(
        &self,
        settled: Vec<SettledChange>,
        attempt: Attempt,
        made_for: &[ChangeId],
        retry: Option<Retry>,
    ) -> Result<(), StoreError> {
        self.record(Said { settled, attempts: vec![attempt], made_for, retry, took: Vec::new() }).await
    }

    async fn record(&self, said: Said<'_>) -> Result<(), StoreError> {
        let Said { settled, mut attempts, made_for, took, retry } = said;
        // A retry says that all waits that isn't settled.
        let made_for: &[ChangeId] = if retry.is_some() || attempts.is_empty() { &[] } else { made_for };
        let mut made_for: Vec<Ord> = made_for.iter().map(|id| id.ord).collect();
        made_for.sort_unstable();
        made_for.dedup();
        made_for.retain(|ord| settled.iter().all(|done| done.id.ord != *ord));
        let contact = self.contact.clone();
        let mut starts = self.pass.starts();
        // One start is each attempt's own; two calls may well start within one millisecond.
        for attempt in &mut attempts {
            match starts.iter().position(|start| *start == attempt.at) {
                Some(own) => drop(starts.remove(own)),
                None => attempt.uncounted = true,
            }
        }
        if let Some(last) = attempts.last_mut() {
            last.also = starts;
        }
        for attempt in &attempts {
            tracing::debug!(connection = %contact.connection, method = %attempt.method, status = attempt.status,
                took_ms = attempt.took_ms, verdict = %attempt.verdict, "call");
        }
        if let Some(retry) = &retry {
            tracing::warn!(connection = %contact.connection, tries = retry.tries, next = %retry.at, reason = %retry.reason, "retry");
        }
        let at = self.clock.now();
        let started = self.pass.written();
        self.store.settle(Settlement { contact, at, settled, attempts, made_for, took, retry, started }).await
    }
}
