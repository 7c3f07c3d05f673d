//! Reading what is named once and used everywhere: values, conditions and opening hours.

use std::collections::{BTreeMap, BTreeSet};

use super::bounds;
use super::desk::Desk;
use super::draft::Named;
use super::shape;
use crate::domain::hours::{self, DAYS, Hours};
use crate::domain::json::{Json, OwnedJson};
use crate::rules::codes::Code;
use crate::rules::expr::ast::{Cost, Path};
use crate::rules::expr::{Condition, Expr};
use crate::rules::finding::Span;
use crate::rules::yaml::{Entry, Node};

/// A condition that was read and not yet understood.
pub struct Unchecked<'n> {
    name: &'n str,
    span: Span,
    node: &'n Node,
    expr: Expr,
}

/// Reads a named value.
pub fn value(entry: &Entry, desk: &mut Desk<'_>) -> Named<OwnedJson> {
    shape::not_read(&entry.value, &mut desk.findings);
    let text = entry.value.to_json_text();
    let value = Json::parse(text.as_bytes()).map(OwnedJson::of).ok();
    Named { name: entry.key.clone(), span: entry.key_span, value }
}

/// Reads opening hours; the table of keys has been held against them already.
pub fn hours(entry: &Entry, desk: &mut Desk<'_>) -> Named<Hours> {
    let names_a_day = |line: &Entry| line.key == "daily" || hours::days(&line.key).is_some();
    if !entry.value.entries().iter().any(names_a_day) {
        desk.findings
            .add(Code::DoesNothing, entry.key_span, format!("`{}` is never open: it names no day", entry.key))
            .help("as in `mon-fri: \"09:00-18:00\"`, or `daily`");
    }
    let zone = Desk::text(&entry.value, "zone").and_then(|zone| Hours::in_zone(&zone));
    let value = zone.map(|mut office| {
        for line in entry.value.entries() {
            let days = if line.key == "daily" { Some((0..DAYS.len()).collect()) } else { hours::days(&line.key) };
            let spans = || {
                line.value.one_or_many().iter().filter_map(Node::scalar).filter_map(|text| hours::Span::parse(&text))
            };
            for day in days.unwrap_or_default() {
                spans().for_each(|span| office.open_on(day, span));
            }
        }
        for date in entry.value.get("except").map(Node::one_or_many).unwrap_or_default() {
            date.scalar().and_then(|text| hours::date(&text)).into_iter().for_each(|date| office.close_on(date));
        }
        office
    });
    Named { name: entry.key.clone(), span: entry.key_span, value }
}

/// Reads a named condition; what its names mean is asked when all names are known.
pub fn condition<'n>(entry: &'n Entry, desk: &mut Desk<'_>) -> Option<Unchecked<'n>> {
    let expr = desk.unchecked(&entry.value)?;
    Some(Unchecked { name: &entry.key, span: entry.key_span, node: &entry.value, expr })
}

/// Makes the conditions known, each with what it costs together with those that it names, and then checks each.
pub fn conditions(all: &[Unchecked<'_>], desk: &mut Desk<'_>) -> Vec<(String, Condition)> {
    let by_name: BTreeMap<&str, &Unchecked<'_>> = all.iter().map(|condition| (condition.name, condition)).collect();
    let costs = costs(&by_name);
    for condition in by_name.values().filter(|condition| !costs.contains_key(condition.name)) {
        desk.findings
            .add(Code::Circle, condition.span, format!("the condition `{}` leads back to itself", condition.name))
            .help("write one of them out");
    }
    desk.known.conditions =
        all.iter().map(|c| (c.name.to_owned(), costs.get(c.name).copied().unwrap_or_default())).collect();
    let in_circle = |condition: &&Unchecked<'_>| !costs.contains_key(condition.name);
    let mut checked = Vec::new();
    for condition in all.iter().filter(|condition| !in_circle(condition)) {
        if let Some(read) = desk.condition(condition.node) {
            let held = bounds::held(&read.expr, &desk.notes.held_by);
            desk.notes.held_by.insert(condition.name.to_owned(), held);
            checked.push((condition.name.to_owned(), read));
        }
    }
    checked
}

/// What evaluating each condition costs at most; those that lead back to themselves are left out.
///
/// First come those that name none, then those that name only these, and so on: a file may hold a chain of 100,000, which no
/// stack would take.
fn costs<'n>(all: &BTreeMap<&'n str, &'n Unchecked<'n>>) -> BTreeMap<&'n str, Cost> {
    let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
    let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ready = Vec::new();
    for (name, condition) in all {
        let below: BTreeSet<_> = named(&condition.expr).into_iter().filter(|below| all.contains_key(below)).collect();
        if below.is_empty() {
            ready.push(*name);
        }
        open.insert(name, below.len());
        for below in below {
            waiting.entry(below).or_default().push(name);
        }
    }
    while let Some((name, condition)) = ready.pop().and_then(|name| all.get_key_value(name)) {
        let cost = condition.expr.cost(&|below| costs.get(below).copied().unwrap_or_default());
        costs.insert(name, cost);
        for above in waiting.remove(name).unwrap_or_default() {
            let Some(open) = open.get_mut(above) else { continue };
            *open -= 1;
            if *open == 0 {
                ready.push(above);
            }
        }
    }
    costs
}

/// The conditions that an expression names.
fn named(expr: &Expr) -> Vec<&str> {
    let mut names = Vec::new();
    expr.paths(&mut |path: &Path| names.extend(path.condition()));
    names
}
