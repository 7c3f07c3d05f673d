//! What is defined and nothing uses.

use std::collections::HashSet;

use super::desk::Desk;
use super::draft::{Draft, Named};
use crate::domain::name::ConnectionName;
use crate::rules::codes::Code;
use crate::rules::finding::{Severity, Span};

/// Sources, connections, values, conditions and hours that no rule has to do with.
///
/// A set without rules is at its beginning, and one with an error may use what it can't name yet: neither is told of it.
pub fn everything_is_used(draft: &Draft, desk: &mut Desk<'_>) {
    if draft.rules.is_empty() || desk.findings.worst() == Some(Severity::Error) {
        return;
    }
    let mut unused: Vec<(Span, String, &str)> = Vec::new();
    unused.extend(sources(draft));
    unused.extend(connections(draft));
    let used = &desk.notes.used;
    let mut named = |what: &str, key: &str, names: Vec<(&str, Span)>| {
        let message = |name: &str| format!("nothing uses the {what} `{name}`: no expression says `{key}{name}`");
        unused.extend(names.into_iter().map(|(name, span)| (span, message(name), "take it away, or use it")));
    };
    named("value", "values.", without(&draft.values, |name| used.all_values || used.values.contains(name)));
    named("condition", "conditions.", without(&draft.conditions, |name| used.conditions.contains(name)));
    for (name, span) in without(&draft.hours, |name| used.hours.contains(name)) {
        unused.push((
            span,
            format!("nothing asks for the hours `{name}`"),
            "take them away, or write `open(..)` somewhere",
        ));
    }
    for (span, message, help) in unused {
        desk.findings.add(Code::Unused, span, message).help(help);
    }
}

fn without<T>(named: &[Named<T>], is_used: impl Fn(&str) -> bool) -> Vec<(&str, Span)> {
    named.iter().filter(|named| !is_used(&named.name)).map(|named| (named.name.as_str(), named.span)).collect()
}

/// A source acts by a rule, or by itself through what its requests say of tags.
fn sources(draft: &Draft) -> Vec<(Span, String, &'static str)> {
    let rules = || draft.rules.iter().filter_map(|named| named.value.as_ref());
    if rules().any(|rule| rule.matcher.sources.is_empty()) {
        return Vec::new();
    }
    let named: HashSet<_> = rules().flat_map(|rule| &rule.matcher.sources).collect();
    let idle = draft.sources.iter().filter(|source| {
        let Some(source) = &source.value else { return false };
        !named.contains(&source.config.name) && source.respond_io.is_empty() && source.tags_changed_at.is_empty()
    });
    let told = |source: &Named<_>| {
        format!("no rule is for the source `{}`: its events are kept and nothing else", source.name)
    };
    idle.map(|source| (source.span, told(source), "write a rule for it, or take it away")).collect()
}

/// Rules act at connections, and so do sources by themselves. Whom `contact_at` names alone changes nothing.
fn connections(draft: &Draft) -> Vec<(Span, String, &'static str)> {
    let rules = draft.rules.iter().filter_map(|named| named.value.as_ref()).flat_map(|rule| {
        let tags = rule.tags.iter().map(|block| &block.connection);
        tags.chain(rule.sets.iter().map(|set| &set.connection)).chain(rule.forwards.iter().map(|body| &body.connection))
    });
    let sources = draft.sources.iter().filter_map(|named| named.value.as_ref());
    let by_sources = sources.flat_map(|source| {
        source.respond_io.iter().chain(source.tags_changed_at.iter().map(|(connection, _)| connection))
    });
    let used: HashSet<&str> = rules.chain(by_sources).map(ConnectionName::as_str).collect();
    let idle = without(&draft.connections, |name| used.contains(name));
    let told = |name: &str| format!("nothing is changed at the connection `{name}`");
    let help = "let a rule act there, or take it away; where only people tag through the API, waive this and say so";
    idle.into_iter().map(|(name, span)| (span, told(name), help)).collect()
}
