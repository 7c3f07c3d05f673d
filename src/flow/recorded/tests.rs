//! Recorded bodies of every platform become tests that pass.

use std::path::{Path, PathBuf};

use super::*;
use crate::flow::preview;
use crate::rules::{RuleFile, capture, capture_body, check};

const RULES: &str = r#"
sources:
  es: { kind: dialogflow-es, auth: none, contact: "{{ session }}" }
  cx: { kind: dialogflow-cx, auth: none, contact: "{{ session }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:K }
  sales: { provider: webhook, url: env:U }
rules:
  - id: spoken
    match: { language: [en, de, es], text: { regex: "[a-z]" } }
    tag: { crm: { add: [Spoke, { name: Sure, when: confidence >= 0.9 }] } }
  - id: sent-on
    match: { params: { number: "*" } }
    forward: { sales: { all: "{{ params }}" } }
  - id: welcomed
    match: { intent: ["*elcome*", "*.start"], type: "*" }
    reply: 'Hello {{ params["given-name"] | default("you") }}!'
  - id: session
    when: session matches "sessions/"
    set: { crm: { seen: "{{ text | default('nothing') | truncate(9) }}" } }
"#;

fn bodies() -> Vec<(&'static str, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let of = |source: &'static str, folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder");
        entries.map(move |entry| (source, entry.expect("an entry").path())).collect::<Vec<_>>()
    };
    let mut all = [of("es", "dialogflow-es"), of("cx", "dialogflow-cx")].concat();
    all.sort();
    all
}

#[test]
fn what_platforms_send_can_be_captured_in_short_and_whole() {
    let files = vec![RuleFile { path: "rules.yaml".to_owned(), text: RULES.to_owned() }];
    let checked = check(&files);
    let catalog = checked.catalog.unwrap_or_else(|| panic!("{:?}", checked.findings));
    let folder = tempfile::tempdir().expect("a folder");
    let mut passed = 0;
    for (source, path) in bodies() {
        let at = Timestamp(1_800_000_000_123);
        let event = Recorded {
            id: 1,
            source: SourceName::parse(source).expect("a name"),
            intent: None,
            rules: Vec::new(),
            received_at: at,
            accepted_at: at,
            replay_of: None,
            forgotten: false,
            query: Vec::new(),
            headers: Vec::new(),
            body: std::fs::read_to_string(&path).expect("text"),
            body_base64: None,
            changes: Vec::new(),
        };
        let captured = event.read(&catalog, |config, events| {
            let [one] = events else { panic!("{}: one event", path.display()) };
            let whole = capture_body(&catalog, config, (&event.bytes(), at), &preview::read, ("whole", "body.json"));
            (capture(&catalog, one, "short"), whole)
        });
        // Some of these bodies are odd on purpose: what no source reads was never recorded.
        let Ok((short, whole)) = captured else { continue };
        let (short, whole) = (short.expect("in short"), whole.expect("whole"));
        std::fs::write(folder.path().join("body.json"), whole.body.expect("a body")).expect("written");
        let text = format!("tests:\n{}{}", short.item, whole.item);
        let test = RuleFile { path: folder.path().join("t.test.yaml").display().to_string(), text: text.clone() };
        let checked = check(&[files.clone(), vec![test]].concat());
        assert!(checked.catalog.is_some(), "{}\n{:?}\n{text}", path.display(), checked.findings);
        let report = preview::test(&catalog, &checked.tests);
        assert_eq!((report.passed, report.failed), (2, 0), "{}\n{text}\n{report:#?}", path.display());
        passed += 1;
    }
    assert!(passed > 20, "{passed} bodies");
}
