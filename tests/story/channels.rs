//! The other platforms through the real binary: 1980TIC and respond.io, with their own limits and look-ups.

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
