//! Whose word a tag is: as long as the person is known, and also where another hand has had the last one.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, rules};

const RULES: &str = r#"
  - id: add
    match: { intent: add }
    tag: { crm: { add: ["{{ params.tag }}"] } }
  - id: remove
    match: { intent: remove }
    tag: { crm: { remove: ["{{ params.tag }}"] } }
"#;

fn tell(gateway: &Gateway, key: &str, intent: &str, tag: &str) {
    gateway.event(&said(key, 7, intent).with(json!({ "tag": tag })));
    gateway.settled(key);
}

fn tag(gateway: &Gateway, name: &str) -> Value {
    let contact = gateway.api("/contacts/crm/7");
    let tags = contact["tags"].as_array().expect("a list");
    tags.iter().find(|tag| tag["tag"] == name).unwrap_or_else(|| panic!("no {name}: {contact:#}")).clone()
}

/// `tagrelay contacts crm 7`
fn shown(gateway: &Gateway) -> String {
    let settings = [("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let url = format!("http://{}", gateway.address);
    run_with(gateway.setup.folder(), &["contacts", "crm", "7", "--url", &url], &settings, b"").out
}

/// All that was stored was stored 40 days earlier.
fn let_time_pass(gateway: &mut Gateway) {
    gateway.terminate();
    let days = 40_i64 * 86_400_000;
    gateway.setup.change_store(&format!("UPDATE lot SET at = at - {days}; UPDATE delivery SET at = at - {days}"));
    gateway.start_again();
    eventually("the end of what is old", || gateway.events().is_empty().then_some(()));
    eventually("the end of old deliveries", || {
        gateway.api("/deliveries")["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

#[test]
fn who_asked_for_a_tag_is_told_long_after_its_event_has_gone() {
    let mut gateway = rules(RULES).start();
    tell(&gateway, "lead", "add", "Lead");
    let body = json!({ "add": ["VIP"], "note": "she called" }).to_string();
    let by_hand = gateway.api_as(ADMIN, "POST", "/api/v1/contacts/crm/7/tags", body.as_bytes()).ok();
    gateway.settled_event(by_hand["event"].as_str().expect("an id"));
    let (lead, vip) = (tag(&gateway, "Lead"), tag(&gateway, "VIP"));
    let_time_pass(&mut gateway);

    for (before, after) in [(&lead, tag(&gateway, "Lead")), (&vip, tag(&gateway, "VIP"))] {
        for key in ["state", "wanted", "event", "change", "source", "rule", "rule_set", "note", "at", "delivery"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        for key in ["at", "method", "path", "status", "took_ms", "verdict"] {
            assert_eq!(after["attempt"][key], before["attempt"][key], "{key}");
        }
        assert_eq!(after["attempt"]["answer"], Value::Null, "only what blame needs");
    }
    assert_eq!((&vip["source"], &vip["note"]), (&json!("tagrelay.api"), &json!("she called")));
    let shown = shown(&gateway);
    for words in ["bot", "PUT /customers/7/tags: 200 done", "tagrelay.api", "\"VIP\", event 2: \"she called\""] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    gateway.api_post("/contacts/crm/7/forget");
    assert_eq!(gateway.api("/contacts/crm/7")["tags"], json!([]));
}

#[test]
fn a_tag_that_another_hand_took_or_gave_back_is_not_by_us() {
    let gateway = rules(RULES).alone("what is known of tags is known to the contact's gateway").start();
    tell(&gateway, "a", "add", "Lead");
    tell(&gateway, "b", "add", "Cold");
    tell(&gateway, "c", "remove", "Cold");
    assert_eq!(["Lead", "Cold"].map(|name| tag(&gateway, name)["state"].clone()), ["applied", "applied"]);
    gateway.set_tags_by_hand(7, &["Cold"]);
    // The answer to this lists all tags.
    tell(&gateway, "d", "add", "VIP");
    let (lead, cold, vip) = (tag(&gateway, "Lead"), tag(&gateway, "Cold"), tag(&gateway, "VIP"));
    let state = |tag: &Value| ["wanted", "known", "state", "our_state"].map(|key| tag[key].clone());
    assert_eq!(state(&lead), [json!("add"), json!(false), json!("not by us"), json!("applied")]);
    assert_eq!(state(&cold), [json!("remove"), json!(true), json!("not by us"), json!("applied")]);
    assert_eq!(state(&vip), [json!("add"), json!(true), json!("applied"), Value::Null]);
    let shown = shown(&gateway);
    assert!(shown.contains("\"Lead\" is otherwise now than we left it: another hand changed it since"), "{shown}");
    tell(&gateway, "e", "add", "Lead");
    assert_eq!(tag(&gateway, "Lead")["state"], "applied", "and ours again");
}

#[test]
fn what_no_call_settled_is_not_laid_to_the_provider() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, tags: [Lead, Hot] }\nrules:";
    let many = r#"
  - id: many
    match: { intent: many }
    tag: { crm: { add: [Lead, Hot, "{{ params.tag }}"] } }
"#;
    let mut gateway = Setup::bare(&format!("{HEAD}{crm}{many}{RULES}")).start();
    tell(&gateway, "lead", "add", "Lead");
    tell(&gateway, "many", "many", "Typo");
    let not_listed = "the connection's `tags` don't list this tag";
    let of = |name: &str| {
        let tag = tag(&gateway, name);
        (tag["state"].clone(), tag["reason"].clone(), tag["attempt"]["path"].clone())
    };
    let known = "it was known that the contact has this tag";
    assert_eq!(of("Hot"), (json!("applied"), json!("the provider confirmed it"), json!("/customers/7/tags")));
    assert_eq!(of("Lead"), (json!("already"), json!(known), Value::Null));
    assert_eq!(of("Typo"), (json!("dead"), json!(not_listed), Value::Null));
    let letter = gateway.api("/dead-letters")["items"][0].clone();
    assert_eq!((&letter["cause"], &letter["last_attempt"]), (&json!("not_listed"), &Value::Null), "{letter:#}");
    let out = shown(&gateway);
    for line in [format!("no call: {not_listed}"), format!("no call: {known}"), "  what settled it\n".to_owned()] {
        assert!(out.contains(&line), "{line}: {out}");
    }
    let settings = [("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let url = format!("http://{}", gateway.address);
    let id = letter["id"].as_str().expect("an id");
    let letter = run_with(gateway.setup.folder(), &["dead-letters", id, "--url", &url], &settings, b"").out;
    assert!(letter.contains("no call was made for it\n") && !letter.contains("last call"), "{letter}");
    let_time_pass(&mut gateway);
    let out = shown(&gateway);
    assert_eq!(tag(&gateway, "Typo")["attempt"], Value::Null);
    assert!(out.contains("no call: it was known to be so"), "{out}");
}

#[test]
fn of_what_waits_the_last_word_on_each_tag_is_shown_and_the_rest_is_counted() {
    let gateway = rules(RULES).alone("others take more of it in one step, as the news come").start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 503 }]));
    for n in 0..6 {
        let intent = if n % 2 == 0 { "add" } else { "remove" };
        gateway.event(&said(&n.to_string(), 7, intent).with(json!({ "tag": "Lead" })));
        if n == 0 {
            // What comes behind a call that failed waits with it; what came before its step would be folded by it.
            eventually("a call that failed", || gateway.api("/deliveries")["items"].get(0).map(|_| ()));
        }
    }
    gateway.event(&said("hot", 7, "add").with(json!({ "tag": "Hot" })));
    let waiting = gateway.api("/contacts/crm/7")["waiting"].clone();
    let overtaken: Vec<&Value> = waiting.as_array().expect("a list").iter().map(|one| &one["overtaken_by"]).collect();
    let (by, not) = (json!("6.0"), Value::Null);
    assert_eq!(overtaken, [&by, &by, &by, &by, &by, &not, &not]);
    let out = shown(&gateway);
    let told = "waits: 6.0 remove \"Lead\" (rule remove)\nwaits: 7.0 add \"Hot\" (rule add)\n\
                ... and 5 earlier changes that these overtake\n";
    assert!(out.contains(told), "{out}");
}
