//! Connections that come, change and go while changes wait.

use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::sandbox::Sandbox;

use super::ALONE;
use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::states;
use crate::support::http::{exchange, request};
use crate::support::provider::{connection, provider};

const LEAD: &str = "rules:\n  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";
const NO_CONNECTION: &str = "rules: []\n";

fn rules_at(provider: &Sandbox, keys: &str) -> String {
    format!("{HEAD}{}{LEAD}", connection(provider, keys))
}

fn faults(provider: &Sandbox, faults: &Value) {
    let bytes = request("POST", "/_sandbox/faults", &[], faults.to_string().as_bytes());
    exchange(provider.address(), &bytes, Duration::from_secs(5)).expect("the sandbox answers").ok();
}

fn mended(provider: &Sandbox) {
    let bytes = request("DELETE", "/_sandbox/faults", &[], b"");
    assert_eq!(exchange(provider.address(), &bytes, Duration::from_secs(5)).expect("an answer").status, 204);
}

/// Replaces the rules and waits until they are in force.
#[track_caller]
fn change(gateway: &Gateway, rules: &str) {
    let before = gateway.rule_set();
    gateway.write_rules("rules.yaml", rules);
    gateway.rule_set_after(&before);
}

#[test]
fn what_waits_for_a_removed_connection_is_kept_shown_and_taken_up_when_it_comes_back() {
    let provider = provider();
    faults(&provider, &json!([{ "kind": "status", "status": 503 }]));
    let gateway = Setup::bare(&rules_at(&provider, "")).without_sandbox().alone(ALONE).start();
    gateway.event(&said("e1", 1, "lead"));
    gateway.event(&said("e2", 2, "lead"));
    eventually("failed tries", || {
        ["e1", "e2"].iter().all(|key| gateway.event_of(key)["changes"][0]["tries"] == 1).then_some(())
    });
    change(&gateway, &format!("{HEAD}{NO_CONNECTION}"));
    mended(&provider);
    let shown = eventually("what waits to be shown", || Some(gateway.crm()).filter(|crm| crm["state"] == "removed"));
    assert_eq!((&shown["name"], &shown["waiting"]), (&json!("crm"), &json!(2)));
    assert_eq!(states(&gateway.event_of("e1")), ["waiting"]);
    assert!(gateway.counts("tagrelay_contacts_waiting{connection=\"crm\"} 2"));
    let calls = provider.calls().len();
    assert_eq!(
        gateway.api_as(crate::support::gateway::ADMIN, "POST", "/api/v1/connections/crm/retry", b"").status,
        404
    );
    change(&gateway, &rules_at(&provider, ""));
    assert_eq!(provider.calls().len(), calls, "nobody was called meanwhile");
    eventually("a lane", || (gateway.crm()["state"] == "well").then_some(()));
    gateway.try_now();
    for key in ["e1", "e2"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"]);
    }
    assert!(gateway.counts("tagrelay_contacts_waiting{connection=\"crm\"} 0"));
}

#[test]
fn a_connection_that_is_added_is_called_at_once() {
    let provider = provider();
    let gateway = Setup::bare(&format!("{HEAD}{NO_CONNECTION}")).without_sandbox().alone(ALONE).start();
    assert_eq!(gateway.api("/connections")["items"], json!([]));
    change(&gateway, &rules_at(&provider, ""));
    gateway.event(&said("e", 7, "lead"));
    assert_eq!(states(&gateway.settled("e")), ["applied"]);
}

#[test]
fn a_changed_connection_waits_for_its_calls_under_way_and_then_goes_on_elsewhere() {
    let (old, new) = (provider(), provider());
    faults(&old, &json!([{ "kind": "slow", "millis": 1500, "times": 1 }]));
    let gateway = Setup::bare(&rules_at(&old, "concurrency: 1")).without_sandbox().alone(ALONE).start();
    gateway.event(&said("under way", 7, "lead"));
    eventually("the call", || (old.calls().len() == 1).then_some(()));
    gateway.event(&said("waits", 8, "lead"));
    gateway.event(&said("same contact", 7, "lead"));
    change(&gateway, &rules_at(&new, "concurrency: 2"));
    assert!(new.calls().is_empty(), "the call under way is waited for");
    assert_eq!(gateway.crm()["state"], "starting");
    gateway.event(&said("meanwhile", 9, "lead"));
    for key in ["under way", "waits", "same contact", "meanwhile"] {
        assert_eq!(states(&gateway.settled(key)), ["applied"], "{key}");
    }
    assert_eq!(old.calls().len(), 1);
    let ended = old.calls()[0].at.plus_millis(1400);
    assert!(new.calls().iter().all(|call| call.at >= ended), "never two calls of one contact at once");
    assert_eq!(
        new.tags("helpcrunch", "7").as_deref(),
        Some(&["Lead".to_owned()][..]),
        "nothing known of the old account counts"
    );
}

#[test]
fn a_pause_and_the_allowance_outlive_a_change_and_new_credentials_are_tried_at_once() {
    let provider = provider();
    faults(&provider, &json!([{ "kind": "status", "status": 401 }]));
    let gateway =
        Setup::bare(&rules_at(&provider, "rate_limit: 2/h")).without_sandbox().set("NEW_KEY", "n").alone(ALONE).start();
    gateway.event(&said("e1", 1, "lead"));
    eventually("the pause", || (gateway.crm()["state"] == "paused").then_some(()));
    mended(&provider);
    change(&gateway, &rules_at(&provider, "rate_limit: 2/h").replace("env:CRM_KEY", "env:NEW_KEY"));
    assert_eq!(states(&gateway.settled("e1")), ["applied"], "the change may be the mend");
    eventually("wellness", || (gateway.crm()["state"] == "well").then_some(()));
    gateway.event(&said("e2", 2, "lead"));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((states(&gateway.event_of("e2")), provider.calls().len()), (vec!["waiting".to_owned()], 2));
    change(&gateway, &rules_at(&provider, "rate_limit: 3/h"));
    assert_eq!(states(&gateway.settled("e2")), ["applied"]);
    gateway.event(&said("e3", 3, "lead"));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(provider.calls().len(), 3, "all three lanes together kept to the limit");
}

#[test]
fn what_is_known_of_tags_is_kept_for_the_same_account_and_unchanged_connections_are_left_alone() {
    let provider = provider();
    let gateway =
        Setup::bare(&rules_at(&provider, "tag_cache: 1h")).without_sandbox().set("NEW_KEY", "n").alone(ALONE).start();
    let calls_after = |key: &str| {
        gateway.event(&said(key, 7, "lead"));
        gateway.settled(key);
        provider.calls().len()
    };
    assert_eq!(calls_after("first"), 1);
    change(&gateway, &format!("{}    reply: Thanks\n", rules_at(&provider, "tag_cache: 1h")));
    assert_eq!(calls_after("other rules"), 1);
    assert!(gateway.log_of("connection changed").is_empty());
    change(&gateway, &rules_at(&provider, "tag_cache: 2h"));
    assert_eq!(calls_after("another setting"), 1);
    assert_eq!(gateway.log_of("connection changed").len(), 1);
    change(&gateway, &rules_at(&provider, "tag_cache: 2h").replace("env:CRM_KEY", "env:NEW_KEY"));
    assert_eq!(calls_after("another key"), 2);
    change(&gateway, &rules_at(&provider, "tag_cache: 2h"));
    assert_eq!(calls_after("the first key again"), 3, "nobody knows what happened meanwhile");
}
