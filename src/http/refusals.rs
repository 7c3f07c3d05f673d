//! Requests that were refused lately: counted by address, and the last ones kept in memory, without bodies.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::problem::Problem;
use crate::domain::time::{Timestamp, rfc3339};

/// Failed proofs that one address may make in a minute.
const FAILURES: u32 = 20;
const MINUTE_MS: i64 = 60_000;
/// Addresses that are remembered; a flood from more of them forgets the older counts, never the limit on each.
const ADDRESSES: usize = 10_000;
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
    /// Who called.
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
    failures: HashMap<IpAddr, (Timestamp, u32)>,
    last: VecDeque<Refused>,
}

impl Refusals {
    /// Counts a failed proof; `Some` seconds when the address has had too many.
    pub fn failed_proof(&self, peer: Option<IpAddr>, now: Timestamp) -> Option<u64> {
        let peer = peer?;
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.failures.len() >= ADDRESSES {
            inner.failures.retain(|_, (since, _)| now.since(*since) < MINUTE_MS);
            if inner.failures.len() >= ADDRESSES {
                inner.failures.clear();
            }
        }
        let (since, count) = inner.failures.entry(peer).or_insert((now, 0));
        if now.since(*since) >= MINUTE_MS {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        let left = MINUTE_MS - now.since(*since);
        (*count > FAILURES).then(|| (left.max(1) as u64).div_ceil(1000))
    }

    /// The same for any problem: only a failed proof counts.
    pub(super) fn failed_proof_of(&self, problem: &Problem, peer: Option<IpAddr>, now: Timestamp) -> Option<u64> {
        match problem {
            Problem::NoProof => self.failed_proof(peer, now),
            _ => None,
        }
    }

    /// Keeps a refusal for people to see.
    pub fn keep(&self, refused: Refused) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.last.len() == KEPT {
            inner.last.pop_back();
        }
        inner.last.push_front(refused);
    }

    /// The last refusals, newest first.
    pub fn last(&self) -> Vec<Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_failed_proofs_a_minute_are_answered_and_the_next_must_wait() {
        let refusals = Refusals::default();
        let peer = Some(IpAddr::from([127, 0, 0, 1]));
        for n in 0..20 {
            assert_eq!(refusals.failed_proof(peer, Timestamp(n * 1000)), None);
        }
        assert_eq!(refusals.failed_proof(peer, Timestamp(20_000)), Some(40));
        assert_eq!(refusals.failed_proof(Some(IpAddr::from([127, 0, 0, 2])), Timestamp(20_000)), None);
        assert_eq!(refusals.failed_proof(peer, Timestamp(60_000)), None);
    }
}
