//! `tagrelay dead-letters`: what waits for a person.

use std::borrow::Cow;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::{WRONG, fail};
use super::names::{self, Kind};
use super::table::Table;
use super::{Client, To, call, ended, items, text, time, wanted, whom};
use crate::domain::cause::{Cause, Needs};
use crate::domain::contact::ContactRef;

/// List what can't be delivered without a person; try it again, or end it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay dead-letters --needs mend\n  tagrelay dead-letters --cause given_up --retry --dry-run\n  tagrelay dead-letters 17.0 --discard --note \"a test account\"\n\nunknown_contact, several_contacts, refused and not_listed need: mend; given_up needs: retry."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// Only this one, as 17.0.
    id: Option<String>,
    /// Only of this connection.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only of this contact.
    #[arg(long, value_name = "CONTACT", requires = "connection", value_parser = whom::meant)]
    contact: Option<ContactRef>,
    /// Only those that this rule asked for.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only those whose reason has these words.
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
    /// Only those that died of this.
    #[arg(long, value_name = "CAUSE", value_parser = PossibleValuesParser::new(Cause::ALL.map(Cause::word)))]
    cause: Option<String>,
    /// Only those that need this.
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(Needs::ALL.map(Needs::word)))]
    needs: Option<String>,
    /// Only those since then: a time, or how long ago (7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// At most so many in the list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Try them again under their old numbers: a later change of the same tag still wins.
    #[arg(long, conflicts_with = "discard")]
    retry: bool,
    /// With --retry: as new events with numbers of today, which win.
    #[arg(long, requires = "retry")]
    as_new: bool,
    /// End them for good.
    #[arg(long)]
    discard: bool,
    /// With --discard: why, for whoever asks later.
    #[arg(long, value_name = "TEXT", requires = "discard")]
    note: Option<String>,
    /// With --retry or --discard: all of them.
    #[arg(long)]
    all: bool,
    /// With --retry or --discard: say how many, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    to: To,
}

/// Lists, tries again or ends.
pub fn run(args: &Args) -> ExitCode {
    ended(dead_letters(args))
}

impl Args {
    fn filter(&self) -> [(&'static str, Option<Cow<'_, str>>); 7] {
        [
            ("connection", self.connection.as_deref().map(Cow::Borrowed)),
            ("contact", self.contact.as_ref().map(|contact| contact.to_string().into())),
            ("rule", self.rule.as_deref().map(Cow::Borrowed)),
            ("reason", self.reason.as_deref().map(Cow::Borrowed)),
            ("cause", self.cause.as_deref().map(Cow::Borrowed)),
            ("needs", self.needs.as_deref().map(Cow::Borrowed)),
            ("since", self.since.as_deref().map(Cow::Borrowed)),
        ]
    }

    /// Nothing was found: a no where a name of the filter is nobody's.
    fn known(&self, client: &Client) -> Result<(), ExitCode> {
        let asked = [(Kind::Connection, self.connection.as_deref()), (Kind::Rule, self.rule.as_deref())];
        names::known(client, "no dead letter", &asked)
    }
}

fn dead_letters(args: &Args) -> Result<(), ExitCode> {
    let filtered = args.filter().iter().any(|(_, value)| value.is_some());
    let acts = args.retry || args.discard;
    if !acts && (args.all || args.dry_run) {
        return Err(fail(WRONG, "--all and --dry-run go with --retry or --discard"));
    }
    if args.id.is_some() && (filtered || args.all || args.dry_run) {
        return Err(fail(WRONG, "one dead letter takes no filter, no --all and no --dry-run"));
    }
    if acts && args.id.is_none() && !filtered && !args.all {
        return Err(fail(WRONG, "name one, give a filter, or say --all"));
    }
    let client = Client::new(&args.to)?;
    match &args.id {
        Some(id) if acts => act_on_one(&client, args, id),
        Some(id) => {
            let letter = client.get(&["dead-letters", id], &[])?;
            if !client.is_for_scripts(&letter) {
                whole(&letter);
            }
            Ok(())
        }
        None if acts => act_on_many(&client, args),
        None => list(&client, args),
    }
}

fn act_on_one(client: &Client, args: &Args, id: &str) -> Result<(), ExitCode> {
    let (verb, body) = if args.retry {
        ("retry", json!({ "as_new": args.as_new }))
    } else {
        ("discard", json!({ "note": args.note.as_deref().unwrap_or_default() }))
    };
    let answer = client.post(&["dead-letters", id, verb], &body)?;
    if client.is_for_scripts(&answer) {
        return Ok(());
    }
    match answer.get("event").and_then(Value::as_str) {
        Some(event) => say_line!("{id} is asked for anew by event {event}"),
        None => say_line!("{id} is {}", text(&answer, "state")),
    }
    Ok(())
}

fn act_on_many(client: &Client, args: &Args) -> Result<(), ExitCode> {
    let given = args.filter().into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    let mut body: serde_json::Map<String, Value> = given.collect();
    let flags = [("all", args.all), ("dry_run", args.dry_run), ("as_new", args.as_new)];
    body.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), json!(true))));
    body.extend(args.note.iter().map(|note| ("note".to_owned(), json!(note))));
    let verb = if args.retry { "retry" } else { "discard" };
    let answer = client.post(&["dead-letters", verb], &Value::Object(body))?;
    if answer.get("count") == Some(&json!(0)) {
        args.known(client)?;
    }
    if !client.is_for_scripts(&answer) {
        let count = answer.get("count").unwrap_or(&Value::Null);
        let done = if args.retry { "tried again" } else { "ended" };
        say_line!("{count} {} {done}", if args.dry_run { "would be" } else { "are" });
    }
    Ok(())
}

fn list(client: &Client, args: &Args) -> Result<(), ExitCode> {
    let filter = args.filter();
    let query = filter.each_ref().map(|(name, value)| (*name, value.as_deref()));
    let list = client.list(&["dead-letters"], &query, args.limit as usize)?;
    if items(&list, "items").is_empty() {
        args.known(client)?;
    }
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    let mut table = Table::new(&["letter", "since", "rule", "wanted", "connection", "contact", "cause", "needs"]);
    for letter in items(&list, "items") {
        table.row(vec![
            text(letter, "id").to_owned(),
            time(letter, "at"),
            text(letter, "rule").to_owned(),
            wanted(letter),
            text(letter, "connection").to_owned(),
            text(letter, "contact").to_owned(),
            text(letter, "cause").to_owned(),
            text(letter, "needs").to_owned(),
        ]);
    }
    table.print("no dead letter");
    if list.get("next").is_some_and(|next| !next.is_null()) {
        say_line!("... and older ones: --limit shows more");
    }
    Ok(())
}

fn whole(letter: &Value) {
    say_line!("dead letter {}  since {}  of event {}", text(letter, "id"), time(letter, "at"), text(letter, "event"));
    let (connection, contact) = (text(letter, "connection"), text(letter, "contact"));
    say_line!("{} at {connection} for {contact}  (rule {})", wanted(letter), text(letter, "rule"));
    say_line!("cause: {}  needs: {}", text(letter, "cause"), text(letter, "needs"));
    say_line!("reason: {}", text(letter, "reason"));
    if let Some(attempt) = letter.get("last_attempt").filter(|attempt| !attempt.is_null()) {
        say_line!("last call: {}", call(attempt));
        say_line!("answer: {}", text(attempt, "answer"));
    } else {
        say_line!("no call was made for it");
    }
    say_line!("body: {}", letter.get("body").unwrap_or(&Value::Null));
}
