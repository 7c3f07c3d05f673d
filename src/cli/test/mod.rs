//! `tagrelay test`: runs the tests beside the rules, and tells what they show and what they would let pass.

mod coverage;
mod mutation;

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::out::say_line;
use super::{Format, NO, WRONG, fail, ruleset, settings};
use crate::flow::preview;
use crate::rules::coverage::Coverage;
use crate::rules::mutate::Mutation;
use crate::rules::{self, TestReport};

/// Run the tests of a rule set.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay test rules\n  tagrelay test rules --coverage --min 90 --html coverage.html\n  tagrelay test rules --mutate\n\nStatus 0: all passed. Status 1: one failed, or the set isn't clean, or there is no test, or less than `--min` is reached."
)]
pub struct Args {
    /// The directory or file [default: `TAGRELAY_RULES`, else rules].
    path: Option<PathBuf>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tell which rules, parts of conditions, effects and replies no test shows.
    #[arg(long)]
    coverage: bool,
    /// Write the coverage as a page to this file.
    #[arg(long, value_name = "FILE", requires = "coverage")]
    html: Option<PathBuf>,
    /// Change one thing in the rules at a time, and tell which changes no test notices.
    #[arg(long)]
    mutate: bool,
    /// The least that must be covered, or noticed, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    min: Option<f64>,
}

fn percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok().filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// Whether it is enough; if not, it is told.
fn reaches(what: &str, (part, whole): (usize, usize), least: Option<f64>) -> bool {
    let Some(least) = least.filter(|least| !rules::coverage::reaches(part, whole, *least)) else { return true };
    fail(NO, &format!("{} {what}, and at least {least}% must be", rules::coverage::percent(part, whole)));
    false
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    report: &'a TestReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a Coverage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutation: Option<&'a Mutation>,
}

/// Runs, and prints what differs.
pub fn run(args: &Args) -> ExitCode {
    test(args).unwrap_or_else(|status| status)
}

fn test(args: &Args) -> Result<ExitCode, ExitCode> {
    if args.min.is_some() && !args.coverage && !args.mutate {
        return Err(fail(WRONG, "`--min` is the least of what `--coverage` or `--mutate` counts; give one of them"));
    }
    let path = args.path.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let (files, catalog, tests) = ruleset::clean_files(&path)?;
    if tests.is_empty() {
        return Err(fail(NO, &format!("{}: there are no tests; they stand in *.test.yaml files", path.display())));
    }
    let (report, coverage) = if args.coverage {
        let (report, coverage) = preview::cover(&catalog, &files, &tests);
        (report, Some(coverage))
    } else {
        (preview::test(&catalog, &tests), None)
    };
    if let (Some(coverage), Some(path)) = (&coverage, &args.html) {
        coverage::write(coverage, &files, path)?;
    }
    let is_text = matches!(args.format, Format::Text);
    if is_text {
        show(&report);
        coverage.iter().for_each(coverage::show);
    }
    // What a failing test would notice nobody can say.
    let mutation = if args.mutate && report.failed == 0 { Some(mutation::run(&files, &tests)?) } else { None };
    if is_text {
        mutation.iter().for_each(mutation::show);
    } else {
        let answer = Answer { report: &report, coverage: coverage.as_ref(), mutation: mutation.as_ref() };
        say_line!("{}", super::pretty(&answer));
    }
    let mut enough = report.failed == 0;
    if let Some(Coverage { covered, total, .. }) = coverage {
        enough &= reaches("covered", (covered, total), args.min);
    }
    if let Some(Mutation { noticed, total, .. }) = mutation {
        enough &= reaches("noticed", (noticed, total), args.min);
    }
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn show(report: &TestReport) {
    let (good, bad) = (
        Style::new().fg_color(Some(AnsiColor::Green.into())),
        Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
    );
    for test in &report.tests {
        if test.passed {
            say_line!("{good}pass{good:#}  {}", test.name);
        } else {
            say_line!("{bad}FAIL{bad:#}  {}  ({}:{})", test.name, test.file, test.line);
        }
        for difference in &test.differences {
            say_line!("      {difference}");
        }
        for fault in &test.faults {
            say_line!("      fault in {}, {}: {}", fault.rule, fault.at, fault.message);
        }
    }
    say_line!("{} passed, {} failed", report.passed, report.failed);
}
