//! Reading what a rule tags.

use super::desk::{Desk, Target};
use crate::domain::change::Guard;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::rules::codes::Code;
use crate::rules::model::{TagBlock, TagTemplate};
use crate::rules::yaml::{Kind, Node};

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
        let (add, remove) = (templates(block, "add", desk), templates(block, "remove", desk));
        let guard =
            Guard { if_tagged: names(block, "if_tagged", desk), unless_tagged: names(block, "unless_tagged", desk) };
        guard_can_hold(block, &guard, desk);
        if let Ok(connection) = ConnectionName::parse(&entry.key) {
            blocks.push(TagBlock { connection, add, remove, guard });
        }
    }
    blocks
}

fn templates(block: &Node, key: &str, desk: &mut Desk<'_>) -> Vec<TagTemplate> {
    let values = block.get(key).map(Node::one_or_many).unwrap_or_default();
    values.iter().filter_map(|value| template(value, desk)).collect()
}

fn template(node: &Node, desk: &mut Desk<'_>) -> Option<TagTemplate> {
    let template = desk.template(node)?;
    match template.fixed().map(TagName::parse) {
        None => Some(TagTemplate::Rendered(template)),
        Some(Some(tag)) => Some(TagTemplate::Fixed(tag)),
        Some(None) => {
            empty(node, desk);
            None
        }
    }
}

fn names(block: &Node, key: &str, desk: &mut Desk<'_>) -> Vec<TagName> {
    let mut names = Vec::new();
    for value in block.get(key).map(Node::one_or_many).unwrap_or_default() {
        let Some(text) = value.scalar() else { continue };
        if text.contains("{{") {
            let message = format!("templates in `{key}` are not supported yet by this version");
            desk.findings.add(Code::Later, value.span, message).help("write the tag's name as it is");
            continue;
        }
        match TagName::parse(&text) {
            Some(tag) => names.push(tag),
            None => empty(value, desk),
        }
    }
    names
}

fn empty(node: &Node, desk: &mut Desk<'_>) {
    desk.findings.add(Code::BadValue, node.span, "a tag's name can't be empty").help("name the tag, or take it away");
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
