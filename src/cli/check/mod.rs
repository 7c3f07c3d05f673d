//! `tagrelay check`: every problem of a rule set at once.

mod fix;
mod since;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::out::{say, say_line};
use super::{NO, WRONG, fail, settings};
use crate::flow::preview;
use crate::rules::{self, Checked, Code, Finding, RuleFile, Severity, report};
use since::Changes;

/// Find every problem of a rule set, each with its place and the mend.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay check\n  tagrelay check rules --strict --format github\n  tagrelay check rules --fix\n  tagrelay check rules --since origin/main\n  tagrelay check --explain W110\n\nStatus 0: clean. Status 1: there is an error (with --strict: or a warning; with --diff: or a mend)."
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
    /// Mend what can be mended without a question, and tell of the rest.
    #[arg(long)]
    fix: bool,
    /// Show what --fix would change, and change nothing.
    #[arg(long, conflicts_with_all = ["fix", "format"])]
    diff: bool,
    /// Tell only of warnings on lines that changed since this revision of Git; errors are told wherever they are.
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Explain a code: what it means, why it matters, wrong and right.
    #[arg(long, value_name = "CODE", exclusive = true)]
    explain: Option<String>,
}

/// How findings are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
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
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let path = args.path.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let files = rules::read_dir(&path).map_err(|error| fail(WRONG, &error.to_string()))?;
    if args.diff {
        return Ok(fix::show(&files));
    }
    let (files, mut checked) = if args.fix {
        // Lines of a script's format stand alone on standard output.
        fix::carry_out(&files, args.format == Format::Text)?
    } else {
        let checked = preview::check(&files);
        (files, checked)
    };
    let elsewhere = match &args.since {
        Some(revision) => Changes::since(revision, &path)?.keep(&mut checked.findings, &files),
        None => 0,
    };
    tell(args, &path, &files, &checked);
    if let (Some(revision), 1.., Format::Text) = (&args.since, elsewhere, args.format) {
        say_line!("{elsewhere} more on lines that are as they were at {revision}");
    }
    let count = |severity| count(&checked.findings, severity);
    let clean =
        checked.catalog.is_some() && count(Severity::Error) == 0 && (count(Severity::Warning) == 0 || !args.strict);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.waived.is_none() && finding.severity == severity).count()
}

fn tell(args: &Args, path: &Path, files: &[RuleFile], checked: &Checked) {
    let findings = &checked.findings;
    match args.format {
        Format::Text => {
            let waived = findings.iter().filter(|finding| finding.waived.is_some()).count();
            if waived < findings.len() {
                say!("{}", report::text(findings, files, true));
            }
            let rules = checked.catalog.as_ref().map_or(0, rules::Catalog::rule_count);
            let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
            let read = counted(files.len(), "file");
            let left = if waived > 0 { format!(", {waived} waived") } else { String::new() };
            if waived == findings.len() {
                let (rules, tests) = (counted(rules, "rule"), counted(checked.tests.len(), "test"));
                say_line!("{}: clean ({read}, {rules}, {tests}{left})", path.display());
            } else {
                say_line!("{}: {read} checked", path.display());
            }
        }
        Format::Json => say_line!("{}", report::json(findings)),
        Format::Github => say!("{}", report::github(findings)),
        Format::Sarif => say_line!("{}", report::sarif(findings)),
    }
}

fn explain(code: &str) -> Result<ExitCode, ExitCode> {
    let Some(page) = Code::named(code).and_then(rules::page) else {
        let codes: Vec<_> = Code::ALL.iter().map(|code| code.row().code).collect();
        return Err(fail(WRONG, &format!("there is no code {code:?}; there are: {}", codes.join(", "))));
    };
    say_line!("{page}");
    Ok(ExitCode::SUCCESS)
}
