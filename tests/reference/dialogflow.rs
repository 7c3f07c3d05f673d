//! Dialogflow's messages against Google's own classes.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tagrelay::domain::event::Event;
use tagrelay::domain::reply::{FollowupEvent, Merge, OutputContext, Reply};
use tagrelay::domain::source::SourceKind;
use tagrelay::sources::{Verified, json_body, read, write_reply};

use super::driver::Driver;
use super::{request, source_config};

pub const SESSION: &str = "projects/panaderia-demo/agent/sessions/7";
/// In which the person speaks.
pub const LANGUAGE: &str = "es-419";

/// An API of Dialogflow: everything that differs between them.
pub struct Api {
    pub kind: SourceKind,
    /// Its name in `dialogflow.py`.
    pub name: &'static str,
    /// A reply with all that this API has a place for, but messages.
    reply: fn() -> BoxedStrategy<Reply>,
    /// What must have arrived of a reply: what we mean, and where Google's class holds it.
    pub arrives: fn(&Reply, &Value) -> Vec<(Value, Value)>,
    /// What an event says, under the names that `dialogflow.py` gives its facts.
    facts: fn(&Event<'_>) -> Value,
}

pub const ES: Api =
    Api { kind: SourceKind::DialogflowEs, name: "es", reply: es_reply, arrives: es_arrives, facts: es_facts };

pub const CX: Api =
    Api { kind: SourceKind::DialogflowCx, name: "cx", reply: cx_reply, arrives: cx_arrives, facts: cx_facts };

#[test]
fn googles_classes_take_every_reply_of_es() {
    takes_every_reply(&ES);
}

#[test]
fn every_request_that_googles_classes_write_for_es_is_read() {
    reads_every_request(&ES);
}

#[test]
fn googles_classes_take_every_reply_of_cx() {
    takes_every_reply(&CX);
}

#[test]
fn every_request_that_googles_classes_write_for_cx_is_read() {
    reads_every_request(&CX);
}

fn cases(number: u32) -> TestRunner {
    TestRunner::new(Config { cases: number, failure_persistence: None, ..Config::default() })
}

/// Replies are as rules write them: messages in the API's own form, which come from Google's classes here, and among them
/// what a template renders to when it has nothing to say.
fn takes_every_reply(api: &Api) {
    let driver = RefCell::new(Driver::dialogflow());
    let ask = |question: Value| driver.borrow_mut().ask(&question);
    let judged = cases(256).run(&((api.reply)(), any::<u64>(), any::<bool>()), |(mut reply, seed, empty)| {
        let messages = ask(json!({ "op": "messages", "api": api.name, "seed": seed }))["messages"].take();
        let messages = messages.as_array().expect("messages");
        let nothing = [Value::Null, json!("")].into_iter().filter(|_| empty);
        reply.messages = messages.iter().cloned().chain(nothing).collect();

        let written = write_reply(api.kind, Some(SESSION), Some(LANGUAGE), Some(&reply)).expect("small enough");
        let text = String::from_utf8(written).expect("JSON is UTF-8");
        let response = ask(json!({ "op": "response", "api": api.name, "text": text }));
        prop_assert!(response["fault"].is_null(), "{response} for {text}");
        let response = &response["response"];
        for (meant, arrived) in (api.arrives)(&reply, response) {
            prop_assert_eq!(meant, arrived, "{}", text);
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

fn reads_every_request(api: &Api) {
    let driver = RefCell::new(Driver::dialogflow());
    let mut config = source_config("none");
    config.kind = api.kind;
    let judged = cases(256).run(&any::<u64>(), |seed| {
        let mut written = driver.borrow_mut().ask(&json!({ "op": "request", "api": api.name, "seed": seed }));
        prop_assert!(written["fault"].is_null(), "{written}");
        let facts = written["facts"].take();
        let text = written["text"].as_str().expect("a text");
        let verified = Verified::by_operator(request(&[], text.as_bytes()));
        let fault = |error| TestCaseError::fail(format!("{error}: {text}"));
        let json = json_body(&config, &verified).map_err(fault)?;
        let events = read(&config, &verified, &json).map_err(fault)?.events;
        prop_assert_eq!(events.len(), 1);
        prop_assert_eq!((api.facts)(&events[0]), without_empty(facts), "{}", text);
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

/// Protobuf doesn't tell an empty text from none, and neither do events.
fn without_empty(mut facts: Value) -> Value {
    for fact in facts.as_object_mut().expect("a mapping").values_mut() {
        if fact == "" {
            *fact = Value::Null;
        }
    }
    facts
}

fn mapping() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(".{0,6}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

fn es_reply() -> BoxedStrategy<Reply> {
    let context = (any::<String>(), any::<Option<u32>>(), mapping())
        .prop_map(|(name, lifespan, parameters)| OutputContext { name, lifespan, parameters });
    let event = (any::<String>(), any::<Option<String>>(), mapping())
        .prop_map(|(name, language, parameters)| FollowupEvent { name, language, parameters });
    let parts = (
        any::<Option<String>>(),
        prop::option::of(mapping()),
        prop::collection::vec(context, 0..4),
        prop::option::of(event),
    );
    parts
        .prop_map(|(text, payload, contexts, event)| Reply { text, payload, contexts, event, ..Reply::default() })
        .boxed()
}

fn es_arrives(reply: &Reply, response: &Value) -> Vec<(Value, Value)> {
    let messages: Vec<&Value> = reply.messages.iter().filter(|message| message.is_object()).collect();
    let count = |name: &str| response[name].as_array().map_or(0, Vec::len);
    let contexts = reply.contexts.iter().map(|context| json!(format!("{SESSION}/contexts/{}", context.name)));
    let arrived = |at: usize| response["outputContexts"][at]["name"].clone();
    let mut pairs: Vec<(Value, Value)> = contexts.enumerate().map(|(at, name)| (name, arrived(at))).collect();
    pairs.push((json!(reply.text.clone().unwrap_or_default()), text_of(&response["fulfillmentText"])));
    pairs.push((json!(messages), response.get("fulfillmentMessages").cloned().unwrap_or_else(|| json!([]))));
    pairs.push((json!(reply.contexts.len()), json!(count("outputContexts"))));
    pairs.push((
        json!(reply.event.as_ref().map_or("", |event| &event.name)),
        text_of(&response["followupEventInput"]["name"]),
    ));
    if let Some(event) = &reply.event {
        // Without a language of its own it goes on in the request's.
        let language = event.language.clone().unwrap_or_else(|| LANGUAGE.to_owned());
        let arrived = &response["followupEventInput"];
        pairs.push((json!(language), text_of(&arrived["languageCode"])));
        pairs.push((json!(names(Some(&event.parameters))), json!(names(arrived["parameters"].as_object()))));
    }
    pairs.push((json!(names(reply.payload.as_ref())), json!(names(response["payload"].as_object()))));
    pairs
}

fn cx_reply() -> BoxedStrategy<Reply> {
    let merge = prop_oneof![Just(None), Just(Some(Merge::Append)), Just(Some(Merge::Replace))];
    let parts = (
        any::<Option<String>>(),
        prop::option::of(mapping()),
        prop::option::of(mapping()),
        any::<Option<String>>(),
        any::<Option<String>>(),
        merge,
    );
    parts
        .prop_map(|(text, payload, parameters, target_page, target_flow, merge)| Reply {
            text,
            payload,
            parameters,
            target_page,
            target_flow,
            merge,
            ..Reply::default()
        })
        .boxed()
}

/// A text is the first message; where a page and a flow are set, the page wins.
fn cx_arrives(reply: &Reply, response: &Value) -> Vec<(Value, Value)> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let text = filled(&reply.text).map(|text| json!({ "text": { "text": [text] } }));
    let own = reply.messages.iter().filter(|message| message.is_object()).cloned();
    let messages: Vec<Value> = text.into_iter().chain(own).collect();
    let arrived = response["fulfillmentResponse"]["messages"].as_array().cloned().unwrap_or_default();
    let merge = match reply.merge {
        Some(Merge::Append) => "APPEND",
        Some(Merge::Replace) => "REPLACE",
        None => "",
    };
    let flow = filled(&reply.target_flow).filter(|_| filled(&reply.target_page).is_none());
    let parameters = response["sessionInfo"]["parameters"].as_object();
    vec![
        (json!(messages), json!(arrived)),
        (json!(merge), text_of(&response["fulfillmentResponse"]["mergeBehavior"])),
        (json!(reply.target_page.clone().unwrap_or_default()), text_of(&response["targetPage"])),
        (json!(flow.unwrap_or_default()), text_of(&response["targetFlow"])),
        (json!(names(reply.parameters.as_ref())), json!(names(parameters))),
        // A null removes what the session has, so it must not be lost on the way.
        (json!(nulls(reply.parameters.as_ref())), json!(nulls(parameters))),
        (json!(names(reply.payload.as_ref())), json!(names(response["payload"].as_object()))),
    ]
}

/// The key is made of more than the response's id, so only whether there is one is told.
fn cx_facts(event: &Event<'_>) -> Value {
    json!({
        "has_key": event.key.is_some(),
        "session": event.session,
        "kind": event.kind,
        "intent": event.intent,
        "text": event.text,
        "language": event.language,
        "confidence": event.confidence,
        "params": parsed(event.params.text()),
    })
}

/// Protobuf leaves an empty text out.
fn text_of(value: &Value) -> Value {
    json!(value.as_str().unwrap_or_default())
}

fn names(map: Option<&Map<String, Value>>) -> Vec<&String> {
    let mut names: Vec<&String> = map.into_iter().flat_map(Map::keys).collect();
    names.sort();
    names
}

fn nulls(map: Option<&Map<String, Value>>) -> usize {
    map.map_or(0, |map| map.values().filter(|value| value.is_null()).count())
}

fn es_facts(event: &Event<'_>) -> Value {
    json!({
        "key": event.key,
        "session": event.session,
        "kind": event.kind,
        "intent": event.intent,
        "text": event.text,
        "language": event.language,
        "confidence": event.confidence,
        "params": parsed(event.params.text()),
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
