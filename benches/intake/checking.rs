//! How long a person waits for `tagrelay check`, `tagrelay test` and its `--mutate`, each a process of its own from its start to its end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::meeting;
use crate::options::Options;
use crate::report::{Report, Wanted};
use crate::rounds::median;
use crate::shapes::{SOURCE, rule_files};
use crate::world::{FOLDER, PROGRAM};
use crate::{Outcome, guard};

/// How many rules, each with a test, and the seconds that either command may take.
const SIZES: [(usize, f64); 2] = [(1_000, 1.0), (10_000, 10.0)];

/// How many rules, each with three to five tests, and the seconds that trying every change of them may take.
const MUTATED: (usize, f64) = (200, 10.0);
/// Writes a set of so many rules.
type Set = fn(usize) -> String;

/// Sets in which many pairs of rules have to be looked at.
const MEETING: [(&str, Set); 3] = [
    ("told apart by ranges", meeting::neighbours),
    ("told apart two by two over one tag", meeting::apart),
    ("contradicting each other over one tag", meeting::clashing),
];

/// How many rules they have.
const MOST_MEETING: usize = 1_000;

/// Tests in one file.
const TESTS_A_FILE: usize = 250;

/// Checks and tests rule sets of each size.
pub fn check(options: &Options, report: &mut Report) -> Outcome<()> {
    for (rules, seconds) in SIZES {
        let rules = if options.quick { rules / 100 } else { rules };
        let folder = tempfile::Builder::new().prefix("tagrelay-bench-").tempdir_in(FOLDER)?;
        guard::tell(&format!("folder {}", folder.path().display()));
        write(folder.path(), rules)?;
        // What each says of a set that it took whole.
        let commands =
            [("check", format!("{rules} rules, {rules} tests)")), ("test", format!("{rules} passed, 0 failed"))];
        for (command, said) in commands {
            let times: Outcome<Vec<f64>> = (0..options.rounds).map(|_| run(&[command], folder.path(), &said)).collect();
            let name = format!("{command}, {rules} rules with a test each");
            report.judge(&name, median(times?), "s", Wanted::Below(seconds), None);
        }
    }
    for (what, set) in MEETING {
        let rules = if options.quick { MOST_MEETING / 10 } else { MOST_MEETING };
        let folder = tempfile::Builder::new().prefix("tagrelay-bench-").tempdir_in(FOLDER)?;
        guard::tell(&format!("folder {}", folder.path().display()));
        std::fs::write(folder.path().join("rules.yaml"), set(rules))?;
        let times: Outcome<Vec<f64>> = (0..options.rounds).map(|_| run(&["check"], folder.path(), "")).collect();
        report.judge(&format!("check, {rules} rules that meet: {what}"), median(times?), "s", Wanted::Below(2.0), None);
    }
    report.check("every rule was checked and every test passed".to_owned());
    mutate(options, report)
}

/// Changes one thing at a time in rules with tests from both sides of each border.
fn mutate(options: &Options, report: &mut Report) -> Outcome<()> {
    let (rules, seconds) = MUTATED;
    let folder = tempfile::Builder::new().prefix("tagrelay-bench-").tempdir_in(FOLDER)?;
    write(folder.path(), rules)?;
    let borders: String = (0..rules).map(borders).collect();
    std::fs::write(folder.path().join("borders.test.yaml"), format!("tests:\n{borders}"))?;
    let times: Outcome<Vec<f64>> =
        (0..options.rounds).map(|_| run(&["test", "--mutate"], folder.path(), "changes noticed, 100.0%")).collect();
    let name = format!("test --mutate, {rules} rules with three to five tests each");
    report.judge(&name, median(times?), "s", Wanted::Below(seconds), None);
    Ok(())
}

fn write(folder: &Path, rules: usize) -> Outcome<()> {
    for (name, text) in rule_files(rules, "127.0.0.1:8090").into_iter().chain(test_files(rules)) {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// Seconds of one run. A run that found something, or that did less than all, is no measurement.
fn run(command: &[&str], folder: &Path, said: &str) -> Outcome<f64> {
    let from = Instant::now();
    let output = Command::new(PROGRAM).args(command).arg(folder).env_clear().stdin(Stdio::null()).output()?;
    let seconds = from.elapsed().as_secs_f64();
    let out = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && out.trim_end().ends_with(said) {
        return Ok(seconds);
    }
    let shown: String = out.chars().take(2_000).collect();
    let command = command.join(" ");
    Err(format!("tagrelay {command} ended with {}: {shown}", output.status).into())
}

/// A test for each rule, with all that comes of it.
fn test_files(rules: usize) -> Vec<(String, String)> {
    let file = |from: usize| {
        let tests: String = (from..(from + TESTS_A_FILE).min(rules)).map(test).collect();
        (format!("rules-{from:05}.test.yaml"), format!("tests:\n{tests}"))
    };
    (0..rules).step_by(TESTS_A_FILE).map(file).collect()
}

fn test(number: usize) -> String {
    let (tag, reply) = if number % 2 == 1 {
        ("PRO".to_owned(), "Thank you! We will write to ana@example.com today.")
    } else {
        (format!("Topic {number:05}"), "Thank you! We will call you today.")
    };
    format!(
        "  - name: topic {number:05} is asked about\n    event: {{ source: {SOURCE}, intent: topic-{number:05}.ask, \
         contact: \"17\", confidence: 0.9,\n             params: {{ budget: 200, plan: pro, email: ana@example.com }} }}\n    \
         expect: {{ rules: [rule-{number:05}], tag: {{ crm: {{ add: [{tag}] }} }}, reply: {reply} }}\n"
    )
}

/// More tests of a rule: right on its borders and right below them, where it has any, and one that is nothing to it.
fn borders(number: usize) -> String {
    let test = |name: &str, budget: u32, confidence: &str, matches: bool| {
        let rules = if matches { format!("rule-{number:05}") } else { String::new() };
        format!(
            "  - name: topic {number:05}, {name}\n    event: {{ source: {SOURCE}, intent: topic-{number:05}.ask, contact: \"17\", \
             confidence: {confidence},\n             params: {{ budget: {budget}, plan: pro, email: ana@example.com }} }}\n    \
             expect: {{ rules: [{rules}] }}\n"
        )
    };
    let other = format!(
        "  - name: nothing like topic {number:05}\n    event: {{ source: {SOURCE}, intent: smalltalk-{number:05}, contact: \"17\", \
         confidence: 0.9,\n             params: {{ budget: 200 }} }}\n    expect: {{ rules: [] }}\n"
    );
    if number.is_multiple_of(2) {
        return format!("{}{other}", test("on a small budget", 1, "0.1", true));
    }
    let below =
        format!("{}{}", test("below the budget", 99, "0.5", false), test("below what is sure", 100, "0.4", false));
    format!("{}{below}{other}", test("on both borders", 100, "0.5", true))
}
