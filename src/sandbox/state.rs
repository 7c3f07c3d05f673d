//! All that a sandbox remembers, and how one call runs through it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::SandboxOptions;
use super::calls::CallLog;
use super::faults::{Act, Faults, Plan};
use super::request::{Reply, Request};
use super::vendor::{Accounts, Vendor};
use crate::domain::time::Timestamp;

/// All that a sandbox remembers. It is gone with the sandbox.
#[derive(Debug)]
pub struct State {
    /// The accounts at all vendors.
    pub accounts: Accounts,
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
        Self { accounts: Accounts::new(options), calls: CallLog::default(), faults: Faults::default() }
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, provider: &str, id: &str, tags: &[String]) -> Result<Value, String> {
        let vendor = Vendor::named(provider).ok_or_else(|| format!("no provider {provider:?} here"))?;
        self.accounts.set_tags(vendor, id, tags)
    }

    /// Runs one call: the faults that are due, then the account, then the log.
    pub fn call(&mut self, vendor: Vendor, request: &Request, now: Timestamp) -> Answered {
        let plan = self.faults.plan(request);
        let delivery = match &plan.act {
            None => Delivery::Whole(self.reply(vendor, request, &plan, now)),
            Some(Act::Truncate) => Delivery::Half(self.reply(vendor, request, &plan, now)),
            Some(Act::Status(status)) => Delivery::Whole(vendor.failure(*status)),
            Some(Act::Close) => Delivery::Closed,
            Some(Act::GhostStatus(status)) => {
                self.reply(vendor, request, &plan, now);
                Delivery::Whole(vendor.failure(*status))
            }
            Some(Act::GhostClose) => {
                self.reply(vendor, request, &plan, now);
                Delivery::Closed
            }
        };
        let status = match &delivery {
            Delivery::Whole(reply) | Delivery::Half(reply) => Some(reply.status),
            Delivery::Closed => None,
        };
        self.calls.record(now, vendor.name(), request, status, plan.name);
        Answered { delay: plan.delay, retry_after: plan.retry_after, delivery }
    }

    fn reply(&mut self, vendor: Vendor, request: &Request, plan: &Plan, now: Timestamp) -> Reply {
        let reply = self.accounts.answer(vendor, request, now);
        match plan.shape {
            Some(shape) => vendor.reshape(reply, request, shape),
            None => reply,
        }
    }
}
