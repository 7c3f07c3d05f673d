//! Conditions that are always or never true, and parts of conditions that make no difference.

use std::collections::BTreeSet;

use super::Review;
use crate::rules::codes::Code;
use crate::rules::expr::Condition;
use crate::rules::expr::ast::{Expr, Node};
use crate::rules::model::Rule;
use crate::rules::solve::{Demand, Outcomes};
use crate::rules::yaml::Node as Tree;

/// A part that makes no difference.
struct Idle<'c> {
    part: &'c Expr,
    why: &'static str,
}

/// Of a whole condition.
const ALWAYS: &str = "this is always true";
const NEVER: &str = "this is never true";

/// Looks at the conditions that rule files name, whatever rule uses them.
pub fn conditions(review: &mut Review<'_, '_>) {
    let mut all: Vec<_> = review.solver.catalog().shared().conditions.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    for (name, condition) in all {
        let idle = whole(review, condition, &[], true);
        if idle.is_empty() {
            continue;
        }
        if let Some(node) = review.places.condition(name).cloned() {
            tell(review, &node, condition, &idle);
        }
    }
}

/// Looks at the conditions of rules and of their tags; dead rules were told of.
pub fn rules(review: &mut Review<'_, '_>, dead: &BTreeSet<usize>) {
    for (place, rule) in review.solver.catalog().all_rules().iter().enumerate() {
        if !rule.enabled || dead.contains(&place) {
            continue;
        }
        review.count_unanswered(place);
        if let Some(when) = &rule.when {
            let fits = review.solver.fits(rule);
            let idle = whole(review, when, &[fits], false);
            tell_at(review, rule, &["when"], None, when, &idle);
        }
        let tags = rule.tags.iter().flat_map(|block| {
            let side = |key, entries| (block.connection.as_str(), key, entries);
            [side("add", &block.add), side("remove", &block.remove)]
        });
        for (connection, key, entries) in tags {
            for (index, when) in entries.iter().enumerate().filter_map(|(at, entry)| Some((at, entry.when.as_ref()?))) {
                let matches = review.solver.matches(place, true);
                let idle = whole(review, when, &[matches], true);
                tell_at(review, rule, &["tag", connection, key], Some(index), when, &idle);
            }
        }
    }
}

fn tell_at(
    review: &mut Review<'_, '_>,
    rule: &Rule,
    keys: &[&str],
    item: Option<usize>,
    condition: &Condition,
    idle: &[Idle<'_>],
) {
    if idle.is_empty() {
        return;
    }
    let node = review.places.of(rule, keys);
    let node = match item {
        Some(index) => node.and_then(|node| node.one_or_many().get(index)?.get("when")),
        None => node,
    };
    if let Some(node) = node.cloned() {
        tell(review, &node, condition, idle);
    }
}

fn tell(review: &mut Review<'_, '_>, node: &Tree, condition: &Condition, idle: &[Idle<'_>]) {
    for Idle { part, why } in idle {
        let at = review.findings.part(node.span, &condition.source, &part.span);
        let help = match *why {
            ALWAYS => "take the condition away, or ask for what was meant",
            NEVER => "ask for what was meant; what is unset makes every comparison false",
            _ => "take it away, or ask for what was meant",
        };
        review.findings.add(Code::NeverMatters, at, *why).help(help);
    }
}

/// The parts of a condition that make no difference where all of `context` is so.
fn whole<'c>(
    review: &mut Review<'c, '_>,
    condition: &'c Condition,
    context: &[Demand],
    may_be_never: bool,
) -> Vec<Idle<'c>> {
    let expr = &*condition.expr;
    let with = |demand: Demand| context.iter().cloned().chain([demand]).collect::<Vec<_>>();
    let no = review.solver.truth(expr, Outcomes::NOT_YES);
    if review.solver.is_impossible(&with(no)) {
        return vec![Idle { part: expr, why: ALWAYS }];
    }
    let yes = review.solver.truth(expr, Outcomes::YES);
    if may_be_never && review.solver.is_impossible(&with(yes)) {
        return vec![Idle { part: expr, why: NEVER }];
    }
    let mut idle = Vec::new();
    below(review, expr, context, &mut idle);
    idle
}

fn below<'c>(review: &mut Review<'c, '_>, expr: &'c Expr, context: &[Demand], idle: &mut Vec<Idle<'c>>) {
    match &expr.node {
        Node::Not(inner) => below(review, inner, context, idle),
        Node::And(items) => chain(review, items, context, Outcomes::YES, idle),
        Node::Or(items) => chain(review, items, context, Outcomes::NO, idle),
        _ => {}
    }
}

/// A part makes no difference where the whole comes to the same without it, faults included. The last one is asked first: of two
/// that say the same the later one is told of, and the first then counts as all there is.
fn chain<'c>(
    review: &mut Review<'c, '_>,
    items: &'c [Expr],
    context: &[Demand],
    going_on: Outcomes,
    idle: &mut Vec<Idle<'c>>,
) {
    let (end, others) =
        if going_on.yes { (Outcomes::NO, Outcomes::NOT_NO) } else { (Outcomes::YES, Outcomes::NOT_YES) };
    let mut kept: Vec<&'c Expr> = items.iter().collect();
    for item in items.iter().rev() {
        let Some(index) = kept.iter().position(|part| std::ptr::eq(*part, item)) else { continue };
        let (before, from) = kept.split_at(index);
        let after = from.get(1..).unwrap_or_default();
        let mut reached = context.to_vec();
        reached.extend(before.iter().map(|part| review.solver.truth(part, going_on)));
        // It ends the matter and the rest wouldn't, or it is a fault and the rest is none.
        let differences = [(end, others), (Outcomes::FAULT, Outcomes::SURE)];
        let matters = differences.into_iter().any(|(of_item, of_rest)| {
            let mut demands = reached.clone();
            demands.push(review.solver.truth(item, of_item));
            demands.push(review.solver.chain(after, of_rest, going_on));
            !review.solver.is_impossible(&demands)
        });
        if matters {
            continue;
        }
        kept.remove(index);
        let why = if going_on.yes {
            "this part makes no difference: it is true wherever the rest is"
        } else {
            let true_here: Vec<_> = context.iter().cloned().chain([review.solver.truth(item, Outcomes::YES)]).collect();
            if review.solver.is_impossible(&true_here) {
                "this part makes no difference: it is never true here"
            } else {
                "this part makes no difference: wherever it is true, the rest is too"
            }
        };
        idle.push(Idle { part: item, why });
    }
    let mut lessened: Vec<*const Expr> = Vec::new();
    for (index, item) in kept.iter().enumerate() {
        let (before, from) = kept.split_at(index);
        let mut context = context.to_vec();
        // A part of which something is to go counts for nothing here: of two that say the same in two of them one must stay.
        let whole = before.iter().filter(|part| !lessened.contains(&std::ptr::from_ref::<Expr>(**part)));
        context.extend(whole.map(|part| review.solver.truth(part, going_on)));
        // What stands behind it tells where it matters, but not where it is a fault: that ends the matter before.
        if !may_fault(review, item) {
            context.push(review.solver.chain(from.get(1..).unwrap_or_default(), others, going_on));
        }
        let told = idle.len();
        below(review, item, &context, idle);
        if idle.len() > told {
            lessened.push(std::ptr::from_ref::<Expr>(item));
        }
    }
}

/// Whether some event makes any part of an expression a fault.
fn may_fault<'c>(review: &mut Review<'c, '_>, expr: &'c Expr) -> bool {
    match &expr.node {
        Node::Not(inner) => may_fault(review, inner),
        Node::And(items) | Node::Or(items) => items.iter().any(|item| may_fault(review, item)),
        _ => {
            let fault = review.solver.truth(expr, Outcomes::FAULT);
            !review.solver.is_impossible(&[fault])
        }
    }
}
