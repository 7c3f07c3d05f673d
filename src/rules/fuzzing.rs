//! The door of the fuzzer in `fuzz/`: one expression, tried out in a rule set. Nothing else comes through here.

use std::ops::Range;

use super::catalog::Catalog;
use super::decide::scope;
use super::expr::ast::Cost;
use super::expr::eval::{eval, holds};
use super::expr::known::Known;
use super::expr::template::Template;
use super::expr::{MAX_DEPTH, MAX_SIZE, condition, expression, show};
use crate::domain::event::Event;
use crate::domain::value::Value;

pub use super::expr::MAX_RENDERED;

/// What each condition of the set is taken to cost: more than any does, and an expression may name a few of them.
const COST: Cost = Cost { size: MAX_SIZE / 20, depth: MAX_DEPTH / 10 };

/// What came of a text that was read as a condition and as a template.
#[derive(Debug, Default)]
pub struct Tried {
    /// Where the problems are that keep it from being a condition or a template.
    pub problems: Vec<Range<usize>>,
    /// Whether the condition holds; `None`: it is none, or a fault ended it.
    pub holds: Option<bool>,
    /// Why it doesn't; `None` where it does, or a fault ended the search.
    pub why_not: Option<String>,
    /// What the template renders to.
    pub rendered: Option<String>,
}

/// Reads `written` as a condition, an expression and a template, and works each out for an event of a source of the set.
pub fn try_out(catalog: &Catalog, written: &str, event: &Event<'_>) -> Tried {
    let mut tried = Tried::default();
    let Some(source) = catalog.entry(event.source.as_str()) else { return tried };
    let known = known(catalog);
    let (condition, expr) = (condition(written, &known), expression(written, &known));
    let template = Template::parse(written, &known);
    let scope = scope(catalog, source, event, None);
    match &condition {
        Ok(condition) => {
            tried.holds = holds(condition, &scope).ok();
            tried.why_not = show::why_not(condition, &scope);
        }
        Err(problems) => tried.problems.extend(problems.iter().map(|problem| problem.span.clone())),
    }
    let values = [expr.as_ref().ok().map(|expr| eval(expr, &scope)), template.as_ref().ok().map(|t| t.value(&scope))];
    values.into_iter().flatten().flatten().for_each(|value| shown(&value));
    match &template {
        Ok(template) => tried.rendered = template.text(&scope).ok(),
        Err(problems) => tried.problems.extend(problems.iter().map(|problem| problem.span.clone())),
    }
    tried
}

/// Values are shown to people, and written as JSON, whatever they are.
fn shown(value: &Value<'_>) {
    let mut json = String::new();
    value.write_json(&mut json);
    assert!(json == "null" || !show::value(value).is_empty(), "a value that can't be shown");
}

fn known(catalog: &Catalog) -> Known {
    let shared = catalog.shared();
    Known {
        values: shared.values.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        conditions: shared.conditions.keys().map(|name| (name.clone(), COST)).collect(),
        hours: shared.hours.keys().cloned().collect(),
        sources: Vec::new(),
    }
}
