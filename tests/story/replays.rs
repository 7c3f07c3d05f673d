//! Replays: what came once is run again against the rules of today.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, CRM, Gateway, HEAD, Setup, VIEWER};
use crate::support::gestures::states;

/// A rule whose tag needs a parameter that the sender may leave out.
const PLAN: &str =
    "  - id: plan\n    match: { intent: plan }\n    tag: { crm: { add: [\"Plan {{ params.plan }}\"] } }\n";
/// The same, mended.
const MENDED: &str = "  - id: plan\n    match: { intent: plan }\n    \
                      tag: { crm: { add: [\"Plan {{ params.plan | default(\\\"free\\\") }}\"] } }\n";

fn text(rules: &str) -> String {
    format!("{HEAD}{CRM}rules:\n{rules}")
}

fn start(rules: &str) -> Gateway {
    Setup::bare(&text(rules)).start()
}

fn change_rules(gateway: &Gateway, rules: &str) {
    let before = gateway.api("/rules")["rule_set"].clone();
    std::fs::write(gateway.setup.folder().join("rules/rules.yaml"), text(rules)).expect("written");
    eventually("the new rules", || (gateway.api("/rules")["rule_set"] != before).then_some(()));
}

fn post(gateway: &Gateway, path: &str, body: &Value) -> Value {
    gateway.api_as(ADMIN, "POST", &format!("/api/v1/events/{path}"), body.to_string().as_bytes()).ok()
}

fn faulty(gateway: &Gateway) -> Vec<Value> {
    let list = gateway.api("/events?faulty=true");
    list["items"].as_array().expect("a list").iter().map(|event| event["id"].clone()).collect()
}

#[test]
fn an_event_with_a_fault_is_shown_until_it_is_replayed_by_mended_rules() {
    let mut gateway = start(PLAN);
    gateway.event(&said("e", 7, "plan"));
    let event = gateway.event_of("e");
    let id = event["id"].as_str().expect("an id").to_owned();
    assert_eq!((&event["faulty"], faulty(&gateway)), (&json!(true), vec![json!(id)]));
    gateway.kill();
    gateway.start_again();
    assert_eq!(faulty(&gateway), [json!(id)]);
    change_rules(&gateway, MENDED);
    let replay = post(&gateway, &format!("{id}/replay"), &json!({}));
    assert_eq!((&replay["replay_of"], &replay["rules"], &replay["faults"]), (&json!(id), &json!(["plan"]), &json!(0)));
    assert_eq!((&replay["changes"][0]["tag"], &replay["changes"][0]["contact"]), (&json!("Plan free"), &json!("id:7")));
    let new = gateway.settled_event(replay["id"].as_str().expect("an id"));
    assert_eq!((states(&new), &new["replay_of"], &new["key"]), (vec!["applied".to_owned()], &json!(id), &json!(null)));
    assert_eq!((&new["received_at"], &new["body"]), (&event["received_at"], &event["body"]));
    assert!(new["rule_set"] != event["rule_set"] && new["accepted_at"].as_str() > event["accepted_at"].as_str());
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Plan free"]);
    assert!(faulty(&gateway).is_empty());
    // Never a duplicate: as often as it is asked for.
    let again = post(&gateway, &format!("{id}/replay"), &json!({}));
    assert!(again["id"] != replay["id"]);
}

#[test]
fn a_fault_that_needs_no_second_look_is_dismissed() {
    let gateway = start(PLAN);
    gateway.event(&said("e", 7, "plan"));
    let id = gateway.event_of("e")["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/events/{id}/dismiss");
    assert_eq!(gateway.api_as(VIEWER, "POST", &path, b"").status, 403);
    gateway.api_as(ADMIN, "POST", &path, b"").ok();
    assert!(faulty(&gateway).is_empty());
    let event = gateway.event_of("e");
    assert_eq!((&event["faulty"], event["faults"].as_array().map(Vec::len)), (&json!(false), Some(1)));
    assert_eq!(gateway.api_as(ADMIN, "POST", &path, b"").status, 404);
}

#[test]
fn many_are_replayed_oldest_first_so_that_the_newest_word_stays() {
    let gateway = start("  - id: nothing\n    match: { intent: other }\n    reply: hm\n");
    for (key, intent) in [("first", "add"), ("second", "remove"), ("third", "add"), ("fourth", "remove")] {
        gateway.event(&said(key, 7, intent));
        // `since` counts milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    change_rules(
        &gateway,
        "  - id: add\n    match: { intent: add }\n    tag: { crm: { add: [Lead] } }\n  \
         - id: remove\n    match: { intent: remove }\n    tag: { crm: { remove: [Lead] } }\n",
    );
    let third = gateway.event_of("third")["accepted_at"].as_str().expect("a time").to_owned();
    let counted = post(&gateway, "replay", &json!({ "source": "bot", "dry_run": true }));
    assert_eq!(counted, json!({ "dry_run": true, "count": 4 }));
    assert_eq!(gateway.events().len(), 4);
    assert_eq!(post(&gateway, "replay", &json!({ "since": third, "dry_run": true }))["count"], 2);
    let done = post(&gateway, "replay", &json!({ "source": "bot" }));
    assert_eq!((&done["count"], &done["not_replayed"]), (&json!(4), &json!([])));
    let rules: Vec<&Value> =
        done["events"].as_array().expect("a list").iter().map(|event| &event["rules"][0]).collect();
    assert_eq!(rules, ["add", "remove", "add", "remove"]);
    for event in done["events"].as_array().expect("a list") {
        gateway.settled_event(event["id"].as_str().expect("an id"));
    }
    assert_eq!(gateway.contact_in_sandbox(7).unwrap_or_default(), [""; 0]);
    // Replays are left out the next time: their originals are there.
    assert_eq!(post(&gateway, "replay", &json!({ "all": true, "dry_run": true }))["count"], 4);
    for body in ["{}", "{\"all\":true,\"source\":\"bot\"}", "{\"colour\":1}", "{\"since\":\"soon\"}"] {
        let answer = gateway.api_as(ADMIN, "POST", "/api/v1/events/replay", body.as_bytes());
        assert_eq!((answer.status, &answer.json()["type"]), (400, &json!("urn:tagrelay:problem:bad-call")), "{body}");
    }
}

#[test]
fn what_no_request_brought_can_not_be_replayed() {
    let gateway =
        start("  - id: hot\n    match: { intent: hot }\n    tag: { crm: { add: [{ name: Hot, for: 1s }] } }\n");
    gateway.event(&said("hot", 7, "hot"));
    let timer = eventually("the timer", || {
        let events = gateway.events();
        Some(events.iter().find(|event| event["source"] == "tagrelay.timer")?["id"].as_str()?.to_owned())
    });
    gateway.api_as(ADMIN, "POST", "/api/v1/contacts/crm/7/tags", br#"{"add":["Hand"]}"#).ok();
    let by_hand = gateway.events()[0]["id"].as_str().expect("an id").to_owned();
    for id in [timer, by_hand] {
        let answer = gateway.api_as(ADMIN, "POST", &format!("/api/v1/events/{id}/replay"), b"");
        let problem = answer.json();
        assert_eq!((answer.status, &problem["type"]), (409, &json!("urn:tagrelay:problem:not-replayable")));
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("no request brought it")), "{problem}");
    }
    assert_eq!(gateway.api_as(ADMIN, "POST", "/api/v1/events/999/replay", b"").status, 404);
    assert_eq!(post(&gateway, "replay", &json!({ "all": true, "dry_run": true }))["count"], 1);
}

#[test]
fn once_and_for_count_from_the_replays_acceptance() {
    let rules =
        "  - id: hot\n    match: { intent: hot }\n    once: 2s\n    tag: { crm: { add: [{ name: Hot, for: 1h }] } }\n";
    let gateway = start(rules);
    gateway.event(&said("hot", 7, "hot"));
    let event = gateway.settled("hot");
    let id = event["id"].as_str().expect("an id").to_owned();
    let early = post(&gateway, &format!("{id}/replay"), &json!({}));
    assert_eq!(states(&gateway.settled_event(early["id"].as_str().expect("an id"))), ["skipped"]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let late = post(&gateway, &format!("{id}/replay"), &json!({}));
    assert_eq!(states(&gateway.settled_event(late["id"].as_str().expect("an id"))), ["already"]);
    let timers = gateway.api("/contacts/crm/7")["timers"].clone();
    let last = timers.as_array().and_then(|timers| timers.last()).expect("a timer").clone();
    assert_eq!(last["set_by"], format!("{}.0", late["id"].as_str().expect("an id")), "{timers}");
}

/// What is held at once of very many large events is bounded: the most memory that the process ever had tells.
#[test]
fn a_replay_of_many_large_events_holds_a_few_of_them_at_a_time() {
    let gateway = start(PLAN);
    let large = "x".repeat(900 << 10);
    for n in 0..120 {
        gateway.event(&said(&n.to_string(), 7, "other").with(json!({ "large": large })));
    }
    let most_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of the kernel");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    let before = most_kib();
    let listed = gateway.api("/events?limit=500");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(120));
    assert_eq!(post(&gateway, "replay", &json!({ "all": true }))["count"], 120);
    let more = most_kib() - before;
    assert!(more < 80 << 10, "{more} KiB more for 108 MiB of events");
}
