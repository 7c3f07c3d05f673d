//! What would have changed, and tests out of what came: told on recorded traffic.

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::command::{Ran, run_with};
use crate::support::gateway::{ADMIN, CRM, Gateway, HEAD, VIEWER, rules};

const RULES: &str = "  - id: hot
    match: { intent: pricing }
    when: params.budget >= 5000
    tag: { crm: { add: [Hot] } }
    set: { crm: { mail: '{{ params.email }}' } }
  - id: thanks
    match: { intent: pricing }
    reply: 'Thank you, {{ params.name }}!'
";

fn ask(gateway: &Gateway, token: &str, args: &[&str]) -> Ran {
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", token)];
    run_with(gateway.setup.folder(), args, &settings, b"")
}

/// Other rules, in a folder beside those of the gateway.
fn write_new(gateway: &Gateway, rules: &str) {
    let folder = gateway.setup.folder().join("new");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("rules.yaml"), format!("{HEAD}{CRM}\nrules:\n{rules}")).expect("written");
}

/// Six people ask for prices, and one of them twice.
fn busy() -> Gateway {
    let gateway = rules(RULES).start();
    for (n, budget) in [1_000, 3_000, 4_999, 5_000, 6_000, 9_000, 3_000].into_iter().enumerate() {
        let (key, contact) = (format!("e{n}"), if n == 6 { 1 } else { n as u64 + 1 });
        let params =
            json!({ "budget": budget, "email": format!("p{contact}@gmail.com"), "name": format!("Person{contact}") });
        gateway.event(&said(&key, contact, "pricing").with(params));
        gateway.settled(&key);
    }
    gateway
}

#[test]
fn a_lower_threshold_is_compared_on_what_was_recorded_without_a_call() {
    let gateway = busy();
    let (calls, events) = (gateway.calls().len(), gateway.events().len());
    write_new(&gateway, &RULES.replace("5000", "3000"));
    let told = ask(&gateway, ADMIN, &["diff", "--rules", "new"]);
    assert_eq!((told.status, told.err.as_str()), (1, ""), "{told:?}");
    for words in [
        "before: the set in force (",
        "after:  new (",
        "7 events, received 20",
        "rule  before  after  gained  lost  otherwise\nhot   3       6      3       0     0\n",
        "3 of 7 events decided differently (other rules: 3, other changes: 3)",
        "3 of 6 contacts end with other tags or fields",
        "crm         id:1     Hot           no word  added\n",
        "crm         before  6      ",
        "            after   12     +6  ",
        "Calls are a forecast",
    ] {
        assert!(told.out.contains(words), "{words}\n{}", told.out);
    }
    let json = ask(&gateway, VIEWER, &["diff", "--rules", "new", "--format", "json", "--examples", "1"]);
    let answer = json.json();
    assert_eq!((json.status, &answer["same"], &answer["totals"]["events_different"]), (1, &json!(false), &json!(3)));
    assert_eq!((answer["examples"].as_array().map(Vec::len), &answer["examples"][0]["id"]), (Some(1), &json!("2")));
    assert_eq!(answer["rule_sets"]["base"], json!(gateway.rule_set()));
    assert_eq!(ask(&gateway, ADMIN, &["diff", "--rules", "new"]).out, told.out, "two runs say the same");
    assert_eq!(
        (gateway.calls().len(), gateway.events().len()),
        (calls, events),
        "nobody was called, nothing was stored"
    );
}

#[test]
fn the_same_rules_differ_in_nothing_and_what_can_not_be_compared_is_status_two() {
    let gateway = busy();
    let same = ask(&gateway, VIEWER, &["diff"]);
    assert_eq!((same.status, same.err.as_str()), (0, ""), "{same:?}");
    assert!(same.out.ends_with("\n\nnothing differs\n"), "{}", same.out);
    let [hot, thanks] = RULES.split("  - id: thanks").collect::<Vec<_>>()[..] else { panic!("two rules") };
    write_new(&gateway, &format!("  - id: thanks{thanks}{hot}"));
    assert_eq!(
        ask(&gateway, ADMIN, &["diff", "--rules", "new"]).status,
        0,
        "rules that say nothing of one thing may change places"
    );
    let hash = gateway.rule_set();
    assert_eq!(ask(&gateway, ADMIN, &["diff", "--base", &hash, "--since", "1h"]).status, 0);
    let none = ask(&gateway, ADMIN, &["diff", "--until", "2020-01-01T00:00:00Z", "--since", "2019-01-01T00:00:00Z"]);
    assert!(none.status == 0 && none.out.contains("\n0 events\n"), "{none:?}");
    write_new(&gateway, "  - { id: hot, wenn: true }\n");
    for (args, words) in [
        (vec!["diff", "--rules", "new"], "wenn"),
        (vec!["diff", "--base", "nowhere"], "no such directory, and it is no hash"),
        (vec!["diff", "--base", "00000000000000000000000000000000"], "no set of this hash was ever in force"),
        (vec!["diff", "--since", "soon"], "expected a time"),
        (vec!["diff", "--url", "http://127.0.0.1:1"], "is it running?"),
    ] {
        let ran = ask(&gateway, ADMIN, &args);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.err.contains(words), "{words}\n{}", ran.err);
    }
}

#[test]
fn events_from_a_file_are_compared_without_a_gateway() {
    let gateway = busy();
    let page = gateway.api("/events/recorded?limit=500");
    let items = page["items"].as_array().expect("a list");
    assert_eq!(items.iter().map(|item| item["id"].as_str()).collect::<Vec<_>>()[..2], [Some("1"), Some("2")]);
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    std::fs::write(gateway.setup.folder().join("recorded.ndjson"), lines.join("\n")).expect("written");
    write_new(&gateway, &RULES.replace("5000", "3000"));
    let args = ["diff", "--base", "rules", "--rules", "new", "--events", "recorded.ndjson", "--format", "json"];
    let alone = run_with(gateway.setup.folder(), &args, &[], b"");
    assert_eq!((alone.status, &alone.json()["totals"]["events_different"]), (1, &json!(3)), "{alone:?}");
}

#[test]
fn a_recorded_event_becomes_a_test_that_passes_and_names_nobody() {
    let gateway = busy();
    let shown = ask(&gateway, VIEWER, &["capture", "6"]);
    let note = "note: as they came, since rules read them: params.budget\n";
    assert_eq!((shown.status, shown.err.as_str()), (0, note), "{shown:?}");
    let test = "  - name: event 6 - pricing
    event: { source: bot, intent: pricing, contact: contact-1, params: { budget: 9000, email: \"ana@example.com\", name: Ana } }
    expect:
      rules: [hot, thanks]
      tag: { crm: { add: [Hot] } }
      set: { crm: { mail: \"ana@example.com\" } }
      reply: \"Thank you, Ana!\"
";
    assert_eq!(shown.out, test);
    for (id, name) in [("6", "who has much is hot"), ("1", "who has little isn't")] {
        let args = ["capture", id, "--name", name, "--append", "rules/captured.test.yaml"];
        let ran = ask(&gateway, ADMIN, &args);
        assert_eq!((ran.status, ran.err.as_str()), (0, note), "{ran:?}");
    }
    let whole = ["capture", "5", "--append", "rules/captured.test.yaml", "--request"];
    let ran = ask(&gateway, ADMIN, &whole);
    assert!(ran.status == 0 && !ran.err.contains("warning") && ran.err.contains("queryResult.languageCode"), "{ran:?}");
    let body = std::fs::read_to_string(gateway.rule_file("fixtures/event-5.json")).expect("the body");
    assert!(
        body.contains("\"displayName\":\"pricing\"") && !body.contains("Person5") && !body.contains("gmail"),
        "{body}"
    );
    assert_eq!(ask(&gateway, ADMIN, &whole).status, 1, "a body that is there is left as it is");
    let tested = run_with(gateway.setup.folder(), &["test", "rules"], &[], b"");
    assert!(tested.status == 0 && tested.out.contains("3 passed, 0 failed"), "{tested:?}");
    let json = ask(&gateway, ADMIN, &["capture", "6", "--format", "json"]).json();
    assert_eq!((&json["test"], &json["kept"]), (&json!(test), &json!([])));
}

#[test]
fn what_can_not_be_captured_says_why() {
    let gateway = busy();
    gateway.api_as(ADMIN, "POST", "/api/v1/contacts/crm/7/tags", br#"{"add":["Hand"]}"#).ok();
    gateway.api_as(ADMIN, "POST", "/api/v1/contacts/crm/6/forget", b"").ok();
    for (id, words) in [
        ("8", "event 8 is of tagrelay.api: no request brought it"),
        ("6", "event 6: its body went with a person who was forgotten"),
        ("99", "there is no event 99, or its retention has ended"),
    ] {
        let ran = ask(&gateway, ADMIN, &["capture", id]);
        assert!(ran.status == 1 && ran.err.contains(words), "{words}: {ran:?}");
    }
    let ran = ask(&gateway, ADMIN, &["capture", "1", "--append", "rules/rules.yaml"]);
    assert!(ran.status == 2 && ran.err.contains("ends with .test.yaml"), "{ran:?}");
}
