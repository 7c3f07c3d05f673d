//! What was sent on: everything at least once, and each contact's in the order of acceptance.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tagrelay::sandbox::Sandbox;

/// The calls to the webhook, gathered before the sandbox forgets them.
#[derive(Default)]
pub struct Forwards {
    last: u64,
    /// The key of the event in each call, and whether it was taken.
    calls: Vec<(String, bool)>,
}

impl Forwards {
    /// Looks at what came since the last time.
    pub fn gather(&mut self, provider: &Sandbox) {
        let calls = provider.calls();
        assert!(calls.first().is_none_or(|call| call.n <= self.last + 1), "calls were forgotten before they were seen");
        for call in calls.iter().filter(|call| call.n > self.last && call.provider == "webhook") {
            // Where the connection is closed the body may have been taken, or not.
            let taken = call.status.is_some_and(|status| status < 300);
            self.calls.push((call.body["key"].as_str().expect("a key").to_owned(), taken));
        }
        self.last = calls.last().map_or(self.last, |call| call.n);
    }

    /// What is wrong, by `events` as the API lists them, newest first.
    pub fn faults(&self, events: &[Value]) -> Vec<String> {
        let keys = events.iter().rev().filter_map(|event| event["key"].as_str());
        let places: BTreeMap<&str, usize> = keys.enumerate().map(|(place, key)| (key, place)).collect();
        let taken: BTreeSet<&str> = self.calls.iter().filter(|call| call.1).map(|call| call.0.as_str()).collect();
        let mut faults: Vec<String> =
            places.keys().filter(|key| !taken.contains(*key)).map(|key| format!("{key} was never taken")).collect();
        let mut last: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (key, _) in &self.calls {
            let contact = key.split('-').next().unwrap_or_default();
            let Some(place) = places.get(key.as_str()) else {
                faults.push(format!("{key} is no event"));
                continue;
            };
            let before = last.insert(contact, (*place, key));
            if let Some((later, other)) = before.filter(|(other, _)| other > place) {
                faults.push(format!("{key} (event {place}) came after {other} (event {later})"));
            }
        }
        faults
    }
}
