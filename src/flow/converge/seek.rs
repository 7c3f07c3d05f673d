//! Who is meant by an e-mail address, a phone number or a field: found, made, or nobody.

use std::time::Duration;

use super::{Next, Said, Seen, Step, Stepped};
use crate::domain::cause::Cause;
use crate::domain::change::{Change, ChangeId, Settled, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::time::Timestamp;
use crate::flow::fold::Plan;
use crate::providers::people::Sight;
use crate::providers::{Called, Found, Glance, Outcome};
use crate::store::{SettledChange, StoreError};

/// For how long "there is nobody" lets a contact be made without a second look. The call that makes it comes next, but may have to
/// wait for the allowance; looking again each time would never come to an end.
const NOBODY: Duration = Duration::from_mins(10);

impl Step<'_> {
    /// Finds the contact, or makes one where a change says so; what waits then waits under its id.
    pub(super) async fn seek(&self, now: Timestamp) -> Result<Stepped, StoreError> {
        // Who was found and then lost is looked for anew: another gateway may have lost them, and here the old sight is still known.
        let is_lost = |change: &Change| change.terms.as_ref().is_some_and(|terms| terms.found_again);
        let lost = self.taken.changes.iter().any(|(_, change)| is_lost(change));
        match self.account.people.seen(self.key, now, self.account.config.tag_cache, NOBODY) {
            Some(Sight::Found(id)) if !lost => self.move_to(&id, None, Seen::NoCall).await,
            Some(Sight::Nobody) => self.make(now).await,
            Some(Sight::Part(so_far)) => self.find(&so_far, now).await,
            Some(Sight::Found(_)) | None => self.find(&Glance::default(), now).await,
        }
    }

    /// Asks the provider once: who is found, or what the next page of a long answer shows.
    async fn find(&self, so_far: &Glance, now: Timestamp) -> Result<Stepped, StoreError> {
        let asked = self.provider.find(&self.contact.reference, so_far, now).await;
        match asked.answer {
            Ok(Found::One(id)) => {
                self.account.people.found(self.key, &id, now);
                self.move_to(&id, Some(asked.attempt), Seen::Well).await
            }
            Ok(Found::Further(glance)) => {
                self.account.people.part(self.key, glance, now);
                self.settle_call(Vec::new(), asked.attempt, &self.taken_ids(), None).await?;
                Ok(Stepped { next: Next::More, seen: Seen::Well })
            }
            Ok(Found::Several) => {
                self.account.people.forget(self.key);
                let reason = "several contacts are found by this, and nobody is changed";
                let all = self.taken.changes.iter();
                let settled = all.filter_map(|(id, _)| self.dead(*id, Cause::SeveralContacts, reason)).collect();
                self.settle_call(settled, asked.attempt, &[], None).await?;
                Ok(Stepped { next: Next::Idle, seen: Seen::Well })
            }
            Ok(Found::Nobody) => {
                // What came before the first change that makes a contact finds nobody.
                let makes = self.taken.changes.iter().position(|(_, change)| creates(change));
                match makes {
                    Some(_) => self.account.people.nobody(self.key, now),
                    // Whoever asks later looks anew: somebody may be there by then.
                    None => self.account.people.forget(self.key),
                }
                let early = self.taken.changes.iter().take(makes.unwrap_or(usize::MAX));
                let reason = "no contact is found by this";
                let settled = early.filter_map(|(id, _)| self.dead(*id, Cause::UnknownContact, reason)).collect();
                self.settle_call(settled, asked.attempt, &self.taken_ids(), None).await?;
                let next = if makes.is_some() { Next::Soon } else { Next::Idle };
                Ok(Stepped { next, seen: Seen::Well })
            }
            Err(outcome) => {
                if !matches!(outcome, Outcome::Retry { .. } | Outcome::NotYet { .. }) {
                    self.account.people.forget(self.key);
                }
                self.in_vain(Called { attempt: asked.attempt, outcome }).await
            }
        }
    }

    /// Makes a contact. One that may have been made without a clear answer is looked for before another is made.
    async fn make(&self, now: Timestamp) -> Result<Stepped, StoreError> {
        if !self.taken.changes.first().is_some_and(|(_, change)| creates(change)) {
            self.account.people.forget(self.key);
            return self.find(&Glance::default(), now).await;
        }
        let asked = self.provider.create(&self.contact.reference, now).await;
        match asked.answer {
            Ok(id) => {
                self.account.people.found(self.key, &id, now);
                self.move_to(&id, Some(asked.attempt), Seen::Well).await
            }
            Err(outcome) => {
                if !matches!(outcome, Outcome::NotYet { .. }) {
                    self.account.people.forget(self.key);
                }
                self.in_vain(Called { attempt: asked.attempt, outcome }).await
            }
        }
    }

    async fn in_vain(&self, called: Called) -> Result<Stepped, StoreError> {
        self.settle_failed(called, Plan::default(), &self.taken_ids()).await
    }

    fn taken_ids(&self) -> Vec<ChangeId> {
        self.taken.changes.iter().map(|(id, _)| *id).collect()
    }

    async fn move_to(
        &self,
        id: &str,
        attempt: Option<crate::domain::attempt::Attempt>,
        seen: Seen,
    ) -> Result<Stepped, StoreError> {
        let to = ContactRef::Id(id.to_owned());
        let reason = format!("{} is {to}", self.contact.reference);
        let moved = self.taken.changes.iter().map(|(id, change)| SettledChange {
            id: *id,
            change: self.moved(change, to.clone(), |terms| terms.found_by = Some(self.contact.reference.clone())),
            how: Settled::Moved,
            reason: reason.clone(),
            others: Vec::new(),
            cause: None,
        });
        let attempts = attempt.into_iter().collect();
        self.record(Said { settled: moved.collect(), attempts, ..Said::default() }).await?;
        Ok(Stepped { next: Next::Idle, seen })
    }

    fn moved(&self, change: &Change, to: ContactRef, also: impl FnOnce(&mut Terms)) -> Change {
        let mut terms = change.terms.as_deref().cloned().unwrap_or_default();
        also(&mut terms);
        let contact = Contact { connection: self.contact.connection.clone(), reference: to };
        Change { contact, terms: terms.boxed(), ..change.clone() }
    }

    /// The provider has lost the contact: a look-up that had found it is repeated once, anything else is a dead letter.
    pub(super) fn lost(&self, plan: &Plan, reason: &str) -> Vec<SettledChange> {
        let mut settled = self.free(plan);
        // What was known of its tags would make changes seem needless of whoever has this id next.
        self.account.knowledge.forget(self.key);
        for (id, change) in &self.taken.changes {
            if settled.iter().any(|done| done.id == *id) {
                continue;
            }
            let terms = change.terms.as_deref();
            let again = terms.filter(|terms| !terms.found_again).and_then(|terms| terms.found_by.clone());
            let Some(found_by) = again else {
                settled.extend(self.dead(*id, Cause::UnknownContact, reason));
                continue;
            };
            let change = self.moved(change, found_by, |terms| (terms.found_by, terms.found_again) = (None, true));
            self.account.people.forget(change.contact.key());
            let reason = format!("{reason}; it is looked up once more");
            settled.push(SettledChange {
                id: *id,
                change,
                how: Settled::Moved,
                reason,
                others: Vec::new(),
                cause: None,
            });
        }
        settled
    }
}

fn creates(change: &Change) -> bool {
    change.terms.as_ref().is_some_and(|terms| terms.create)
}
