//! How an audit is shown.

use serde_json::{Value, json};

use super::super::super::out::say_line;
use super::super::table::Table;
use super::{Args, Report};
use crate::cli::admin::{Client, items, joined, text, time};

/// Shows all connections: what was found first, then how far each was audited.
pub fn reports(client: &Client, args: &Args, reports: &[Report]) {
    let connections: Vec<Value> = reports.iter().map(as_json).collect();
    if client.is_for_scripts(&json!({ "connections": connections })) {
        return;
    }
    let heads = ["connection", "contact", "tag", "wanted", "state", "rule", "event", "settled", "what"];
    let mut table = Table::new(&heads);
    for report in reports {
        let mut listed: Vec<&Value> = report.items.iter().filter(|item| is_listed(args, item)).collect();
        // By how much it matters; pages come in no order that means anything.
        listed.sort_by_key(|item| (rank(text(item, "state")), text(item, "contact")));
        for item in listed {
            contact(&mut table, report, item);
        }
    }
    if !table.is_empty() {
        table.print("");
        say_line!("");
    }
    if reports.is_empty() {
        say_line!("no connection");
    }
    for report in reports.iter().filter(|report| report.impossible().is_none()) {
        say_line!("{}", summary(report));
        if let (Some(next), Some(_)) = (&report.next, &report.stopped)
            && args.contact.is_none()
        {
            let options = options(args);
            // Nobody was read yet: that is no place to go on from.
            let after =
                if next.bytes().all(|digit| digit == b'0') { String::new() } else { format!(" --after {next}") };
            say_line!("go on with: tagrelay audit {}{options}{after}", report.connection);
        }
    }
    for line in cant(reports) {
        say_line!("{line}");
    }
}

/// What was asked for, as the next call has to say it again.
fn options(args: &Args) -> String {
    let mut options = String::new();
    if args.repair {
        options.push_str(" --repair");
    }
    if let Some(note) = &args.note {
        // As a shell reads it back.
        options = format!("{options} --note '{}'", note.replace('\'', "'\\''"));
    }
    if args.all {
        options.push_str(" --all");
    }
    if let Some(max) = args.max {
        options = format!("{options} --max {max}");
    }
    options
}

/// What can't be audited at all, each reason once.
fn cant(reports: &[Report]) -> Vec<String> {
    let mut told: Vec<(String, String)> = Vec::new();
    for report in reports {
        if let Some(reason) = report.impossible() {
            add(&mut told, reason, report.connection.clone());
        }
        let count = report.count("unreadable");
        let reason =
            report.items.iter().find(|item| text(item, "state") == UNREADABLE).map(|item| text(item, "reason"));
        if count > 0 {
            let contacts = if count == 1 { "contact" } else { "contacts" };
            add(&mut told, reason.unwrap_or_default(), format!("{count} {contacts} of {}", report.connection));
        }
    }
    told.into_iter().map(|(reason, who)| format!("not audited: {who}: {reason}")).collect()
}

fn add(told: &mut Vec<(String, String)>, reason: &str, who: String) {
    match told.iter_mut().find(|(same, _)| same == reason) {
        Some((_, all)) => *all = format!("{all}, {who}"),
        None => told.push((reason.to_owned(), who)),
    }
}

/// The state of a contact that its provider tells nothing of.
const UNREADABLE: &str = "unreadable";

/// Those are counted at the end, unless one was asked for.
fn is_listed(args: &Args, item: &Value) -> bool {
    args.all || args.contact.is_some() || text(item, "state") != UNREADABLE
}

fn rank(state: &str) -> usize {
    let order = ["drifted", "lost", "unread", "explained", UNREADABLE];
    order.iter().position(|one| *one == state).unwrap_or(order.len())
}

fn as_json(report: &Report) -> Value {
    let mut shown = Value::Object(report.counts.clone());
    shown["connection"] = report.connection.as_str().into();
    shown["items"] = report.items.clone().into();
    shown["next"] = json!(report.next);
    shown["stopped"] =
        json!(report.stopped.as_ref().map(|(state, reason)| json!({ "state": state, "reason": reason })));
    shown
}

/// A row for each finding; one for a contact that has none.
fn contact(table: &mut Table, report: &Report, item: &Value) {
    let who = |tag: &str, state: &str, what: String| {
        let blank = String::new;
        let contact = text(item, "contact").to_owned();
        vec![report.connection.clone(), contact, tag.into(), blank(), state.into(), blank(), blank(), blank(), what]
    };
    for finding in items(item, "findings") {
        let again = match text(finding, "repaired_by") {
            "" => String::new(),
            event => format!("; event {event} asks for it again"),
        };
        table.row(vec![
            report.connection.clone(),
            text(item, "contact").to_owned(),
            text(finding, "tag").to_owned(),
            text(finding, "wanted").to_owned(),
            text(finding, "found").to_owned(),
            text(finding, "rule").to_owned(),
            text(finding, "event").to_owned(),
            time(finding, "at"),
            format!("{}{again}", text(finding, "reason")),
        ]);
    }
    if items(item, "findings").is_empty() {
        let names = joined(item, "known_as");
        let reason = text(item, "reason");
        let what = if reason.is_empty() { "as we left it".to_owned() } else { reason.to_owned() };
        let also = if names.contains(", ") { format!("{what} (known as {names})") } else { what };
        table.row(who("", text(item, "state"), also));
    }
    for tag in items(item, "not_by_us").iter().filter_map(Value::as_str) {
        table.row(who(tag, "not by us", String::new()));
    }
}

/// `crm: 40 read; 38 as we left them, 2 drifted`
fn summary(report: &Report) -> String {
    let told = [
        ("clean", "as we left them"),
        ("drifted", "drifted"),
        ("explained", "differ for a reason of ours"),
        ("lost", "lost"),
        ("unread", "could not be read"),
    ];
    let counts = told.iter().filter(|(name, _)| report.count(name) > 0);
    let counts: Vec<String> = counts.map(|(name, words)| format!("{} {words}", report.count(name))).collect();
    if report.seen() == 0 && report.stopped.is_none() {
        return format!("{}: nobody to read, since nothing was brought about there yet", report.connection);
    }
    let mut summary = format!("{}: {} read", report.connection, report.count("read"));
    if !counts.is_empty() {
        summary = format!("{summary}; {}", counts.join(", "));
    }
    if report.count("repaired") > 0 {
        summary = format!("{summary}; asked for again: what drifted of {}", report.count("repaired"));
    }
    match report.count("not_by_us") {
        0 => {}
        1 => summary.push_str("; 1 tag not by us"),
        tags => summary = format!("{summary}; {tags} tags not by us"),
    }
    match &report.stopped {
        Some((_, reason)) => format!("{summary}; not all: {reason}"),
        None => summary,
    }
}
