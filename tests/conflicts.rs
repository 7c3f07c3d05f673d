//! What `check` says of rules together, held against every event of a small world: nothing real is missed, nothing is made up.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use tagrelay::domain::decision::Decision;
use tagrelay::domain::event::Event;
use tagrelay::domain::json::Json;
use tagrelay::domain::name::{RuleId, SourceName};
use tagrelay::domain::time::Timestamp;
use tagrelay::flow::preview;
use tagrelay::rules::{self, Catalog, Checked, Finding, RuleFile};

const HEAD: &str = "sources: { bot: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"17\" } }\n\
                    connections: { crm: { provider: helpcrunch, api_key: env:K } }\nrules:\n";

/// A rule of the small world.
#[derive(Debug, Clone)]
struct Small {
    intents: Vec<&'static str>,
    language: Option<&'static str>,
    plan: Vec<&'static str>,
    when: Option<String>,
    /// Adds or removes the one tag.
    tag: Option<bool>,
    set: Option<u8>,
    reply: bool,
    stop: bool,
}

fn some<T: std::fmt::Debug + Clone + 'static>(from: &'static [T], most: usize) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(prop::sample::select(from), 0..=most)
}

fn atom() -> impl Strategy<Value = String> {
    let order = prop::sample::select(&["<", "<=", ">", ">=", "==", "!="][..]);
    prop_oneof![
        4 => (order, prop::sample::select(&["-1", "0", "1", "1.5", "3"][..])).prop_map(|(op, n)| format!("params.budget {op} {n}")),
        1 => prop::sample::select(&["1 < params.budget", "params.budget in [0, 2]", "params.budget is set", "params.budget is not set"][..])
            .prop_map(str::to_owned),
        3 => prop::sample::select(&[
            "params.plan == \"pro\"", "params.plan != \"pro\"", "params.plan in [\"pro\", 2]", "params.plan is set",
            "params.plan contains \"r\"", "params.plan contains \"pro\"", "params.plan > 1", "params.plan <= \"basic\"",
        ][..]).prop_map(str::to_owned),
        2 => prop::sample::select(&[
            "language == \"es\"", "intent == \"ab\"", "intent != \"b\"", "intent contains \"a\"", "intent in [\"ac\", \"b\"]",
            "confidence > 0.5", "true", "source == \"bot\"", "intent < \"b\"",
        ][..]).prop_map(str::to_owned),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    atom().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..=3).prop_map(|parts| format!("({})", parts.join(" and "))),
            prop::collection::vec(inner.clone(), 2..=3).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("not ({part})")),
        ]
    })
}

fn rule() -> impl Strategy<Value = Small> {
    (
        some(&["ab", "ac", "b", "a*", "*b", "*"], 2),
        prop::option::weighted(0.3, prop::sample::select(&["es", "es-419", "pt"][..])),
        some(&["pro", "b*", "\"*\"", "2"], 1),
        prop::option::weighted(0.8, condition()),
        prop::option::weighted(0.7, any::<bool>()),
        prop::option::weighted(0.3, 0..2_u8),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(intents, language, plan, when, tag, set, reply, stop)| {
            let reply = reply || tag.is_none() && set.is_none();
            Small { intents, language, plan, when, tag, set, reply, stop }
        })
}

fn written(rules: &[Small]) -> String {
    let mut text = HEAD.to_owned();
    for (number, rule) in rules.iter().enumerate() {
        let _ = writeln!(text, "  - id: r{number}");
        let mut keys = Vec::new();
        if !rule.intents.is_empty() {
            let quoted: Vec<_> = rule.intents.iter().map(|intent| format!("{intent:?}")).collect();
            keys.push(format!("intent: [{}]", quoted.join(", ")));
        }
        keys.extend(rule.language.map(|language| format!("language: {language}")));
        if !rule.plan.is_empty() {
            keys.push(format!("params: {{ plan: [{}] }}", rule.plan.join(", ")));
        }
        if !keys.is_empty() {
            let _ = writeln!(text, "    match: {{ {} }}", keys.join(", "));
        }
        if let Some(when) = &rule.when {
            let _ = writeln!(text, "    when: {when}");
        }
        if let Some(adds) = rule.tag {
            let _ = writeln!(text, "    tag: {{ crm: {{ {}: [Tag] }} }}", if adds { "add" } else { "remove" });
        }
        if let Some(value) = rule.set {
            let _ = writeln!(text, "    set: {{ crm: {{ field: {value} }} }}");
        }
        if rule.reply {
            let _ = writeln!(text, "    reply: answer {number}");
        }
        if rule.stop {
            text.push_str("    stop: true\n");
        }
    }
    text
}

fn checked(text: &str) -> Checked {
    rules::inspect(&[RuleFile { path: "small.yaml".to_owned(), text: text.to_owned() }])
}

/// Calls `each` with every event of the small world.
fn every_event(mut each: impl FnMut(&Event<'_>)) {
    let name = SourceName::parse("bot").expect("a name");
    for plan in
        ["", ",\"plan\":\"pro\"", ",\"plan\":\"basic\"", ",\"plan\":2", ",\"plan\":[\"pro\",\"x\"]", ",\"plan\":true"]
    {
        for budget in ["null", "-1", "0", "1", "1.5", "2", "3"] {
            let params = format!("{{\"budget\":{budget}{plan}}}");
            for intent in [None, Some("ab"), Some("ac"), Some("b"), Some("x")] {
                for language in [None, Some("es"), Some("es-419"), Some("pt")] {
                    for confidence in [None, Some(0.6)] {
                        each(&Event {
                            intent: intent.map(Into::into),
                            language: language.map(Into::into),
                            confidence,
                            params: Json::parse(params.as_bytes()).expect("JSON"),
                            ..Event::empty(name.clone(), Timestamp(0))
                        });
                    }
                }
            }
        }
    }
}

fn rules_of(decision: &Decision) -> BTreeSet<&str> {
    decision.rules.iter().map(RuleId::as_str).collect()
}

/// What two rules contradict each other in for this event: the code of the finding and the two.
fn contradictions(decision: &Decision, rules: &[Small]) -> BTreeSet<(&'static str, usize, usize)> {
    let matched = rules_of(decision);
    let did = |number: usize| matched.contains(format!("r{number}").as_str());
    let mut found = BTreeSet::new();
    for (number, later) in rules.iter().enumerate().filter(|(number, _)| did(*number)) {
        for (other, earlier) in rules.iter().enumerate().take(number).filter(|(other, _)| did(*other)) {
            if earlier.tag.is_some() && later.tag.is_some() && earlier.tag != later.tag {
                found.insert(("W125", other, number));
            }
            if earlier.set.is_some() && later.set.is_some() && earlier.set != later.set {
                found.insert(("W126", other, number));
            }
            if earlier.reply && later.reply {
                found.insert(("W127", other, number));
            }
        }
    }
    found
}

/// The number of the rule that a line belongs to, from 1.
fn rule_at(line: usize, text: &str) -> usize {
    text.lines().take(line).filter(|line| line.starts_with("  - id:")).count()
}

/// Whether a finding stands at this rule.
fn tells_of(finding: &Finding, later: usize, text: &str) -> bool {
    rule_at(finding.line, text) == later + 1
}

/// Whether a finding tells of this contradiction.
fn tells(finding: &Finding, (code, earlier, later): (&str, usize, usize), text: &str) -> bool {
    let same = finding.code == code || code == "W127" && finding.code == "W123" || finding.code == "W128";
    same && tells_of(finding, later, text)
        && finding.related.iter().any(|related| rule_at(related.line, text) == earlier + 1)
}

/// The example of a finding is a test that passes, and in it the rules do what the finding says.
fn is_true(finding: &Finding, text: &str, rules: &[Small]) -> Result<(), TestCaseError> {
    let Some(witness) = &finding.witness else { return Ok(()) };
    let test = RuleFile { path: "witness.test.yaml".to_owned(), text: format!("tests:\n{witness}") };
    let set = [RuleFile { path: "small.yaml".to_owned(), text: text.to_owned() }, test];
    let checked = rules::check(&set);
    prop_assert!(checked.catalog.is_some(), "{witness}\n{:?}", checked.findings);
    let report = preview::test(checked.catalog.as_ref().expect("a clean set"), &checked.tests);
    prop_assert!(report.passed == 1 && report.failed == 0, "{witness}\n{report:?}");
    let named: Vec<usize> = (0..rules.len()).filter(|number| names(witness, *number)).collect();
    let opposed = named.iter().any(|later| {
        let told = |earlier: &usize| earlier < later && tells(finding, (finding.code, *earlier, *later), text);
        named.iter().any(told)
    });
    prop_assert!(opposed, "{witness}\n{finding:?}");
    Ok(())
}

/// Whether the rules that a test expects hold this one.
fn names(witness: &str, number: usize) -> bool {
    let expected = witness.split("rules: [").nth(1).unwrap_or_default();
    expected.split([',', ' ', ']']).any(|word| word == format!("r{number}"))
}

/// The set without the parts of conditions that are said to make no difference.
fn without_idle_parts(text: &str, findings: &[Finding]) -> String {
    let mut text = text.to_owned();
    for finding in findings.iter().rev().filter(|finding| finding.code == "W122") {
        let stays = finding.message.contains("always true") || finding.message.contains("true wherever the rest");
        text.replace_range(finding.span.range(), if stays { "(true)" } else { "(false)" });
    }
    text
}

fn catalog(checked: Checked) -> Catalog {
    checked.catalog.expect("a clean set")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_contradiction_is_missed_and_none_is_made_up(rules in prop::collection::vec(rule(), 2..=4)) {
        let text = written(&rules);
        let checked = checked(&text);
        prop_assume!(checked.catalog.is_some());
        let findings = checked.findings.clone();
        // Texts that must pass several tests at once are found by trying, and may stay open.
        let may_stay_open = [" < \"", " > \"", " <= \"", " >= \"", "matches", "contains"].iter().any(|test| text.contains(test));
        for finding in &findings {
            let is_open = finding.code == "W129" || finding.code == "W128" && finding.witness.is_none();
            prop_assert!(!is_open || may_stay_open, "{text}\n{finding:?}");
            is_true(finding, &text, &rules)?;
        }
        let lean = rules::check(&[RuleFile { path: "small.yaml".to_owned(), text: without_idle_parts(&text, &findings) }]);
        let (catalog, lean) = (catalog(checked), catalog(lean));
        let (mut real, mut acted, mut differ) = (BTreeSet::new(), BTreeSet::new(), None);
        every_event(|event| {
            let decision = rules::decide(&catalog, event);
            let by_list = event.params.text().contains('[');
            real.extend(contradictions(&decision, &rules).into_iter().map(|found| (found, by_list)));
            acted.extend(decision.rules.iter().map(ToString::to_string));
            let same = |effect: &Decision| (effect.rules.clone(), effect.faults.len());
            let other = rules::decide(&lean, event);
            if same(&decision) != same(&other) {
                differ.get_or_insert(format!("{event:?}\n{decision:?}\n{other:?}"));
            }
        });
        for (contradiction, by_list) in real {
            // What takes a list is told in a note, of the first such rule alone.
            let note = |finding: &Finding| finding.code == "W128" && tells_of(finding, contradiction.2, &text);
            let told = findings.iter().any(|finding| {
                let is_certain = finding.code != "W128" || finding.witness.is_none();
                is_certain && tells(finding, contradiction, &text) || by_list && note(finding)
            });
            prop_assert!(told, "{contradiction:?} isn't told\n{text}\n{findings:#?}");
        }
        for finding in findings.iter().filter(|finding| matches!(finding.code, "W120" | "W121")) {
            let number = text.lines().take(finding.line).filter(|line| line.starts_with("  - id:")).count() - 1;
            prop_assert!(!acted.contains(&format!("r{number}")), "r{number} acts\n{text}\n{finding:?}");
        }
        prop_assert!(differ.is_none(), "{text}\n{findings:#?}\n{differ:?}");
    }
}

const TWO_SOURCES: &str = "sources:\n  bot: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"{{ payload.user.id }}\" }\n  \
    agent: { kind: dialogflow-cx, auth: [{ bearer: env:T }], contact: \"{{ payload.user.id }}\" }\n  \
    zap: { kind: catch, auth: [{ bearer: env:T }], contact: \"{{ params.id }}\", dedupe: \"{{ payload.id }}\", types: { budget: number, since: date } }\n\
    connections: { crm: { provider: helpcrunch, api_key: env:K } }\n\
    hours: { office: { zone: America/Bogota, mon-fri: \"09:00-18:00\" } }\nrules:\n";

/// The codes of what is found in two rules with these conditions that disagree over a tag.
fn found(one: &str, other: &str) -> Vec<&'static str> {
    let rule = |id: &str, when: &str, side: &str| {
        format!("  - id: {id}\n    when: '{when}'\n    tag: {{ crm: {{ {side}: [Tag] }} }}\n")
    };
    let text = format!("{TWO_SOURCES}{}{}", rule("one", one, "add"), rule("other", other, "remove"));
    let checked = checked(&text);
    assert!(checked.catalog.is_some(), "{one} | {other}: {:?}", checked.findings);
    for finding in checked.findings.iter().filter(|finding| finding.witness.is_some()) {
        let witness = finding.witness.as_deref().unwrap_or_default();
        let test = RuleFile { path: "witness.test.yaml".to_owned(), text: format!("tests:\n{witness}") };
        let set = rules::check(&[RuleFile { path: "set.yaml".to_owned(), text: text.clone() }, test]);
        assert!(set.catalog.is_some(), "{witness}\n{:?}", set.findings);
        let report = preview::test(&catalog(set_of(&text)), &set.tests);
        assert_eq!((report.passed, report.failed), (1, 0), "{witness}\n{report:?}");
    }
    // Not every pair uses both sources.
    checked.findings.iter().map(|finding| finding.code).filter(|code| *code != "W112").collect()
}

fn set_of(text: &str) -> Checked {
    rules::check(&[RuleFile { path: "set.yaml".to_owned(), text: text.to_owned() }])
}

#[test]
fn conditions_of_every_kind_are_told_apart_or_shown_to_meet() {
    const MEET: &[&str] = &["W125"];
    const APART: &[&str] = &[];
    const OPEN: &[&str] = &["W128"];
    for (one, other, expected) in [
        ("params.km * 2 > 10", "params.km < 100", MEET),
        (r#"params.name | lower == "ana""#, "params.name is set", MEET),
        (r#"(params.city | default("none")) == "none""#, r#"source == "agent""#, MEET),
        (r#"open("office")"#, r#"not open("office")"#, APART),
        (r#"open("office")"#, r#"received_at > "2026-03-01""#, MEET),
        (r#"received_at > "2026-03-01""#, r#"received_at <= "2026-03-01""#, APART),
        (r#"bucket("a") < 10"#, r#"bucket("b") >= 95"#, MEET),
        (r#"bucket("a") < 10"#, r#"bucket("a") >= 10"#, APART),
        (r#"headers["X-Shop"] == "bogota""#, "query.utm is set", MEET),
        (r#"payload.items[1].sku == "x""#, r#"payload.items[0].sku == "y""#, MEET),
        (r#"form.size.value == "L""#, r#"page == "Order""#, MEET),
        (r#"form.size.value == "L""#, r#"source == "bot""#, APART),
        ("params.a == params.b", "params.a is set", MEET),
        ("params.a > params.b", "params.b is set", MEET),
        (r#"params.x == "a""#, r#"params.x == "b""#, APART),
        (r#"params.x contains "a""#, r#"params.x contains "b""#, MEET),
        ("params.n % 2 == 0", "params.n % 2 == 1", APART),
        ("params.a + params.b > 3", "params.a is set", OPEN),
        ("params.budget > 5 and source == \"zap\"", "params.budget < 6", MEET),
        ("params.budget > 5", r#"params.budget == "5""#, APART),
        (r#"params.since > "2026-01-01" and source == "zap""#, r#"params.since < "2026-02-01""#, MEET),
        (r#"text matches "^[0-9]{3}$""#, r#"text contains "-""#, OPEN),
        (r#"text matches "^[0-9]{3}$""#, r#"not (text contains "-")"#, MEET),
        (r#"params.plan matches "^b""#, r#"params.plan contains "r""#, MEET),
        (r#"contact == "17""#, r#"contact != "17""#, APART),
        (r#"contact != "17""#, r#"contact contains "1""#, MEET),
    ] {
        assert_eq!(found(one, other), expected, "{one} | {other}");
    }
}

#[test]
fn a_tag_made_of_a_number_meets_its_name() {
    let codes = |tag: &str| {
        let text = format!(
            "{TWO_SOURCES}  - id: one\n    when: params.level >= 5\n    tag: {{ crm: {{ add: [\"Level {{{{ params.level }}}}\"] }} }}\n  \
             - id: other\n    tag: {{ crm: {{ remove: [{tag}] }} }}\n"
        );
        let codes: Vec<_> = checked(&text).findings.iter().map(|finding| finding.code).collect();
        codes.contains(&"W125")
    };
    assert_eq!((codes("Level 5"), codes("Level 4"), codes("Level x")), (true, false, false));
}

#[test]
fn conditions_that_nest_deep_come_to_an_end() {
    let mut when = "params.z == 1".to_owned();
    for level in (0..40).rev() {
        let (join, name) = (["and", "or"][level % 2], format!("p{level}"));
        when = format!("params.{name} == {level} {join} ({when})");
    }
    let text = format!("{TWO_SOURCES}  - id: one\n    when: {when}\n    reply: hello\n");
    // Were each half looked at once for each way to it, this would not end.
    assert!(checked(&text).catalog.is_some());
}

#[test]
fn of_two_parts_that_say_the_same_one_is_told_of() {
    let text = format!(
        "{TWO_SOURCES}  - id: one\n    when: (params.plan != \"pro\" and params.plan in [\"pro\", 2]) and (params.plan != \"pro\" and params.budget < 0)\n    reply: hello\n"
    );
    assert_eq!(checked(&text).findings.iter().filter(|finding| finding.code == "W122").count(), 1);
}
