//! Running tests.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ExpectedReply, RuleTest, TagSets, Trigger};
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::source::SourceConfig;
use crate::domain::time::Timestamp;
use crate::rules::catalog::Catalog;
use crate::rules::decide::{decide, decide_for};
use crate::rules::files::read_body;

/// Reads a raw body by its source's own parser: hands over its events, or says why it can't.
pub type BodyReader<'r> =
    dyn Fn(&SourceConfig, &[u8], Timestamp, &mut dyn FnMut(&[Event<'_>])) -> Result<(), String> + 'r;

/// What became of all tests.
#[derive(Debug, Clone, Serialize)]
pub struct TestReport {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// Each of them, in the order of the files.
    pub tests: Vec<TestResult>,
}

/// What became of one test.
#[derive(Debug, Clone, Serialize)]
pub struct TestResult {
    /// What it proves.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// Whether all was as expected.
    pub passed: bool,
    /// What wasn't.
    pub differences: Vec<String>,
    /// What went wrong in rules on the way; that alone fails no test.
    pub faults: Vec<Fault>,
}

/// Runs tests against a set.
pub fn run_tests(catalog: &Catalog, tests: &[RuleTest], read_body: &BodyReader<'_>) -> TestReport {
    let tests: Vec<_> = tests.iter().map(|test| run(catalog, test, read_body)).collect();
    let passed = tests.iter().filter(|test| test.passed).count();
    TestReport { passed, failed: tests.len() - passed, tests }
}

fn run(catalog: &Catalog, test: &RuleTest, read_body: &BodyReader<'_>) -> TestResult {
    let (differences, faults) = match outcome(catalog, test, read_body) {
        Ok(decision) => (differences(test, &decision), decision.faults),
        Err(problem) => (vec![problem], Vec::new()),
    };
    TestResult {
        name: test.name.clone(),
        file: test.file.clone(),
        line: test.line,
        passed: differences.is_empty(),
        differences,
        faults,
    }
}

fn outcome(catalog: &Catalog, test: &RuleTest, reader: &BodyReader<'_>) -> Result<Decision, String> {
    let (source, path) = match &test.trigger {
        Trigger::Event(event) => {
            return Ok(decide_for(catalog, &event.event(test.at), event.contact.as_deref()));
        }
        Trigger::Request { source, body } => (source, body),
    };
    let config = catalog.source(source.as_str()).ok_or_else(|| format!("there is no source {source}"))?;
    let bytes = read_body(path).map_err(|error| format!("the body can't be read: {error}"))?;
    let mut whole = Decision::default();
    reader(config, &bytes, test.at, &mut |events| {
        for event in events {
            let decision = decide(catalog, event);
            whole.rules.extend(decision.rules);
            whole.changes.extend(decision.changes);
            whole.faults.extend(decision.faults);
            whole.reply = whole.reply.take().or(decision.reply);
        }
    })
    .map_err(|problem| format!("{}: {problem}", path.display()))?;
    Ok(whole)
}

fn differences(test: &RuleTest, decision: &Decision) -> Vec<String> {
    let mut differences = Vec::new();
    if let Some(expected) = &test.expect.rules {
        let (wanted, found): (BTreeSet<_>, BTreeSet<_>) = (expected.iter().collect(), decision.rules.iter().collect());
        if wanted != found {
            differences.push(format!("rules: expected {}, and there came {}", list(&wanted), list(&found)));
        }
    }
    if let Some(expected) = &test.expect.tags {
        let found = TagSets::remaining(&decision.changes, &test.tagged);
        if *expected != found {
            differences.push(format!("tag: expected {expected}, and there came {found}"));
        }
    }
    if let Some(expected) = &test.expect.reply {
        let expected = match expected {
            ExpectedReply::Nothing => None,
            ExpectedReply::Reply(reply) => Some(reply),
        };
        let found = decision.reply.as_ref().and_then(|reply| serde_json::to_value(reply).ok());
        if expected != found.as_ref() {
            let (expected, found) = (shown(expected), shown(found.as_ref()));
            differences.push(format!("reply: expected {expected}, and there came {found}"));
        }
    }
    differences
}

fn list(rules: &BTreeSet<impl std::fmt::Display>) -> String {
    let names: Vec<_> = rules.iter().map(ToString::to_string).collect();
    format!("[{}]", names.join(", "))
}

fn shown(reply: Option<&serde_json::Value>) -> String {
    match reply {
        None => "none".to_owned(),
        Some(reply) => match (reply.get("text"), reply.as_object().map(serde_json::Map::len)) {
            (Some(text), Some(1)) => text.to_string(),
            _ => reply.to_string(),
        },
    }
}
