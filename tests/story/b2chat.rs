//! B2Chat through the whole gateway: tokens, both tag actions, and people who are known by their number.

use serde_json::{Value, json};

use crate::support::body::{Said, basic, said};
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::{changes, states};
use crate::support::http::{exchange, request};

const SHOP: &str = r#"
connections:
  shop: { provider: b2chat, username: env:SHOP_USER, password: env:SHOP_PASSWORD, rate_limit: 6000/min, exclusive: ["stage:*"] }
  till: { provider: b2chat, token: env:TILL_TOKEN, rate_limit: 6000/min, missing_tags: skip }
rules:
  - id: lead
    match: { intent: lead }
    tag: { shop: { add: [Lead] } }
  - id: skip
    match: { intent: skip }
    tag: { till: { add: [Lead, Typo] } }
  - id: gone
    match: { intent: gone }
    tag: { shop: { remove: [Lead] } }
  - id: phone
    match: { intent: phone }
    contact: { phone: "{{ params.phone }}" }
    tag: { shop: { add: [Lead] } }
  - id: new
    match: { intent: new }
    contact: { phone: "{{ params.phone }}", create: true }
    tag: { shop: { add: [Lead] } }
    set: { shop: { fullname: "{{ params.name }}" } }
  - id: offer
    match: { intent: offer }
    contact: { phone: "{{ params.phone }}" }
    tag: { shop: { add: [Offer], unless_tagged: [Opt-out] } }
  - id: stage
    match: { intent: stage }
    contact: { phone: "{{ params.phone }}" }
    tag: { shop: { add: ["stage:{{ params.stage }}"] } }
"#;

const ANA: &str = "+573000000000";

fn start() -> Gateway {
    Setup::bare(&format!("{HEAD}{SHOP}"))
        .set("SHOP_USER", "shop-user-88aa")
        .set("SHOP_PASSWORD", "shop-pass-31fe")
        .start()
}

fn by_phone(key: &str, intent: &str, number: &str) -> Said {
    said(key, 1, intent).with(json!({ "phone": number, "name": "Ana", "stage": "hot" }))
}

/// `POST /contacts/7/tags?tag_actions=ASSIGN_TAG -> 200`
fn calls(gateway: &Gateway) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace("/b2chat", "");
    gateway.calls().iter().map(|c| format!("{} {} -> {}", text(&c["method"]), text(&c["path"]), c["status"])).collect()
}

fn edit(gateway: &Gateway, edit: &Value) {
    gateway.ask_sandbox("POST", "/_sandbox/b2chat", edit).ok();
}

/// Somebody whom the account knows by a number: the id.
fn import(gateway: &Gateway, number: &str) -> String {
    let body = json!({ "contact": { "fullname": "Ana", "mobile": number } }).to_string();
    let headers = [("Authorization", "Bearer any"), ("Content-Type", "application/json")];
    let sent = request("POST", "/b2chat/contacts/import", &headers, body.as_bytes());
    let address = gateway.sandbox.expect("the built-in sandbox");
    let made = exchange(address, &sent, std::time::Duration::from_secs(10)).expect("an answer").ok();
    gateway.ask_sandbox("DELETE", "/_sandbox/calls", &Value::Null);
    made["contact_id"].to_string()
}

fn tags(gateway: &Gateway, id: &str) -> Vec<String> {
    let contact = gateway.ask_sandbox("GET", &format!("/_sandbox/contacts/b2chat/{id}"), &Value::Null).ok();
    let names = contact["tags"].as_array().expect("a list").iter();
    let mut names: Vec<String> = names.filter_map(|tag| Some(tag["name"].as_str()?.to_owned())).collect();
    names.sort();
    names
}

fn set_tags(gateway: &Gateway, id: &str, tags: &[&str]) {
    gateway.ask_sandbox("POST", &format!("/_sandbox/contacts/b2chat/{id}"), &json!({ "tags": tags })).ok();
}

#[test]
fn a_token_that_ended_is_renewed_once_and_the_call_is_made_again() {
    let gateway = start();
    gateway.event(&said("one", 7, "lead"));
    assert_eq!(states(&gateway.settled("one")), ["applied"]);
    edit(&gateway, &json!({ "end_tokens": true }));
    gateway.event(&said("two", 7, "gone"));
    let event = gateway.settled("two");
    assert_eq!(states(&event), ["applied"]);
    let token = "POST /oauth/token -> 200";
    let removal = "DELETE /contacts/7/tags -> ";
    let (refused, removed) = (format!("{removal}401"), format!("{removal}200"));
    let added = "POST /contacts/7/tags?tag_actions=ASSIGN_TAG -> 200";
    assert_eq!(calls(&gateway), [token, added, &refused, token, &removed]);
    let attempts = &event["deliveries"][0]["attempts"];
    assert_eq!(attempts.as_array().map(Vec::len), Some(1), "{attempts}");
    assert_eq!(attempts[0]["verdict"], "done; a token was refused with 401 and renewed first");
}

#[test]
fn a_refused_password_pauses_the_connection_and_its_changes_wait() {
    let gateway = start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 401, "contact": "token" }]));
    gateway.event(&said("one", 7, "lead"));
    let shop = eventually("the pause", || {
        let connections = gateway.api("/connections");
        let shop = connections["items"].as_array()?.iter().find(|item| item["name"] == "shop")?.clone();
        (shop["state"] == "paused").then_some(shop)
    });
    assert!(shop["reason"].as_str().is_some_and(|reason| reason.contains("credentials refused")), "{shop}");
    assert_eq!(states(&gateway.event_of("one")), ["waiting"]);
    gateway.clear_faults();
    gateway.api_post("/connections/shop/retry");
    assert_eq!(states(&gateway.settled("one")), ["applied"]);
}

#[test]
fn what_is_created_is_known_and_what_may_be_skipped_is_not() {
    let gateway = start();
    edit(&gateway, &json!({ "tags": { "Lead": "ACTIVE" } }));
    for key in ["one", "two"] {
        gateway.event(&said(key, 7, "skip"));
        let event = gateway.settled(key);
        assert_eq!(states(&event), ["applied", "applied"], "{key}: a success that proves nothing spares no later call");
        let reason = "the provider took it; with `missing_tags: skip` that proves nothing";
        assert_eq!(event["changes"][1]["reason"], reason);
    }
    assert_eq!(tags(&gateway, "7"), ["Lead"]);
    assert_eq!(calls(&gateway), ["POST /contacts/7/tags?tag_actions=SKIP_TAGS -> 200"; 2]);
    gateway.event(&said("three", 8, "lead"));
    gateway.event(&said("four", 8, "lead"));
    assert_eq!(states(&gateway.settled("four")).len(), 1);
    let spent = calls(&gateway).iter().filter(|call| call.contains("/contacts/8/")).count();
    assert_eq!((spent, tags(&gateway, "8")), (1, vec!["Lead".to_owned()]), "ASSIGN_TAG is believed");
}

#[test]
fn people_are_found_by_their_number_or_made() {
    let gateway = start();
    let ana = import(&gateway, ANA);
    gateway.event(&by_phone("found", "phone", "+57 300 000 0000"));
    assert_eq!(states(&gateway.settled("found")), ["applied"]);
    assert_eq!(tags(&gateway, &ana), ["Lead"]);
    gateway.event(&by_phone("nobody", "phone", "+571"));
    let nobody = gateway.settled("nobody");
    assert_eq!(
        (states(&nobody), &nobody["changes"][0]["reason"]),
        (vec!["dead".into()], &json!("no contact is found by this"))
    );
    gateway.event(&by_phone("new", "new", "+572"));
    assert_eq!(states(&gateway.settled("new")), ["applied", "applied"]);
    let made = gateway.ask_sandbox("GET", "/_sandbox/contacts/b2chat/2", &Value::Null).ok();
    assert_eq!(
        (&made["mobile"], &made["fullname"], tags(&gateway, "2")),
        (&json!("+572"), &json!("Ana"), vec!["Lead".into()])
    );
}

#[test]
fn whom_two_share_a_number_with_is_left_alone() {
    let gateway = start();
    let (one, two) = (import(&gateway, ANA), import(&gateway, ANA));
    gateway.event(&by_phone("several", "phone", ANA));
    assert_eq!(states(&gateway.settled("several")), ["dead"]);
    assert!(tags(&gateway, &one).is_empty() && tags(&gateway, &two).is_empty());
    assert_eq!(calls(&gateway), ["POST /oauth/token -> 200", "GET /contacts/export -> 200"]);
}

#[test]
fn a_contact_that_is_lost_is_looked_up_once_more() {
    let gateway = start();
    let ana = import(&gateway, ANA);
    gateway.set_faults(&json!([{ "kind": "status", "status": 404, "contact": ana, "times": 1 }]));
    gateway.event(&by_phone("lost", "phone", ANA));
    assert_eq!(states(&gateway.settled("lost")), ["applied"]);
    let looks = calls(&gateway).iter().filter(|call| call.contains("/export")).count();
    assert_eq!((looks, tags(&gateway, &ana)), (2, vec!["Lead".to_owned()]));
    gateway.set_faults(&json!([{ "kind": "status", "status": 404, "contact": "77" }]));
    gateway.event(&said("gone", 77, "lead"));
    assert_eq!(states(&gateway.settled("gone")), ["dead"], "an id is not looked up");
}

#[test]
fn guards_and_sets_are_judged_by_the_number_that_found_the_contact() {
    let gateway = start();
    let ana = import(&gateway, ANA);
    set_tags(&gateway, &ana, &["Opt-out", "stage:cold", "Newsletter"]);
    gateway.event(&by_phone("offer", "offer", ANA));
    assert_eq!(states(&gateway.settled("offer")), ["guarded"]);
    gateway.event(&by_phone("stage", "stage", ANA));
    let event = gateway.settled("stage");
    assert_eq!(changes(&event)[0].3, "applied", "{event}");
    assert_eq!(tags(&gateway, &ana), ["Newsletter", "Opt-out", "stage:hot"]);
}

#[test]
fn the_token_is_nowhere() {
    let mut gateway = start();
    gateway.event(&said("one", 7, "lead"));
    gateway.settled("one");
    // Asked again, the account gives the same token.
    let pair = basic("shop-user-88aa", "shop-pass-31fe");
    let headers = [("Authorization", pair.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let sent = request("POST", "/b2chat/oauth/token", &headers, b"grant_type=client_credentials");
    let address = gateway.sandbox.expect("the built-in sandbox");
    let token = exchange(address, &sent, std::time::Duration::from_secs(10)).expect("an answer").ok();
    let token = token["access_token"].as_str().expect("a token").to_owned();
    let shown = gateway.event_of("one").to_string() + &gateway.api("/connections").to_string();
    gateway.terminate();
    let log = gateway.process.log();
    for secret in [token.as_str(), "shop-pass-31fe", pair.trim_start_matches("Basic ")] {
        assert!(!log.contains(secret) && !shown.contains(secret), "{secret}");
        for entry in std::fs::read_dir(gateway.setup.folder()).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = if path.is_file() { std::fs::read(&path).expect("read") } else { Vec::new() };
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", path.display());
        }
    }
}
