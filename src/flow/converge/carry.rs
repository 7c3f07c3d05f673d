//! Carrying a plan out: the next call that it needs.

use std::collections::HashMap;

use super::apart::Part;
use super::{Next, Seen, Step, Stepped};
use crate::domain::change::{ChangeId, Effect, Settled};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::flow::fold::{Plan, Wanted};
use crate::providers::{Called, Direction, Outcome};
use crate::store::{StoreError, TookAway};

/// A tag that flaps rests for the window of the allowance, and for so many milliseconds at most.
const LONGEST_REST_MS: i64 = 60_100;

impl Step<'_> {
    /// Makes the first call that the plan needs: removes before adds, fields after them, then the next body.
    pub(super) async fn carry_out(&self, mut plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        self.note_overtaken(&plan);
        if plan.open() == 0 {
            return self.settle_free(&plan, Next::Idle).await;
        }
        // The call may change what a condition reads: what was judged must outlive a crash right after it. So must it where some of
        // what a judgement hangs on is settled before the rest is looked at.
        self.keep_judged(plan.judged.clone()).await?;
        if self.taken.more && !plan.free.is_empty() {
            return self.settle_free(&plan, Next::More).await;
        }
        let resting = self.rest(&mut plan, now);
        let stepped = match (plan.open(), resting) {
            (0, Some(until)) => return self.settle_free(&plan, Next::Rest(until)).await,
            _ => self.call(plan, now).await?,
        };
        Ok(match (stepped.next, resting) {
            (Next::Idle, Some(until)) => Stepped { next: Next::Rest(until), ..stepped },
            _ => stepped,
        })
    }

    async fn settle_free(&self, plan: &Plan, next: Next) -> Result<Stepped, StoreError> {
        let retry = self.taken.retry.clone().filter(|_| next != Next::Idle);
        let settled = self.free(plan);
        if !settled.is_empty() || next == Next::Idle {
            self.settle(settled, retry).await?;
        }
        Ok(Stepped { next, seen: Seen::NoCall })
    }

    /// Remembers which tags change faster than they are called for.
    fn note_overtaken(&self, plan: &Plan) {
        let superseded = plan.free.iter().filter(|free| free.how == Settled::Superseded);
        let mut last: HashMap<&TagName, Timestamp> = HashMap::new();
        for change in superseded.filter_map(|free| self.change(free.id)) {
            if let Some(tag) = change.effect.tag() {
                let at = last.entry(tag).or_insert(change.at);
                *at = change.at.max(*at);
            }
        }
        for (tag, at) in last {
            self.account.flips.overtook(self.key, tag, at);
        }
    }

    /// Takes out of the plan what is not called for now, since it flaps: until when.
    fn rest(&self, plan: &mut Plan, now: Timestamp) -> Option<Timestamp> {
        // Of a limit an hour nobody waits for the hour.
        let window_ms = self.account.allowance.window_ms().min(LONGEST_REST_MS);
        let until = |wanted: &Wanted| self.account.flips.rests(self.key, &wanted.tag, window_ms, now);
        let resting: Vec<(ChangeId, Timestamp)> =
            plan.remove.iter().chain(&plan.add).filter_map(|wanted| Some((wanted.by, until(wanted)?))).collect();
        // An exclusive add goes with what it takes away, or not at all.
        let goes = |wanted: &Wanted| resting.iter().all(|(by, _)| *by != wanted.by);
        plan.remove.retain(goes);
        plan.add.retain(goes);
        resting.into_iter().map(|(_, until)| until).min()
    }

    async fn call(&self, plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        if !plan.remove.is_empty() {
            return self.change_tags(Direction::Remove, plan, now).await;
        }
        if !plan.add.is_empty() {
            return self.change_tags(Direction::Add, plan, now).await;
        }
        if !plan.set.is_empty() {
            return self.set_fields(plan, now).await;
        }
        let id = plan.forward.first().copied();
        let Some((id, body)) = id.and_then(|id| Some((id, self.body(id)?))) else {
            return Ok(Stepped { next: Next::Idle, seen: Seen::NoCall });
        };
        let called = self.provider.forward(&webhook_id(id, body.1), body.0, now).await;
        self.settle_called(called, plan, &[id], &[id], &[], Vec::new()).await
    }

    /// The body of a forward, and when its event was accepted.
    fn body(&self, id: ChangeId) -> Option<(&crate::domain::json::OwnedJson, Timestamp)> {
        let change = self.change(id)?;
        match &change.effect {
            Effect::Forward { body } => Some((body, change.at)),
            _ => None,
        }
    }

    async fn set_fields(&self, plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        let limit = self.account.config.provider.capabilities().fields_per_call.max(1);
        let wanted: Vec<Part> = plan.set.iter().map(|wanted| Part::Field(wanted.field.clone())).collect();
        let chosen = self.account.apart.choose(self.key, &wanted, limit);
        let parts: Vec<Part> = chosen.iter().filter_map(|place| wanted.get(*place)).cloned().collect();
        let chosen: Vec<_> = chosen.iter().filter_map(|place| plan.set.get(*place)).collect();
        let fields: Vec<_> = chosen.iter().map(|wanted| (wanted.field.as_str(), &wanted.value)).collect();
        let called = self.provider.set_fields(&self.contact.reference, &fields, now).await;
        let ids: Vec<ChangeId> = chosen.iter().map(|wanted| wanted.by).collect();
        if let Outcome::Done { tags: Some(tags) } = &called.outcome {
            self.account.knowledge.learn_whole(self.key, tags, now);
        }
        self.settle_called(called, plan, &ids, &ids, &parts, Vec::new()).await
    }

    async fn change_tags(&self, direction: Direction, plan: Plan, now: Timestamp) -> Result<Stepped, StoreError> {
        let wanted = if direction == Direction::Add { &plan.add } else { &plan.remove };
        let limit = self.account.config.provider.capabilities().tags_per_call;
        let parts: Vec<Part> = wanted.iter().map(|wanted| Part::Tag(direction, wanted.tag.clone())).collect();
        let chosen = self.account.apart.choose(self.key, &parts, limit);
        let parts: Vec<Part> = chosen.iter().filter_map(|place| parts.get(*place)).cloned().collect();
        let chunk: Vec<Wanted> = chosen.iter().filter_map(|place| wanted.get(*place)).cloned().collect();
        let tags: Vec<TagName> = chunk.iter().map(|w| w.tag.clone()).collect();
        let called = self.provider.change_tags(&self.contact.reference, direction, &tags, now).await;
        if !matches!(called.outcome, Outcome::NotYet { .. }) {
            for tag in &tags {
                self.account.flips.called(self.key, tag, now);
            }
        }
        self.learn(&called, direction, &tags, now);
        // A tag that an exclusive add took away ends no change: the add itself is still open, even where its own tag is there.
        let ends: Vec<ChangeId> = chunk.iter().filter(|w| !w.excluded).map(|w| w.by).collect();
        let for_all: Vec<ChangeId> = chunk.iter().map(|w| w.by).collect();
        self.settle_called(called, plan, &ends, &for_all, &parts, self.took(&chunk)).await
    }

    /// What a call says of the tags that it was for.
    fn learn(&self, called: &Called, direction: Direction, tags: &[TagName], now: Timestamp) {
        let knowledge = &self.account.knowledge;
        match &called.outcome {
            Outcome::Done { tags: Some(list) } => knowledge.learn_whole(self.key, list, now),
            Outcome::Done { tags: None } => {
                for tag in tags {
                    knowledge.learn(self.key, tag, direction == Direction::Add, now);
                }
            }
            // Whatever was known before, it may be otherwise now, and nothing says how.
            Outcome::Unproven | Outcome::Retry { in_doubt: true, .. } => {
                knowledge.doubt(self.key, tags, self.clock.now());
            }
            _ => {}
        }
    }

    /// What a call took away for exclusive adds.
    fn took(&self, chunk: &[Wanted]) -> Vec<TookAway> {
        let mut took: Vec<TookAway> = Vec::new();
        for excluded in chunk.iter().filter(|wanted| wanted.excluded) {
            let Some(change) = self.change(excluded.by) else { continue };
            if let Some(one) = took.iter_mut().find(|one| one.by == excluded.by) {
                one.tags.push(excluded.tag.clone());
            } else {
                let tags = vec![excluded.tag.clone()];
                took.push(TookAway { by: excluded.by, change: change.clone(), tags });
            }
        }
        took
    }
}

/// Names a forwarded body for its receiver: the same at every try, another for every body, also after the database began anew.
fn webhook_id(id: ChangeId, accepted: Timestamp) -> String {
    format!("msg_{}_{}_{}", accepted.0, id.ord, id.index)
}
