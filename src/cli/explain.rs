//! `tagrelay explain`: what would happen to a body, rule by rule, with the nearest miss.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::out::say_line;
use super::{Format, NO, WRONG, fail, ruleset, settings};
use crate::clock;
use crate::domain::change::{Change, Effect};
use crate::domain::duration::format_duration;
use crate::domain::source::SourceKind;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::flow::preview;
use crate::rules::nearest::NEAREST;
use crate::rules::{Catalog, Explanation};

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
    /// When it would be received, as 2026-03-02T15:00:00-05:00 [default: now].
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Tell of every rule that nearly matched, and not of the nearest three alone.
    #[arg(long)]
    all: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a time with its zone: 2026-03-02T15:00:00-05:00".to_owned())
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
    let most = if args.all { usize::MAX } else { NEAREST };
    let events = preview::explain_body(&catalog, source, &body, args.at.unwrap_or_else(clock::now), most)
        .map_err(|error| fail(NO, &format!("{}: the body can't be read: {error}", args.file.display())))?;
    match args.format {
        Format::Text => {
            for (place, event) in events.iter().enumerate() {
                if events.len() > 1 {
                    say_line!("{}event {} of {}", if place > 0 { "\n" } else { "" }, place + 1, events.len());
                }
                show(event, source.kind, &catalog);
            }
        }
        Format::Json => say_line!("{}", super::pretty(&serde_json::json!({ "events": events }))),
    }
    if events.is_empty() {
        return Err(fail(WRONG, "there is no event in this body"));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(explanation: &Explanation, kind: SourceKind, catalog: &Catalog) {
    let (good, bad) = (
        Style::new().fg_color(Some(AnsiColor::Green.into())).bold(),
        Style::new().fg_color(Some(AnsiColor::Red.into())),
    );
    let (dim, near) = (Style::new().dimmed(), Style::new().fg_color(Some(AnsiColor::Yellow.into())));
    for (name, part) in explanation.event.parts() {
        say_line!("{dim}{name:8}{dim:#} {part:?}");
    }
    if explanation.event.parts().next().is_some() {
        say_line!("");
    }
    for verdict in &explanation.rules {
        let place = format!("{}:{}", verdict.file, verdict.line);
        match (&verdict.matched, &verdict.miss) {
            (true, _) => say_line!("{good}matched{good:#}  {}  {dim}{place}{dim:#}", verdict.id),
            (false, miss) => {
                let why = miss.as_ref().map_or(String::new(), |miss| format!("{}: {}", miss.at, miss.message));
                say_line!("no       {}  {dim}{place}{dim:#}\n           {why}", verdict.id);
                if let Some(nearest) = &verdict.nearest {
                    say_line!("           {near}nearly{near:#}: {nearest}");
                }
            }
        }
        for fault in &verdict.faults {
            say_line!("           {bad}fault{bad:#} in {}: {}", fault.at, fault.message);
        }
    }
    let decision = &explanation.decision;
    // What went wrong beside the rules: where the source finds the parts of an event, and in RB_ parameters.
    for fault in decision.faults.iter().filter(|fault| explanation.rules.iter().all(|rule| rule.id != fault.rule)) {
        say_line!("{bad}fault{bad:#} in {}, {}: {}", fault.rule, fault.at, fault.message);
    }
    say_line!("");
    for contact in &decision.tags_changed {
        say_line!("forget what is known of the tags at {} of {}", contact.connection, contact.reference);
    }
    for change in &decision.changes {
        say_line!("{}  ({}{})", wanted(change), change.rule, guard(change));
        if let Some(why) = change.refused() {
            say_line!("           {bad}dead letter{bad:#}: {why}");
        } else if catalog.connections().any(|config| config.name == change.contact.connection && config.dry_run) {
            say_line!("           {dim}only recorded: {} is on `dry_run`{dim:#}", change.contact.connection);
        }
    }
    match decision.reply.as_ref().map(super::pretty) {
        Some(reply) => say_line!("reply  {reply}"),
        None if kind.traits().has_agent => say_line!("no reply: the agent's own answer stays"),
        None => say_line!("no reply"),
    }
    if decision.changes.is_empty() {
        say_line!("no change");
    }
}

/// `add    "Lead" at crm for id:17`
fn wanted(change: &Change) -> String {
    let (word, contact) = (change.effect.word(), &change.contact);
    let subject = match &change.effect {
        Effect::AddTag(tag) | Effect::RemoveTag(tag) => format!("{:?}", tag.as_str()),
        Effect::Set { field, value } => format!("{field:?} = {}", value.json().text()),
        Effect::Forward { body } => return format!("{word} {} at {}", body.json().text(), contact.connection),
    };
    format!("{word:6} {subject} at {} for {}", contact.connection, contact.reference)
}

/// What its rule and its connection say of it beside its effect.
fn guard(change: &Change) -> String {
    let list = |name: &str, tags: Vec<&TagName>| match tags.as_slice() {
        [] => String::new(),
        tags => format!(", {name} {}", tags.iter().map(|t| format!("{:?}", t.as_str())).collect::<Vec<_>>().join(", ")),
    };
    let terms = change.terms.as_deref();
    let time = |name: &str, millis: Option<u64>| match millis {
        Some(millis) => format!(", {name} {}", format_duration(Duration::from_millis(millis))),
        None => String::new(),
    };
    let unless = change.guard.unless_tagged.iter().chain(terms.map(|terms| &terms.unless).into_iter().flatten());
    [
        time("for", terms.and_then(|terms| terms.lasts_ms)),
        time("once", terms.and_then(|terms| terms.once_ms)),
        list("if_tagged", change.guard.if_tagged.iter().collect()),
        list("unless_tagged", unless.collect()),
    ]
    .concat()
}
