//! Writing a captured event as an item of `tests`, and into a file that has others.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Tree, word};
use super::{Kept, Work, short};
use crate::domain::change::Change;
use crate::domain::decision::Decision;
use crate::domain::json::Json;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::rules::testing::DEFAULT_AT;
use crate::rules::testing::{Outcome, People};

/// An event in one line is at most so long.
const LINE: usize = 130;

/// The item, as it stands in a list under `tests:`, with the lines of what happens.
pub fn item(work: &Work<'_>, name: &str, trigger: Vec<String>) -> String {
    let explained = work.judge.explain(&work.tree, work.at);
    let decision = explained.map_or_else(|| work.judge.decision().clone(), |explained| explained.decision);
    let tagged = tagged(&decision);
    let mut lines = vec![format!("  - name: {}", line_of(name))];
    if work.at != DEFAULT_AT {
        let is_whole = work.at.millis() % 1_000 == 0;
        lines.push(format!("    at: {}", if is_whole { work.at.iso_seconds() } else { work.at.to_string() }));
    }
    lines.extend(trigger);
    if !tagged.is_empty() {
        // Nothing that was recorded tells what they had.
        lines.push("    # assumed: what `if_tagged` asks for".to_owned());
        lines.push(format!("    tagged: {}", tags_of(&tagged).yaml()));
    }
    lines.push("    expect:".to_owned());
    lines.extend(expected(&decision, &tagged, work).into_iter().map(|(key, value)| format!("      {key}: {value}")));
    lines.join("\n") + "\n"
}

/// A name in one line.
fn line_of(name: &str) -> String {
    word(name.split_whitespace().collect::<Vec<_>>().join(" ").as_str())
}

/// The lines of a body in a file.
pub fn request(source: &str, file: &str, kept: &[Kept]) -> Vec<String> {
    let told = kept.iter().map(|kept| format!("    # kept: {} is {}; a rule compares it", kept.at, kept.what));
    let line = format!("    request: {{ source: {}, body: {} }}", word(source), word(file));
    told.chain([line]).collect()
}

/// The lines of an event in short.
pub fn event(work: &Work<'_>, kept: &[Kept]) -> Vec<String> {
    let Tree::Map(entries) = &work.tree else { return Vec::new() };
    let mut all = vec![("source".to_owned(), Tree::Text(work.judge.source().to_string()))];
    all.extend(entries.iter().cloned());
    all.sort_by_key(|(key, _)| short::KEYS.iter().position(|known| known == key));
    let line = format!("    event: {}", Tree::Map(all.clone()).yaml());
    if kept.is_empty() && line.chars().count() <= LINE {
        return vec![line];
    }
    let mut lines = vec!["    event:".to_owned()];
    for (key, value) in all {
        let told: Vec<String> = kept
            .iter()
            .filter(|kept| kept.at == key || kept.at.starts_with(&format!("{key}.")))
            .map(|kept| format!("{} is {}", kept.at, kept.what))
            .collect();
        let comment =
            if told.is_empty() { String::new() } else { format!("  # kept: {}; a rule compares it", told.join(", ")) };
        lines.push(format!("      {key}: {}{comment}", value.yaml()));
    }
    lines
}

/// The tags that guards need for anything to happen.
fn tagged(decision: &Decision) -> Vec<(ConnectionName, Vec<TagName>)> {
    let mut needed: BTreeMap<ConnectionName, BTreeSet<TagName>> = BTreeMap::new();
    for Change { contact, guard, .. } in &decision.changes {
        if !guard.if_tagged.is_empty() {
            needed.entry(contact.connection.clone()).or_default().extend(guard.if_tagged.iter().cloned());
        }
    }
    needed.into_iter().map(|(connection, tags)| (connection, tags.into_iter().collect())).collect()
}

fn tags_of(tagged: &[(ConnectionName, Vec<TagName>)]) -> Tree {
    let list = |tags: &[TagName]| Tree::List(tags.iter().map(|tag| Tree::Text(tag.to_string())).collect());
    Tree::Map(tagged.iter().map(|(connection, tags)| (connection.to_string(), list(tags))).collect())
}

/// What comes of it, as the test's own model of people has it.
fn expected(
    decision: &Decision,
    tagged: &[(ConnectionName, Vec<TagName>)],
    work: &Work<'_>,
) -> Vec<(&'static str, String)> {
    let mut outcome = Outcome::default();
    People::tagged(tagged).apply(&decision.changes, work.at, &mut outcome, |_, _| {});
    let texts = |texts: Vec<String>| Tree::List(texts.into_iter().map(Tree::Text).collect());
    let json = |text: &str| Json::parse(text.as_bytes()).map_or_else(|_| Tree::Text(text.to_owned()), Tree::of);
    let mut lines = vec![("rules", texts(decision.rules.iter().map(ToString::to_string).collect()).yaml())];
    if !decision.changes.is_empty() {
        let by_connection = outcome.tags.lists().into_iter().map(|(connection, (add, remove))| {
            let named = [("add", add), ("remove", remove)].into_iter().filter(|(_, tags)| !tags.is_empty());
            let named = named.map(|(key, tags)| (key.to_owned(), texts(tags)));
            (connection, Tree::Map(named.collect()))
        });
        lines.push(("tag", Tree::Map(by_connection.collect()).yaml()));
    }
    if !outcome.sets.is_empty() {
        let fields = |fields: &BTreeMap<String, String>| {
            Tree::Map(fields.iter().map(|(field, value)| (field.clone(), json(value))).collect())
        };
        let sets = outcome.sets.iter().map(|(connection, of)| (connection.clone(), fields(of)));
        lines.push(("set", Tree::Map(sets.collect()).yaml()));
    }
    if !outcome.forwards.is_empty() {
        let bodies = |bodies: &[String]| match bodies {
            [one] if !matches!(json(one), Tree::List(_)) => json(one),
            several => Tree::List(several.iter().map(|body| json(body)).collect()),
        };
        let forwards = outcome.forwards.iter().map(|(connection, of)| (connection.clone(), bodies(of)));
        lines.push(("forward", Tree::Map(forwards.collect()).yaml()));
    }
    if !decision.faults.is_empty() {
        let mut faulty: Vec<String> = decision.faults.iter().map(|fault| fault.rule.to_string()).collect();
        faulty.dedup();
        lines.push(("faults", texts(faulty).yaml()));
    }
    if let Some(reply) = decision.reply.as_ref().and_then(|reply| serde_json::to_string(reply).ok()) {
        let reply = json(&reply);
        let text = reply.get("text").filter(|_| reply.len() == 1).cloned();
        lines.push(("reply", text.unwrap_or(reply).yaml()));
    }
    lines
}

/// Puts an item at the end of the tests of a file, whose text stays as it is for the rest; `None` where its `tests` is no list of
/// lines.
pub fn insert(text: &str, item: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_alphabetic() || c == '"' || c == '\'');
    let Some(head) = lines.iter().position(|line| line.starts_with("tests:")) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{gap}tests:\n{item}"));
    };
    let after = lines.get(head)?.trim_start_matches("tests:").trim();
    if !after.is_empty() && !after.starts_with('#') {
        return None;
    }
    let rest = lines.get(head + 1..)?;
    let end = rest.iter().position(is_key).map_or(lines.len(), |place| head + 1 + place);
    let first = rest.iter().find(|line| line.trim_start().starts_with("- "));
    let indent = first.map_or(2, |line| line.len() - line.trim_start().len());
    let own = item.split_inclusive('\n').map(|line| format!("{}{}", " ".repeat(indent), line.get(2..).unwrap_or(line)));
    // Empty lines and comments before the next key stay with it.
    let body = lines.get(..end)?;
    let kept = body.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    let (before, behind) = (body.get(..kept)?.concat(), lines.get(kept..)?.concat());
    let gap = if before.ends_with('\n') { "" } else { "\n" };
    Some(format!("{before}{gap}{}{behind}", own.collect::<String>()))
}
