//! One step towards what a contact's changes want: fold, at most one call, settle.
//!
//! A step makes one call and then folds anew, so whatever was accepted while the call was under way, or while the contact
//! waited for the allowance, is part of the next one. A contact that is known by a look-up is sought first (`seek`); its
//! changes then wait under the id that was found.

mod seek;

use std::sync::Arc;

use super::fold::{Folded, Free, Plan, Trust, Wanted, fold};
use super::retry;
use crate::clock::Clock;
use crate::domain::attempt::Attempt;
use crate::domain::cause::Cause;
use crate::domain::change::{Change, ChangeId, Effect, Judged, Settled};
use crate::domain::connection::ConnectionConfig;
use crate::domain::contact::{Contact, ContactKey, ContactRef};
use crate::domain::known::KnownTags;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::providers::allowance::{Allowance, Pass};
use crate::providers::knowledge::Knowledge;
use crate::providers::people::People;
use crate::providers::{Called, Direction, Outcome, Provider};
use crate::store::{Retry, SettledChange, Settlement, Store, StoreError, Taken};

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
}

/// What is next for the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Idle,
    /// There is more to do now.
    More,
    /// Not before this.
    Later(Timestamp),
}

/// What the step showed of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// No call was made.
    NoCall,
    /// It answered.
    Well,
    /// The call failed for a reason that says little about the connection.
    Unclear,
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

/// What a provider that gives no `Retry-After` is given before the next call after a 429.
const THROTTLE_MS: i64 = 5_000;

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
        return Ok(Stepped { next: Next::Idle, seen: Seen::NoCall });
    };
    let now = clock.now();
    let provider = account.provider.within(pass);
    let step = Step { store, account, provider, pass, key, contact: &contact, taken: &taken, paused_ms, clock };
    if account.config.dry_run {
        return step.only_record().await;
    }
    match &contact.reference {
        ContactRef::Email(_) | ContactRef::Phone(_) | ContactRef::Field { .. } => return step.seek(now).await,
        ContactRef::Id(_) | ContactRef::Stream { .. } => {}
    }
    match step.fold(&account.knowledge.known(key, now, account.config.tag_cache)) {
        Folded::LookUp => step.look_up(now).await,
        Folded::Plan(plan) => step.carry_out(plan, now).await,
    }
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

impl Step<'_> {
    fn fold(&self, known: &KnownTags) -> Folded {
        let trust = if self.account.config.tag_cache.is_zero() { Trust::Never } else { Trust::Fresh };
        fold(&self.taken.changes, &self.taken.past, known, trust)
    }

    /// `dry_run`: what was decided is recorded, and nobody is called.
    async fn only_record(&self) -> Result<Stepped, StoreError> {
        let reason = "the connection is on `dry_run`: nothing was called";
        let settled = self.all(Settled::DryRun, reason);
        self.settle(settled, Vec::new(), None).await?;
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
        self.settle(self.free(&plan), vec![called.attempt], None).await?;
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

    /// Makes the first call that the plan needs: removes before adds, fields after them, then the next body.
    async fn carry_out(&self, plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        if plan.open() == 0 {
            self.settle(self.free(&plan), Vec::new(), None).await?;
            return Ok(Stepped { next: Next::Idle, seen: Seen::NoCall });
        }
        // The call may change what a condition reads: what was judged must outlive a crash right after it.
        self.keep_judged(plan.judged.clone()).await?;
        if !plan.remove.is_empty() {
            return self.change_tags(Direction::Remove, plan, now).await;
        }
        if !plan.add.is_empty() {
            return self.change_tags(Direction::Add, plan, now).await;
        }
        let (called, ids) = if plan.set.is_empty() {
            let id = plan.forward.first().copied();
            let Some((id, body)) = id.and_then(|id| Some((id, self.body(id)?))) else {
                return Ok(Stepped { next: Next::Idle, seen: Seen::NoCall });
            };
            (self.provider.forward(&webhook_id(id, body.1), body.0, now).await, vec![id])
        } else {
            let most = self.account.config.provider.capabilities().fields_per_call.max(1);
            let wanted = plan.set.get(..most.min(plan.set.len())).unwrap_or_default();
            let fields: Vec<_> = wanted.iter().map(|field| (field.field.as_str(), &field.value)).collect();
            let called = self.provider.set_fields(&self.contact.reference, &fields, now).await;
            (called, wanted.iter().map(|field| field.by).collect())
        };
        match &called.outcome {
            Outcome::Done { tags } => {
                if let Some(tags) = tags {
                    self.account.knowledge.learn_whole(self.key, tags, now);
                }
                self.settle_done(called, &plan, &ids, ids.len()).await
            }
            _ => self.settle_failed(called, plan, &ids).await,
        }
    }

    /// The body of a forward, and when its event was accepted.
    fn body(&self, id: ChangeId) -> Option<(&crate::domain::json::OwnedJson, Timestamp)> {
        let change = self.change(id)?;
        match &change.effect {
            Effect::Forward { body } => Some((body, change.at)),
            _ => None,
        }
    }

    async fn change_tags(&self, direction: Direction, plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        let wanted = if direction == Direction::Add { &plan.add } else { &plan.remove };
        let limit = self.account.config.provider.capabilities().tags_per_call;
        let chunk: Vec<Wanted> = wanted.iter().take(limit).cloned().collect();
        let tags: Vec<TagName> = chunk.iter().map(|w| w.tag.clone()).collect();
        let ids: Vec<ChangeId> = chunk.iter().filter(|w| !w.excluded).map(|w| w.by).collect();
        let called = self.provider.change_tags(&self.contact.reference, direction, &tags, now).await;
        match &called.outcome {
            Outcome::Done { tags: Some(list) } => self.account.knowledge.learn_whole(self.key, list, now),
            Outcome::Done { tags: None } => {
                for tag in &tags {
                    self.account.knowledge.learn(self.key, tag, direction == Direction::Add, now);
                }
            }
            // Whatever was known before, it may be otherwise now, and nothing says how.
            Outcome::Unproven => self.account.knowledge.doubt(self.key, &tags),
            failure => {
                if matches!(failure, Outcome::Retry { in_doubt: true, .. }) {
                    self.account.knowledge.doubt(self.key, &tags);
                }
                let all: Vec<ChangeId> = chunk.iter().map(|w| w.by).collect();
                return self.settle_failed(called, plan, &all).await;
            }
        }
        self.keep_judged(self.gone(&plan, &chunk)).await?;
        // A tag that an exclusive add took away ends no change: the add itself is still open, even where its own tag is there.
        self.settle_done(called, &plan, &ids, ids.len()).await
    }

    /// What exclusive adds still take away once these tags are gone.
    fn gone(&self, plan: &Plan, chunk: &[Wanted]) -> Vec<(ChangeId, Judged)> {
        let mut left: Vec<(ChangeId, Judged)> = Vec::new();
        for excluded in chunk.iter().filter(|wanted| wanted.excluded) {
            let judged = plan.judged.iter().find(|(id, _)| *id == excluded.by).map(|(_, judged)| judged);
            let place = left.iter().position(|(id, _)| *id == excluded.by).unwrap_or_else(|| {
                let judged = judged.or_else(|| self.taken.past.judged.get(&excluded.by)).cloned();
                left.push((excluded.by, judged.unwrap_or_default()));
                left.len() - 1
            });
            if let Some((_, judged)) = left.get_mut(place) {
                judged.others.retain(|other| *other != excluded.tag);
                judged.gone.push(excluded.tag.clone());
            }
        }
        left
    }

    /// Records a call that was acknowledged. `parts` is how much of the plan it brought about.
    async fn settle_done(
        &self,
        called: Called,
        plan: &Plan,
        ids: &[ChangeId],
        parts: usize,
    ) -> Result<Stepped, StoreError> {
        let reason = match called.outcome {
            Outcome::Unproven => "the provider took it; with `missing_tags: skip` that proves nothing",
            _ => "the provider confirmed it",
        };
        let mut settled = self.free(plan);
        settled.extend(ids.iter().filter_map(|id| self.settled(*id, Settled::Applied, reason)));
        self.settle(settled, vec![called.attempt], None).await?;
        let next = if plan.open() > parts { Next::More } else { Next::Idle };
        Ok(Stepped { next, seen: Seen::Well })
    }

    /// Records a call that failed. `ids` are the changes that the call was for.
    async fn settle_failed(&self, called: Called, plan: Plan, ids: &[ChangeId]) -> Result<Stepped, StoreError> {
        let now = self.clock.now();
        let mut settled = self.free(&plan);
        // A call that wasn't made is none, but for those that were made for it.
        let attempts = match called.outcome {
            Outcome::NotYet { .. } if self.pass.starts().is_empty() => Vec::new(),
            _ => vec![called.attempt],
        };
        let die =
            |cause: Cause, reason: &str| ids.iter().filter_map(|id| self.dead(*id, cause, reason)).collect::<Vec<_>>();
        let (retry, stepped) = match called.outcome {
            Outcome::Dead { reason } => {
                settled.extend(die(Cause::Refused, &reason));
                (None, Stepped { next: Next::More, seen: Seen::Well })
            }
            Outcome::Lost { reason } => {
                settled = self.lost(&plan, &reason);
                (None, Stepped { next: Next::More, seen: Seen::Well })
            }
            Outcome::Refused { reason } => {
                (self.taken.retry.clone(), Stepped { next: Next::More, seen: Seen::Ill(reason) })
            }
            Outcome::NotYet { until } => {
                (self.taken.retry.clone(), Stepped { next: Next::Later(until), seen: Seen::NotYet(until) })
            }
            Outcome::Retry { reason, after, throttled, .. } => {
                let retry = self.retry(now, &reason, after, throttled);
                let failing_ms = now.since(retry.failing_since) - (self.paused_ms - retry.paused_before_ms);
                let give_up_ms = i64::try_from(self.account.config.give_up_after.as_millis()).unwrap_or(i64::MAX);
                if failing_ms >= give_up_ms && !ids.is_empty() {
                    let tries = if retry.tries == 1 { "try" } else { "tries" };
                    let reason = format!("given up after {} {tries}: {reason}", retry.tries);
                    settled.extend(die(Cause::GivenUp, &reason));
                    (None, Stepped { next: Next::More, seen: Seen::Unclear })
                } else {
                    let seen = if throttled { Seen::Throttled(retry.at) } else { Seen::Unclear };
                    let next = Next::Later(retry.at);
                    (Some(retry), Stepped { next, seen })
                }
            }
            Outcome::Done { .. } | Outcome::Unproven => (None, Stepped { next: Next::More, seen: Seen::Well }),
        };
        self.settle(settled, attempts, retry).await?;
        Ok(stepped)
    }

    fn retry(&self, now: Timestamp, reason: &str, after: Option<std::time::Duration>, throttled: bool) -> Retry {
        let before = self.taken.retry.as_ref();
        // A provider that is busy says nothing about this contact: only its own failures move it along the schedule.
        let tries = before.map_or(0, |r| r.tries) + u32::from(!throttled);
        let planned =
            if throttled { now.plus_millis(THROTTLE_MS) } else { now.plus(retry::wait(tries, retry::jitter())) };
        let asked = after.map(|after| now.plus(after));
        Retry {
            at: if throttled { asked.unwrap_or(planned) } else { asked.map_or(planned, |asked| asked.max(planned)) },
            tries,
            failing_since: before.map_or(now, |r| r.failing_since),
            paused_before_ms: before.map_or(self.paused_ms, |r| r.paused_before_ms),
            reason: reason.to_owned(),
        }
    }

    /// The waiting changes whose guards have not been judged: those a failed look-up was for.
    fn readers(&self) -> Vec<ChangeId> {
        let asks = |change: &Change| {
            let terms = change.terms.as_deref();
            !change.guard.is_open() || terms.is_some_and(|t| !t.unless.is_empty() || !t.exclusive.is_empty())
        };
        let unjudged = self.taken.changes.iter().filter(|(id, _)| !self.taken.past.judged.contains_key(id));
        unjudged.filter(|(_, change)| asks(change)).map(|(id, _)| *id).collect()
    }

    async fn keep_judged(&self, judged: Vec<(ChangeId, Judged)>) -> Result<(), StoreError> {
        if judged.is_empty() {
            return Ok(());
        }
        self.store.keep_judged(self.contact.clone(), judged).await
    }

    /// Every change that was taken, ended in this way.
    fn all(&self, how: Settled, reason: &str) -> Vec<SettledChange> {
        self.taken.changes.iter().filter_map(|(id, _)| self.settled(*id, how, reason)).collect()
    }

    fn change(&self, id: ChangeId) -> Option<&Change> {
        let place = self.taken.changes.binary_search_by_key(&id, |(this, _)| *this).ok()?;
        self.taken.changes.get(place).map(|(_, change)| change)
    }

    fn free(&self, plan: &Plan) -> Vec<SettledChange> {
        let end = |free: &Free| match free.how {
            // What folding itself calls dead is refused by its connection's list of tags.
            Settled::Dead => self.dead(free.id, Cause::NotListed, &free.reason),
            how => self.settled(free.id, how, &free.reason),
        };
        plan.free.iter().filter_map(end).collect()
    }

    fn dead(&self, id: ChangeId, cause: Cause, reason: &str) -> Option<SettledChange> {
        let settled = self.settled(id, Settled::Dead, reason)?;
        Some(SettledChange { cause: Some(cause), ..settled })
    }

    fn settled(&self, id: ChangeId, how: Settled, reason: &str) -> Option<SettledChange> {
        let change = self.change(id)?;
        let (rule, connection, tag) = (&change.rule, &change.contact.connection, change.effect.subject());
        let wanted = change.effect.word();
        if how == Settled::Dead {
            tracing::warn!(event = %id.ord, %rule, %connection, tag, wanted, reason, "dead letter");
        } else {
            tracing::info!(event = %id.ord, %rule, %connection, tag, wanted, outcome = how.word(), reason, "change settled");
        }
        // What the change took away with it: the words on those tags are its words too.
        let others = match (&change.terms, how) {
            (Some(terms), Settled::Applied | Settled::Already | Settled::Superseded) if !terms.exclusive.is_empty() => {
                self.taken.past.judged.get(&id).map(|judged| judged.gone.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Some(SettledChange { id, change: change.clone(), how, reason: reason.to_owned(), others, cause: None })
    }

    async fn settle(
        &self,
        settled: Vec<SettledChange>,
        mut attempts: Vec<Attempt>,
        retry: Option<Retry>,
    ) -> Result<(), StoreError> {
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
        self.store.settle(Settlement { contact, at, settled, attempts, retry }).await
    }
}

/// Names a forwarded body for its receiver: the same at every try, another for every body, also after the database began anew.
fn webhook_id(id: ChangeId, accepted: Timestamp) -> String {
    format!("msg_{}_{}_{}", accepted.0, id.ord, id.index)
}
