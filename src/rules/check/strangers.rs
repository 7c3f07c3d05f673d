//! Tags that are named by what a stranger writes.

use std::collections::HashSet;
use std::rc::Rc;

use super::bounds::{self, Held};
use super::desk::Desk;
use super::draft::Draft;
use super::notes::Stranger;
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::expr::known::{Carrier, Known};
use crate::rules::expr::template::Template;
use crate::rules::yaml::{Kind, Node};

/// What `match` leaves of what a rule's events may hold.
pub fn held_by_match(node: &Node, known: &Known) -> Held {
    // Each is carried by a catch source only where that says where to find it.
    let asked = [("intent", Root::Intent), ("type", Root::Type), ("language", Root::Language)];
    let asks = |key: &str| node.get("match").is_some_and(|node| node.get(key).is_some());
    let may_meet = |source: &Carrier| asked.iter().all(|(key, root)| !asks(key) || source.carries(*root));
    let is_unfiltered = |source: &&Rc<Carrier>| !source.kind.traits().has_agent;
    let meets_strangers = known.sources.iter().filter(is_unfiltered).any(|source| may_meet(source));
    let params = node.get("match").and_then(|node| node.get("params")).map(Node::entries).unwrap_or_default();
    let is_one = |node: &Node| match &node.kind {
        Kind::Text(text) => !text.contains('*'),
        _ => true,
    };
    let held = params.iter().filter(|entry| entry.value.one_or_many().iter().all(is_one));
    Held { ways: held.map(|entry| bounds::param(&entry.key)).collect(), meets_strangers }
}

/// Notes a tag's name that may be anything.
pub fn note(connection: &str, template: &Template, node: &Node, desk: &mut Desk<'_>) {
    let found = template.expressions().find_map(|expr| bounds::unbound(expr, &desk.notes.held, &desk.known));
    let Some(way) = found.and_then(|expr| template.source.get(expr.span.clone())).map(str::to_owned) else { return };
    if let Some(connection) = desk.connection(connection) {
        desk.notes.strangers.push(Stranger { connection, way, span: node.span });
    }
}

/// Where a connection lists its tags, the list is the bound: another name is refused.
pub fn tags_are_known_beforehand(draft: &Draft, desk: &mut Desk<'_>) {
    let listing: HashSet<_> = draft
        .connections
        .iter()
        .filter_map(|named| named.value.as_ref())
        .filter(|it| !it.tags.is_empty())
        .map(|it| &it.name)
        .collect();
    for Stranger { connection, way, span } in std::mem::take(&mut desk.notes.strangers) {
        if listing.contains(&connection) {
            continue;
        }
        desk.findings
            .add(Code::UnboundTag, span, format!("whatever stands in `{way}` becomes a tag at `{connection}`"))
            .help(format!(
                "list the tags in use under `tags` of `{connection}`, or name the values in `match.params` or `when`"
            ));
    }
}
