//! A batch that is refused for one of its parts: the others are brought about, and the one to blame is told.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::gateway::{Gateway, rules};

/// Sixteen tags and eight fields, each of them good but for one.
fn gateway() -> Gateway {
    let tags: Vec<String> = (1..=16).map(|n| format!("Tag {n:02}")).collect();
    let fields: Vec<String> = (1..=8).map(|n| format!("field{n}: \"{n}\"")).collect();
    rules(&format!(
        "  - id: tags\n    match: {{ intent: tags }}\n    tag: {{ crm: {{ add: [{}] }} }}\n  \
         - id: fields\n    match: {{ intent: fields }}\n    set: {{ crm: {{ {} }} }}\n",
        tags.join(", "),
        fields.join(", ")
    ))
    .start()
}

fn refuse(gateway: &Gateway, what: &[&str]) {
    let fault = |what: &&str| json!({ "kind": "status", "status": 400, "carries": what });
    gateway.set_faults(&what.iter().map(fault).collect::<Vec<_>>().into());
}

/// How many changes ended as `state`, and whom the dead letters blame.
fn ended(gateway: &Gateway, event: &Value) -> (usize, Vec<String>) {
    let changes = event["changes"].as_array().expect("a list");
    let applied = changes.iter().filter(|change| change["state"] == "applied").count();
    let letters = gateway.api("/dead-letters?connection=crm")["items"].as_array().expect("a list").clone();
    assert!(letters.iter().all(|letter| letter["cause"] == "refused"), "{letters:?}");
    let mut blamed: Vec<String> = letters
        .iter()
        .map(|letter| letter["tag"].as_str().or(letter["field"].as_str()).unwrap_or_default().to_owned())
        .collect();
    blamed.sort();
    (applied, blamed)
}

#[test]
fn one_refused_tag_of_sixteen_is_found_with_few_calls() {
    for bad in ["Tag 01", "Tag 07", "Tag 16"] {
        let gateway = gateway();
        refuse(&gateway, &[bad]);
        gateway.event(&said("e", 7, "tags"));
        let event = gateway.settled("e");
        assert_eq!(ended(&gateway, &event), (15, vec![bad.to_owned()]), "{event}");
        assert_eq!(gateway.contact_in_sandbox(7).expect("known").len(), 15);
        let calls = gateway.calls_in_short();
        let shown = event["deliveries"].as_array().expect("a list").iter();
        let shown = shown.filter_map(|delivery| delivery["attempts"].as_array()).map(Vec::len).sum::<usize>();
        assert_eq!(shown, calls.len(), "all of them were made for it: {event:#}");
        assert!(calls.len() <= 1 + 2 * 4, "{bad}: {calls:#?}");
        assert_eq!(gateway.crm()["state"], "well", "an answer is an answer");
    }
}

#[test]
fn of_two_refused_tags_both_are_found_and_nothing_else() {
    let gateway = gateway();
    refuse(&gateway, &["Tag 02", "Tag 11"]);
    gateway.event(&said("e", 7, "tags"));
    let event = gateway.settled("e");
    assert_eq!(ended(&gateway, &event), (14, vec!["Tag 02".to_owned(), "Tag 11".to_owned()]), "{event}");
    assert!(gateway.calls().len() <= 1 + 2 * 2 * 4, "{:#?}", gateway.calls_in_short());
    // Mended, it is asked for again.
    gateway.clear_faults();
    gateway.api_as(crate::support::gateway::ADMIN, "POST", "/api/v1/dead-letters/retry", br#"{"all":true}"#).ok();
    gateway.settled("e");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known").len(), 16);
}

#[test]
fn one_refused_field_of_eight_is_found_with_few_calls() {
    let gateway = gateway();
    refuse(&gateway, &["field6"]);
    gateway.event(&said("e", 7, "fields"));
    let event = gateway.settled("e");
    assert_eq!(ended(&gateway, &event).0, 7, "{event}");
    let dead: Vec<&Value> =
        event["changes"].as_array().expect("a list").iter().filter(|change| change["state"] == "dead").collect();
    assert_eq!(dead.len(), 1, "{event}");
    assert!(dead[0].to_string().contains("field6"), "{dead:?}");
    assert!(gateway.calls().len() <= 1 + 2 * 3, "{:#?}", gateway.calls_in_short());
}
