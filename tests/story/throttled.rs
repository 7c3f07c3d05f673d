//! "Too many requests": everybody waits as long as the provider asks, fewer calls start from then on, and the limit comes back.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tagrelay::sandbox::{Call, Sandbox};

use crate::support::body::{now, said};
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::states;
use crate::support::provider::{connection, provider};

const LEAD: &str = "rules:\n  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

fn begin(provider: &Sandbox, keys: &str) -> Gateway {
    Setup::bare(&format!("{HEAD}{}{LEAD}", connection(provider, keys))).without_sandbox().start()
}

fn refused(provider: &Sandbox) -> Call {
    eventually("a 429", || provider.calls().into_iter().find(|call| call.status == Some(429)))
}

#[track_caller]
fn all_applied(gateway: &Gateway, contacts: u64) {
    for n in 1..=contacts {
        assert_eq!(states(&gateway.settled(&n.to_string())), ["applied"], "{n}");
    }
}

#[test]
fn every_contact_waits_until_the_date_that_the_provider_names() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 1000/s, concurrency: 1");
    let second = now() as u64 + 4;
    let until = UNIX_EPOCH + Duration::from_secs(second);
    let throttle = json!({ "kind": "throttle", "retry_after": httpdate::fmt_http_date(until), "times": 1 });
    provider.add_faults(&json!([throttle])).expect("faults");
    for n in 1..=12 {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
    let refused = refused(&provider);
    let shown = eventually("the hold", || {
        Some(gateway.crm()["allowance"].clone()).filter(|allowance| allowance["held_until"].is_string())
    });
    assert_eq!((&shown["calls"], &shown["rate"]), (&json!(500), &json!("1000/s")), "half of it is used from now on");
    all_applied(&gateway, 12);
    let early: Vec<Call> = provider
        .calls()
        .into_iter()
        .filter(|call| call.n > refused.n && (call.at.millis() as u64) < second * 1_000)
        .collect();
    assert!(early.is_empty(), "a date names whole seconds: {early:#?}");
    assert_eq!(gateway.crm()["state"], "well", "a limit that is met is no failure");
    assert_eq!(gateway.api("/dead-letters")["items"], json!([]));
}

#[test]
fn a_limit_that_is_met_is_halved_and_comes_back_by_itself() {
    let provider = provider();
    let gateway = begin(&provider, "rate_limit: 8/s, concurrency: 1");
    provider.add_faults(&json!([{ "kind": "throttle", "retry_after": "1", "times": 1 }])).expect("faults");
    let allowance = || -> Value { gateway.crm()["allowance"].clone() };
    assert_eq!((&allowance()["calls"], &allowance()["used"]), (&json!(8), &json!(0)));
    gateway.event(&said("1", 1, "lead"));
    refused(&provider);
    eventually("half of it", || (allowance()["calls"] == 4).then_some(()));
    eventually("the whole of it", || (allowance()["calls"] == 8).then_some(()));
    all_applied(&gateway, 1);
}

#[test]
fn the_wait_that_was_asked_for_outlives_a_kill() {
    let provider = provider();
    let mut gateway = begin(&provider, "rate_limit: 1000/s, concurrency: 1");
    provider.add_faults(&json!([{ "kind": "throttle", "retry_after": "5", "times": 1 }])).expect("faults");
    gateway.event(&said("1", 1, "lead"));
    let refused = refused(&provider);
    eventually("the hold", || gateway.crm()["allowance"]["held_until"].is_string().then_some(()));
    gateway.kill();
    gateway.start_again();
    gateway.event(&said("2", 2, "lead"));
    all_applied(&gateway, 2);
    let until = refused.at.millis() + 5_000;
    let early: Vec<Call> =
        provider.calls().into_iter().filter(|call| call.n > refused.n && call.at.millis() < until).collect();
    assert!(early.is_empty(), "{early:#?}");
}
