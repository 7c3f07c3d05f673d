//! Mutants are what they say, and those that are told as unnoticed pass every test, however it is found out.

use proptest::prelude::*;

use super::run::{Fate, Range, Reach};
use super::{Mutation, expression, mutants_of, mutate};
use crate::domain::value::Number;
use crate::rules::testing::{RuleTest, run};
use crate::rules::{Catalog, RuleFile, check, report};

const RULES: &str = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: "env:TOKEN" }] }
  web: { kind: dialogflow-es, auth: [{ bearer: "env:TOKEN" }] }
connections:
  crm: { provider: helpcrunch, api_key: "env:KEY" }
  out: { provider: webhook, url: "env:HOOK" }
values: { big: 1000 }
conditions:
  rich: params.budget >= values.big
rules:
  - id: lead
    match: { source: bot, intent: [pricing.*, quote], language: es, params: { plan: [pro, team] } }
    when: conditions.rich and (confidence > 0.6 or not (params.age < 18))
    once: 1h
    tag: { crm: { add: [Lead, { name: Hot, for: 7d, when: params.budget + 1 > 10 }], remove: Cold, unless_tagged: [Customer] } }
    set: { crm: { plan: "{{ params.plan }}" } }
    reply: { text: { es: Gracias, default: Thanks } }
    stop: true
  - id: words
    match: { text: { contains: [price, cost], regex: "[0-9]" } }
    when: params.plan | lower in ["a", "b"]
    forward: { out: { a: 1 } }
  - { id: last, match: { type: go }, when: text matches "x" or session is set, contact: "7", tag: { crm: { add: Done } }, stop: true }
  - { id: resting, enabled: false, when: params.x > 1, reply: Nobody hears it. }
"#;

const TESTS: &str = r#"
tests:
  - name: a rich one
    event: { source: bot, intent: pricing.ask, language: es, contact: 1, confidence: 0.9, params: { budget: 2000, plan: pro } }
    tagged: { crm: [Cold] }
    expect: { rules: [lead], tag: { crm: { add: [Lead, Hot], remove: [Cold] } } }
  - name: on the border
    event: { source: bot, intent: quote, language: es, contact: 1, confidence: 0.6, params: { budget: 1000, plan: team, age: 18 } }
    expect: { rules: [lead], reply: Gracias }
  - name: words
    event: { source: web, intent: x, text: "the price of 7", params: { plan: A } }
    expect: { rules: [words], forward: { out: { a: 1 } } }
  - name: go
    event: { source: web, type: go, text: x }
    expect: { rules: [last] }
"#;

fn files(rules: &str, tests: &str) -> Vec<RuleFile> {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    vec![file("rules.yaml", rules), file("rules.test.yaml", tests)]
}

fn set(files: &[RuleFile]) -> (Catalog, Vec<RuleTest>) {
    let checked = check(files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, files, false)));
    (catalog, checked.tests)
}

type Reader<'r> = &'r crate::rules::BodyReader<'r>;
const NONE: Reader<'static> = &|_, _, _, _| Err("unread".to_owned());

fn tried(rules: &str, tests: &str) -> Mutation {
    let files = files(rules, tests);
    let (_, tests) = set(&files);
    mutate(&files, &tests, NONE, &|_, _| {}).expect("the tests pass")
}

#[test]
fn every_kind_of_change_is_made_once() {
    let files = files(RULES, TESTS);
    let (catalog, _) = set(&files);
    let changes: Vec<String> = (0..catalog.all_rules().len())
        .flat_map(|place| mutants_of(&catalog, place))
        .map(|mutant| format!("{} {}: {}", mutant.rule.id, mutant.way, mutant.what))
        .collect();
    let expected = include_str!("changes.txt");
    assert_eq!(changes.join("\n"), expected.trim_end());
}

#[test]
fn those_that_no_test_notices_are_told_with_what_would() {
    let found = tried(RULES, TESTS);
    let told: Vec<_> =
        found.unnoticed.iter().map(|one| (one.rule.as_str(), one.change.as_str(), one.hint.as_deref())).collect();
    assert!(
        told.contains(&("conditions.rich", "`values.big` could be 999", Some("`params.budget` of 999"))),
        "{told:#?}"
    );
    assert!(told.contains(&("lead", "`stop` could be left out", Some("an event that a later rule matches too"))));
    assert!(!told.iter().any(|(_, change, _)| *change == "`>=` could be `>`"), "a test is right on the border");
    assert!(
        !told.iter().any(|(rule, change, _)| *rule == "last" && change.contains("`stop`")),
        "nothing comes after it"
    );
    assert!(told.iter().all(|(rule, ..)| *rule != "resting"));
    let place =
        found.unnoticed.iter().find(|one| one.change.ends_with("could be 999")).map(|one| one.place.to_string());
    assert_eq!(place.as_deref(), Some("rules.yaml:10:26"));
}

#[test]
fn tests_that_fail_are_asked_for_first() {
    let files = files(RULES, &TESTS.replace("rules: [words]", "rules: []"));
    let (_, tests) = set(&files);
    let refused = mutate(&files, &tests, NONE, &|_, _| {}).expect_err("a test fails");
    assert_eq!(refused.to_string(), "the test \"words\" fails; mutants are tried with tests that pass");
}

/// What a person would do: change the file, and run the tests.
#[test]
fn a_change_in_the_file_fares_as_its_mutant() {
    let found = tried(RULES, TESTS);
    let is_noticed =
        |rule: &str, change: &str| !found.unnoticed.iter().any(|one| one.rule == rule && one.change == change);
    for (from, to, rule, change) in [
        ("confidence > 0.6", "confidence >= 0.6", "lead", "`>` could be `>=`"),
        ("confidence > 0.6", "confidence > 0.7", "lead", "`0.6` could be 0.7"),
        ("params.age < 18", "params.age <= 18", "lead", "`<` could be `<=`"),
        ("0.6 or not (", "0.6 and not (", "lead", "`or` could be `and`"),
        (">= values.big", "> values.big", "conditions.rich", "`>=` could be `>`"),
        ("[pricing.*, quote]", "[pricing.*]", "lead", "`quote` could be left out"),
        ("intent: [pricing.*, quote], ", "", "lead", "`intent` could be left out of `match`"),
        ("source: bot, intent", "intent", "lead", "`source` could be left out of `match`"),
        ("contains: [price, cost], ", "", "words", "`contains` could be left out of `match`"),
        ("contains: [price, cost]", "contains: [cost]", "words", "`\"price\"` could be left out"),
        ("match: { type: go }, ", "", "last", "`type` could be left out of `match`"),
        ("for: 7d, ", "", "lead", "`for` of `Hot` could be left out"),
        ("remove: Cold, ", "", "lead", "`Cold` could be left out of `remove`"),
        (", unless_tagged: [Customer]", "", "lead", "`Customer` could be left out of `unless_tagged`"),
        ("once: 1h", "", "lead", "`once` could be left out"),
        ("es: Gracias, ", "", "lead", "the words in `es` could be left out"),
        ("forward: { out: { a: 1 } }", "stop: true", "words", "the forward to `out` could be left out"),
        ("| lower in", "in", "words", "`| lower` could be left out"),
    ] {
        assert!(RULES.contains(from), "{from}");
        let (catalog, tests) = set(&files(&RULES.replacen(from, to, 1), TESTS));
        let by_hand = tests.iter().any(|test| !run(&catalog, test, NONE, None).passed);
        assert_eq!(is_noticed(rule, change), by_hand, "{from} -> {to}");
    }
}

#[test]
fn the_next_number_is_one_further_at_its_last_digit() {
    for (from, grows, to) in
        [(10.0, true, "11"), (0.6, false, "0.5"), (-0.05, true, "-0.04"), (1.99, true, "2"), (0.0, false, "-1")]
    {
        let next = expression::next(&Number::from_f64(from), grows).map(|next| next.to_string());
        assert_eq!(next.as_deref(), Some(to), "{from}");
    }
    assert!(expression::next(&Number::Int(i128::MAX), true).is_none());
}

proptest! {
    /// Whoever runs every test against every mutant comes to the same, and finds the catalog as it was.
    #[test]
    fn only_the_tests_that_can_notice_are_run(kept in prop::collection::vec(any::<bool>(), 4)) {
        let (mut catalog, tests) = set(&files(RULES, TESTS));
        let mut kept = kept.into_iter();
        let tests: Vec<RuleTest> = tests.into_iter().filter(|_| kept.next() == Some(true)).collect();
        let reach = Reach::of(&catalog, &tests, NONE).expect("they pass");
        let range = Range::new(&tests, &reach, NONE);
        for place in 0..catalog.all_rules().len() {
            for mutant in mutants_of(&catalog, place) {
                let told = format!("{} {}", mutant.way, mutant.what);
                let mut rule = mutant.rule.clone();
                let fate = range.try_rule(&mut catalog, place, mutant.rule, mutant.touched);
                catalog.exchange(place, &mut rule, true);
                let noticed = tests.iter().any(|test| !run(&catalog, test, NONE, None).passed);
                catalog.exchange(place, &mut rule, false);
                prop_assert_eq!(matches!(fate, Fate::Noticed), noticed, "{}", told);
            }
        }
        prop_assert!(tests.iter().all(|test| run(&catalog, test, NONE, None).passed));
    }
}
