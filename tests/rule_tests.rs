//! Tests of rules fail when they should and say what differs; files that mean harm end in findings.

use tagrelay::rules::{self, RuleFile, report};

const RULES: &str = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: "{{ payload.user }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:KEY }
rules:
  - { id: first, match: { intent: lead }, tag: { crm: { add: [A, B], unless_tagged: [Customer] } } }
  - { id: second, match: { intent: lead }, tag: { crm: { add: C, if_tagged: [A] } } }
  - { id: third, match: { intent: lead }, tag: { crm: { remove: B } } }
  - { id: hello, match: { intent: hello }, reply: "Hello {{ contact }}" }
"#;

fn run(tests: &str) -> rules::TestReport {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = [file("rules.yaml", RULES), file("rules.test.yaml", tests)];
    let checked = rules::check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &files, false)));
    rules::run_tests(&catalog, &checked.tests, &|_, _, _, _| Err("line 1: not what this source reads".to_owned()))
}

#[test]
fn a_change_sees_the_contact_as_earlier_changes_leave_it_and_the_last_word_wins() {
    let report = run(r"
tests:
  - name: guards in order
    event: { source: bot, intent: lead, contact: 1 }
    expect: { tag: { crm: { add: [C, A], remove: [B] } } }
  - name: a customer
    event: { source: bot, intent: lead, contact: 1 }
    tagged: { crm: [Customer, B] }
    expect: { tag: { crm: { remove: [B] } } }
");
    assert_eq!((report.passed, report.failed), (2, 0), "{report:#?}");
}

#[test]
fn a_key_that_is_given_is_compared_whole_and_one_left_out_is_not() {
    let report = run(r#"
tests:
  - name: too little
    event: { source: bot, intent: lead, contact: 1 }
    expect: { rules: [first, third], tag: { crm: { add: [A, C] } }, reply: }
  - name: the contact that the source would have found
    event: { source: bot, intent: hello, contact: 17 }
    expect: { reply: "Hello 17" }
  - name: another reply
    event: { source: bot, intent: hello, contact: 17 }
    expect: { reply: }
  - name: no such body
    request: { source: bot, body: none.json }
    expect: { rules: [] }
"#);
    let differences: Vec<_> = report.tests.iter().map(|test| test.differences.join(" / ")).collect();
    assert_eq!(
        differences.get(..3).expect("four tests"),
        [
            "rules: expected [first, third], and there came [first, second, third] / \
             tag: expected crm: add A, C, and there came crm: add A, C; remove B",
            "",
            "reply: expected none, and there came \"Hello 17\"",
        ]
    );
    assert!(differences[3].starts_with("the body can't be read: none.json"), "{}", differences[3]);
    assert_eq!((report.passed, report.failed, report.tests[3].line), (1, 3, 12));
}

fn codes(text: String) -> Vec<&'static str> {
    let files = [RuleFile { path: "x.yaml".to_owned(), text }];
    let findings = rules::check(&files).findings;
    assert!(report::text(&findings, &files, true).len() < 10_000_000);
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn files_that_mean_harm_end_in_findings() {
    assert_eq!(codes("#".repeat(1024 * 1024 + 1)), ["E002"]);
    assert_eq!(codes(format!("rules: {}", "[".repeat(20_000))), ["E002"]);
    assert_eq!(codes("rules: \u{fffd}".to_owned()), ["E001"]);
    let level = |n: u32| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    let bomb: Vec<_> = (1..10).map(level).collect();
    let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{}", bomb.concat());
    assert_eq!(codes(bomb), ["E002"]);
    assert!(codes("rules:\n  - { id: a, stop: true }\n---\nrules: []\n".to_owned()).contains(&"E001"));
    let deep = format!("rules:\n  - {{ id: a, reply: {{ payload: {{ a: {}{} }} }} }}", "[".repeat(50), "]".repeat(50));
    assert_eq!(codes(deep), Vec::<&str>::new());
    assert_eq!(codes(String::new()), Vec::<&str>::new());
}

#[test]
fn what_an_alias_brings_in_twice_is_told_once() {
    let text = "rules:\n  - { id: a, match: &m { intnet: x }, stop: true }\n  - { id: b, match: *m, stop: true }\n";
    assert_eq!(codes(text.to_owned()), ["E005"]);
}

#[test]
fn bodies_are_compared_without_their_order_and_the_time_has_a_default() {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = [
        file(
            "rules.yaml",
            r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: "{{ payload.user }}" }
connections:
  out: { provider: webhook, url: env:URL }
hours: { year: { zone: UTC, thu: "12:00-12:01" } }
rules:
  - { id: one, forward: { out: { n: 1 } } }
  - { id: two, once: 1h, forward: { out: { n: 2 } }, stop: true }
  - { id: late, when: open("year"), reply: "never, since `once` doesn't hold back `stop`" }
  - { id: noon, reply: "{{ received_at }}" }
"#,
        ),
        file(
            "rules.test.yaml",
            r"
tests:
  - name: whatever the order
    event: { source: bot, contact: 1 }
    expect: { forward: { out: [{ n: 2 }, { n: 1 }] }, reply: }
  - name: once more
    steps:
      - event: { source: bot, contact: 1 }
        expect: { rules: [one, two] }
      - after: 1m
        event: { source: bot, contact: 1 }
        expect: { rules: [one, two], forward: { out: [{ n: 1 }] }, reply: }
",
        ),
    ];
    let checked = rules::check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &files, false)));
    let report = rules::run_tests(&catalog, &checked.tests, &|_, _, _, _| Err("no request".to_owned()));
    assert_eq!((report.passed, report.failed), (2, 0), "{report:#?}");
}

#[test]
fn a_test_without_a_time_is_at_noon_of_new_year() {
    let report = run(r#"
tests:
  - name: noon
    event: { source: bot, intent: hello, contact: 17 }
    expect: { reply: "Hello 17" }
"#);
    assert_eq!(report.passed, 1);
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = [
        file("rules.yaml", &RULES.replace("Hello {{ contact }}", "{{ received_at }}")),
        file(
            "rules.test.yaml",
            "tests:\n  - name: noon\n    event: { source: bot, intent: hello }\n    expect: { reply: \"2026-01-01T12:00:00.000Z\" }\n",
        ),
    ];
    let checked = rules::check(&files);
    let report = rules::run_tests(&checked.catalog.expect("clean"), &checked.tests, &|_, _, _, _| Err(String::new()));
    assert_eq!((report.passed, report.failed), (1, 0), "{report:#?}");
}

/// What tests come to of a set of their own.
fn run_of(rules: &str, tests: &str) -> rules::TestReport {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = [file("rules.yaml", rules), file("rules.test.yaml", tests)];
    let checked = rules::check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &files, false)));
    rules::run_tests(&catalog, &checked.tests, &|_, _, _, _| Err("no request".to_owned()))
}

#[test]
fn each_exclusive_set_of_a_connection_is_for_itself() {
    let rules = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: "{{ payload.user }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:KEY, exclusive: [["stage:*"], [Bronze, Silver, Gold, "stage:vip"]] }
  single: { provider: helpcrunch, api_key: env:KEY, exclusive: ["stage:*", Lost] }
rules:
  - { id: give, match: { intent: give }, tag: { crm: { add: "{{ params.tags }}" }, single: { add: "{{ params.tags }}" } } }
"#;
    let report = run_of(
        rules,
        r#"
tests:
  - name: one of a set takes the place of its own others and of nobody else
    tagged: { crm: ["stage:new", Bronze, Lost], single: ["stage:new", Bronze, Lost] }
    event: { source: bot, intent: give, contact: 1, params: { tags: ["stage:won"] } }
    expect:
      tag: { crm: { add: ["stage:won"], remove: ["stage:new"] }, single: { add: ["stage:won"], remove: ["stage:new", Lost] } }
  - name: both sets at once
    tagged: { crm: ["stage:new", Bronze, Lost] }
    event: { source: bot, intent: give, contact: 1, params: { tags: ["stage:won", Gold] } }
    expect:
      tag:
        crm: { add: ["stage:won", Gold], remove: ["stage:new", Bronze] }
        single: { add: ["stage:won", Gold] }
  - name: a tag that is in both sets takes the place of both others
    tagged: { crm: ["stage:new", Silver] }
    event: { source: bot, intent: give, contact: 1, params: { tags: ["stage:vip"] } }
    expect: { tag: { crm: { add: ["stage:vip"], remove: ["stage:new", Silver] }, single: { add: ["stage:vip"] } } }
  - name: of two of a set the last one stays
    event: { source: bot, intent: give, contact: 1, params: { tags: [Bronze, Silver] } }
    expect: { tag: { crm: { add: [Silver], remove: [Bronze] }, single: { add: [Bronze, Silver] } } }
"#,
    );
    assert_eq!((report.passed, report.failed), (4, 0), "{report:#?}");
}

#[test]
fn if_tagged_asks_for_all_of_its_tags() {
    let rules = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: "{{ payload.user }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:KEY }
rules:
  - { id: lead, match: { type: lead }, tag: { crm: { add: Lead } } }
  - id: vip
    tag: { crm: { add: [VIP], remove: [Cold], if_tagged: [Lead, Paid], unless_tagged: [Staff, Opt-out] } }
"#;
    let report = run_of(
        rules,
        r"
tests:
  - name: both are there
    tagged: { crm: [Lead, Paid, Cold] }
    event: { source: bot, contact: 1 }
    expect: { tag: { crm: { add: [VIP], remove: [Cold] } } }
  - name: the first alone
    tagged: { crm: [Lead, Cold] }
    event: { source: bot, contact: 1 }
    expect: { tag: {} }
  - name: the second alone
    tagged: { crm: [Paid, Cold] }
    event: { source: bot, contact: 1 }
    expect: { tag: {} }
  - name: both, and one that forbids
    tagged: { crm: [Lead, Paid, Opt-out] }
    event: { source: bot, contact: 1 }
    expect: { tag: {} }
  - name: one is there and an earlier rule adds the other
    tagged: { crm: [Paid] }
    event: { source: bot, type: lead, contact: 1 }
    expect: { tag: { crm: { add: [Lead, VIP], remove: [Cold] } } }
",
    );
    assert_eq!((report.passed, report.failed), (5, 0), "{report:#?}");
}

#[test]
fn daily_hours_hold_on_every_day_but_the_exceptions() {
    let rules = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }] }
hours:
  office: { zone: America/Bogota, daily: ["09:00-12:00", "14:00-18:00"], except: [2026-03-03] }
rules:
  - { id: open, when: open("office"), reply: "open" }
"#;
    // 2026-03-01 is a Sunday, and Bogotá is five hours behind UTC all year.
    let times = [
        ("2026-03-01T13:59:59Z", false),
        ("2026-03-01T14:00:00Z", true),
        ("2026-03-01T16:59:59Z", true),
        ("2026-03-01T17:00:00Z", false),
        ("2026-03-01T19:00:00Z", true),
        ("2026-03-01T23:00:00Z", false),
        ("2026-03-02T15:00:00Z", true),
        ("2026-03-03T15:00:00Z", false),
        ("2026-03-04T04:00:00Z", false),
        ("2026-03-07T15:00:00Z", true),
    ];
    let test = |(at, open): (&str, bool)| {
        let expected = if open { "[open]" } else { "[]" };
        format!("  - {{ name: {at:?}, at: {at}, event: {{ source: bot }}, expect: {{ rules: {expected} }} }}\n")
    };
    let tests: String = times.into_iter().map(test).collect();
    let report = run_of(rules, &format!("tests:\n{tests}"));
    assert_eq!((report.passed, report.failed), (times.len(), 0), "{report:#?}");
}
