//! Credentials that are refused, at every provider: it is paused and shown, its work waits, one look at a time.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup};
use crate::support::gestures::states;

/// One connection a provider, with a rule that asks for something there.
const PROVIDERS: [(&str, &str, &str); 5] = [
    ("helpcrunch", "api_key: env:KEY", "tag: { it: { add: [Lead] } }"),
    ("1980tic", "token: env:KEY", "tag: { it: { add: [Lead] } }"),
    ("respond-io", "token: env:KEY", "tag: { it: { add: [Lead] } }"),
    ("b2chat", "username: env:KEY, password: env:KEY", "tag: { it: { add: [Lead] } }"),
    ("webhook", "url: env:KEY", "forward: { it: { name: Ana } }"),
];

fn at(provider: &str, credentials: &str, effect: &str) -> Gateway {
    let rules = format!(
        "{HEAD}\nconnections:\n  it: {{ provider: {provider}, {credentials} }}\nrules:\n  - id: lead\n    match: {{ intent: lead }}\n    {effect}\n"
    );
    Setup::bare(&rules).alone("each gateway looks for itself, since secrets are its own").start()
}

#[test]
fn refused_credentials_pause_every_provider_and_the_mend_wakes_all_that_waited() {
    for (provider, credentials, effect) in PROVIDERS {
        let gateway = at(provider, credentials, effect);
        gateway.set_faults(&json!([{ "kind": "status", "status": 401 }]));
        gateway.event(&said("first", 7, "lead"));
        let paused = |gateway: &Gateway| Some(gateway.crm()).filter(|of| of["state"] == "paused");
        let shown = eventually("the pause", || paused(&gateway));
        assert!(shown["reason"].as_str().is_some_and(|reason| reason.contains("401")), "{provider}: {shown}");
        assert!(shown["probe_at"].is_string(), "{provider}: {shown}");
        let calls = gateway.calls().len();
        for n in 0..4 {
            gateway.event(&said(&format!("e{n}"), 10 + n, "lead"));
        }
        eventually("all that waits", || (gateway.crm()["waiting"] == 5).then_some(()));
        assert_eq!(gateway.calls().len(), calls, "{provider}: nothing is called while it is paused");
        assert_eq!(gateway.api("/dead-letters")["items"], json!([]), "{provider}");

        let tried = |call: &Value| call["status"] == 401;
        let looks = gateway.calls().iter().filter(|call| tried(call)).count();
        assert_eq!(gateway.api_post("/connections/it/retry")["state"], "retrying");
        eventually("one look", || (gateway.calls().iter().filter(|call| tried(call)).count() > looks).then_some(()));
        eventually("the end of the look", || paused(&gateway).filter(|of| of["probe_at"] == shown["probe_at"]));
        let again = gateway.calls().iter().filter(|call| tried(call)).count() - looks;
        assert!(again == 1, "{provider}: one look at a time, not {again}");

        gateway.clear_faults();
        gateway.api_post("/connections/it/retry");
        for key in ["first", "e0", "e1", "e2", "e3"] {
            assert_eq!(states(&gateway.settled(key)), ["applied"], "{provider}: {key}");
        }
        assert_eq!((&gateway.crm()["state"], &gateway.crm()["waiting"]), (&json!("well"), &json!(0)), "{provider}");
    }
}

/// `tagrelay connections --retry it`
fn retry(gateway: &Gateway) -> String {
    let url = format!("http://{}", gateway.address);
    let args = ["connections", "--retry", "it", "--url", &url];
    run_with(gateway.setup.folder(), &args, &[("TAGRELAY_ADMIN_TOKEN", ADMIN)], b"").out
}

#[test]
fn a_retry_says_what_it_woke_and_what_happens_next() {
    let (provider, credentials, effect) = PROVIDERS[0];
    let gateway = at(provider, credentials, effect);
    assert_eq!(retry(&gateway), "it: nothing waits, so there is nothing to try\n");
    gateway.set_faults(&json!([{ "kind": "status", "status": 503, "contact": "7" }]));
    gateway.event(&said("fails", 7, "lead"));
    eventually("a failed try", || (gateway.event_of("fails")["changes"][0]["tries"] == 1).then_some(()));
    assert_eq!(retry(&gateway), "it: 1 contact waits; all are tried now, as fast as the limit allows\n");

    gateway.set_faults(&json!([{ "kind": "status", "status": 401 }]));
    gateway.event(&said("refused", 8, "lead"));
    let paused = eventually("the pause", || Some(gateway.crm()).filter(|of| of["state"] == "paused"));
    let answer = gateway.api_post("/connections/it/retry");
    let told = ["name", "state", "was", "since", "waiting", "reason"].map(|name| answer[name].clone());
    let stood = ["since", "reason"].map(|name| paused[name].clone());
    assert_eq!(told[..3], [json!("it"), json!("retrying"), json!("paused")]);
    assert_eq!((&told[3], &told[4], &told[5]), (&stood[0], &json!(2), &stood[1]), "{answer:#}");
    let out = retry(&gateway);
    let since = stood[0].as_str().and_then(|since| since.split('.').next()).expect("a time");
    let first = format!("it: paused since {since}");
    assert!(out.starts_with(&first) && out.contains("401"), "{out}");
    let next = "\n2 contacts wait; one call looks now: if it is answered, all are tried, else it is looked at again as before\n";
    assert!(out.ends_with(next), "{out}");
}
