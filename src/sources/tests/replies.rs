//! Replies against the message definitions of `WebhookResponse` (`google/cloud/dialogflow/v2/webhook.proto`).

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::reply::{FollowupEvent, OutputContext};

const SESSION: &str = "projects/panaderia-demo/agent/sessions/7";

fn written(session: Option<&str>, language: Option<&str>, reply: &Reply) -> Value {
    let bytes = write_reply(SourceKind::DialogflowEs, session, language, Some(reply)).expect("small enough");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no mapping"),
    }
}

type Check = fn(&Value) -> bool;

/// Every field that we may write, and what protobuf's JSON takes there.
fn follows_the_definition(response: &Value) -> bool {
    let fields = |value: &Value, known: &[(&str, Check)]| {
        let each = |(key, value): (&String, &Value)| known.iter().any(|(name, fits)| name == key && fits(value));
        value.as_object().is_some_and(|map| map.iter().all(each))
    };
    fields(
        response,
        &[
            ("fulfillmentText", Value::is_string),
            ("fulfillmentMessages", |v| v.as_array().is_some_and(|list| list.iter().all(Value::is_object))),
            ("payload", Value::is_object),
            ("outputContexts", Value::is_array),
            ("followupEventInput", Value::is_object),
        ],
    ) && response["outputContexts"].as_array().into_iter().flatten().all(|context| {
        let known: [(&str, Check); 3] = [
            ("name", |v| v.as_str().is_some_and(|name| name.contains("/contexts/"))),
            ("lifespanCount", |v| v.as_i64().is_some_and(|n| (0..=i64::from(i32::MAX)).contains(&n))),
            ("parameters", Value::is_object),
        ];
        context["name"].is_string() && fields(context, &known)
    }) && response.get("followupEventInput").is_none_or(|event| {
        let known: [(&str, Check); 3] =
            [("name", Value::is_string), ("languageCode", Value::is_string), ("parameters", Value::is_object)];
        event["name"].is_string() && fields(event, &known)
    })
}

#[test]
fn no_reply_leaves_the_agents_own_answer() {
    let bytes = write_reply(SourceKind::DialogflowEs, Some(SESSION), Some("es"), None).expect("small");
    assert_eq!(bytes, b"{}");
    assert_eq!(written(Some(SESSION), None, &Reply { text: Some(String::new()), ..Reply::default() }), json!({}));
}

#[test]
fn every_part_of_a_reply_has_its_field() {
    let reply = Reply {
        text: Some("¡Gracias! Te llamamos hoy.".into()),
        messages: vec![json!({ "text": { "text": ["¡Gracias!"] } }), json!(null), json!("")],
        payload: Some(map(json!({ "facebook": { "text": "¡Gracias!" } }))),
        contexts: vec![
            OutputContext { name: "lead".into(), lifespan: Some(5), parameters: map(json!({ "plan": "pro" })) },
            OutputContext { name: "pricing".into(), lifespan: Some(0), parameters: Map::new() },
            OutputContext { name: "kept".into(), lifespan: Some(u32::MAX), parameters: Map::new() },
        ],
        event: Some(FollowupEvent { name: "CALLED".into(), language: None, parameters: map(json!({ "at": 7 })) }),
        ..Reply::default()
    };
    let response = written(Some(SESSION), Some("es-419"), &reply);
    let context = |name: &str| format!("{SESSION}/contexts/{name}");
    assert_eq!(
        response,
        json!({
            "fulfillmentText": "¡Gracias! Te llamamos hoy.",
            "fulfillmentMessages": [{ "text": { "text": ["¡Gracias!"] } }],
            "payload": { "facebook": { "text": "¡Gracias!" } },
            "outputContexts": [
                { "name": context("lead"), "lifespanCount": 5, "parameters": { "plan": "pro" } },
                { "name": context("pricing"), "lifespanCount": 0 },
                { "name": context("kept"), "lifespanCount": i32::MAX },
            ],
            "followupEventInput": { "name": "CALLED", "languageCode": "es-419", "parameters": { "at": 7 } },
        })
    );
    assert!(follows_the_definition(&response));
}

#[test]
fn without_a_session_the_words_still_arrive_and_contexts_do_not() {
    let contexts = vec![OutputContext { name: "lead".into(), lifespan: None, parameters: Map::new() }];
    let reply = Reply { text: Some("Hola".into()), contexts, ..Reply::default() };
    assert_eq!(written(None, None, &reply), json!({ "fulfillmentText": "Hola" }));
}

#[test]
fn a_reply_over_64_kib_is_told_apart() {
    let frame = r#"{"fulfillmentText":""}"#.len();
    let reply = |length: usize| Reply { text: Some("x".repeat(length)), ..Reply::default() };
    let write = |reply: &Reply| write_reply(SourceKind::DialogflowEs, None, None, Some(reply));
    assert_eq!(write(&reply(65_536 - frame)).map(|bytes| bytes.len()), Ok(65_536));
    assert_eq!(write(&reply(65_537 - frame)), Err(ReplyTooLarge { bytes: 65_537, limit: 65_536 }));
}

fn mapping() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from),
    ];
    prop::collection::btree_map("\\PC{0,6}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let message = prop_oneof![mapping().prop_map(Value::Object), Just(Value::Null), ".{0,5}".prop_map(Value::from)];
    let context = (".{0,9}", any::<Option<u32>>(), mapping()).prop_map(|(name, lifespan, parameters)| OutputContext {
        name,
        lifespan,
        parameters,
    });
    let event = (".{0,9}", any::<Option<bool>>(), mapping()).prop_map(|(name, language, parameters)| FollowupEvent {
        name,
        language: language.map(|_| "pt".to_owned()),
        parameters,
    });
    (
        prop::option::of(".{0,30}"),
        prop::collection::vec(message, 0..4),
        prop::option::of(mapping()),
        prop::collection::vec(context, 0..4),
        prop::option::of(event),
    )
        .prop_map(|(text, messages, payload, contexts, event)| Reply {
            text,
            messages,
            payload,
            contexts,
            event,
            ..Reply::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_rule_replies_follows_the_definition(reply in any_reply(), has_session: bool) {
        let session = has_session.then_some(SESSION);
        let response = written(session, has_session.then_some("es"), &reply);
        prop_assert!(follows_the_definition(&response), "{response}");
        prop_assert_eq!(response.get("outputContexts").is_some(), has_session && !reply.contexts.is_empty());
    }
}
