//! What is told as a near miss is one, on random rules and events; and where one change is enough, one is found.

use std::fmt::Write as _;

use super::{Budget, nearest};
use crate::domain::event::Event;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;
use crate::rules::testing::ShortEvent;
use crate::rules::{Catalog, Explanation, RuleFile, check, decide, explain, report};

const HEAD: &str = "sources: { bot: { kind: dialogflow-es, auth: [{ bearer: \"env:TOKEN\" }], types: { n: number, d: date } }, \
                    web: { kind: dialogflow-es, auth: [{ bearer: \"env:TOKEN\" }] } }\n";

fn catalog(rules: &str) -> Catalog {
    let files = [RuleFile { path: "rules.yaml".to_owned(), text: format!("{HEAD}{rules}") }];
    let checked = check(&files);
    checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &files, false)))
}

fn event() -> ShortEvent {
    ShortEvent::of(SourceName::parse("bot").expect("a name"))
}

fn json(text: &str) -> OwnedJson {
    OwnedJson::of(Json::parse(text.as_bytes()).expect("JSON"))
}

fn told(catalog: &Catalog, event: &Event<'_>, most: usize) -> Explanation {
    let mut told = explain(catalog, event);
    nearest(catalog, event, &mut told, most, &mut Budget::default());
    told
}

/// What is told of the rule `r`, the only one.
fn of(rule: &str, event: &ShortEvent) -> String {
    let catalog =
        catalog(&format!("conditions: {{ rich: params.budget >= 1000 }}\nrules:\n  - {{ id: r, reply: x, {rule} }}\n"));
    let told = told(&catalog, &event.event(Timestamp(0)), 1);
    told.rules[0].nearest.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A reader may know a part of the payload already: another payload that is tried has another one.
#[test]
fn what_a_reader_came_by_does_not_hide_the_change_that_is_tried() {
    let part = "originalDetectIntentRequest";
    let body = format!(r#"{{"{part}":{{"source":"web"}}}}"#);
    let payload = Json::parse(body.as_bytes()).expect("JSON");
    let known = payload.get(part).expect("a part");
    let source = SourceName::parse("bot").expect("a name");
    let event = Event { payload, known_part: Some((part, known)), ..Event::empty(source, Timestamp(0)) };
    let catalog = catalog(&format!("rules:\n  - {{ id: r, reply: x, when: payload.{part}.source == \"telegram\" }}\n"));
    let told = told(&catalog, &event, 1);
    let nearest = told.rules[0].nearest.as_ref().map(ToString::to_string);
    assert_eq!(nearest.as_deref(), Some(&*format!("if payload.{part}.source were \"telegram\" (is \"web\")")));
}

#[test]
fn the_smallest_change_is_told_in_words() {
    let poor = ShortEvent {
        intent: Some("pricing.ask".to_owned()),
        text: Some("what is it".to_owned()),
        language: Some("es".to_owned()),
        confidence: Some(0.55),
        params: json(r#"{"budget":900,"plan":"Pro","tags":["a"],"n":"3","d":"2026-03-05"}"#),
        ..event()
    };
    for (rule, words) in [
        ("when: params.budget >= 1000", "if params.budget were 1000 (is 900)"),
        ("when: params.budget > 1000", "if params.budget were 1001 (is 900)"),
        ("when: 850 >= params.budget", "if params.budget were 850 (is 900)"),
        ("when: conditions.rich", "if params.budget were 1000 (is 900)"),
        (
            "when: conditions.rich and confidence >= 0.6",
            "if confidence were 0.6 (is 0.55) and params.budget were 1000 (is 900)",
        ),
        ("when: params.budget >= 2000 or params.budget >= 950", "if params.budget were 950 (is 900)"),
        ("when: not (params.budget == 900)", "if params.budget were 901 (is 900)"),
        ("when: params.budget * 2 + 100 == 2000", "if params.budget were 950 (is 900)"),
        ("when: params.budget != 900 and params.budget < 901", "if params.budget were 899 (is 900)"),
        ("when: params.budget > 900 and params.budget < 901", "if params.budget were 900.5 (is 900)"),
        ("when: params.phone is set", "if params.phone were set (is unset)"),
        ("when: params.plan is not set", "if params.plan were unset (is \"Pro\")"),
        ("when: params.plan == \"pro\"", "if params.plan were \"pro\" (is \"Pro\")"),
        ("when: '(params.plan | lower) in [\"team\", \"pros\"]'", "if params.plan were \"pros\" (is \"Pro\")"),
        ("when: params.tags contains \"b\"", "if params.tags were [\"a\",\"b\"] (is [\"a\"])"),
        ("when: params.n > 3", "if params.n were 4 (is \"3\")"),
        ("when: params.d < \"2026-03-01\"", "if params.d were \"2026-02-28T00:00:00.000Z\" (is \"2026-03-05\")"),
        ("when: 'text matches \"(?i)price|cost\"'", "if text were \"what is it price\" (is \"what is it\")"),
        ("match: { intent: [quote, pricing.asks] }", "if intent were \"pricing.asks\" (is \"pricing.ask\")"),
        ("match: { intent: support.* }", "if intent were \"support.any\" (is \"pricing.ask\")"),
        (
            "match: { language: pt, params: { vip: true } }",
            "if language were \"pt\" (is \"es\") and params.vip were true (is unset)",
        ),
        ("match: { text: { contains: [now] } }", "if text were \"what is it now\" (is \"what is it\")"),
        ("match: { type: go, language: pt, params: { vip: true } }", ""),
        ("match: { source: web }", ""),
        ("enabled: false", ""),
        ("when: params.budget > 5", ""),
    ] {
        assert_eq!(of(rule, &poor), words, "{rule}");
    }
}

#[test]
fn the_nearest_rules_are_told_and_never_one_that_an_earlier_one_would_stop() {
    let rules = "rules:\n\
        - { id: a, when: params.n > 9, reply: x }\n\
        - { id: gate, when: params.n > 10, stop: true }\n\
        - { id: behind, when: params.n == 20, reply: x }\n\
        - { id: b, match: { intent: go, type: now }, reply: x }\n\
        - { id: c, match: { intent: go }, when: params.n > 99, reply: x }\n";
    let catalog = catalog(rules);
    let short = ShortEvent { params: json(r#"{"n":9}"#), ..event() };
    let told = |most: usize| -> Vec<String> {
        let told = told(&catalog, &short.event(Timestamp(0)), most);
        told.rules.iter().filter(|rule| rule.nearest.is_some()).map(|rule| rule.id.to_string()).collect()
    };
    assert_eq!(told(1), ["a"]);
    assert_eq!(told(3), ["a", "gate", "b"]);
    assert_eq!(told(9), ["a", "gate", "b"], "what lies behind the gate can't be reached, nor c, which would open it");
}

#[test]
fn a_large_event_and_many_rules_end_within_their_budget() {
    let mut rules = "rules:\n".to_owned();
    for rule in 0..300 {
        let leaves: Vec<_> = (0..30).map(|leaf| format!("params.p{rule}x{leaf} == {leaf}")).collect();
        let _ = writeln!(rules, "  - {{ id: r{rule}, reply: x, when: {} }}", leaves.join(" and "));
    }
    let catalog = catalog(&rules);
    let long = "word ".repeat(100_000);
    let short = ShortEvent { text: Some(long), ..event() };
    let begun = std::time::Instant::now();
    let told = told(&catalog, &short.event(Timestamp(0)), usize::MAX);
    assert!(told.rules.iter().all(|rule| rule.nearest.is_none()));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Dice that fall the same for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.throw(of.len())]
    }
}

const NUMBERS: [&str; 5] = ["0", "1", "2", "3", "7"];
const TEXTS: [&str; 3] = ["a", "b", "ab"];
const FIELDS: [&str; 3] = ["x", "y", "z"];
const INTENTS: [&str; 3] = ["ask", "ask.price", "go"];

/// A part of a condition that is about one field.
fn leaf(dice: &mut Dice) -> String {
    let field = format!("params.{}", dice.one(&FIELDS));
    match dice.throw(8) {
        0 | 1 => format!("{field} {} {}", dice.one(&["<", "<=", ">", ">="]), dice.one(&NUMBERS)),
        2 => format!("{field} {} {}", dice.one(&["==", "!="]), dice.one(&NUMBERS)),
        3 => format!("{field} {} \"{}\"", dice.one(&["==", "!="]), dice.one(&TEXTS)),
        4 => format!("{field} is {}set", dice.one(&["", "not "])),
        5 => format!("{field} in [{}, \"{}\"]", dice.one(&NUMBERS), dice.one(&TEXTS)),
        6 => format!("intent == \"{}\"", dice.one(&INTENTS)),
        _ => "conditions.shared".to_owned(),
    }
}

fn condition(dice: &mut Dice, depth: usize) -> String {
    match dice.throw(if depth == 0 { 1 } else { 4 }) {
        0 => leaf(dice),
        1 => format!("not ({})", condition(dice, depth - 1)),
        other => {
            let word = if other == 2 { "and" } else { "or" };
            format!("({} {word} {})", condition(dice, depth - 1), condition(dice, depth - 1))
        }
    }
}

fn rules(dice: &mut Dice) -> String {
    let shared = format!("params.{} >= {}", dice.one(&FIELDS), dice.one(&NUMBERS));
    let mut text = format!("conditions: {{ shared: {shared} }}\nrules:\n");
    for id in 0..4 {
        let intent = match dice.throw(3) {
            0 => format!("match: {{ intent: {} }}, ", dice.one(&INTENTS)),
            1 => format!("match: {{ intent: ask*, params: {{ x: [{}, \"*\"] }} }}, ", dice.one(&NUMBERS)),
            _ => String::new(),
        };
        let stop = if dice.throw(6) == 0 { ", stop: true" } else { "" };
        let _ = writeln!(text, "  - {{ id: r{id}, {intent}when: '{}', reply: x{stop} }}", condition(dice, 2));
    }
    text
}

/// What a field may be, as JSON.
fn values() -> Vec<String> {
    let texts = TEXTS.iter().map(|text| format!("\"{text}\"")).chain(["\"q\"".to_owned()]);
    let halves = ["0.5", "1.5", "6", "8", "-1"].into_iter().map(str::to_owned);
    NUMBERS
        .iter()
        .map(|number| (*number).to_owned())
        .chain(texts)
        .chain(halves)
        .chain(["null".to_owned(), "true".to_owned()])
        .collect()
}

type Random = (Option<String>, [String; 3]);

fn random(dice: &mut Dice) -> Random {
    let values = values();
    let mut value = || values[dice.throw(values.len())].clone();
    let params = [value(), value(), value()];
    let intent = (dice.throw(4) > 0).then(|| dice.one(&INTENTS).to_owned());
    (intent, params)
}

fn short((intent, [x, y, z]): &Random) -> ShortEvent {
    ShortEvent { intent: intent.clone(), params: json(&format!("{{\"x\":{x},\"y\":{y},\"z\":{z}}}")), ..event() }
}

fn fires(catalog: &Catalog, random: &Random, id: &str) -> bool {
    decide(catalog, &short(random).event(Timestamp(0))).rules.iter().any(|rule| rule.as_str() == id)
}

/// The event with what is told put in place by hand.
fn changed(random: &Random, told: &super::Nearest) -> Random {
    let mut other = random.clone();
    for change in &told.changes {
        match change.field.to_string().as_str() {
            "intent" => other.0 = change.to.as_str().map(str::to_owned),
            "params.x" => other.1[0] = change.to.to_string(),
            "params.y" => other.1[1] = change.to.to_string(),
            "params.z" => other.1[2] = change.to.to_string(),
            field => panic!("{field} is no part of these events"),
        }
    }
    other
}

/// Every event with one part otherwise.
fn neighbours(random: &Random) -> Vec<Random> {
    let intents = INTENTS.iter().map(|intent| Some((*intent).to_owned())).chain([None, Some("other".to_owned())]);
    let mut all: Vec<Random> = intents.map(|intent| (intent, random.1.clone())).collect();
    for at in 0..3 {
        for value in values() {
            let mut other = random.clone();
            other.1[at] = value;
            all.push(other);
        }
    }
    all
}

#[test]
fn ten_thousand_random_events_are_told_only_what_is_so_and_all_that_one_change_does() {
    let (mut events, mut single, mut double) = (0, 0, 0);
    for seed in 0.. {
        if events == 10_000 {
            break;
        }
        let mut dice = Dice(seed * 7 + 1);
        let written = rules(&mut dice);
        // Random rules may be such that `check` refuses them.
        let files = [RuleFile { path: "rules.yaml".to_owned(), text: format!("{HEAD}{written}") }];
        let Some(catalog) = check(&files).catalog else { continue };
        for _ in 0..20 {
            events += 1;
            let random = random(&mut dice);
            let told = told(&catalog, &short(&random).event(Timestamp(0)), usize::MAX);
            // What would get by an earlier rule is tried as it comes, and not looked for. Whoever tries every event that differs
            // in one part takes long, so he tries some.
            let is_searched = events % 5 == 0 && !written.contains("stop: true");
            for verdict in told.rules.iter().filter(|verdict| !verdict.matched) {
                let id = verdict.id.as_str();
                if let Some(near) = &verdict.nearest {
                    let other = changed(&random, near);
                    assert!(fires(&catalog, &other, id), "{written}\n{random:?} {id}: {near}");
                }
                let changes = verdict.nearest.as_ref().map_or(0, |near| near.changes.len());
                single += usize::from(changes == 1);
                double += usize::from(changes == 2);
                if is_searched && changes != 1 {
                    let found = neighbours(&random).into_iter().find(|other| fires(&catalog, other, id));
                    assert!(found.is_none(), "{written}\n{random:?} {id}: {found:?}");
                }
            }
        }
    }
    assert_eq!(events, 10_000);
    assert!(single > 1_000 && double > 100, "{single} {double}");
}
