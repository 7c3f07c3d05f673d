//! What a call came to is recorded: how changes end, and when the rest is tried again.

use super::apart::Part;
use super::{Next, Said, Seen, Step, Stepped};
use crate::domain::cause::Cause;
use crate::domain::change::{Change, ChangeId, Settled};
use crate::domain::time::Timestamp;
use crate::flow::fold::Plan;
use crate::flow::retry;
use crate::providers::{Called, Outcome};
use crate::store::{Retry, StoreError, TookAway};

/// What a provider that gives no `Retry-After` is given before the next call after a 429.
const THROTTLE_MS: i64 = 5_000;

impl Step<'_> {
    /// Records a call that was for the changes `all`; once it is acknowledged, those of `ends` have ended. `parts` is what stood in it,
    /// `took` what it takes away for adds that stay open.
    pub(super) async fn settle_called(
        &self,
        called: Called,
        plan: Plan,
        ends: &[ChangeId],
        all: &[ChangeId],
        parts: &[Part],
        took: Vec<TookAway>,
    ) -> Result<Stepped, StoreError> {
        let reason = match &called.outcome {
            Outcome::Done { .. } => "the provider confirmed it",
            Outcome::Unproven => "the provider took it; with `missing_tags: skip` that proves nothing",
            // A refusal that no call was made for holds for each part alike.
            Outcome::Dead { .. } if called.attempt.status.is_some() && !self.account.apart.refused(self.key, parts) => {
                return self.halve(called, &plan, all).await;
            }
            _ => return self.settle_failed(called, plan, all).await,
        };
        self.account.apart.taken(self.key, parts);
        let mut settled = self.free(&plan);
        settled.extend(ends.iter().filter_map(|id| self.settled(*id, Settled::Applied, reason, &plan)));
        let attempts = vec![called.attempt];
        self.record(Said { settled, attempts, made_for: all, took, retry: None }).await?;
        let next = if plan.open() > ends.len() { Next::More } else { Next::Idle };
        Ok(Stepped { next, seen: Seen::Well })
    }

    /// A batch is refused: its halves are called apart.
    async fn halve(&self, mut called: Called, plan: &Plan, all: &[ChangeId]) -> Result<Stepped, StoreError> {
        called.attempt.verdict.push_str("; its halves are called apart");
        self.settle_call(self.free(plan), called.attempt, all, self.taken.retry.clone()).await?;
        Ok(Stepped { next: Next::More, seen: Seen::Well })
    }

    /// Records a call that failed. `ids` are the changes that the call was for.
    pub(super) async fn settle_failed(
        &self,
        called: Called,
        plan: Plan,
        ids: &[ChangeId],
    ) -> Result<Stepped, StoreError> {
        let now = self.clock.now();
        let status = called.attempt.status;
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
                let failing_ms = now.since(retry.failing_since) - (self.paused_ms - retry.paused_before_ms).max(0);
                let seen = if throttled { Seen::Throttled(retry.at) } else { Seen::Unclear(brief(status, &reason)) };
                let give_up_ms = i64::try_from(self.account.config.give_up_after.as_millis()).unwrap_or(i64::MAX);
                if failing_ms >= give_up_ms && !ids.is_empty() {
                    let tries = if retry.tries == 1 { "try" } else { "tries" };
                    let given_up = format!("given up after {} {tries}: {reason}", retry.tries);
                    settled.extend(die(Cause::GivenUp, &given_up));
                    (None, Stepped { next: Next::More, seen })
                } else {
                    let next = Next::Later(retry.at);
                    (Some(retry), Stepped { next, seen })
                }
            }
            Outcome::Done { .. } | Outcome::Unproven => (None, Stepped { next: Next::More, seen: Seen::Well }),
        };
        self.record(Said { settled, attempts, made_for: ids, took: Vec::new(), retry }).await?;
        Ok(stepped)
    }

    /// When the contact is tried again.
    fn retry(&self, now: Timestamp, reason: &str, after: Option<std::time::Duration>, throttled: bool) -> Retry {
        let before = self.taken.retry.as_ref();
        // A provider that is busy says nothing about this contact: only its own failures move it along the schedule.
        let tries = before.map_or(0, |r| r.tries) + u32::from(!throttled);
        let planned = if throttled {
            now.plus_millis(THROTTLE_MS)
        } else {
            now.plus(retry::wait(tries, retry::jitter(self.key, tries)))
        };
        let asked = after.map(|after| now.plus(after));
        Retry {
            at: if throttled { asked.unwrap_or(planned) } else { asked.map_or(planned, |asked| asked.max(planned)) },
            tries,
            failing_since: before.map_or(now, |r| r.failing_since),
            paused_before_ms: before.map_or(self.paused_ms, |r| r.paused_before_ms),
            reason: reason.to_owned(),
            throttled,
        }
    }

    /// The waiting changes whose guards have not been judged: those a failed look-up was for.
    pub(super) fn readers(&self) -> Vec<ChangeId> {
        let asks = |change: &Change| {
            let terms = change.terms.as_deref();
            !change.guard.is_open() || terms.is_some_and(|t| !t.unless.is_empty() || !t.exclusive.is_empty())
        };
        let unjudged = self.taken.changes.iter().filter(|(id, _)| !self.taken.past.judged.contains_key(id));
        unjudged.filter(|(_, change)| asks(change)).map(|(id, _)| *id).collect()
    }
}

/// A failure as it is told of the connection: without what the provider said, since that was said of one contact and may name a person.
fn brief(status: Option<u16>, reason: &str) -> String {
    status.map_or_else(|| reason.to_owned(), |status| format!("status {status}"))
}
