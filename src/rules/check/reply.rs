//! Reading what a rule answers.

use super::desk::Desk;
use super::effects::{json, mapping};
use crate::domain::reply::Merge;
use crate::domain::source::SourceKind;
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::model::{ContextTemplate, EventTemplate, ReplyTemplate, TextTemplate};
use crate::rules::pattern::LanguagePattern;
use crate::rules::yaml::{Kind, Node};

/// Reads `reply`: a text, or a mapping.
pub fn read(node: &Node, desk: &mut Desk<'_>) -> Option<ReplyTemplate> {
    is_shown(node, desk);
    if !matches!(node.kind, Kind::Map(_)) {
        let text = desk.printed(node)?;
        return Some(ReplyTemplate { text: Some(TextTemplate::One(text)), ..ReplyTemplate::default() });
    }
    if node.entries().is_empty() {
        desk.findings.add(Code::BadValue, node.span, "this reply says nothing").help("give it `text`, or take it away");
    }
    has_a_place(node, desk);
    let items = |key: &str| node.get(key).map(Node::items).unwrap_or_default();
    Some(ReplyTemplate {
        text: node.get("text").and_then(|node| text(node, desk)),
        messages: items("messages").iter().filter_map(|message| json(message, desk)).collect(),
        payload: node.get("payload").map(|payload| mapping(payload, desk)),
        contexts: items("contexts").iter().filter_map(|context| self::context(context, desk)).collect(),
        event: node.get("event").and_then(|event| self::event(event, desk).map(Box::new)),
        parameters: node.get("parameters").map(|parameters| mapping(parameters, desk)),
        target_page: node.get("target_page").and_then(|page| desk.printed(page)).map(Box::new),
        target_flow: node.get("target_flow").and_then(|flow| desk.printed(flow)).map(Box::new),
        merge: match Desk::text(node, "merge").as_deref() {
            Some("replace") => Some(Merge::Replace),
            Some("append") => Some(Merge::Append),
            _ => None,
        },
    })
}

fn context(node: &Node, desk: &mut Desk<'_>) -> Option<ContextTemplate> {
    Some(ContextTemplate {
        name: desk.printed(node.get("name")?)?,
        lifespan: Desk::text(node, "lifespan").and_then(|text| text.parse().ok()),
        parameters: node.get("parameters").map(|parameters| mapping(parameters, desk)).unwrap_or_default(),
    })
}

fn event(node: &Node, desk: &mut Desk<'_>) -> Option<EventTemplate> {
    Some(EventTemplate {
        name: desk.printed(node.get("name")?)?,
        language: node.get("language").and_then(|language| desk.printed(language)),
        parameters: node.get("parameters").map(|parameters| mapping(parameters, desk)).unwrap_or_default(),
    })
}

/// Words, or words by language.
pub fn text(node: &Node, desk: &mut Desk<'_>) -> Option<TextTemplate> {
    if !matches!(node.kind, Kind::Map(_)) {
        return desk.printed(node).map(TextTemplate::One);
    }
    let mut each = Vec::new();
    let mut default = None;
    for entry in node.entries() {
        let Some(template) = desk.printed(&entry.value) else { continue };
        if entry.key == "default" {
            default = Some(Box::new(template));
        } else {
            each.push((LanguagePattern::parse(&entry.key), template));
        }
    }
    let is_told = desk.known.carries(Root::Language);
    if node.get("default").is_none() && is_told {
        desk.findings
            .add(Code::NoDefault, node.span, "who speaks another language gets no answer from this rule")
            .help("add `default:` with the words for everybody else");
    }
    if !is_told {
        desk.findings
            .add(Code::NotCarried, node.span, "no source of this rule tells a language, so only `default` is ever said")
            .help("write the text alone");
    }
    Some(TextTemplate::Languages { each: each.into(), default })
}

/// A reply that no source of the rule shows anybody is never read.
fn is_shown(node: &Node, desk: &mut Desk<'_>) {
    let sources = &desk.known.sources;
    if sources.is_empty() || sources.iter().any(|source| source.kind.traits().replies()) {
        return;
    }
    let mut titles: Vec<_> = sources.iter().map(|source| source.kind.traits().title).collect();
    titles.sort_unstable();
    titles.dedup();
    let message = format!("nobody sees this reply: what {} is answered is read by nobody", titles.join(" or "));
    desk.findings.add(Code::CantDo, node.span, message).help("take it away; `forward` sends words on");
}

/// What no source of the rule has a place for would never be said.
fn has_a_place(node: &Node, desk: &mut Desk<'_>) {
    for entry in node.entries() {
        let key = entry.key.as_str();
        let has = |kind: SourceKind| kind.traits().reply.contains(&key);
        let kinds: Vec<_> = SourceKind::ALL.iter().filter(|kind| has(**kind)).map(|kind| kind.name()).collect();
        let mut sources = desk.known.sources.iter().filter(|source| source.kind.traits().replies()).peekable();
        if !kinds.is_empty() && sources.peek().is_some() && !sources.any(|source| has(source.kind)) {
            let message = format!("no source of this rule can answer with `{key}`");
            desk.findings
                .add(Code::CantDo, entry.key_span, message)
                .help(format!("only `{}` sources can", kinds.join("` and `")));
        }
    }
    if let (Some(_), Some(flow)) = (node.get("target_page"), node.get("target_flow")) {
        desk.findings
            .add(Code::BadValue, flow.span, "an answer goes to a page or to a flow, and not to both")
            .help("a page's name says its flow already");
    }
}
