//! A tag's time ends whatever became of the rule that set it.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{CRM, Gateway, HEAD, Setup};
use crate::support::gestures::{changes, states};

const KEPT: &str = "  - id: kept\n    match: { intent: kept }\n    reply: Hola\n";
const HOT: &str = "  - id: hot\n    match: { intent: hot }\n    tag: { crm: { add: [{ name: Hot, for: 1s }] } }\n";

fn with(rules: &str) -> String {
    format!("{HEAD}{CRM}rules:\n{KEPT}{rules}")
}

/// The events of timers, oldest first.
fn fired(gateway: &Gateway) -> Vec<Value> {
    let mut events: Vec<_> = gateway.events().into_iter().filter(|event| event["source"] == "tagrelay.timer").collect();
    events.reverse();
    events
}

#[test]
fn a_tag_ends_its_time_after_the_rule_that_gave_it_has_gone() {
    let gateway = Setup::bare(&with(HOT)).start();
    let before = gateway.rule_set();
    gateway.event(&said("early", 7, "hot"));
    gateway.settled("early");
    // The second contact's tag waits until the rule is gone, so its clock can only end under the new set.
    gateway.set_faults(&json!([{ "kind": "status", "status": 503 }]));
    gateway.event(&said("late", 8, "hot"));
    eventually("a failed try", || (gateway.event_of("late")["changes"][0]["tries"] == 1).then_some(()));
    gateway.write_rules("rules.yaml", &with(""));
    let after = gateway.rule_set_after(&before);
    gateway.clear_faults();
    gateway.try_now();
    assert_eq!(states(&gateway.settled("late")), ["applied"], "what was decided stays decided");

    for contact in [7, 8] {
        eventually("the end of the tag", || gateway.contact_in_sandbox(contact)?.is_empty().then_some(()));
    }
    let events = fired(&gateway);
    assert_eq!(events.len(), 2);
    let last = gateway.settled_event(events[1]["id"].as_str().expect("an id"));
    assert_eq!((&last["rules"], &last["rule_set"]), (&json!(["hot"]), &json!(after)), "it names the rule that was");
    let of = |words: [&str; 4]| words.map(str::to_owned).into();
    assert_eq!(changes(&last), [of(["hot", "remove", "Hot", "applied"])]);
}

#[test]
fn a_timer_whose_connection_has_gone_waits_for_it_to_come_back() {
    let elsewhere = format!("{HEAD}connections:\n  other: {{ provider: helpcrunch, api_key: env:CRM_KEY }}\n");
    let gateway = Setup::bare(&with(HOT)).start();
    let before = gateway.rule_set();
    gateway.event(&said("a", 7, "hot"));
    gateway.settled("a");
    gateway.write_rules("rules.yaml", &format!("{elsewhere}rules:\n{KEPT}"));
    let between = gateway.rule_set_after(&before);
    eventually("the end of the tag's time", || (!fired(&gateway).is_empty()).then_some(()));
    gateway.write_rules("rules.yaml", &with(""));
    gateway.rule_set_after(&between);
    eventually("the end of the tag", || gateway.contact_in_sandbox(7)?.is_empty().then_some(()));
}

#[test]
fn a_gateway_that_has_nothing_else_to_do_ends_a_tag_when_its_time_is_over() {
    let gateway = Setup::bare(&with(&HOT.replace("1s", "3s"))).start();
    gateway.event(&said("a", 7, "hot"));
    let at = |time: &Value| {
        let time = time.as_str().expect("a time");
        tagrelay::domain::time::Timestamp::parse(time).expect("RFC 3339")
    };
    let calls = eventually("the end of the tag", || Some(gateway.calls()).filter(|calls| calls.len() == 2));
    let taken = gateway.settled("a")["received_at"].clone();
    let took = at(&calls[1]["at"]).since(at(&taken));
    // It is due some milliseconds after 3 s, counted from the event's acceptance, whenever the tag was added; nothing polls, so
    // nothing makes it late but a busy machine.
    assert!((2_990..8_000).contains(&took), "{took} ms");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), [""; 0]);
}
