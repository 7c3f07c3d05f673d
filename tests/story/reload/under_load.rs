//! Two sets alternate while requests come: each event is judged by one of them and by nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::ALONE;
use crate::support::body::said;
use crate::support::gateway::{CRM, Gateway, HEAD, Setup};
use crate::support::gestures::changes;

const SENDERS: usize = 4;
const SWAPS: usize = 12;

/// Every rule, tag and reply of it says which set it is.
fn set(letter: &str) -> String {
    let rule = |n: usize| {
        format!(
            "  - id: {letter}-{n}\n    match: {{ intent: lead }}\n    tag: {{ crm: {{ add: [{letter}-{n}] }} }}\n    reply: {letter}\n"
        )
    };
    let rules: String = (0..30).map(rule).collect();
    format!("{HEAD}{CRM}\nrules:\n{rules}")
}

fn swap(gateway: &Gateway, letter: &str) {
    let before = gateway.rule_set();
    gateway.write_rules("next", &set(letter));
    fs::rename(gateway.rule_file("next"), gateway.rule_file("rules.yaml")).expect("renamed");
    gateway.rule_set_after(&before);
}

#[test]
fn no_event_is_judged_by_a_mix_of_two_sets() {
    let gateway = Setup::bare(&set("a")).set("TAGRELAY_LOG", "warn,tagrelay=info").alone(ALONE).start();
    let mut hashes = BTreeMap::from([("a", gateway.rule_set())]);
    swap(&gateway, "b");
    hashes.insert("b", gateway.rule_set());
    let (done, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let replies: Vec<(String, String)> = std::thread::scope(|scope| {
        let send = |sender: usize| {
            let (gateway, done, sent) = (&gateway, &done, &sent);
            move || {
                let mut replies = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let key = format!("{sender}-{}", replies.len());
                    let answer = gateway.event(&said(&key, replies.len() as u64 % 5, "lead")).json();
                    replies.push((key, answer["fulfillmentText"].as_str().expect("a reply").to_owned()));
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                replies
            }
        };
        let senders: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(send(sender))).collect();
        for letter in ["a", "b"].into_iter().cycle().take(SWAPS) {
            let before = sent.load(Ordering::Relaxed);
            swap(&gateway, letter);
            // Some are judged by each.
            crate::support::eventually("requests", || (sent.load(Ordering::Relaxed) > before + SENDERS).then_some(()));
        }
        done.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().expect("no panic")).collect()
    });
    let replies: BTreeMap<String, String> = replies.into_iter().collect();
    let mut seen = BTreeSet::new();
    for event in gateway.events() {
        let reply = &replies[event["key"].as_str().expect("a key")];
        assert_eq!(event["rule_set"], json!(hashes[reply.as_str()]), "{event}");
        let expected: Vec<String> = (0..30).map(|n| format!("{reply}-{n}")).collect();
        let rules: Vec<&str> = event["rules"].as_array().expect("rules").iter().filter_map(Value::as_str).collect();
        assert_eq!(rules, expected);
        seen.insert(reply.clone());
    }
    assert_eq!(seen.len(), 2, "both sets judged");
    for (key, reply) in replies.iter().step_by(replies.len() / 20 + 1) {
        let tags: Vec<String> = changes(&gateway.event_of(key)).into_iter().map(|change| change.2).collect();
        assert!(tags.len() == 30 && tags.iter().all(|tag| tag.starts_with(reply)), "{key}: {tags:?}");
    }
}
