//! The integration in `zapier/`, valid by Zapier's own schema and run by Zapier's own test harness against a running gateway.

use serde_json::{Value, json};
use tagrelay::sandbox::Sandbox;

use super::driver::Driver;
use super::support::eventually;
use super::support::gateway::{ADMIN, Gateway, HEAD, Setup};
use super::support::provider::{connection, provider};

const SECRET: &str = "secret-of-the-zap-9c41";

const RULES: &str = r#"
  zaps:
    kind: catch
    auth:
      - bearer: env:ZAPS_SECRET
    contact: "{{ payload.lead.id }}"

rules:
  - id: from-a-zap
    match: { source: zaps }
    tag: { crm: { add: ["Plan {{ payload.plan }}"] } }
    reply: Thank you
"#;

/// Zapier, a gateway, and what the gateway calls.
struct World {
    zapier: Driver,
    gateway: Gateway,
    provider: Sandbox,
}

impl World {
    fn new() -> Self {
        let provider = provider();
        let rules = format!("{HEAD}{}", RULES.replace("\nrules:", &format!("\n{}\nrules:", connection(&provider, ""))));
        let setup = Setup::bare(&rules).without_sandbox();
        let setup = setup.set("ZAPS_SECRET", SECRET).set("TAGRELAY_SUBSCRIBERS_ALLOW_PRIVATE", "true");
        Self { zapier: Driver::zapier(), gateway: setup.start(), provider }
    }

    /// What an operation answers, as it is or with its error.
    fn ask(&mut self, what: &[&str], token: &str, more: &Value) -> Value {
        let mut bundle =
            json!({ "authData": { "base_url": format!("http://{}/", self.gateway.address), "token": token } });
        for (name, value) in more.as_object().expect("a mapping") {
            bundle[name] = value.clone();
        }
        self.zapier.ask(&json!({ "op": "run", "what": what, "bundle": bundle }))
    }

    #[track_caller]
    fn run(&mut self, what: &[&str], more: &Value) -> Value {
        let answer = self.ask(what, ADMIN, more);
        assert!(answer["error"].is_null(), "{what:?}: {answer}");
        answer["result"].clone()
    }

    /// The bodies that an address was sent.
    fn told(&self, name: &str) -> Vec<Value> {
        let path = format!("/webhook/{name}");
        self.provider.calls().into_iter().filter(|call| call.path == path).map(|call| call.body).collect()
    }
}

#[test]
fn the_integration_is_what_zapier_takes() {
    let answer = Driver::zapier().ask(&json!({ "op": "validate" }));
    assert_eq!(answer, json!({ "errors": [] }));
}

#[test]
fn a_zap_begins_with_what_happened_and_ends_in_events_and_tags() {
    let mut world = World::new();
    let account = world.run(&["authentication", "test"], &json!({}));
    assert_eq!(account["connections"], 1);
    let stranger = world.ask(&["authentication", "test"], "another", &json!({}));
    assert!(stranger["error"].as_str().is_some_and(|error| error.contains("Authorization")), "{stranger}");
    for (list, first) in [
        ("connection_list", json!({ "id": "crm", "name": "crm", "state": "well" })),
        ("rule_list", json!({ "id": "from-a-zap" })),
        ("source_list", json!({ "id": "bot", "name": "bot" })),
    ] {
        assert_eq!(world.run(&["triggers", list, "perform"], &json!({}))[0], first);
    }

    let mut subscriptions = Vec::new();
    for trigger in ["tag_added", "tag_removed", "rule_fired", "dead_letter", "connection_paused"] {
        let sample = world.run(&["triggers", trigger, "performList"], &json!({}));
        assert!(sample[0]["id"].as_str().is_some_and(|id| id.ends_with("-example")), "{trigger}: {sample}");
        let url = format!("{}/{trigger}", world.provider.base_url("webhook").expect("it has one"));
        let subscription = world.run(&["triggers", trigger, "performSubscribe"], &json!({ "targetUrl": url }));
        assert!(subscription.get("secret").is_none(), "{subscription}");
        subscriptions.push((trigger, subscription));
    }
    let input = json!({ "source": "zaps", "secret": SECRET, "fields": { "lead__id": "7", "plan": "pro" } });
    let sent = world.run(&["creates", "send_event", "perform"], &json!({ "inputData": input }));
    assert_eq!((&sent["status"], &sent["reply"]), (&json!("success"), &json!("Thank you")));
    assert_eq!(sent["rules"], json!(["from-a-zap"]));

    let told = eventually("the hook", || world.told("tag_added").pop());
    let begun = world.run(&["triggers", "tag_added", "perform"], &json!({ "cleanedRequest": told }));
    assert_eq!((&begun[0]["tag"], &begun[0]["contact_id"]), (&json!("Plan pro"), &json!("7")));
    assert_eq!((&begun[0]["event"], &begun[0]["id"]), (&sent["id"], &told["id"]));
    let listed = world.run(&["triggers", "tag_added", "performList"], &json!({ "inputData": { "tag": "Plan *" } }));
    assert_eq!(listed[0], begun[0], "the sample is what really happened");
    let fired = eventually("the rule", || world.told("rule_fired").pop());
    assert_eq!(fired["data"]["rule"], "from-a-zap");

    let whom = json!({ "connection": "crm", "contact": "7", "tags": ["Hot", "Late"] });
    let added = world.run(&["creates", "add_tags", "perform"], &json!({ "inputData": whom }));
    world.gateway.settled_event(added["event"].as_str().expect("an id"));
    let late = json!({ "connection": "crm", "contact": "7", "tags": ["Late"], "note": "too late" });
    let removed = world.run(&["creates", "remove_tags", "perform"], &json!({ "inputData": late }));
    world.gateway.settled_event(removed["event"].as_str().expect("an id"));
    eventually("the removed tag", || world.told("tag_removed").pop());
    let found = world.run(&["searches", "find_contact", "perform"], &json!({ "inputData": whom }));
    assert_eq!((&found[0]["tags"], &found[0]["waiting"]), (&json!(["Hot", "Plan pro"]), &json!(0)));
    let nobody = json!({ "inputData": { "connection": "crm", "contact": "nobody" } });
    assert_eq!(world.run(&["searches", "find_contact", "perform"], &nobody), json!([]));
    let wrong = json!({ "inputData": { "connection": "crn", "contact": "7", "tags": ["Hot"] } });
    let wrong = world.ask(&["creates", "add_tags", "perform"], ADMIN, &wrong);
    assert!(wrong["error"].as_str().is_some_and(|error| error.contains("crm")), "{wrong}");

    for (trigger, subscription) in &subscriptions {
        for _ in 0..2 {
            world.run(&["triggers", trigger, "performUnsubscribe"], &json!({ "subscribeData": subscription }));
        }
    }
    assert_eq!(world.gateway.api("/subscriptions")["items"], json!([]));
}
