//! LINE: the shapes are those of `webhook.yml` in line-openapi and of the test data of line-bot-sdk-python.

use super::*;

const USER: &str = "U206d25c2ea6bd87c17655609a1c37cb8";
const GROUP: &str = "Ca56f94637cc4347f90a25382909b24b9";
const ANA: Told = Told { contact: USER, session: USER, ..NOTHING };

macro_rules! key {
    ($number:literal) => {
        concat!("01HKPAN00000000000000000", $number)
    };
}

#[rustfmt::skip]
const ROWS: [Row; 16] = [
    ("text", &[Told { kind: "message", text: "quiero precios", key: key!("01"), ..ANA }]),
    ("group_text", &[Told { kind: "message", text: "hola a todos", session: GROUP, key: key!("02"), ..ANA }]),
    ("location", &[Told { kind: "message.location", params: "/events/0/message", key: key!("03"), ..ANA }]),
    ("sticker", &[Told { kind: "message.sticker", params: "/events/0/message", key: key!("04"), ..ANA }]),
    ("postback", &[Told { kind: "postback", intent: "action=buy&item=pan", params: r#"{"datetime":"2026-01-02T10:00"}"#, key: key!("05"), ..ANA }]),
    ("follow", &[Told { kind: "follow", params: r#"{"isUnblocked":false}"#, key: key!("06"), ..ANA }]),
    ("unfollow", &[Told { kind: "unfollow", key: key!("07"), ..ANA }]),
    ("join", &[Told { kind: "join", session: GROUP, key: key!("08"), ..NOTHING }]),
    ("member_joined", &[Told { kind: "memberJoined", session: GROUP, params: "/events/0/joined", key: key!("09"), ..NOTHING }]),
    ("beacon", &[Told { kind: "beacon", params: r#"{"hwid":"d41d8cd98f","type":"enter"}"#, key: key!("10"), ..ANA }]),
    ("account_link", &[Told { kind: "accountLink", params: r#"{"result":"ok","nonce":"Vb771wDYtXuammLszK6h9A"}"#, key: key!("11"), ..ANA }]),
    ("unsend", &[Told { kind: "unsend", session: GROUP, params: r#"{"messageId":"325709"}"#, key: key!("12"), ..ANA }]),
    ("several", &[
        Told { kind: "follow", params: r#"{"isUnblocked":true}"#, key: key!("13"), ..ANA },
        Told { kind: "message", text: "uno", key: key!("14"), ..ANA },
        Told { kind: "postback", intent: "MENU", key: key!("15"), ..ANA },
    ]),
    ("redelivered", &[Told { kind: "message", text: "otra vez", key: key!("16"), ..ANA }]),
    ("verify", &[]),
    ("unknown", &[Told { kind: "newThing", params: r#"{"a":1}"#, key: key!("17"), ..ANA }]),
];

#[test]
fn every_event_is_read() {
    assert_rows(SourceKind::Line, &ROWS);
}

#[test]
fn the_original_of_the_python_library_is_read() {
    let Some(body) = original("chat_line_python_sdk_webhook.json") else { return };
    with_events(&of_kind(SourceKind::Line), &body, |events| {
        let events = events.expect("events");
        assert_eq!(events.len(), 28);
        assert!(events.iter().all(|event| event.key.as_deref() == Some("testwebhookeventid")));
        let kinds: Vec<&str> = events.iter().filter_map(|event| event.kind.as_deref()).collect();
        assert_eq!(
            kinds[..6],
            ["message", "message.image", "message.video", "message.audio", "message.location", "message.sticker"]
        );
        let postback = events.iter().find(|event| event.kind.as_deref() == Some("postback")).expect("one");
        assert_eq!(postback.intent.as_deref(), Some("action=buyItem&itemId=123123&color=red"));
        assert_eq!(postback.params.get("datetime").and_then(Json::as_text).as_deref(), Some("2017-12-25T01:00"));
    });
}
