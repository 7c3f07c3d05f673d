//! The provider's own record: which gateway called when, and what was sent on in which order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tagrelay::sandbox::{Call, Sandbox};

use crate::support::body::standard_webhooks;
use crate::town::{LIMIT, WINDOW_MS, secret};

/// After a gateway was woken, a call that it was about to make when it was stopped arrives within this time.
const WAKING_MS: i64 = 500;

/// The calls, gathered before the sandbox forgets them.
#[derive(Default)]
pub struct Record {
    last: u64,
    /// How many calls went wrong, at each provider.
    pub faulty: BTreeMap<&'static str, usize>,
    hooks: Vec<Hook>,
    /// Gateways that were stopped and woken: which, and when.
    woken: Vec<(usize, i64)>,
}

/// A call to the webhook, whose allowance is small.
struct Hook {
    at: i64,
    key: String,
    taken: bool,
    gateway: usize,
}

impl Record {
    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.last
    }

    /// Looks at what came since the last time.
    pub fn gather(&mut self, provider: &Sandbox) {
        let calls = provider.calls();
        assert!(calls.first().is_none_or(|call| call.n <= self.last + 1), "calls were forgotten before they were seen");
        for call in calls.iter().filter(|call| call.n > self.last) {
            if call.fault.is_some() {
                *self.faulty.entry(call.provider).or_default() += 1;
            }
            if call.provider == "webhook" {
                let key = call.body["key"].as_str().expect("a key").to_owned();
                // Where the connection is closed the body may have been taken, or not.
                let taken = call.status.is_some_and(|status| status < 300);
                self.hooks.push(Hook { at: call.at.millis(), key, taken, gateway: caller(call) });
            }
        }
        self.last = calls.last().map_or(self.last, |call| call.n);
    }

    /// A gateway that was stopped goes on now.
    pub fn woke(&mut self, gateway: usize) {
        self.woken.push((gateway, tagrelay::clock::now().millis()));
    }

    /// Windows with more calls than the allowance has. What a gateway sends at the moment that it wakes it had leave for when it was
    /// stopped: nobody can hold that back.
    pub fn too_many(&self) -> Vec<String> {
        let mut starts: Vec<(i64, usize)> = Vec::new();
        for hook in &self.hooks {
            let late =
                |(gateway, at): &(usize, i64)| *gateway == hook.gateway && (*at..*at + WAKING_MS).contains(&hook.at);
            if !self.woken.iter().any(late) {
                starts.push((hook.at, hook.gateway));
            }
        }
        starts.sort_unstable();
        let windows = starts.windows(LIMIT + 1);
        let full = windows.filter(|window| window[LIMIT].0 - window[0].0 < WINDOW_MS);
        full.map(|window| format!("{} calls within {} ms: {window:?}", LIMIT + 1, window[LIMIT].0 - window[0].0))
            .collect()
    }

    /// How many calls were made to the webhook in the fullest window.
    pub fn fullest(&self) -> usize {
        let mut starts: Vec<i64> = self.hooks.iter().map(|hook| hook.at).collect();
        starts.sort_unstable();
        let count = |(place, at): (usize, &i64)| starts[place..].partition_point(|other| other - at < WINDOW_MS);
        starts.iter().enumerate().map(count).max().unwrap_or_default()
    }

    /// How many calls each gateway made to the webhook.
    pub fn callers(&self) -> BTreeMap<usize, usize> {
        let mut callers = BTreeMap::new();
        for hook in &self.hooks {
            *callers.entry(hook.gateway).or_default() += 1;
        }
        callers
    }

    /// The keys that arrived more than once.
    pub fn repeated(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.hooks.iter().map(|hook| hook.key.as_str()).filter(|key| !seen.insert(*key)).collect()
    }

    /// What is wrong with what was sent on, by `events` as the API lists them, newest first: something was never taken, or arrived
    /// for the first time after a later one of the same contact had.
    pub fn disorder(&self, events: &[Value]) -> Vec<String> {
        let keys = events.iter().rev().filter_map(|event| event["key"].as_str());
        let places: BTreeMap<&str, usize> = keys.enumerate().map(|(place, key)| (key, place)).collect();
        let taken: BTreeSet<&str> = self.hooks.iter().filter(|hook| hook.taken).map(|hook| hook.key.as_str()).collect();
        let mut faults: Vec<String> =
            places.keys().filter(|key| !taken.contains(*key)).map(|key| format!("{key} was never taken")).collect();
        for taken in [false, true] {
            let mut seen = BTreeSet::new();
            let mut last: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
            for Hook { key, .. } in self.hooks.iter().filter(|hook| hook.taken || !taken) {
                if !seen.insert(key.as_str()) {
                    continue;
                }
                let Some(place) = places.get(key.as_str()) else {
                    faults.push(format!("{key} is no event"));
                    continue;
                };
                let contact = key.split('-').next().unwrap_or_default();
                let before = last.insert(contact, (*place, key));
                if let Some((later, other)) = before.filter(|(other, _)| other > place) {
                    let what = if taken { "was taken" } else { "came" };
                    faults.push(format!("{key} (event {place}) {what} after {other} (event {later})"));
                }
            }
        }
        faults
    }
}

/// Which gateway made a call: each signs with a secret of its own.
fn caller(call: &Call) -> usize {
    let header = |name: &str| call.headers.get(name).map(String::as_str).unwrap_or_default();
    let at = header("webhook-timestamp").parse().expect("seconds");
    let body = call.body.to_string();
    let signed = |gateway: &usize| {
        let proof = standard_webhooks(&secret(*gateway), header("webhook-id"), at, body.as_bytes());
        proof.iter().any(|(name, value)| name == "webhook-signature" && value == header("webhook-signature"))
    };
    (0..crate::town::GATEWAYS).find(signed).expect("one of them signed it")
}
