//! Who the person is, for each integration, and what only some requests tell.

use proptest::prelude::*;

use super::*;
use crate::domain::detail::Detail;

fn of(kind: SourceKind) -> SourceConfig {
    SourceConfig { kind, ..config(Vec::new()) }
}

/// `contact | platform | phone`
fn person(kind: SourceKind, body: &str) -> String {
    with_events(&of(kind), body.as_bytes(), |events| {
        let event = &events.unwrap_or_else(|e| panic!("{body}: {e}"))[0];
        let contact = event.whose().unwrap_or("-".into()).into_owned();
        let [platform, phone] = [Detail::Platform, Detail::Phone].map(|detail| told(event, detail));
        format!("{contact} | {platform} | {phone}")
    })
}

fn told(event: &Event<'_>, detail: Detail) -> String {
    let value = event.detail(detail);
    if value.is_unset() { "-".to_owned() } else { value.to_json().to_string().trim_matches('"').to_owned() }
}

/// The details that are told, in their order.
fn details(kind: SourceKind, body: &[u8]) -> String {
    with_events(&of(kind), body, |events| {
        let event = &events.unwrap_or_else(|e| panic!("{}: {e}", String::from_utf8_lossy(body)))[0];
        let all = Detail::ALL.map(|detail| (detail, told(event, detail)));
        let given = all.iter().filter(|(_, told)| told != "-" && told != "false");
        given.map(|(detail, told)| format!("{detail} {told}")).collect::<Vec<_>>().join(", ")
    })
}

#[rustfmt::skip]
const PEOPLE: [(&str, &str); 26] = [
    // originalDetectIntentRequest, what is found
    (r#"{"source":"GOOGLE_TELEPHONY","payload":{"telephony":{"caller_id":"+1 855-555-0100"}}}"#, "+1 855-555-0100 | telephony | +18555550100"),
    (r#"{"payload":{"telephony":{"caller_id":"+18555550100"}}}"#, "+18555550100 | telephony | +18555550100"),
    (r#"{"payload":{"data":{"sender":{"id":"1534862223272449"}},"source":"facebook"}}"#, "1534862223272449 | facebook | -"),
    (r#"{"source":"facebook","payload":{"data":{"sender":{"id":1534862223272449}}}}"#, "1534862223272449 | facebook | -"),
    (r#"{"source":"telegram","payload":{"data":{"message":{"from":{"id":7.0},"chat":{"id":8.0}}}}}"#, "7 | telegram | -"),
    (r#"{"source":"telegram","payload":{"data":{"callback_query":{"from":{"id":"7"}}}}}"#, "7 | telegram | -"),
    (r#"{"source":"telegram","payload":{"data":{"chat":{"id":"-100"}}}}"#, "-100 | telegram | -"),
    (r#"{"payload":{"data":{"user":"U2URF86K1","channel":"D3XQ6AF9A"},"source":"slack_testbot"}}"#, "U2URF86K1 | slack | -"),
    (r#"{"source":"slack","payload":{"data":{"event":{"user":"U2URF86K1"}}}}"#, "U2URF86K1 | slack | -"),
    (r#"{"source":"line","payload":{"data":{"source":{"userId":"U905","type":"user"}}}}"#, "U905 | line | -"),
    (r#"{"source":"viber","payload":{"data":{"sender":{"id":"01234567890A="}}}}"#, "01234567890A= | viber | -"),
    (r#"{"source":"viber","payload":{"data":{"user":{"id":"01234567890A="}}}}"#, "01234567890A= | viber | -"),
    (r#"{"source":"twitter","payload":{"data":{"direct_message":{"sender_id":9,"sender_id_str":"9"}}}}"#, "9 | twitter | -"),
    (r#"{"source":"skype","payload":{"data":{"address":{"user":{"id":"29:1a"}}}}}"#, "29:1a | skype | -"),
    (r#"{"source":"kik","payload":{"data":{"from":"ana"}}}"#, "ana | kik | -"),
    (r#"{"source":"hangouts","payload":{"data":{"event":{"user":{"name":"users/17"}}}}}"#, "users/17 | google-chat | -"),
    (r#"{"source":"google","payload":{"user":{"userId":"ABwppH"}}}"#, "ABwppH | google | -"),
    (r#"{"payload":{"source":"facebook","contact":{"cId":"3854977680200098","contactId":"123456"}}}"#, "3854977680200098 | facebook | -"),
    (r#"{"payload":{"source":"line","contact":{"cId":"U905251b","contactId":123456}}}"#, "U905251b | line | -"),
    (r#"{"payload":{"source":"twilio","contact":{"cId":"+12262120005"}}}"#, "+12262120005 | twilio | +12262120005"),
    (r#"{"payload":{"source":"whatsapp_cloud","contact":{"cId":573001234567}}}"#, "573001234567 | whatsapp_cloud | +573001234567"),
    (r#"{"payload":{"userId":"me@example.com"}}"#, "me@example.com | - | -"),
    (r#"{"source":"DIALOGFLOW_CONSOLE","payload":{}}"#, "- | console | -"),
    (r#"{"source":"facebook","payload":{"data":{"sender":"nobody"}}}"#, "- | facebook | -"),
    (r#"{"source":null,"payload":null}"#, "- | - | -"),
    (r#"{"payload":[1]}"#, "- | - | -"),
];

#[test]
fn the_user_of_every_integration_is_found() {
    for (origin, expected) in PEOPLE {
        let body = format!(r#"{{"queryResult":{{}},"originalDetectIntentRequest":{origin}}}"#);
        assert_eq!(person(SourceKind::DialogflowEs, &body), expected, "{origin}");
    }
    for (payload, expected) in [
        (r#"{"telephony":{"caller_id":"+18555550100"}}"#, "+18555550100 | telephony | +18555550100"),
        (r#"{"source":"facebook","data":{"sender":{"id":"15"}}}"#, "15 | facebook | -"),
        (r#"{"userId":"ana"}"#, "ana | - | -"),
        ("{}", "- | - | -"),
    ] {
        let body = format!(r#"{{"fulfillmentInfo":{{"tag":"t"}},"payload":{payload}}}"#);
        assert_eq!(person(SourceKind::DialogflowCx, &body), expected, "{payload}");
    }
}

#[test]
fn what_only_some_requests_of_es_tell_is_found() {
    let intent = "projects/p/locations/europe-west1/agent/intents";
    let session = "projects/p/locations/europe-west1/agent/environments/prod/users/-/sessions/s";
    let context = |name: &str| format!(r#""outputContexts":[{{"name":"{session}/contexts/{name}"}}]"#);
    for (result, rest, expected) in [
        (format!(r#""intent":{{"name":"{intent}/29bc","isFallback":true,"parentFollowupIntentName":"{intent}/0a"}}"#), String::new(), "fallback true, intent_id 29bc, parent_intent 0a, region europe-west1"),
        (r#""intent":{"isFallback":false},"sentimentAnalysisResult":{"queryTextSentiment":{"score":-0.6,"magnitude":0.6}}"#.to_owned(), String::new(), "sentiment -0.6"),
        (r#""sentimentAnalysisResult":{"queryTextSentiment":{}}"#.to_owned(), String::new(), "sentiment 0"),
        (r#""sentimentAnalysisResult":{}"#.to_owned(), format!(r#","session":"{session}""#), "environment prod, region europe-west1"),
        (r#""knowledgeAnswers":{"answers":[{"answer":"On Mondays."},{"answer":"Never."}]}"#.to_owned(), String::new(), "knowledge On Mondays."),
        (String::new(), r#","alternativeQueryResults":[{"queryText":"x"},{"knowledgeAnswers":{"answers":[{"answer":"On Mondays."}]}}]"#.to_owned(), "knowledge On Mondays."),
        (r#""queryText":"FACEBOOK_WELCOME""#.to_owned(), String::new(), "trigger FACEBOOK_WELCOME"),
        (format!(r#""queryText":"actions_intent_OPTION",{}"#, context("actions_intent_option")), String::new(), "trigger actions_intent_OPTION"),
        // Words that look like an event.
        (format!(r#""queryText":"HELP",{}"#, context("generic")), String::new(), ""),
        (format!(r#""queryText":"help",{}"#, context("help")), String::new(), ""),
        (r#""queryText":"You are WELCOME""#.to_owned(), String::new(), ""),
    ] {
        let body = format!(r#"{{"queryResult":{{{result}}}{rest}}}"#);
        assert_eq!(details(SourceKind::DialogflowEs, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn what_only_some_requests_of_cx_tell_is_found_in_either_spelling() {
    let agent = "projects/p/locations/us-central1/agents/a";
    for (body, expected) in [
        (
            r#"{"fulfillmentInfo":{"tag":"t"},"triggerEvent":"sys.no-match-default"}"#.to_owned(),
            "trigger sys.no-match-default, fallback true",
        ),
        (
            r#"{"fulfillment_info":{"tag":"t"},"trigger_event":"sys.no-input-1"}"#.to_owned(),
            "trigger sys.no-input-1, fallback true",
        ),
        (r#"{"fulfillmentInfo":{"tag":"t"},"triggerEvent":"welcome"}"#.to_owned(), "trigger welcome"),
        (
            format!(
                r#"{{"intentInfo":{{"lastMatchedIntent":"{agent}/intents/00000000-0000-0000-0000-000000000001"}}}}"#
            ),
            "fallback true, intent_id 00000000-0000-0000-0000-000000000001",
        ),
        (
            format!(
                r#"{{"intent_info":{{"last_matched_intent":"{agent}/intents/29bc"}},"sentiment_analysis_result":{{"score":0.25}}}}"#
            ),
            "sentiment 0.25, intent_id 29bc",
        ),
        (
            format!(r#"{{"sessionInfo":{{"session":"{agent}/environments/staging/sessions/s"}}}}"#),
            "environment staging, region us-central1",
        ),
        (r#"{"fulfillmentInfo":{"tag":"t"},"sentimentAnalysisResult":null,"intentInfo":{}}"#.to_owned(), ""),
    ] {
        assert_eq!(details(SourceKind::DialogflowCx, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn the_originals_tell_what_stands_in_them() {
    for (name, kind, expected) in [
        (
            "es_dff_facebook",
            SourceKind::DialogflowEs,
            "platform facebook, intent_id 29bcd7f8-f717-4261-a8fd-2d3e451b8af8",
        ),
        ("es_dff_slack", SourceKind::DialogflowEs, "platform slack, intent_id 29bcd7f8-f717-4261-a8fd-2d3e451b8af81"),
        (
            "es_voxa_facebook_launch",
            SourceKind::DialogflowEs,
            "trigger FACEBOOK_WELCOME, fallback true, platform facebook, intent_id 58e5f75abf76",
        ),
        (
            "es_voxa_datetime",
            SourceKind::DialogflowEs,
            "trigger actions_intent_DATETIME, platform google, intent_id 9b8cf42d-ceb4-56f2-bfdc-58e5f75abf76",
        ),
        ("cx_14paxton_1", SourceKind::DialogflowCx, "trigger initiate-bot-event"),
        (
            "cx_generate_login",
            SourceKind::DialogflowCx,
            "intent_id 00000000-0000-0000-0000-000000000000, region us-central1",
        ),
    ] {
        let Some(body) = original(&format!("{name}.json")) else { return };
        assert_eq!(details(kind, &body), expected, "{name}");
    }
}

fn any_json() -> impl Strategy<Value = String> {
    let keys = [
        "queryResult",
        "intent",
        "isFallback",
        "name",
        "queryText",
        "outputContexts",
        "session",
        "payload",
        "source",
        "data",
        "originalDetectIntentRequest",
        "contact",
        "cId",
        "telephony",
        "caller_id",
        "knowledgeAnswers",
        "answers",
        "answer",
        "sentimentAnalysisResult",
        "queryTextSentiment",
        "score",
        "fulfillmentInfo",
        "tag",
        "triggerEvent",
        "sessionInfo",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e999".to_owned()),
        Just("-0.0".to_owned()),
        "\"[a-zA-Z/_ é.-]{0,12}\"",
        Just("\"projects/p/locations//environments/é/contexts/\"".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let entry = (prop::sample::select(keys.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(entry, 0..5).prop_map(|entries| {
                let lines: Vec<_> = entries.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", lines.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_makes_a_detail_panic(body in any_json()) {
        for kind in [SourceKind::DialogflowEs, SourceKind::DialogflowCx] {
            with_events(&of(kind), body.as_bytes(), |events| {
                for event in events.unwrap_or_default() {
                    for detail in Detail::ALL {
                        let value = event.detail(detail);
                        if detail == Detail::Fallback {
                            assert!(!value.is_unset());
                        }
                    }
                }
            });
        }
    }
}
