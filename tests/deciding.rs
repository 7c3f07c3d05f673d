//! What the rules make of events: order, contacts, faults, and the index that must not change any of it.

use proptest::prelude::*;
use tagrelay::domain::decision::Decision;
use tagrelay::domain::event::Event;
use tagrelay::domain::json::Json;
use tagrelay::domain::name::SourceName;
use tagrelay::domain::time::Timestamp;
use tagrelay::rules::{self, Catalog, RuleFile, report};

const HEAD: &str = r#"
sources:
  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: "{{ payload.user }}" }
  other: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }] }
connections:
  crm: { provider: helpcrunch, api_key: env:KEY }
  shop: { provider: helpcrunch, api_key: env:KEY }
rules:
"#;

fn catalog(rules: &str) -> Catalog {
    let file = RuleFile { path: "rules.yaml".to_owned(), text: format!("{HEAD}{rules}") };
    let checked = rules::check(std::slice::from_ref(&file));
    checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &[file], false)))
}

/// Of each rule that was missed where, and why.
fn misses(explanation: &rules::Explanation) -> Vec<String> {
    let missed = explanation.rules.iter().filter_map(|verdict| verdict.miss.as_ref());
    missed.map(|miss| format!("{}: {}", miss.at, miss.message)).collect()
}

fn event(source: &str) -> Event<'static> {
    Event::empty(SourceName::parse(source).expect("a name"), Timestamp(0))
}

fn json(text: &'static str) -> Json<'static> {
    Json::parse(text.as_bytes()).expect("JSON")
}

/// `+crm:17:Lead -crm:17:Cold`
fn changes(decision: &Decision) -> String {
    let one = |change: &tagrelay::domain::change::Change| {
        let sign = if change.effect.wants() { '+' } else { '-' };
        let contact = change.contact.reference.to_string();
        format!("{sign}{}:{}:{}", change.contact.connection, contact.trim_start_matches("id:"), change.effect.subject())
    };
    decision.changes.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn names(decision: &Decision) -> Vec<&str> {
    decision.rules.iter().map(tagrelay::domain::name::RuleId::as_str).collect()
}

#[test]
fn rules_act_in_order_the_first_reply_answers_and_stop_ends() {
    let catalog = catalog(
        r#"
  - { id: off, enabled: false, reply: "off" }
  - { id: tags, tag: { crm: { add: [Lead, Hot], remove: [Cold] }, shop: { remove: X } } }
  - { id: first, reply: "one" }
  - { id: second, reply: "two", stop: true }
  - { id: third, reply: "three" }
"#,
    );
    let decision = rules::decide(&catalog, &Event { payload: json(r#"{"user": 17}"#), ..event("bot") });
    assert_eq!(names(&decision), ["tags", "first", "second"]);
    assert_eq!(changes(&decision), "-crm:17:Cold -shop:17:X +crm:17:Lead +crm:17:Hot");
    assert_eq!(decision.reply.and_then(|reply| reply.text).as_deref(), Some("one"));
}

#[test]
fn the_nearest_contact_wins() {
    let catalog = catalog(
        r#"
  - { id: of-the-source, tag: { crm: { add: A } } }
  - { id: of-the-rule, contact: "{{ params.id }}", tag: { crm: { add: B } } }
  - { id: at-one, contact: "{{ params.id }}", contact_at: { shop: "s-{{ params.id }}" }, tag: { crm: { add: C }, shop: { add: C } } }
"#,
    );
    let params = json(r#"{"id": 123456789012345678901234567890123456789012}"#);
    let decision = rules::decide(&catalog, &Event { params, payload: json(r#"{"user": "u"}"#), ..event("bot") });
    let id = "123456789012345678901234567890123456789012";
    assert_eq!(changes(&decision), format!("+crm:u:A +crm:{id}:B +crm:{id}:C +shop:s-{id}:C"));
    let decision = rules::decide(&catalog, &Event { contact: Some("kind".into()), params, ..event("other") });
    assert!(changes(&decision).starts_with("+crm:kind:A"), "{decision:?}");
}

#[test]
fn a_reply_survives_without_a_contact_and_stop_holds() {
    let catalog = catalog(
        r#"
  - { id: both, tag: { crm: { add: Lead } }, reply: "Hello", stop: true }
  - { id: after, reply: "no" }
"#,
    );
    let decision = rules::decide(&catalog, &event("bot"));
    assert_eq!((names(&decision), changes(&decision)), (vec!["both"], String::new()));
    assert_eq!(decision.reply.and_then(|reply| reply.text).as_deref(), Some("Hello"));
    assert_eq!((decision.faults[0].at.as_str(), decision.faults.len()), ("contact", 1));
}

#[test]
fn a_rule_makes_all_its_changes_or_none() {
    let catalog = catalog(
        r#"
  - { id: half, tag: { crm: { add: [Lead, "Plan {{ params.plan }}"] } }, reply: "Plan {{ params.plan }}" }
  - { id: whole, tag: { crm: { add: Other } }, reply: "Fine" }
"#,
    );
    let decision = rules::decide(&catalog, &Event { payload: json(r#"{"user": "u"}"#), ..event("bot") });
    assert_eq!(changes(&decision), "+crm:u:Other");
    let places: Vec<_> = decision.faults.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(places, ["tag.crm.add[1]", "reply"]);
    assert_eq!(decision.reply.and_then(|reply| reply.text).as_deref(), Some("Fine"));
}

#[test]
fn a_when_that_faults_does_not_match_and_is_told_without_values() {
    let catalog = catalog("  - { id: a, when: params.budget > 5, reply: \"x\" }\n");
    let decision = rules::decide(&catalog, &Event { params: json(r#"{"budget": "secret"}"#), ..event("bot") });
    assert!(decision.rules.is_empty() && decision.reply.is_none());
    assert_eq!((decision.faults[0].at.as_str(), decision.faults[0].message.contains("secret")), ("when", false));
}

#[test]
fn a_list_becomes_several_tags_and_empty_names_are_left_out() {
    let catalog = catalog(
        r#"
  - { id: a, tag: { crm: { add: ["{{ params.topics }}", "{{ params.none | default([]) }}", "{{ params.none | default(\"\") }}"] } } }
  - { id: b, tag: { crm: { add: "{{ params.year }}" } } }
  - { id: c, contact: "{{ params.none }}", tag: { crm: { add: "{{ params.none | default([]) }}" } } }
"#,
    );
    let params = json(r#"{"topics": [" a ", "", null, "b"], "year": 2026.0}"#);
    let decision = rules::decide(&catalog, &Event { params, payload: json(r#"{"user": "u"}"#), ..event("bot") });
    assert_eq!(changes(&decision), "+crm:u:a +crm:u:b +crm:u:2026");
    assert!(decision.faults.is_empty(), "a rule without any tag left needs no contact: {:?}", decision.faults);
}

#[test]
fn parameters_match_exactly_by_value_and_by_any_item() {
    let catalog = catalog(
        r#"
  - { id: text, match: { params: { plan: [pro, enterprise] } }, stop: false, reply: "x" }
  - { id: number, match: { params: { budget: 27 } }, reply: "x" }
  - { id: set, match: { params: { phone: "*" } }, reply: "x" }
  - { id: item, match: { params: { topics: b* } }, reply: "x" }
  - { id: region, match: { language: ES }, reply: "x" }
"#,
    );
    let check = |params: &'static str, language: &'static str| {
        let event = Event { params: json(params), language: Some(language.into()), ..event("other") };
        names(&rules::decide(&catalog, &event)).join(" ")
    };
    assert_eq!(
        check(r#"{"plan": "pro", "budget": 27.0, "phone": "1", "topics": ["a", "bc"]}"#, "es-419"),
        "text number set item region"
    );
    assert_eq!(check(r#"{"plan": "Pro", "budget": "27", "phone": "", "topics": ["a"]}"#, "est"), "");
}

#[test]
fn templates_stand_inside_every_part_of_a_reply() {
    let catalog = catalog(
        r#"
  - id: a
    reply:
      messages: [{ card: { title: "{{ params.n }} left", count: "{{ params.n }}", fixed: 1 } }]
      payload: { raw: "{{ params.list }}" }
      contexts: [{ name: "c-{{ params.n }}", lifespan: 0 }]
      event: { name: NEXT, parameters: { n: "{{ params.n }}" } }
"#,
    );
    let decision = rules::decide(&catalog, &Event { params: json(r#"{"n": 3.0, "list": [1, "x"]}"#), ..event("bot") });
    let reply = serde_json::to_value(decision.reply.expect("a reply")).expect("JSON");
    assert_eq!(
        reply,
        serde_json::json!({
            "messages": [{ "card": { "title": "3 left", "count": 3, "fixed": 1 } }],
            "payload": { "raw": [1, "x"] },
            "contexts": [{ "name": "c-3", "lifespan": 0 }],
            "event": { "name": "NEXT", "parameters": { "n": 3 } },
        })
    );
}

#[test]
fn the_nearest_miss_has_both_values() {
    let catalog = catalog(
        r#"
  - { id: source, match: { source: other }, reply: "x" }
  - { id: intent, match: { intent: [pricing.*, quote] }, reply: "x" }
  - { id: param, match: { params: { plan: [pro, 1] } }, reply: "x" }
  - { id: when, when: confidence > 0.5 and params.budget >= 1000, reply: "x" }
  - { id: unset, when: params.phone is set, reply: "x" }
  - { id: disabled, enabled: false, reply: "x" }
  - { id: hit, stop: true }
  - { id: late, reply: "x" }
"#,
    );
    let event = Event {
        intent: Some("greeting".into()),
        confidence: Some(0.9),
        params: json(r#"{"budget": 27}"#),
        ..event("bot")
    };
    let explanation = rules::explain(&catalog, &event);
    let misses = misses(&explanation);
    assert_eq!(
        misses,
        [
            "match.source: \"bot\" is not other",
            "match.intent: \"greeting\" is not pricing.* or quote",
            "match.params.plan: unset is not \"pro\" or 1",
            "when: params.budget >= 1000: 27 >= 1000",
            "when: params.phone is set: it is unset",
            "enabled: the rule is disabled",
            "stop: hit stopped the event",
        ]
    );
    assert!(serde_json::to_string(&explanation).is_ok());
}

#[test]
fn what_had_to_be_false_or_could_not_be_worked_out_is_told_with_its_values() {
    let file = RuleFile {
        path: "rules.yaml".to_owned(),
        text: format!(
            "{}{}",
            "conditions: { rich: params.budget > 1000 }\nhours: { office: { zone: UTC, daily: \"00:00-24:00\" } }\n",
            HEAD.to_owned()
                + r#"
  - { id: named, when: 'not conditions.rich', reply: "x" }
  - { id: both, when: 'not (params.a == 1 and params.b == 2)', reply: "x" }
  - { id: either, when: 'not (params.a == 5 or params.b == 2)', reply: "x" }
  - { id: hours, when: 'not open("office")', reply: "x" }
  - { id: flag, when: 'not params.yes', reply: "x" }
  - { id: matched, when: 'not (params.word matches "^p")', reply: "x" }
  - { id: twice, when: 'not (not (params.a == 2))', reply: "x" }
  - { id: in-a-list, when: 'params.a in [2, 3]', reply: "x" }
  - { id: any, when: 'params.a == 2 or params.word contains "z"', reply: "x" }
  - { id: no-order, when: 'params.a == 1 and params.word > 5', reply: "x" }
  - { id: language, match: { language: en }, reply: "x" }
  - { id: kind, match: { type: order }, reply: "x" }
  - { id: words, match: { text: { contains: precio } }, reply: "x" }
  - { id: regex, match: { text: { regex: "^a" } }, reply: "x" }
"#
        ),
    };
    let checked = rules::check(std::slice::from_ref(&file));
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &[file], false)));
    let event = Event {
        params: json(r#"{"budget": 2000, "a": 1, "b": 2, "yes": true, "word": "pro"}"#),
        language: Some("es-MX".into()),
        kind: Some("talk".into()),
        text: Some("hola".into()),
        ..event("bot")
    };
    let explanation = rules::explain(&catalog, &event);
    let misses = misses(&explanation);
    assert_eq!(
        misses,
        [
            "when: not: conditions.rich: params.budget > 1000: 2000 > 1000",
            "when: not: params.a == 1: 1 == 1; and params.b == 2: 2 == 2",
            "when: not: params.b == 2: 2 == 2",
            "when: not: open(\"office\"): open at 1970-01-01T00:00:00.000Z",
            "when: not: params.yes: true",
            "when: not: (params.word matches \"^p\"): \"pro\" matches",
            "when: not: (params.a == 2): 1 == 2",
            "when: params.a in [2, 3]: 1 in [2,3]",
            "when: params.a == 2: 1 == 2; nor params.word contains \"z\": \"pro\" contains \"z\"",
            "when: params.word > 5: \"pro\" > 5: a text and a number have no order",
            "match.language: \"es-MX\" is not en",
            "match.type: \"talk\" is not order",
            "match.text.contains: \"hola\" doesn't contain \"precio\"",
            "match.text.regex: \"hola\" doesn't match \"^a\"",
        ]
    );
}

#[test]
fn the_contact_of_a_rule_is_whom_it_counts_and_draws_for() {
    let file = RuleFile {
        path: "rules.yaml".to_owned(),
        text: format!(
            "{}{}",
            HEAD.replace("connections:", "connections:\n  out: { provider: webhook, url: env:URL }"),
            r#"
  - { id: once, match: { source: other }, contact: "{{ params.who }}", once: 24h, forward: { out: { n: 1 } } }
  - { id: mail, match: { source: other }, contact: { email: "{{ params.mail }}" }, forward: { out: { n: 2 } } }
  - { id: draw, match: { source: other }, contact: "{{ params.who }}", reply: "{{ bucket(\"x\") }}" }
"#
        ),
    };
    let checked = rules::check(std::slice::from_ref(&file));
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{}", report::text(&checked.findings, &[file], false)));
    let decided = |params: &'static str| rules::decide(&catalog, &Event { params: json(params), ..event("other") });
    let streams = |decision: &Decision| {
        let contacts: Vec<_> = decision.changes.iter().map(|change| change.contact.reference.to_string()).collect();
        contacts.join(" ")
    };
    let (ana, bo) = (decided(r#"{"who": "u1", "mail": "Ana@X.com"}"#), decided(r#"{"who": "u2"}"#));
    assert_eq!(streams(&ana), "stream:other/u1 stream:other/email:ana@x.com");
    // Who has no address keeps the order of the source.
    assert_eq!(streams(&bo), "stream:other/u2 stream:other");
    let drawn = |decision: &Decision| decision.reply.as_ref().and_then(|reply| reply.text.clone()).expect("a number");
    assert_ne!(drawn(&ana), drawn(&bo));
    assert_eq!(drawn(&ana), drawn(&decided(r#"{"who": "u1"}"#)));
    let nobody = decided("{}");
    let faults: Vec<_> = nobody.faults.iter().map(|fault| format!("{} {}", fault.rule, fault.at)).collect();
    assert_eq!(
        (streams(&nobody).as_str(), faults),
        ("stream:other", vec!["once contact".to_owned(), "draw reply".to_owned()])
    );
}

#[test]
fn a_fault_anywhere_undoes_all_changes_of_its_rule_and_no_more() {
    let catalog = catalog(
        r#"
  - { id: set, tag: { crm: { add: A } }, set: { crm: { plan: "{{ params.none }}" } } }
  - { id: when, tag: { crm: { add: [B, { name: C, when: params.word > 5 }] } } }
  - { id: other, tag: { crm: { add: D } } }
"#,
    );
    let params = json(r#"{"word": "pro"}"#);
    let decision = rules::decide(&catalog, &Event { params, payload: json(r#"{"user": "u"}"#), ..event("bot") });
    assert_eq!(changes(&decision), "+crm:u:D");
    let places: Vec<_> = decision.faults.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(places, ["set.crm.plan", "tag.crm.add[1].when"]);
}

#[test]
fn the_nearest_of_four_contacts_wins() {
    const SOURCE: [&str; 2] = [", contact: source", ", contact_at: { crm: source-at }"];
    const RULE: [&str; 2] = [", contact: rule", ", contact_at: { crm: rule-at }"];
    let rule_file = |source: &str, rule: &str| RuleFile {
        path: "rules.yaml".to_owned(),
        text: format!(
            "sources:\n  bot: {{ kind: dialogflow-es, auth: [{{ bearer: env:TOKEN }}]{source} }}\n\
             connections:\n  crm: {{ provider: helpcrunch, api_key: env:KEY }}\n\
             rules:\n  - {{ id: a{rule}, tag: {{ crm: {{ add: A }} }} }}\n"
        ),
    };
    for (source, rule, expected) in [
        (SOURCE[0].to_owned(), String::new(), "source"),
        (SOURCE.concat(), String::new(), "source-at"),
        (SOURCE.concat(), RULE[0].to_owned(), "rule"),
        (SOURCE.concat(), RULE.concat(), "rule-at"),
    ] {
        let checked = rules::check(&[rule_file(&source, &rule)]);
        let decision = rules::decide(&checked.catalog.expect("clean"), &event("bot"));
        assert_eq!(changes(&decision), format!("+crm:{expected}:A"), "{source}{rule}");
    }
}

#[test]
fn words_and_a_pattern_of_the_text_must_both_fit() {
    let catalog = catalog(
        r#"
  - { id: both, match: { text: { contains: [precio, coste], regex: "[0-9]+ ?(usd|eur)" } }, reply: "x" }
  - { id: pattern, match: { text: { regex: "^hola" } }, reply: "x" }
"#,
    );
    let matched = |text: &'static str| {
        let decision = rules::decide(&catalog, &Event { text: Some(text.into()), ..event("bot") });
        names(&decision).join(" ")
    };
    assert_eq!(matched("¿qué PRECIO tiene? tengo 100 usd"), "both");
    assert_eq!(matched("tengo 100 usd"), "");
    assert_eq!(matched("hola, el precio en usd"), "pattern");
}

#[test]
fn the_record_of_a_set_holds_no_secret_and_its_hash_follows_every_file() {
    let file = |secret: &str| RuleFile {
        path: "a.yaml".to_owned(),
        text: format!("sources:\n  bot: {{ kind: dialogflow-es, auth: [{{ bearer: {secret} }}] }}\n"),
    };
    let mut one = rules::check(&[file("hunter2")]).catalog.expect("clean but for a warning");
    let two = rules::check(&[file("hunter3")]).catalog.expect("clean but for a warning");
    let text = one.take_text();
    assert!(!text.contains("hunter2") && text.contains("a.yaml"));
    assert_ne!(one.hash(), two.hash());
    assert_eq!(one.hash().len(), 32);
}

#[test]
fn a_catalog_is_shared_by_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&catalog("  - { id: a, when: params.a == \"x\", stop: true }\n"));
}

/// A rule's `match` as YAML.
fn matcher() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(vec!["a", "a.b", "a.*", "a*", "*", "*b", "a.b*c", "ñ*", "b"]);
    let patterns = prop::collection::vec(pattern, 1..3);
    let maybe = |key: &'static str| {
        let patterns = patterns.clone();
        prop::option::of(patterns).prop_map(move |list| match list {
            Some(list) => {
                format!("{key}: [{}],", list.iter().map(|p| format!("\"{p}\"")).collect::<Vec<_>>().join(", "))
            }
            None => String::new(),
        })
    };
    let source = prop::sample::select(vec!["", "source: bot,", "source: other,", "source: [bot, other],"]);
    let language = prop::sample::select(vec!["", "language: es,"]);
    let text = prop::sample::select(vec![
        "",
        "text: { contains: precio },",
        "text: { contains: [\"el precio\", coste], regex: e },",
    ]);
    (maybe("intent"), maybe("type"), source, language, text)
        .prop_map(|(i, t, s, l, x)| format!("{{ {i} {t} {s} {l} {x} }}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// `explain` asks each rule in turn and knows nothing of the index, so agreeing with it proves the index.
    #[test]
    fn the_index_changes_nothing(
        matchers in prop::collection::vec(matcher(), 1..12),
        events in prop::collection::vec((
            prop::option::of(prop::sample::select(vec!["a", "a.b", "a.bc", "a.b.c", "b", "ab", "ñu", ""])),
            prop::option::of(prop::sample::select(vec!["a", "a.b", "b", "xb"])),
            any::<bool>(),
            prop::option::of(prop::sample::select(vec!["el Precio", "precio", "un coste", "nada"])),
        ), 1..8),
    ) {
        let rules: Vec<_> =
            matchers.iter().enumerate().map(|(i, m)| format!("  - {{ id: r{i}, match: {m}, reply: \"x\" }}\n")).collect();
        let catalog = catalog(&rules.concat());
        for (intent, kind, first, text) in events {
            let event = Event {
                intent: intent.map(Into::into),
                kind: kind.map(Into::into),
                text: text.map(Into::into),
                language: first.then(|| "es-MX".into()),
                ..event(if first { "bot" } else { "other" })
            };
            let explanation = rules::explain(&catalog, &event);
            for verdict in explanation.rules {
                prop_assert_eq!(verdict.matched, verdict.miss.is_none(), "{} {:?}", verdict.id, verdict.miss);
            }
            let mut sorted = explanation.decision.rules.clone();
            sorted.sort_by_key(|id| id.as_str().trim_start_matches('r').parse::<usize>().unwrap_or_default());
            prop_assert_eq!(sorted, explanation.decision.rules);
        }
    }
}
