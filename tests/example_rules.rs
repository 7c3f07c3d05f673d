//! The example rule set checks clean, passes its tests, and stands beside a current schema.

use std::path::Path;

use tagrelay::flow::preview;
use tagrelay::rules;

fn example() -> Vec<rules::RuleFile> {
    rules::read_dir(Path::new("rules")).expect("the example rule set")
}

#[test]
fn the_example_checks_clean_and_passes() {
    let files = example();
    let checked = rules::inspect(&files);
    assert!(checked.findings.is_empty(), "{}", rules::report::text(&checked.findings, &files, false));
    let catalog = checked.catalog.expect("a catalog");
    let report = preview::test(&catalog, &checked.tests);
    let failed: Vec<_> = report.tests.iter().filter(|test| !test.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.passed, 17);
    assert!(report.tests.iter().all(|test| test.faults.is_empty()), "{:#?}", report.tests);
}

#[test]
fn every_example_file_points_editors_to_the_schema() {
    for file in example() {
        assert!(file.text.starts_with("# yaml-language-server: $schema=tagrelay.schema.json\n"), "{}", file.path);
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new("rules/tagrelay.schema.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&rules::schema()).expect("JSON"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &current).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == current, "UPDATE_GOLDEN=1 cargo nextest run writes it anew");
}
