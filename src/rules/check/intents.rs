//! Intents held against the agents that have them.

use std::path::Path;
use std::rc::Rc;

use super::desk::Desk;
use crate::domain::near;
use crate::domain::source::SourceKind;
use crate::rules::agent::{self, Agent, BadExport};
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::pattern::Pattern;
use crate::rules::yaml::{Entry, Node};

/// Reads the export that a source names.
pub fn read(source: &Entry, kind: Option<SourceKind>, desk: &mut Desk<'_>) {
    let Some(node) = source.value.get("agent") else { return };
    match kind {
        Some(SourceKind::DialogflowEs) => {}
        Some(kind) => {
            desk.findings
                .add(
                    Code::BadValue,
                    node.span,
                    format!("`agent` is for `dialogflow-es` sources, and this is a `{}`", kind.name()),
                )
                .help("take it away: exports of Dialogflow CX and other bots aren't read");
            return;
        }
        None => return,
    }
    let Some(written) = Desk::text(&source.value, "agent").filter(|text| !text.starts_with("env:")) else { return };
    let path = desk.findings.path(node.span.file);
    let path = Path::new(&path).parent().unwrap_or(Path::new("")).join(written);
    match agent::read(&path) {
        Ok(agent) => drop(desk.agents.insert(source.key.clone(), Rc::new(agent))),
        Err(bad) => {
            let help = match &bad {
                BadExport::Unreadable(_) => "name the ZIP file by its path from this file's folder",
                BadExport::Cx => "give the source `kind: dialogflow-cx`, and take `agent` away",
                _ => "in Dialogflow ES: the agent's settings, Export and Import, Export as ZIP",
            };
            desk.findings.add(Code::BadAgent, node.span, bad.to_string()).help(help);
        }
    }
}

/// Tells of a pattern of `match.intent` that no intent fits, where every source that the rule may meet names its agent.
pub fn look(pattern: &str, node: &Node, desk: &mut Desk<'_>) {
    let sources = desk.known.sources.iter().filter(|source| source.carries(Root::Intent));
    let agents: Option<Vec<_>> =
        sources.map(|source| Some((source.name.clone(), desk.agents.get(&source.name)?.clone()))).collect();
    if let Some(agents) = agents.filter(|agents| !agents.is_empty()) {
        held_against(pattern, &agents, node, desk);
    }
}

/// The same of a test's event.
pub fn look_at_event(intent: &Node, source: &str, desk: &mut Desk<'_>) {
    let (Some(name), Some(agent)) = (intent.scalar(), desk.agents.get(source).cloned()) else { return };
    held_against(&name, &[(source.to_owned(), agent)], intent, desk);
}

fn held_against(written: &str, agents: &[(String, Rc<Agent>)], node: &Node, desk: &mut Desk<'_>) {
    let pattern = Pattern::parse(written);
    let intents = || agents.iter().flat_map(|(_, agent)| &agent.intents).map(String::as_str);
    if intents().any(|intent| pattern.fits(intent)) {
        return;
    }
    let names: Vec<_> = agents.iter().map(|(name, _)| format!("`{name}`")).collect();
    let of = names.join(" and ");
    let message = match pattern.exact() {
        Some(name) => format!("the agent of {of} has no intent `{name}`"),
        None => format!("no intent of the agent of {of} fits `{written}`"),
    };
    let meant = near::meant(written, intents());
    let some: Vec<_> = intents().take(10).collect();
    let told = desk.findings.add(Code::UnknownIntent, node.span, message);
    match meant.filter(|_| pattern.exact().is_some()) {
        Some(meant) => told.meant(meant),
        None if some.is_empty() => told.help("the export holds no intent at all"),
        None => told.help(format!(
            "there are: {}{}; if it is new, export the agent again",
            some.join(", "),
            if intents().count() > some.len() { ", .." } else { "" }
        )),
    };
}
