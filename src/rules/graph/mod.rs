//! The set as a picture: which sources reach which rules, and what these bring about at which connections.

mod mermaid;
mod nodes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use super::catalog::Catalog;
use super::model::{Rule, TagTemplate};
use super::pattern::Pattern;
use crate::domain::connection::ConnectionConfig;

/// Which part of a set is wanted; what is left out narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Rules that may meet events of this source.
    pub source: Option<String>,
    /// These rules.
    pub rules: Vec<String>,
    /// Rules that add, remove or ask for this tag.
    pub tag: Option<String>,
}

impl Part {
    fn is_whole(&self) -> bool {
        self.source.is_none() && self.rules.is_empty() && self.tag.is_none()
    }
}

/// A set, or a part of one.
#[derive(Debug, Clone, Serialize)]
pub struct Graph {
    /// In the order of the files.
    pub sources: Vec<SourceNode>,
    /// In the order in which they act.
    pub rules: Vec<RuleNode>,
    /// In the order of the files.
    pub connections: Vec<ConnectionNode>,
}

/// A source.
#[derive(Debug, Clone, Serialize)]
pub struct SourceNode {
    /// Its name.
    pub name: String,
    /// `dialogflow-es`
    pub kind: &'static str,
    /// The connections at which its own events change tags: `respond_io_parameters`.
    pub acts_at: Vec<String>,
}

/// A connection.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionNode {
    /// Its name.
    pub name: String,
    /// `helpcrunch`
    pub provider: &'static str,
    /// Sets of tags of which a contact has one.
    pub exclusive: Vec<Vec<String>>,
    /// Tags of which any one forbids adds.
    pub unless_tagged: Vec<String>,
}

/// A rule.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are what scripts read, each under its own name")]
pub struct RuleNode {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// The file it stands in.
    pub file: String,
    /// The line of its id, from 1.
    pub line: usize,
    /// Whether it acts at all.
    pub enabled: bool,
    /// The sources whose events it may meet.
    pub sources: Vec<String>,
    /// Whether these are all sources, since it names none.
    pub any_source: bool,
    /// Which events it is for, a line for each key: `intent pricing.*`.
    #[serde(rename = "match")]
    pub matches: Vec<String>,
    /// The condition on top.
    pub when: Option<String>,
    /// How often at most.
    pub once: Option<String>,
    /// Whether it answers.
    pub reply: bool,
    /// Whether no rule after it sees the event.
    pub stop: bool,
    /// What it brings about, connection by connection.
    pub effects: Vec<EffectEdge>,
}

/// What a rule brings about at one connection.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EffectEdge {
    /// Where.
    pub connection: String,
    /// Tags that are added.
    pub add: Vec<TagUse>,
    /// Tags that are removed.
    pub remove: Vec<TagUse>,
    /// Tags that are all needed.
    pub if_tagged: Vec<String>,
    /// Tags of which any one forbids it.
    pub unless_tagged: Vec<String>,
    /// Fields that are set.
    pub set: Vec<String>,
    /// Whether a body is sent.
    pub forward: bool,
}

/// A tag of a rule.
#[derive(Debug, Clone, Serialize)]
pub struct TagUse {
    /// Its name, as it is written.
    pub name: String,
    /// For how long it is added.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
    /// When it is changed at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// The picture of a set. Of a part only what its rules have to do with is there.
pub fn graph(catalog: &Catalog, part: &Part) -> Graph {
    let wanted = |rule: &&Rule| is_wanted(rule, part, catalog);
    let rules: Vec<RuleNode> =
        catalog.all_rules().iter().filter(wanted).map(|rule| nodes::rule(rule, part, catalog)).collect();
    let met: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.sources).map(String::as_str).collect();
    let is_met = |name: &str| part.is_whole() || met.contains(name) || part.source.as_deref() == Some(name);
    let sources: Vec<SourceNode> =
        catalog.sources().filter(|config| is_met(config.name.as_str())).map(|c| nodes::source(c, catalog)).collect();
    let by_rules = rules.iter().flat_map(|rule| &rule.effects).map(|effect| effect.connection.as_str());
    let reached: BTreeSet<&str> =
        by_rules.chain(sources.iter().flat_map(|source| &source.acts_at).map(String::as_str)).collect();
    let is_reached = |config: &&ConnectionConfig| part.is_whole() || reached.contains(config.name.as_str());
    let connections = catalog.connections().filter(is_reached).map(nodes::connection).collect();
    Graph { sources, rules, connections }
}

fn is_wanted(rule: &Rule, part: &Part, catalog: &Catalog) -> bool {
    let by_source = part.source.as_deref().is_none_or(|name| meets(rule, name));
    let by_id = part.rules.is_empty() || part.rules.iter().any(|id| id == rule.id.as_str());
    by_source && by_id && part.tag.as_deref().is_none_or(|tag| has_to_do_with(rule, tag, catalog))
}

/// Whether a rule may see events of a source.
fn meets(rule: &Rule, source: &str) -> bool {
    rule.matcher.sources.is_empty() || rule.matcher.sources.iter().any(|name| name.as_str() == source)
}

fn has_to_do_with(rule: &Rule, tag: &str, catalog: &Catalog) -> bool {
    rule.tags.iter().any(|block| {
        let names = || block.add.iter().chain(&*block.remove).map(|entry| &entry.name);
        let guards = || block.guard.if_tagged.iter().chain(&block.guard.unless_tagged);
        let config = catalog.connections().find(|config| config.name == block.connection);
        let sets = config.map(|config| config.exclusive.as_slice()).unwrap_or_default();
        names().any(|name| may_be(name, tag))
            || guards().any(|name| name.as_str() == tag)
            || block.add.iter().any(|entry| sets.iter().any(|set| takes_away(set, &entry.name, tag)))
    })
}

/// Whether a name as it is written may become this tag.
fn may_be(name: &TagTemplate, tag: &str) -> bool {
    match name {
        TagTemplate::Fixed(fixed) => fixed.as_str() == tag,
        TagTemplate::Rendered(template) => template.glob().fits(tag),
    }
}

/// Whether adding `added` takes `tag` away, since a contact has one of this set.
fn takes_away(set: &[String], added: &TagTemplate, tag: &str) -> bool {
    let in_set = |wanted: &dyn Fn(&Pattern) -> bool| set.iter().any(|written| wanted(&Pattern::parse(written)));
    let adds_one = match added {
        TagTemplate::Fixed(fixed) => in_set(&|pattern| pattern.fits(fixed.as_str())),
        // Where the name comes out only with an event, its beginning tells which set it can be of.
        TagTemplate::Rendered(template) => {
            let prefix = template.glob().prefix().to_owned();
            in_set(&|pattern| pattern.prefix().starts_with(&prefix) || prefix.starts_with(pattern.prefix()))
        }
    };
    adds_one && in_set(&|pattern| pattern.fits(tag))
}
