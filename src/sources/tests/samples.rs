//! Our own requests, each of the shape of a real one.

use super::*;

/// name, action, intent, text, language, session (after `/sessions/` of the agent), last digits of `responseId`.
type Row =
    (&'static str, Option<&'static str>, &'static str, &'static str, &'static str, Option<&'static str>, &'static str);

const UUID: Option<&str> = Some("projects/panaderia-demo/agent/sessions/11112222-3333-4444-5555-666677778888");
const WELCOME: &str = "Default Welcome Intent";
const TELEPHONY: Option<&str> =
    Some("projects/panaderia-demo/locations/global/agent/environments/prod/users/-/sessions/tel-1");

macro_rules! session {
    ($id:literal) => {
        Some(concat!("projects/panaderia-demo/agent/sessions/", $id))
    };
}

#[rustfmt::skip]
const ROWS: [Row; 20] = [
    ("aog_welcome", Some("input.welcome"), WELCOME, "hola", "es", Some("prueba"), "01"),
    ("console_multi", None, "show.everything", "muéstrame todo", "es", None, "02"),
    ("facebook", None, "pricing.inquiry", "quiero precios", "es", UUID, "03"),
    ("facebook_welcome", Some("input.welcome"), WELCOME, "hola", "es", UUID, "04"),
    ("google", None, "pricing.inquiry", "quiero precios", "en-us", session!("1700000000001"), "05"),
    ("knowledge", None, "hours.question", "¿abren el domingo?", "es", None, "06"),
    ("simulator", None, "Custom Intent", "otra cosa", "es", UUID, "07"),
    ("slack", None, "pricing.inquiry", "quiero precios", "es", UUID, "08"),
    ("slack_welcome", Some("input.welcome"), WELCOME, "hola", "es", UUID, "09"),
    ("german_nulls", Some("produkt_waehlen"), "ProduktWählen", "actions_intent_OPTION", "de", session!("abc"), "10"),
    ("voxa_complete_purchase", Some("actions_intent_COMPLETE_PURCHASE"), "compra.lista", "actions_intent_COMPLETE_PURCHASE", "es-419", session!("17"), "11"),
    ("voxa_datetime", Some("input.unknown"), "DefaultFallbackIntent", "actions_intent_DATETIME", "es-419", session!("18"), "12"),
    ("voxa_facebook_launch", Some("LaunchIntent"), "LaunchIntent", "FACEBOOK_WELCOME", "es-ES", session!("19"), "13"),
    ("voxa_help", Some("HelpIntent"), "HelpIntent", "ayuda", "es-419", session!("20"), "14"),
    ("voxa_media_status", None, "MEDIA_STATUS", "actions_intent_MEDIA_STATUS", "es-419", session!("21"), "15"),
    ("voxa_option", None, "actions.intent.OPTION", "actions_intent_OPTION", "es-419", session!("22"), "16"),
    ("respond_io_facebook", Some("pricing"), "pricing.inquiry", "precio pro para 6000", "es-419", UUID, "17"),
    ("respond_io_line", Some("pricing"), "pricing.inquiry", "quiero precios", "es", UUID, "18"),
    ("telephony", None, "callback.request", "llámenme mañana", "es-419", TELEPHONY, "19"),
    ("huge_numbers", Some("id.given"), "id.given", "mi número \"largo\"", "es", session!("23"), "20"),
];

/// Every other one has an empty mapping.
const PARAMS: [(&str, &str); 4] = [
    ("facebook", r#"{"plan":"","phone":"+57 300 000 0000","plan.original":""}"#),
    (
        "respond_io_facebook",
        r#"{"email":"ana@panaderia.example","budget":6000,"plan":"pro","since":"2026-03-02T12:00:00-05:00","topics":["pan","pasteles"],"age":{"amount":20,"unit":"year"}}"#,
    ),
    ("respond_io_line", r#"{"RB_ADDTAGS":"lead, precio"}"#),
    ("huge_numbers", r#"{"id":123456789012345678901234567890,"price":0.10,"whole":3.0}"#),
];

/// Every other one is certain.
const CONFIDENCE: [(&str, f64); 5] = [
    ("knowledge", 0.61),
    ("respond_io_facebook", 0.91),
    ("respond_io_line", 0.88),
    ("telephony", 0.77),
    ("huge_numbers", 0.700_000_05),
];

fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join("dialogflow-es").join(name).with_extension("json");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The same JSON without the spaces that a person put there.
pub fn compact(body: &[u8]) -> Vec<u8> {
    let (mut in_text, mut escaped) = (false, false);
    let keep = |byte: &u8| {
        let space = !in_text && byte.is_ascii_whitespace();
        match (in_text, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            _ => {}
        }
        !space
    };
    body.iter().copied().filter(keep).collect()
}

#[test]
fn every_shape_of_request_is_read() {
    for (name, kind, intent, text, language, session, key) in ROWS {
        let key = format!("a0000000-0000-4000-8000-0000000000{key}");
        let facts = Facts {
            kind,
            intent: Some(intent),
            text: Some(text),
            language: Some(language),
            session,
            key: Some(&key),
            params: PARAMS.iter().find(|(of, _)| *of == name).map_or("{}", |(_, params)| params),
            confidence: Some(CONFIDENCE.iter().find(|(of, _)| *of == name).map_or(1.0, |(_, sure)| *sure)),
        };
        assert_facts(name, &compact(&fixture(name)), &facts);
    }
}

#[test]
fn every_fixture_has_its_row() {
    let rows: Vec<&str> = ROWS.iter().map(|row| row.0).chain(["bare", "v1"]).collect();
    let files = std::fs::read_dir(fixtures().join("dialogflow-es")).expect("the folder");
    for file in files {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(rows.contains(&name), "{name} is read by no test");
    }
}

#[test]
fn a_request_that_says_nothing_is_an_event_without_anything() {
    let nothing = Facts {
        kind: None,
        intent: None,
        text: None,
        language: None,
        session: None,
        key: None,
        params: "{}",
        confidence: None,
    };
    assert_facts("bare", &fixture("bare"), &nothing);
    let nulls =
        br#"{"responseId":null,"session":null,"originalDetectIntentRequest":null,"queryResult":{"queryText":null,
        "languageCode":null,"action":null,"parameters":null,"intent":null,"intentDetectionConfidence":null}}"#;
    assert_facts("nulls", nulls, &nothing);
    let empties = br#"{"responseId":"","session":"","queryResult":{"queryText":"","languageCode":"","action":"",
        "parameters":{},"intent":{"displayName":""}}}"#;
    assert_facts("empties", empties, &nothing);
}

#[test]
fn texts_without_escapes_are_not_copied() {
    use std::borrow::Cow;
    with_event(&fixture("facebook"), |event| {
        let event = event.expect("an event");
        for text in [&event.intent, &event.text, &event.session, &event.key, &event.language] {
            assert!(matches!(text, Some(Cow::Borrowed(_))), "{text:?}");
        }
    });
}

#[test]
fn bodies_of_api_v1_say_how_to_switch() {
    with_event(&fixture("v1"), |event| {
        let error = event.expect_err("v1");
        assert!(error.message.contains("API v1"), "{error}");
        assert!(error.help.is_some_and(|help| help.contains("V2")));
    });
}
