//! Three gateways on one database: what a provider says to one of them is meant for all, and whichever is asked tells how all stand.

use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::sandbox::{Call, Sandbox};

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, REMEMBERED_LEADS, Setup};
use crate::support::gestures::{call_at, send_hook_at, states};
use crate::support::http::{exchange, request};
use crate::support::provider::{connection, provider};

const LEAD: &str = "rules:\n  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";
/// So many contacts are of each gateway.
const CONTACTS: u64 = 30;

fn begin(provider: &Sandbox) -> Gateway {
    let keys = "rate_limit: 1000/s, concurrency: 1, timeout: 2s";
    Setup::bare(&format!("{HEAD}{}{LEAD}", connection(provider, keys))).without_sandbox().among_three().start()
}

fn tell_of_all(gateway: &Gateway) {
    for n in 1..=CONTACTS {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
}

#[track_caller]
fn all_applied(gateway: &Gateway) {
    for n in 1..=CONTACTS {
        assert_eq!(states(&gateway.settled(&n.to_string())), ["applied"], "{n}");
    }
}

fn answered(provider: &Sandbox, status: u16) -> Vec<Call> {
    provider.calls().into_iter().filter(|call| call.status == Some(status)).collect()
}

/// The connection, as each gateway shows it.
fn shown_by_each(gateway: &Gateway) -> Vec<Value> {
    let bearer = format!("Bearer {ADMIN}");
    let bytes = request("GET", "/api/v1/connections", &[("Authorization", &bearer)], b"");
    let ask = |address| exchange(address, &bytes, Duration::from_secs(10)).expect("an answer").ok();
    gateway.addresses().into_iter().map(|address| ask(address)["items"][0].clone()).collect()
}

/// One contact, as each gateway shows it.
fn contact_by_each(gateway: &Gateway, id: u64) -> Vec<Value> {
    gateway.addresses().iter().map(|_| gateway.api(&format!("/contacts/crm/{id}"))).collect()
}

/// What a command says that asks the first of them.
fn ask(gateway: &Gateway, args: &[&str]) -> String {
    let url = format!("http://{}", gateway.address);
    let args = [args, &["--url", &url]].concat();
    let ran = run_with(gateway.setup.folder(), &args, &[("TAGRELAY_ADMIN_TOKEN", ADMIN)], b"");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    ran.out
}

#[test]
fn a_wait_that_one_gateway_was_asked_for_is_kept_by_all() {
    let provider = provider();
    let gateway = begin(&provider);
    provider.add_faults(&json!([{ "kind": "throttle", "retry_after": "5", "times": 1 }])).expect("faults");
    gateway.event(&said("first", 99, "lead"));
    eventually("the word of it", || (gateway.sql("SELECT count(*) FROM limit_met") == "1").then_some(()));
    let refused = answered(&provider, 429).pop().expect("a 429");
    tell_of_all(&gateway);
    let held = |shown: &Value| {
        let slowed = shown["allowance"]["calls"].as_u64().is_some_and(|calls| calls < 1_000);
        slowed && shown["allowance"]["held_until"].is_string()
    };
    eventually("the wait and the slower pace, whoever is asked", || {
        shown_by_each(&gateway).iter().all(held).then_some(())
    });
    assert!(ask(&gateway, &["connections"]).contains("none before"), "a person sees it");
    all_applied(&gateway);
    let until = refused.at.millis() + 5_000;
    let early: Vec<Call> =
        provider.calls().into_iter().filter(|call| call.n > refused.n && call.at.millis() < until).collect();
    assert!(early.is_empty(), "{early:#?}");
    assert_eq!(answered(&provider, 429).len(), 1, "nobody else met it");
}

#[test]
fn credentials_that_one_gateway_is_refused_with_pause_all_and_a_mend_wakes_all() {
    let provider = provider();
    let gateway = begin(&provider);
    provider.add_faults(&json!([{ "kind": "status", "status": 401 }])).expect("faults");
    gateway.event(&said("first", 99, "lead"));
    // Those for whose contacts nothing waits go by what the one has found.
    let all_paused = |shown: &Value| {
        let parts = shown["gateways"].as_array().expect("its parts");
        shown["state"] == "paused" && parts.len() == 3 && parts.iter().all(|part| part["state"] == "paused")
    };
    eventually("the pause, whoever is asked", || shown_by_each(&gateway).iter().all(all_paused).then_some(()));
    tell_of_all(&gateway);
    let waiting = |shown: &Value| shown["waiting"] == CONTACTS + 1;
    eventually("all that waits", || shown_by_each(&gateway).iter().all(waiting).then_some(()));
    assert!(answered(&provider, 401).len() <= 3, "each has looked once at most: {:#?}", provider.calls());
    let table = ask(&gateway, &["connections"]);
    let parts = table.lines().filter(|line| line.starts_with("  at ") && line.contains("paused")).count();
    assert!(parts == 3 && table.contains("(this)") && table.contains("401"), "{table}");
    let contact = gateway.api("/contacts/crm/5");
    assert_eq!((&contact["connection_state"], &contact["waiting"][0]["tag"]), (&json!("paused"), &json!("Lead")));
    let listed = gateway.api("/contacts?waiting=true&connection=crm&limit=500");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(CONTACTS as usize + 1), "of all gateways");

    provider.clear_faults();
    let retried = ask(&gateway, &["connections", "--retry", "crm"]);
    assert!(retried.starts_with("crm: paused since") && retried.contains("31 contacts wait"), "{retried}");
    all_applied(&gateway);
    let well = |shown: &Value| shown["state"] == "well" && shown["waiting"] == 0;
    eventually("all well, whoever is asked", || shown_by_each(&gateway).iter().all(well).then_some(()));
    let usage = shown_by_each(&gateway).remove(0)["allowance"].clone();
    assert_eq!(usage["calls"], 1_000);
    assert!(ask(&gateway, &["connections", "--by-gateway"]).matches("  at ").count() == 3);
}

#[test]
fn a_gateway_of_which_nothing_is_heard_is_told_of_before_its_lease_ends() {
    let provider = provider();
    let mut gateway = begin(&provider);
    let silent = |gateway: &Gateway| {
        let all = gateway.api("/gateways")["items"].clone();
        let all = all.as_array().expect("a list");
        assert_eq!(all.len(), 3, "{all:#?}");
        all.iter().filter(|one| one["silent_ms"].as_u64().expect("a number") > 4_000).count()
    };
    assert_eq!(silent(&gateway), 0);
    gateway.kill_one();
    eventually("its silence", || (silent(&gateway) == 1).then_some(()));
    let told = ask(&gateway, &["gateways"]);
    assert!(told.contains("nothing is heard of gateway") && told.contains("s ago"), "{told}");
}

#[test]
fn whichever_gateway_is_asked_of_a_contact_names_the_one_that_knows_its_tags() {
    let provider = provider();
    let gateway = begin(&provider);
    tell_of_all(&gateway);
    all_applied(&gateway);
    let mut told = 0;
    for n in 1..=CONTACTS {
        let shown = contact_by_each(&gateway, n);
        let (mut knowing, mut others): (Vec<&Value>, Vec<&Value>) =
            shown.iter().partition(|contact| contact["owner"]["this"] == true);
        let (knowing, other) = (knowing.pop().expect("one of them"), others.pop().expect("two others"));
        assert_eq!((&knowing["tags"][0]["known"], &other["tags"][0]["known"]), (&json!(true), &Value::Null), "{n}");
        assert_eq!((others.len(), &knowing["owner"]["name"]), (1, &other["owner"]["name"]));
        // By the command too, unless the first of them is the one.
        let name = other["owner"]["name"].as_str().expect("a name");
        let said = ask(&gateway, &["contacts", "crm", &n.to_string()]);
        let is_first = name.starts_with(&gateway.address.to_string());
        assert_eq!(said.contains(&format!("{name} delivers for it: which tags")), !is_first, "{said}");
        told += usize::from(!is_first);
        if told > 0 && is_first {
            return;
        }
    }
    panic!("all of {CONTACTS} contacts are of one gateway");
}

#[test]
fn whichever_gateway_hears_that_tags_were_changed_the_next_event_is_judged_by_it() {
    let text = format!(
        r#"{HEAD}
  changed:
    kind: catch
    auth: none
    tags_changed_at: {{ crm: "{{{{ payload.id }}}}" }}
{REMEMBERED_LEADS}"#
    );
    let gateway = Setup::bare(&text).among_three().start();
    let lead = |key: String, at: usize| {
        send_hook_at(gateway.addresses()[at], &said(&key, 7, "lead").body()).ok();
        states(&gateway.settled(&key))
    };
    assert_eq!(lead("first".to_owned(), 0), ["applied"]);
    // One of the three is the contact's own.
    for (hears, judges) in [(0, 1), (1, 2), (2, 0), (0, 0), (1, 1), (2, 2)] {
        gateway.set_tags_by_hand(7, &[]);
        assert_eq!(lead(format!("{hears} {judges} before"), judges), ["already"], "nobody has told yet");
        let json = [("Content-Type", "application/json")];
        call_at(gateway.addresses()[hears], "POST", "/hooks/changed", &json, br#"{"id":7}"#).ok();
        assert_eq!(lead(format!("{hears} {judges}"), judges), ["applied"]);
        assert_eq!(
            lead(format!("{hears} {judges} once more"), judges),
            ["already"],
            "what was learnt since is believed"
        );
    }
    // What an audit finds is told to the contact's gateway, whichever read it.
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    for (n, address) in gateway.addresses().into_iter().enumerate() {
        gateway.set_tags_by_hand(7, &[]);
        call_at(address, "POST", "/api/v1/connections/crm/audit", &headers, b"{}").ok();
        assert_eq!(lead(format!("audited at {n}"), n), ["applied"]);
    }
}

#[test]
fn whichever_gateway_forgets_a_person_it_is_looked_up_anew() {
    let provider = provider();
    let found = "rules:\n  - id: found\n    match: { intent: found }\n    contact: { email: \"{{ params.email }}\", create: true }\n    \
                 tag: { crm: { add: [Found] } }\n";
    let text = format!("{HEAD}{}{found}", connection(&provider, "rate_limit: 1000/s"));
    let gateway = Setup::bare(&text).without_sandbox().among_three().start();
    let searches = || provider.calls().iter().filter(|call| call.path.ends_with("/customers/search")).count();
    let event = |key: &str| {
        gateway.event(&said(key, 1, "found").with(json!({ "email": "ana@example.com" })));
        gateway.settled(key);
    };
    let bearer = format!("Bearer {ADMIN}");
    event("first");
    // One of them is the contact's own, and remembers whom the address has led to.
    for (n, address) in gateway.addresses().into_iter().enumerate() {
        let before = searches();
        event(&format!("{n} known"));
        assert_eq!(searches(), before, "it is known who that is");
        let path = "/api/v1/contacts/crm/email:ana@example.com/forget";
        call_at(address, "POST", path, &[("Authorization", &bearer)], b"").ok();
        let mut tries = 0..;
        eventually("a look-up", || {
            event(&format!("{n} anew {}", tries.next()?));
            (searches() > before).then_some(())
        });
    }
}

#[test]
fn a_gateway_that_runs_other_rules_is_told_of_and_counted() {
    let provider = provider();
    let mut gateway = begin(&provider);
    let before = gateway.rule_set();
    let of = |set: &str, many: u32| format!("tagrelay_gateways{{rule_set=\"{set}\"}} {many}");
    eventually("three of one set", || gateway.counts(&of(&before, 3)).then_some(()));
    assert!(gateway.log_of("runs another rule set").is_empty());
    // It stays as it was until its lease has ended.
    gateway.kill_one();
    gateway.write_rules("more.yaml", &LEAD.replace("lead", "later"));
    let after = gateway.rule_set_after(&before);
    eventually("two of another", || (gateway.counts(&of(&after, 2)) && gateway.counts(&of(&before, 1))).then_some(()));
    let told = gateway.log_of("another gateway on this database runs another rule set");
    assert!(told.iter().any(|line| line["rule_set"] == json!(after) && line["theirs"] == json!(before)), "{told:#?}");
}
