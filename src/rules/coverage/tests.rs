//! Coverage is of structure: no writing of a set changes it, and no test that goes raises it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{Coverage, cover, html, percent, reaches};
use crate::rules::finding::Findings;
use crate::rules::testing::RuleTest;
use crate::rules::{Catalog, RuleFile, check, report, yaml};

const RULES: &str = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: "env:TOKEN" }] }
  web: { kind: dialogflow-es, auth: [{ bearer: "env:TOKEN" }] }
connections:
  crm: { provider: helpcrunch, api_key: "env:KEY" }
  chat: { provider: helpcrunch, api_key: "env:OTHER" }
  out: { provider: webhook, url: "env:HOOK" }
values: { big: 1000 }
conditions:
  rich: params.budget >= values.big
  sure: "not (confidence < 0.6) and (text is set or conditions.rich)"
  unused: confidence > 0.1
rules:
  - id: lead
    match: { intent: ["pricing.*", quote], source: bot }
    when: "(conditions.rich or params.plan == \"it's\") and conditions.sure"
    tag:
      crm: { add: [Lead, { name: "Plan {{ params.plan }}", when: "params.plan is set" }], remove: Cold, unless_tagged: [Customer] }
      chat: { add: Lead, if_tagged: [Known] }
    set: { crm: { budget: "{{ params.budget }}", vip: true } }
    once: 1h
    reply: { text: { es: Gracias, default: Thanks } }
  - id: stopper
    match: { intent: stop }
    reply: Bye.
    stop: true
  - { id: tell, forward: { out: { budget: "{{ params.budget | default(0) }}" } } }
  - { id: web-only, match: { source: web }, reply: Hello }
  - { id: resting, enabled: false, when: params.x > 1, reply: Nobody hears it. }
"#;

const TESTS: &str = r#"
tests:
  - name: a rich one
    event: { source: bot, intent: pricing.ask, language: es-CO, contact: 1, confidence: 0.9, text: hi, params: { budget: 2000, plan: pro } }
    tagged: { chat: [Known] }
    expect: { rules: [lead, tell] }
  - name: a customer of that plan
    event: { source: bot, intent: quote, contact: 1, confidence: 0.9, text: hi, params: { budget: 5, plan: "it's" } }
    tagged: { crm: [Customer] }
    expect: { rules: [lead, tell] }
  - name: unsure
    event: { source: bot, intent: quote, contact: 1, confidence: 0.2, params: { budget: 5000 } }
    expect: { rules: [tell] }
  - name: once an hour
    steps:
      - event: { source: bot, intent: quote, contact: 1, confidence: 0.9, params: { budget: 5000 } }
        expect: { rules: [lead, tell] }
      - event: { source: bot, intent: quote, contact: 1, confidence: 0.9, params: { budget: 5000 } }
        expect: { tag: {} }
  - name: stopped
    event: { source: bot, intent: stop, contact: 1 }
    expect: { rules: [stopper] }
"#;

/// A clean set with its tests, in which the test of a raw request can't be read.
fn set(rules: &str, tests: &str) -> (Vec<RuleFile>, Catalog, Vec<RuleTest>) {
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = vec![file("rules.yaml", rules), file("rules.test.yaml", tests)];
    let checked = check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &files, false)));
    (files, catalog, checked.tests)
}

fn coverage(rules: &str, tests: &str) -> Coverage {
    let (files, catalog, tests) = set(rules, tests);
    let (report, coverage) = cover(&catalog, &files, &tests, &|_, _, _, _| Err("unread".to_owned()));
    assert_eq!(report.failed, 0, "{report:#?}");
    coverage
}

fn missing(coverage: &Coverage) -> Vec<String> {
    let units = coverage.parts.iter().flat_map(|part| part.units.iter().map(move |unit| (part, unit)));
    units.filter(|(_, u)| !u.covered).map(|(p, u)| format!("{} {}: {}", p.name, u.at, u.missing)).collect()
}

#[test]
fn what_no_test_shows_is_told_with_its_place() {
    let coverage = coverage(RULES, TESTS);
    assert_eq!(
        missing(&coverage),
        [
            "lead when: no test where `params.plan == \"it's\"` is false",
            "web-only : no test where it matches",
            "web-only reply: no test where this is the reply",
            "conditions.sure : no test where `conditions.rich` is false",
        ]
    );
    let part = |name: &str| coverage.parts.iter().find(|part| part.name == name);
    assert!(part("resting").is_none() && part("conditions.unused").is_none() && part("conditions.sure").is_some());
    let leaf = part("lead").expect("the rule").units.iter().find(|unit| unit.missing.contains("it's"));
    let place = &leaf.expect("the leaf").place;
    assert_eq!((place.line, place.column), (17, 32), "behind the escapes and the brackets");
}

#[test]
fn what_is_not_worked_out_is_not_seen() {
    let one = "tests: [{ name: a, event: { source: bot, intent: other, confidence: 0.9, params: { a: 1 } }, expect: { rules: [r] } }]";
    let head = "sources: { bot: { kind: dialogflow-es, auth: [{ bearer: env:T }] } }\nrules:\n";
    let coverage = coverage(&format!("{head}  - {{ id: r, when: params.a == 1 or params.b == 2, reply: x }}\n"), one);
    assert_eq!(
        missing(&coverage),
        [
            "r : no test where it doesn't match",
            "r when: no test where `params.a == 1` is false",
            "r when: no test where `params.b == 2` is true",
            "r when: no test where `params.b == 2` is false",
        ]
    );
    assert_eq!((coverage.covered, coverage.total, coverage.percent().as_str()), (3, 7, "42.8%"));
    assert!(reaches(3, 7, 42.8) && !reaches(3, 7, 42.9) && reaches(0, 0, 100.0));
    assert_eq!((percent(0, 0).as_str(), percent(999_999, 1_000_000).as_str()), ("100.0%", "99.9%"));
}

#[test]
fn the_page_holds_every_line_and_neither_a_secret_nor_markup_of_the_rules() {
    let rules = RULES.replace("reply: Bye.", "reply: \"<b>&Bye</b>\"").replace("\"env:KEY\"", "\"hunter2\"");
    let (mut files, catalog, tests) = set(&rules.replace("hunter2", "env:KEY"), TESTS);
    let (_, coverage) = cover(&catalog, &files, &tests, &|_, _, _, _| Err("unread".to_owned()));
    files[0].text = rules.clone();
    let page = html(&coverage, &files);
    assert_eq!(page.matches("<code>").count(), rules.lines().count());
    assert!(page.contains("&lt;b&gt;&amp;Bye&lt;/b&gt;") && !page.contains("hunter2") && !page.contains("<b>"));
    assert!(!page.contains("http") && !page.contains("<script") && page.contains("prefers-color-scheme: dark"));
    for (opened, closed) in [("<li", "</li>"), ("<ul", "</ul>"), ("<tr", "</tr>"), ("<span", "</span>")] {
        assert_eq!(page.matches(opened).count(), page.matches(closed).count(), "{opened}");
    }
}

/// The same set in another writing: in blocks or in brackets, in quotes or without, with the keys in another order.
struct Pen(u64);

impl Pen {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn space(&mut self) -> &'static str {
        ["", " ", "  "][self.throw(3) as usize]
    }

    fn scalar(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) if self.throw(2) == 0 => format!("'{}'", text.replace('\'', "''")),
            other => other.to_string(),
        }
    }

    fn flow(&mut self, value: &Value) -> String {
        let space = self.space();
        match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{space}{}{space}]", items.join(&format!(",{space} ")))
            }
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                self.shuffle(&mut entries);
                let entries: Vec<_> = entries.into_iter().map(|(k, v)| format!("{k:?}: {}", self.flow(v))).collect();
                format!("{{{space}{}{space}}}", entries.join(&format!(",{space} ")))
            }
            scalar => self.scalar(scalar),
        }
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.throw(last as u64 + 1) as usize);
        }
    }

    /// What stands behind `key:` or `-`, with the line's end.
    fn block(&mut self, value: &Value, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let comment = if self.throw(4) == 0 { format!("{pad}# a remark: [of nothing]\n\n") } else { String::new() };
        match value {
            Value::Array(items) if !items.is_empty() && self.throw(3) > 0 => {
                let lines = items.iter().map(|item| format!("{pad}-{}", self.block(item, indent + 2)));
                format!("\n{comment}{}", lines.collect::<Vec<_>>().concat())
            }
            Value::Object(map) if !map.is_empty() && self.throw(3) > 0 => {
                let mut entries: Vec<_> = map.iter().collect();
                self.shuffle(&mut entries);
                let lines = entries.into_iter().map(|(k, v)| format!("{pad}{k}:{}", self.block(v, indent + 2)));
                format!("\n{comment}{}", lines.collect::<Vec<_>>().concat())
            }
            other => format!(" {}\n", self.flow(other)),
        }
    }
}

/// White space and brackets that say nothing, in each `when` and condition.
fn respaced(value: &mut Value, pen: &mut Pen) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| respaced(item, pen)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if ["when", "rich", "sure"].contains(&key.as_str()) => {
                        *text = format!(
                            "({}{})",
                            pen.space(),
                            text.replace(' ', if pen.throw(2) == 0 { "  " } else { " " })
                        );
                    }
                    other => respaced(other, pen),
                }
            }
        }
        _ => {}
    }
}

fn rewritten(seed: u64) -> String {
    let files = [RuleFile { path: "rules.yaml".to_owned(), text: RULES.to_owned() }];
    let mut tree = yaml::read(0, &mut Findings::new(&files)).expect("it can be read").to_json();
    let mut pen = Pen(seed);
    respaced(&mut tree, &mut pen);
    let Value::Object(map) = &tree else { panic!("a rule file is a mapping") };
    let mut entries: Vec<_> = map.iter().collect();
    pen.shuffle(&mut entries);
    let parts: Vec<_> = entries.into_iter().map(|(key, value)| format!("{key}:{}", pen.block(value, 2))).collect();
    parts.concat()
}

/// What there is and what is covered of it, by rule; where it stands is left out.
fn numbers(coverage: &Coverage) -> BTreeMap<&str, (usize, usize)> {
    coverage.parts.iter().map(|part| (part.name.as_str(), (part.covered, part.total))).collect()
}

proptest! {
    #[test]
    fn no_writing_of_the_rules_changes_the_number(seed: u64) {
        let written = rewritten(seed);
        let (before, after) = (coverage(RULES, TESTS), coverage(&written, TESTS));
        prop_assert_eq!(numbers(&before), numbers(&after), "{}", written);
    }

    #[test]
    fn a_test_that_goes_never_raises_it(kept in prop::collection::vec(any::<bool>(), 5), gone in 0..5_usize) {
        let (files, catalog, tests) = set(RULES, TESTS);
        let some = |leave_out: Option<usize>| {
            let tests = tests.iter().enumerate().filter(|(index, _)| kept[*index] && leave_out != Some(*index));
            let tests: Vec<RuleTest> = tests.map(|(_, test)| test.clone()).collect();
            cover(&catalog, &files, &tests, &|_, _, _, _| Err("unread".to_owned())).1
        };
        let (with, without) = (some(None), some(Some(gone)));
        prop_assert!(without.covered <= with.covered && without.total == with.total);
        for (with, without) in with.parts.iter().zip(&without.parts) {
            prop_assert!(with.units.iter().zip(&without.units).all(|(with, without)| with.covered || !without.covered));
        }
    }
}
