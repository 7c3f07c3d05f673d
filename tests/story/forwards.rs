//! What is sent on: to webhooks of the sandbox, in order, signed, the same name at every try.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, SECRETS, Setup};
use crate::support::gestures::states;

/// `OUT_SECRET` and the address are not set. Whoever shows a body with its signature at `receiver` is believed.
const RULES: &str = r#"
  receiver:
    kind: catch
    auth:
      - hmac: standard-webhooks
        secret: env:RECEIVER_SECRET

connections:
  sales: { provider: webhook, url: env:ZAPIER_HOOK_URL, signing_secret: env:OUT_SECRET }
  plain: { provider: webhook, url: env:OTHER_HOOK_URL }

rules:
  - id: on
    match: { intent: on }
    forward: { sales: { n: "{{ params.n }}" } }
  - id: both
    match: { intent: both }
    forward: { plain: { n: "{{ params.n }}" } }
"#;

/// `sandbox`, as the signing secret is where none is set.
const SANDBOX_SECRET: &str = "whsec_c2FuZGJveA==";

fn start() -> Gateway {
    Setup::bare(&format!("{HEAD}{RULES}")).set("RECEIVER_SECRET", SANDBOX_SECRET).start()
}

fn send(gateway: &Gateway, key: &str, contact: u64, n: u64) {
    gateway.event(&said(key, contact, "on").with(json!({ "n": n })));
}

/// `(body.n, webhook-id, status)` of each call to a webhook.
fn taken(gateway: &Gateway) -> Vec<(u64, String, u64)> {
    let calls = gateway.calls().into_iter().filter(|call| call["provider"] == "webhook");
    let told = |call: &Value| {
        let id = call["headers"]["webhook-id"].as_str().expect("an id").to_owned();
        (call["body"]["n"].as_u64().expect("a number"), id, call["status"].as_u64().expect("a status"))
    };
    calls.map(|call| told(&call)).collect()
}

fn try_now(gateway: &Gateway) {
    assert_eq!(gateway.api_post("/connections/sales/retry")["state"], "retrying");
}

#[test]
fn the_first_command_works_where_no_address_is_set() {
    let gateway = start();
    send(&gateway, "one", 7, 1);
    assert_eq!(states(&gateway.settled("one")), ["applied"]);
    gateway.event(&said("plain", 7, "both").with(json!({ "n": 2 })));
    let event = gateway.settled("plain");
    let calls = gateway.calls();
    let paths: Vec<&Value> = calls.iter().map(|call| &call["path"]).collect();
    assert_eq!(paths, [&json!("/webhook/sales"), &json!("/webhook/plain")]);
    let shown = event["deliveries"][0]["attempts"][0]["path"].as_str().expect("a place");
    assert!(
        shown.starts_with("127.0.0.1:") && shown.ends_with("/***"),
        "{shown}: where it went, and not how to send there"
    );
    let answer = event["deliveries"][0]["attempts"][0]["answer"].as_str().expect("an answer");
    assert!(answer.contains(r#""status":"success""#), "{answer}");
    assert!(calls[1]["headers"].get("webhook-signature").is_none(), "no secret, no signature");
    assert_eq!(calls[1]["headers"]["content-type"], "application/json");
}

#[test]
fn a_receiver_believes_the_signature() {
    let gateway = start();
    send(&gateway, "one", 7, 1);
    gateway.settled("one");
    let call = gateway.calls().pop().expect("a call");
    let header = |name: &str| call["headers"][name].as_str().expect("there").to_owned();
    let (id, at, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let receive = |body: &[u8]| {
        let headers = [
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature.as_str()),
            ("Content-Type", "application/json"),
        ];
        gateway.call("POST", "/hooks/receiver", &headers, body).status
    };
    assert_eq!(call["body"], json!({ "n": 1 }));
    assert_eq!((receive(br#"{"n":1}"#), receive(br#"{"n":2}"#)), (200, 401));
}

#[test]
fn a_contacts_bodies_keep_their_order_and_each_its_name_over_all_tries() {
    let gateway = start();
    gateway.set_faults(
        &json!([{ "kind": "status", "status": 503, "times": 2, "provider": "webhook", "contact": "sales" }]),
    );
    send(&gateway, "first", 7, 1);
    eventually("the first try", || (!taken(&gateway).is_empty()).then_some(()));
    send(&gateway, "second", 7, 2);
    send(&gateway, "third", 7, 3);
    try_now(&gateway);
    eventually("the second try", || (taken(&gateway).len() >= 2).then_some(()));
    send(&gateway, "other", 8, 8);
    assert_eq!(states(&gateway.settled("other")), ["applied"], "another contact's don't wait");
    assert_eq!(states(&gateway.event_of("second")), ["waiting"]);
    try_now(&gateway);
    for key in ["first", "second", "third"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"], "{key}");
    }
    let taken = taken(&gateway);
    let sent: Vec<(u64, u64)> = taken.iter().map(|(n, _, status)| (*n, *status)).collect();
    assert_eq!(sent, [(1, 503), (1, 503), (8, 200), (1, 200), (2, 200), (3, 200)]);
    let mut names: Vec<&String> = taken.iter().map(|(_, id, _)| id).collect();
    assert!(names[0] == names[1] && names[1] == names[3], "{names:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 4);
}

#[test]
fn a_hook_that_is_gone_is_a_dead_letter_that_can_be_sent_again() {
    let gateway = start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 410, "times": 1, "provider": "webhook" }]));
    send(&gateway, "gone", 7, 1);
    let event = gateway.settled("gone");
    assert_eq!(states(&event), ["dead"]);
    assert_eq!(event["changes"][0]["reason"], "the hook is gone (410)");
    let letters = gateway.api("/dead-letters");
    let id = letters["items"][0]["id"].as_str().expect("an id").to_owned();
    gateway.api_as(ADMIN, "POST", &format!("/api/v1/dead-letters/{id}/retry"), b"").ok();
    assert_eq!(states(&gateway.settled("gone")), ["applied"]);
    let taken = taken(&gateway);
    assert_eq!(taken.iter().map(|(_, _, status)| *status).collect::<Vec<_>>(), [410, 200]);
    assert_eq!(taken[0].1, taken[1].1);
}

#[test]
fn a_body_that_may_have_arrived_is_sent_again_under_its_name() {
    let gateway = start();
    gateway.set_faults(&json!([{ "kind": "ghost", "times": 1, "provider": "webhook" }]));
    send(&gateway, "one", 7, 1);
    let tries = || gateway.calls().len();
    eventually("the first try", || (tries() == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(50));
    try_now(&gateway);
    assert_eq!(states(&gateway.settled("one")), ["applied"]);
    let names: Vec<Value> = gateway.calls().iter().map(|call| call["headers"]["webhook-id"].clone()).collect();
    assert!(names.len() == 2 && names[0] == names[1], "{names:?}");
}

#[test]
fn addresses_and_signing_secrets_are_shown_nowhere() {
    let url = "https://hooks.invalid/catch/secret-path-77";
    let gateway = Setup::bare(&format!("{HEAD}{RULES}"))
        .set("RECEIVER_SECRET", SECRETS[3])
        .set("ZAPIER_HOOK_URL", url)
        .set("OTHER_HOOK_URL", url)
        .set("OUT_SECRET", SECRETS[3])
        .start();
    send(&gateway, "one", 7, 1);
    let event = gateway.settled("one");
    assert_eq!(gateway.calls().len(), 1, "with the sandbox nothing goes to the address that the rules name");
    let told = format!("{event}{}{}", gateway.api("/connections"), gateway.process.log());
    assert!(!told.contains("secret-path-77") && !told.contains(SECRETS[3]));
}
