//! `tagrelay test`: runs the tests beside the rules.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::out::say_line;
use super::{Format, NO, fail, ruleset, settings};
use crate::flow::preview;
use crate::rules::TestReport;

/// Run the tests of a rule set.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay test rules\n\nStatus 0: all passed. Status 1: one failed, or the set isn't clean, or there is no test."
)]
pub struct Args {
    /// The directory or file [default: `TAGRELAY_RULES`, else rules].
    path: Option<PathBuf>,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs, and prints what differs.
pub fn run(args: &Args) -> ExitCode {
    test(args).unwrap_or_else(|status| status)
}

fn test(args: &Args) -> Result<ExitCode, ExitCode> {
    let path = args.path.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let (catalog, tests) = ruleset::clean(&path)?;
    if tests.is_empty() {
        return Err(fail(NO, &format!("{}: there are no tests; they stand in *.test.yaml files", path.display())));
    }
    let report = preview::test(&catalog, &tests);
    match args.format {
        Format::Text => show(&report),
        Format::Json => say_line!("{}", super::pretty(&report)),
    }
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) })
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
