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

use super::dialogflow::{Api, CX, ES, LANGUAGE, SESSION};
use super::driver::Driver;

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

/// Those that always come to a text with something in it, as the texts within a platform's own messages must.
const TEXTS: [&str; 4] = [
    "Hola {{ params.a | default(\"amigo\") }}",
    "{{ text | truncate(5) | default(\"?\") }} {{ received_at | date(\"%H:%M\", \"America/Bogota\") }}",
    "{{ intent | slug }}",
    "ñ \u{1f600} \"quoted\" \\ {{ params[\"a-b\"] | default(\"\") }}",
];

fn template() -> impl Strategy<Value = Value> {
    prop::sample::select(TEMPLATES.to_vec()).prop_map(Value::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        template(),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from)
    ];
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

/// A message in the API's own form, and what a template is that has nothing to say.
fn message(kind: SourceKind) -> impl Strategy<Value = Value> {
    let text = || prop::sample::select(TEXTS.to_vec()).prop_map(Value::from);
    let payload = || prop::collection::btree_map("[a-z]{1,5}", prop_oneof![text(), Just(Value::Null)], 0..3);
    let own = if kind == SourceKind::DialogflowEs {
        prop_oneof![
            (text(), text())
                .prop_map(|(title, one)| json!({ "quickReplies": { "title": title, "quickReplies": [one] } })),
            (text(), text()).prop_map(|(title, image)| json!({ "card": { "title": title, "imageUri": image } })),
        ]
        .boxed()
    } else {
        prop_oneof![
            text().prop_map(|text| json!({ "outputAudioText": { "text": text } })),
            payload().prop_map(|metadata| json!({ "conversationSuccess": { "metadata": metadata } })),
        ]
        .boxed()
    };
    prop_oneof![
        text().prop_map(|text| json!({ "text": { "text": [text] } })),
        payload().prop_map(|payload| json!({ "payload": payload })),
        own,
        Just(json!("{{ params.a | default(\"\") }}")),
    ]
}

/// A reply in full form, as a rule file of this kind of source has it.
fn reply(kind: SourceKind) -> BoxedStrategy<Value> {
    let own = if kind == SourceKind::DialogflowEs {
        let context = (template(), 0..100_u32, mapping()).prop_map(
            |(name, lifespan, parameters)| json!({ "name": name, "lifespan": lifespan, "parameters": parameters }),
        );
        let language = prop::option::of(prop::sample::select(vec!["es", "pt-BR", "{{ language }}"]));
        let event = (template(), language, mapping()).prop_map(|(name, language, parameters)| {
            without_nulls(json!({ "name": name, "language": language, "parameters": parameters }))
        });
        (prop::option::of(prop::collection::vec(context, 0..2)), prop::option::of(event))
            .prop_map(|(contexts, event)| json!({ "contexts": contexts, "event": event }))
            .boxed()
    } else {
        // A page and a flow are one choice, and two of them a finding.
        let target = prop_oneof![Just(None), Just(Some("target_page")), Just(Some("target_flow"))];
        let merge = prop::option::of(prop::sample::select(vec!["append", "replace"]));
        // What a rule takes out of the session is null there.
        let parameters = (mapping(), any::<bool>()).prop_map(|(mut parameters, removes)| {
            if removes {
                parameters["coupon"] = Value::Null;
            }
            parameters
        });
        (prop::option::of(parameters), target, template(), merge)
            .prop_map(|(parameters, target, place, merge)| {
                let mut own = json!({ "parameters": parameters, "merge": merge });
                if let Some(target) = target {
                    own[target] = place;
                }
                own
            })
            .boxed()
    };
    let messages = prop::collection::vec(message(kind), 0..3);
    (text(), prop::option::of(mapping()), messages, own)
        .prop_map(|(text, payload, messages, own)| {
            let mut reply = json!({ "text": text, "payload": payload, "messages": messages });
            let parts = own.as_object().cloned().unwrap_or_default();
            reply.as_object_mut().expect("a mapping").extend(parts);
            without_nulls(reply)
        })
        .boxed()
}

/// A key that was not chosen isn't there.
fn without_nulls(mut map: Value) -> Value {
    map.as_object_mut().expect("a mapping").retain(|_, part| !part.is_null());
    map
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

fn every_reply_is_taken(api: &Api) {
    let kind = api.kind;
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
                language: Some(LANGUAGE.into()),
                confidence: Some(0.75),
                params: Json::parse(params.as_bytes()).expect("JSON"),
                ..Event::empty(SourceName::parse("bot").expect("a name"), Timestamp(1_767_268_800_000))
            };
            let decision = decide(&catalog, &event);
            prop_assert_eq!(decision.reply.is_none(), !decision.faults.is_empty());
            let written = write_reply(kind, Some(SESSION), Some(LANGUAGE), decision.reply.as_ref()).expect("small");
            let text = String::from_utf8(written).expect("JSON is UTF-8");
            let response = driver.borrow_mut().ask(&json!({ "op": "response", "api": api.name, "text": text }));
            prop_assert!(response["fault"].is_null(), "{response} for {text}");
            for (meant, arrived) in decision.reply.iter().flat_map(|reply| (api.arrives)(reply, &response["response"]))
            {
                prop_assert_eq!(meant, arrived, "{}", text);
            }
            Ok(())
        },
    );
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn googles_classes_take_what_random_rules_reply_to_es() {
    every_reply_is_taken(&ES);
}

#[test]
fn googles_classes_take_what_random_rules_reply_to_cx() {
    every_reply_is_taken(&CX);
}
