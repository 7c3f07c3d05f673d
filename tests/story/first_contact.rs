//! A webhook comes in, and soon the right tags are at the provider; everything about it can be looked up.

use serde_json::{Value, json};

use crate::support::body::{basic, said};
use crate::support::gateway::{PASSWORD, Setup, rules};
use crate::support::gestures::{changes, states};

const PRICING: &[u8] = include_bytes!("../../rules/fixtures/es-pricing.json");
const PRICING_KEY: &str = "7c1d5a0e-52a4-4a9b-9a55-0d1a8e0c2f31-6f8f1b2c";

/// The example of the project, with the sandbox's secrets.
fn example() -> Setup {
    Setup::of_folder("rules")
}

#[test]
fn a_real_request_is_answered_and_soon_the_contact_has_its_tags() {
    let gateway = example().start();
    gateway.set_tags_by_hand(1_568_834, &["Cold", "Newsletter"]);
    let authorization = basic("dialogflow", "sandbox");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json; charset=utf-8")];
    let answer = gateway.call("POST", "/hooks/website-bot", &headers, PRICING);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.ok(), json!({ "fulfillmentText": "¡Gracias, Lucía! Te escribimos hoy con los precios." }));

    let event = gateway.settled(PRICING_KEY);
    assert_eq!(gateway.contact_in_sandbox(1_568_834).expect("known"), ["Lead", "Newsletter", "Plan intensivo"]);
    assert_eq!(event["rules"], json!(["pricing-lead"]));
    assert_eq!(event["intent"], "pricing.inquiry");
    let wanted =
        |wanted: &str, tag: &str| ("pricing-lead".to_owned(), wanted.to_owned(), tag.to_owned(), "applied".to_owned());
    assert_eq!(changes(&event), [wanted("remove", "Cold"), wanted("add", "Lead"), wanted("add", "Plan intensivo")]);
}

#[test]
fn the_calls_are_those_of_the_providers_page() {
    let gateway = rules(
        "  - id: swap\n    match: { intent: swap }\n    tag: { crm: { add: [Lead, \"Black Friday\"], remove: [Cold] } }\n",
    )
    .start();
    gateway.event(&said("one", 35, "swap"));
    gateway.settled("one");
    let calls = gateway.calls();
    let seen: Vec<_> = calls.iter().map(|call| (&call["method"], &call["path"], &call["body"])).collect();
    let (path, put, delete) = (json!("/helpcrunch/v1/customers/35/tags"), json!("PUT"), json!("DELETE"));
    let removed = json!({ "tags": [{ "name": "Cold" }] });
    let added = json!({ "tags": [{ "name": "Black Friday" }, { "name": "Lead" }] });
    assert_eq!(seen, [(&delete, &path, &removed), (&put, &path, &added)]);
    for call in &calls {
        assert_eq!(call["headers"]["content-type"], "application/json", "{call}");
        assert_eq!(call["headers"]["authorization"], "Bearer ***", "{call}");
        assert_eq!(call["headers"]["user-agent"], concat!("tagrelay/", env!("CARGO_PKG_VERSION")), "{call}");
        assert_eq!(call["status"], 200, "{call}");
    }
}

#[test]
fn a_signed_request_is_let_in_like_one_with_the_password() {
    let gateway = rules("  - id: lead\n    match: { intent: hello }\n    tag: { crm: { add: [Lead] } }\n").start();
    assert_eq!(gateway.send_signed(&said("signed", 7, "hello").body()).ok(), json!({}));
    assert_eq!(states(&gateway.settled("signed")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
}

#[test]
fn the_api_and_the_log_name_the_rule_and_say_why() {
    let gateway = rules("  - id: lead\n    match: { intent: hello }\n    tag: { crm: { add: [Lead] } }\n").start();
    gateway.event(&said("why", 7, "hello"));
    let event = gateway.settled("why");
    let change = &event["changes"][0];
    assert_eq!(change["id"], format!("{}.0", event["id"].as_str().expect("an id")));
    assert_eq!((&change["connection"], &change["contact"]), (&json!("crm"), &json!("id:7")));
    assert_eq!(change["reason"], "the provider confirmed it");

    let delivery = &event["deliveries"][0];
    assert_eq!((&delivery["id"], &delivery["settled"][0]["change"]), (&change["delivery"], &change["id"]));
    let attempt = &delivery["attempts"][0];
    assert_eq!((&attempt["method"], &attempt["path"]), (&json!("PUT"), &json!("/customers/7/tags")));
    assert_eq!((&attempt["status"], &attempt["request"]), (&json!(200), &json!({ "tags": [{ "name": "Lead" }] })));
    assert!(attempt["answer"].as_str().is_some_and(|answer| answer.contains("Lead")), "{attempt}");

    let settled = gateway.log_of("change settled");
    assert_eq!((&settled[0]["rule"], &settled[0]["outcome"]), (&json!("lead"), &json!("applied")));
    assert_eq!(gateway.api("/deliveries")["items"][0]["id"], delivery["id"]);
    let word = &gateway.api("/contacts/crm/7")["tags"][0];
    assert_eq!((&word["tag"], &word["rule"], &word["event"]), (&json!("Lead"), &json!("lead"), &event["id"]));
    assert_eq!(event["body"]["responseId"], "why", "the body is kept as it came");
}

#[test]
fn credentials_and_what_a_sender_added_are_told_apart() {
    let gateway = rules("  - id: lead\n    match: { intent: hello }\n    tag: { crm: { add: [Lead] } }\n").start();
    let body = said("headers", 7, "hello").body();
    let authorization = basic("dialogflow", PASSWORD);
    let headers = [("Authorization", authorization.as_str()), ("X-Campaign", "spring")];
    gateway.call("POST", "/hooks/bot?from=page", &headers, &body).ok();
    let event = gateway.event_of("headers");
    let names: Vec<_> = event["headers"].as_array().expect("a list").iter().map(|pair| pair[0].clone()).collect();
    assert!(names.contains(&json!("x-campaign")) && !names.contains(&json!("authorization")), "{names:?}");
    assert_eq!(event["query"], json!([["from", "page"]]));
}

#[test]
fn what_would_happen_can_be_asked_without_anything_happening() {
    let gateway = example().start();
    let body: Value = serde_json::from_slice(PRICING).expect("JSON");
    let question = json!({ "source": "website-bot", "body": body }).to_string();
    let told = gateway.api_as(crate::support::gateway::VIEWER, "POST", "/api/v1/evaluate", question.as_bytes()).ok();
    let rules = told["events"][0]["rules"].as_array().expect("verdicts");
    let verdict = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("{id}: {told}"));
    assert_eq!(verdict("pricing-lead")["matched"], true);
    assert!(verdict("big-budget")["miss"]["message"].is_string(), "{told}");
    let nearest = &verdict("big-budget")["nearest"]["changes"];
    assert_eq!(*nearest, json!([{ "field": "params.budget", "from": null, "to": 5000 }]), "{told}");
    assert!(gateway.events().is_empty() && gateway.calls().is_empty());
}
