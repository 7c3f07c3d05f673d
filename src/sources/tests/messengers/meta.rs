//! Meta: the shapes are those of the vendor's reference of webhook events and of the test data of pywa.

use super::*;

const PSID: &str = "3000000000000009";
const ANA: Told = Told { contact: PSID, ..NOTHING };
const IG: Told = Told { contact: "90010000000001", ..NOTHING };
const WA: Told = Told { contact: "573001112233", ..NOTHING };
const AD: &str = r#"{"ref":"anuncio","source":"ADS","type":"OPEN_THREAD","ad_id":"6045246247433"}"#;
const VALUE: &str = "/entry/0/changes/0/value";

macro_rules! message {
    ($rest:literal) => {
        concat!("/entry/0/changes/0/value/messages/0/", $rest)
    };
}

#[rustfmt::skip]
const ROWS: [Row; 36] = [
    ("messenger_text", &[Told { kind: "message", text: "¿Cuánto cuesta el pan?", key: "m_panaderia_1", ..ANA }]),
    ("messenger_quick_reply", &[Told { kind: "message", intent: "pricing.inquiry", text: "Precios", key: "m_panaderia_2", ..ANA }]),
    ("messenger_image", &[Told { kind: "message.image", key: "m_panaderia_3", ..ANA }]),
    ("messenger_postback", &[Told { kind: "postback", intent: "GET_STARTED", text: "Empezar", key: "m_panaderia_4", params: r#"{"ref":"feria-2026","source":"SHORTLINK","type":"OPEN_THREAD"}"#, ..ANA }]),
    ("messenger_referral", &[Told { kind: "referral", key: "referral/200000000000001/3000000000000009/1767268800100", params: "/entry/0/messaging/0/referral", ..ANA }]),
    ("messenger_ad", &[Told { kind: "message", text: "Hola", key: "m_panaderia_5", params: AD, ..ANA }]),
    ("messenger_echo", &[Told { kind: "message.echo", key: "m_panaderia_6", ..ANA }]),
    ("messenger_read", &[Told { kind: "read", key: "read/200000000000001/3000000000000009/1767268800100", params: r#"{"watermark":1767268799000}"#, ..ANA }]),
    ("messenger_delivery", &[Told { kind: "delivery", key: "delivery/200000000000001/3000000000000009/1767268800100", params: "/entry/0/messaging/0/delivery", ..ANA }]),
    ("messenger_optin", &[Told { kind: "optin", intent: "novedades", key: "optin/200000000000001/3000000000000009/1767268800100", params: "/entry/0/messaging/0/optin", ..ANA }]),
    ("messenger_standby", &[Told { kind: "standby.message", text: "¿Hay alguien?", key: "standby/m_panaderia_7", ..ANA }]),
    ("messenger_field", &[Told { kind: "message", text: "prueba", key: "m_panaderia_8", ..ANA }]),
    ("messenger_several", &[
        Told { kind: "message", text: "uno", key: "m_panaderia_9", ..ANA },
        Told { kind: "message", text: "dos", key: "m_panaderia_10", ..ANA },
        Told { kind: "postback", intent: "MENU", text: "Menú", key: "m_panaderia_11", contact: "3000000000000010", ..NOTHING },
    ]),
    ("page_comment", &[Told { kind: "feed", text: "¡Qué rico!", contact: "3000000000000011", key: "feed/77_88/fa13f685c0c98518", params: VALUE, ..NOTHING }]),
    ("page_comment_hidden", &[Told { kind: "feed", contact: "3000000000000011", key: "feed/77_88/957d7a44981f6211", params: VALUE, ..NOTHING }]),
    ("page_lead", &[Told { kind: "leadgen", key: "leadgen/444000111/db8198998afea1cf", params: VALUE, ..NOTHING }]),
    ("instagram_text", &[Told { kind: "message", text: "¿Envían a Cali?", key: "aWdf_1", ..IG }]),
    ("instagram_unsend", &[Told { kind: "message.deleted", key: "aWdf_1/deleted", ..IG }]),
    ("instagram_story_mention", &[Told { kind: "message.story_mention", key: "aWdf_2", ..IG }]),
    ("instagram_postback", &[Told { kind: "postback", intent: "MENU", text: "Ver menú", key: "aWdf_3", ..IG }]),
    ("instagram_reaction", &[Told { kind: "reaction", key: "reaction/17841400000000001/90010000000001/1767268800100", params: "/entry/0/messaging/0/reaction", ..IG }]),
    ("instagram_comment", &[Told { kind: "comments", text: "¿Precio?", key: "comments/17865/ec4d38d768c76e22", params: VALUE, ..IG }]),
    ("whatsapp_text", &[Told { kind: "message", text: "precio pro ☕", key: "wamid.pan1==", ..WA }]),
    ("whatsapp_button", &[Told { kind: "message", intent: "pricing.inquiry", text: "Precios", key: "wamid.pan2==", ..WA }]),
    ("whatsapp_list", &[Told { kind: "message", intent: "plan:pro", text: "Plan Pro", key: "wamid.pan3==", ..WA }]),
    ("whatsapp_flow", &[Told { kind: "message", intent: "flow", text: "Sent", key: "wamid.pan4==", params: r#"{"flow_token":"AQAA","budget":"6000","topics":["pan","café"]}"#, ..WA }]),
    ("whatsapp_template_button", &[Told { kind: "message", intent: "STOP", text: "No más mensajes", key: "wamid.pan5==", ..WA }]),
    ("whatsapp_ad", &[Told { kind: "message", text: "Quiero más información", key: "wamid.pan6==", params: message!("referral"), ..WA }]),
    ("whatsapp_image", &[Told { kind: "message.image", text: "mi pedido", key: "wamid.pan7==", params: message!("image"), ..WA }]),
    ("whatsapp_location", &[Told { kind: "message.location", key: "wamid.pan8==", params: message!("location"), ..WA }]),
    ("whatsapp_no_number", &[Told { kind: "message", text: "hola", key: "wamid.pan9==", contact: "CO.13491208655302741918", ..NOTHING }]),
    ("whatsapp_statuses", &[
        Told { kind: "status.sent", key: "wamid.pan1==/sent", ..WA },
        Told { kind: "status.failed", key: "wamid.pan1==/failed", ..WA },
    ]),
    ("whatsapp_echo", &[Told { kind: "message.echo", key: "wamid.pan10==", ..WA }]),
    ("whatsapp_template_status", &[Told { kind: "message_template_status_update", params: VALUE, ..NOTHING }]),
    ("user_changed", &[Told { kind: "user", ..NOTHING }]),
    ("nothing", &[]),
];

#[test]
fn every_notification_is_read() {
    assert_rows(SourceKind::Meta, &ROWS);
}

#[test]
fn events_are_counted_while_an_entry_is_read() {
    let items = vec![r#"{"sender":{"id":"1"},"message":{"text":"a"}}"#; 5_000].join(",");
    let messages = vec![r#"{"from":"1","text":{"body":"a"}}"#; 5_000].join(",");
    for lists in [
        format!(r#""messaging":[{items}]"#),
        format!(r#""changes":[{{"field":"messages","value":{{"messages":[{messages}]}}}}]"#),
    ] {
        let body = format!(r#"{{"object":"page","entry":[{{"id":"1",{lists}}}]}}"#);
        with_events(&of_kind(SourceKind::Meta), body.as_bytes(), |events| {
            let error = events.expect_err("too many").to_string();
            assert!(error.starts_with("entry: there are 1001 events"), "{error}");
        });
    }
}

#[test]
fn a_message_taken_back_by_us_is_still_what_we_said() {
    let body = br#"{"object":"instagram","entry":[{"id":"2","messaging":[{"sender":{"id":"2"},"recipient":{"id":"1"},
        "timestamp":3,"message":{"mid":"m","is_echo":true,"is_deleted":true}}]}]}"#;
    with_events(&of_kind(SourceKind::Meta), body, |events| {
        let event = &events.expect("an event")[0];
        assert_eq!(
            [&event.kind, &event.key, &event.contact].map(|part| part.as_deref()),
            [Some("message.echo"), Some("m/deleted"), Some("1")]
        );
    });
}

#[test]
fn the_originals_of_pywa_are_read() {
    let names = ["callback_button", "callback_selection", "flow_completion", "message_status", "outgoing_message"];
    for name in names {
        let Some(updates) = original(&format!("chat_whatsapp_pywa_{name}.json")) else { return };
        let updates: serde_json::Map<String, Value> = serde_json::from_slice(&updates).expect("a map of updates");
        for (update, body) in updates {
            with_events(&of_kind(SourceKind::Meta), body.to_string().as_bytes(), |events| {
                let events = events.unwrap_or_else(|e| panic!("{name}, {update}: {e}"));
                assert_eq!(events.len(), 1, "{name}, {update}");
                let event = &events[0];
                assert!(event.key.is_some() && event.contact.is_some(), "{name}, {update}");
                let kind = event.kind.as_deref().expect("a type");
                match name {
                    "message_status" => assert!(kind.starts_with("status."), "{update}: {kind}"),
                    "outgoing_message" => assert_eq!(kind, "message.echo", "{update}"),
                    _ => assert_eq!((kind, event.intent.is_some()), ("message", true), "{update}"),
                }
                if name == "flow_completion" {
                    assert_eq!(event.params.get("purchase_rating").and_then(Json::as_text).as_deref(), Some("2"));
                }
            });
        }
    }
}

#[test]
fn only_the_answers_of_a_flow_are_opened() {
    let untouched = [
        r#"{"entry":[],"a":"\"response_json\":\"{}\""}"#,
        r#"{"entry":[],"response_json":{"a":1}}"#,
        r#"{"entry":[],"response_json":"not JSON"}"#,
        r#"{"entry":[],"response_json":"[1]"}"#,
        r#"{"entry":[],"response_json":"{"#,
        r#"{"entry":[],"a":"response_json"}"#,
    ];
    for body in untouched {
        let sent = Sent::new(body.as_bytes());
        let verified = Verified::by_operator(sent.request());
        let json = json_body(&of_kind(SourceKind::Meta), &verified).expect("a body");
        assert_eq!(json.json, body.as_bytes(), "{body}");
    }
}
