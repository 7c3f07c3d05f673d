//! A provider that fails for everybody: its breaker opens, its work waits, one call looks, and all goes on.

use std::path::Path;

use serde_json::{Value, json};
use tagrelay::sandbox::Sandbox;

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;
use crate::support::provider::{connection, provider};

const LEAD: &str = "rules:\n  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

/// As many contacts as it takes, with a few more.
const CONTACTS: u64 = 14;

fn failing() -> Value {
    json!([{ "kind": "status", "status": 503 }])
}

fn begin(provider: &Sandbox) -> Gateway {
    // One at a time: nothing is under way any more once it is open.
    Setup::bare(&format!("{HEAD}{}{LEAD}", connection(provider, "rate_limit: 1000/s, concurrency: 1")))
        .without_sandbox()
        .alone("a breaker is each gateway's own")
        .start()
}

fn tell_of_all(gateway: &Gateway) {
    for n in 1..=CONTACTS {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
}

fn in_state(gateway: &Gateway, state: &str) -> Value {
    eventually(&format!("a connection that is {state}"), || Some(gateway.crm()).filter(|crm| crm["state"] == state))
}

#[track_caller]
fn all_applied(gateway: &Gateway) {
    for n in 1..=CONTACTS {
        assert_eq!(states(&gateway.settled(&n.to_string())), ["applied"], "{n}");
    }
    assert_eq!((&gateway.crm()["state"], &gateway.crm()["waiting"]), (&json!("well"), &json!(0)));
}

fn metric(gateway: &Gateway, name: &str) -> String {
    let text = gateway.call("GET", "/metrics", &[], b"").text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}{{connection=\"crm\"}} ")));
    line.unwrap_or_default().to_owned()
}

fn shown(folder: &Path, gateway: &Gateway, colour: (&str, &str)) -> String {
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", ADMIN), colour];
    run_with(folder, &["connections"], &settings, b"").out
}

#[test]
fn a_provider_that_fails_for_many_is_left_alone_until_it_is_well_again() {
    let provider = provider();
    let gateway = begin(&provider);
    provider.add_faults(&failing()).expect("faults");
    tell_of_all(&gateway);
    let open = in_state(&gateway, "open");
    let reason = open["reason"].as_str().expect("a reason");
    assert!(reason.contains("too many of its calls fail") && reason.contains("503"), "{open}");
    assert!(open["probe_at"].is_string(), "{open}");
    assert_eq!(gateway.log_of("breaker open; its changes wait").len(), 1);
    let values = || ["tagrelay_breaker_open", "tagrelay_connection_paused"].map(|name| metric(&gateway, name));
    assert_eq!(values(), ["1", "0"], "an alarm can tell it from refused credentials");

    let plain = shown(gateway.setup.folder(), &gateway, ("NO_COLOR", "1"));
    let line = plain.lines().nth(1).unwrap_or_default();
    assert!(line.starts_with("crm         open   14       "), "{plain}");
    assert!(line.contains("of 1000/s") && line.ends_with(reason), "{plain}");
    let red = shown(gateway.setup.folder(), &gateway, ("CLICOLOR_FORCE", "1"));
    assert!(red.contains("\u{1b}[31mopen"), "{red:?}");

    assert!(gateway.api("/contacts/crm/1")["next_look"].is_string(), "no time of the contact's own stands in the past");

    // What was under way when it opened may still have been answered; from then on one call looks now and then.
    assert!(provider.calls().len() < CONTACTS as usize + 2, "{:#?}", provider.calls());
    assert_eq!(gateway.api("/dead-letters")["items"], json!([]));
    provider.clear_faults();
    // Nobody asks for it: the look comes by itself.
    all_applied(&gateway);
    assert_eq!(values(), ["0", "0"]);
    assert_eq!(gateway.log_of("connection is well again").len(), 1);
}

#[test]
fn an_open_breaker_is_looked_at_when_somebody_asks() {
    let provider = provider();
    let gateway = begin(&provider);
    provider.add_faults(&failing()).expect("faults");
    tell_of_all(&gateway);
    let open = in_state(&gateway, "open");
    let before = provider.calls().len();
    provider.clear_faults();
    provider.add_faults(&json!([{ "kind": "timeout", "millis": 1_500, "times": 1 }, failing()[0]])).expect("faults");
    gateway.try_now();
    in_state(&gateway, "half-open");
    assert_eq!(metric(&gateway, "tagrelay_breaker_open"), "1");
    let again = in_state(&gateway, "open");
    assert_eq!(again["probe_at"], open["probe_at"], "a look that was asked for leaves the schedule as it was");
    assert!(again["reason"].as_str().is_some_and(|reason| reason.contains("too many of its calls fail")), "{again}");
    assert_eq!(provider.calls().len(), before + 1, "one look");
    provider.clear_faults();
    gateway.try_now();
    all_applied(&gateway);
}

#[test]
fn an_open_breaker_outlives_a_restart_and_the_start_looks_once() {
    let provider = provider();
    let mut gateway = begin(&provider);
    provider.add_faults(&failing()).expect("faults");
    tell_of_all(&gateway);
    in_state(&gateway, "open");
    gateway.kill();
    let before = provider.calls().len();
    gateway.start_again();
    let looked = eventually("a look", || (provider.calls().len() > before).then(|| in_state(&gateway, "open")));
    assert!(looked["reason"].as_str().is_some_and(|reason| reason.contains("503")), "{looked}");
    assert_eq!((provider.calls().len(), &looked["waiting"]), (before + 1, &json!(CONTACTS)), "one call, not fourteen");
    provider.clear_faults();
    gateway.try_now();
    all_applied(&gateway);
}

#[test]
fn an_audit_leaves_an_open_breaker_alone() {
    let provider = provider();
    let gateway = begin(&provider);
    gateway.event(&said("known", 99, "lead"));
    gateway.settled("known");
    provider.add_faults(&failing()).expect("faults");
    tell_of_all(&gateway);
    in_state(&gateway, "open");
    let audited = gateway.api_as(ADMIN, "POST", "/api/v1/connections/crm/audit", b"{}").ok();
    assert_eq!(audited["stopped"]["state"], "failing", "{audited}");
}

#[test]
fn a_contact_that_fails_is_its_own_trouble() {
    let gateway = rules(LEAD.trim_start_matches("rules:\n")).start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 500, "contact": "7" }]));
    gateway.event(&said("ill", 7, "lead"));
    // More in a row than would open the breaker if they were of several. Who is just being called isn't tried again by asking.
    eventually("eleven failures in a row", || {
        gateway.try_now();
        (gateway.event_of("ill")["changes"][0]["tries"].as_u64() >= Some(11)).then_some(())
    });
    gateway.event(&said("well", 8, "lead"));
    assert_eq!(states(&gateway.settled("well")), ["applied"]);
    assert_eq!(gateway.crm()["state"], "well");
    gateway.clear_faults();
    let mended = eventually("its end", || {
        gateway.try_now();
        Some(states(&gateway.event_of("ill"))).filter(|states| states != &["waiting"])
    });
    assert_eq!(mended, ["applied"]);
}

#[test]
fn first_tries_do_not_wait_for_all_that_failed() {
    let provider = provider();
    let limited = format!("{HEAD}{}{LEAD}", connection(&provider, "rate_limit: 3/s"));
    let gateway = Setup::bare(&limited).without_sandbox().start();
    // Too few in a row for the breaker.
    provider.add_faults(&json!([{ "kind": "status", "status": 500, "times": 9 }])).expect("faults");
    for n in 1..=9 {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
    let failed = |n: u64| gateway.event_of(&n.to_string())["changes"][0]["tries"] == 1;
    eventually("nine failures", || (1..=9).all(failed).then_some(()));
    assert_eq!(gateway.crm()["state"], "well");
    gateway.try_now();
    // Several: where gateways share the allowance, one of them may be the last for once.
    let new = 50..=52;
    for n in new.clone() {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
    for key in (1..=9).chain(new.clone()) {
        assert_eq!(states(&gateway.settled(&key.to_string())), ["applied"], "{key}");
    }
    let is_new = |path: &str| new.clone().any(|n| path.contains(&format!("/customers/{n}/")));
    let calls = provider.calls();
    let turns: Vec<bool> = calls.iter().map(|call| is_new(&call.path)).skip_while(|new| !new).collect();
    assert!(turns.contains(&false), "retries and first tries take turns: {turns:?} of {}", calls.len());
}
