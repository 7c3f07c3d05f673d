//! Twilio: the shapes are those of the vendor's pages on messaging, conversation and voice webhooks and on event streams.

use super::*;

const SMS: Told = Told { contact: "+14155551234", params: "", ..NOTHING };
const WHATSAPP: Told = Told { contact: "+573001112233", params: "", ..NOTHING };

macro_rules! sid {
    ($number:literal) => {
        concat!("SM0000000000000000000000000000000", $number)
    };
}

#[rustfmt::skip]
const ROWS: [Row; 16] = [
    ("sms", &[Told { kind: "message", text: "precio pro & más + <b>", key: sid!("1"), ..SMS }]),
    ("sms_stop", &[Told { kind: "message", intent: "STOP", text: "STOP", key: sid!("2"), ..SMS }]),
    ("mms", &[Told { kind: "message.media", text: "mi pedido", key: sid!("3"), ..SMS }]),
    ("whatsapp", &[Told { kind: "message", text: "precio pro ☕", key: sid!("4"), ..WHATSAPP }]),
    ("whatsapp_button", &[Told { kind: "message", intent: "pricing.inquiry", text: "Precios", key: sid!("5"), ..WHATSAPP }]),
    ("whatsapp_list", &[Told { kind: "message", intent: "plan:pro", text: "Plan Pro", key: sid!("6"), ..WHATSAPP }]),
    ("whatsapp_location", &[Told { kind: "message.location", key: sid!("7"), ..WHATSAPP }]),
    ("status", &[Told { kind: "status.delivered", key: concat!(sid!("8"), "/delivered"), ..WHATSAPP }]),
    ("status_failed", &[Told { kind: "status.undelivered", key: concat!(sid!("9"), "/undelivered"), ..SMS }]),
    ("conversation_message", &[Told { kind: "onMessageAdded", text: "¿Abren hoy?", session: "CH01", ..WHATSAPP }]),
    ("conversation_participant", &[Told { kind: "onParticipantAdded", session: "CH01", ..SMS }]),
    ("call", &[Told { kind: "call.ringing", session: "CA01", ..SMS }]),
    ("gather", &[Told { kind: "call.in-progress", text: "quiero precios", session: "CA01", ..SMS }]),
    ("studio", &[WHATSAPP]),
    ("studio_json", &[SMS]),
    ("event_stream", &[
        Told { kind: "com.twilio.messaging.inbound-message.received", text: "hola", params: "/0/data", key: "EZ01", ..SMS },
        Told { kind: "com.twilio.messaging.message.delivered", params: "/1/data", key: "EZ02", ..WHATSAPP },
    ]),
];

#[test]
fn every_request_is_read() {
    assert_rows(SourceKind::Twilio, &ROWS);
}

#[test]
fn a_request_that_is_repeated_has_the_same_key() {
    let config = of_kind(SourceKind::Twilio);
    let sent = Sent::new(b"EventType=onMessageAdded&MessageSid=IM1&Author=%2B1555")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("i-twilio-idempotency-token", "7f0e");
    let verified = Verified::by_operator(sent.request());
    let json = json_body(&config, &verified).expect("a form");
    let reading = read(&config, &verified, &json).expect("an event");
    assert_eq!(reading.events[0].key.as_deref(), Some("7f0e"));
}

#[test]
fn a_field_that_is_repeated_makes_no_other_event() {
    let read = |body: &[u8]| {
        let sent = Sent::new(body).header("content-type", "application/x-www-form-urlencoded");
        let json = json_body(&of_kind(SourceKind::Twilio), &Verified::by_operator(sent.request())).expect("a form");
        String::from_utf8(json.json.into_owned()).expect("UTF-8")
    };
    let once = read(b"Body=pan&From=%2B1&MessageSid=SM1");
    assert_eq!(read(b"MessageSid=SM1&Body=pan&From=%2B1&MessageSid=%53M1&Body=pan"), once);
    assert_eq!(read(b"a=1&a=2&a=1"), r#"{"a":["1","2"]}"#);
}

#[test]
fn how_sure_twilio_is_of_what_it_heard_is_a_number() {
    let body = b"CallSid=CA1&CallStatus=in-progress&SpeechResult=si&Confidence=0.91";
    with_events(&of_kind(SourceKind::Twilio), body, |events| {
        assert_eq!(events.expect("an event")[0].confidence, Some(0.91));
    });
    for odd in ["", "-1", "2", "NaN", "viel"] {
        let body = format!("CallSid=CA1&CallStatus=in-progress&Confidence={odd}");
        with_events(&of_kind(SourceKind::Twilio), body.as_bytes(), |events| {
            assert_eq!(events.expect("an event")[0].confidence, None, "{odd}");
        });
    }
}
