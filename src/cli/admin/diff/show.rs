//! What differs, for people.

use super::super::super::out::say_line;
use super::super::table::Table;
use crate::domain::name::RuleId;
use crate::flow::diff::forecast::CALL_MS;
use crate::flow::diff::{Both, CallsRow, ConnectionRow, Difference, RuleRow};

/// Shows all that differs; what is the same is left out.
pub fn show(base: &str, new: &str, difference: &Difference) {
    looked_at(base, new, difference);
    if difference.same {
        return say_line!("nothing differs");
    }
    rules(difference);
    events(difference);
    troubles(difference);
    contacts(difference);
    calls(difference);
}

fn looked_at(base: &str, new: &str, difference: &Difference) {
    let events = &difference.events;
    let span = match (events.first, events.last) {
        (Some(first), Some(last)) => format!(", received {} to {}", first.iso_seconds(), last.iso_seconds()),
        _ => String::new(),
    };
    say_line!("before: {base}\nafter:  {new}\n{}{span}", counted(events.judged, "event"));
    for (count, what) in [
        (events.by_hand, "by hand or by earlier timers, the same before and after"),
        (events.replays, "left out: replays, whose originals are judged"),
        (events.forgotten, "left out: bodies that went with people who were forgotten"),
        (events.left_out, "left out: what the gateway said again, and timers, which are judged anew"),
    ] {
        if count > 0 {
            say_line!("{count} {what}");
        }
    }
    say_line!("");
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn rules(difference: &Difference) {
    let differing: Vec<&RuleRow> = difference.rules.iter().filter(|rule| !rule.is_same()).collect();
    if differing.is_empty() {
        return;
    }
    let mut table = Table::new(&["rule", "before", "after", "gained", "lost", "otherwise"]);
    for RuleRow { rule, matched, gained, lost, otherwise } in differing {
        let numbers = [matched.base, matched.new, *gained, *lost, *otherwise];
        table.row(std::iter::once(rule.to_string()).chain(numbers.map(|number| number.to_string())).collect());
    }
    table.print("");
    say_line!("");
}

fn events(difference: &Difference) {
    let totals = &difference.totals;
    let aspects = [
        (totals.rules, "other rules"),
        (totals.changes, "other changes"),
        (totals.replies, "another reply"),
        (totals.faults, "other faults"),
        (totals.taken, "taken by one alone"),
    ];
    let aspects = aspects.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what}: {count}"));
    let aspects = aspects.collect::<Vec<_>>().join(", ");
    let of = counted(difference.events.judged, "event");
    if totals.events_different == 0 {
        return say_line!("no event of {of} is decided differently\n");
    }
    say_line!("{} of {of} decided differently ({aspects})", totals.events_different);
    let mut table = Table::new(&["event", "received", "source", "intent", "differs in", "before", "after"]);
    for row in &difference.examples {
        let names = |rules: &[RuleId]| match rules {
            [] => "no rule".to_owned(),
            rules => rules.iter().map(RuleId::as_str).collect::<Vec<_>>().join(", "),
        };
        table.row(vec![
            row.id.clone(),
            row.received_at.iso_seconds(),
            row.source.to_string(),
            row.intent.clone().unwrap_or_default(),
            row.differs_in.join(", "),
            names(&row.rules.base),
            names(&row.rules.new),
        ]);
    }
    more(&table, difference.examples.len() as u64, totals.events_different);
}

/// A table of examples, and how many more there are.
fn more(table: &Table, shown: u64, all: u64) {
    if !table.is_empty() {
        table.print("");
    }
    if shown < all {
        say_line!("... and {} more: --examples shows more", all - shown);
    }
    say_line!("");
}

fn troubles(difference: &Difference) {
    let faulty = difference.totals.faulty;
    if !difference.faults.is_empty() {
        say_line!("events with faults: {} before, {} after", faulty.base, faulty.new);
        let mut table = Table::new(&["fault in", "at", "before", "after", "what"]);
        for row in &difference.faults {
            let Both { base, new } = row.events;
            let cells = [row.rule.to_string(), row.at.clone(), base.to_string(), new.to_string(), row.message.clone()];
            table.row(cells.to_vec());
        }
        table.print("");
        say_line!("");
    }
    for row in &difference.not_taken {
        say_line!("not taken, since {}: {} before, {} after", row.why, row.events.base, row.events.new);
    }
    if !difference.not_taken.is_empty() {
        say_line!("");
    }
}

fn contacts(difference: &Difference) {
    let totals = &difference.totals;
    if totals.contacts_different == 0 {
        return say_line!("no contact of {} ends with other tags or fields\n", totals.contacts);
    }
    say_line!("{} of {} end with other tags or fields", totals.contacts_different, counted(totals.contacts, "contact"));
    let mut table = Table::new(&["connection", "contact", "tag or field", "before", "after"]);
    for row in &difference.contacts {
        for word in &row.words {
            let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "no word".to_owned());
            table.row(vec![
                row.connection.to_string(),
                row.contact.clone(),
                word.name.clone(),
                end(&word.ends.base),
                end(&word.ends.new),
            ]);
        }
    }
    more(&table, difference.contacts.len() as u64, totals.contacts_different);
}

fn calls(difference: &Difference) {
    if difference.connections.iter().all(ConnectionRow::is_same) {
        return say_line!("the calls stay the same");
    }
    let mut table =
        Table::new(&["connection", "", "calls", "+/-", "busiest", "allowance", "99 of 100 wait", "longest wait"]);
    for row in difference.connections.iter().filter(|row| !row.is_same()) {
        let Both { base, new } = &row.forecast;
        let count = |row: &Option<CallsRow>| row.as_ref().map_or(0, |row| row.calls);
        let change = i128::from(count(new)) - i128::from(count(base));
        let name = row.connection.to_string();
        table.row(line(name, "before", base.as_ref(), String::new()));
        table.row(line(String::new(), "after", new.as_ref(), format!("{change:+}")));
    }
    table.print("");
    say_line!("Calls are a forecast: nothing fails, a call takes {CALL_MS} ms, and nobody had a tag before.");
}

fn line(name: String, when: &str, calls: Option<&CallsRow>, change: String) -> Vec<String> {
    let Some(row) = calls else {
        return vec![name, when.to_owned(), "not there".to_owned(), change];
    };
    let wait = |millis: u32| format!("{}.{} s", millis / 1_000, millis % 1_000 / 100);
    let calls = if row.dry_run { format!("{} (dry_run)", row.calls) } else { row.calls.to_string() };
    vec![
        name,
        when.to_owned(),
        calls,
        change,
        row.busiest.to_string(),
        row.allowance.clone(),
        wait(row.wait_p99_ms),
        wait(row.wait_longest_ms),
    ]
}
