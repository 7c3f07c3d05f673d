//! Whether what is rendered has a bound: how many different texts may come of it.
//!
//! A provider keeps every tag for good, so a tag named by what people write fills its list with what nobody can use.

use std::collections::{HashMap, HashSet};

use crate::domain::detail::Detail;
use crate::rules::expr::Expr;
use crate::rules::expr::ast::{Comparison, Filter, Node, Path, Root, Step};
use crate::rules::expr::known::Known;
use crate::rules::params::ParamType;

/// The first way in an expression that may come to any text, where `held` are those that come to a few.
pub fn unbound<'x>(expr: &'x Expr, held: &Held, known: &Known) -> Option<&'x Expr> {
    match &expr.node {
        Node::Path(path) => (is_written_by_others(path, held, known) && !is_held(path, &held.ways)).then_some(expr),
        // True, false or one of a hundred.
        Node::And(_) | Node::Or(_) | Node::Not(_) | Node::Compare(..) | Node::IsSet { .. } | Node::Matches(..)
        // Who writes a time's form says how many there are.
        | Node::Filter(_, Filter::Date, _) => None,
        node => node.below().into_iter().find_map(|below| unbound(below, held, known)),
    }
}

/// What a rule's `match` and `when` leave of what its events may hold.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Ways that come to a few known values.
    pub ways: HashSet<String>,
    /// Whether it may meet events whose parameters are what somebody sends, and not what an agent's entities let through.
    pub meets_strangers: bool,
}

/// Whether somebody outside decides what stands there.
fn is_written_by_others(path: &Path, held: &Held, known: &Known) -> bool {
    match path.root {
        Some(
            Root::Text
            | Root::Payload
            | Root::Body
            | Root::Query
            | Root::Headers
            | Root::Session
            | Root::Contact
            | Root::Detail(Detail::Phone | Detail::Platform),
        ) => true,
        Some(Root::Params) => {
            let declared = path.steps.first().and_then(|step| match step {
                Step::Key(name) => known.declared(name),
                Step::Index(_) => None,
            });
            held.meets_strangers && declared != Some(ParamType::Boolean)
        }
        _ => false,
    }
}

/// Whether this way, or one that it leads on from, is held.
fn is_held(path: &Path, held: &HashSet<String>) -> bool {
    let mut way = start(path);
    held.contains(&way)
        || path.steps.iter().any(|step| {
            way.push_str(&written(step));
            held.contains(&way)
        })
}

/// The ways of which a condition that is true leaves a few values: `params.plan in ["pro", "team"]`.
pub fn held(expr: &Expr, named: &HashMap<String, HashSet<String>>) -> HashSet<String> {
    match &expr.node {
        Node::And(parts) => parts.iter().flat_map(|part| held(part, named)).collect(),
        Node::Or(parts) => {
            let mut each = parts.iter().map(|part| held(part, named));
            let first = each.next().unwrap_or_default();
            each.fold(first, |common, other| common.intersection(&other).cloned().collect())
        }
        Node::Compare(Comparison::Equal, left, right) => {
            let sides = [(left, right), (right, left)];
            sides.into_iter().filter(|(_, other)| is_known(other)).filter_map(|(side, _)| way_of(side)).collect()
        }
        Node::Compare(Comparison::In, one, several) if is_known(several) => way_of(one).into_iter().collect(),
        Node::Compare(Comparison::Contains, several, one) if is_known(several) => way_of(one).into_iter().collect(),
        // Whoever writes a regular expression for it has thought of its form.
        Node::Matches(of, _) => way_of(of).into_iter().collect(),
        Node::Path(path) => path.condition().and_then(|name| named.get(name)).cloned().unwrap_or_default(),
        _ => HashSet::new(),
    }
}

/// Whether it is the same for every event.
fn is_known(expr: &Expr) -> bool {
    match &expr.node {
        Node::Literal(_) => true,
        Node::Path(path) => path.root == Some(Root::Values),
        Node::List(items) => items.iter().all(is_known),
        Node::Filter(of, _, arguments) => is_known(of) && arguments.iter().all(is_known),
        _ => false,
    }
}

/// The way below filters: `params.plan | lower` is held as `params.plan` is.
fn way_of(expr: &Expr) -> Option<String> {
    match &expr.node {
        Node::Path(path) => Some(path.steps.iter().fold(start(path), |way, step| way + &written(step))),
        Node::Filter(of, ..) => way_of(of),
        _ => None,
    }
}

/// The way to a parameter.
pub fn param(name: &str) -> String {
    format!("{:?}.{name}", Root::Params)
}

fn start(path: &Path) -> String {
    path.root.map(|root| format!("{root:?}")).unwrap_or_default()
}

fn written(step: &Step) -> String {
    match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expr::read;

    fn held_by(condition: &str) -> Vec<String> {
        let named = [("known".to_owned(), HashSet::from([param("plan")]))].into();
        let mut ways: Vec<_> = held(&read(condition).expect("an expression"), &named).into_iter().collect();
        ways.sort();
        ways
    }

    #[test]
    fn what_is_compared_with_known_values_is_held() {
        let (plan, city) = (param("plan"), param("city"));
        assert_eq!(held_by("params.plan == \"pro\""), std::slice::from_ref(&plan));
        assert_eq!(held_by("\"pro\" == params.plan"), std::slice::from_ref(&plan));
        assert_eq!(
            held_by("params.plan | lower in [\"a\", values.b] and params.city == values.c"),
            [city.clone(), plan.clone()]
        );
        assert_eq!(
            held_by("params.plan == \"a\" or params.plan == \"b\" and params.city == \"c\""),
            std::slice::from_ref(&plan)
        );
        assert_eq!(held_by("values.plans contains params.plan"), std::slice::from_ref(&plan));
        assert_eq!(held_by("conditions.known"), [plan]);
        assert_eq!(held_by("params.plan != \"a\" or params.plan == params.city"), Vec::<String>::new());
        assert_eq!(held_by("not (params.plan == \"a\")"), Vec::<String>::new());
    }

    #[test]
    fn what_comes_of_texts_is_as_many_as_they_are() {
        let held = Held { ways: HashSet::from([param("plan"), "Payload.kind".to_owned()]), meets_strangers: true };
        let known = Known::default();
        let is_unbound = |source| unbound(&read(source).expect("an expression"), &held, &known).is_some();
        for source in
            ["params.other", "text", "text | lower", "payload.a | default(\"x\")", "headers[\"x\"] + 1", "[1, contact]"]
        {
            assert!(is_unbound(source), "{source}");
        }
        for source in [
            "intent",
            "payload.kind",
            "payload.kind.name",
            "params.plan",
            "payload.a == text",
            "payload.at | date(\"%Y\")",
            "text is set",
            "bucket(\"a\")",
            "values.x",
        ] {
            assert!(!is_unbound(source), "{source}");
        }
    }
}
