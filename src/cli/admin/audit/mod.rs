//! `tagrelay audit`: whether the tags at the providers are still what we brought about.

mod show;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{NO, WRONG, fail};
use super::{Client, To, items, text, whom};
use crate::clock;
use crate::domain::contact::ContactRef;
use crate::domain::time::Timestamp;

/// Read contacts back from their providers, and show whose tags aren't what was brought about; what waits goes first.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay audit\n  tagrelay audit crm --repair\n  tagrelay audit crm --contact ana@example.com --all\n\nOnly what deliveries leave unused of each account's limit is called for, so a whole account takes its time: 5,000 contacts at 120 calls a minute take an hour. Ctrl-C is harmless, and says how to go on.\n\nStatus 0: all that can be read were, and nothing drifted; 1: something drifted (also where --repair asks for it again), was lost, or could not be read. What can't be audited at all, since its provider knows no tags or tells nobody's, is said at the end, and is 1 only where the connection was asked for by its name."
)]
pub struct Args {
    /// Only this connection; all of them without it.
    connection: Option<String>,
    /// Only this contact: an id, an e-mail address, +57.., or id:.., email:.., phone:.., field:name=value.
    #[arg(long, value_name = "CONTACT", conflicts_with_all = ["after", "max"], value_parser = whom::meant)]
    contact: Option<ContactRef>,
    /// Ask again for what drifted, by events of `tagrelay.audit`.
    #[arg(long)]
    repair: bool,
    /// With --repair: who asks for it, or why, for whoever asks later.
    #[arg(long, value_name = "TEXT", requires = "repair")]
    note: Option<String>,
    /// List contacts that are as we left them too, and tags that aren't by us.
    #[arg(long)]
    all: bool,
    /// Look at no more than so many contacts of each connection.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max: Option<u32>,
    /// Go on where an earlier audit ended.
    #[arg(long, value_name = "CURSOR", requires = "connection")]
    after: Option<String>,
    #[command(flatten)]
    to: To,
}

/// Contacts that are asked for in one call.
const PAGE: u64 = 50;
/// A pause that is longer than this isn't waited for.
const LONGEST: Duration = Duration::from_mins(10);
/// Where nobody can say how long it takes.
const A_WHILE: Duration = Duration::from_secs(1);
/// One sleep is never longer, so that the line of progress stays alive.
const SLEEP: Duration = Duration::from_secs(5);

/// The word and the reason where somebody lost patience.
const INTERRUPTED: &str = "interrupted";

/// How far one connection was audited.
pub struct Report {
    /// The connection.
    pub connection: String,
    /// The contacts that are listed, as the API tells them.
    pub items: Vec<Value>,
    /// The API's counts, added up.
    pub counts: serde_json::Map<String, Value>,
    /// Where to go on, if it isn't at its end.
    pub next: Option<String>,
    /// Why it isn't, in a word and for people.
    pub stopped: Option<(String, String)>,
}

const COUNTS: [&str; 9] =
    ["read", "clean", "drifted", "explained", "lost", "unread", "unreadable", "repaired", "not_by_us"];

/// Audits.
pub fn run(args: &Args) -> ExitCode {
    audit(args).unwrap_or_else(|status| status)
}

fn audit(args: &Args) -> Result<ExitCode, ExitCode> {
    if let Some(after) = &args.after
        && hex::decode(after).map_or(0, |bytes| bytes.len()) != 16
    {
        return Err(fail(WRONG, "--after: expected what an earlier audit said"));
    }
    let client = Client::new(&args.to)?;
    let names = match &args.connection {
        Some(name) => vec![name.clone()],
        None => every(&client)?,
    };
    if let (Some(contact), None, false) = (&args.contact, &args.connection, names.len() == 1) {
        let there =
            if names.is_empty() { "there is none".to_owned() } else { format!("there is: {}", names.join(", ")) };
        let example = names.first().map_or("CONNECTION", String::as_str);
        let mend = format!("say at which connection: tagrelay audit {example} --contact {contact}");
        return Err(fail(WRONG, &format!("--contact: {mend} ({there})")));
    }
    let mut reports = Vec::new();
    for name in names {
        let report = one(&client, args, &name)?;
        let interrupted = report.stopped.as_ref().is_some_and(|(word, _)| word == INTERRUPTED);
        reports.push(report);
        if interrupted {
            break;
        }
    }
    show::reports(&client, args, &reports);
    let is_fine = reports.iter().all(|report| report.is_fine(args.is_named()));
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}

/// The connections that are called.
fn every(client: &Client) -> Result<Vec<String>, ExitCode> {
    let list = client.get(&["connections"], &[])?;
    let served = items(&list, "items").iter().filter(|lane| text(lane, "state") != "removed");
    Ok(served.map(|lane| text(lane, "name").to_owned()).collect())
}

impl Args {
    /// Whether the connection was asked for, or only met on the way.
    fn is_named(&self) -> bool {
        self.connection.is_some() || self.contact.is_some()
    }
}

impl Report {
    /// Why nothing can be audited there at all.
    pub fn impossible(&self) -> Option<&str> {
        let stopped = self.stopped.as_ref().filter(|(word, _)| matches!(word.as_str(), "no_tags" | "dry_run"));
        stopped.map(|(_, reason)| reason.as_str())
    }

    /// How many contacts, by one of the counts.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    /// How many contacts were looked at.
    pub fn seen(&self) -> u64 {
        ["clean", "drifted", "explained", "lost", "unread", "unreadable"].iter().map(|name| self.count(name)).sum()
    }

    fn add(&mut self, page: &Value) {
        for name in COUNTS {
            let sum = self.count(name) + page.get(name).and_then(Value::as_u64).unwrap_or_default();
            self.counts.insert(name.to_owned(), sum.into());
        }
        self.items.extend(items(page, "items").iter().cloned());
        self.next = page.get("next").and_then(Value::as_str).map(ToOwned::to_owned);
    }

    /// A connection or a contact that can't be audited is no fault, unless it was asked for by its name.
    fn is_fine(&self, is_named: bool) -> bool {
        let cant = self.impossible().is_some() || self.count("unreadable") > 0;
        let is_over = self.stopped.as_ref().is_none_or(|(word, _)| word == "max") || self.impossible().is_some();
        is_over && !(cant && is_named) && ["drifted", "lost", "unread"].iter().all(|name| self.count(name) == 0)
    }
}

fn one(client: &Client, args: &Args, connection: &str) -> Result<Report, ExitCode> {
    let mut report = Report {
        connection: connection.to_owned(),
        items: Vec::new(),
        counts: serde_json::Map::new(),
        next: args.after.clone(),
        stopped: None,
    };
    let mut progress = Progress::default();
    loop {
        let left = args.max.map_or(PAGE, |max| u64::from(max).saturating_sub(report.seen()).min(PAGE));
        if left == 0 {
            report.stopped = Some(("max".to_owned(), "as many as --max says".to_owned()));
            break;
        }
        let mut body = json!({ "limit": left, "repair": args.repair, "all": args.all, "note": args.note });
        if let Some(contact) = &args.contact {
            body["contact"] = contact.to_string().into();
        } else if let Some(cursor) = &report.next {
            body["cursor"] = cursor.as_str().into();
        }
        let Some(page) = client.post_unless_stopped(&["connections", connection, "audit"], &body)? else {
            report.stopped = Some((INTERRUPTED.to_owned(), INTERRUPTED.to_owned()));
            break;
        };
        report.add(&page);
        if let Some(stopped) = page.get("stopped").filter(|stopped| !stopped.is_null()) {
            report.stopped = Some((text(stopped, "state").to_owned(), text(stopped, "reason").to_owned()));
            break;
        }
        if report.next.is_none() {
            break;
        }
        let waits = page.get("waits").filter(|waits| !waits.is_null());
        progress.show(&report, waits);
        let Some(waits) = waits else { continue };
        if let Some((word, reason)) = wait(client, waits) {
            report.stopped = Some((word.to_owned(), reason));
            break;
        }
    }
    progress.clear();
    Ok(report)
}

/// Waits a little before the next call, or says why it isn't made.
fn wait(client: &Client, waits: &Value) -> Option<(&'static str, String)> {
    let until = Timestamp::parse(text(waits, "until"));
    let left = until.map_or(A_WHILE, |until| Duration::from_millis(until.since(clock::now()).max(0) as u64));
    if left > LONGEST {
        return Some(("waits", format!("{} until {}", text(waits, "reason"), super::time(waits, "until"))));
    }
    match client.wait_unless_stopped(left.min(SLEEP)) {
        Some(()) => None,
        None => Some((INTERRUPTED, INTERRUPTED.to_owned())),
    }
}

/// A line on a terminal that is written over; a script sees nothing of it.
#[derive(Default)]
struct Progress {
    width: usize,
}

impl Progress {
    fn show(&mut self, report: &Report, waits: Option<&Value>) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let waits = waits.map(|waits| format!(", waiting: {}", text(waits, "reason"))).unwrap_or_default();
        let (read, drifted) = (report.count("read"), report.count("drifted"));
        let line = format!("{}: {read} read, {drifted} drifted{waits}", report.connection);
        eprint!("\r{line:<width$}", width = self.width);
        let _ = std::io::stderr().flush();
        self.width = self.width.max(line.chars().count());
    }

    fn clear(&self) {
        if self.width > 0 {
            eprint!("\r{:<width$}\r", "", width = self.width);
        }
    }
}
