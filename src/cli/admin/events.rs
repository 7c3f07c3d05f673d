//! `tagrelay events`: what came, and what became of it.

use std::process::ExitCode;

use serde_json::Value;

use super::super::out::say_line;
use super::names::{self, Kind};
use super::table::Table;
use super::{Client, To, call, ended, items, joined, text, time, wanted, whom};
use crate::domain::contact::ContactRef;

/// List what came, or show one event with all that became of it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay events --faulty\n  tagrelay events --connection crm --contact 1568834 --since 7d\n  tagrelay events 17"
)]
pub struct Args {
    /// Show this event whole.
    id: Option<String>,
    /// Only of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only those that this rule matched.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only of this intent.
    #[arg(long, value_name = "NAME")]
    intent: Option<String>,
    /// Where the contact is known.
    #[arg(long, value_name = "NAME", requires = "contact")]
    connection: Option<String>,
    /// Only those about this contact: with a change for it, or that say that others changed its tags.
    #[arg(long, value_name = "CONTACT", requires = "connection", value_parser = whom::meant)]
    contact: Option<ContactRef>,
    /// Only those since then: a time, or how long ago (7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only those with faults that nobody has answered.
    #[arg(long)]
    faulty: bool,
    /// At most so many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// The faults of this event need no second look.
    #[arg(long, requires = "id")]
    dismiss: bool,
    #[command(flatten)]
    to: To,
}

/// Lists, shows or dismisses.
pub fn run(args: &Args) -> ExitCode {
    ended(events(args))
}

fn events(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    if let Some(id) = &args.id {
        if args.dismiss {
            let answer = client.post(&["events", id, "dismiss"], &serde_json::json!({}))?;
            if !client.is_for_scripts(&answer) {
                say_line!("the faults of event {id} need no second look");
            }
            return Ok(());
        }
        let event = client.get(&["events", id], &[])?;
        if !client.is_for_scripts(&event) {
            whole(&event);
        }
        return Ok(());
    }
    let contact = args.contact.as_ref().map(ToString::to_string);
    let query = [
        ("source", args.source.as_deref()),
        ("rule", args.rule.as_deref()),
        ("intent", args.intent.as_deref()),
        ("connection", args.connection.as_deref()),
        ("contact", contact.as_deref()),
        ("since", args.since.as_deref()),
        ("until", args.until.as_deref()),
        ("faulty", args.faulty.then_some("true")),
    ];
    let list = client.list(&["events"], &query, args.limit as usize)?;
    if items(&list, "items").is_empty() {
        let (source, rule, connection) = (args.source.as_deref(), args.rule.as_deref(), args.connection.as_deref());
        let asked = [(Kind::Source, source), (Kind::Rule, rule), (Kind::Connection, connection)];
        names::known(&client, "no event", &asked)?;
    }
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    names::tell_of_refused(&client)?;
    let mut table = Table::new(&["event", "accepted", "source", "contact", "type", "intent", "rules", "faults"]);
    for event in items(&list, "items") {
        let faults = items(event, "faults").len();
        table.row(vec![
            text(event, "id").to_owned(),
            time(event, "accepted_at"),
            text(event, "source").to_owned(),
            contacts(event),
            format!("{}{}", text(event, "type"), if is_echo(event) { " (echo)" } else { "" }).trim_start().to_owned(),
            text(event, "intent").to_owned(),
            joined(event, "rules"),
            if faults == 0 { String::new() } else { faults.to_string() },
        ]);
    }
    table.print("no event");
    if list.get("next").is_some_and(|next| !next.is_null()) {
        say_line!("... and older ones: --limit shows more");
    }
    Ok(())
}

/// Whether it told of what we did ourselves, so that hardly a rule saw it.
fn is_echo(event: &Value) -> bool {
    event.get("echo") == Some(&Value::Bool(true))
}

/// Contacts that stand in a line; an event may be about many.
const SHOWN: usize = 3;

/// Whom an event is about, by a change or by saying that others changed their tags, whatever the connections: each name once.
fn contacts(event: &Value) -> String {
    let all = items(event, "contacts").iter().chain(items(event, "tags_changed"));
    let mut names: Vec<&str> = all.map(|contact| text(contact, "contact")).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > SHOWN { format!(", and {} more", names.len() - SHOWN) } else { String::new() };
    names.truncate(SHOWN);
    names.join(", ") + &more
}

/// Duplicates that are told one by one; a sender may repeat itself for a day.
const REPEATS: usize = 5;

/// When the same key came again.
fn duplicates(all: &[Value]) {
    let left_out = all.len().saturating_sub(REPEATS);
    if left_out > 0 {
        say_line!("came again: {left_out} times before these");
    }
    for one in all.iter().skip(left_out) {
        let differs = one.get("differs") == Some(&Value::Bool(true));
        let how = if differs { "with another body, of which nothing was done" } else { "alike, and changed nothing" };
        say_line!("came again: {} {how}", time(one, "at"));
    }
}

fn whole(event: &Value) {
    say_line!("event {}  {}  through {}", text(event, "id"), time(event, "accepted_at"), text(event, "source"));
    for (name, label) in [("intent", "intent"), ("type", "type"), ("replay_of", "replay of"), ("note", "note")] {
        let value = text(event, name);
        if !value.is_empty() {
            say_line!("{label}: {value}");
        }
    }
    if is_echo(event) {
        say_line!("an echo of a change of ours: only rules with `match: {{ echo: true }}` see it");
    }
    say_line!("rules: {}  (set {})", joined(event, "rules"), text(event, "rule_set"));
    duplicates(items(event, "duplicates"));
    for fault in items(event, "faults") {
        say_line!("fault: {}, {}: {}", text(fault, "rule"), text(fault, "at"), text(fault, "message"));
    }
    for contact in items(event, "tags_changed") {
        let (who, connection) = (text(contact, "contact"), text(contact, "connection"));
        if is_echo(event) {
            say_line!("tags that it tells of: those of {who} at {connection}");
        } else {
            say_line!(
                "tags changed by others, as it says: of {who} at {connection}; what was known of them was dropped"
            );
        }
    }
    say_line!("");
    let mut table = Table::new(&["change", "rule", "wanted", "connection", "contact", "state", "reason"]);
    for change in items(event, "changes") {
        table.row(vec![
            text(change, "id").to_owned(),
            text(change, "rule").to_owned(),
            wanted(change),
            text(change, "connection").to_owned(),
            text(change, "contact").to_owned(),
            text(change, "state").to_owned(),
            text(change, "reason").to_owned(),
        ]);
    }
    table.print("no change");
    for delivery in items(event, "deliveries") {
        for attempt in items(delivery, "attempts") {
            say_line!("delivery {}  {}", delivery.get("id").unwrap_or(&Value::Null), call(attempt));
        }
    }
    if event.get("forgotten") == Some(&Value::Bool(true)) {
        return say_line!("body and reply went with a person who was forgotten");
    }
    for name in ["reply", "body"] {
        say_line!("{name}: {}", event.get(name).unwrap_or(&Value::Null));
    }
}
