//! `tagrelay replay`: events again, against the rules of today.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::{NO, WRONG, fail};
use super::table::Table;
use super::{Client, To, ended, items, joined, text, wanted};

/// Run events again, against the rules of today, as new events.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay replay 17\n  tagrelay replay --faulty --dry-run\n  tagrelay replay --source website-bot --since 2h"
)]
pub struct Args {
    /// This event.
    id: Option<String>,
    /// Those of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Those that this rule matched.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Those since then: a time, or how long ago (7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Those before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Those with faults that nobody has answered.
    #[arg(long)]
    faulty: bool,
    /// All that are kept.
    #[arg(long)]
    all: bool,
    /// Say how many, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    to: To,
}

/// Replays.
pub fn run(args: &Args) -> ExitCode {
    ended(replay(args))
}

fn replay(args: &Args) -> Result<(), ExitCode> {
    let texts = [("source", &args.source), ("rule", &args.rule), ("since", &args.since), ("until", &args.until)];
    let flags = [("faulty", args.faulty), ("all", args.all), ("dry_run", args.dry_run)];
    let given = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
    let set = flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), json!(true)));
    let body: serde_json::Map<String, Value> = given.chain(set).collect();
    let Some(id) = &args.id else {
        if body.keys().all(|key| key == "dry_run") {
            return Err(fail(WRONG, "name an event, give a filter, or say --all"));
        }
        return many(&Client::new(&args.to)?, &Value::Object(body));
    };
    if !body.is_empty() {
        return Err(fail(WRONG, "one event takes no filter, no --all and no --dry-run"));
    }
    let client = Client::new(&args.to)?;
    let answer = client.post(&["events", id, "replay"], &json!({}))?;
    if client.is_for_scripts(&answer) {
        return Ok(());
    }
    let new = text(&answer, "id");
    say_line!("event {new} is the replay of {id}; rules: {}", joined(&answer, "rules"));
    if answer.get("faults").and_then(Value::as_u64).unwrap_or_default() > 0 {
        say_line!("it has faults: `tagrelay events {new}` shows them");
    }
    let mut table = Table::new(&["change", "rule", "wanted", "connection", "contact"]);
    for change in items(&answer, "changes") {
        table.row(vec![
            text(change, "id").to_owned(),
            text(change, "rule").to_owned(),
            wanted(change),
            text(change, "connection").to_owned(),
            text(change, "contact").to_owned(),
        ]);
    }
    table.print("no change");
    Ok(())
}

fn many(client: &Client, body: &Value) -> Result<(), ExitCode> {
    let answer = client.post(&["events", "replay"], body)?;
    let not = items(&answer, "not_replayed");
    if !client.is_for_scripts(&answer) {
        let would = if answer.get("dry_run") == Some(&json!(true)) { "would be" } else { "are" };
        let faulty = answer.get("faulty").and_then(Value::as_u64).unwrap_or_default();
        let again = if faulty > 0 { format!("; {faulty} of them with faults again") } else { String::new() };
        say_line!("{} {would} replayed{again}", answer.get("count").unwrap_or(&Value::Null));
    }
    if not.is_empty() {
        return Ok(());
    }
    let why: Vec<&str> = not.iter().filter_map(Value::as_str).collect();
    Err(fail(NO, &format!("{} could not be replayed:\n{}", why.len(), why.join("\n"))))
}
