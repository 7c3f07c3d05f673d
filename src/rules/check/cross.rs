//! What only the whole set can tell.

use std::collections::{HashMap, HashSet};

use super::desk::{Desk, Target};
use super::draft::{Draft, Named};
use crate::domain::connection::AccountKey;
use crate::domain::duration::Rate;
use crate::rules::codes::Code;
use crate::rules::finding::Span;
use crate::rules::near;

/// Names are unique over all files.
pub fn names_are_unique(draft: &Draft, desk: &mut Desk<'_>) {
    unique("source", &places(&draft.sources), desk);
    unique("connection", &places(&draft.connections), desk);
    unique("rule", &places(&draft.rules), desk);
    unique("value", &places(&draft.values), desk);
    unique("condition", &places(&draft.conditions), desk);
    unique("set of hours", &places(&draft.hours), desk);
    let tests: Vec<_> = draft.tests.iter().map(|test| (test.name.as_str(), test.span)).collect();
    unique("test", &tests, desk);
}

fn places<T>(named: &[Named<T>]) -> Vec<(&str, Span)> {
    named.iter().map(|named| (named.name.as_str(), named.span)).collect()
}

fn unique(what: &str, names: &[(&str, Span)], desk: &mut Desk<'_>) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for (name, span) in names {
        match first.get(name) {
            // Within one mapping that is a key that stands twice, and was told as such.
            Some(before) if before == span => {}
            Some(before) => {
                desk.findings
                    .add(Code::NameTaken, *span, format!("there is another {what} `{name}`"))
                    .related(*before, "the first one")
                    .help("give each its own name, over all files");
            }
            None => {
                first.insert(name, *span);
            }
        }
    }
}

/// Whatever is referred to is defined.
pub fn references_lead_somewhere(draft: &Draft, desk: &mut Desk<'_>) {
    let (sources, connections, rules) = (names(&draft.sources), names(&draft.connections), names(&draft.rules));
    for reference in std::mem::take(&mut desk.references) {
        let (known, what, code) = match reference.target {
            Target::Source => (&sources, "source", Code::UnknownSource),
            Target::Connection => (&connections, "connection", Code::UnknownConnection),
            Target::Rule => (&rules, "rule", Code::UnknownRule),
        };
        let name = reference.name.as_str();
        if known.set.contains(name) {
            continue;
        }
        let known = &known.list;
        let meant = near::meant(name, known.iter().copied());
        let told = desk.findings.add(code, reference.span, format!("there is no {what} `{name}`"));
        match meant {
            Some(meant) => told.meant(meant),
            None if what == "connection" && matches!(name, "add" | "remove") => {
                let first = known.first().copied().unwrap_or("crm");
                told.help(format!("tags are of a connection, so its name comes first: `{first}: {{ {name}: .. }}`"))
            }
            None if known.is_empty() => told.help(format!("no {what} is defined")),
            None => {
                let shown: Vec<_> = known.iter().take(10).copied().collect();
                told.help(format!("there are: {}{}", shown.join(", "), if known.len() > 10 { ", ..." } else { "" }))
            }
        };
    }
}

/// Connections of one account share one allowance: of limits that differ, each holds for all of them.
pub fn accounts_have_one_limit(draft: &Draft, desk: &mut Desk<'_>) {
    let mut first: Vec<(AccountKey, Rate, &str, Span)> = Vec::new();
    for named in &draft.connections {
        let Some(config) = &named.value else { continue };
        let (key, rate) = (config.account_key(), config.rate_limit);
        match first.iter().find(|(known, ..)| *known == key) {
            Some((_, other, name, span)) if *other != rate => {
                let message = format!("`{}` and `{name}` are one account, and their limits differ", named.name);
                desk.findings
                    .add(Code::DoesNothing, named.span, message)
                    .related(*span, "the other one")
                    .help("each `rate_limit` holds for both together: give both the same, or each its own `account`");
            }
            Some(_) => {}
            None => first.push((key, rate, &named.name, named.span)),
        }
    }
}

/// Names in the order of the files, and for looking one up.
struct Names<'n> {
    list: Vec<&'n str>,
    set: HashSet<&'n str>,
}

fn names<T>(named: &[Named<T>]) -> Names<'_> {
    let list: Vec<_> = named.iter().map(|named| named.name.as_str()).collect();
    Names { set: list.iter().copied().collect(), list }
}
