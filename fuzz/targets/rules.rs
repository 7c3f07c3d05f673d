//! Any text as rule files: what is found is shown in every form; a set that is clean is looked at for conflicts, judges an event
//! and runs its tests.
//!
//! Sections: a rule file, a file of tests, a body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tagrelay_fuzz::domain::event::Event;
use tagrelay_fuzz::domain::json::Json;
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::rules::{Finding, RuleFile, check, decide, explain, inspect, report};
use tagrelay_fuzz::{NOW, in_time, run_tests};

fuzz_target!(|data: &[u8]| {
    let mut sections = Sections::of(data);
    let mut file = |path: &str| {
        // Bytes that are no text come from the reader of files as replacement characters.
        RuleFile { path: path.to_owned(), text: String::from_utf8_lossy(sections.bytes()).into_owned() }
    };
    let files = [file("rules.yaml"), file("rules.test.yaml")];
    let body = Json::parse(sections.bytes()).unwrap_or(Json::EMPTY_MAP);
    in_time(|| {
        let checked = check(&files);
        checked.findings.iter().for_each(|finding| lies_within(finding, &files));
        report::text(&checked.findings, &files, true);
        report::github(&checked.findings);
        for written in [report::json(&checked.findings), report::sarif(&checked.findings)] {
            assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok(), "a report that is no JSON");
        }
        let Some(catalog) = checked.catalog else { return };
        // What the rules of a clean set mean together.
        inspect(&files).findings.iter().for_each(|finding| lies_within(finding, &files));
        for config in catalog.sources() {
            let event = Event { params: body, payload: body, body, ..Event::empty(config.name.clone(), NOW) };
            decide(&catalog, &event);
            explain(&catalog, &event);
        }
        run_tests(&catalog, &checked.tests);
    });
});

/// A finding is drawn under its line, and replaced in an editor: its bytes are whole characters of its own file.
fn lies_within(finding: &Finding, files: &[RuleFile]) {
    let related = finding.related.iter().map(|related| (related.span, related.line, related.column));
    for (span, line, column) in related.chain([(finding.span, finding.line, finding.column)]) {
        let text = &files[span.file].text;
        assert!(text.get(span.range()).is_some(), "{span:?} of {} bytes: {}", text.len(), finding.message);
        let before = text.split('\n').nth(line - 1).map(|line| line.chars().count());
        assert!(before.is_some_and(|most| column <= most + 1), "{line}:{column} is outside: {}", finding.message);
    }
}
