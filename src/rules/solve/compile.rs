//! From a rule to formulas: what must be true of an event for it to match, or not to.

use std::collections::HashMap;
use std::rc::Rc;

use super::cut::{self, Cut};
use super::formula::{Formula, Outcomes, VarId, all, any, is};
use super::texts::{Test, Texts};
use super::values::{Values, owned};
use super::vars::Vars;
use crate::domain::detail::Detail;
use crate::domain::event::Event;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;
use crate::domain::value::Value;
use crate::rules::catalog::{Catalog, Source};
use crate::rules::decide::scope;
use crate::rules::expr::ast::{Comparison, Expr, Node, Root};
use crate::rules::expr::eval::{compare, eval};
use crate::rules::matching::asks_for_echoes;
use crate::rules::model::{Matcher, Rule};
use crate::rules::pattern::ParamPattern;

/// Makes formulas of a set's rules.
#[derive(Debug)]
pub struct Compiler<'c> {
    catalog: &'c Catalog,
    pub vars: Vars<'c>,
    /// What expressions that join others came to, by their addresses: each is asked for twice by the one around it, and without this
    /// the work would double with each level.
    joined: HashMap<(usize, Outcomes), Rc<Formula>>,
}

impl<'c> Compiler<'c> {
    pub fn new(catalog: &'c Catalog, vars: Vars<'c>) -> Self {
        Self { catalog, vars, joined: HashMap::new() }
    }

    /// A rule matches, or it doesn't; what stands before it plays no part.
    pub fn rule(&mut self, rule: &'c Rule, matches: bool) -> Rc<Formula> {
        let matcher = self.matcher(&rule.matcher, matches);
        let when = rule.when.as_ref();
        if matches {
            let when = when.map(|when| self.truth(&when.expr, Outcomes::YES));
            all(std::iter::once(matcher).chain(when))
        } else {
            let when = when.map(|when| self.truth(&when.expr, Outcomes::NOT_YES));
            any(std::iter::once(matcher).chain(when))
        }
    }

    /// `match` fits, or it doesn't.
    pub fn matcher(&mut self, matcher: &'c Matcher, fits: bool) -> Rc<Formula> {
        let mut parts = Vec::new();
        let mut add = |variable: VarId, cut: Cut| parts.push(is(variable, if fits { cut.yes } else { cut.no }));
        if !matcher.sources.is_empty() {
            let names = || matcher.sources.iter().map(ToString::to_string);
            let glob = super::glob::Glob::texts(matcher.sources.iter().map(SourceName::as_str));
            let others = Texts::that(Test::Glob(Rc::new(glob)), false);
            let cut =
                Cut { yes: Values::texts(Texts::only(names())), no: Values::texts(others), fault: Values::default() };
            add(self.vars.at(Root::Source, &[]), cut);
        }
        if !matcher.intents.is_empty() {
            add(self.vars.at(Root::Intent, &[]), cut::patterns(&matcher.intents));
        }
        if !matcher.types.is_empty() {
            add(self.vars.at(Root::Type, &[]), cut::patterns(&matcher.types));
        }
        if !matcher.languages.is_empty() {
            add(self.vars.at(Root::Language, &[]), cut::languages(matcher));
        }
        if !matcher.contains.is_empty() {
            add(self.vars.at(Root::Text, &[]), cut::text(&Test::Words(matcher.contains.iter().cloned().collect())));
        }
        if !matcher.regex.is_empty() {
            add(self.vars.at(Root::Text, &[]), cut::text(&Test::Regexp(matcher.regex.iter().cloned().collect())));
        }
        if self.vars.tell_echoes && !asks_for_echoes(matcher) {
            let no = ParamPattern::Value(Value::Bool(false));
            add(self.vars.at(Root::Detail(Detail::Echo), &[]), cut::param(&[no]));
        }
        for (detail, wanted) in &matcher.details {
            add(self.vars.at(Root::Detail(*detail), &[]), cut::param(wanted));
        }
        for (name, wanted) in &matcher.params {
            add(self.vars.param(name), cut::param(wanted));
        }
        if fits { all(parts) } else { any(parts) }
    }

    /// An expression comes to one of these as a condition. What follows `and` and `or` is looked at only where it is reached,
    /// so a fault behind the answer is none.
    pub fn truth(&mut self, expr: &'c Expr, want: Outcomes) -> Rc<Formula> {
        match &expr.node {
            Node::And(items) | Node::Or(items) => {
                let key = (std::ptr::from_ref(expr).addr(), want);
                if let Some(known) = self.joined.get(&key) {
                    return Rc::clone(known);
                }
                let going_on = if matches!(expr.node, Node::And(_)) { Outcomes::YES } else { Outcomes::NO };
                let made = self.chain(&items.iter().collect::<Vec<_>>(), want, going_on);
                self.joined.insert(key, Rc::clone(&made));
                made
            }
            Node::Not(inner) => self.truth(inner, want.swapped()),
            Node::Path(path) if path.condition().is_some() => {
                let name = path.condition().unwrap_or_default();
                match self.catalog.shared().conditions.get(name) {
                    Some(named) => self.truth(&named.expr, want),
                    None => decided(want.fault),
                }
            }
            _ => match constant(self.catalog, expr) {
                Some(Value::Bool(true)) => decided(want.yes),
                Some(Value::Bool(false)) => decided(want.no),
                Some(_) => decided(want.fault),
                None => self.atom(expr, want),
            },
        }
    }

    /// `and` goes on while its parts are true, `or` while they are false.
    pub fn chain(&mut self, items: &[&'c Expr], want: Outcomes, going_on: Outcomes) -> Rc<Formula> {
        let all_go_on = if going_on.yes { want.yes } else { want.no };
        let ends = Outcomes { yes: want.yes && !going_on.yes, no: want.no && !going_on.no, fault: want.fault };
        let going: Vec<_> = items.iter().map(|item| self.truth(item, going_on)).collect();
        let mut ways = Vec::new();
        if all_go_on {
            ways.push(all(going.iter().cloned()));
        }
        // Where an end of either kind will do, it doesn't matter which part is the first that ends it.
        let in_any_order = ends.fault && (ends.yes || ends.no);
        if ends.yes || ends.no || ends.fault {
            for (index, item) in items.iter().enumerate() {
                let end = self.truth(item, ends);
                let before = if in_any_order { &[] } else { going.get(..index).unwrap_or_default() };
                ways.push(all(before.iter().cloned().chain([end])));
            }
        }
        any(ways)
    }

    fn atom(&mut self, expr: &'c Expr, want: Outcomes) -> Rc<Formula> {
        let (variable, cut) = self.cut(expr);
        let may_fault = self.vars.get(variable).is_some_and(|var| var.may_fault);
        if want.fault && may_fault {
            return Rc::new(Formula::Always);
        }
        let sets = [(want.yes, cut.yes), (want.no, cut.no), (want.fault, cut.fault)];
        any(sets.into_iter().filter(|(wanted, _)| *wanted).map(|(_, set)| is(variable, set)))
    }

    /// The one variable that a part of a condition asks of, and how it cuts its values.
    fn cut(&mut self, expr: &'c Expr) -> (VarId, Cut) {
        let known = match &expr.node {
            Node::Compare(operator, left, right) => match (constant(self.catalog, left), constant(self.catalog, right))
            {
                (None, Some(value)) => Cut::compare(*operator, &value).map(|cut| (left, cut)),
                (Some(value), None) => Cut::compare(mirrored(*operator), &value).map(|cut| (right, cut)),
                _ => None,
            },
            Node::IsSet { of, negated } => Some((of, Cut::is_set(*negated))),
            Node::Matches(of, regexp) => Some((of, Cut::regexp(regexp))),
            _ => None,
        };
        match known {
            Some((of, cut)) => (self.vars.of(of), cut),
            None => (self.vars.of(expr), Cut::truth()),
        }
    }
}

/// The same comparison with its sides changed.
fn mirrored(operator: Comparison) -> Comparison {
    match operator {
        Comparison::Equal | Comparison::NotEqual => operator,
        Comparison::Less => Comparison::Greater,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Greater => Comparison::Less,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::In => Comparison::Contains,
        Comparison::Contains => Comparison::In,
    }
}

fn decided(holds: bool) -> Rc<Formula> {
    Rc::new(if holds { Formula::Always } else { Formula::Never })
}

/// The value of an expression that is the same for every event.
fn constant(catalog: &Catalog, expr: &Expr) -> Option<Value<'static>> {
    if !is_constant(expr) {
        return None;
    }
    let source: &Source = catalog.all_sources().first()?;
    let event = Event::empty(source.config.name.clone(), Timestamp(0));
    let scope = scope(catalog, source, &event, None);
    if let Node::Compare(operator, left, right) = &expr.node {
        return compare(*operator, &eval(left, &scope).ok()?, &eval(right, &scope).ok()?).ok().map(Value::Bool);
    }
    eval(expr, &scope).ok().and_then(owned)
}

fn is_constant(expr: &Expr) -> bool {
    match &expr.node {
        Node::Path(path) => path.root == Some(Root::Values),
        Node::Open(_) | Node::Bucket(_) => false,
        node => node.below().into_iter().all(is_constant),
    }
}
