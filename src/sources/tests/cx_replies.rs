//! Replies against the message definitions of `WebhookResponse` (`google/cloud/dialogflow/cx/v3/webhook.proto`).

use serde_json::{Map, Value, json};

use super::*;
use crate::domain::reply::Merge;

fn written(reply: &Reply) -> Value {
    let bytes = write_reply(SourceKind::DialogflowCx, Some("s"), Some("es"), Some(reply)).expect("small enough");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no mapping"),
    }
}

#[test]
fn no_reply_leaves_the_agents_own_answer() {
    assert_eq!(write_reply(SourceKind::DialogflowCx, None, None, None), Ok(b"{}".to_vec()));
    let empty = || Some(String::new());
    let nothing = Reply { text: empty(), target_page: empty(), target_flow: empty(), ..Reply::default() };
    assert_eq!(written(&nothing), json!({}));
}

#[test]
fn every_part_of_a_reply_has_its_field() {
    let card = json!({ "payload": { "richContent": [] } });
    let reply = Reply {
        text: Some("¡Gracias!".into()),
        messages: vec![card.clone(), json!(null), json!("")],
        payload: Some(map(json!({ "crm": 7 }))),
        parameters: Some(map(json!({ "plan": "pro", "draft": null, "n": 3 }))),
        target_page: Some("projects/p/locations/l/agents/a/flows/f/pages/p".into()),
        target_flow: Some("projects/p/locations/l/agents/a/flows/f".into()),
        merge: Some(Merge::Replace),
        ..Reply::default()
    };
    let expected = json!({
        "fulfillmentResponse": { "messages": [{ "text": { "text": ["¡Gracias!"] } }, card], "mergeBehavior": "REPLACE" },
        "sessionInfo": { "parameters": { "plan": "pro", "draft": null, "n": 3 } },
        "payload": { "crm": 7 },
        "targetPage": "projects/p/locations/l/agents/a/flows/f/pages/p",
    });
    assert_eq!(written(&reply), expected);
}

#[test]
fn parts_may_stand_alone() {
    let flow = Reply { target_flow: Some("flows/f".into()), ..Reply::default() };
    assert_eq!(written(&flow), json!({ "targetFlow": "flows/f" }));
    let merge = Reply { merge: Some(Merge::Append), ..Reply::default() };
    assert_eq!(written(&merge), json!({ "fulfillmentResponse": { "mergeBehavior": "APPEND" } }));
    let text = Reply { text: Some("Hola".into()), ..Reply::default() };
    assert_eq!(written(&text), json!({ "fulfillmentResponse": { "messages": [{ "text": { "text": ["Hola"] } }] } }));
    let none = Reply { parameters: Some(Map::new()), ..Reply::default() };
    assert_eq!(written(&none), json!({ "sessionInfo": { "parameters": {} } }));
}

#[test]
fn a_reply_over_64_kib_is_told_apart() {
    let frame = r#"{"fulfillmentResponse":{"messages":[{"text":{"text":[""]}}]}}"#.len();
    let write = |length: usize| {
        let reply = Reply { text: Some("x".repeat(length)), ..Reply::default() };
        write_reply(SourceKind::DialogflowCx, None, None, Some(&reply))
    };
    assert_eq!(write(65_536 - frame).map(|bytes| bytes.len()), Ok(65_536));
    assert_eq!(write(65_537 - frame), Err(ReplyTooLarge { bytes: 65_537, limit: 65_536 }));
}
