//! Reading what a rule answers.

use super::desk::Desk;
use crate::rules::codes::Code;
use crate::rules::model::{ContextTemplate, EventTemplate, JsonTemplate, ReplyTemplate};
use crate::rules::yaml::{Kind, Node};

/// Reads `reply`: a text, or a mapping.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Option<ReplyTemplate> {
    if !matches!(node.kind, Kind::Map(_)) {
        let text = desk.template(node)?;
        return Some(ReplyTemplate { text: Some(text), ..ReplyTemplate::default() });
    }
    if node.entries().is_empty() {
        desk.findings.add(Code::BadValue, node.span, "this reply says nothing").help("give it `text`, or take it away");
    }
    let items = |key: &str| node.get(key).map(Node::items).unwrap_or_default();
    Some(ReplyTemplate {
        text: node.get("text").and_then(|text| desk.template(text)),
        messages: items("messages").iter().filter_map(|message| json(message, desk)).collect(),
        payload: node.get("payload").map(|payload| entries(payload, desk)),
        contexts: items("contexts").iter().filter_map(|context| self::context(context, desk)).collect(),
        event: node.get("event").and_then(|event| self::event(event, desk)),
    })
}

fn context(node: &Node, desk: &mut Desk<'_>) -> Option<ContextTemplate> {
    Some(ContextTemplate {
        name: desk.template(node.get("name")?)?,
        lifespan: Desk::text(node, "lifespan").and_then(|text| text.parse().ok()),
        parameters: node.get("parameters").map(|parameters| entries(parameters, desk)).unwrap_or_default(),
    })
}

fn event(node: &Node, desk: &mut Desk<'_>) -> Option<EventTemplate> {
    Some(EventTemplate {
        name: desk.template(node.get("name")?)?,
        language: node.get("language").and_then(|language| desk.template(language)),
        parameters: node.get("parameters").map(|parameters| entries(parameters, desk)).unwrap_or_default(),
    })
}

fn entries(node: &Node, desk: &mut Desk<'_>) -> Vec<(String, JsonTemplate)> {
    node.entries().iter().filter_map(|entry| Some((entry.key.clone(), json(&entry.value, desk)?))).collect()
}

fn json(node: &Node, desk: &mut Desk<'_>) -> Option<JsonTemplate> {
    match &node.kind {
        Kind::Text(text) if text.contains("{{") => desk.template(node).map(JsonTemplate::Text),
        Kind::List(items) => Some(JsonTemplate::List(items.iter().filter_map(|item| json(item, desk)).collect())),
        Kind::Map(_) => Some(JsonTemplate::Map(entries(node, desk))),
        _ => Some(JsonTemplate::Fixed(node.to_json())),
    }
}
