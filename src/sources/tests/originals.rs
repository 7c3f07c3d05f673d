//! The real requests, where they are at hand.

use std::collections::BTreeSet;

use super::*;

/// name, action, intent, text, language, session, `responseId`.
type Row =
    (&'static str, Option<&'static str>, &'static str, &'static str, &'static str, Option<&'static str>, &'static str);

const STAGENT_FACEBOOK: Option<&str> =
    Some("projects/stagent-f2236/agent/sessions/83920c5d-0caa-4d58-b16a-6b257e8f4192");
const STAGENT_SLACK: Option<&str> = Some("projects/stagent-f2236/agent/sessions/88d13aa8-2999-4f71-b233-39cbf3a824a0");
const WELCOME: &str = "Default Welcome Intent";
const GERMAN: Option<&str> = Some(
    "projects/bringmeister-demo/agent/sessions/ABwppHHRnoa_U67LUk_Dedbm0_D_oEXv9oJdu0sABlKSbaG-Z1xZvtnDNGLd9Wt5_JcI46tjA1nGZPQ1XNYDqlc",
);

macro_rules! voxa {
    ($id:literal) => {
        Some(concat!("projects/project/agent/sessions/", $id))
    };
}

#[rustfmt::skip]
const ROWS: [Row; 16] = [
    ("aog_java_welcome", Some("input.welcome"), WELCOME, "hello", "en", Some("test"), "d054eb88-f8bc-4d7b-a5c6-7462effd0f50"),
    ("dff_console_multi", None, "every rich response", "every rich response", "en", None, "cc3ec71d-7526-43f7-9381-128f60a5f44f"),
    ("dff_facebook", None, "webhook", "webhook", "en", STAGENT_FACEBOOK, "2ecc0896-de2a-4b5e-9995-5ffe88bb2ca4"),
    ("dff_facebook_welcome", Some("input.welcome"), WELCOME, "hi", "en", Some("projects/stagent-f2236/agent/sessions/3c32f610-3f2b-4bd8-9712-43eb69c06c43"), "1a931c02-8f3e-4000-a4c6-3e4aa5d73582"),
    ("dff_google", None, "webhook", "webhook", "en-us", Some("projects/stagent-f2236/agent/sessions/1515017715285"), "07424698-0149-430a-9b9c-157402568343"),
    ("dff_knowledge", None, "every rich response", "every rich response", "en", None, "cc3ec71d-7526-43f7-9381-128f60a5f44f"),
    ("dff_simulator", None, "Custom Intent", "custom intent", "en", Some("projects/agent52-3e1ea/agent/sessions/669d7da3-de6f-4b1d-8394-d79c6973e516"), "b131a1bb-513b-44d0-928b-47c49a2569f8"),
    ("dff_slack", None, "webhook", "webhook", "en", STAGENT_SLACK, "4b85257c-c12e-4eef-ae1f-0916e6f5dc0d"),
    ("dff_slack_welcome", Some("input.welcome"), WELCOME, "hi", "en", STAGENT_SLACK, "188f19d3-80de-43e9-b32a-00503940944a"),
    ("flaskdf_de_request_1", Some("select_product_screen"), "SelectProductScreen", "actions_intent_OPTION", "de", GERMAN, "74189c54-ef48-42ca-b452-cc21c231cb7f"),
    ("voxa_complete_purchase", Some("actions_intent_COMPLETE_PURCHASE"), "actions_intent_COMPLETE_PURCHASE", "actions_intent_COMPLETE_PURCHASE", "en-us", voxa!("1528399867833"), "f4f5b1d0-fba0-4bb8-831a-a4a43ad0f4a0"),
    ("voxa_datetime", Some("input.unknown"), "DefaultFallbackIntent", "actions_intent_DATETIME", "en-us", voxa!("1528393338733"), "4e7472b7-7642-4eee-a418-790a314b3cad"),
    ("voxa_facebook_launch", Some("LaunchIntent"), "LaunchIntent", "FACEBOOK_WELCOME", "en-US", voxa!("99785bb9f088"), "cb4e1752-1df0-4437-9b74-c691834869bc"),
    ("voxa_help", Some("HelpIntent"), "HelpIntent", "help", "en-us", voxa!("1528150043739"), "e6cfd306-8f10-4108-9aca-cb37f3447894"),
    ("voxa_media_status", None, "MEDIA_STATUS", "actions_intent_MEDIA_STATUS", "en-us", voxa!("1529861445607"), "63c055a9-2428-4456-a243-ac10d1dd48c0"),
    ("voxa_option", None, "actions.intent.OPTION", "actions_intent_OPTION", "en-us", voxa!("1525981645131"), "e2b09a9c-8687-4f62-a41f-5ec40a9cab63"),
];

#[test]
fn every_original_is_read() {
    for (name, kind, intent, text, language, session, key) in ROWS {
        let Some(body) = original(&format!("es_{name}.json")) else { return };
        let facts = Facts {
            kind,
            intent: Some(intent),
            text: Some(text),
            language: Some(language),
            session,
            key: Some(key),
            params: "{}",
            confidence: Some(1.0),
        };
        assert_facts(name, &body, &facts);
    }
}

/// What isn't a request of ES, and the field that says so.
const REFUSED: [(&str, &str); 5] = [
    ("es_v1_dff_facebook.json", "result"),
    ("respondio_dialogflow_es_facebook_originalDetectIntentRequest.json", "queryResult"),
    ("respondio_dialogflow_es_line_originalDetectIntentRequest.json", "queryResult"),
    ("cx_ezcx_sample.json", "queryResult"),
    ("gh_issues_labeled.json", "queryResult"),
];

/// A new sample without a row would be read by no test.
#[test]
fn every_original_of_dialogflow_has_its_row() {
    let Some(folder) = originals() else { return };
    let es = ROWS.iter().map(|row| format!("es_{}.json", row.0));
    let cx = cx::ORIGINALS.iter().map(|row| format!("cx_{}.json", row.0));
    let rows: BTreeSet<String> = es.chain(cx).chain(REFUSED.iter().map(|row| row.0.to_owned())).collect();
    let files = std::fs::read_dir(folder).expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    let dialogflow = |name: &String| name.starts_with("es_") || name.starts_with("cx_") || name.contains("dialogflow");
    let samples: BTreeSet<String> = names.filter(dialogflow).collect();
    assert_eq!(samples.difference(&rows).collect::<Vec<_>>(), [""; 0], "these are read by no test");
    assert!(samples.len() >= ROWS.len() + cx::ORIGINALS.len(), "{samples:?}");
}

#[test]
fn the_original_of_api_v1_and_the_fragments_are_refused_with_what_is_missing() {
    for (name, field) in REFUSED {
        let Some(body) = original(name) else { return };
        with_event(&body, |event| assert_eq!(event.expect_err(name).field.as_deref(), Some(field), "{name}"));
    }
}
