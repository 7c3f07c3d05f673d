//! Mermaid's own reader takes what `graph` draws, and finds in it what we meant.

use std::cell::RefCell;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tagrelay::rules::graph::{Graph, Part, graph};
use tagrelay::rules::{self, RuleFile};

use super::driver::Driver;

fn drawn(files: &[RuleFile]) -> Graph {
    let checked = rules::check(files);
    let told = || rules::report::text(&checked.findings, files, false);
    graph(checked.catalog.as_ref().unwrap_or_else(|| panic!("{}", told())), &Part::default())
}

fn read(graph: &Graph, driver: &mut Driver) -> Value {
    let text = graph.mermaid();
    let read = driver.ask(&json!({ "op": "read", "text": text }));
    assert!(read["fault"].is_null(), "{read}\n{text}");
    read
}

#[test]
fn the_example_is_drawn_whole() {
    let graph = drawn(&rules::read_dir(Path::new("rules")).expect("the example"));
    let read = read(&graph, &mut Driver::diagrams());
    for (place, rule) in graph.rules.iter().enumerate() {
        assert_eq!(read["nodes"][format!("r{place}")][0], json!(rule.id), "{read}");
    }
    let named = graph.rules.iter().filter(|rule| !rule.any_source).map(|rule| rule.sources.len()).sum::<usize>();
    let any = graph.rules.iter().filter(|rule| rule.any_source).count();
    let effects: usize = graph.rules.iter().map(|rule| rule.effects.len()).sum();
    assert_eq!(read["edges"].as_array().map(Vec::len), Some(named + any + effects), "{read}");
    assert_eq!(read["groups"]["f0"], json!(["rules/1-opt-out.yaml"]));
}

/// Words and signs that mean something to Mermaid, to Markdown, to HTML or in quotes.
fn word() -> impl Strategy<Value = String> {
    let meant = [
        "\"",
        "#",
        ";",
        "#35;",
        "#quot;",
        "&",
        "&amp;",
        "<",
        ">",
        "<br/>",
        "`",
        "*",
        "_",
        "~",
        "%%",
        "%%{init: {}}%%",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "|",
        "\\",
        "-->",
        "---",
        "1. ",
        "- ",
        "end",
        "subgraph",
        "style a:#f;",
        "classDef",
        "click",
        "@",
        "$",
        "$$",
        "^",
        "=",
        ":::",
        "é",
        "¿",
        "€",
        "日本",
        "👩‍👩‍👧",
        "a",
        "Z",
        "7",
        " ",
    ];
    prop::collection::vec(prop::sample::select(meant.to_vec()), 1..6).prop_map(|parts| parts.concat())
}

#[test]
fn whatever_a_tag_an_intent_or_a_file_is_called_stands_there_as_it_is() {
    let driver = RefCell::new(Driver::diagrams());
    let mut runner = TestRunner::new(Config { cases: 192, failure_persistence: None, ..Config::default() });
    let judged = runner.run(&(word(), word(), word()), |(tag, intent, folder)| {
        prop_assume!(!tag.trim().is_empty() && !intent.is_empty());
        prop_assume!(tag.chars().count() < 40 && intent.chars().count() < 40 && folder.chars().count() < 40);
        prop_assume!(!tag.contains("{{"));
        let text = json!({
            "sources": { "web": { "kind": "dialogflow-es", "auth": [{ "bearer": "env:T" }], "contact": "7" } },
            "connections": { "crm": { "provider": "helpcrunch", "api_key": "env:K" } },
            "rules": [{ "id": "r", "match": { "intent": intent }, "tag": { "crm": { "add": [tag] } } }],
        });
        let path = format!("{folder}.yaml");
        let graph = drawn(&[RuleFile { path: path.clone(), text: text.to_string() }]);
        let read = read(&graph, &mut driver.borrow_mut());
        // White space is one space to whoever shows it.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = |at: &Value| words(at.as_str().unwrap_or_else(|| panic!("{read}")));
        prop_assert_eq!(shown(&read["nodes"]["r0"][1]), words(&format!("intent {intent}")));
        prop_assert_eq!(shown(&read["edges"][1][2][0]), words(&format!("add {tag}")));
        prop_assert_eq!(shown(&read["groups"]["f0"][0]), words(&path));
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}
