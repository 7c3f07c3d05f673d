//! An expression with one thing changed.

use std::ops::Range;

use crate::domain::value::{Number, Value};
use crate::rules::expr::ast::{Arithmetic, Comparison, Expr, Node, Path, Root, Step};
use crate::rules::shared::Shared;

/// A changed expression.
pub struct Changed {
    /// The bytes of the source that the change is about.
    pub within: Range<usize>,
    /// In words.
    pub what: String,
    /// What a test would need to notice it, where that is plain.
    pub hint: Option<String>,
    /// The whole expression, changed.
    pub expr: Expr,
}

impl Changed {
    /// Another node in the place of an expression's.
    fn of(expr: &Expr, what: String, node: Node) -> Self {
        let within = expr.span.clone();
        Self { within, what, hint: None, expr: Expr { node, span: expr.span.clone() } }
    }
}

/// What an expression is read with.
#[derive(Clone, Copy)]
struct Written<'w> {
    source: &'w str,
    shared: &'w Shared,
}

/// A condition with one thing changed, in every way that tests should notice.
///
/// A change that every test notices which notices another one is left out: `>= 11` for `>= 10`, since `> 10` differs for 10 alone.
pub fn of_condition(expr: &Expr, source: &str, shared: &Shared) -> Vec<Changed> {
    let mut changed = Vec::new();
    truth(expr, Written { source, shared }, &mut |one| changed.push(one));
    changed
}

type Found<'f> = &'f mut dyn FnMut(Changed);

/// Where something must be true or false.
fn truth(expr: &Expr, written: Written<'_>, found: Found<'_>) {
    let here = |what: String, node: Node| Changed::of(expr, what, node);
    match &expr.node {
        Node::And(items) | Node::Or(items) => {
            let is_and = matches!(expr.node, Node::And(_));
            let chain = |items: Box<[Expr]>| if is_and { Node::And(items) } else { Node::Or(items) };
            let (was, now) = if is_and { ("and", "or") } else { ("or", "and") };
            let other = if is_and { Node::Or(items.clone()) } else { Node::And(items.clone()) };
            found(here(format!("`{was}` could be `{now}`"), other));
            for (index, item) in items.iter().enumerate() {
                let mut rest = items.to_vec();
                rest.remove(index);
                let within = item.span.clone();
                let what = format!("`{}` could be left out", written.of(item));
                let expr = Expr { node: chain(rest.into()), span: expr.span.clone() };
                found(Changed { within, what, hint: None, expr });
            }
            below(expr, written, truth, found);
        }
        Node::Not(inner) => {
            found(here("`not` could be left out".to_owned(), inner.node.clone()));
            // What is the contrary of a part under `not` is what it is without.
            let is_flipped = match inner.node {
                Node::And(_) | Node::Or(_) => false,
                Node::Compare(comparison, ..) => !comparison.orders(),
                _ => return,
            };
            let mut first = true;
            below(expr, written, truth, &mut |one| {
                // It stands first of those of a comparison.
                if !(is_flipped && std::mem::take(&mut first)) {
                    found(one);
                }
            });
        }
        Node::Compare(comparison, left, right) => {
            compared(expr, *comparison, (left, right), written, found);
            below(expr, written, value, found);
        }
        Node::IsSet { of, negated } => {
            let now = if *negated { "is set" } else { "is not set" };
            let was = if *negated { "is not set" } else { "is set" };
            found(here(format!("`{was}` could be `{now}`"), Node::IsSet { of: of.clone(), negated: !negated }));
        }
        Node::Literal(_) => {}
        _ => {
            found(here(contrary(expr, written), Node::Not(Box::new(expr.clone()))));
            below(expr, written, value, found);
        }
    }
}

/// Where something has a value.
fn value(expr: &Expr, written: Written<'_>, found: Found<'_>) {
    let here = |what: String, node: Node| Changed::of(expr, what, node);
    match &expr.node {
        Node::Compute(was, left, right) => {
            let now = match was {
                Arithmetic::Add => Arithmetic::Subtract,
                Arithmetic::Subtract => Arithmetic::Add,
                Arithmetic::Divide | Arithmetic::Remainder => Arithmetic::Multiply,
                Arithmetic::Multiply => Arithmetic::Divide,
            };
            let what = format!("`{}` could be `{}`", was.symbol(), now.symbol());
            found(here(what, Node::Compute(now, left.clone(), right.clone())));
        }
        Node::Negate(inner) if !matches!(inner.node, Node::Literal(_)) => {
            found(here("`-` could be left out".to_owned(), inner.node.clone()));
        }
        Node::Filter(inner, filter, _) => {
            found(here(format!("`| {}` could be left out", filter.name()), inner.node.clone()));
        }
        _ => {}
    }
    below(expr, written, value, found);
}

/// Changes the parts of an expression, one at a time.
fn below(expr: &Expr, written: Written<'_>, each: fn(&Expr, Written<'_>, Found<'_>), found: Found<'_>) {
    for (index, part) in expr.node.below().into_iter().enumerate() {
        each(part, written, &mut |changed| {
            let mut whole = expr.clone();
            if let Some(place) = part_mut(&mut whole.node, index) {
                *place = changed.expr;
            }
            found(Changed { expr: whole, ..changed });
        });
    }
}

/// The part at a place of [`Node::below`].
fn part_mut(node: &mut Node, index: usize) -> Option<&mut Expr> {
    match node {
        Node::Literal(_) | Node::Path(_) | Node::Open(_) | Node::Bucket(_) => None,
        Node::List(items) | Node::And(items) | Node::Or(items) => items.get_mut(index),
        Node::Not(of) | Node::Negate(of) | Node::IsSet { of, .. } | Node::Matches(of, _) => Some(of),
        Node::Compare(_, left, right) | Node::Compute(_, left, right) => Some(if index == 0 { left } else { right }),
        Node::Filter(of, _, _) if index == 0 => Some(of),
        Node::Filter(_, _, arguments) => arguments.get_mut(index - 1),
    }
}

fn compared(expr: &Expr, was: Comparison, (left, right): (&Expr, &Expr), written: Written<'_>, found: Found<'_>) {
    let now = match was {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::AtMost,
        Comparison::AtMost => Comparison::Less,
        Comparison::Greater => Comparison::AtLeast,
        Comparison::AtLeast => Comparison::Greater,
        Comparison::In | Comparison::Contains => {
            let node = Node::Not(Box::new(expr.clone()));
            let (within, span) = (expr.span.clone(), expr.span.clone());
            found(Changed { within, what: contrary(expr, written), hint: None, expr: Expr { node, span } });
            let list = if was == Comparison::In { right } else { left };
            return shorter(expr, list, was == Comparison::In, written, found);
        }
    };
    let (constant, other, is_right) = match (number(left, written.shared), number(right, written.shared)) {
        (None, Some(number)) => (Some(number), left, true),
        (Some(number), None) => (Some(number), right, false),
        _ => (None, left, true),
    };
    let with =
        |value: &Number<'_>| matches!(other.node, Node::Path(_)).then(|| format!("`{}` of {value}", written.of(other)));
    let swap = |comparison: Comparison, left: &Expr, right: &Expr| Expr {
        node: Node::Compare(comparison, Box::new(left.clone()), Box::new(right.clone())),
        span: expr.span.clone(),
    };
    found(Changed {
        within: left.span.end..right.span.start,
        what: format!("`{}` could be `{}`", was.symbol(), now.symbol()),
        hint: constant.as_ref().filter(|_| was.orders()).and_then(with),
        expr: swap(now, left, right),
    });
    let Some(constant) = constant.filter(|_| was.orders()) else { return };
    // Towards the side on which the other change differs in nothing.
    let grows = matches!(was, Comparison::Greater | Comparison::AtMost) == is_right;
    let Some(moved) = next(&constant, grows) else { return };
    let place = if is_right { right } else { left };
    let node = Node::Literal(Value::Number(moved.clone()));
    let literal = Expr { node, span: place.span.clone() };
    // `> 10` and `> 11` differ for 11, `>= 10` and `>= 9` for 9.
    found(Changed {
        within: place.span.clone(),
        what: format!("`{}` could be {moved}", written.of(place)),
        hint: with(&moved),
        expr: if is_right { swap(was, left, &literal) } else { swap(was, &literal, right) },
    });
}

/// A list that is written out, with one item less.
fn shorter(expr: &Expr, list: &Expr, is_right: bool, written: Written<'_>, found: Found<'_>) {
    let Node::List(items) = &list.node else { return };
    for (index, item) in items.iter().enumerate().filter(|_| items.len() > 1) {
        let mut rest = items.to_vec();
        rest.remove(index);
        let mut whole = expr.clone();
        if let Some(place) = part_mut(&mut whole.node, usize::from(is_right)) {
            place.node = Node::List(rest.into());
        }
        let what = format!("`{}` could be left out", written.of(item));
        found(Changed { within: item.span.clone(), what, hint: None, expr: whole });
    }
}

fn contrary(expr: &Expr, written: Written<'_>) -> String {
    format!("`{}` could be its contrary", written.of(expr))
}

impl<'w> Written<'w> {
    /// A part as it is written.
    fn of(self, expr: &Expr) -> &'w str {
        self.source.get(expr.span.clone()).unwrap_or_default()
    }
}

/// A number that is the same for every event: as it is written, or a value that the rule files name.
fn number(expr: &Expr, shared: &Shared) -> Option<Number<'static>> {
    match &expr.node {
        Node::Literal(Value::Number(number)) => Some(number.clone()),
        Node::Negate(inner) => match number(inner, shared)? {
            Number::Int(whole) => Some(Number::Int(-whole)),
            Number::Float(double) => Some(Number::Float(-double)),
            Number::Digits(_) => None,
        },
        Node::Path(Path { root: Some(Root::Values), steps }) => match &**steps {
            [Step::Key(name)] => match Value::from_json(shared.values.get(&**name)?.json()) {
                Value::Number(number) => Some(number.into_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The next number: by 1, or by 1 at the last digit behind the point.
pub fn next(number: &Number<'_>, grows: bool) -> Option<Number<'static>> {
    let sign = if grows { 1 } else { -1 };
    match number {
        Number::Int(whole) => whole.checked_add(sign).map(Number::Int),
        Number::Float(double) => {
            let written = number.to_string();
            let digits = written.split_once('.').map_or(0, |(_, digits)| digits.len()).min(15) as i32;
            let scale = 10_f64.powi(digits);
            let moved = ((double * scale).round() + sign as f64) / scale;
            moved.is_finite().then(|| Number::from_f64(moved))
        }
        Number::Digits(_) => None,
    }
}
