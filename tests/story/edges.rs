//! Limits, odd contacts, and calls of the API that can't be meant.

use serde_json::{Value, json};
use tagrelay::domain::time::Timestamp;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;
use crate::support::provider::{connection, provider};

const LEAD: &str = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n    reply: Thanks\n";

/// An event whose contact is anything.
fn from(gateway: &Gateway, key: &str, contact: &Value) {
    let mut body: Value = serde_json::from_slice(&said(key, 1, "lead").body()).expect("JSON");
    body["originalDetectIntentRequest"]["payload"]["helpcrunch_id"] = contact.clone();
    let answer = gateway.send_hook(body.to_string().as_bytes());
    assert_eq!(answer.ok(), json!({ "fulfillmentText": "Thanks" }), "the answer needs no contact");
}

#[test]
fn the_limit_is_kept_through_a_kill() {
    let provider = provider();
    let crm = connection(&provider, "rate_limit: 3/s");
    let mut gateway = Setup::bare(&format!("{HEAD}{crm}rules:\n{LEAD}")).without_sandbox().start();
    for contact in 1..=9 {
        gateway.event(&said(&format!("e{contact}"), contact, "lead"));
    }
    eventually("the first calls", || (provider.calls().len() >= 3).then_some(()));
    gateway.kill();
    gateway.start_again();
    for contact in 1..=9 {
        gateway.settled(&format!("e{contact}"));
    }
    let starts: Vec<Timestamp> = provider.calls().iter().map(|call| call.at).collect();
    assert!((9..=12).contains(&starts.len()), "a call or two may come twice: {}", starts.len());
    for start in &starts {
        let within = starts.iter().filter(|other| (0..1000).contains(&other.since(*start))).count();
        assert!(within <= 3, "{within} calls in a second: {starts:?}");
    }
}

#[test]
fn what_fails_for_too_long_is_given_up() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, give_up_after: 1s }\n";
    let gateway = Setup::bare(&format!("{HEAD}{crm}rules:\n{LEAD}")).start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 500 }]));
    gateway.event(&said("e", 7, "lead"));
    eventually("a failed try", || (gateway.event_of("e")["changes"][0]["tries"] == 1).then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    gateway.try_now();
    let event = gateway.settled("e");
    assert_eq!(states(&event), ["dead"]);
    let reason = event["changes"][0]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("given up after 2 tries: "), "{reason}");
    gateway.clear_faults();
    let id = event["changes"][0]["id"].as_str().expect("an id");
    gateway.api_post(&format!("/dead-letters/{id}/retry"));
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
}

#[test]
fn a_contact_can_not_lead_a_call_elsewhere() {
    let gateway = rules(LEAD).start();
    for (key, contact) in
        [("up", "../../v2/accounts"), ("query", "7?x=1"), ("path", "7/tags"), ("dots", ".."), ("space", "7 8")]
    {
        from(&gateway, key, &json!(contact));
        assert_eq!(states(&gateway.settled(key)), ["dead"], "{key}");
    }
    for call in gateway.calls() {
        let path = call["path"].as_str().expect("a path");
        let id = path.strip_prefix("/helpcrunch/v1/customers/").and_then(|rest| rest.strip_suffix("/tags"));
        assert!(id.is_some_and(|id| !id.contains(['/', '?', ' '])), "{path}");
    }
}

#[test]
fn numbers_keep_their_digits_and_whole_doubles_are_integers() {
    let gateway = rules(LEAD).start();
    for (key, contact, id) in [
        ("large", "9007199254740993", "9007199254740993"),
        ("double", "1568834.0", "1568834"),
        ("text", "\"1568835\"", "1568835"),
    ] {
        let body = String::from_utf8(said(key, 4_242, "lead").body()).expect("UTF-8");
        let body = body.replace("\"helpcrunch_id\":4242", &format!("\"helpcrunch_id\":{contact}"));
        assert!(body.contains(contact), "{body}");
        assert_eq!(gateway.send_hook(body.as_bytes()).status, 200);
        let event = gateway.settled(key);
        assert_eq!(event["changes"][0]["contact"], format!("id:{id}"));
        assert_eq!(gateway.contact_in_sandbox(id.parse().expect("a number")).expect("known"), ["Lead"], "{key}");
    }
}

#[test]
fn without_a_contact_the_answer_is_given_and_the_event_is_marked() {
    let gateway = rules(LEAD).start();
    for (key, contact) in [("null", json!(null)), ("empty", json!("")), ("mapping", json!({ "id": 7 }))] {
        from(&gateway, key, &contact);
        let event = gateway.event_of(key);
        assert_eq!((&event["changes"], event["faults"].as_array().map(Vec::len)), (&json!([]), Some(1)), "{event}");
        assert_eq!(event["faults"][0]["rule"], "lead");
    }
    assert!(gateway.calls().is_empty());
    assert_eq!(gateway.log_of("rule fault").len(), 3);
}

#[test]
fn what_can_not_be_meant_is_no_success() {
    let gateway = rules(LEAD).start();
    gateway.event(&said("e", 7, "lead"));
    let status = |method: &str, path: &str, body: &[u8]| {
        let answer = gateway.api_as(ADMIN, method, &format!("/api/v1{path}"), body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        answer.status
    };
    for path in
        ["/events/2", "/events/0", "/events/-1", "/events/first", "/events/99999999999999999999", "/dead-letters/1.0"]
    {
        assert_eq!(status("GET", path, b""), 404, "{path}");
    }
    for path in [
        "/events?limit=0",
        "/events?limit=many",
        "/events?cursor=x",
        "/events?source=No%20Name",
        "/deliveries?cursor=x",
    ] {
        assert_eq!(status("GET", path, b""), 400, "{path}");
    }
    assert_eq!(status("GET", "/contacts/nowhere/7", b""), 404);
    assert_eq!(status("POST", "/connections/nowhere/retry", b""), 404);
    assert_eq!(status("POST", "/dead-letters/1.0/discard", b"{\"nota\":1}"), 400);
    assert_eq!(status("POST", "/evaluate", b"{\"source\":\"nobody\",\"body\":{}}"), 400);
    assert_eq!(status("POST", "/evaluate", b"{\"source\":\"bot\",\"body\":{}}"), 400);
    assert_eq!(status("POST", "/evaluate", b"[]"), 400);
}
