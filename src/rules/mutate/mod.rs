//! Which mistakes in the rules no test would notice: one thing is changed at a time, and the tests are run.

mod expression;
mod rule;
mod run;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;

use super::catalog::{Catalog, is_met};
use super::check::check;
use super::coverage::units;
use super::expr::Condition;
use super::expr::ast::{Expr, Node};
use super::files::RuleFile;
use super::places::{Owner, Place, Places, Way};
use super::testing::{BodyReader, RuleTest};
use crate::domain::name::SourceName;
use crate::domain::value::Value;
pub(super) use expression::next;
use rule::{Around, mutants};
use run::{Fate, Range, Reach};

/// What became of all mutants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mutation {
    /// How many a test notices.
    pub noticed: usize,
    /// How many there are.
    pub total: usize,
    /// Those that no test notices, in the order of their places.
    pub unnoticed: Vec<Unnoticed>,
}

/// A change of a rule that no test notices.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unnoticed {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The rule, or the condition: `pricing-lead`, `conditions.sure`.
    pub rule: String,
    /// The way to it from its rule: `when`, `tag.crm.add[0]`.
    pub at: String,
    /// What is changed: "`>=` could be `>`".
    pub change: String,
    /// How many tests come to it.
    pub reached: usize,
    /// What a test would need to notice it, where that is plain.
    pub hint: Option<String>,
}

/// Why mutants can't be tried.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// What a failing test notices, nobody can say.
    #[error("the test {0:?} fails; mutants are tried with tests that pass")]
    Fails(String),
    /// The files are no clean set.
    #[error("the rules are not clean")]
    NotClean,
}

/// Changes one thing at a time, in every rule and condition that is used, and runs the tests that it can matter to. `progress`
/// hears of how many rules and conditions are done, of how many.
pub fn mutate(
    files: &[RuleFile],
    tests: &[RuleTest],
    read_body: &BodyReader<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Mutation, Unready> {
    let catalog = check(files).catalog.ok_or(Unready::NotClean)?;
    let reach = Reach::of(&catalog, tests, read_body).map_err(Unready::Fails)?;
    let places = Places::new(files);
    let owners = owners(&catalog);
    let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tried = Mutex::new(Vec::new());
    let lanes = thread::available_parallelism().map_or(1, NonZero::get).min(owners.len()).max(1);
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                // A catalog of its own: rules change places in it.
                let Some(mut catalog) = check(files).catalog else { return };
                let range = Range::new(tests, &reach, read_body);
                while let Some(owner) = owners.get(begun.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = try_all(owner, &mut catalog, &range);
                    if let Ok(mut tried) = tried.lock() {
                        tried.extend(outcome.into_iter().map(|one| (owner, one)));
                    }
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, owners.len());
                }
            });
        }
    });
    let tried = tried.into_inner().unwrap_or_default();
    let total = tried.len();
    let unnoticed = tried.into_iter().filter_map(|(owner, tried)| {
        let Fate::Unnoticed(reached) = tried.fate else { return None };
        let Tried { way, what: change, hint, .. } = tried;
        Some(Unnoticed {
            place: places.find(owner, &way),
            rule: owner.name(),
            at: way.to_string(),
            change,
            reached,
            hint,
        })
    });
    let mut unnoticed: Vec<_> = unnoticed.collect();
    unnoticed.sort();
    Ok(Mutation { noticed: total - unnoticed.len(), total, unnoticed })
}

/// A mutant that was tried.
struct Tried {
    way: Way,
    what: String,
    hint: Option<String>,
    fate: Fate,
}

/// What coverage looks at, too: the rules that act, and the conditions that they name.
fn owners(catalog: &Catalog) -> Vec<Owner> {
    let mut owners: Vec<_> = units(catalog).into_iter().map(|unit| unit.owner).collect();
    owners.dedup();
    owners
}

fn try_all(owner: &Owner, catalog: &mut Catalog, range: &Range<'_>) -> Vec<Tried> {
    match owner {
        Owner::Rule(id) => {
            let Some(place) = catalog.all_rules().iter().position(|rule| rule.id.as_str() == id) else {
                return Vec::new();
            };
            let mutants = mutants_of(catalog, place);
            let tried = mutants.into_iter().map(|mutant| Tried {
                fate: range.try_rule(catalog, place, mutant.rule, mutant.touched),
                way: mutant.way,
                what: mutant.what,
                hint: mutant.hint,
            });
            tried.collect()
        }
        Owner::Condition(name) => {
            let tried = conditions_of(catalog, name).into_iter().map(|(way, what, hint, condition)| Tried {
                fate: range.try_condition(catalog, name, condition),
                way,
                what,
                hint,
            });
            tried.collect()
        }
    }
}

fn mutants_of(catalog: &Catalog, place: usize) -> Vec<rule::Mutant> {
    let Some(rule) = catalog.all_rules().get(place) else { return Vec::new() };
    let mut later = catalog.all_rules().iter().skip(place + 1);
    let around = Around {
        shared: catalog.shared(),
        other_sources: catalog.sources().count() > 1,
        has_later: later.any(|later| {
            let meets = |name: &SourceName| is_met(rule, name) && is_met(later, name);
            later.enabled && catalog.sources().any(|source| meets(&source.name))
        }),
    };
    mutants(rule, around)
}

type OfCondition = (Way, String, Option<String>, Condition);

fn conditions_of(catalog: &Catalog, name: &str) -> Vec<OfCondition> {
    let Some(condition) = catalog.shared().conditions.get(name) else { return Vec::new() };
    let with = |expr: Expr| Condition { source: condition.source.clone(), expr: Box::new(expr) };
    let changed = expression::of_condition(&condition.expr, &condition.source, catalog.shared());
    let mut all: Vec<OfCondition> =
        changed.into_iter().map(|one| (Way::start().within(one.within), one.what, one.hint, with(one.expr))).collect();
    if !matches!(condition.expr.node, Node::And(_)) {
        let always = Expr { node: Node::Literal(Value::Bool(true)), span: condition.expr.span.clone() };
        all.push((Way::start(), format!("`{name}` could always be true"), None, with(always)));
    }
    all
}
