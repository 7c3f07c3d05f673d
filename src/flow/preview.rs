//! Preview: what would happen to a body, with nothing stored and nobody called.

use std::sync::atomic::AtomicBool;

use crate::domain::event::Event;
use crate::domain::request::{Fields, Request};
use crate::domain::source::SourceConfig;
use crate::domain::time::Timestamp;
use crate::rules::coverage::{self, Coverage};
use crate::rules::mutate::{self, Mutation, Unready};
use crate::rules::nearest::{Budget, nearest};
use crate::rules::{
    self, Catalog, Checked, Depth, Explanation, RuleFile, RuleTest, TestReport, check_with, explain, find_parts,
    run_tests,
};
use crate::sources::{self, ReadError, Verified};

/// Explains each event of a body, rule by rule, with the nearest misses: of so many rules for each event.
pub fn explain_body(
    catalog: &Catalog,
    source: &SourceConfig,
    body: &[u8],
    at: Timestamp,
    most: usize,
) -> Result<Vec<Explanation>, ReadError> {
    let verified = Verified::by_operator(request(body, at));
    let json = sources::json_body(source, &verified)?;
    let reading = sources::read(source, &verified, &json)?;
    let mut budget = Budget::default();
    let explained = reading.events.into_iter().map(|mut event| {
        let faults = find_parts(catalog, &mut event);
        let mut explanation = explain(catalog, &event);
        nearest(catalog, &event, &mut explanation, most, &mut budget);
        explanation.decision.faults.splice(0..0, faults);
        explanation
    });
    Ok(explained.collect())
}

/// Runs the tests of a rule set; raw requests go through their source's own reader.
pub fn test(catalog: &Catalog, tests: &[RuleTest]) -> TestReport {
    run_tests(catalog, tests, &read)
}

/// Runs the tests, and tells what they show of the set.
pub fn cover(catalog: &Catalog, files: &[RuleFile], tests: &[RuleTest]) -> (TestReport, Coverage) {
    coverage::cover(catalog, files, tests, &read)
}

/// Changes one thing in the rules at a time, and tells which changes no test notices.
pub fn mutate(
    files: &[RuleFile],
    tests: &[RuleTest],
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Mutation, Unready> {
    mutate::mutate(files, tests, &read, progress)
}

/// Checks a set with all that its rules mean together, and sees which of them its tests reach.
pub fn check(files: &[RuleFile]) -> Checked {
    check_with(files, Depth::Tests(&read))
}

/// The same for somebody who may lose interest: once `stop` is set it ends soon, and what it gives is of no use.
pub fn check_until(files: &[RuleFile], stop: &AtomicBool) -> Checked {
    rules::check_until(files, Depth::Tests(&read), stop)
}

/// A raw body as a test's `request` hands it over: read by its source's own reader, without headers and query.
pub fn read(
    source: &SourceConfig,
    body: &[u8],
    at: Timestamp,
    events: &mut dyn FnMut(&mut [Event<'_>]),
) -> Result<(), String> {
    let verified = Verified::by_operator(request(body, at));
    let told = |error: ReadError| error.to_string();
    let json = sources::json_body(source, &verified).map_err(told)?;
    events(&mut sources::read(source, &verified, &json).map_err(told)?.events);
    Ok(())
}

fn request(body: &[u8], received_at: Timestamp) -> Request<'_> {
    Request { method: "POST", url: "", query: "", headers: Fields::default(), body, peer: None, received_at }
}
