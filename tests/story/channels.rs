//! The other platforms through the real binary: 1980TIC and respond.io, with their own limits and look-ups.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::states;

const RULES: &str = r#"
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY }
  whatsapp: { provider: 1980tic, token: env:TIC_TOKEN }
  desk: { provider: respond-io, token: env:DESK_TOKEN }

rules:
  - id: many
    match: { intent: many }
    tag:
      whatsapp: { add: ["{{ params.tags }}"] }
      desk: { add: ["{{ params.tags }}"] }
  - id: few
    match: { intent: few }
    tag:
      whatsapp: { remove: ["{{ params.tags }}"] }
  - id: known-by-mail
    match: { intent: mail }
    contact: { email: "{{ params.email }}", create: true }
    tag:
      whatsapp: { add: [Lead] }
      desk: { add: [Lead] }
    set:
      whatsapp: { plan: "{{ params.plan }}" }
      desk: { firstName: "{{ params.name }}", plan: "{{ params.plan }}" }
  - id: known-by-number
    match: { intent: number }
    contact: { phone: "{{ params.phone }}" }
    tag:
      whatsapp: { add: ["{{ params.as | default(\"Called\") }}"] }
"#;

/// Neither token is set: with the sandbox both are `sandbox`.
fn start() -> Gateway {
    Setup::bare(&format!("{HEAD}{RULES}")).start()
}

/// The tags of each call with this method to this provider.
fn tags_of(gateway: &Gateway, provider: &str, method: &str) -> Vec<Vec<Value>> {
    let meant = |call: &Value| call["provider"] == provider && call["method"] == method;
    let calls = gateway.calls().into_iter().filter(meant);
    calls.filter_map(|call| call["body"].get("tags").unwrap_or(&call["body"]).as_array().cloned()).collect()
}

#[test]
fn twenty_five_tags_are_three_calls_of_at_most_ten() {
    let gateway = start();
    let all: Vec<String> = (1..=25).map(|n| format!("Topic {n:02}")).collect();
    gateway.event(&said("many", 7, "many").with(json!({ "tags": all })));
    assert!(states(&gateway.settled("many")).iter().all(|state| state == "applied"));
    for provider in ["1980tic", "respond-io"] {
        let calls = tags_of(&gateway, provider, "POST");
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5], "{provider}");
        assert_eq!(gateway.contact_at(provider, "7").expect("there")["tags"].as_array().map(Vec::len), Some(25));
    }
    gateway.event(&said("again", 7, "many").with(json!({ "tags": all })));
    assert!(states(&gateway.settled("again")).iter().all(|state| state == "already"), "learnt tag by tag");
    gateway.event(&said("few", 7, "few").with(json!({ "tags": all.get(..12) })));
    gateway.settled("few");
    assert_eq!(tags_of(&gateway, "1980tic", "DELETE").iter().map(Vec::len).collect::<Vec<_>>(), [10, 2]);
    assert_eq!(gateway.contact_at("1980tic", "7").expect("there")["tags"].as_array().map(Vec::len), Some(13));
}

#[test]
fn a_person_is_looked_up_made_once_and_found_again() {
    let gateway = start();
    let ana = json!({ "email": "Ana@Example.com", "name": "Ana", "plan": "pro" });
    gateway.event(&said("first", 7, "mail").with(ana.clone()));
    assert_eq!(states(&gateway.settled("first")), ["applied"; 5]);
    let v1 = gateway.contact_at("1980tic", "cus_1").expect("made");
    assert_eq!(v1["custom_fields"], json!({ "email": "ana@example.com", "plan": "pro" }));
    let v2 = gateway.contact_at("respond-io", "1").expect("made");
    assert_eq!(
        (&v2["firstName"], &v2["email"], &v2["tags"]),
        (&json!("Ana"), &json!("ana@example.com"), &json!(["Lead"]))
    );
    assert_eq!(v2["custom_fields"], json!([{ "name": "plan", "value": "pro" }]));

    gateway.event(&said("second", 8, "mail").with(ana));
    gateway.settled("second");
    let made = gateway.calls().into_iter().filter(|call| {
        let path = call["path"].as_str().unwrap_or_default().to_owned();
        path.ends_with("/contact/") || path.contains("create_or_update")
    });
    assert_eq!(made.count(), 2, "once at each");
}

#[test]
fn what_was_known_of_a_contact_goes_with_it() {
    let gateway = start();
    let add = |key: &str, tag: &str| {
        gateway.event(&said(key, 7, "many").with(json!({ "tags": [tag] })));
        states(&gateway.settled(key))
    };
    assert_eq!(add("first", "Lead"), ["applied", "applied"]);
    assert_eq!(add("known", "Lead"), ["already", "already"]);
    for provider in ["1980tic", "respond-io"] {
        let path = format!("/_sandbox/contacts/{provider}/7");
        assert_eq!(gateway.at_sandbox("DELETE", &path, &Value::Null).status, 204);
    }
    assert_eq!(add("lost", "Hot"), ["dead", "dead"]);
    for provider in ["1980tic", "respond-io"] {
        gateway.at_sandbox("POST", &format!("/_sandbox/contacts/{provider}/7"), &json!({ "tags": [] })).ok();
    }
    assert_eq!(add("back", "Lead"), ["applied", "applied"]);
}

#[test]
fn a_search_over_several_pages_is_a_call_for_each() {
    let (address, asked) = pages();
    let rules = RULES.replace(
        "token: env:TIC_TOKEN",
        &format!("token: env:TIC_TOKEN, base_url: \"http://{address}/v1\", allow_private: true, tag_cache: off"),
    );
    let gateway = Setup::bare(&format!("{HEAD}{rules}"))
        .set("TIC_TOKEN", "tic-token")
        .set("DESK_TOKEN", "desk-token")
        .without_sandbox()
        .start();
    gateway.event(&said("paged", 7, "number").with(json!({ "phone": "+57300" })));
    assert_eq!(states(&gateway.settled("paged")), ["applied"]);
    let asked: Vec<String> = asked.lock().expect("not poisoned").clone();
    assert_eq!(
        asked,
        [
            "GET /v1/contact/by_custom_field?name=phone&value=%2B57300",
            "GET /v1/contact/by_custom_field?name=phone&value=%2B57300&page=2",
            "POST /v1/contact/b/tags",
        ]
    );
    let deliveries = gateway.api("/deliveries");
    let attempts = deliveries["items"].as_array().expect("a list").iter().filter_map(|d| d["attempts"].as_array());
    assert_eq!(attempts.flatten().count(), 3, "each is recorded: {deliveries}");
}

/// A platform whose search lists somebody else on its first page; what it was asked is kept.
fn pages() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().filter_map(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            drop(reader.read_line(&mut line));
            let line = line.trim_end_matches("\r\n").trim_end_matches(" HTTP/1.1").to_owned();
            let body = if line.contains("page=2") {
                r#"{"data":[{"id":"b","custom_fields":{"phone":"57300"}}],"links":{"next":null}}"#
            } else if line.contains("by_custom_field") {
                r#"{"data":[{"id":"a","custom_fields":{"phone":"57300999"}}],"links":{"next":"http://other.example/?page=2"}}"#
            } else {
                r#"{"status":"success","message":"Contact Tags have been added successfully.","data":[]}"#
            };
            kept.lock().expect("not poisoned").push(line);
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            drop((&stream).write_all((head + body).as_bytes()));
            // What is left of the request is read, or the answer would be lost with a reset.
            drop(stream.shutdown(Shutdown::Write));
            drop(reader.read_to_end(&mut Vec::new()));
        }
    });
    (address, asked)
}

#[test]
fn nobody_and_several_are_dead_letters_and_one_who_was_lost_is_sought_once_more() {
    let gateway = start();
    gateway.event(&said("nobody", 7, "number").with(json!({ "phone": "+57 300" })));
    let event = gateway.settled("nobody");
    assert_eq!(
        (states(&event), &event["changes"][0]["reason"]),
        (vec!["dead".to_owned()], &json!("no contact is found by this"))
    );

    let made = |phone: &str| {
        let field = json!({ "custom_fields": [{ "name": "phone", "value": phone }] });
        gateway.at_sandbox("POST", "/1980tic/api/v1/contact/", &field).ok()["data"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let first = made("+57301");
    gateway.event(&said("found", 7, "number").with(json!({ "phone": "+57301" })));
    assert_eq!(states(&gateway.settled("found")), ["applied"]);
    assert_eq!(gateway.contact_at("1980tic", &first).expect("there")["tags"], json!(["Called"]));

    // Somebody merges two contacts at the platform: the id that is remembered is nobody's any more.
    let path = format!("/_sandbox/contacts/1980tic/{first}");
    assert_eq!(gateway.at_sandbox("DELETE", &path, &Value::Null).status, 204);
    let second = made("+57301");
    gateway.event(&said("moved", 7, "number").with(json!({ "phone": "+57301", "as": "Moved" })));
    assert_eq!(states(&gateway.settled("moved")), ["applied"]);
    assert_eq!(gateway.contact_at("1980tic", &second).expect("there")["tags"], json!(["Moved"]));

    made("+57302");
    made("+57302");
    gateway.event(&said("several", 7, "number").with(json!({ "phone": "+57302" })));
    assert_eq!(states(&gateway.settled("several")), ["dead"]);
}
