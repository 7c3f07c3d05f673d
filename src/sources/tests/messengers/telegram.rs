//! Telegram: the shapes are those of the Bot API's page and of the types in grammY and python-telegram-bot.

use super::*;

const ANA: Told = Told { language: "es", contact: "700000001", session: "700000001", ..NOTHING };

#[rustfmt::skip]
const ROWS: [Row; 17] = [
    ("text", &[Told { kind: "message", text: "precio pro", key: "874000000", ..ANA }]),
    ("command", &[Told { kind: "message", intent: "/start", text: "/start feria-2026", key: "874000001", ..ANA }]),
    ("command_in_group", &[Told { kind: "message", intent: "/Precio", text: "/Precio@PanBot pro", session: "-1001234567890", key: "874000002", ..ANA }]),
    ("edited", &[Told { kind: "edited_message", text: "precio max", key: "874000003", ..ANA }]),
    ("photo", &[Told { kind: "message.photo", text: "mi pedido", key: "874000004", ..ANA }]),
    ("contact", &[Told { kind: "message.contact", params: "/message/contact", key: "874000005", ..ANA }]),
    ("location", &[Told { kind: "message.location", params: r#"{"latitude":4.60971,"longitude":-74.08175}"#, key: "874000006", ..ANA }]),
    ("callback_query", &[Told { kind: "callback_query", intent: "plan:pro", params: "/callback_query", key: "874000007", ..ANA }]),
    ("blocked", &[Told { kind: "my_chat_member", intent: "kicked", params: "/my_chat_member", key: "874000008", ..ANA }]),
    ("channel_post", &[Told { kind: "channel_post", text: "Pan a mitad de precio", session: "-1009", key: "874000009", ..NOTHING }]),
    ("inline_query", &[Told { kind: "inline_query", text: "pan", params: "/inline_query", session: "", key: "874000010", ..ANA }]),
    ("poll_answer", &[Told { kind: "poll_answer", params: "/poll_answer", session: "", key: "874000011", ..ANA }]),
    ("reaction", &[Told { kind: "message_reaction", params: "/message_reaction", key: "874000012", ..ANA }]),
    ("business_message", &[Told { kind: "business_message", text: "¿Abren hoy?", key: "874000013", ..ANA }]),
    ("business_echo", &[Told { kind: "business_message.echo", language: "", key: "874000014", ..ANA }]),
    ("payment", &[Told { kind: "message.successful_payment", params: "/message/successful_payment", key: "874000015", ..ANA }]),
    ("join_request", &[Told { kind: "chat_join_request", params: "/chat_join_request", session: "-1001234567890", key: "874000016", ..ANA }]),
];

#[test]
fn every_update_is_read() {
    assert_rows(SourceKind::Telegram, &ROWS);
}

#[test]
fn what_isnt_a_command_is_no_intent() {
    for words in ["precio /start", "/", "/ start", "//start", " /start", "/año", "/@bot"] {
        let body = serde_json::json!({ "update_id": 1, "message": { "text": words } }).to_string();
        with_events(&of_kind(SourceKind::Telegram), body.as_bytes(), |events| {
            assert_eq!(events.expect("an event")[0].intent, None, "{words}");
        });
    }
}

#[test]
fn an_update_of_a_kind_that_is_new_is_an_event_all_the_same() {
    let body = br#"{"update_id": 7, "brand_new": {"from": {"id": 5, "language_code": "uk"}, "x": 1}}"#;
    with_events(&of_kind(SourceKind::Telegram), body, |events| {
        let event = &events.expect("an event")[0];
        assert_eq!((event.kind.as_deref(), event.contact.as_deref()), (Some("brand_new"), Some("5")));
        assert_eq!(event.params.text(), r#"{"from": {"id": 5, "language_code": "uk"}, "x": 1}"#);
    });
    with_events(&of_kind(SourceKind::Telegram), b"{}", |events| {
        assert_eq!(events.expect_err("no update").field.as_deref(), Some("update_id"));
    });
}
