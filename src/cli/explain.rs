//! `tagrelay explain`: what would happen to a body, rule by rule, with the nearest miss.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::out::say_line;
use super::{Format, NO, WRONG, fail, ruleset, settings};
use crate::clock;
use crate::flow::preview;
use crate::rules::Explanation;

/// Show what would happen to a body, rule by rule, with the first condition that failed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tagrelay explain --source website-bot rules/fixtures/es-pricing.json")]
pub struct Args {
    /// The source that the body would come through.
    #[arg(long, value_name = "NAME")]
    source: String,
    /// The file with the body; `-` for standard input.
    file: PathBuf,
    /// The directory with the rules [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Explains.
pub fn run(args: &Args) -> ExitCode {
    explain(args).unwrap_or_else(|status| status)
}

fn explain(args: &Args) -> Result<ExitCode, ExitCode> {
    let path = args.rules.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let (catalog, _) = ruleset::clean(&path)?;
    let source = ruleset::source(&catalog, &args.source, &path)?;
    let body = ruleset::body(&args.file)?;
    let events = preview::explain_body(&catalog, source, &body, clock::now())
        .map_err(|error| fail(NO, &format!("{}: the body can't be read: {error}", args.file.display())))?;
    match args.format {
        Format::Text => events.iter().for_each(show),
        Format::Json => say_line!("{}", super::pretty(&serde_json::json!({ "events": events }))),
    }
    if events.is_empty() {
        return Err(fail(WRONG, "there is no event in this body"));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(explanation: &Explanation) {
    let (good, bad) = (
        Style::new().fg_color(Some(AnsiColor::Green.into())).bold(),
        Style::new().fg_color(Some(AnsiColor::Red.into())),
    );
    let dim = Style::new().dimmed();
    for verdict in &explanation.rules {
        let place = format!("{}:{}", verdict.file, verdict.line);
        match (&verdict.matched, &verdict.miss) {
            (true, _) => say_line!("{good}matched{good:#}  {}  {dim}{place}{dim:#}", verdict.id),
            (false, miss) => {
                let why = miss.as_ref().map_or(String::new(), |miss| format!("{}: {}", miss.at, miss.message));
                say_line!("no       {}  {dim}{place}{dim:#}\n           {why}", verdict.id);
            }
        }
        for fault in &verdict.faults {
            say_line!("           {bad}fault{bad:#} in {}: {}", fault.at, fault.message);
        }
    }
    let decision = &explanation.decision;
    say_line!("");
    for change in &decision.changes {
        let wanted = change.effect.word();
        let guard = guard(&change.guard);
        say_line!(
            "{wanted:6} {:?} at {} for {}  ({}{guard})",
            change.effect.subject(),
            change.contact.connection,
            change.contact.reference,
            change.rule
        );
    }
    match decision.reply.as_ref().map(super::pretty) {
        Some(reply) => say_line!("reply  {reply}"),
        None => say_line!("no reply: the platform's own answer stays"),
    }
    if decision.changes.is_empty() {
        say_line!("no change");
    }
}

fn guard(guard: &crate::domain::change::Guard) -> String {
    let list = |name: &str, tags: &[crate::domain::tag::TagName]| match tags {
        [] => String::new(),
        tags => format!(", {name} {}", tags.iter().map(|t| format!("{:?}", t.as_str())).collect::<Vec<_>>().join(", ")),
    };
    list("if_tagged", &guard.if_tagged) + &list("unless_tagged", &guard.unless_tagged)
}
