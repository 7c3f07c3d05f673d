//! Echoes: a provider tells of what we did ourselves. That fires no rule, unless one asks for it; what another hand did does.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::gateway::{ADMIN, Gateway, HEAD, REMEMBERED_LEADS, Setup};
use crate::support::gestures::states;

const TOLD: &str = "told-token-22";

/// The provider tells of changed tags at `crm-tells`. Whoever is told of gets a tag, which is told of again.
fn start() -> Gateway {
    let text = format!(
        r#"{HEAD}
  crm-tells:
    kind: catch
    auth:
      - bearer: env:TOLD
    type: "{{{{ payload.event }}}}"
    dedupe: "{{{{ payload.id }}}}"
    contact: "{{{{ payload.customer.id }}}}"
    tags_changed_at: {{ crm: "{{{{ payload.customer.id }}}}" }}
    tags_told: "{{{{ payload.customer.tags }}}}"
{REMEMBERED_LEADS}  - id: no-lead
    match: {{ intent: no-lead }}
    tag: {{ crm: {{ remove: [Lead] }} }}
  - id: vip
    match: {{ intent: vip }}
    tag: {{ crm: {{ add: [VIP] }} }}
  - id: seen
    match: {{ source: crm-tells, type: customer.tags_changed }}
    tag: {{ crm: {{ add: ["Seen {{{{ payload.id }}}}"] }} }}
  - id: ours
    match: {{ source: crm-tells, echo: true }}
    reply: ours
"#
    );
    Setup::bare(&text).set("TOLD", TOLD).alone("what news told is known to the gateway that heard it").start()
}

/// `customer.tags_changed`, with the tags where the payload carries them.
#[track_caller]
fn told(gateway: &Gateway, key: &str, id: u64, tags: Option<&[&str]>) -> Value {
    told_as(gateway, "customer.tags_changed", key, id, tags)
}

#[track_caller]
fn told_as(gateway: &Gateway, event: &str, key: &str, id: u64, tags: Option<&[&str]>) -> Value {
    let mut data = json!({ "id": id, "name": "Ana" });
    if let Some(tags) = tags {
        data["tags"] = tags.iter().map(|name| json!({ "name": name, "color": "#fff" })).collect();
    }
    let body = json!({ "event": event, "customer": data, "id": key }).to_string();
    let authorization = format!("Bearer {TOLD}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    gateway.call("POST", "/hooks/crm-tells", &headers, body.as_bytes()).ok()
}

#[track_caller]
fn asked(gateway: &Gateway, key: &str, intent: &str) -> Vec<String> {
    gateway.event(&said(key, 7, intent));
    states(&gateway.settled(key))
}

#[test]
fn what_we_did_fires_no_rule_and_calls_nobody_whether_its_tags_are_told_or_not() {
    let gateway = start();
    assert_eq!(asked(&gateway, "a", "lead"), ["applied"]);
    for (key, tags) in [("n1", Some(["Lead"].as_slice())), ("n2", None), ("n3", Some(&["Lead"])), ("n4", Some(&[]))] {
        assert_eq!(told(&gateway, key, 7, tags)["rules"], json!(["ours"]), "{key}");
    }
    assert_eq!(gateway.calls().len(), 1, "nothing is called because of an echo");
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
    // What the payload carries is believed; without it, or late, nothing is known any more.
    assert_eq!(
        asked(&gateway, "b", "lead"),
        ["applied"],
        "the last news was older than our call, so nothing is believed"
    );
    told(&gateway, "n5", 7, Some(&["Lead"]));
    assert_eq!(asked(&gateway, "c", "lead"), ["already"]);
    told(&gateway, "n6", 7, None);
    assert_eq!(asked(&gateway, "d", "lead"), ["applied"]);
}

#[test]
fn what_another_hand_did_fires_rules_once_and_is_not_by_us() {
    let gateway = start();
    assert_eq!(asked(&gateway, "a", "lead"), ["applied"]);
    told(&gateway, "n1", 7, Some(&["Lead"]));

    gateway.set_tags_by_hand(7, &["Lead", "VIP"]);
    let event = told(&gateway, "n2", 7, Some(&["Lead", "VIP"]));
    assert_eq!(event["rules"], json!(["seen"]));
    let settled = gateway.settled_event(event["id"].as_str().expect("an id"));
    assert_eq!(states(&settled), ["applied"]);
    assert_eq!(settled["tags_changed"], json!([{ "connection": "crm", "contact": "id:7" }]));

    // Our own change because of it comes back, twice and without its tags too: that ends there.
    let tags = ["Lead", "VIP", "Seen n2"];
    for (key, tags) in [("n3", Some(tags.as_slice())), ("n3", Some(&tags)), ("n4", None)] {
        assert_eq!(told(&gateway, key, 7, tags)["rules"], json!(["ours"]), "{key}");
    }
    assert_eq!(gateway.calls().len(), 2);

    told(&gateway, "n5", 7, Some(&tags));
    let contact = gateway.api("/contacts/crm/7");
    let of = |name: &str| contact["tags"].as_array().expect("a list").iter().find(|tag| tag["tag"] == name).cloned();
    assert_eq!(of("VIP").expect("it is there")["state"], "not by us", "{contact:#}");
    let settings = [("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let url = format!("http://{}", gateway.address);
    let shown = run_with(gateway.setup.folder(), &["contacts", "crm", "7", "--url", &url], &settings, b"").out;
    assert!(shown.lines().any(|line| line.contains("VIP") && line.contains("not by us")), "{shown}");
}

#[test]
fn what_news_tells_late_twice_or_out_of_order_never_saves_a_call() {
    let gateway = start();
    gateway.set_tags_by_hand(7, &["VIP"]);
    // No rule asks for anything because of it.
    told_as(&gateway, "customer.noted", "n1", 7, Some(&["VIP"]));
    // It is taken away; the news of that comes first, is on its way yet, or was lost.
    gateway.set_tags_by_hand(7, &[]);
    told_as(&gateway, "customer.noted", "n2", 7, Some(&[]));
    for key in ["n1", "n0", "n0"] {
        told_as(&gateway, "customer.noted", key, 7, Some(&["VIP"]));
    }
    assert_eq!(asked(&gateway, "a", "vip"), ["applied"]);
    assert!(gateway.contact_in_sandbox(7).expect("known").contains(&"VIP".to_owned()));
}

#[test]
fn parts_are_found_once_though_tags_are_told() {
    let text = format!(
        r#"{HEAD}
  crm-tells:
    kind: catch
    auth:
      - bearer: env:TOLD
    intent: "{{{{ text | default('none') }}}}"
    text: "{{{{ payload.event }}}}"
    tags_changed_at: {{ crm: "{{{{ payload.customer.id }}}}" }}
    tags_told: "{{{{ payload.customer.tags }}}}"

connections:
  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY }}

rules:
  - id: before-the-text
    match: {{ source: crm-tells, intent: none }}
    reply: none
"#
    );
    let gateway =
        Setup::bare(&text).set("TOLD", TOLD).alone("what news told is known to the gateway that heard it").start();
    assert_eq!(told(&gateway, "n1", 7, Some(&["VIP"]))["rules"], json!(["before-the-text"]), "as a test of rules says");
}

#[test]
fn who_was_never_changed_by_us_loses_the_last_tag_by_another_hand() {
    let gateway = start();
    assert_eq!(told(&gateway, "n1", 8, Some(&[]))["rules"], json!(["seen"]));
}

#[test]
fn somebody_whom_we_never_changed_is_told_of_and_a_replay_is_judged_as_its_event_was() {
    let gateway = start();
    let event = told(&gateway, "n1", 8, None);
    assert_eq!(event["rules"], json!(["seen"]));
    gateway.settled_event(event["id"].as_str().expect("an id"));
    let echo = told(&gateway, "n2", 8, Some(&["Seen n1"]));
    assert_eq!(echo["rules"], json!(["ours"]));
    let replay = gateway.api_post(&format!("/events/{}/replay", echo["id"].as_str().expect("an id")));
    assert_eq!(replay["rules"], json!(["ours"]), "{replay}");
    // Nobody else may say that an event is an echo.
    let body = json!({ "event": "customer.tags_changed", "customer": { "id": 9 }, "id": "n3" }).to_string();
    let authorization = format!("Bearer {TOLD}");
    let headers =
        [("Authorization", authorization.as_str()), ("Content-Type", "application/json"), ("tagrelay-echo", "true")];
    assert_eq!(gateway.call("POST", "/hooks/crm-tells", &headers, body.as_bytes()).ok()["rules"], json!(["seen"]));
}

#[test]
fn of_a_vendors_kind_nothing_more_has_to_be_said() {
    let text = format!(
        r"{HEAD}
  vendor:
    kind: helpcrunch
    auth:
      - bearer: env:TOLD
{REMEMBERED_LEADS}  - id: seen
    match: {{ source: vendor, type: customer.tags_changed }}
    tag: {{ crm: {{ add: [Seen] }} }}
"
    );
    let gateway =
        Setup::bare(&text).set("TOLD", TOLD).alone("what news told is known to the gateway that heard it").start();
    let told = |key: &str, id: u64| {
        let body = json!({ "event": "customer.tags_changed", "eventData": { "id": id, "name": "Ana" }, "id": key });
        let authorization = format!("Bearer {TOLD}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        gateway.call("POST", "/hooks/vendor", &headers, body.to_string().as_bytes()).ok()
    };
    assert_eq!(asked(&gateway, "a", "lead"), ["applied"]);
    assert_eq!(told("n1", 7)["rules"], json!([]), "that was us");
    let event = told("n2", 8);
    assert_eq!(event["rules"], json!(["seen"]), "and that was not");
    gateway.settled_event(event["id"].as_str().expect("an id"));
    assert_eq!(told("n3", 8)["rules"], json!([]));
    assert_eq!(gateway.calls().len(), 2);
}

#[test]
fn people_are_told_that_an_event_was_an_echo() {
    let gateway = start();
    assert_eq!(asked(&gateway, "a", "lead"), ["applied"]);
    let ask = |args: &[&str]| {
        let url = format!("http://{}", gateway.address);
        let args: Vec<&str> = args.iter().copied().chain(["--url", &url]).collect();
        let ran = run_with(gateway.setup.folder(), &args, &[("TAGRELAY_ADMIN_TOKEN", ADMIN)], b"");
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.out
    };
    let id = |answer: &Value| answer["id"].as_str().expect("a number").to_owned();
    let ours = id(&told(&gateway, "n1", 7, Some(&["Lead"])));
    let theirs = id(&told(&gateway, "n2", 7, Some(&["Lead", "VIP"])));
    let (ours, theirs) = (ask(&["events", &ours]), ask(&["events", &theirs]));
    assert!(ours.contains("an echo of a change of ours") && !ours.contains("changed by others"), "{ours}");
    assert!(theirs.contains("changed by others") && !theirs.contains("echo"), "{theirs}");
    let list = ask(&["events"]);
    assert_eq!(list.matches("customer.tags_changed (echo)").count(), 1, "{list}");
    assert_eq!(list.matches("customer.tags_changed").count(), 2, "{list}");
    let echoes = gateway.events().iter().filter(|event| event["echo"] == true).count();
    assert_eq!(echoes, 1);
}

#[test]
fn news_that_was_not_taken_is_no_echo_when_it_comes_again() {
    let twenty: Vec<_> = (0..20).map(|number| format!("Mark {number}")).collect();
    let text = format!(
        r#"{HEAD}
  crm-tells:
    kind: catch
    auth:
      - bearer: env:TOLD
    each: body.items
    type: "{{{{ payload.event }}}}"
    contact: "{{{{ payload.customer.id }}}}"
    tags_changed_at: {{ crm: "{{{{ payload.customer.id }}}}" }}
    tags_told: "{{{{ payload.customer.tags }}}}"

connections:
  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY }}

rules:
  - id: seen
    match: {{ source: crm-tells, type: changed }}
    reply: seen
  - id: many
    match: {{ source: crm-tells, type: filler }}
    tag: {{ crm: {{ add: [{}] }} }}
"#,
        twenty.join(", ")
    );
    let gateway =
        Setup::bare(&text).set("TOLD", TOLD).alone("what news told is known to the gateway that heard it").start();
    let send = |items: Vec<Value>| {
        let authorization = format!("Bearer {TOLD}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        gateway.call("POST", "/hooks/crm-tells", &headers, json!({ "items": items }).to_string().as_bytes())
    };
    let news = json!({ "event": "changed", "customer": { "id": 7, "tags": ["VIP"] } });
    let filler = json!({ "event": "filler", "customer": { "id": 8 } });
    let too_many: Vec<_> = std::iter::once(news.clone()).chain(std::iter::repeat_n(filler, 501)).collect();
    let refused = send(too_many);
    assert!(refused.status >= 400, "{}", refused.text());
    let answer = |items| send(items).text();
    assert!(answer(vec![news.clone()]).contains("seen"), "nobody has taken it before");
    assert!(!answer(vec![news]).contains("seen"), "by now it was told before");
}
