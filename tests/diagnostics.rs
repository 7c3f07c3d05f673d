//! Every finding, drawn: each `tests/diagnostics/*.yaml` stands beside the `*.txt` that `check` shows for it.
//!
//! `UPDATE_GOLDEN=1` writes them anew; look at the difference before committing it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tagrelay::flow::preview;
use tagrelay::rules::{self, Code, RuleFile, report};

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("tests/diagnostics").expect("the folder of goldens");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut cases: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    cases.sort();
    cases
}

/// A case is one file, or several behind lines such as `# --- other.test.yaml`.
fn files(case: &Path) -> Vec<RuleFile> {
    let text = std::fs::read_to_string(case).expect("a case");
    let name = case.file_name().and_then(|name| name.to_str()).expect("a name");
    let mut parts = text.split("# --- ");
    let first = RuleFile { path: name.to_owned(), text: parts.next().unwrap_or_default().to_owned() };
    let others = parts.map(|part| {
        let (path, text) = part.split_once('\n').expect("a file's name and its text");
        RuleFile { path: path.to_owned(), text: text.to_owned() }
    });
    std::iter::once(first).chain(others).collect()
}

#[test]
fn findings_look_as_they_did() {
    let mut differing = Vec::new();
    for case in cases() {
        let files = files(&case);
        let drawn = report::text(&preview::check(&files).findings, &files, false);
        let golden = case.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &drawn).expect("writable");
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != drawn {
            differing.push(format!("{}:\n{drawn}", golden.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_code_has_a_golden_file() {
    let found: BTreeSet<_> =
        cases().iter().flat_map(|case| preview::check(&files(case)).findings).map(|finding| finding.code).collect();
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.row().code).collect();
    assert_eq!(all.difference(&found).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn programs_get_lines_and_columns_from_one() {
    let file = RuleFile { path: "a b/é.yaml".to_owned(), text: "rules:\n  - id: \"ñ\"\n    whn: true\n".to_owned() };
    let findings = rules::inspect(&[file]).findings;
    let json: serde_json::Value = serde_json::from_str(&report::json(&findings)).expect("JSON");
    let unknown = &json["findings"][2];
    assert_eq!(
        (&unknown["code"], &unknown["severity"], &unknown["line"], &unknown["column"]),
        (&"E005".into(), &"error".into(), &3.into(), &5.into()),
        "{json:#}"
    );
    assert_eq!(unknown["fix"]["replacement"], "when");
    let github = report::github(&findings);
    assert!(github.contains("::error file=a b/é.yaml,line=3,col=5,title=E005::"), "{github}");
    let sarif: serde_json::Value = serde_json::from_str(&report::sarif(&findings)).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][2]["ruleId"], "E005");
    assert_eq!(
        sarif["runs"][0]["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "a%20b/%C3%A9.yaml"
    );
}

/// Each costs time with the length of its file, and of its line.
#[test]
fn very_many_findings_are_told_in_time_and_the_gravest_are_drawn() {
    let faults = "{ id: r, match: { intent: ñ }, reply: x, wen: y }, ".repeat(2_000);
    let files = [RuleFile { path: "many.yaml".to_owned(), text: format!("rules: [{faults}]\n") }];
    let begun = std::time::Instant::now();
    let findings = rules::inspect(&files).findings;
    let drawn = report::text(&findings, &files, false);
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(findings.len() > 2_000 && drawn.contains(" more; the other formats tell all of them"));
    assert!(drawn.matches("error[").count() == 200, "{}", drawn.matches("error[").count());
    for (before, after) in findings.iter().zip(findings.iter().skip(1)) {
        assert!(before.span.start == after.span.start || before.column < after.column, "{before:?} {after:?}");
    }
}

/// What the examples of the pages leave out.
const BASE: [(&str, &str); 3] = [
    (
        "sources:",
        "sources:\n  bot: { kind: dialogflow-es, auth: [{ bearer: env:BOT_TOKEN }], contact: \"{{ payload.user }}\" }\n",
    ),
    (
        "connections:",
        "connections:\n  crm: { provider: helpcrunch, api_key: env:KEY }\n  sales: { provider: webhook, url: env:URL }\n",
    ),
    ("rules:", "rules:\n  - id: lead\n    match: { intent: pricing.* }\n    tag: { crm: { add: [Lead] } }\n"),
];

/// An example of a page as a set.
fn example(section: &str, kind: &str) -> Vec<RuleFile> {
    let block = section.split_once(&format!("```yaml {kind}\n")).and_then(|(_, rest)| rest.split_once("\n```"));
    let (text, _) = block.unwrap_or_else(|| panic!("{kind}: {section}"));
    let path = if text.starts_with("tests:") { "example.test.yaml" } else { "example.yaml" };
    let left_out = BASE.iter().filter(|(key, _)| !text.lines().any(|line| line.starts_with(key)));
    let base: String = left_out.map(|(_, text)| *text).collect();
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: format!("{text}\n") };
    vec![file("base.yaml", &base), file(path, text)]
}

#[test]
fn each_page_shows_what_has_its_finding_and_what_has_not() {
    for code in Code::ALL {
        let (name, section) = (code.row().code, rules::page(*code).expect("every code has a page"));
        let found = |kind| {
            let files = example(section, kind);
            let findings = preview::check(&files).findings;
            let codes: Vec<_> = findings.iter().filter(|finding| finding.waived.is_none()).map(|f| f.code).collect();
            (codes, report::text(&findings, &files, false))
        };
        let (codes, drawn) = found("wrong");
        assert!(codes.contains(&name), "{name}, wrong: {drawn}");
        let (codes, drawn) = found("right");
        assert!(codes.iter().all(|code| *code != name && code.starts_with('W')), "{name}, right: {drawn}");
    }
}
