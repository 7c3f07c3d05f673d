//! `tagrelay contacts`: whose word each tag of a person is.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::{NO, WRONG, fail};
use super::names::{self, Kind};
use super::table::Table;
use super::{Client, To, call, ended, items, joined, text, time, wanted, whom};
use crate::domain::contact::ContactRef;

/// List contacts, show one with the last word on each of its tags, or ask for tags by hand.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay contacts crm 1568834\n  tagrelay contacts crm email:ana@example.com\n  tagrelay contacts crm --waiting\n  tagrelay contacts crm 1568834 --add VIP --remove Lead --note \"she called\""
)]
pub struct Args {
    /// The connection at which they are known.
    connection: Option<String>,
    /// Show this one: an id, an e-mail address, +57.., or id:.., email:.., phone:.., field:name=value.
    #[arg(value_parser = whom::meant)]
    contact: Option<ContactRef>,
    /// Only those that wait.
    #[arg(long, requires = "connection", conflicts_with_all = ["contact", "dead"])]
    waiting: bool,
    /// Only those with dead letters.
    #[arg(long, conflicts_with = "contact")]
    dead: bool,
    /// At most so many in the list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Ask for this tag; may be given several times.
    #[arg(long, value_name = "TAG", requires = "contact")]
    add: Vec<String>,
    /// Ask for this tag to go; may be given several times.
    #[arg(long, value_name = "TAG", requires = "contact")]
    remove: Vec<String>,
    /// With --add or --remove: why, for whoever asks later.
    #[arg(long, value_name = "TEXT", requires = "contact")]
    note: Option<String>,
    #[command(flatten)]
    to: To,
}

/// Lists, shows or asks.
pub fn run(args: &Args) -> ExitCode {
    ended(contacts(args))
}

fn contacts(args: &Args) -> Result<(), ExitCode> {
    let asks = !args.add.is_empty() || !args.remove.is_empty();
    if args.note.is_some() && !asks {
        return Err(fail(WRONG, "--note goes with --add or --remove"));
    }
    let client = Client::new(&args.to)?;
    let (Some(connection), Some(contact)) = (&args.connection, &args.contact) else { return list(&client, args) };
    let contact = &contact.to_string();
    if asks {
        let note = args.note.as_deref().unwrap_or_default();
        let body = json!({ "add": args.add, "remove": args.remove, "note": note });
        let answer = client.post(&["contacts", connection, contact, "tags"], &body)?;
        if !client.is_for_scripts(&answer) {
            say_line!("event {} asks for it", text(&answer, "event"));
        }
        return Ok(());
    }
    let answer = client.get(&["contacts", connection, contact], &[])?;
    if is_unknown(&answer) {
        let ill = ill(&answer).map(|ill| format!("; {ill}")).unwrap_or_default();
        return Err(fail(NO, &format!("nothing is known of {} at {connection}{ill}", joined(&answer, "known_as"))));
    }
    if !client.is_for_scripts(&answer) {
        whole(&answer);
    }
    Ok(())
}

/// Whether nothing of ours was ever about this person, nor will be.
fn is_unknown(contact: &Value) -> bool {
    let lists = ["tags", "fields", "waiting", "timers", "dead_letters"];
    lists.iter().all(|list| items(contact, list).is_empty()) && items(contact, "known_as").len() <= 1
}

/// Why the contact's connection isn't called, where it isn't.
fn ill(contact: &Value) -> Option<String> {
    let state = text(contact, "connection_state");
    let reason = text(contact, "connection_reason");
    let connection = text(contact, "connection");
    if contact.get("dry_run") == Some(&Value::Bool(true)) {
        return Some(format!(
            "{connection} is on `dry_run`: what is asked of it stands with each event and isn't done"
        ));
    }
    let told = || format!("{connection} is {state}: {reason}");
    (!matches!(state, "" | "well")).then(told)
}

fn list(client: &Client, args: &Args) -> Result<(), ExitCode> {
    let query = [
        ("connection", args.connection.as_deref()),
        ("waiting", args.waiting.then_some("true")),
        ("dead", args.dead.then_some("true")),
    ];
    let list = client.list(&["contacts"], &query, args.limit as usize)?;
    if items(&list, "items").is_empty() {
        names::known(client, "no contact", &[(Kind::Connection, args.connection.as_deref())])?;
    }
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    let mut table = Table::new(&["connection", "contact", "last", "tags", "waiting", "dead"]);
    let number = |contact: &Value, name: &str| match contact.get(name).and_then(Value::as_u64) {
        Some(0) | None => String::new(),
        Some(number) => number.to_string(),
    };
    for contact in items(&list, "items") {
        table.row(vec![
            text(contact, "connection").to_owned(),
            text(contact, "contact").to_owned(),
            time(contact, "at"),
            joined(contact, "tags"),
            number(contact, "waiting"),
            number(contact, "dead"),
        ]);
    }
    table.print("no contact");
    if list.get("next").is_some_and(|next| !next.is_null()) {
        say_line!("... and more: --limit shows them");
    }
    Ok(())
}

/// The call that settled a word; else why none was needed.
fn settled_by(word: &Value) -> String {
    if let Some(attempt) = word.get("attempt").filter(|attempt| !attempt.is_null()) {
        return call(attempt);
    }
    let state = if word.get("our_state").is_some() { text(word, "our_state") } else { text(word, "state") };
    match (text(word, "reason"), state) {
        ("", "already") => "no call: it was known to be so".to_owned(),
        ("", _) => String::new(),
        (reason, "already" | "dead") => format!("no call: {reason}"),
        (reason, _) => reason.to_owned(),
    }
}

/// Waiting changes that are shown one by one.
const SHOWN: usize = 20;

/// What a change hangs on, and whether that lets it through.
fn guards(change: &Value) -> Option<String> {
    let unless = change.get("terms").map(|terms| joined(terms, "unless")).unwrap_or_default();
    let asked = [
        ("if tagged", joined(change, "if_tagged")),
        ("unless tagged", joined(change, "unless_tagged")),
        ("at this connection unless tagged", unless),
    ];
    let asked: Vec<String> =
        asked.into_iter().filter(|(_, tags)| !tags.is_empty()).map(|(words, tags)| format!("{words} {tags}")).collect();
    let judged = match change.get("guards_hold").and_then(Value::as_bool) {
        Some(true) => "so it is",
        Some(false) => "which forbids it: it is skipped",
        None => "which is looked up first",
    };
    (!asked.is_empty()).then(|| format!("{}, {judged}", asked.join(", ")))
}

/// What would be done, and how much of what waits comes to nothing.
fn waiting(contact: &Value) {
    let is_overtaken = |change: &&Value| !text(change, "overtaken_by").is_empty();
    let (overtaken, open): (Vec<&Value>, Vec<&Value>) = items(contact, "waiting").iter().partition(is_overtaken);
    let left_out = open.len().saturating_sub(SHOWN);
    if left_out > 0 {
        say_line!("waits: {left_out} earlier changes, and these:");
    }
    for change in open.iter().skip(left_out) {
        let guards = guards(change).map(|guards| format!("; {guards}")).unwrap_or_default();
        say_line!("waits: {} {} (rule {}{guards})", text(change, "id"), wanted(change), text(change, "rule"));
    }
    match (overtaken.len(), open.is_empty()) {
        (0, _) => {}
        (1, false) => say_line!("... and 1 earlier change that these overtake"),
        (count, false) => say_line!("... and {count} earlier changes that these overtake"),
        (count, true) => say_line!("waits: {count} that later words have overtaken: nothing is called for"),
    }
    if contact.get("more_waiting") == Some(&Value::Bool(true)) {
        say_line!("... and later ones, which are taken once these have ended");
    }
}

/// The notes of the events behind the last words, each once: one event may be behind many tags, and its note may name them all.
fn notes(contact: &Value) {
    let mut noted: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for (list, name) in [("tags", "tag"), ("fields", "field")] {
        for word in items(contact, list).iter().filter(|word| !text(word, "note").is_empty()) {
            let (event, note, subject) = (text(word, "event"), text(word, "note"), text(word, name));
            match noted.iter_mut().find(|(of, told, _)| (*of, *told) == (event, note)) {
                Some((.., subjects)) => subjects.push(subject),
                None => noted.push((event, note, vec![subject])),
            }
        }
    }
    for (event, note, subjects) in noted {
        let subjects: Vec<String> = subjects.iter().map(|subject| format!("{subject:?}")).collect();
        say_line!("{}, event {event}: {note:?}", subjects.join(", "));
    }
}

fn whole(contact: &Value) {
    say_line!("{} at {}", joined(contact, "known_as"), text(contact, "connection"));
    if let Some(ill) = ill(contact) {
        say_line!("{ill}");
    }
    let mut table =
        Table::new(&["tag or field", "wanted", "state", "rule", "source", "event", "settled", "what settled it"]);
    for (list, name, wanted) in [("tags", "tag", ""), ("fields", "field", "set")] {
        for word in items(contact, list) {
            table.row(vec![
                text(word, name).to_owned(),
                if wanted.is_empty() { text(word, "wanted") } else { wanted }.to_owned(),
                text(word, "state").to_owned(),
                text(word, "rule").to_owned(),
                text(word, "source").to_owned(),
                text(word, "event").to_owned(),
                time(word, "at"),
                settled_by(word),
            ]);
        }
    }
    table.print("no word of ours on any tag");
    for (list, name) in [("tags", "tag"), ("fields", "field")] {
        for word in items(contact, list).iter().filter(|word| word.get("our_state").is_some()) {
            say_line!("{:?} is otherwise now than we left it: another hand changed it since", text(word, name));
        }
    }
    notes(contact);
    waiting(contact);
    for flap in items(contact, "flaps") {
        say_line!(
            "flaps: {:?} changes faster than calls can follow; its last word is called for at {}",
            text(flap, "tag"),
            time(flap, "until")
        );
    }
    let waits = !items(contact, "waiting").is_empty();
    if waits && !text(contact, "connection_held_until").is_empty() {
        say_line!(
            "the provider asked for a pause: nobody of the account is called before {}",
            time(contact, "connection_held_until")
        );
    }
    if !text(contact, "next_look").is_empty() {
        say_line!("its connection is looked at again at {}; until then nobody is called", time(contact, "next_look"));
    } else if !text(contact, "failing").is_empty() {
        say_line!("next try: {}, since {}", time(contact, "next_try"), text(contact, "failing"));
    }
    for timer in items(contact, "timers") {
        say_line!("goes again: {:?} at {} (rule {})", text(timer, "tag"), time(timer, "due"), text(timer, "rule"));
    }
    for letter in items(contact, "dead_letters") {
        say_line!("dead letter {}: {}: {}", text(letter, "id"), wanted(letter), text(letter, "reason"));
    }
    if contact.pointer("/owner/this") == Some(&Value::Bool(false)) {
        let owner = contact.pointer("/owner/name").and_then(Value::as_str).unwrap_or_default();
        say_line!(
            "{owner} delivers for it: which tags another hand has changed since, and which flap, is to be asked there"
        );
    }
    if contact.get("more_dead_letters") == Some(&Value::Bool(true)) {
        say_line!("... and older dead letters: `tagrelay dead-letters --connection .. --contact ..` lists them");
    }
}
