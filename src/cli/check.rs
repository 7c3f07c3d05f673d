//! `tagrelay check`: every problem of a rule set at once.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::out::{say, say_line};
use super::{NO, ruleset, settings};
use crate::rules::{Severity, report};

/// Find every problem of a rule set, each with its place and the mend.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay check\n  tagrelay check rules --strict --format github\n\nStatus 0: clean. Status 1: there is an error (with --strict: or a warning)."
)]
pub struct Args {
    /// The directory or file [default: `TAGRELAY_RULES`, else rules].
    path: Option<PathBuf>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
}

/// How findings are written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

/// Checks, and prints what was found.
pub fn run(args: &Args) -> ExitCode {
    check(args).unwrap_or_else(|status| status)
}

fn check(args: &Args) -> Result<ExitCode, ExitCode> {
    let path = args.path.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let (files, checked) = ruleset::inspected(&path)?;
    let findings = &checked.findings;
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match args.format {
        Format::Text => {
            if !findings.is_empty() {
                say!("{}", report::text(findings, &files, true));
            }
            let rules = checked.catalog.as_ref().map_or(0, crate::rules::Catalog::rule_count);
            let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let read = counted(files.len(), "file");
            let of = format!("{read}, {}, {}", counted(rules, "rule"), counted(checked.tests.len(), "test"));
            match (errors, warnings) {
                (0, 0) => say_line!("{}: clean ({of})", path.display()),
                _ => say_line!("{}: {read} checked", path.display()),
            }
        }
        Format::Json => say_line!("{}", report::json(findings)),
        Format::Github => say!("{}", report::github(findings)),
        Format::Sarif => say_line!("{}", report::sarif(findings)),
    }
    let clean = checked.catalog.is_some() && errors == 0 && (warnings == 0 || !args.strict);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}
