//! Credentials that are refused, at every provider: it is paused and shown, its work waits, one look at a time.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup};
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
    Setup::bare(&rules).start()
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
        eventually("the end of the look", || paused(&gateway).filter(|of| of["probe_at"] != shown["probe_at"]));
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
