//! Tags that change faster than calls can follow, and many changes of one contact: few calls, and the last word holds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tagrelay::sandbox::Sandbox;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, PASSWORD, Setup};
use crate::support::gestures::states;
use crate::support::provider::{connection, provider};

const RULES: &str = r#"
rules:
  - id: on
    match: { intent: on }
    tag: { crm: { add: [Flag] } }
  - id: off
    match: { intent: off }
    tag: { crm: { remove: [Flag] } }
  - id: many
    match: { source: feed }
    tag: { crm: { add: ["{{ payload.add }}"], remove: ["{{ payload.remove }}"] } }
"#;

/// A source of many events in one request.
const FEED: &str = r#"
  feed:
    kind: catch
    auth: [{ bearer: env:BOT_PASSWORD }]
    contact: "7"
"#;

fn begin(provider: &Sandbox, keys: &str) -> Gateway {
    let setup = Setup::bare(&format!("{HEAD}{FEED}{}{RULES}", connection(provider, keys))).without_sandbox();
    setup.alone("that a tag rests is known to its contact's gateway").start()
}

fn slow(provider: &Sandbox, millis: u64) {
    provider.add_faults(&json!([{ "kind": "slow", "millis": millis }])).expect("faults");
}

/// `on` and `off` in turn; the last one is `on`.
fn flap(gateway: &Gateway, name: &str, times: u64) {
    for n in 1..=2 * times + 1 {
        gateway.event(&said(&format!("{name}-{n}"), 7, if n % 2 == 1 { "on" } else { "off" }));
    }
}

fn has_flag(provider: &Sandbox) -> bool {
    provider.tags("helpcrunch", "7").is_some_and(|tags| tags == ["Flag"])
}

#[test]
fn a_tag_that_flaps_costs_two_calls_a_window_and_can_be_hurried() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 100/min");
    slow(&provider, 700);
    let under_way = |n: usize| eventually("a call", || (provider.calls().len() == n).then_some(()));
    gateway.event(&said("first", 7, "on"));
    under_way(1);
    gateway.event(&said("a", 7, "on"));
    gateway.event(&said("b", 7, "off"));
    under_way(2);
    flap(&gateway, "late", 20);
    assert_eq!(states(&gateway.settled("b")), ["applied"]);
    eventually("all that was overtaken", || (states(&gateway.event_of("late-40")) == ["superseded"]).then_some(()));
    assert_eq!(states(&gateway.event_of("late-41")), ["waiting"], "it rests for the window");
    let flaps = gateway.api("/contacts/crm/7")["flaps"].clone();
    assert!(flaps[0]["tag"] == "Flag" && flaps[0]["until"].is_string(), "and whoever asks is told: {flaps}");
    assert_eq!(provider.calls().len(), 2);
    assert!(!has_flag(&provider));
    // Whoever doesn't want to wait says so.
    let hurried = eventually("its end", || {
        gateway.try_now();
        Some(states(&gateway.event_of("late-41"))).filter(|states| states != &["waiting"])
    });
    assert_eq!(hurried, ["applied"]);
    assert!(has_flag(&provider));
    assert_eq!(provider.calls().len(), 3);
}

#[test]
fn a_tag_that_goes_on_flapping_ends_as_its_last_word_says() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 20/s");
    slow(&provider, 250);
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < Duration::from_secs(4) {
        flap(&gateway, &format!("r{rounds}"), 3);
        rounds += 1;
    }
    let last = gateway.settled(&format!("r{}-7", rounds - 1));
    assert!(["applied", "already"].contains(&states(&last)[0].as_str()), "{last}");
    assert!(has_flag(&provider));
    let starts: Vec<i64> = provider.calls().iter().map(|call| call.at.millis()).collect();
    // The window is a second; on a busy machine calls may arrive a good moment apart.
    let most =
        starts.iter().enumerate().map(|(n, at)| starts[n..].iter().filter(|this| *this - at < 700).count()).max();
    assert!(most.is_some_and(|most| most <= 2), "{starts:?}");
}

#[test]
fn changes_that_come_one_by_one_are_each_called_for_at_once() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 100/h");
    for (n, intent) in ["on", "off", "on", "off", "on"].into_iter().enumerate() {
        gateway.event(&said(&n.to_string(), 7, intent));
        assert_eq!(states(&gateway.settled(&n.to_string())), ["applied"], "{n}: an hour isn't waited");
    }
    assert_eq!(provider.calls().len(), 5);
}

#[test]
fn ten_thousand_changes_of_one_contact_are_two_calls() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 1000/s");
    provider.add_faults(&json!([{ "kind": "status", "status": 401 }])).expect("faults");
    gateway.event(&said("first", 7, "on"));
    eventually("the pause", || (gateway.crm()["state"] == "paused").then_some(()));
    // Twenty tags, each added and removed again and again: the last words add ten of them and remove the others.
    let bearer = format!("Bearer {PASSWORD}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    for lot in 0..10 {
        let item = |n: u64| {
            let (add, remove) = if (lot * 500 + n) / 10 % 2 == 1 { ("A", "B") } else { ("B", "A") };
            json!({ "add": format!("{add}{}", n % 10), "remove": format!("{remove}{}", n % 10) })
        };
        let body = Value::from((0..500).map(item).collect::<Vec<_>>()).to_string();
        gateway.call("POST", "/hooks/feed", &headers, body.as_bytes()).ok();
    }
    let before = provider.calls().len();
    provider.clear_faults();
    gateway.try_now();
    eventually("the end of all of it", || (gateway.crm()["waiting"] == 0).then_some(()));
    let mut tags = provider.tags("helpcrunch", "7").expect("known");
    tags.sort();
    let wanted: Vec<String> = (0..10).map(|n| format!("A{n}")).chain(["Flag".to_owned()]).collect();
    assert_eq!(tags, wanted);
    let calls = provider.calls().split_off(before);
    assert!(calls.len() <= 2, "one that removes and one that adds: {calls:#?}");
}
