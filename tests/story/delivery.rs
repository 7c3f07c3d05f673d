//! Net effect, fewest calls: what waits for a contact is folded, and knowledge spares calls.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup, rules};
use crate::support::gestures::states;

/// `add.X` and `remove.X` do what they say; `both.X` adds two tags at once.
const TAGS: &str = r#"
  - id: add
    match: { intent: add }
    tag: { crm: { add: ["{{ params.tag }}"] } }
  - id: remove
    match: { intent: remove }
    tag: { crm: { remove: ["{{ params.tag }}"] } }
    reply: "{{ params.tag }} is gone"
"#;

fn start() -> Gateway {
    rules(TAGS).start()
}

fn tag(gateway: &Gateway, key: &str, contact: u64, intent: &str, tag: &str) {
    gateway.event(&said(key, contact, intent).with(json!({ "tag": tag })));
}

/// The contact's next call takes so long that everything sent meanwhile waits for it.
fn hold(gateway: &Gateway, contact: u64) {
    let fault = json!([{ "kind": "slow", "millis": 1200, "times": 1, "contact": contact.to_string() }]);
    gateway.set_faults(&fault);
    tag(gateway, "held", contact, "add", "First");
    eventually("the call that takes long", || (!gateway.calls().is_empty()).then_some(()));
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_changes_nothing() {
    let mut gateway = start();
    let lead = said("once", 7, "remove").with(json!({ "tag": "Cold" }));
    let first = gateway.event(&lead);
    gateway.settled("once");
    let calls = gateway.calls().len();
    assert_eq!(gateway.event(&lead).body, first.body, "byte for byte");
    let other = said("once", 8, "add").with(json!({ "tag": "Hot" }));
    assert_eq!(gateway.event(&other).body, first.body, "another body under this key is a duplicate too");

    let event = gateway.event_of("once");
    let differs: Vec<&Value> =
        event["duplicates"].as_array().expect("a list").iter().map(|repeated| &repeated["differs"]).collect();
    assert_eq!(differs, [false, true]);
    assert_eq!(gateway.log_of("another body came under the key").len(), 1);
    assert_eq!((gateway.events().len(), gateway.calls().len()), (1, calls));
    assert_eq!(gateway.contact_in_sandbox(8), None);

    gateway.terminate();
    gateway.start_again();
    assert_eq!(gateway.event(&lead).body, first.body, "after a new start too");
    assert_eq!((gateway.events().len(), gateway.calls().len()), (1, 0));
}

#[test]
fn the_same_key_at_the_same_moment_is_one_event() {
    let gateway = start();
    let body = said("race", 7, "remove").with(json!({ "tag": "Cold" })).body();
    let answers: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| gateway.send_hook(&body))).collect();
        senders.into_iter().map(|sender| sender.join().expect("sent").body).collect()
    });
    assert!(answers.iter().all(|answer| *answer == br#"{"fulfillmentText":"Cold is gone"}"#), "{answers:?}");
    gateway.settled("race");
    assert_eq!((gateway.events().len(), gateway.calls_in_short().len()), (1, 1));
}

#[test]
fn a_tag_that_is_known_to_be_there_costs_no_call() {
    let gateway = start();
    tag(&gateway, "a", 7, "add", "Lead");
    gateway.settled("a");
    tag(&gateway, "b", 7, "add", "Lead");
    assert_eq!(states(&gateway.settled("b")), ["already"]);
    tag(&gateway, "c", 7, "remove", "Never there");
    assert_eq!(states(&gateway.settled("c")), ["already"], "the answer to the first call listed all tags");
    assert_eq!(gateway.calls_in_short(), ["PUT /customers/7/tags Lead -> 200"]);
}

#[test]
fn with_the_cache_off_every_last_word_is_a_call() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, tag_cache: off }\n";
    let gateway = Setup::bare(&format!("{HEAD}{crm}rules:\n{TAGS}")).start();
    for key in ["a", "b"] {
        tag(&gateway, key, 7, "add", "Lead");
        assert_eq!(states(&gateway.settled(key)), ["applied"]);
    }
    assert_eq!(gateway.calls().len(), 2);
}

#[test]
fn add_and_remove_before_the_delivery_are_no_call_at_all() {
    let gateway = start();
    hold(&gateway, 7);
    tag(&gateway, "on", 7, "add", "Hot");
    tag(&gateway, "off", 7, "remove", "Hot");
    let (on, off) = (gateway.settled("on"), gateway.settled("off"));
    assert_eq!((states(&on), states(&off)), (vec!["superseded".to_owned()], vec!["already".to_owned()]));
    let by = off["changes"][0]["id"].as_str().expect("an id");
    assert_eq!(on["changes"][0]["reason"], format!("change {by} has the last word on this tag"));
    assert_eq!(gateway.calls_in_short(), ["PUT /customers/7/tags First -> 200"]);
}

#[test]
fn twenty_events_of_a_contact_while_a_call_is_under_way_are_one_more_call() {
    let gateway = start();
    hold(&gateway, 7);
    for n in 1..=20 {
        tag(&gateway, &format!("e{n}"), 7, "add", &format!("Topic {n:02}"));
    }
    for n in 1..=20 {
        assert_eq!(states(&gateway.settled(&format!("e{n}"))), ["applied"], "{n}");
    }
    assert_eq!(gateway.contact_in_sandbox(7).expect("known").len(), 21);
    assert_eq!(gateway.calls().len(), 2, "{:?}", gateway.calls_in_short());
}

#[test]
fn contacts_do_not_wait_for_each_other() {
    let gateway = start();
    hold(&gateway, 7);
    tag(&gateway, "other", 8, "add", "Lead");
    gateway.settled("other");
    assert_eq!(states(&gateway.event_of("held")), ["waiting"]);
    gateway.settled("held");
}

#[test]
fn an_idle_gateway_calls_at_once() {
    let gateway = start();
    for n in 0..5 {
        let key = format!("e{n}");
        tag(&gateway, &key, 7, "add", &format!("Topic {n}"));
        let start = std::time::Instant::now();
        eventually("the call", || (gateway.calls().len() > n).then_some(()));
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        gateway.settled(&key);
    }
}

#[test]
fn what_is_said_last_holds_whatever_came_before() {
    let gateway = start();
    hold(&gateway, 7);
    for n in 0..10 {
        tag(&gateway, &format!("a{n}"), 7, "add", "Lead");
        tag(&gateway, &format!("r{n}"), 7, "remove", "Lead");
    }
    tag(&gateway, "last", 7, "add", "Lead");
    assert_eq!(states(&gateway.settled("last")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["First", "Lead"]);
    assert_eq!(gateway.calls().len(), 2);
    assert_eq!(gateway.api("/contacts/crm/7")["tags"][1]["event"], gateway.event_of("last")["id"]);
}
