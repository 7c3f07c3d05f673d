//! The nearest miss: for a rule that doesn't match an event, the smallest change of the event that would make it match.
//!
//! What is tried is read off the rule: the values that it compares with, and those right beside them. What is told has been
//! tried with the same code that decides on events, stops and earlier rules included.

mod field;
mod pool;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use super::catalog::{Catalog, Source, is_met};
use super::decide::{decide_for, matches, scope};
use super::explain::Explanation;
use super::expr::eval::Scope;
use super::expr::show;
use super::matching::{self, Key};
use super::model::Rule;
use crate::domain::event::Event;
use crate::domain::near::distance;
use crate::domain::value::{Number, Value};
use field::{Field, Other, with};
use pool::{ANYTHING, Pool};

/// The most parts of an event that are thought of otherwise: what needs more is no near miss.
const MOST_CHANGES: usize = 2;
/// So many rules are told of, the nearest ones, unless all are asked for.
pub const NEAREST: usize = 3;
/// So many changes of a rule are held against the whole set.
const MOST_PROVED: usize = 256;
/// The longest text whose letters are compared.
const COMPARED: usize = 64;

/// How much may be tried for a body. A try costs more where the event is large.
#[derive(Debug, Clone, Copy)]
pub struct Budget(usize);

impl Default for Budget {
    /// A tenth of a second or so.
    fn default() -> Self {
        Self(100_000)
    }
}

impl Budget {
    /// One rule is held against an event.
    fn spend(&mut self, event: &Event<'_>) -> bool {
        self.take(1 + size(event) / 2_048)
    }

    fn take(&mut self, cost: usize) -> bool {
        let left = self.0.checked_sub(cost);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

fn size(event: &Event<'_>) -> usize {
    event.params.text().len() + event.payload.text().len() + event.text.as_deref().map_or(0, str::len)
}

/// What would have to be otherwise for a rule to match. It shows values of the event: it is for people, and not for logs.
#[derive(Debug, Clone, Serialize)]
pub struct Nearest {
    /// All of these.
    pub changes: Vec<Change>,
}

/// One part of the event that would have to be otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// As rules name it: `params.budget`.
    #[serde(serialize_with = "shown")]
    pub field: Field,
    /// What is there.
    pub from: serde_json::Value,
    /// What would have to be there.
    pub to: serde_json::Value,
    #[serde(skip)]
    words: String,
}

fn shown<S: Serializer>(field: &Field, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(field)
}

impl std::fmt::Display for Nearest {
    /// `if params.budget were 1000 (is 900)`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<_> = self.changes.iter().map(|change| change.words.as_str()).collect();
        write!(f, "if {}", words.join(" and "))
    }
}

/// A change that makes a rule match, and how far it is.
struct Found {
    others: Vec<Other>,
    far: f64,
}

/// Tells of the rules that nearly matched, at most so many of the nearest.
pub fn nearest(catalog: &Catalog, event: &Event<'_>, told: &mut Explanation, most: usize, budget: &mut Budget) {
    let Some(source) = catalog.entry(event.source.as_str()) else { return };
    let mut found: Vec<(usize, Found)> = Vec::new();
    let missed: Vec<usize> =
        told.rules.iter().enumerate().filter(|(_, verdict)| !verdict.matched).map(|(at, _)| at).collect();
    for changes in 1..=MOST_CHANGES {
        if found.len() >= most {
            break;
        }
        for place in missed.iter().copied() {
            let known = found.iter().any(|(known, _)| *known == place);
            let Some(rule) = catalog.all_rules().get(place).filter(|rule| !known && is_met(rule, &event.source)) else {
                continue;
            };
            let search = Search { catalog, source, event, rule };
            found.extend(search.with(changes, budget).map(|one| (place, one)));
        }
    }
    found.sort_by(|(_, a), (_, b)| a.others.len().cmp(&b.others.len()).then(a.far.total_cmp(&b.far)));
    for (place, one) in found.into_iter().take(most) {
        if let Some(verdict) = told.rules.get_mut(place) {
            verdict.nearest =
                Some(Nearest { changes: one.others.into_iter().map(|other| change(event, other)).collect() });
        }
    }
}

fn change(event: &Event<'_>, (field, value): Other) -> Change {
    let from = field.of(event);
    let to = match &value {
        Value::Unset => "unset".to_owned(),
        Value::Text(text) if text == ANYTHING && from.is_unset() => "set".to_owned(),
        value => show::value(value),
    };
    let words = format!("{field} were {to} (is {})", show::value(&from));
    Change { words, from: from.to_json(), to: value.to_json(), field }
}

/// The search for one rule.
struct Search<'s> {
    catalog: &'s Catalog,
    source: &'s Source,
    event: &'s Event<'s>,
    rule: &'s Rule,
}

impl Search<'_> {
    /// The nearest event with so many changes that the rule matches.
    fn with(&self, changes: usize, budget: &mut Budget) -> Option<Found> {
        // A rule is looked at as a whole first, and whatever it asks of a long text is worked out for it alone.
        if !budget.take(1 + size(self.event) / 256) {
            return None;
        }
        let scope = self.scope(self.event, None);
        let missed = matching::misses(&self.rule.matcher, &scope);
        let forced: Vec<Field> = missed.into_iter().map(field_of).collect();
        // A rule that an earlier one keeps from the event matches already.
        if forced.len() > changes || matches(self.rule, &scope) == Ok(true) {
            return None;
        }
        let pool = Pool::of(self.rule, &scope);
        if !budget.take(pool.bytes() / 2_048) {
            return None;
        }
        let mut found = Vec::new();
        let one = |field: &Field| pool.values(field).iter().map(|value| (field.clone(), value.clone())).collect();
        let firsts: Vec<Vec<Other>> = match forced.first() {
            Some(field) => vec![one(field)],
            None => pool.fields().map(|(field, _)| one(field)).collect(),
        };
        for first in firsts.iter().flatten() {
            if budget.0 == 0 {
                break;
            }
            let seconds: Vec<&Field> = match (changes, forced.get(1)) {
                (1, _) => Vec::new(),
                (_, Some(second)) => vec![second],
                // Either order is the same pair.
                (_, None) if forced.is_empty() => {
                    pool.fields().map(|(field, _)| field).filter(|field| **field > first.0).collect()
                }
                (_, None) => pool.fields().map(|(field, _)| field).filter(|field| **field != first.0).collect(),
            };
            if changes == 1 {
                self.attempt(vec![first.clone()], budget, &mut found);
            }
            for second in seconds {
                for value in pool.values(second) {
                    self.attempt(vec![first.clone(), (second.clone(), value.clone())], budget, &mut found);
                }
            }
        }
        found.sort_by(|a, b| a.far.total_cmp(&b.far));
        // A proof is the whole set on the whole event.
        let proof = 1 + size(self.event) / 2_048 + self.catalog.all_rules().len() / 64;
        found.into_iter().take(MOST_PROVED).find(|found| budget.take(proof) && self.fires(&found.others))
    }

    fn scope<'e>(&'e self, event: &'e Event<'e>, found: Option<&'e str>) -> Scope<'e> {
        Scope { rule_contact: self.rule.contact.as_deref(), ..scope(self.catalog, self.source, event, found) }
    }

    fn attempt(&self, others: Vec<Other>, budget: &mut Budget, found: &mut Vec<Found>) {
        let changes_nothing = others.iter().any(|(field, value)| field.of(self.event).equals(value));
        if changes_nothing || !budget.spend(self.event) {
            return;
        }
        let fits = with(self.event, &others, |event, contact| {
            let scope = Scope {
                rule_contact: self.rule.contact.as_deref(),
                ..scope(self.catalog, self.source, event, contact)
            };
            matches(self.rule, &scope) == Ok(true)
        });
        if fits {
            let far = others.iter().map(|(field, value)| weight(field) + far(&field.of(self.event), value)).sum();
            found.push(Found { others, far });
        }
    }

    /// The proof: the whole set, on the changed event.
    fn fires(&self, others: &[Other]) -> bool {
        with(self.event, others, |event, contact| {
            decide_for(self.catalog, event, contact, None).rules.contains(&self.rule.id)
        })
    }
}

/// The field that must change for a key of `match` to fit.
fn field_of(key: Key<'_>) -> Field {
    match key {
        Key::Intent => Field::Intent,
        Key::Type => Field::Type,
        Key::Language => Field::Language,
        Key::Text => Field::Text,
        Key::Detail(detail) => Field::Detail(detail),
        Key::Param(name) => Field::Params(vec![name.to_owned()]),
    }
}

/// Somebody who means another thing is further away than somebody who says a little more of the same.
fn weight(field: &Field) -> f64 {
    if matches!(field, Field::Intent | Field::Type) { 1.0 } else { 0.0 }
}

/// How far one value is from another: 0 to 1 within a kind, more from one kind to another, most to none at all.
fn far(from: &Value<'_>, to: &Value<'_>) -> f64 {
    match (from, to) {
        (Value::Number(a), Value::Number(b)) => {
            // Who has whole numbers means whole numbers.
            let broken = matches!((a, b), (Number::Int(_), Number::Float(_)));
            let (a, b) = (a.to_f64(), b.to_f64());
            (a - b).abs() / a.abs().max(b.abs()).max(1.0) / 2.0 + if broken { 0.5 } else { 0.0 }
        }
        (Value::Text(a), Value::Text(b)) => {
            let short = |text: &str| text.chars().take(COMPARED).collect::<String>();
            let longest = a.chars().count().max(b.chars().count()).clamp(1, COMPARED);
            distance(&short(a), &short(b)) as f64 / longest as f64
        }
        (Value::Bool(_), Value::Bool(_)) | (Value::List(_), Value::List(_)) => 0.5,
        (Value::Unset, _) => 1.0,
        (_, Value::Unset) => 2.0,
        _ => 1.5,
    }
}
