//! Viber: the shapes are those of the vendor's pages on events and of the test data of viber-bot-python.

use super::*;

const ANA: Told = Told { language: "uk", contact: "01234567890A=", ..NOTHING };
const BY_ID: Told = Told { language: "", ..ANA };

#[rustfmt::skip]
const ROWS: [Row; 11] = [
    ("webhook", &[Told { kind: "webhook", key: "webhook/4977069964384421269/", ..NOTHING }]),
    ("text", &[Told { kind: "message", text: "скільки коштує хліб", key: "5741311803571721001", ..ANA }]),
    ("picture", &[Told { kind: "message.picture", text: "моє", key: "5741311803571721002", ..ANA }]),
    ("contact", &[Told { kind: "message.contact", params: r#"{"name":"Ana","phone_number":"380501112233"}"#, key: "5741311803571721003", ..ANA }]),
    ("location", &[Told { kind: "message.location", params: r#"{"lat":50.45,"lon":30.52}"#, key: "5741311803571721004", ..ANA }]),
    ("conversation_started", &[Told { kind: "conversation_started", intent: "feria-2026", key: "conversation_started/5741311803571721005/01234567890A=", ..ANA }]),
    ("subscribed", &[Told { kind: "subscribed", key: "subscribed/5741311803571721006/01234567890A=", ..ANA }]),
    ("unsubscribed", &[Told { kind: "unsubscribed", key: "unsubscribed/5741311803571721007/01234567890A=", ..BY_ID }]),
    ("seen", &[Told { kind: "seen", key: "seen/5741311803571721008/01234567890A=", ..BY_ID }]),
    ("failed", &[Told { kind: "failed", key: "failed/5741311803571721009/01234567890A=", ..BY_ID }]),
    ("client_status", &[Told { kind: "client_status", key: "client_status/5741311803571721010/01234567890A=", ..ANA }]),
];

#[test]
fn every_callback_is_read() {
    assert_rows(SourceKind::Viber, &ROWS);
}
