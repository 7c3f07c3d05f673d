//! From the model to what is shown of it.

use std::fmt::Display;

use super::{ConnectionNode, EffectEdge, Part, RuleNode, SourceNode, TagUse, meets};
use crate::domain::connection::ConnectionConfig;
use crate::domain::duration::format_duration;
use crate::domain::source::SourceConfig;
use crate::domain::tag::TagName;
use crate::rules::catalog::Catalog;
use crate::rules::model::{Matcher, Rule, TagEntry, TagTemplate};

pub fn source(config: &SourceConfig, catalog: &Catalog) -> SourceNode {
    let acts_at = catalog.entry(config.name.as_str()).map(|source| texts(&source.respond_io)).unwrap_or_default();
    SourceNode { name: config.name.to_string(), kind: config.kind.name(), acts_at }
}

pub fn connection(config: &ConnectionConfig) -> ConnectionNode {
    ConnectionNode {
        name: config.name.to_string(),
        provider: config.provider.name(),
        exclusive: config.exclusive.clone(),
        unless_tagged: texts(&config.unless_tagged),
    }
}

pub fn rule(rule: &Rule, part: &Part, catalog: &Catalog) -> RuleNode {
    let wanted = |name: &str| part.source.as_deref().is_none_or(|source| source == name);
    let names = catalog.sources().map(|config| config.name.as_str());
    RuleNode {
        id: rule.id.to_string(),
        description: rule.description.as_deref().map(str::to_owned),
        file: rule.file.to_string(),
        line: rule.line,
        enabled: rule.enabled,
        sources: names.filter(|name| meets(rule, name) && wanted(name)).map(str::to_owned).collect(),
        any_source: rule.matcher.sources.is_empty(),
        matches: matches(&rule.matcher),
        when: rule.when.as_ref().map(|when| when.source.trim().to_owned()),
        once: rule.once.map(format_duration),
        reply: rule.reply.is_some(),
        stop: rule.stop,
        effects: effects(rule),
    }
}

/// `intent pricing.*, quote.request`
fn matches(matcher: &Matcher) -> Vec<String> {
    let params = matcher.params.iter().map(|(name, values)| format!("{name} {}", texts(values).join(", ")));
    let details = matcher.details.iter().map(|(detail, values)| format!("{detail} {}", texts(values).join(", ")));
    let regex = matcher.regex.iter().map(|regex| regex.source().to_owned());
    [
        ("intent", texts(&matcher.intents)),
        ("type", texts(&matcher.types)),
        ("language", texts(&matcher.languages)),
        ("params", params.collect()),
        ("text has", texts(&matcher.contains)),
        ("text fits", regex.collect()),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(key, values)| format!("{key} {}", values.join(", ")))
    .chain(details)
    .collect()
}

/// What is done at one connection stands together, in the order in which connections are named first.
fn effects(rule: &Rule) -> Vec<EffectEdge> {
    let mut edges: Vec<EffectEdge> = Vec::new();
    for block in &rule.tags {
        let edge = at(block.connection.as_str(), &mut edges);
        edge.add.extend(block.add.iter().map(tag));
        edge.remove.extend(block.remove.iter().map(tag));
        edge.if_tagged.extend(block.guard.if_tagged.iter().map(TagName::to_string));
        edge.unless_tagged.extend(block.guard.unless_tagged.iter().map(TagName::to_string));
    }
    for block in &rule.sets {
        at(block.connection.as_str(), &mut edges).set.extend(block.fields.iter().map(|(name, _)| name.to_string()));
    }
    for forward in &rule.forwards {
        at(forward.connection.as_str(), &mut edges).forward = true;
    }
    edges
}

fn at<'e>(connection: &str, edges: &'e mut Vec<EffectEdge>) -> &'e mut EffectEdge {
    let known = edges.iter().position(|edge| edge.connection == connection);
    let place = known.unwrap_or_else(|| {
        edges.push(EffectEdge { connection: connection.to_owned(), ..EffectEdge::default() });
        edges.len() - 1
    });
    &mut edges[place]
}

fn tag(entry: &TagEntry) -> TagUse {
    let name = match &entry.name {
        TagTemplate::Fixed(tag) => tag.to_string(),
        TagTemplate::Rendered(template) => template.source.to_string(),
    };
    let when = entry.when.as_ref().map(|when| when.source.trim().to_owned());
    TagUse { name, lasts: entry.lasts.map(format_duration), when }
}

fn texts<T: Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
