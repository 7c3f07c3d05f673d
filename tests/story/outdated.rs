//! Tags that others change: an event that says so ends what the gateway believes of them.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;

use crate::support::gateway::{ADMIN, Gateway, HEAD, REMEMBERED_LEADS, Setup};
use crate::support::gestures::states;

/// A colleague's tool tells of changes at `changed`; knowledge would be trusted for an hour.
fn start() -> Gateway {
    let text = format!(
        r#"{HEAD}
  changed:
    kind: catch
    auth: none
    type: "{{{{ payload.event }}}}"
    dedupe: "{{{{ payload.key }}}}"
    tags_changed_at: {{ crm: "{{{{ payload.customer.id }}}}" }}
  by-mail:
    kind: catch
    auth: none
    tags_changed_at: {{ crm: {{ email: "{{{{ payload.email }}}}" }} }}
{REMEMBERED_LEADS}  - id: lead-by-mail
    match: {{ intent: mail }}
    contact: {{ email: "{{{{ params.email }}}}" }}
    tag: {{ crm: {{ add: [Lead] }} }}
  - id: back
    match: {{ source: changed, type: back }}
    contact: "{{{{ payload.customer.id }}}}"
    tag: {{ crm: {{ add: [Lead] }} }}
"#
    );
    Setup::bare(&text).start()
}

#[track_caller]
fn post(gateway: &Gateway, source: &str, body: &Value) -> Value {
    let body = body.to_string().into_bytes();
    gateway.call("POST", &format!("/hooks/{source}"), &[("Content-Type", "application/json")], &body).ok()
}

fn changed(id: u64) -> Value {
    json!({ "event": "customer.tags", "customer": { "id": id } })
}

/// How a lead ended.
#[track_caller]
fn lead(gateway: &Gateway, key: &str) -> Vec<String> {
    gateway.event(&said(key, 7, "lead"));
    states(&gateway.settled(key))
}

#[test]
fn a_tag_that_was_removed_by_hand_is_added_again_once_an_event_has_said_so() {
    let gateway = start();
    assert_eq!(lead(&gateway, "a"), ["applied"]);
    gateway.set_tags_by_hand(7, &[]);
    assert_eq!(lead(&gateway, "b"), ["already"], "nobody has told yet");
    post(&gateway, "changed", &changed(8));
    assert_eq!(lead(&gateway, "c"), ["already"], "that was somebody else");
    post(&gateway, "changed", &json!({ "event": "customer.tags" }));
    assert_eq!(lead(&gateway, "d"), ["already"], "that was nobody");

    post(&gateway, "changed", &changed(7));
    assert_eq!(gateway.api("/contacts/crm/7")["tags"][0]["known"], Value::Null);
    assert_eq!(lead(&gateway, "e"), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
    assert_eq!(lead(&gateway, "f"), ["already"], "what was learnt since is believed");
    assert_eq!(gateway.calls().len(), 2);
}

#[test]
fn the_event_says_whose_tags_it_called_changed_until_they_are_forgotten() {
    let gateway = start();
    let told = |event: &Value| gateway.api(&format!("/events/{}", event["id"].as_str().expect("an id")));
    let event = told(&post(&gateway, "changed", &changed(7)));
    assert_eq!(event["tags_changed"], json!([{ "connection": "crm", "contact": "id:7" }]));
    assert_eq!(told(&post(&gateway, "changed", &json!({ "event": "customer.tags" })))["tags_changed"], json!([]));
    let replay = gateway.api_post("/events/1/replay");
    assert_eq!(told(&replay)["tags_changed"][0]["contact"], "id:7");

    let settings = [("TAGRELAY_LISTEN", &*gateway.address.to_string()), ("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let ask = |args: &[&str]| run_with(gateway.setup.folder(), args, &settings, b"");
    let line = "tags changed by others, as it says: of id:7 at crm; what was known of them was dropped\n";
    assert!(ask(&["events", "1"]).out.contains(line), "{}", ask(&["events", "1"]).out);
    assert!(!ask(&["events", "2"]).out.contains("changed by others"));
    let about = ask(&["events", "--connection", "crm", "--contact", "7", "--format", "json"]).json();
    let ids: Vec<&Value> = about["items"].as_array().expect("a list").iter().map(|event| &event["id"]).collect();
    assert_eq!(ids, ["3", "1"]);
    assert!(ask(&["events"]).out.contains("id:7"));

    assert_eq!(gateway.api_post("/contacts/crm/7/forget")["erased"]["events"], 2);
    let event = told(&event);
    assert_eq!((&event["tags_changed"], &event["forgotten"], &event["body"]), (&json!([]), &json!(true), &json!("")));
    assert_eq!(gateway.api_as(ADMIN, "POST", "/api/v1/events/1/replay", b"").status, 409);
}

#[test]
fn an_event_that_comes_twice_and_one_that_is_replayed_say_it_again() {
    let gateway = start();
    let told = json!({ "key": "k1", "customer": { "id": 7 } });
    let first = post(&gateway, "changed", &told);
    assert_eq!(lead(&gateway, "a"), ["applied"]);
    assert_eq!(post(&gateway, "changed", &told)["duplicate"], true);
    assert_eq!(lead(&gateway, "b"), ["applied"]);
    gateway.api_post(&format!("/events/{}/replay", first["id"].as_str().expect("an id")));
    assert_eq!(lead(&gateway, "c"), ["applied"]);
    let bodies = json!({ "source": "changed" }).to_string();
    gateway.api_as(ADMIN, "POST", "/api/v1/events/replay", bodies.as_bytes()).ok();
    assert_eq!(lead(&gateway, "d"), ["applied"]);
    assert_eq!(lead(&gateway, "e"), ["already"]);
}

#[test]
fn its_own_changes_are_delivered_without_the_old_knowledge() {
    let gateway = start();
    assert_eq!(lead(&gateway, "a"), ["applied"]);
    gateway.set_tags_by_hand(7, &[]);
    let event = post(&gateway, "changed", &json!({ "event": "back", "customer": { "id": 7 } }));
    assert_eq!(states(&gateway.settled_event(event["id"].as_str().expect("an id"))), ["applied"]);
}

#[test]
fn an_answer_to_a_call_that_began_before_is_not_believed() {
    let gateway = start();
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 1200, "times": 1, "contact": "7" }]));
    gateway.event(&said("a", 7, "lead"));
    eventually("the call that takes long", || (!gateway.calls().is_empty()).then_some(()));
    post(&gateway, "changed", &changed(7));
    assert_eq!(states(&gateway.event_of("a")), ["waiting"]);
    gateway.settled("a");
    gateway.set_tags_by_hand(7, &[]);
    assert_eq!(lead(&gateway, "b"), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
}

#[test]
fn an_address_speaks_of_whom_it_has_led_to_before() {
    let gateway = start();
    let ana = "ana@example.com";
    let made = gateway.at_sandbox("POST", "/helpcrunch/v1/customers", &json!({ "userId": "u1", "email": ana }));
    assert!(made.status < 300, "{}", made.text());
    let by_mail = |key: &str| {
        gateway.event(&said(key, 1, "mail").with(json!({ "email": ana })));
        states(&gateway.settled(key))
    };
    post(&gateway, "by-mail", &json!({ "email": ana }));
    assert_eq!(by_mail("a"), ["applied"]);
    assert_eq!(by_mail("b"), ["already"]);
    post(&gateway, "by-mail", &json!({ "email": "Ana@Example.com " }));
    assert_eq!(by_mail("c"), ["applied"]);
    post(&gateway, "by-mail", &json!({ "email": "luis@example.com" }));
    assert_eq!(by_mail("d"), ["already"]);
}

#[test]
fn what_names_nobody_is_a_fault_of_the_event() {
    let gateway = start();
    let event = post(&gateway, "changed", &json!({ "customer": { "id": [7] } }));
    let event = gateway.api(&format!("/events/{}", event["id"].as_str().expect("an id")));
    assert_eq!(event["faults"][0]["rule"], "tagrelay.source", "{event}");
    assert_eq!(event["faults"][0]["at"], "tags_changed_at.crm", "{event}");
}
