//! Requests of Dialogflow CX: our own, each of the shape of a real one, and the real ones where they are at hand.

use super::*;

fn cx() -> SourceConfig {
    SourceConfig { kind: SourceKind::DialogflowCx, ..config(Vec::new()) }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join("dialogflow-cx").join(name).with_extension("json");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What is asserted of each: `tag | intent | confidence | text | language | session | page | flow | form | params | key`.
fn told(body: &[u8]) -> String {
    with_events(&cx(), body, |events| {
        let event = &events.unwrap_or_else(|e| panic!("{e}"))[0];
        assert_eq!((event.payload.text(), event.body.text()), (event.body.text(), text_of(body)));
        let form = match event.form.items().len() {
            0 => "-".to_owned(),
            _ => event.form.items()[0].get("displayName").and_then(Json::as_text).unwrap_or_default().into_owned(),
        };
        let confidence = event.confidence.map(|sure| sure.to_string());
        let parts = [&event.kind, &event.intent].map(|part| part.as_deref().unwrap_or("-"));
        let more = [&event.text, &event.language, &event.session, &event.page, &event.flow];
        let more = more.map(|part| short(part.as_deref().unwrap_or("-")));
        let (params, key) = (event.params.text(), short(event.key.as_deref().unwrap_or("-")));
        let confidence = confidence.as_deref().unwrap_or("-");
        format!("{} | {confidence} | {} | {form} | {params} | {key}", parts.join(" | "), more.join(" | "))
    })
}

fn text_of(body: &[u8]) -> &str {
    std::str::from_utf8(body).expect("UTF-8").trim()
}

/// Resource names without what stands before the flow, the session or the page, and ids without their zeros.
fn short(text: &str) -> String {
    let agent = "projects/panaderia-demo/locations/us-central1/agents/a1b2c3d4-0000-4000-8000-0000000000ff/";
    text.replace(agent, "").replace("c0000000-0000-4000-8000-0000000000", "").replace("-0000-4000-8000-", "..")
}

#[rustfmt::skip]
const ROWS: [(&str, &str); 9] = [
    ("trigger_event", "welcome | - | - | - | es | sessions/11-a2-b3 | Start Page | flows/00000000-0000-0000-0000-000000000000 | - | {\"name\":\"Lucía\"} | 01#welcome#flows/00000000-0000-0000-0000-000000000000/pages/START_PAGE"),
    ("parameters", "pricing | - | - | 65+ | es-419 | sessions/dfMessenger-58641064:detectIntent | pedir-precios | flows/2e387ccd..000000000001 | - | {\"plan-name\":\"pro\",\"budget\":6000,\"topics\":[\"pan\",\"pasteles\"]} | 02#pricing#flows/2e387ccd..000000000001/pages/b34fda0b..000000000002"),
    ("no_parameters", "generate-login | Default Welcome Intent | 1 | hola | es | sessions/27aa15 | Start Page | flows/00000000-0000-0000-0000-000000000000 | - | {} | 03#generate-login#flows/00000000-0000-0000-0000-000000000000/pages/START_PAGE"),
    ("intent_parameters", "solution | product.comparison | 0.4785423 | 이 빵은 저 빵보다 얼마나 좋은가요? | ko | sessions/e682651d | Comparison Page | flows/00000000-0000-0000-0000-000000000000 | - | {\"product\":\"빵\"} | 04#solution#flows/00000000-0000-0000-0000-000000000000/pages/4f077b00"),
    ("form", "order | order.bread | 0.6684057 | masa madre | es | sessions/7fab78 | - | flows/2e387ccd..000000000001 | bread | {\"bread\":\"masa madre\"} | 05#order#flows/2e387ccd..000000000001/pages/21939010"),
    ("odd_shape", "checkOrderStatus | Order.Status | - | - | - | - | Start Page | flows/default-start-flow | orderId | {} | -"),
    ("snake_case", "hours | hours.question | 0.5 | 1 | pt-BR | sessions/s | Horas | flows/2e387ccd..000000000001 |  | {\"day\":null} | 07#hours#flows/2e387ccd..000000000001/pages/P"),
    ("voice", "callback | - | - | llámenme mañana | es | sessions/tel-1 | - | flows/00000000-0000-0000-0000-000000000000 | - | {} | 08#callback#flows/00000000-0000-0000-0000-000000000000/pages/START_PAGE"),
    ("nulls", "- | - | - | - | - | - | - | - | - | {} | 09##"),
];

#[test]
fn every_shape_of_request_is_read() {
    for (name, expected) in ROWS {
        let compact = super::samples::compact(&fixture(name));
        assert_eq!(told(&compact), expected, "{name}");
    }
}

#[test]
fn every_fixture_has_its_row() {
    for file in std::fs::read_dir(fixtures().join("dialogflow-cx")).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(ROWS.iter().any(|row| row.0 == name), "{name} is read by no test");
    }
}

/// name, tag, intent, text, page, the last part of the flow, the number of fields in the form.
pub type Original = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, usize);

#[rustfmt::skip]
pub const ORIGINALS: [Original; 7] = [
    ("14paxton_1", "comm100-customfields", "", "", "Start Page", "00000000-0000-0000-0000-000000000000", 0),
    ("ezcx_sample", "nb-cohorts", "", "65+", "get-national-benchmarks", "2e387ccd-a8f4-4a0e-9cb8-17bad040d8fe", 0),
    ("generate_login", "generate-login", "Default Welcome Intent", "hi", "Start Page", "00000000-0000-0000-0000-000000000000", 0),
    ("ko_function_calling_1", "solution", "product.comparison", "최신 아이폰이 제 갤럭시 S24보다 얼마나 좋은지 비교해줘요.", "Comparison Page", "00000000-0000-0000-0000-000000000000", 0),
    ("ko_function_calling_2", "solution", "product.comparison", "SM-S711NZOWKOO와 SM-S921NZAFKOO는 어떻게 다른가요?", "Comparison Page", "00000000-0000-0000-0000-000000000000", 0),
    ("nanthagopal_hand_written_odd_shape", "checkOrderStatus", "Order.Status", "", "Start Page", "default-start-flow", 2),
    ("xavidop_pokemon", "test", "Default Welcome Intent", "Hi!", "", "68f7790d-5c1f-4546-bb53-8d641f8288b4", 1),
];

#[test]
fn every_original_is_read() {
    for (name, tag, intent, text, page, flow, form) in ORIGINALS {
        let Some(body) = original(&format!("cx_{name}.json")) else { return };
        with_events(&cx(), &body, |events| {
            let event = &events.unwrap_or_else(|e| panic!("{name}: {e}"))[0];
            let found =
                [&event.kind, &event.intent, &event.text, &event.page].map(|x| x.as_deref().unwrap_or_default());
            assert_eq!(found, [tag, intent, text, page], "{name}");
            assert_eq!(event.flow.as_deref().and_then(|flow| flow.rsplit('/').next()), Some(flow), "{name}");
            assert_eq!(event.form.items().len(), form, "{name}");
            // The hand-written one has neither where the definition has them.
            let odd = name.contains("odd_shape");
            assert_eq!((event.session.is_none(), event.key.is_none()), (odd, odd), "{name}");
        });
    }
}

#[test]
fn texts_without_escapes_are_not_copied() {
    use std::borrow::Cow;
    with_events(&cx(), &fixture("no_parameters"), |events| {
        let event = &events.expect("an event")[0];
        for text in [&event.kind, &event.intent, &event.text, &event.session, &event.page, &event.flow] {
            assert!(matches!(text, Some(Cow::Borrowed(_))), "{text:?}");
        }
    });
}

#[test]
fn two_different_triples_never_make_the_same_key() {
    let key = |id: &str, tag: &str, page: &str| {
        let body = serde_json::json!({ "detectIntentResponseId": id, "fulfillmentInfo": { "tag": tag },
            "pageInfo": { "currentPage": page } });
        with_events(&cx(), body.to_string().as_bytes(), |events| {
            events.expect("an event")[0].key.as_deref().map(str::to_owned)
        })
    };
    let parts = ["", "a", "#", "a#", "#a", "%23", "a%23", "%", "23", "a#a"];
    let mut seen = std::collections::HashSet::new();
    for id in &parts[1..] {
        for tag in parts {
            for page in parts {
                assert!(seen.insert(key(id, tag, page).expect("a key")), "{id:?} {tag:?} {page:?}");
            }
        }
    }
    assert_eq!(key("", "a", "b"), None, "what has no id of its own has no key");
}

#[test]
fn a_field_of_the_wrong_type_is_named_in_either_spelling() {
    for (body, words) in [
        (r#"{"fulfillmentInfo":"7731"}"#, "fulfillmentInfo: expected a mapping, found a text"),
        (r#"{"fulfillment_info":{"tag":7731}}"#, "fulfillmentInfo.tag: expected a text, found a number"),
        (
            r#"{"pageInfo":{"formInfo":{"parameterInfo":{}}}}"#,
            "pageInfo.formInfo.parameterInfo: expected a list, found a mapping",
        ),
        (r#"{"sessionInfo":{"parameters":[7731]}}"#, "sessionInfo.parameters: expected a mapping, found a list"),
        (r#"{"session_info":{"session":7731}}"#, "sessionInfo.session: expected a text, found a number"),
        (r#"{"intent_info":{"confidence":"7731"}}"#, "intentInfo.confidence: expected a number, found a text"),
        (r#"{"detect_intent_response_id":7731}"#, "detectIntentResponseId: expected a text, found a number"),
        (r#"[{"fulfillmentInfo":{}}]"#, "expected a mapping, found a list"),
        ("{}", "fulfillmentInfo: missing; a webhook request of Dialogflow CX has it"),
        (" ", "the body is empty"),
    ] {
        with_events(&cx(), body.as_bytes(), |events| assert_eq!(events.expect_err(body).to_string(), words, "{body}"));
    }
}

#[test]
fn a_request_of_es_says_what_it_is() {
    let es = std::fs::read(fixtures().join("dialogflow-es/facebook.json")).expect("the fixture");
    with_events(&cx(), &es, |events| {
        let error = events.expect_err("ES");
        assert!(error.message.contains("Dialogflow ES"), "{error}");
        assert!(error.help.is_some_and(|help| help.contains("dialogflow-cx")));
    });
}
