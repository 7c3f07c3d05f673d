//! Who may call, and how often.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::request::Request;
use super::{Access, Limit, SandboxOptions};
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// Why a call isn't let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// The credential is none.
    Stranger,
    /// The limit was met.
    TooMany {
        /// What the limit is.
        rate: Rate,
        /// How long until the next call may start.
        wait: Duration,
    },
}

/// Keeps strangers out and counts the others' calls, each lane by itself.
#[derive(Debug)]
pub struct Gate {
    access: Access,
    limit: Option<Rate>,
    started: HashMap<String, VecDeque<Timestamp>>,
}

impl Gate {
    /// A gate that keeps to `documented` unless the options say otherwise.
    pub fn new(options: &SandboxOptions, documented: Rate) -> Self {
        let limit = match options.limit {
            Limit::Documented => Some(documented),
            Limit::At(rate) => Some(rate),
            Limit::Off => None,
        };
        Self { access: options.access.clone(), limit, started: HashMap::new() }
    }

    /// The key first, then the limit: a stranger's calls don't use up the account's.
    pub fn admit(&mut self, request: &Request, lane: &str, now: Timestamp) -> Result<(), Barred> {
        let is_known = match &self.access {
            Access::Key(wanted) => request.bearer() == Some(wanted),
            Access::AnyKey => request.bearer().is_some(),
        };
        if is_known { self.count(lane, now) } else { Err(Barred::Stranger) }
    }

    /// The limit alone, where anybody may call.
    pub fn count(&mut self, lane: &str, now: Timestamp) -> Result<(), Barred> {
        let Some(rate) = self.limit else { return Ok(()) };
        let window = i64::try_from(rate.window.as_millis()).unwrap_or(i64::MAX);
        let started = self.started.entry(lane.to_owned()).or_default();
        while started.front().is_some_and(|start| now.since(*start) >= window) {
            started.pop_front();
        }
        if let Some(first) = started.front().filter(|_| started.len() >= rate.calls as usize) {
            let wait = u64::try_from(window - now.since(*first)).unwrap_or(0);
            return Err(Barred::TooMany { rate, wait: Duration::from_millis(wait) });
        }
        started.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_the_whole_limit_and_learns_how_long_to_wait() {
        let mut gate = Gate::new(&SandboxOptions::default(), Rate::per_minute(2));
        let at = |seconds: i64| Timestamp(seconds * 1000);
        assert_eq!(
            (gate.count("a", at(0)), gate.count("a", at(10)), gate.count("b", at(20))),
            (Ok(()), Ok(()), Ok(()))
        );
        let wait = Duration::from_secs(40);
        assert_eq!(gate.count("a", at(20)), Err(Barred::TooMany { rate: Rate::per_minute(2), wait }));
        assert_eq!(gate.count("a", at(60)), Ok(()));
    }
}
