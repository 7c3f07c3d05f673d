//! The heart: one event, all rules, one decision. Pure, so that serving, testing, explaining and replaying are one code.

use super::catalog::{Catalog, Source, is_met};
use super::expr::ExprFault;
use super::expr::eval::{self, Kept, Scope};
use super::finder;
use super::matching;
use super::model::Rule;
use super::record::{Mark, Record};
use super::render::{self, Home, RuleFault, respond_io};
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::name::RuleId;

/// What the rules make of an event. An event of a source that the set doesn't have meets no rule.
pub fn decide(catalog: &Catalog, event: &Event<'_>) -> Decision {
    decide_for(catalog, event, None, None)
}

/// The same, where a test says whom the source would have found; what rules come to is noted in `record`.
pub(super) fn decide_for(
    catalog: &Catalog,
    event: &Event<'_>,
    found: Option<&str>,
    record: Option<&Record>,
) -> Decision {
    let mut decision = Decision::default();
    let Some(source) = catalog.entry(event.source.as_str()) else { return decision };
    let kept = Kept::default();
    let scope = Scope { kept: Some(&kept), record, ..scope(catalog, source, event, found) };
    let home = Home { catalog, source };
    for changed in render::tags_changed(home, &scope) {
        match changed {
            Ok(contact) => decision.tags_changed.push(contact),
            Err(fault) => decision.faults.push(finder::fault(&fault.at, &fault.message)),
        }
    }
    // Before the rules, so that what a rule says of the same tag has the last word.
    match respond_io::changes(home, &scope) {
        Ok(changes) => decision.changes.extend(changes),
        Err(fault) => decision.faults.push(name(respond_io::rule(), fault)),
    }
    if let Some(record) = record {
        record.are_made(decision.changes.len());
    }
    let mut stopped = None;
    source.index.candidates(&scope, |place| match catalog.all_rules().get(place as usize) {
        Some(rule) => {
            let goes_on = act(rule, home, &scope, &mut decision);
            stopped = (!goes_on).then_some(place as usize);
            goes_on
        }
        None => true,
    });
    if let Some(record) = record {
        let asked = catalog.all_rules().iter().take(stopped.map_or(usize::MAX, |place| place + 1));
        let missed = asked.filter(|rule| is_met(rule, &event.source) && !decision.rules.contains(&rule.id));
        missed.for_each(|rule| record.mark(Mark::Missed, rule));
    }
    decision
}

/// What these rules alone make of an event, by their places in the set and in this order; the index isn't asked. For those who
/// know which rules they ask about.
pub(super) fn decide_among(catalog: &Catalog, event: &Event<'_>, found: Option<&str>, places: &[usize]) -> Decision {
    let mut decision = Decision::default();
    let Some(source) = catalog.entry(event.source.as_str()) else { return decision };
    let kept = Kept::default();
    let scope = Scope { kept: Some(&kept), ..scope(catalog, source, event, found) };
    let home = Home { catalog, source };
    let is_for =
        |rule: &Rule| rule.enabled && (rule.matcher.sources.is_empty() || rule.matcher.sources.contains(&event.source));
    let rules = places.iter().filter_map(|place| catalog.all_rules().get(*place)).filter(|rule| is_for(rule));
    for rule in rules {
        if !act(rule, home, &scope, &mut decision) {
            break;
        }
    }
    decision
}

/// What the rules of a source see of an event.
pub(super) fn scope<'e>(
    catalog: &'e Catalog,
    source: &'e Source,
    event: &'e Event<'e>,
    found: Option<&'e str>,
) -> Scope<'e> {
    Scope {
        event,
        found,
        rule_contact: None,
        source_contact: source.contact.as_ref(),
        types: &source.types,
        shared: catalog.shared(),
        kept: None,
        record: None,
    }
}

/// Judges one rule and carries it out; whether the next rule may see the event.
fn act<'v>(rule: &'v Rule, home: Home<'v>, scope: &Scope<'v>, decision: &mut Decision) -> bool {
    let scope = &Scope { rule_contact: rule.contact.as_deref(), ..*scope };
    match matches(rule, scope) {
        Ok(true) => {}
        Ok(false) => return true,
        Err(problem) => {
            let fault = RuleFault { at: "when".to_owned(), message: problem.message };
            decision.faults.push(name(rule.id.clone(), fault));
            return true;
        }
    }
    decision.rules.push(rule.id.clone());
    match render::changes(rule, home, scope) {
        Ok(changes) => decision.changes.extend(changes),
        Err(fault) => decision.faults.push(name(rule.id.clone(), fault)),
    }
    if let Some(record) = scope.record {
        record.mark(Mark::Fired, rule);
        record.are_made(decision.changes.len());
    }
    if let (None, Some(reply)) = (&decision.reply, &rule.reply) {
        match render::reply(reply, scope) {
            Ok(reply) => decision.reply = Some(reply),
            Err(fault) => decision.faults.push(name(rule.id.clone(), fault)),
        }
    }
    !rule.stop
}

/// Whether a rule that the event meets matches it; the scope knows the rule's contact.
pub(super) fn matches<'v>(rule: &'v Rule, scope: &Scope<'v>) -> Result<bool, ExprFault> {
    if !matching::fits(&rule.matcher, scope) {
        return Ok(false);
    }
    if let Some(record) = scope.record {
        record.mark(Mark::Fits, rule);
    }
    rule.when.as_ref().map_or(Ok(true), |when| eval::holds(when, scope))
}

fn name(rule: RuleId, fault: RuleFault) -> Fault {
    Fault { rule, at: fault.at, message: fault.message }
}
