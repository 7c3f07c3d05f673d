//! What each messenger reads back.

use serde_json::{Map, json};

use super::*;

fn written(kind: SourceKind, session: Option<&str>, reply: Option<&Reply>) -> String {
    String::from_utf8(write_reply(kind, session, None, reply).expect("small enough")).expect("UTF-8")
}

fn map(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn words(text: &str) -> Reply {
    Reply { text: Some(text.to_owned()), ..Reply::default() }
}

fn as_json(kind: SourceKind, session: Option<&str>, reply: &Reply) -> Value {
    serde_json::from_str(&written(kind, session, Some(reply))).expect("JSON")
}

#[test]
fn telegram_reads_a_call() {
    let kind = SourceKind::Telegram;
    let sent = json!({ "method": "sendMessage", "chat_id": -1001, "text": "¡Hola!" });
    assert_eq!(as_json(kind, Some("-1001"), &words("¡Hola!")), sent);
    assert_eq!(as_json(kind, Some("@panes"), &words("a"))["chat_id"], "@panes");
    assert_eq!(as_json(kind, None, &words("nobody hears it")), json!({}));
    assert_eq!(written(kind, Some("7"), None), "{}");
    let with = |payload| Reply { payload: map(payload), ..words("a") };
    let keyboard = as_json(kind, Some("7"), &with(json!({ "reply_markup": { "remove_keyboard": true } })));
    let expected =
        json!({ "method": "sendMessage", "chat_id": 7, "text": "a", "reply_markup": { "remove_keyboard": true } });
    assert_eq!(keyboard, expected);
    let other = as_json(kind, Some("7"), &with(json!({ "method": "answerCallbackQuery", "callback_query_id": "4" })));
    assert_eq!((&other["method"], &other["text"]), (&json!("answerCallbackQuery"), &json!("a")));
    let alone = Reply { payload: map(json!({ "method": "sendDice", "chat_id": 9 })), ..Reply::default() };
    assert_eq!(as_json(kind, Some("7"), &alone), json!({ "method": "sendDice", "chat_id": 9 }));
}

#[test]
fn viber_reads_a_welcome() {
    let kind = SourceKind::Viber;
    let reply = Reply { payload: map(json!({ "sender": { "name": "Pan" } })), ..words("¡Hola!") };
    assert_eq!(as_json(kind, None, &reply), json!({ "type": "text", "text": "¡Hola!", "sender": { "name": "Pan" } }));
    assert_eq!(written(kind, None, None), "{}");
}

#[test]
fn slack_reads_a_message_where_there_is_a_channel_and_else_nothing_it_would_complain_of() {
    let kind = SourceKind::Slack;
    assert_eq!(as_json(kind, Some("C1"), &words("a")), json!({ "text": "a" }));
    let shown = Reply { payload: map(json!({ "response_type": "in_channel" })), ..words("a") };
    assert_eq!(as_json(kind, Some("C1"), &shown), json!({ "text": "a", "response_type": "in_channel" }));
    assert_eq!(as_json(kind, None, &shown), json!({ "response_type": "in_channel" }));
    assert_eq!(written(kind, None, Some(&words("a"))), "");
    assert_eq!(written(kind, Some("C1"), None), "");
}

#[test]
fn twilio_reads_twiml() {
    let twiml = |inner: &str| format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>"#);
    assert_eq!(written(SourceKind::Twilio, None, None), twiml(""));
    assert_eq!(written(SourceKind::Twilio, None, Some(&words(""))), twiml(""));
    let told = "1 < 2 & </Message><Redirect>x</Redirect>\u{1}";
    let safe = "<Message>1 &lt; 2 &amp; &lt;/Message&gt;&lt;Redirect&gt;x&lt;/Redirect&gt;</Message>";
    assert_eq!(written(SourceKind::Twilio, None, Some(&words(told))), twiml(safe));
}
