//! Replies that random rules make of random parameters, against Google's own classes.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tagrelay::domain::event::Event;
use tagrelay::domain::json::Json;
use tagrelay::domain::name::SourceName;
use tagrelay::domain::source::SourceKind;
use tagrelay::domain::time::Timestamp;
use tagrelay::rules::{RuleFile, check, decide};
use tagrelay::sources::write_reply;

use super::driver::Driver;

const SESSION: &str = "projects/panaderia-demo/agent/sessions/7";

/// Texts as rules have them: each prints something of the event, or answers what may be unset.
const TEMPLATES: [&str; 10] = [
    "Hola {{ params.a | default(\"amigo\") }}",
    "{{ params.a }}",
    "{{ params.b | default([]) }}",
    "{{ params.b | default([\"x\"]) | join(\", \") | upper }}",
    "{{ text | truncate(5) | default(\"?\") }} {{ received_at | date(\"%H:%M\", \"America/Bogota\") }}",
    "{{ params.c | default(0) | round(2) }}",
    "{{ intent | slug }}",
    "{{ params | default(\"\") }}",
    "{{ confidence }}",
    "ñ \u{1f600} \"quoted\" \\ {{ params[\"a-b\"] | default(\"\") }}",
];

fn template() -> impl Strategy<Value = Value> {
    prop::sample::select(TEMPLATES.to_vec()).prop_map(Value::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![template(), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn mapping() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-zA-Z]{1,6}", value(), 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn text() -> impl Strategy<Value = Value> {
    let languages = (template(), template()).prop_map(|(es, other)| json!({ "es": es, "default": other }));
    prop_oneof![template(), languages]
}

/// A reply in full form, as a rule file of this kind of source has it.
fn reply(kind: SourceKind) -> BoxedStrategy<Value> {
    let own = match kind {
        SourceKind::DialogflowEs => {
            let context = (template(), 0..100_u32, mapping()).prop_map(
                |(name, lifespan, parameters)| json!({ "name": name, "lifespan": lifespan, "parameters": parameters }),
            );
            let event = (template(), mapping())
                .prop_map(|(name, parameters)| json!({ "name": name, "parameters": parameters }));
            (prop::option::of(prop::collection::vec(context, 0..2)), prop::option::of(event))
                .prop_map(|(contexts, event)| json!({ "contexts": contexts, "event": event }))
                .boxed()
        }
        _ => (prop::option::of(mapping()), prop::option::of(template()), any::<bool>())
            .prop_map(|(parameters, page, replaces)| {
                let merge = replaces.then_some("replace");
                json!({ "parameters": parameters, "target_page": page, "merge": merge })
            })
            .boxed(),
    };
    (text(), prop::option::of(mapping()), own)
        .prop_map(|(text, payload, own)| {
            let mut reply = json!({ "text": text, "payload": payload });
            let parts = own.as_object().cloned().unwrap_or_default();
            reply.as_object_mut().expect("a mapping").extend(parts);
            reply.as_object_mut().expect("a mapping").retain(|_, part| !part.is_null());
            reply
        })
        .boxed()
}

fn params() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let value = prop_oneof![leaf.clone(), prop::collection::vec(leaf, 0..3).prop_map(Value::from)];
    prop::collection::btree_map("[abc]|a-b", value, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn every_reply_is_taken(kind: SourceKind, api: &str) {
    let driver = RefCell::new(Driver::dialogflow());
    let judged = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() }).run(
        &(reply(kind), params(), ".{0,20}"),
        |(reply, params, said)| {
            // JSON is YAML too.
            let set = json!({
                "sources": { "bot": { "kind": kind.name(), "auth": [{ "bearer": "env:T" }] } },
                "rules": [{ "id": "r", "reply": reply }],
            });
            let checked = check(&[RuleFile { path: "rules.yaml".to_owned(), text: set.to_string() }]);
            let catalog = checked.catalog.unwrap_or_else(|| panic!("{:?} in {set}", checked.findings));
            let params = params.to_string();
            let event = Event {
                intent: Some("pricing.inquiry".into()),
                text: Some(said.as_str().into()).filter(|text: &std::borrow::Cow<'_, str>| !text.is_empty()),
                language: Some("es-419".into()),
                confidence: Some(0.75),
                params: Json::parse(params.as_bytes()).expect("JSON"),
                ..Event::empty(SourceName::parse("bot").expect("a name"), Timestamp(1_767_268_800_000))
            };
            let decision = decide(&catalog, &event);
            prop_assert_eq!(decision.reply.is_none(), !decision.faults.is_empty());
            let written = write_reply(kind, Some(SESSION), Some("es-419"), decision.reply.as_ref()).expect("small");
            let text = String::from_utf8(written).expect("JSON is UTF-8");
            let response = driver.borrow_mut().ask(&json!({ "op": "response", "api": api, "text": text }));
            prop_assert!(response["fault"].is_null(), "{response} for {text}");
            Ok(())
        },
    );
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn googles_classes_take_what_random_rules_reply_to_es() {
    every_reply_is_taken(SourceKind::DialogflowEs, "es");
}

#[test]
fn googles_classes_take_what_random_rules_reply_to_cx() {
    every_reply_is_taken(SourceKind::DialogflowCx, "cx");
}
