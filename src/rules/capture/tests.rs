//! What `capture` promises, on events made here.

use proptest::prelude::*;

use super::*;
use crate::domain::json::Json;
use crate::domain::name::SourceName;
use crate::rules::{RuleFile, check, run_tests};

const HEAD: &str = r#"
sources:
  bot: { kind: catch, auth: none, intent: "{{ payload.intent }}", text: "{{ payload.said }}", contact: "{{ payload.user.id }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:K, exclusive: ["stage:*"] }
  sales: { provider: webhook, url: env:U }
rules:
"#;

fn files(rules: &str) -> Vec<RuleFile> {
    vec![RuleFile { path: "rules.yaml".to_owned(), text: format!("{HEAD}{rules}") }]
}

/// The test of an event, which has passed with these rules.
fn captured(rules: &str, body: &str) -> Captured {
    let mut files = files(rules);
    let checked = check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{:?}", checked.findings));
    let json = Json::parse(body.as_bytes()).expect("JSON");
    let at = Timestamp::parse("2026-11-26T20:00:00Z").expect("a time");
    let source = SourceName::parse("bot").expect("a name");
    let mut event = Event { params: json, payload: json, body: json, ..Event::empty(source, at) };
    let captured = capture(&catalog, &mut event, "as it came").expect("it can be written in short");
    let text = format!("tests:\n{}", captured.item);
    files.push(RuleFile { path: "captured.test.yaml".to_owned(), text: text.clone() });
    let checked = check(&files);
    assert!(checked.catalog.is_some(), "{:?}\n{text}", checked.findings);
    let report = run_tests(&catalog, &checked.tests, &|_, _, _, _| Err("no bodies here".to_owned()));
    assert_eq!((report.passed, report.failed), (1, 0), "{text}\n{report:#?}");
    captured
}

const ANA: &str = r#"{"intent":"pricing.inquiry","said":"hola, soy Zacarias y quiero saber el PRECIO del curso",
    "user":{"id":"90000123456","name":"Zacarias","mail":"zacarias@gmail.com"},"phone":"+57 311 555 77 99",
    "plan":"pro","budget":6000,"city":"Bogota","notes":{"a":[1,2,3],"long":"something else that nobody asked for"}}"#;

#[test]
fn only_what_the_decision_reads_stays_and_personal_data_goes() {
    let rules = r#"
  - id: lead
    match: { intent: pricing.*, text: { contains: precio }, params: { phone: "*" } }
    when: params.budget >= 5000
    tag: { crm: { add: [Lead, "Plan {{ params.plan }}"] } }
    set: { crm: { mail: "{{ params.user.mail }}", city: "{{ params.city }}" } }
    forward: { sales: { who: "{{ contact }}", name: "{{ params.user.name }}" } }
    reply: "Hola {{ params.user.name }}"
"#;
    let captured = captured(rules, ANA);
    assert_eq!(
        (captured.kept, captured.as_they_came),
        (vec![], vec!["params.plan".to_owned(), "params.budget".to_owned()])
    );
    assert_eq!(
        captured.item,
        r#"  - name: as it came
    event:
      source: bot
      intent: pricing.inquiry
      text: PRECIO
      contact: contact-1
      params: { user: { name: Ana, mail: "ana@example.com" }, phone: "+5730000001", plan: pro, budget: 6000, city: value-1 }
    expect:
      rules: [lead]
      tag: { crm: { add: [Lead, Plan pro] } }
      set: { crm: { city: value-1, mail: "ana@example.com" } }
      forward: { sales: { name: Ana, who: contact-1 } }
      reply: Hola Ana
"#
    );
}

#[test]
fn what_a_rule_compares_stays_and_is_told() {
    let rules = r#"
  - id: vip
    when: params.user.mail == "zacarias@gmail.com"
    tag: { crm: { add: [VIP] } }
"#;
    let captured = captured(rules, ANA);
    assert_eq!(captured.kept, [Kept { at: "params.user.mail".to_owned(), what: "an e-mail address" }]);
    assert!(
        captured.item.contains("# kept: params.user.mail is an e-mail address; a rule compares it\n"),
        "{}",
        captured.item
    );
}

#[test]
fn an_event_that_no_rule_matches_keeps_why() {
    let rules =
        "  - { id: big, match: { intent: pricing.* }, when: params.budget >= 9000, tag: { crm: { add: [Big] } } }\n";
    let captured = captured(rules, ANA);
    assert_eq!(
        captured.item,
        "  - name: as it came\n    event: { source: bot, intent: pricing.inquiry, params: { budget: 6000 } }\n    expect:\n      rules: []\n"
    );
}

#[test]
fn guards_times_and_faults_are_part_of_it() {
    let rules = r#"
  - id: renew
    when: received_at >= "2026-11-01T00:00:00Z"
    tag: { crm: { add: ["stage:renewed"], if_tagged: [Customer] } }
  - id: broken
    set: { crm: { shoe: "{{ params.shoe }}" } }
"#;
    let rules = rules.replace("received_at >= \"2026-11-01T00:00:00Z\"", "open(\"late\")");
    let hours = "hours: { late: { zone: America/Bogota, daily: \"14:00-16:00\" } }\n";
    let item = captured(&format!("{rules}{hours}"), ANA).item;
    assert!(item.contains("    at: 2026-11-26T20:00:00Z\n"), "{item}");
    assert!(item.contains("    # assumed: what `if_tagged` asks for\n    tagged: { crm: [Customer] }\n"), "{item}");
    assert!(item.contains("add: [\"stage:renewed\"]") && item.contains("      faults: [broken]\n"), "{item}");
}

const RULES: [&str; 9] = [
    "  - { id: a, match: { intent: pricing.* }, tag: { crm: { add: [Lead] } } }\n",
    "  - { id: b, match: { params: { phone: \"*\" } }, set: { crm: { mail: \"{{ params.user.mail }}\" } } }\n",
    "  - { id: c, when: params.user.mail contains \"gmail\", reply: \"{{ params.user.name }}!\" }\n",
    "  - { id: d, match: { text: { contains: [precio, curso] } }, tag: { crm: { add: [Asked] } } }\n",
    "  - { id: e, contact: { email: \"{{ params.user.mail }}\" }, tag: { crm: { add: [\"stage:new\"] } } }\n",
    "  - { id: f, when: payload.user.id == 90000123456, tag: { crm: { remove: [Cold] } } }\n",
    "  - { id: g, tag: { crm: { add: [\"Of {{ params.user.name }}\"] } } }\n",
    "  - { id: h, when: bucket(\"half\") < 50, forward: { sales: { text: \"{{ text | lower }}\" } } }\n",
    "  - { id: i, when: 'params.phone matches \"^[+]57\" and not (params.missing is set)', stop: true }\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_rules_the_test_passes_and_nothing_personal_is_left_untold(
        order in Just((0..RULES.len()).collect::<Vec<_>>()).prop_shuffle(),
        count in 1..RULES.len(),
        mail in "[a-z]{4,9}@(gmail|corp)\\.com",
        phone in "[+](57|34)[0-9]{8,10}",
        name in "[A-Z][a-z]{5,9}q",
        id in prop_oneof![Just(90_000_123_456_u64), 10_000_000_u64..99_999_999],
        said in prop::collection::vec("(precio|curso|hola|quiero|[a-z]{5,9}x)", 0..12),
    ) {
        let rules: String = order.iter().take(count).map(|place| RULES[*place]).collect();
        let body = serde_json::json!({
            "intent": "pricing.now", "said": said.join(" "), "user": { "id": id, "name": name, "mail": mail }, "phone": phone,
        });
        let captured = captured(&rules, &body.to_string());
        let told = |at: &str| captured.kept.iter().any(|kept| kept.at.ends_with(at));
        for (value, at) in [(&mail, "user.mail"), (&phone, "phone"), (&name, "user.name"), (&id.to_string(), "id")] {
            prop_assert!(!captured.item.contains(value.as_str()) || told(at) || told("contact"), "{value}\n{}", captured.item);
        }
    }
}

#[test]
fn an_item_is_put_behind_the_others_and_nothing_else_changes() {
    let item = "  - name: new\n    expect: {}\n";
    let before = "# about\ntests: # all\n- name: old # why\n  expect: {}\n\n# the end\n";
    let after = "# about\ntests: # all\n- name: old # why\n  expect: {}\n\n# the end\n- name: new\n  expect: {}\n";
    assert_eq!(insert(before, item).as_deref(), Some(after));
    assert_eq!(insert("", item), Some(format!("tests:\n{item}")));
    let wide = "tests:\n    - name: old\nvalues: {}\n";
    let widened = "tests:\n    - name: old\n    - name: new\n      expect: {}\nvalues: {}\n";
    assert_eq!(insert(wide, item).as_deref(), Some(widened));
    assert_eq!(insert("tests: []\n", item), None);
}
