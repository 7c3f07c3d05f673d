//! `if_tagged` and `unless_tagged` see the contact as its earlier changes leave it, with at most one look-up.

use std::time::Duration;

use serde_json::json;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;

const GUARDED: &str = r#"
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead] } }
  - id: stop
    match: { intent: stop }
    tag: { crm: { add: [Opt-out] } }
  - id: nurture
    match: { intent: nurture }
    tag: { crm: { add: ["{{ params.tag }}"], unless_tagged: [Opt-out, Customer] } }
  - id: vip
    match: { intent: vip }
    tag: { crm: { add: [VIP], if_tagged: [Lead] } }
  - id: warm
    match: { intent: warm }
    tag: { crm: { add: [Warm], remove: [Cold], if_tagged: [Cold] } }
  - id: welcome
    match: { intent: welcome }
    tag: { crm: { add: [Greeted, Welcome], unless_tagged: [Greeted] } }
"#;

fn start() -> Gateway {
    rules(GUARDED).start()
}

fn nurture(gateway: &Gateway, key: &str, tag: &str) {
    gateway.event(&said(key, 7, "nurture").with(json!({ "tag": tag })));
}

#[test]
fn who_opted_out_is_left_alone_after_one_look() {
    let gateway = start();
    gateway.set_tags_by_hand(7, &["Opt-out"]);
    nurture(&gateway, "a", "Newsletter");
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["guarded"]);
    assert_eq!(event["changes"][0]["reason"], "unless_tagged: the contact has one of: Opt-out, Customer");
    assert_eq!(event["changes"][0]["unless_tagged"], json!(["Opt-out", "Customer"]));
    nurture(&gateway, "b", "Offer");
    assert_eq!(states(&gateway.settled("b")), ["guarded"]);
    assert_eq!(gateway.calls_in_short(), ["GET /customers/7 -> 200"], "one look is remembered");
}

#[test]
fn many_guards_that_wait_are_judged_with_one_look() {
    let gateway = start();
    gateway.set_tags_by_hand(7, &["Lead"]);
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 1000, "times": 1, "method": "GET" }]));
    for n in 0..6 {
        nurture(&gateway, &format!("e{n}"), &format!("Topic {n}"));
    }
    gateway.event(&said("vip", 7, "vip"));
    for n in 0..6 {
        assert_eq!(states(&gateway.settled(&format!("e{n}"))), ["applied"], "{n}");
    }
    assert_eq!(states(&gateway.settled("vip")), ["applied"]);
    let calls = gateway.calls_in_short();
    assert_eq!(calls.iter().filter(|call| call.starts_with("GET")).count(), 1, "{calls:?}");
    assert!(calls.len() <= 3, "{calls:?}");
}

#[test]
fn a_guard_sees_earlier_changes_that_wait_and_not_later_ones() {
    let gateway = start();
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 1000, "times": 1 }]));
    gateway.event(&said("held", 7, "lead"));
    eventually("the call that takes long", || (!gateway.calls().is_empty()).then_some(()));
    nurture(&gateway, "before", "Newsletter");
    gateway.event(&said("stop", 7, "stop"));
    nurture(&gateway, "after", "Offer");
    gateway.event(&said("vip", 7, "vip"));
    assert_eq!(states(&gateway.settled("before")), ["applied"]);
    assert_eq!(states(&gateway.settled("after")), ["guarded"]);
    assert_eq!(states(&gateway.settled("vip")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead", "Newsletter", "Opt-out", "VIP"]);
    let calls = gateway.calls_in_short();
    assert!(calls.iter().all(|call| call.starts_with("PUT")), "the answers said all that was needed: {calls:?}");
}

#[test]
fn what_was_judged_before_a_call_in_doubt_stays_judged() {
    let mut gateway = start();
    gateway.set_faults(&json!([{ "kind": "ghost", "status": 500, "times": 1, "method": "PUT" }]));
    nurture(&gateway, "doubt", "Newsletter");
    eventually("a failed try", || (gateway.event_of("doubt")["changes"][0]["tries"] == 1).then_some(()));
    // Somebody opts out later: the word of before still stands, and the later one too.
    gateway.event(&said("stop", 7, "stop"));
    gateway.kill();
    gateway.start_again();
    gateway.try_now();
    assert_eq!(states(&gateway.settled("doubt")), ["applied"]);
    gateway.settled("stop");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Newsletter", "Opt-out"]);
}

#[test]
fn a_guard_is_for_its_whole_block() {
    let gateway = start();
    gateway.set_tags_by_hand(7, &["Cold"]);
    gateway.event(&said("warm", 7, "warm"));
    assert_eq!(states(&gateway.settled("warm")), ["applied", "applied"], "the removal of Cold doesn't undo the rule");
    gateway.event(&said("welcome", 7, "welcome"));
    assert_eq!(states(&gateway.settled("welcome")), ["applied", "applied"]);
    gateway.event(&said("again", 7, "welcome"));
    gateway.event(&said("late", 7, "warm"));
    assert_eq!(states(&gateway.settled("again")), ["guarded", "guarded"]);
    assert_eq!(states(&gateway.settled("late")), ["guarded", "guarded"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Greeted", "Warm", "Welcome"]);
}

#[test]
fn a_look_that_never_shows_the_tags_is_given_up_like_any_other_call() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, give_up_after: 1s }\n";
    let gateway = Setup::bare(&format!("{HEAD}{crm}rules:\n{GUARDED}")).start();
    gateway.set_faults(&json!([{ "kind": "shape", "shape": "empty", "method": "GET" }]));
    nurture(&gateway, "blind", "Newsletter");
    eventually("a failed look", || (gateway.event_of("blind")["changes"][0]["tries"] == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(1100));
    gateway.try_now();
    let event = gateway.settled("blind");
    assert_eq!(states(&event), ["dead"]);
    let reason = event["changes"][0]["reason"].as_str().expect("a reason").to_owned();
    assert_eq!(reason, "given up after 2 tries: the contact's tags could not be read from the answer");
}
