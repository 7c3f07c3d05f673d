//! `tagrelay replay`: events again, against the rules of today.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::{NO, WRONG, fail};
use super::names::{self, Kind};
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
        return many(&Client::new(&args.to)?, args, &Value::Object(body));
    };
    if body.keys().any(|key| key != "dry_run") {
        return Err(fail(WRONG, "one event takes no filter and no --all"));
    }
    let client = Client::new(&args.to)?;
    if args.dry_run {
        return would(&client, id);
    }
    let answer = client.post(&["events", id, "replay"], &json!({}))?;
    if client.is_for_scripts(&answer) {
        return Ok(());
    }
    names::tell_of_refused(&client)?;
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

/// Whether one event has a body to replay and a source that reads it.
fn would(client: &Client, id: &str) -> Result<(), ExitCode> {
    let event = client.get(&["events", id], &[])?;
    let source = text(&event, "source");
    if event.get("forgotten") == Some(&json!(true)) {
        return Err(fail(NO, &format!("event {id}: its body went with a person who was forgotten")));
    }
    if source.starts_with(names::OURS) {
        let why = format!("event {id} is of {source}: no request brought it, so there is no body to replay");
        return Err(fail(NO, &why));
    }
    names::known(client, &format!("event {id} would not be replayed"), &[(Kind::Source, Some(source))])?;
    let answer = json!({ "dry_run": true, "count": 1 });
    if !client.is_for_scripts(&answer) {
        names::tell_of_refused(client)?;
        say_line!("1 would be replayed");
    }
    Ok(())
}

fn many(client: &Client, args: &Args, body: &Value) -> Result<(), ExitCode> {
    let answer = client.post(&["events", "replay"], body)?;
    if answer.get("count") == Some(&json!(0)) && items(&answer, "not_replayed").is_empty() {
        let asked = [(Kind::Source, args.source.as_deref()), (Kind::Rule, args.rule.as_deref())];
        names::known(client, "no event", &asked)?;
    }
    let not = items(&answer, "not_replayed");
    if !client.is_for_scripts(&answer) {
        names::tell_of_refused(client)?;
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
