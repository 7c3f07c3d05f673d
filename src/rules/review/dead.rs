//! Rules that can never match, and rules that no event reaches.

use std::collections::BTreeSet;

use super::Review;
use crate::rules::codes::Code;
use crate::rules::model::Rule;
use crate::rules::solve::{Found, Outcomes, Question};

/// Tells of rules that never act, and gives their places.
pub fn rules(review: &mut Review<'_, '_>) -> BTreeSet<usize> {
    let mut dead = BTreeSet::new();
    for (place, rule) in review.solver.catalog().all_rules().iter().enumerate().filter(|(_, rule)| rule.enabled) {
        let says_something = rule.when.is_some() || !says_nothing(rule);
        if says_something {
            let demand = review.solver.matches(place, true);
            if review.solver.is_impossible(&[demand]) {
                never(review, rule);
                dead.insert(place);
                continue;
            }
        }
        if is_hidden(review, place, rule) {
            dead.insert(place);
        }
        review.count_unanswered(place);
    }
    dead
}

fn says_nothing(rule: &Rule) -> bool {
    let matcher = &rule.matcher;
    matcher.sources.is_empty()
        && matcher.intents.is_empty()
        && matcher.types.is_empty()
        && matcher.languages.is_empty()
        && matcher.params.is_empty()
        && matcher.details.is_empty()
        && matcher.contains.is_empty()
        && matcher.regex.is_empty()
}

fn never<'c>(review: &mut Review<'c, '_>, rule: &'c Rule) {
    let fits = review.solver.fits(rule);
    let when = rule.when.as_ref().map(|when| review.solver.truth(&when.expr, Outcomes::YES));
    let id = review.places.id(rule);
    let name = &rule.id;
    let condition = review.places.of(rule, &["when"]).map(|node| node.span);
    let matching = review.places.key(rule, &[], "match");
    let (at, message, help) = if review.solver.is_impossible(&[fits]) {
        let message = format!("`{name}` can never match: no event fits its `match`");
        (matching, message, "make its keys fit the events of one source")
    } else if when.is_some_and(|when| review.solver.is_impossible(&[when])) {
        let message = format!("`{name}` can never match: this is never true");
        (condition, message, "mend the condition; what is unset makes every comparison false")
    } else {
        let message = format!("`{name}` can never match: where its `match` fits, this is never true");
        (condition, message, "mend one of the two: they contradict each other")
    };
    let told = review.findings.add(Code::NeverMatches, at.unwrap_or(id), message).help(help);
    match matching.filter(|_| at == condition && condition.is_some() && help.starts_with("mend one")) {
        Some(matching) => told.related(matching, "this is what fits"),
        None => told.related(id, "the rule"),
    };
}

/// Whether earlier rules that stop an event take all that this one could match.
fn is_hidden(review: &mut Review<'_, '_>, place: usize, rule: &Rule) -> bool {
    if review.solver.stops().first().is_none_or(|first| *first >= place) {
        return false;
    }
    let demands = vec![review.solver.matches(place, true)];
    let question = Question { demands, rules: vec![place], ..Question::default() };
    if !matches!(review.solver.find(&question, &|trial| trial.matched(&rule.id)), Found::Never) {
        return false;
    }
    let mut takers = review.solver.passed().to_vec();
    takers.sort_unstable();
    takers.dedup();
    let rules: Vec<&Rule> = takers.iter().filter_map(|taker| review.solver.rule(*taker)).collect();
    let names: Vec<_> = rules.iter().map(|taker| format!("`{}`", taker.id)).collect();
    let at = review.places.id(rule);
    let message = format!("`{}` never sees an event: {} stop all that it could match", rule.id, names.join(" and "));
    let message = if rules.len() == 1 { message.replace(" stop all", " stops all") } else { message };
    let places: Vec<_> = rules
        .iter()
        .map(|taker| review.places.key(taker, &[], "stop").unwrap_or_else(|| review.places.id(taker)))
        .collect();
    let mut told = review.findings.add(Code::Hidden, at, message).help("put it before them, or make them narrower");
    for place in places {
        told = told.related(place, "no rule after this one sees the event");
    }
    true
}
