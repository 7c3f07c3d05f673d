//! Running tests.

use std::collections::HashSet;

use serde::Serialize;

use super::expect::Came;
use super::model::{Fate, People};
use super::{RuleTest, Step, Trigger};
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::name::RuleId;
use crate::domain::source::SourceConfig;
use crate::domain::time::Timestamp;
use crate::rules::catalog::Catalog;
use crate::rules::decide::decide_for;
use crate::rules::files::read_body;
use crate::rules::finder::find_parts;
use crate::rules::record::Record;

/// Reads a raw body by its source's own parser: hands over its events, or says why it can't.
pub type BodyReader<'r> =
    dyn Fn(&SourceConfig, &[u8], Timestamp, &mut dyn FnMut(&mut [Event<'_>])) -> Result<(), String> + Sync + 'r;

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
    let tests: Vec<_> = tests.iter().map(|test| run(catalog, test, read_body, None)).collect();
    summed(tests)
}

/// Puts the results together.
pub fn summed(tests: Vec<TestResult>) -> TestReport {
    let passed = tests.iter().filter(|test| test.passed).count();
    TestReport { passed, failed: tests.len() - passed, tests }
}

/// The rules that match somewhere in these tests, whatever the tests expect.
pub fn reached(catalog: &Catalog, tests: &[RuleTest], read_body: &BodyReader<'_>) -> HashSet<RuleId> {
    let mut rules = HashSet::new();
    for test in tests {
        let mut people = People::tagged(&test.tagged);
        let mut now = test.at;
        for step in &test.steps {
            now = now.plus(step.after);
            // A body that can't be read reaches nothing; `tagrelay test` says why.
            rules
                .extend(take(catalog, step, now, &mut people, read_body, None).into_iter().flat_map(|came| came.rules));
        }
    }
    rules
}

/// Runs one test; what rules come to is noted in `record`.
pub fn run(catalog: &Catalog, test: &RuleTest, read_body: &BodyReader<'_>, record: Option<&Record>) -> TestResult {
    let mut people = People::tagged(&test.tagged);
    let (mut differences, mut faults) = (Vec::new(), Vec::new());
    let mut now = test.at;
    for (index, step) in test.steps.iter().enumerate() {
        now = now.plus(step.after);
        let found = match take(catalog, step, now, &mut people, read_body, record) {
            Ok(came) => {
                let found = step.expect.differences(&came);
                faults.extend(came.faults);
                found
            }
            Err(problem) => vec![problem],
        };
        let place = if test.steps.len() > 1 { format!("step {}: ", index + 1) } else { String::new() };
        differences.extend(found.into_iter().map(|difference| format!("{place}{difference}")));
    }
    TestResult {
        name: test.name.clone(),
        file: test.file.clone(),
        line: test.line,
        passed: differences.is_empty(),
        differences,
        faults,
    }
}

/// One step at a time of the test's own clock.
fn take(
    catalog: &Catalog,
    step: &Step,
    now: Timestamp,
    people: &mut People,
    reader: &BodyReader<'_>,
    record: Option<&Record>,
) -> Result<Came, String> {
    let mut came = Came::default();
    people.pass(now, &mut came.outcome);
    let mut add = |decision: Decision, faults: Vec<Fault>| {
        let made = record.map(Record::take_made).unwrap_or_default();
        people.apply(&decision.changes, now, &mut came.outcome, |index, fate| {
            if let (Some(record), Some(made)) = (record, made.get(index)) {
                match fate {
                    Fate::Judged(allowed) => record.judged(*made, allowed),
                    Fate::Done => record.done(*made),
                }
            }
        });
        came.rules.extend(decision.rules);
        came.faults.extend(faults.into_iter().chain(decision.faults));
        came.reply = came.reply.take().or(decision.reply);
    };
    match &step.trigger {
        None => {}
        Some(Trigger::Event(event)) => {
            add(decide_for(catalog, &event.event(now), event.contact.as_deref(), record), Vec::new());
        }
        Some(Trigger::Request { source, body }) => {
            let config = catalog.source(source.as_str()).ok_or_else(|| format!("there is no source {source}"))?;
            let bytes = read_body(body).map_err(|error| format!("the body can't be read: {error}"))?;
            let read = reader(config, &bytes, now, &mut |events| {
                for event in events {
                    let faults = find_parts(catalog, event);
                    add(decide_for(catalog, event, None, record), faults);
                }
            });
            read.map_err(|problem| format!("{}: {problem}", body.display()))?;
        }
    }
    Ok(came)
}
