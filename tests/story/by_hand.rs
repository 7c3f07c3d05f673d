//! One person: what is told of it, and tags that are asked for by hand.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, VIEWER, rules};
use crate::support::gestures::states;

const LEAD: &str = r#"
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead] } }
    set: { crm: { plan: pro } }
  - id: found
    match: { intent: found }
    contact: { email: "{{ params.email }}", create: true }
    tag: { crm: { add: [Found, { name: Hot, for: 1h }] } }
"#;

const OWNERS_KNOWLEDGE: &str = "what is known of tags is known to the contact's gateway";

fn ask(gateway: &Gateway, contact: &str, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/contacts/crm/{contact}/tags");
    let answer = gateway.api_as(ADMIN, "POST", &path, body.to_string().as_bytes());
    (answer.status, answer.json())
}

fn tag(contact: &Value, name: &str) -> Value {
    let tags = contact["tags"].as_array().expect("a list");
    tags.iter().find(|tag| tag["tag"] == name).unwrap_or_else(|| panic!("no {name}: {contact:#}")).clone()
}

#[test]
fn tags_that_are_asked_for_are_an_event_like_any_other() {
    let gateway = rules(LEAD).start();
    gateway.event(&said("lead", 7, "lead"));
    gateway.settled("lead");
    let body = json!({ "add": ["VIP"], "remove": ["Lead"], "note": "she called" });
    let (status, answer) = ask(&gateway, "7", &body);
    assert_eq!(status, 200, "{answer}");
    let event = gateway.settled_event(answer["event"].as_str().expect("an event"));
    assert_eq!(states(&event), ["applied", "applied"]);
    assert_eq!((&event["source"], &event["rules"]), (&json!("tagrelay.api"), &json!(["tagrelay.api"])));
    assert_eq!((&event["note"], &event["body"]), (&json!("she called"), &body));
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["VIP"]);
    let vip = tag(&gateway.api("/contacts/crm/id:7"), "VIP");
    assert_eq!((&vip["rule"], &vip["note"]), (&json!("tagrelay.api"), &json!("she called")));
    for (contact, body) in [
        ("7", json!({})),
        ("7", json!({ "add": ["A"], "remove": ["A"] })),
        ("7", json!({ "add": [" "] })),
        ("7", json!({ "tags": ["A"] })),
        ("email:", json!({ "add": ["A"] })),
        ("stream:bot", json!({ "add": ["A"] })),
    ] {
        assert_eq!(ask(&gateway, contact, &body).0, 400, "{contact} {body}");
    }
    let elsewhere = gateway.api_as(ADMIN, "POST", "/api/v1/contacts/other/7/tags", br#"{"add":["A"]}"#);
    assert_eq!(elsewhere.status, 404);
    assert_eq!(gateway.api_as(VIEWER, "POST", "/api/v1/contacts/crm/7/tags", br#"{"add":["A"]}"#).status, 403);
    assert_eq!(gateway.events().len(), 2);
}

#[test]
fn what_a_connection_says_of_tags_holds_for_hands_as_well() {
    let crm = "connections:\n  crm:\n    provider: helpcrunch\n    api_key: env:CRM_KEY\n    \
               tags: [\"stage:*\", Opt-out]\n    exclusive: [\"stage:*\"]\n    unless_tagged: [Opt-out]\n";
    let gateway = Setup::bare(&format!("{HEAD}{crm}rules: []\n")).start();
    let (status, problem) = ask(&gateway, "7", &json!({ "add": ["Lead"] }));
    assert_eq!((status, &problem["type"]), (400, &json!("urn:tagrelay:problem:bad-call")));
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("Lead")), "{problem}");
    gateway.set_tags_by_hand(7, &["stage:new"]);
    let (_, answer) = ask(&gateway, "7", &json!({ "add": ["stage:won"] }));
    gateway.settled_event(answer["event"].as_str().expect("an event"));
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["stage:won"]);
    gateway.set_tags_by_hand(8, &["Opt-out"]);
    let (_, answer) = ask(&gateway, "8", &json!({ "add": ["stage:won"] }));
    assert_eq!(states(&gateway.settled_event(answer["event"].as_str().expect("an event"))), ["guarded"]);
}

#[test]
fn a_contact_says_of_each_tag_whose_word_it_is_and_what_the_provider_said() {
    let gateway = rules(LEAD).alone(OWNERS_KNOWLEDGE).start();
    gateway.event(&said("lead", 7, "lead"));
    let event = gateway.settled("lead");
    let contact = gateway.api("/contacts/crm/7");
    let lead = tag(&contact, "Lead");
    for (name, value) in [
        ("wanted", json!("add")),
        ("state", json!("applied")),
        ("event", event["id"].clone()),
        ("rule", json!("lead")),
        ("source", json!("bot")),
        ("rule_set", event["rule_set"].clone()),
        ("delivery", event["changes"][0]["delivery"].clone()),
        ("known", json!(true)),
    ] {
        assert_eq!(lead[name], value, "{name}");
    }
    assert_eq!((&lead["attempt"]["method"], &lead["attempt"]["status"]), (&json!("PUT"), &json!(200)));
    assert_eq!((&contact["fields"][0]["field"], &contact["fields"][0]["rule"]), (&json!("plan"), &json!("lead")));
    assert_eq!(
        (&contact["waiting"], &contact["dead_letters"], &contact["timers"]),
        (&json!([]), &json!([]), &json!([]))
    );
}

#[test]
fn a_tag_that_is_there_without_a_word_of_ours_is_not_by_us() {
    let guarded =
        "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead], unless_tagged: [Customer] } }\n";
    let gateway = rules(guarded).alone(OWNERS_KNOWLEDGE).start();
    gateway.set_tags_by_hand(7, &["Partner"]);
    gateway.event(&said("lead", 7, "lead"));
    gateway.settled("lead");
    let contact = gateway.api("/contacts/crm/7");
    assert_eq!(tag(&contact, "Partner"), json!({ "tag": "Partner", "state": "not by us", "known": true }));
    assert_eq!(tag(&contact, "Lead")["state"], "applied");
}

#[test]
fn what_waits_and_what_died_is_shown_with_the_person() {
    let gateway = rules(LEAD).start();
    gateway.set_faults(&json!([
        { "kind": "status", "status": 404, "contact": "7", "times": 1 },
        { "kind": "status", "status": 503, "contact": "8" },
    ]));
    gateway.event(&said("lost", 7, "lead"));
    gateway.event(&said("late", 8, "lead"));
    gateway.settled("lost");
    eventually("a failed try", || (gateway.event_of("late")["changes"][0]["tries"] == 1).then_some(()));
    let dead = gateway.api("/contacts/crm/7");
    assert!(
        dead["dead_letters"].as_array().is_some_and(|letters| letters[0]["cause"] == "unknown_contact"),
        "{dead:#}"
    );
    let late = gateway.api("/contacts/crm/8");
    assert_eq!((late["waiting"].as_array().map(Vec::len), &late["tries"]), (Some(2), &json!(1)));
    let list = |query: &str| -> Vec<Value> {
        let items = gateway.api(&format!("/contacts{query}"))["items"].as_array().expect("a list").clone();
        items.into_iter().map(|contact| contact["contact"].clone()).collect()
    };
    assert_eq!(list("?connection=crm&waiting=true"), ["id:8"]);
    assert_eq!(list("?dead=true"), ["id:7"]);
    assert_eq!(list("?connection=crm").len(), 2);
    assert_eq!(list("?connection=other"), [json!(null); 0]);
    let first = gateway.api("/contacts?limit=1");
    let second = gateway.api(&format!("/contacts?limit=1&cursor={}", first["next"].as_str().expect("more")));
    assert!(first["items"][0]["contact"] != second["items"][0]["contact"]);
}

#[test]
fn a_person_is_found_by_what_it_was_looked_up_by_and_by_its_id() {
    let gateway = rules(LEAD).start();
    gateway.event(&said("found", 1, "found").with(json!({ "email": "ana@example.com" })));
    let event = gateway.settled("found");
    let id = event["changes"][0]["contact"].as_str().expect("an id").to_owned();
    for name in ["email:ana@example.com", "email:ANA%40example.com", &id] {
        let contact = gateway.api(&format!("/contacts/crm/{name}"));
        let known: Vec<&str> =
            contact["known_as"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert!(known.contains(&"email:ana@example.com") && known.contains(&id.as_str()), "{contact:#}");
        assert_eq!(tag(&contact, "Found")["rule"], "found");
        assert_eq!(contact["timers"][0]["tag"], "Hot");
    }
    let (_, answer) = ask(&gateway, "email:ana@example.com", &json!({ "remove": ["Found"] }));
    let event = gateway.settled_event(answer["event"].as_str().expect("an event"));
    assert_eq!((states(&event), &event["changes"][0]["contact"]), (vec!["applied".to_owned()], &json!(id)));
}

#[test]
fn a_person_is_forgotten_everywhere_while_the_gateway_runs() {
    let mut gateway = rules(LEAD).start();
    let email = json!({ "email": "ana@example.com" });
    gateway.event(&said("found", 1, "found").with(email.clone()));
    let found = gateway.settled("found");
    let id = found["changes"][0]["contact"].as_str().expect("an id").to_owned();
    gateway.event(&said("other", 7, "lead"));
    gateway.settled("other");
    let forget = |gateway: &Gateway, name: &str| {
        gateway.api_as(ADMIN, "POST", &format!("/api/v1/contacts/crm/{name}/forget"), b"").ok()["erased"].clone()
    };
    assert_eq!(gateway.api_as(VIEWER, "POST", &format!("/api/v1/contacts/crm/{id}/forget"), b"").status, 403);
    // By its id, though it came by its address.
    let erased = forget(&gateway, &id);
    assert_eq!((&erased["events"], &erased["words"], &erased["timers"]), (&json!(1), &json!(2), &json!(1)), "{erased}");
    assert!(forget(&gateway, "email:ana@example.com").as_object().expect("counts").values().all(|count| *count == 0));
    let nowhere = gateway.api_as(ADMIN, "POST", "/api/v1/contacts/nix/7/forget", b"");
    assert_eq!((nowhere.status, nowhere.text().contains("there is: crm")), (404, true), "{}", nowhere.text());
    let event = gateway.api(&format!("/events/{}", found["id"].as_str().expect("an id")));
    assert_eq!((&event["forgotten"], &event["changes"], &event["body"]), (&json!(true), &json!([]), &json!("")));
    assert!(!event.to_string().contains("ana@example.com"), "{event:#}");
    let path = format!("/api/v1/events/{}/replay", found["id"].as_str().expect("an id"));
    assert_eq!(gateway.api_as(ADMIN, "POST", &path, b"").status, 409);
    // Of several gateways the contact's own may hear of it a moment later.
    eventually("nothing is known", || (gateway.api(&format!("/contacts/crm/{id}"))["tags"] == json!([])).then_some(()));
    // The same request again is the same event; a new one finds the person anew.
    assert_eq!(gateway.event(&said("found", 1, "found").with(email.clone())).status, 200);
    gateway.event(&said("anew", 1, "found").with(email));
    assert_eq!(gateway.settled("anew")["changes"][0]["state"], "applied");
    gateway.kill();
    gateway.start_again();
    assert_eq!(tag(&gateway.api("/contacts/crm/7"), "Lead")["state"], "applied", "others are as they were");
    assert_eq!(gateway.events().len(), 3);
}

#[test]
fn lists_are_narrowed_by_what_they_are_about() {
    let gateway = rules(LEAD).start();
    for (key, contact, intent) in [("a", 7, "lead"), ("b", 8, "lead"), ("c", 7, "other")] {
        gateway.event(&said(key, contact, intent));
        gateway.settled(key);
    }
    let keys = |query: &str| -> Vec<Value> {
        let items = gateway.api(&format!("/events?{query}"))["items"].as_array().expect("a list").clone();
        items.into_iter().map(|event| event["key"].clone()).collect()
    };
    let second = gateway.event_of("b")["accepted_at"].as_str().expect("a time").to_owned();
    assert_eq!(keys("intent=lead"), ["b", "a"]);
    assert_eq!(keys("connection=crm&contact=7"), ["a"]);
    assert_eq!(keys(&format!("since={second}")), ["c", "b"]);
    assert_eq!(keys(&format!("until={second}")), ["a"]);
    assert_eq!(keys("since=1h&limit=2"), ["c", "b"]);
    let deliveries = |query: &str| gateway.api(&format!("/deliveries?{query}"))["items"].as_array().map(Vec::len);
    assert_eq!(deliveries("connection=crm&contact=8"), deliveries("connection=crm&contact=7"));
    assert_eq!((deliveries("connection=other"), deliveries("connection=crm&contact=9")), (Some(0), Some(0)));
    for path in [
        "events?contact=7",
        "events?connection=crm",
        "events?since=soon",
        "deliveries?source=bot",
        "contacts?waiting=true",
    ] {
        assert_eq!(gateway.api_as(ADMIN, "GET", &format!("/api/v1/{path}"), b"").status, 400, "{path}");
    }
}
