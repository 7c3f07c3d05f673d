//! Dead letters: what can't be delivered without a person is kept, shown, and tried again or discarded on request.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::body::{Said, said};
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;
use crate::support::process::{PROGRAM, Process, cleaned};

const TAGS: &str = "
  - id: add
    match: { intent: add }
    tag: { crm: { add: [Lead] } }
  - id: remove
    match: { intent: remove }
    tag: { crm: { remove: [Lead] } }
";

/// A gateway with one dead letter: the provider didn't know contact 7 once.
fn with_dead_letter() -> Gateway {
    with_dead_letter_at(rules(TAGS))
}

fn with_dead_letter_at(setup: Setup) -> Gateway {
    let gateway = setup.start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 404, "contact": "7", "times": 1 }]));
    gateway.event(&said("lost", 7, "add"));
    assert_eq!(states(&gateway.settled("lost")), ["dead"]);
    gateway
}

fn letters(gateway: &Gateway) -> Vec<Value> {
    gateway.api("/dead-letters")["items"].as_array().expect("a list").clone()
}

#[test]
fn a_lost_contact_is_a_dead_letter_that_says_why() {
    let gateway = with_dead_letter();
    let letters = letters(&gateway);
    let event = gateway.event_of("lost");
    let letter = &letters[0];
    assert_eq!((letters.len(), &letter["id"]), (1, &event["changes"][0]["id"]));
    assert_eq!((&letter["rule"], &letter["tag"], &letter["wanted"]), (&json!("add"), &json!("Lead"), &json!("add")));
    assert!(letter["reason"].as_str().is_some_and(|reason| reason.contains("no such contact")), "{letter}");
    assert_eq!(letter["last_attempt"]["status"], 404);
    let id = letter["id"].as_str().expect("an id");
    let mut one = gateway.api(&format!("/dead-letters/{id}"));
    let body = one.as_object_mut().and_then(|one| one.remove("body")).expect("with the body of its event");
    assert_eq!((one, &body["responseId"]), (letter.clone(), &json!("lost")));
    assert!(gateway.call("GET", "/metrics", &[], b"").text().contains("tagrelay_dead_letters 1"));
    assert_eq!(gateway.log_of("dead letter").len(), 1);
}

#[test]
fn a_dead_letter_is_tried_again_under_its_old_number() {
    let gateway = with_dead_letter();
    let id = letters(&gateway)[0]["id"].clone();
    gateway.api_post(&format!("/dead-letters/{}/retry", id.as_str().expect("an id")));
    let event = gateway.settled("lost");
    assert_eq!((states(&event), &event["changes"][0]["id"]), (vec!["applied".to_owned()], &id));
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
    assert!(letters(&gateway).is_empty());
    let again =
        gateway.api_as(ADMIN, "POST", &format!("/api/v1/dead-letters/{}/retry", id.as_str().expect("an id")), b"");
    assert_eq!(again.status, 404);
}

#[test]
fn a_later_word_wins_over_a_dead_letter_that_is_tried_again() {
    let gateway = with_dead_letter();
    gateway.event(&said("later", 7, "remove"));
    gateway.settled("later");
    let calls = gateway.calls().len();
    let id = letters(&gateway)[0]["id"].as_str().expect("an id").to_owned();
    gateway.api_post(&format!("/dead-letters/{id}/retry"));
    let event = gateway.settled("lost");
    assert_eq!(states(&event), ["superseded"]);
    let reason = event["changes"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("has the last word on this tag"), "{reason}");
    assert_eq!(gateway.calls().len(), calls, "nobody is called for it");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), [""; 0]);
}

#[test]
fn a_dead_letter_that_is_asked_for_anew_has_a_number_of_today_and_wins() {
    let gateway = with_dead_letter();
    gateway.event(&said("later", 7, "remove"));
    gateway.settled("later");
    let id = letters(&gateway)[0]["id"].as_str().expect("an id").to_owned();
    let answer = gateway.api_as(ADMIN, "POST", &format!("/api/v1/dead-letters/{id}/retry"), br#"{"as_new":true}"#).ok();
    let event = gateway.settled_event(answer["event"].as_str().expect("an event"));
    assert_eq!(states(&event), ["applied"]);
    assert_eq!((&event["source"], &event["rules"]), (&json!("tagrelay.retry"), &json!(["add"])));
    assert!(event["note"].as_str().is_some_and(|note| note.contains(&id)), "{event:#}");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
    let old = gateway.event_of("lost");
    assert_eq!(states(&old), ["discarded"]);
    assert!(letters(&gateway).is_empty());
}

#[test]
fn many_dead_letters_are_counted_first_and_then_tried_again_by_what_they_died_of() {
    let gateway = rules(TAGS).start();
    gateway.set_faults(&json!([
        { "kind": "status", "status": 404, "contact": "7", "times": 1 },
        { "kind": "status", "status": 404, "contact": "8", "times": 1 },
        { "kind": "status", "status": 400, "contact": "9", "times": 1 },
    ]));
    for contact in [7, 8, 9] {
        gateway.event(&said(&format!("e{contact}"), contact, "add"));
        assert_eq!(states(&gateway.settled(&format!("e{contact}"))), ["dead"]);
    }
    let causes: Vec<Value> = letters(&gateway).iter().map(|letter| letter["cause"].clone()).collect();
    assert_eq!(causes, ["refused", "unknown_contact", "unknown_contact"]);
    assert!(letters(&gateway).iter().all(|letter| letter["needs"] == "mend"));
    let count = |query: &str| gateway.api(&format!("/dead-letters?{query}"))["items"].as_array().map(Vec::len);
    for (query, expected) in [
        ("cause=unknown_contact", 2),
        ("needs=retry", 0),
        ("needs=mend&rule=add&connection=crm", 3),
        ("connection=crm&contact=9", 1),
        ("reason=NO%20SUCH", 2),
        ("since=1h&limit=2", 2),
        ("since=2999-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(count(query), Some(expected), "{query}");
    }
    let post = |path: &str, body: &Value| {
        gateway.api_as(ADMIN, "POST", &format!("/api/v1/dead-letters/{path}"), body.to_string().as_bytes())
    };
    for (path, body) in [
        ("retry", json!({})),
        ("retry", json!({ "dry_run": true })),
        ("retry", json!({ "all": true, "rule": "add" })),
        ("retry", json!({ "cause": "bad luck" })),
        ("retry", json!({ "all": true, "note": "why" })),
        ("discard", json!({ "all": true, "as_new": true })),
        ("discard", json!({ "contact": "7" })),
    ] {
        assert_eq!(post(path, &body).status, 400, "{body}");
    }
    let lost = json!({ "cause": "unknown_contact", "dry_run": true });
    assert_eq!(post("retry", &lost).ok(), json!({ "dry_run": true, "count": 2 }));
    assert_eq!(letters(&gateway).len(), 3);
    assert_eq!(post("retry", &json!({ "cause": "unknown_contact" })).ok(), json!({ "dry_run": false, "count": 2 }));
    for key in ["e7", "e8"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"]);
    }
    let ended = post("discard", &json!({ "all": true, "note": "a wrong tag" })).ok();
    assert_eq!(ended, json!({ "dry_run": false, "count": 1 }));
    assert_eq!(gateway.event_of("e9")["changes"][0]["reason"], "a wrong tag");
    assert!(letters(&gateway).is_empty());
}

#[test]
fn a_tag_that_was_not_listed_is_delivered_once_it_is() {
    let text = |tags: &str| {
        format!(
            "{HEAD}connections:\n  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY, tags: [{tags}] }}\n\
             rules:\n  - id: plan\n    match: {{ intent: plan }}\n    \
             tag: {{ crm: {{ add: [\"Plan {{{{ params.plan }}}}\"] }} }}\n"
        )
    };
    let gateway = Setup::bare(&text("Plan pro")).alone("each gateway notices new rules by itself").start();
    gateway.event(&said("e", 7, "plan").with(json!({ "plan": "max" })));
    assert_eq!(states(&gateway.settled("e")), ["dead"]);
    let letter = letters(&gateway)[0].clone();
    assert_eq!((&letter["cause"], &letter["needs"]), (&json!("not_listed"), &json!("mend")));
    gateway.api_post(&format!("/dead-letters/{}/retry", letter["id"].as_str().expect("an id")));
    assert_eq!(states(&gateway.settled("e")), ["dead"], "nothing was mended");
    let before = gateway.api("/rules")["rule_set"].clone();
    std::fs::write(gateway.setup.folder().join("rules/rules.yaml"), text("Plan pro, Plan max")).expect("written");
    eventually("the new rules", || (gateway.api("/rules")["rule_set"] != before).then_some(()));
    gateway.api_post(&format!("/dead-letters/{}/retry", letter["id"].as_str().expect("an id")));
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Plan max"]);
}

#[test]
fn a_dead_letter_can_be_discarded_with_a_note() {
    let mut gateway = with_dead_letter();
    let id = letters(&gateway)[0]["id"].as_str().expect("an id").to_owned();
    let note = br#"{"note":"a test account"}"#;
    let path = format!("/api/v1/dead-letters/{id}/discard");
    gateway.api_as(ADMIN, "POST", &path, note).ok();
    let discarded = |gateway: &Gateway| {
        let event = gateway.event_of("lost");
        assert_eq!(
            (states(&event), &event["changes"][0]["reason"]),
            (vec!["discarded".to_owned()], &json!("a test account"))
        );
        assert!(letters(gateway).is_empty());
    };
    discarded(&gateway);
    assert_eq!(gateway.api_as(ADMIN, "POST", &path, b"").status, 404);
    gateway.kill();
    gateway.start_again();
    discarded(&gateway);
    assert!(gateway.calls().is_empty(), "nothing of it is tried again");
}

#[test]
fn a_dead_letter_outlives_a_kill() {
    let mut gateway = with_dead_letter();
    let before = letters(&gateway);
    gateway.kill();
    gateway.start_again();
    assert_eq!(letters(&gateway), before);
    assert!(gateway.calls().is_empty(), "nothing is tried again by itself");
    gateway.api_post(&format!("/dead-letters/{}/retry", before[0]["id"].as_str().expect("an id")));
    assert_eq!(states(&gateway.settled("lost")), ["applied"]);
}

#[test]
fn a_dead_letter_that_was_put_back_waits_through_a_kill() {
    let why = "what a killed gateway had is taken over when its lease ends, and then its next try is due";
    let mut gateway = with_dead_letter_at(rules(TAGS).alone(why));
    let id = letters(&gateway)[0]["id"].as_str().expect("an id").to_owned();
    gateway.set_faults(&json!([{ "kind": "status", "status": 503 }]));
    gateway.api_post(&format!("/dead-letters/{id}/retry"));
    eventually("a failed try", || (gateway.event_of("lost")["changes"][0]["tries"] == 1).then_some(()));
    assert_eq!(states(&gateway.event_of("lost")), ["waiting"]);
    gateway.kill();
    gateway.start_again();
    assert_eq!(states(&gateway.event_of("lost")), ["waiting"]);
    assert_eq!(gateway.crm()["waiting"], 1);
    gateway.try_now();
    assert_eq!(states(&gateway.settled("lost")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
}

#[test]
fn a_strict_provider_of_its_own_process_knows_no_strangers() {
    let mut command = Command::new(PROGRAM);
    cleaned(&mut command);
    let mut sandbox = Process::start(command.args(["sandbox", "--strict", "--listen", "127.0.0.1:0"]));
    let address = eventually("the sandbox's address", || {
        let log = sandbox.log();
        let (_, after) = log.split_once("sandbox on http://")?;
        Some(after.split_once(',')?.0.to_owned())
    });
    let crm = format!(
        "connections:\n  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY, allow_private: true,\n         \
         base_url: \"http://{address}/helpcrunch/v1\" }}\n"
    );
    let text = format!("{HEAD}{crm}rules:\n{TAGS}");
    let gateway = Setup::bare(&text).without_sandbox().set("CRM_KEY", "sandbox").start();
    gateway.event(&said("stranger", 7, "add"));
    let event = gateway.settled("stranger");
    assert_eq!(states(&event), ["dead"]);
    let answer = event["deliveries"][0]["attempts"][0]["answer"].clone();
    assert!(answer.as_str().is_some_and(|answer| answer.contains("Chat not found")), "{answer}");
    drop(gateway);
    assert_eq!(sandbox.terminate().0.code(), Some(0), "it ends like the gateway does");
}

#[test]
fn many_letters_that_are_asked_for_anew_keep_their_order() {
    let gateway = rules(&format!(
        "{TAGS}  - id: many\n    match: {{ intent: many }}\n    tag: {{ crm: {{ add: [\"{{{{ params.tags }}}}\"] }} }}\n"
    ))
    .start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 404 }]));
    let dies = |key: &str, event: &Said| {
        gateway.event(event);
        assert!(states(&gateway.settled(key)).iter().all(|state| state == "dead"), "{key}");
    };
    dies("first", &said("first", 7, "add"));
    // More between the two than are read in one go.
    let tags: Vec<String> = (0..300).map(|n| format!("Tag {n}")).collect();
    dies("many", &said("many", 7, "many").with(json!({ "tags": tags })));
    dies("last", &said("last", 7, "remove"));
    gateway.clear_faults();
    let path = "/api/v1/dead-letters/retry";
    let answer = gateway.api_as(ADMIN, "POST", path, br#"{"all":true,"as_new":true}"#).ok();
    assert_eq!(answer["count"], 302);
    let last = answer["events"].as_array().and_then(|all| all.last()).expect("events")["event"].clone();
    gateway.settled_event(last.as_str().expect("an event"));
    eventually("all", || (gateway.crm()["waiting"] == 0).then_some(()));
    let tags = gateway.contact_in_sandbox(7).expect("known");
    assert_eq!((tags.len(), tags.contains(&"Lead".to_owned())), (300, false), "the removal is the later word still");
}

#[test]
fn a_letter_that_was_mended_is_told_as_mended_under_each_name() {
    let gateway = rules(
        "  - id: found\n    match: { intent: found }\n    contact: { email: \"{{ params.email }}\" }\n    \
         tag: { crm: { add: [Found] } }\n  - id: new\n    match: { intent: new }\n    \
         contact: { email: \"{{ params.email }}\", create: true }\n    tag: { crm: { add: [New] } }\n",
    )
    .start();
    let ana = json!({ "email": "ana@example.com" });
    gateway.event(&said("a", 1, "found").with(ana.clone()));
    assert_eq!(states(&gateway.settled("a")), ["dead"]);
    gateway.event(&said("b", 1, "new").with(ana));
    gateway.settled("b");
    let letter = letters(&gateway)[0]["id"].as_str().expect("an id").to_owned();
    gateway.api_post(&format!("/dead-letters/{letter}/retry"));
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["applied"]);
    let id = event["changes"][0]["contact"].as_str().expect("an id").to_owned();
    for name in ["email:ana@example.com", &id] {
        let contact = gateway.api(&format!("/contacts/crm/{name}"));
        let word =
            contact["tags"].as_array().expect("tags").iter().find(|word| word["tag"] == "Found").expect("a word");
        assert_eq!(word["state"], "applied", "{contact:#}");
    }
}
