//! A provider that is ill: what is tried again, when, and what comes of it.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;

const LEAD: &str = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

fn ill(faults: &Value) -> Gateway {
    ill_as(rules(LEAD), faults)
}

fn ill_as(setup: Setup, faults: &Value) -> Gateway {
    let gateway = setup.start();
    gateway.set_faults(faults);
    gateway
}

/// Why these are stories of one gateway.
const ALONE: &str = "each gateway looks for itself, since secrets are its own";

fn tries(gateway: &Gateway, key: &str, wanted: u64) -> Value {
    eventually("a failed try", || {
        let change = gateway.event_of(key)["changes"][0].clone();
        (change["tries"] == wanted && change["next_try"].is_string()).then_some(change)
    })
}

/// Milliseconds between the first call and the second.
fn gap(gateway: &Gateway) -> i64 {
    let at = |call: &Value| {
        tagrelay::domain::time::Timestamp::parse(call["at"].as_str().expect("a time")).expect("RFC 3339")
    };
    let calls = gateway.calls();
    at(&calls[1]).since(at(&calls[0]))
}

#[test]
fn a_failure_of_the_provider_is_tried_again() {
    let gateway = ill(&json!([{ "kind": "status", "status": 503, "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    let waiting = tries(&gateway, "e", 1);
    assert_eq!(waiting["state"], "waiting");
    gateway.try_now();
    let event = gateway.settled("e");
    assert_eq!(states(&event), ["applied"]);
    let verdicts: Vec<&Value> =
        event["deliveries"].as_array().expect("a list").iter().map(|d| &d["attempts"][0]["status"]).collect();
    assert_eq!(verdicts.len(), 2, "both attempts are shown: {event}");
    assert!(verdicts.contains(&&json!(503)) && verdicts.contains(&&json!(200)));
}

#[test]
fn without_help_the_first_retry_comes_after_five_seconds() {
    let gateway = ill(&json!([{ "kind": "reset", "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
    assert!((5_000..7_000).contains(&gap(&gateway)), "{}", gap(&gateway));
}

#[test]
fn a_wish_of_the_provider_is_obeyed_by_the_whole_connection() {
    let gateway = ill(&json!([{ "kind": "throttle", "retry_after": "2", "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    let waiting = tries(&gateway, "e", 0);
    assert!(waiting["reason"].is_string() || waiting["next_try"].is_string(), "{waiting}");
    gateway.event(&said("other", 8, "lead"));
    gateway.try_now();
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
    assert_eq!(states(&gateway.settled("other")), ["applied"]);
    assert!((2_000..4_500).contains(&gap(&gateway)), "{}", gap(&gateway));
    assert_eq!(gateway.calls().len(), 3);
}

#[test]
fn a_429_without_a_wish_is_given_five_seconds() {
    let gateway = ill(&json!([{ "kind": "throttle", "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    tries(&gateway, "e", 0);
    gateway.event(&said("other", 8, "lead"));
    gateway.try_now();
    gateway.settled("e");
    gateway.settled("other");
    assert!((5_000..7_000).contains(&gap(&gateway)), "{}", gap(&gateway));
}

#[test]
fn a_change_that_was_made_and_answered_with_a_failure_ends_right() {
    for fault in [json!({ "kind": "ghost", "status": 500 }), json!({ "kind": "ghost" }), json!({ "kind": "truncate" })]
    {
        let mut fault = fault;
        fault["times"] = 1.into();
        let gateway = ill(&json!([fault]));
        gateway.event(&said("e", 7, "lead"));
        tries(&gateway, "e", 1);
        assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"], "it was made: {fault}");
        gateway.try_now();
        assert_eq!(states(&gateway.settled("e")), ["applied"], "{fault}");
        assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"], "{fault}");
        assert_eq!(gateway.calls().len(), 2, "what is in doubt is never taken for known: {fault}");
    }
}

#[test]
fn a_doubt_never_spares_a_call() {
    let remove = "  - id: unlead\n    match: { intent: unlead }\n    tag: { crm: { remove: [Lead] } }\n";
    let gateway = rules(&format!("{LEAD}{remove}")).start();
    gateway.event(&said("known", 7, "unlead"));
    gateway.settled("known");
    // Everything is known of the contact now; then a call leaves it open whether the tag is there.
    gateway.set_faults(&json!([{ "kind": "ghost", "status": 500, "times": 1 }]));
    gateway.event(&said("doubt", 7, "lead"));
    tries(&gateway, "doubt", 1);
    gateway.event(&said("off", 7, "unlead"));
    gateway.try_now();
    assert_eq!(states(&gateway.settled("off")), ["applied"]);
    assert_eq!(states(&gateway.settled("doubt")), ["superseded"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), [""; 0]);
}

#[test]
fn every_plausible_form_of_a_success_is_one() {
    let gateway = rules(
        "  - id: tag\n    match: { intent: tag }\n    tag: { crm: { add: [\"{{ params.tag }}\"], remove: [Cold] } }\n",
    )
    .start();
    for shape in ["whole", "data", "tags", "texts", "empty", "no_content"] {
        gateway.clear_faults();
        gateway.set_faults(&json!([{ "kind": "shape", "shape": shape }]));
        gateway.event(&said(shape, 7, "tag").with(json!({ "tag": shape })));
        let states = states(&gateway.settled(shape));
        assert!(states.iter().all(|state| state == "applied" || state == "already"), "{shape}: {states:?}");
    }
    let mut tags = ["data", "empty", "no_content", "tags", "texts", "whole"].map(str::to_owned);
    tags.sort();
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), tags);
}

#[test]
fn a_provider_that_says_nothing_is_left_after_the_timeout() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, timeout: 500ms }\n";
    let gateway = Setup::bare(&format!("{HEAD}{crm}rules:\n{LEAD}")).start();
    gateway.set_faults(&json!([{ "kind": "timeout", "millis": 3000, "times": 1 }]));
    gateway.event(&said("e", 7, "lead"));
    tries(&gateway, "e", 1);
    let attempt = gateway.event_of("e")["deliveries"][0]["attempts"][0].clone();
    assert!(attempt["verdict"].as_str().is_some_and(|verdict| verdict.contains("no answer in time")), "{attempt}");
    gateway.try_now();
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
}

#[test]
fn refused_credentials_pause_the_connection_until_they_are_mended() {
    let gateway = ill_as(rules(LEAD).alone(ALONE), &json!([{ "kind": "status", "status": 401 }]));
    gateway.event(&said("first", 7, "lead"));
    let paused = eventually("the pause", || Some(gateway.crm()).filter(|crm| crm["state"] == "paused"));
    assert!(paused["reason"].as_str().is_some_and(|reason| reason.contains("refused")), "{paused}");
    assert!(paused["probe_at"].is_string(), "{paused}");
    let calls = gateway.calls().len();
    for n in 0..5 {
        gateway.event(&said(&format!("e{n}"), 10 + n, "lead"));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(gateway.calls().len(), calls, "nothing is called while it is paused");
    assert_eq!(states(&gateway.event_of("e0")), ["waiting"]);
    assert_eq!(gateway.crm()["waiting"], 6);
    assert_eq!(gateway.call("GET", "/readyz", &[], b"").status, 200, "events are still taken");
    assert!(
        gateway.call("GET", "/metrics", &[], b"").text().contains("tagrelay_connection_paused{connection=\"crm\"} 1")
    );
    assert_eq!(gateway.api("/dead-letters")["items"], json!([]));

    gateway.try_now();
    eventually("another look", || (gateway.calls().len() == calls + 1).then_some(()));
    assert_eq!(gateway.crm()["state"], "paused", "one look at a time, and it is still refused");
    gateway.clear_faults();
    gateway.try_now();
    for key in ["first", "e0", "e1", "e2", "e3", "e4"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"], "{key}");
    }
    assert_eq!((gateway.crm()["state"].clone(), gateway.crm()["waiting"].clone()), (json!("well"), json!(0)));
}

#[test]
fn a_paused_connection_that_also_fails_is_not_called_for_every_contact() {
    let faults = json!([{ "kind": "status", "status": 401, "times": 1 }, { "kind": "status", "status": 500 }]);
    let gateway = ill_as(rules(LEAD).alone(ALONE), &faults);
    gateway.event(&said("first", 7, "lead"));
    eventually("the pause", || (gateway.crm()["state"] == "paused").then_some(()));
    for n in 0..5 {
        gateway.event(&said(&format!("e{n}"), 10 + n, "lead"));
    }
    gateway.try_now();
    eventually("a look", || (gateway.calls().len() == 2).then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(gateway.calls_in_short().len(), 2, "{:?}", gateway.calls_in_short());
    assert_eq!(gateway.crm()["state"], "paused");
    gateway.clear_faults();
    gateway.try_now();
    for key in ["first", "e0", "e4"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"], "{key}");
    }
}

#[test]
fn a_pause_outlives_a_restart_and_the_start_looks_at_once() {
    let mut gateway = ill_as(rules(LEAD).alone(ALONE), &json!([{ "kind": "status", "status": 403 }]));
    gateway.event(&said("e", 7, "lead"));
    eventually("the pause", || (gateway.crm()["state"] == "paused").then_some(()));
    gateway.kill();
    gateway.start_again();
    assert_eq!(states(&gateway.settled("e")), ["applied"], "the new start may be the mend");
    eventually("the end of the pause", || (gateway.log_of("connection is well again").len() == 1).then_some(()));
}
