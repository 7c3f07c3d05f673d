//! Requests that were refused lately: counted by address, and the last ones kept in memory, without bodies.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::failures::{Counted, Failures, TooMany};
use crate::domain::time::{Timestamp, rfc3339};

/// Refusals that are shown.
const KEPT: usize = 200;

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// When.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub at: Timestamp,
    /// The source's name as the address had it.
    pub source: String,
    /// Who called: behind proxies that are trusted the sender, not the proxy, unless nobody knows the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// The stable word of the problem.
    pub problem: &'static str,
    /// What the operator may know of it.
    pub reason: String,
}

/// Refusals of the last minutes.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    failures: Failures,
    last: VecDeque<Refused>,
}

impl Refusals {
    /// Counts a failed proof; tells when the address has had too many.
    pub(super) fn failed_proof(&self, whose: Option<Counted>, now: Timestamp) -> Option<TooMany> {
        self.inner().failures.count(whose?, now)
    }

    /// How many addresses must wait since they failed too often.
    pub(super) fn waiting(&self, now: Timestamp) -> usize {
        self.inner().failures.waiting(now)
    }

    /// Keeps a refusal for people to see.
    pub fn keep(&self, refused: Refused) {
        let mut inner = self.inner();
        if inner.last.len() == KEPT {
            inner.last.pop_back();
        }
        inner.last.push_front(refused);
    }

    /// The last refusals, newest first.
    pub fn last(&self) -> Vec<Refused> {
        self.inner().last.iter().cloned().collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
