//! Reading what a rule tags.

use super::desk::{Asked, Desk, Target};
use super::rule::no_time;
use super::{bounds, strangers};
use crate::domain::change::Guard;
use crate::domain::duration::parse_duration;
use crate::domain::tag::TagName;
use crate::rules::codes::Code;
use crate::rules::model::{TagBlock, TagEntry, TagTemplate};
use crate::rules::yaml::{Entry, Kind, Node};

/// Reads `tag`.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Vec<TagBlock> {
    let mut blocks = Vec::new();
    for entry in node.entries() {
        desk.refer(Target::Connection, &entry.key, entry.key_span);
        let block = &entry.value;
        if matches!(block.kind, Kind::Map(_)) && block.get("add").is_none() && block.get("remove").is_none() {
            desk.findings
                .add(Code::DoesNothing, entry.key_span, format!("nothing is tagged at `{}`", entry.key))
                .help("give it `add` or `remove`");
        }
        desk.ask(&entry.key, Asked::Tag(None), entry.key_span);
        let (add, remove) = (entries(entry, "add", desk), entries(entry, "remove", desk));
        let guard =
            Guard { if_tagged: names(entry, "if_tagged", desk), unless_tagged: names(entry, "unless_tagged", desk) };
        guard_can_hold(block, &guard, desk);
        each_remove_counts(block, desk);
        if let Some(connection) = desk.connection(&entry.key) {
            blocks.push(TagBlock { connection, add, remove, guard });
        }
    }
    blocks
}

fn entries(at: &Entry, key: &str, desk: &mut Desk<'_>) -> Box<[TagEntry]> {
    let values = at.value.get(key).map(Node::one_or_many).unwrap_or_default();
    values.iter().filter_map(|value| entry(at, key, value, desk)).collect()
}

/// A name, or a mapping with the name and its own `for` and `when`.
fn entry(at: &Entry, key: &str, node: &Node, desk: &mut Desk<'_>) -> Option<TagEntry> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some(TagEntry { name: template(at, key, node, desk)?, lasts: None, when: None });
    }
    if let (Some(lasts), "remove") = (node.get("for"), key) {
        desk.findings
            .add(Code::BadValue, lasts.span, "only a tag that is added can have an end")
            .help("take `for` away; a remove ends the clock of an earlier add");
    }
    let when = node.get("when").and_then(|node| desk.condition(node));
    let held = when.as_ref().map(|when| bounds::held(&when.expr, &desk.notes.held_by)).unwrap_or_default();
    let lasts = Desk::text(node, "for").and_then(|text| parse_duration(&text));
    if let (Some(node), true) = (node.get("for"), lasts.is_some_and(|lasts| lasts.is_zero())) {
        no_time(node, "for", desk);
    }
    let of_the_rule = desk.notes.held.clone();
    desk.notes.held.ways.extend(held);
    let name = template(at, key, node.get("name")?, desk);
    desk.notes.held = of_the_rule;
    Some(TagEntry { name: name?, lasts, when })
}

fn template(at: &Entry, key: &str, node: &Node, desk: &mut Desk<'_>) -> Option<TagTemplate> {
    let template = desk.printed(node)?;
    match template.fixed().map(TagName::parse) {
        None => {
            // A remove makes no tag.
            if key == "add" {
                strangers::note(&at.key, &template, node, desk);
            }
            Some(TagTemplate::Rendered(template))
        }
        Some(Some(tag)) => {
            desk.ask(&at.key, Asked::Tag(Some(tag.as_str().to_owned())), node.span);
            Some(TagTemplate::Fixed(tag))
        }
        Some(None) => {
            empty(node, desk);
            None
        }
    }
}

fn names(at: &Entry, key: &str, desk: &mut Desk<'_>) -> Vec<TagName> {
    let mut names = Vec::new();
    for value in at.value.get(key).map(Node::one_or_many).unwrap_or_default() {
        let Some(text) = value.scalar() else { continue };
        if text.contains("{{") {
            let message = format!("`{key}` names tags as they are; a template has no place here");
            let help = "write the tag's name, or a rule for each; `when` can ask what depends on the event";
            desk.findings.add(Code::BadValue, value.span, message).help(help);
            continue;
        }
        match TagName::parse(&text) {
            Some(tag) => {
                desk.ask(&at.key, Asked::Tag(Some(tag.as_str().to_owned())), value.span);
                names.push(tag);
            }
            None => empty(value, desk),
        }
    }
    names
}

fn empty(node: &Node, desk: &mut Desk<'_>) {
    desk.findings.add(Code::BadValue, node.span, "a tag's name can't be empty").help("name the tag, or take it away");
}

/// In one block removes come first, so of a tag that it surely adds too the remove says nothing.
fn each_remove_counts(block: &Node, desk: &mut Desk<'_>) {
    let entries = |key: &str| block.get(key).map(Node::one_or_many).unwrap_or_default();
    let name = |node: &Node| node.scalar().or_else(|| Desk::text(node, "name")).and_then(|text| TagName::parse(&text));
    for removed in entries("remove") {
        let Some(tag) = name(removed) else { continue };
        let is_added = |node: &&Node| node.get("when").is_none() && name(node).as_ref() == Some(&tag);
        if let Some(added) = entries("add").iter().find(is_added) {
            desk.findings
                .add(Code::DoesNothing, removed.span, format!("`{tag}` is added by this block too, and that wins"))
                .help("take it out of one of the two, or give the one under `add` a `when`")
                .related(added.span, "added here");
        }
    }
}

fn guard_can_hold(block: &Node, guard: &Guard, desk: &mut Desk<'_>) {
    let Some(tag) = guard.if_tagged.iter().find(|tag| guard.unless_tagged.contains(tag)) else { return };
    let span = block.get("unless_tagged").map_or(block.span, |node| node.span);
    let message = format!("`{tag}` is both needed and forbidden, so this block never acts");
    let told = desk.findings.add(Code::Contradiction, span, message).help("take it out of one of the two");
    if let Some(needed) = block.get("if_tagged") {
        told.related(needed.span, "needed here");
    }
}
