//! All that a sandbox remembers, and how one call runs through it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::SandboxOptions;
use super::calls::CallLog;
use super::faults::{Act, Faults, Plan};
use super::helpcrunch::{self, Account};
use super::request::{Reply, Request};
use crate::domain::time::Timestamp;

/// All that a sandbox remembers. It is gone with the sandbox.
#[derive(Debug)]
pub struct State {
    /// The account at HelpCrunch.
    pub helpcrunch: Account,
    /// The calls that came in.
    pub calls: CallLog,
    /// What goes wrong.
    pub faults: Faults,
}

/// How a reply reaches the caller.
#[derive(Debug, PartialEq)]
pub enum Delivery {
    /// As it should.
    Whole(Reply),
    /// Its first half, then the connection is closed.
    Half(Reply),
    /// Not at all: the connection is closed.
    Closed,
}

/// What becomes of a call.
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// How long the caller waits first.
    pub delay: std::time::Duration,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// Then this.
    pub delivery: Delivery,
}

/// A panic while the lock was held would be a bug in a test's server; what it left is still worth showing.
pub fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Nothing has happened yet.
    pub fn new(options: SandboxOptions) -> Self {
        Self { helpcrunch: Account::new(options), calls: CallLog::default(), faults: Faults::default() }
    }

    /// The account at `provider`.
    pub fn account(&mut self, provider: &str) -> Option<&mut Account> {
        (provider == helpcrunch::NAME).then_some(&mut self.helpcrunch)
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, provider: &str, id: &str, tags: &[String]) -> Result<Value, String> {
        let account = self.account(provider).ok_or_else(|| format!("no provider {provider:?} here"))?;
        account.set_tags(id, tags)
    }

    /// Runs one call to HelpCrunch: the faults that are due, then the account, then the log.
    pub fn call_helpcrunch(&mut self, request: &Request, now: Timestamp) -> Answered {
        let plan = self.faults.plan(request);
        let delivery = match &plan.act {
            None => Delivery::Whole(self.reply(request, &plan, now)),
            Some(Act::Truncate) => Delivery::Half(self.reply(request, &plan, now)),
            Some(Act::Status(status)) => Delivery::Whole(helpcrunch::failure(*status)),
            Some(Act::Close) => Delivery::Closed,
            Some(Act::GhostStatus(status)) => {
                self.reply(request, &plan, now);
                Delivery::Whole(helpcrunch::failure(*status))
            }
            Some(Act::GhostClose) => {
                self.reply(request, &plan, now);
                Delivery::Closed
            }
        };
        let status = match &delivery {
            Delivery::Whole(reply) | Delivery::Half(reply) => Some(reply.status),
            Delivery::Closed => None,
        };
        self.calls.record(now, helpcrunch::NAME, request, status, plan.name);
        Answered { delay: plan.delay, retry_after: plan.retry_after, delivery }
    }

    fn reply(&mut self, request: &Request, plan: &Plan, now: Timestamp) -> Reply {
        let reply = self.helpcrunch.answer(request, now);
        match plan.shape {
            Some(shape) => helpcrunch::reshape(reply, request, shape),
            None => reply,
        }
    }
}
