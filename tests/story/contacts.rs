//! Contacts that are looked up and made, fields, exclusive tags, `once` and `for`: what rules say of one person.

use serde_json::json;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{CRM, Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;

const BY_EMAIL: &str = r#"
  - id: lead
    match: { intent: lead }
    contact: { email: "{{ params.email }}", create: true }
    tag: { crm: { add: [Lead] } }
  - id: note
    match: { intent: note }
    contact: { email: "{{ params.email }}" }
    tag: { crm: { add: [Noted] } }
    set: { crm: { name: "{{ params.name }}", plan: "{{ params.plan }}" } }
"#;

fn lead(gateway: &Gateway, key: &str, intent: &str, email: &str) {
    let params = json!({ "email": email, "name": "Ana", "plan": "pro" });
    gateway.event(&said(key, 1, intent).with(params));
}

fn tags_of(gateway: &Gateway, id: u64) -> Vec<String> {
    gateway.contact_in_sandbox(id).unwrap_or_default()
}

/// Calls by method and path, without the numbers.
fn calls(gateway: &Gateway) -> Vec<String> {
    let digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    gateway
        .calls_in_short()
        .iter()
        .map(|call| digits(call.split(' ').take(2).collect::<Vec<_>>().join(" ").as_str()))
        .collect()
}

#[test]
fn somebody_who_is_not_there_is_made_once_and_then_known() {
    let gateway = rules(BY_EMAIL).start();
    lead(&gateway, "a", "lead", " Ana@Example.COM ");
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["applied"]);
    assert!(event["changes"][0]["contact"].as_str().expect("text").starts_with("id:"), "{event:#}");
    assert_eq!(calls(&gateway), ["POST /customers/search", "POST /customers", "PUT /customers//tags"]);
    lead(&gateway, "b", "note", "ana@example.com");
    let event = gateway.settled("b");
    assert_eq!(states(&event), ["applied", "applied", "applied"]);
    // The look-up is remembered; a tag is one call, and both fields are another.
    assert_eq!(calls(&gateway).get(3..).expect("calls"), ["PUT /customers//tags", "PATCH /customers/"]);
    assert_eq!(
        gateway.calls()[4]["body"],
        json!({ "name": "Ana", "customData": [{ "property": "plan", "value": "pro" }] })
    );
}

#[test]
fn a_hundred_events_at_once_make_one_contact() {
    let gateway = rules(BY_EMAIL).start();
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 300, "times": 2 }]));
    std::thread::scope(|scope| {
        for sender in 0..4 {
            let gateway = &gateway;
            scope
                .spawn(move || (0..25).for_each(|n| lead(gateway, &format!("{sender}-{n}"), "lead", "bo@example.com")));
        }
    });
    for sender in 0..4 {
        for n in 0..25 {
            let event = gateway.settled(&format!("{sender}-{n}"));
            assert!(["applied", "already", "superseded"].contains(&states(&event)[0].as_str()), "{event:#}");
        }
    }
    assert_eq!(calls(&gateway).iter().filter(|call| *call == "POST /customers").count(), 1);
}

#[test]
fn a_creation_without_an_answer_is_looked_for_before_another_is_made() {
    let gateway = rules(BY_EMAIL).start();
    gateway.set_faults(&json!([
        { "kind": "slow", "millis": 1, "times": 1, "method": "POST" },
        { "kind": "ghost", "status": 500, "times": 1, "method": "POST" },
    ]));
    lead(&gateway, "a", "lead", "cy@example.com");
    eventually("the look-up after the failed creation", || {
        gateway.api_post("/connections/crm/retry");
        (states(&gateway.event_of("a")) == ["applied"]).then_some(())
    });
    let calls = calls(&gateway);
    assert_eq!(calls.iter().filter(|call| *call == "POST /customers").count(), 1, "{calls:?}");
}

#[test]
fn nobody_and_several_are_dead_letters() {
    let gateway = rules(BY_EMAIL).start();
    lead(&gateway, "a", "note", "nobody@example.com");
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["dead", "dead", "dead"]);
    assert_eq!(event["changes"][0]["reason"], "no contact is found by this");
    let dead = gateway.api("/dead-letters");
    assert_eq!(dead["items"][0]["contact"], "email:nobody@example.com");
    // Once there is such a contact, a retry finds it: the number stays.
    lead(&gateway, "b", "lead", "nobody@example.com");
    gateway.settled("b");
    for item in dead["items"].as_array().expect("a list") {
        gateway.api_post(&format!("/dead-letters/{}/retry", item["id"].as_str().expect("an id")));
    }
    assert_eq!(states(&gateway.settled("a")), ["applied", "applied", "applied"]);
}

const STAGES: &str = r#"
  - id: stage
    match: { intent: stage }
    tag: { crm: { add: ["stage:{{ params.to }}"] } }
  - id: gift
    match: { intent: gift }
    once: 1h
    tag: { crm: { add: ["Gift {{ params.n }}"] } }
  - id: hot
    match: { intent: hot }
    tag: { crm: { add: [{ name: Hot, for: 1s }] } }
  - id: keep
    match: { intent: keep }
    tag: { crm: { add: [Hot] } }
"#;

fn stages(connection: &str) -> Gateway {
    let head = crate::support::gateway::HEAD;
    let text = format!(
        "{head}\nconnections:\n  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY, exclusive: [\"stage:*\"]{connection} }}\nrules:\n{STAGES}"
    );
    crate::support::gateway::Setup::bare(&text).start()
}

#[test]
fn a_contact_has_one_stage_whatever_it_had_before() {
    for connection in ["", ", tag_cache: off"] {
        let gateway = stages(connection);
        gateway.set_tags_by_hand(7, &["stage:new", "stage:old", "Lead"]);
        gateway.event(&said("a", 7, "stage").with(json!({ "to": "won" })));
        assert_eq!(states(&gateway.settled("a")), ["applied"]);
        assert_eq!(tags_of(&gateway, 7), ["Lead", "stage:won"]);
        // What was taken away is told by the contact's last words.
        let words = gateway.api("/contacts/crm/7");
        let word =
            words["tags"].as_array().expect("a list").iter().find(|word| word["tag"] == "stage:old").expect("a word");
        assert_eq!((&word["wanted"], &word["rule"]), (&json!("remove"), &json!("stage")));
        gateway.event(&said("b", 7, "stage").with(json!({ "to": "lost" })));
        assert_eq!(states(&gateway.settled("b")), ["applied"]);
        assert_eq!(tags_of(&gateway, 7), ["Lead", "stage:lost"]);
    }
}

#[test]
fn what_an_exclusive_add_takes_away_is_told_by_the_call_that_took_it() {
    let gateway = stages("");
    for (key, to) in [("a", "new"), ("b", "won")] {
        gateway.event(&said(key, 7, "stage").with(json!({ "to": to })));
        gateway.settled(key);
    }
    let words = gateway.api("/contacts/crm/7");
    let word = words["tags"].as_array().expect("a list").iter().find(|word| word["tag"] == "stage:new").cloned();
    let word = word.expect("a word");
    assert_eq!((&word["state"], &word["attempt"]["method"]), (&json!("applied"), &json!("DELETE")), "{word:#}");
    let event = gateway.event_of("b");
    let deliveries = event["deliveries"].as_array().expect("a list");
    let removal = deliveries.iter().find(|delivery| delivery["attempts"][0]["method"] == "DELETE").expect("shown");
    assert_eq!((&removal["id"], &removal["settled"]), (&word["delivery"], &json!([])));
    assert_eq!(removal["for"], json!([event["id"]]));
}

#[test]
fn a_stage_that_is_there_beside_others_is_settled_once_they_are_gone() {
    for connection in ["", ", tag_cache: off"] {
        let gateway = stages(connection);
        gateway.set_tags_by_hand(7, &["stage:new", "stage:won"]);
        gateway.event(&said("a", 7, "stage").with(json!({ "to": "won" })));
        assert_eq!(states(&gateway.settled("a")).len(), 1, "it doesn't wait for the contact's next event");
        assert_eq!(tags_of(&gateway, 7), ["stage:won"]);
    }
}

#[test]
fn a_removal_by_a_timer_that_died_is_done_when_it_is_tried_again() {
    let gateway = stages("");
    gateway.event(&said("a", 7, "hot"));
    gateway.settled("a");
    gateway.set_faults(&json!([{ "kind": "status", "status": 400, "times": 1, "method": "DELETE" }]));
    let letter =
        eventually("a dead letter", || gateway.api("/dead-letters")["items"][0]["id"].as_str().map(str::to_owned));
    assert_eq!(tags_of(&gateway, 7), ["Hot"]);
    gateway.api_post(&format!("/dead-letters/{letter}/retry"));
    eventually("the end of the tag", || tags_of(&gateway, 7).is_empty().then_some(()));
}

#[test]
fn a_rule_with_once_acts_once_on_each_contact() {
    let gateway = stages("");
    for (key, contact, n) in [("a", 7, 1), ("b", 7, 2), ("c", 8, 3)] {
        gateway.event(&said(key, contact, "gift").with(json!({ "n": n })));
        gateway.settled(key);
    }
    assert_eq!(states(&gateway.event_of("b")), ["skipped"]);
    assert_eq!((tags_of(&gateway, 7), tags_of(&gateway, 8)), (vec!["Gift 1".to_owned()], vec!["Gift 3".to_owned()]));
}

#[test]
fn a_tag_for_a_time_goes_again_unless_a_later_add_keeps_it() {
    let gateway = stages("");
    gateway.event(&said("a", 7, "hot"));
    gateway.event(&said("b", 8, "hot"));
    gateway.settled("a");
    gateway.settled("b");
    gateway.event(&said("c", 8, "keep"));
    eventually("the end of the tag", || tags_of(&gateway, 7).is_empty().then_some(()));
    let timers = gateway.events().into_iter().filter(|event| event["source"] == "tagrelay.timer").collect::<Vec<_>>();
    assert_eq!(timers.last().map(|event| event["rules"].clone()), Some(json!(["hot"])));
    eventually("both timers", || {
        let fired = gateway.events().into_iter().filter(|event| event["source"] == "tagrelay.timer").count();
        (fired == 2).then_some(())
    });
    assert_eq!(tags_of(&gateway, 8), ["Hot"], "the last add decides");
}

#[test]
fn a_timer_fires_after_a_restart() {
    let mut gateway = stages("");
    gateway.event(&said("a", 7, "hot"));
    gateway.settled("a");
    gateway.kill();
    gateway.start_again();
    eventually("the removal after the restart", || {
        let calls = gateway.calls_in_short();
        calls.iter().any(|call| call.starts_with("DELETE /customers/7/tags")).then_some(())
    });
}

#[test]
fn a_timer_that_a_later_word_has_stopped_is_not_shown() {
    let gateway = Setup::bare(&format!(
        "{HEAD}{CRM}\nrules:\n  - id: hot\n    match: {{ intent: hot }}\n    \
         tag: {{ crm: {{ add: [{{ name: Hot, for: 7d }}] }} }}\n  - id: cold\n    match: {{ intent: cold }}\n    \
         tag: {{ crm: {{ remove: [Hot] }} }}\n"
    ))
    .start();
    let timers = |gateway: &Gateway| gateway.api("/contacts/crm/7")["timers"].as_array().map(Vec::len);
    gateway.event(&said("a", 7, "hot"));
    gateway.settled("a");
    assert_eq!(timers(&gateway), Some(1));
    gateway.event(&said("b", 7, "hot"));
    gateway.settled("b");
    assert_eq!(timers(&gateway), Some(1), "the later one alone");
    gateway.event(&said("c", 7, "cold"));
    gateway.settled("c");
    assert_eq!(timers(&gateway), Some(0));
}
