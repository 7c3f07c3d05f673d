//! Audits: what colleagues do by hand at the provider is found, told apart from our own doing, and asked for again on request.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::{Ran, run_with};
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, VIEWER, rules};
use crate::support::gestures::{changes, states};

const RULES: &str = r#"
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead], remove: [Cold] } }
  - id: warm
    match: { intent: warm }
    tag: { crm: { add: [{ name: Hot, for: 1h }] } }
  - id: found
    match: { intent: found }
    contact: { email: "{{ params.email }}", create: true }
    tag: { crm: { add: [Lead] } }
"#;

fn audit_as(gateway: &Gateway, token: &str, body: &Value) -> (u16, Value) {
    let path = "/api/v1/connections/crm/audit";
    let answer = gateway.api_as(token, "POST", path, body.to_string().as_bytes());
    (answer.status, answer.json())
}

#[track_caller]
fn audit(gateway: &Gateway, body: &Value) -> Value {
    let (status, page) = audit_as(gateway, ADMIN, body);
    assert_eq!(status, 200, "{page:#}");
    page
}

fn ask(gateway: &Gateway, args: &[&str]) -> Ran {
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    run_with(gateway.setup.folder(), &[&["audit"], args].concat(), &settings, b"")
}

/// What is found, as `id:7 Lead drifted`.
fn found(page: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut all = Vec::new();
    for item in page["items"].as_array().expect("a list") {
        let findings = item["findings"].as_array().expect("a list").iter();
        all.extend(findings.map(|f| format!("{} {} {}", text(&item["contact"]), text(&f["tag"]), text(&f["found"]))));
    }
    all.sort();
    all
}

fn counts(page: &Value) -> [u64; 5] {
    ["clean", "drifted", "explained", "lost", "unread"].map(|name| page[name].as_u64().expect("a number"))
}

/// Lead was added to 7 and 8, and Cold taken from 8.
fn two() -> Gateway {
    two_at(rules(RULES))
}

fn two_at(setup: Setup) -> Gateway {
    let gateway = setup.start();
    gateway.set_tags_by_hand(8, &["Cold"]);
    for contact in [7, 8] {
        let key = contact.to_string();
        gateway.event(&said(&key, contact, "lead"));
        gateway.settled(&key);
    }
    gateway
}

#[test]
fn what_is_as_we_left_it_is_clean() {
    let gateway = two_at(rules(RULES).alone("each gateway counts what it has read"));
    let page = audit(&gateway, &json!({}));
    assert_eq!((counts(&page), &page["read"], &page["items"]), ([2, 0, 0, 0, 0], &json!(2), &json!([])));
    assert_eq!((&page["next"], &page["stopped"], &page["waits"]), (&json!(null), &json!(null), &json!(null)));
    gateway.set_tags_by_hand(7, &["Lead", "Partner"]);
    let all = audit(&gateway, &json!({ "all": true }));
    assert_eq!((counts(&all), &all["not_by_us"]), ([2, 0, 0, 0, 0], &json!(1)));
    let strange: Vec<&Value> = all["items"].as_array().expect("a list").iter().map(|one| &one["not_by_us"]).collect();
    assert!(strange.contains(&&json!(["Partner"])) && strange.contains(&&json!([])), "{all:#}");
    // The calls are told of, and nothing else came of them.
    let deliveries = gateway.api("/deliveries?connection=crm&contact=7");
    let newest = &deliveries["items"][0];
    assert_eq!((&newest["settled"], &newest["attempts"][0]["method"]), (&json!([]), &json!("GET")));
    assert_eq!(newest["attempts"][0]["verdict"], "done, 2 tags listed; read for an audit");
    assert_eq!(newest["attempts"][0]["answer"], r#"{"tags":["Lead","Partner"]}"#, "and nothing else of the person");
    assert_eq!(gateway.events().len(), 2);
    assert_eq!(gateway.event_of("7")["deliveries"].as_array().map(Vec::len), Some(2), "a removal and an add");
    let ran = ask(&gateway, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "crm: 2 read; 2 as we left them; 1 tag not by us\n"), "{ran:?}");
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("tagrelay_contacts_audited_total{connection=\"crm\",state=\"clean\"} 6"), "{metrics}");
}

#[test]
fn what_another_hand_changed_is_found_with_whose_word_it_was() {
    let gateway = two_at(rules(RULES).alone("what was read is known to the gateway that read it"));
    gateway.set_tags_by_hand(8, &["Cold", "Partner"]);
    let page = audit(&gateway, &json!({}));
    assert_eq!(found(&page), ["id:8 Cold drifted", "id:8 Lead drifted"]);
    assert_eq!(counts(&page), [1, 1, 0, 0, 0]);
    let event = gateway.event_of("8");
    let findings = page["items"][0]["findings"].as_array().expect("a list");
    let of = |tag: &str| findings.iter().find(|finding| finding["tag"] == tag).expect("found").clone();
    for (tag, wanted, reason) in [
        ("Lead", "add", "missing: changed by another hand since"),
        ("Cold", "remove", "there again: changed by another hand since"),
    ] {
        let finding = of(tag);
        assert_eq!((&finding["wanted"], &finding["reason"]), (&json!(wanted), &json!(reason)));
        assert_eq!((&finding["rule"], &finding["source"]), (&json!("lead"), &json!("bot")));
        assert_eq!((&finding["event"], &finding["rule_set"]), (&event["id"], &event["rule_set"]));
    }
    assert_eq!(gateway.events().len(), 2, "it only looks");
    // What was read is what is known.
    let shown = gateway.api("/contacts/crm/8");
    let lead = shown["tags"].as_array().and_then(|tags| tags.iter().find(|tag| tag["tag"] == "Lead")).cloned();
    assert_eq!(lead.expect("a word")["known"], false);
    let ran = ask(&gateway, &["crm"]);
    assert_eq!((ran.status, ran.err.as_str()), (1, ""), "{ran:?}");
    for words in ["Lead", "drifted", "there again: changed by another hand", "1 as we left them, 1 drifted"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let scripts = ask(&gateway, &["crm", "--format", "json"]);
    let report = scripts.json()["connections"][0].clone();
    assert_eq!((scripts.status, &report["drifted"], &report["next"]), (1, &json!(1), &json!(null)));
    assert_eq!(found(&report).len(), 2);
}

#[test]
fn what_drifted_is_asked_for_again_as_an_event_like_any_other() {
    let gateway = two();
    gateway.set_tags_by_hand(8, &["Cold"]);
    let ran = ask(&gateway, &["crm", "--repair"]);
    assert_eq!(ran.status, 1, "something was found: {ran:?}");
    assert!(ran.out.contains("changed by another hand since; event 3 asks for it again"), "{}", ran.out);
    let event = gateway.settled_event("3");
    let change = |wanted: &str, tag: &str| {
        ("tagrelay.audit".to_owned(), wanted.to_owned(), tag.to_owned(), "applied".to_owned())
    };
    assert_eq!(changes(&event), [change("remove", "Cold"), change("add", "Lead")]);
    assert_eq!(event["source"], "tagrelay.audit");
    let note = event["note"].as_str().expect("a note");
    let lead = "\"Lead\" was missing, which change 2.1 of rule lead had added";
    assert!(note.starts_with("repaired by audit: ") && note.contains(lead), "{note}");
    assert_eq!(gateway.contact_in_sandbox(8).expect("known"), ["Lead"]);
    let shown = gateway.api("/contacts/crm/8");
    let tags = shown["tags"].as_array().expect("a list");
    assert!(tags.iter().all(|tag| tag["rule"] == "tagrelay.audit" && tag["note"] == note), "{shown:#}");
    gateway.set_tags_by_hand(7, &[]);
    let why = ["crm", "--contact", "7", "--repair", "--note", "Ana, after the import"];
    assert!(ask(&gateway, &why).out.contains("event 4 asks"), "{shown:#}");
    let note = gateway.settled_event("4")["note"].clone();
    assert!(
        note.as_str().is_some_and(|note| note.starts_with("repaired by audit (Ana, after the import): \"Lead\" was"))
    );
    assert_eq!(audit_as(&gateway, ADMIN, &json!({ "note": "x" })).0, 400, "there is nothing to note");
    let again = ask(&gateway, &["crm", "--repair"]);
    assert_eq!((again.status, gateway.events().len()), (0, 4), "{again:?}");
    let replay = gateway.api_as(ADMIN, "POST", "/api/v1/events/3/replay", b"");
    assert_eq!(replay.status, 409, "{}", replay.text());
}

#[test]
fn a_tag_with_a_time_gets_back_what_is_left_of_it() {
    let gateway = rules(RULES).start();
    gateway.event(&said("warm", 7, "warm"));
    gateway.settled("warm");
    let due =
        |gateway: &Gateway| gateway.api("/contacts/crm/7")["timers"][0]["due"].as_str().expect("a time").to_owned();
    let before = due(&gateway);
    gateway.set_tags_by_hand(7, &[]);
    let page = audit(&gateway, &json!({ "contact": "7", "repair": true }));
    gateway.settled_event(page["items"][0]["repaired_by"].as_str().expect("an event"));
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Hot"]);
    let minutes = |due: &str| due.chars().take(15).collect::<String>();
    assert_eq!(minutes(&due(&gateway)), minutes(&before), "to ten minutes");
    assert_eq!(gateway.api("/contacts/crm/7")["timers"][0]["set_by"], "2.0");
}

#[test]
fn what_waits_and_what_died_is_no_other_hands_doing() {
    let gateway = rules(RULES).start();
    gateway.set_faults(&json!([
        { "kind": "status", "status": 400, "contact": "7", "method": "PUT" },
        { "kind": "status", "status": 503, "contact": "8", "method": "PUT" },
    ]));
    gateway.event(&said("dies", 7, "lead"));
    gateway.settled("dies");
    gateway.event(&said("waits", 8, "lead"));
    eventually("a failed try", || (gateway.event_of("waits")["changes"][1]["tries"] == 1).then_some(()));
    let page = audit(&gateway, &json!({}));
    // Lead waits for 8, whose removed tag was the first word.
    assert_eq!((found(&page), counts(&page)), (vec!["id:7 Lead dead".to_owned()], [1, 0, 1, 0, 0]));
    assert_eq!(page["items"][0]["findings"][0]["reason"], "never done: dead letter 1.1 waits for a person");
    let waiting = |gateway: &Gateway| gateway.api("/contacts/crm/8")["waiting"].as_array().map(Vec::len);
    assert_eq!((waiting(&gateway), gateway.event_of("waits")["changes"][1]["tries"].clone()), (Some(1), json!(1)));
    // A tag that was there by our word, and for which something waits now.
    gateway.clear_faults();
    gateway.try_now();
    gateway.settled("waits");
    gateway.set_faults(&json!([{ "kind": "status", "status": 503, "contact": "8", "method": "PUT" }]));
    gateway.set_tags_by_hand(8, &[]);
    audit(&gateway, &json!({ "contact": "8" }));
    gateway.event(&said("more", 8, "lead"));
    eventually("a failed try", || (gateway.event_of("more")["changes"][1]["tries"] == 1).then_some(()));
    let page = audit(&gateway, &json!({ "contact": "8", "repair": true }));
    assert_eq!((found(&page), counts(&page)), (vec!["id:8 Lead waiting".to_owned()], [0, 0, 1, 0, 0]));
    assert_eq!(gateway.events().len(), 3, "what waits isn't asked for again");
    gateway.api_as(ADMIN, "POST", "/api/v1/dead-letters/1.1/discard", b"").ok();
    let ended = ask(&gateway, &["crm", "--contact", "7"]);
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(ended.out.contains("never done: its dead letter was ended by a person"), "{}", ended.out);
}

#[test]
fn a_contact_that_the_provider_lost_is_told() {
    let gateway = two();
    gateway.at_sandbox("DELETE", "/_sandbox/contacts/helpcrunch/7", &Value::Null);
    let page = audit(&gateway, &json!({}));
    assert_eq!((counts(&page), &page["items"][0]["contact"]), ([1, 0, 0, 1, 0], &json!("id:7")));
    assert_eq!(page["items"][0]["reason"], "no such contact (404: not_found: Chat not found)");
    // It is the only connection, so it needn't be named.
    let ran = ask(&gateway, &["--contact", "7", "--repair"]);
    assert_eq!((ran.status, ran.out.contains("no such contact")), (1, true), "{ran:?}");
    assert_eq!(gateway.events().len(), 2);
}

#[test]
fn a_person_is_audited_by_what_it_was_looked_up_by() {
    let gateway = rules(RULES).start();
    gateway.event(&said("found", 1, "found").with(json!({ "email": "ana@example.com" })));
    let event = gateway.settled("found");
    let id = event["changes"][0]["contact"].as_str().expect("an id");
    for contact in ["email:ana@example.com", id] {
        let page = audit(&gateway, &json!({ "contact": contact, "all": true }));
        assert_eq!((counts(&page), &page["items"][0]["contact"]), ([1, 0, 0, 0, 0], &json!(id)));
        let known = page["items"][0]["known_as"].as_array().expect("a list");
        assert!(known.contains(&json!("email:ana@example.com")), "{page:#}");
    }
    assert_eq!(counts(&audit(&gateway, &json!({}))), [1, 0, 0, 0, 0], "one person is read once");
    for nobody in ["99", "email:bo@example.com"] {
        let (status, problem) = audit_as(&gateway, ADMIN, &json!({ "contact": nobody }));
        assert_eq!(status, 404, "{problem}");
    }
    assert_eq!(ask(&gateway, &["crm", "--contact", "99"]).status, 1);
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let gateway = rules(RULES).start();
    for contact in 1..=5 {
        gateway.event(&said(&contact.to_string(), contact, "lead"));
        gateway.settled(&contact.to_string());
    }
    let mut seen = Vec::new();
    let mut body = json!({ "limit": 2, "all": true });
    loop {
        let page = audit(&gateway, &body);
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["contact"].as_str().expect("a name").to_owned()));
        if page["next"].is_null() {
            break;
        }
        body["cursor"] = page["next"].clone();
    }
    seen.sort();
    assert_eq!(seen, ["id:1", "id:2", "id:3", "id:4", "id:5"]);
    let first = ask(&gateway, &["crm", "--max", "2"]);
    assert_eq!((first.status, first.out.contains("crm: 2 read")), (0, true), "{first:?}");
    let cursor = first.out.trim().rsplit(' ').next().expect("a cursor").to_owned();
    let rest = ask(&gateway, &["crm", "--after", &cursor]);
    assert!(rest.out.contains("crm: 3 read"), "{rest:?}");
    let asked = ask(&gateway, &["crm", "--repair", "--note", "it's Ana", "--all", "--max", "2"]);
    let again =
        format!("go on with: tagrelay audit crm --repair --note 'it'\\''s Ana' --all --max 2 --after {cursor}\n");
    assert!(asked.out.contains(&again), "what was asked for is said again: {asked:?}");
}

#[test]
fn the_limit_is_kept_and_deliveries_go_first() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, rate_limit: 5/h }\nrules:";
    let setup = Setup::bare(&format!("{HEAD}{crm}{RULES}"));
    let gateway = setup.alone("an audit goes behind what stands in line at its own gateway").start();
    for contact in [1, 2] {
        gateway.event(&said(&contact.to_string(), contact, "warm"));
        gateway.settled(&contact.to_string());
    }
    // Two of five are used, and one is kept for deliveries.
    let page = audit(&gateway, &json!({}));
    assert_eq!((counts(&page), &page["waits"]), ([2, 0, 0, 0, 0], &json!(null)));
    let page = audit(&gateway, &json!({}));
    assert_eq!((counts(&page), &page["next"]), ([0; 5], &json!("0".repeat(32))));
    assert_eq!(page["waits"]["reason"], "what is left of the limit is kept for deliveries");
    let ran = ask(&gateway, &["crm"]);
    assert_eq!((ran.status, ran.out.contains("crm: 0 read; not all: what is left")), (1, true), "{ran:?}");
    assert!(ran.out.contains("go on with: tagrelay audit crm\n"), "{ran:?}");
    // Reads count: one delivery may start, and the next one waits in line.
    gateway.event(&said("next", 3, "warm"));
    gateway.settled("next");
    gateway.event(&said("last", 4, "warm"));
    eventually("a line", || (audit(&gateway, &json!({}))["waits"]["reason"] == "deliveries go first").then_some(()));
    assert_eq!(gateway.calls().len(), 5);
    // And they are counted after a restart.
    let mut gateway = gateway;
    gateway.terminate();
    gateway.start_again();
    let page = audit(&gateway, &json!({}));
    assert_eq!((page["read"].clone(), gateway.calls().len()), (json!(0), 0), "{page:#}");
}

#[test]
fn a_limit_of_one_call_leaves_nothing_to_read_with() {
    let crm = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, rate_limit: 1/s }\nrules:";
    let gateway = Setup::bare(&format!("{HEAD}{crm}{RULES}")).start();
    gateway.event(&said("a", 7, "warm"));
    gateway.settled("a");
    let page = audit(&gateway, &json!({}));
    assert_eq!(page["stopped"]["state"], "no_allowance", "{page:#}");
}

#[test]
fn an_ill_connection_is_not_read_and_says_why() {
    let gateway = two();
    gateway.set_faults(&json!([{ "kind": "status", "status": 401 }]));
    let refused = audit(&gateway, &json!({}));
    assert_eq!((&refused["stopped"]["state"], counts(&refused)), (&json!("refused"), [0; 5]));
    assert!(refused["next"].is_string());
    gateway.event(&said("ill", 7, "warm"));
    // Each of several hears of it in its own time.
    let heard = || gateway.log_of("connection paused").len() + gateway.log_of("another gateway was refused").len();
    eventually("a pause everywhere", || (heard() >= gateway.addresses().len()).then_some(()));
    let before = gateway.calls().len();
    let ran = ask(&gateway, &["crm"]);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("crm: 0 read; not all: it is paused: the API key is refused"), "{ran:?}");
    assert_eq!(gateway.calls().len(), before, "nobody was called");
    gateway.clear_faults();
    gateway.try_now();
    gateway.settled("ill");
    eventually("it is well everywhere", || {
        let all = [(); 3].map(|()| audit(&gateway, &json!({}))["stopped"].is_null());
        (all == [true; 3]).then_some(())
    });
    gateway.set_faults(&json!([{ "kind": "throttle", "retry_after": "2", "times": 1 }]));
    let page = audit(&gateway, &json!({}));
    assert_eq!((counts(&page), &page["stopped"]), ([2, 0, 0, 0, 0], &json!(null)), "its wish was waited for: {page:#}");
    gateway.set_faults(&json!([{ "kind": "status", "status": 503 }]));
    let failing = audit(&gateway, &json!({}));
    assert_eq!(counts(&failing), [0, 0, 0, 0, 2], "{failing:#}");
}

#[test]
fn who_may_only_look_may_look_and_a_wrong_call_is_refused() {
    let gateway = two();
    assert_eq!(audit_as(&gateway, VIEWER, &json!({})).0, 200);
    assert_eq!(audit_as(&gateway, VIEWER, &json!({ "repair": true })).0, 403);
    assert_eq!(audit_as(&gateway, "guessed", &json!({})).0, 401);
    for body in [
        json!({ "cursor": "x" }),
        json!({ "limit": 0 }),
        json!({ "limit": 501 }),
        json!({ "contact": "email:" }),
        json!({ "contact": "stream:bot" }),
        json!({ "dry_run": true }),
    ] {
        assert_eq!(audit_as(&gateway, ADMIN, &body).0, 400, "{body}");
    }
    assert_eq!(gateway.api_as(ADMIN, "POST", "/api/v1/connections/nix/audit", b"").status, 404);
    for args in [
        &["crm", "--after", "x"][..],
        &["crm", "--max", "0"],
        &["crm", "--contact", "7", "--max", "1"],
        &["crm", "--contact", "@"],
    ] {
        assert_eq!(ask(&gateway, args).status, 2, "{args:?}");
    }
    assert_eq!(ask(&gateway, &["nix"]).status, 1);
}

const OTHERS: &str = r#"
connections:
  shop: { provider: b2chat, username: env:SHOP_USER, password: env:SHOP_PASSWORD, rate_limit: 6000/min }
  till: { provider: b2chat, token: env:TILL_TOKEN, rate_limit: 6000/min, missing_tags: skip }
  hook: { provider: webhook, url: "https://hooks.example.com/x" }
  trial: { provider: helpcrunch, api_key: env:CRM_KEY, dry_run: true }
rules:
  - id: lead
    match: { intent: lead }
    tag: { shop: { add: [Lead] } }
  - id: new
    match: { intent: new }
    contact: { phone: "{{ params.phone }}", create: true }
    tag: { shop: { add: [Lead] } }
  - id: till
    match: { intent: till }
    contact: { phone: "{{ params.phone }}", create: true }
    tag: { till: { add: [Typo] } }
"#;

#[test]
fn a_provider_that_reads_nobody_by_id_is_asked_by_the_look_up_that_found_them() {
    let gateway = Setup::bare(&format!("{HEAD}{OTHERS}")).set("SHOP_USER", "user").set("SHOP_PASSWORD", "pass").start();
    gateway.event(&said("by id", 7, "lead"));
    assert_eq!(states(&gateway.settled("by id")), ["applied"]);
    gateway.event(&said("by number", 1, "new").with(json!({ "phone": "+573000000000" })));
    let event = gateway.settled("by number");
    assert_eq!(states(&event), ["applied"]);
    gateway.event(&said("at the till", 1, "till").with(json!({ "phone": "+573000000001" })));
    assert_eq!(states(&gateway.settled("at the till")), ["applied"]);
    let id =
        event["changes"][0]["contact"].as_str().and_then(|text| text.strip_prefix("id:")).expect("an id").to_owned();
    let audit = |name: &str, body: &Value| {
        let path = format!("/api/v1/connections/{name}/audit");
        gateway.api_as(ADMIN, "POST", &path, body.to_string().as_bytes()).ok()
    };
    let page = audit("shop", &json!({}));
    assert_eq!((counts(&page), &page["unreadable"]), ([1, 0, 0, 0, 0], &json!(1)), "{page:#}");
    let reason = "b2chat tells tags only of contacts that a look-up has found";
    assert_eq!((&page["items"][0]["contact"], &page["items"][0]["reason"]), (&json!("id:7"), &json!(reason)));
    gateway.ask_sandbox("POST", &format!("/_sandbox/contacts/b2chat/{id}"), &json!({ "tags": [] })).ok();
    let page = audit("shop", &json!({ "contact": "phone:+573000000000", "repair": true }));
    assert_eq!(found(&page), [format!("id:{id} Lead drifted")]);
    let event = gateway.settled_event(page["items"][0]["repaired_by"].as_str().expect("an event"));
    assert_eq!(states(&event), ["applied"]);
    assert_eq!(counts(&audit("shop", &json!({ "contact": id }))), [1, 0, 0, 0, 0]);
    // Where a success proves nothing, nobody is accused.
    let till = audit("till", &json!({}));
    assert_eq!(till["items"][0]["findings"][0]["found"], "unproven", "{till:#}");
    for (name, state) in [("hook", "no_tags"), ("trial", "dry_run")] {
        assert_eq!(audit(name, &json!({}))["stopped"]["state"], state);
        assert_eq!(ask(&gateway, &[name]).status, 1, "it was asked for by its name");
    }
    let all = ask(&gateway, &[]);
    let end = "not audited: hook: webhook knows no tags\n\
               not audited: 1 contact of shop: b2chat tells tags only of contacts that a look-up has found\n\
               not audited: trial: it is on `dry_run`, which calls nobody\n";
    assert!(all.out.ends_with(end) && !all.out.contains("hook: 0 read"), "{}", all.out);
    assert!(!all.out.contains("id:7") && all.out.contains("shop: 1 read; 1 as we left them\n"), "{}", all.out);
    assert_eq!(all.status, 0, "nothing of it was asked for by its name: {}", all.out);
    let one = ask(&gateway, &["shop", "--contact", "7"]);
    assert_eq!((one.status, one.out.contains("id:7")), (1, true), "{one:?}");
    let nowhere = ask(&gateway, &["--contact", "7"]);
    let mend =
        "--contact: say at which connection: tagrelay audit hook --contact id:7 (there is: hook, shop, till, trial)";
    assert_eq!((nowhere.status, nowhere.err.contains(mend)), (2, true), "{nowhere:?}");
}

#[test]
fn who_loses_patience_is_told_what_was_found_and_how_to_go_on() {
    let gateway = two();
    gateway.set_tags_by_hand(7, &[]);
    gateway.set_tags_by_hand(8, &[]);
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 3000, "method": "GET" }]));
    let address = gateway.address.to_string();
    let mut command = crate::support::process::tagrelay();
    command.args(["audit", "crm"]).current_dir(gateway.setup.folder());
    command.env("TAGRELAY_LISTEN", address).env("TAGRELAY_ADMIN_TOKEN", ADMIN);
    command.stdout(std::process::Stdio::piped());
    let child = command.spawn().expect("it starts");
    eventually("a call", || (gateway.calls_in_short().iter().any(|call| call.starts_with("GET"))).then_some(()));
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("sent").success());
    let output = child.wait_with_output().expect("it ends");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), out.contains("crm: 0 read; not all: interrupted")), (Some(1), true), "{out}");
    // The call that was under way is ended, counted and told of all the same.
    eventually("its record", || {
        let deliveries = gateway.api("/deliveries");
        let verdict = deliveries["items"][0]["attempts"][0]["verdict"].as_str()?.to_owned();
        verdict.ends_with("read for an audit").then_some(())
    });
}

#[test]
fn what_unless_tagged_forbids_is_told_and_not_asked_for() {
    let connections = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY, unless_tagged: [Opt-out] }\n";
    let gateway = Setup::bare(&format!("{HEAD}{connections}rules:{RULES}")).start();
    gateway.event(&said("7", 7, "lead"));
    gateway.settled("7");
    gateway.set_tags_by_hand(7, &["Opt-out"]);
    let ran = ask(&gateway, &["crm", "--repair"]);
    assert_eq!((ran.status, gateway.events().len()), (0, 1), "{ran:?}");
    let why = "missing: not asked for again, since `unless_tagged` forbids it: the contact has \"Opt-out\"";
    assert!(ran.out.contains("guarded") && ran.out.contains(why), "{}", ran.out);
    assert_eq!(counts(&audit(&gateway, &json!({}))), [0, 0, 1, 0, 0]);
}
