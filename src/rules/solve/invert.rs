//! What the parts of an event should be for a computed value to be a wanted one. A guess that is tried, not a proof.

use crate::domain::value::{Number, Value};
use crate::rules::expr::ast::{Arithmetic, Comparison, Expr, Filter, Node, Root, Step};
use crate::rules::expr::eval;

/// A part of the event and what it should be.
#[derive(Debug)]
pub struct Aim<'x> {
    pub root: Root,
    pub steps: &'x [Step],
    pub value: Value<'static>,
}

/// Parts that make an expression come to a value, most likely.
pub fn aims<'x>(expr: &'x Expr, wanted: &Value<'static>) -> Vec<Aim<'x>> {
    match (&expr.node, wanted) {
        (Node::Compare(operator, left, right), Value::Bool(holds)) => {
            let (left_value, right_value) = two(*operator, *holds);
            let mut both = aims(left, &number(left_value));
            both.extend(aims(right, &number(right_value)));
            both
        }
        (node, value) => one(node, value.clone()).into_iter().collect(),
    }
}

fn one<'x>(node: &'x Node, wanted: Value<'static>) -> Option<Aim<'x>> {
    match node {
        Node::Path(path) => Some(Aim { root: path.root?, steps: &path.steps, value: wanted }),
        Node::Filter(inner, Filter::First | Filter::Last | Filter::Join, _) => {
            one(&inner.node, Value::List(vec![wanted]))
        }
        Node::Filter(inner, Filter::Split, _) => match wanted {
            Value::List(items) => one(&inner.node, items.into_iter().next()?),
            _ => None,
        },
        Node::Filter(inner, _, _) => one(&inner.node, wanted),
        Node::Negate(inner) => one(&inner.node, computed(Arithmetic::Subtract, &number(0.0), &wanted)?),
        Node::Compute(operator, left, right) => match (&left.node, &right.node) {
            (part, Node::Literal(constant)) => {
                let inverse = match operator {
                    Arithmetic::Add => Arithmetic::Subtract,
                    Arithmetic::Subtract => Arithmetic::Add,
                    Arithmetic::Multiply => Arithmetic::Divide,
                    Arithmetic::Divide => Arithmetic::Multiply,
                    Arithmetic::Remainder => return one(part, wanted),
                };
                one(part, computed(inverse, &wanted, constant)?)
            }
            (Node::Literal(constant), part) => match operator {
                Arithmetic::Add => one(part, computed(Arithmetic::Subtract, &wanted, constant)?),
                Arithmetic::Multiply => one(part, computed(Arithmetic::Divide, &wanted, constant)?),
                Arithmetic::Subtract => one(part, computed(Arithmetic::Subtract, constant, &wanted)?),
                Arithmetic::Divide | Arithmetic::Remainder => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Two numbers of which a comparison is so.
fn two(operator: Comparison, holds: bool) -> (f64, f64) {
    match (operator, holds) {
        (Comparison::Less | Comparison::NotEqual, true) | (Comparison::AtLeast | Comparison::Equal, false) => {
            (1.0, 2.0)
        }
        (Comparison::Greater, true) | (Comparison::AtMost, false) => (2.0, 1.0),
        _ => (1.0, 1.0),
    }
}

fn number(number: f64) -> Value<'static> {
    Value::Number(Number::from_f64(number))
}

fn computed(operator: Arithmetic, a: &Value<'_>, b: &Value<'_>) -> Option<Value<'static>> {
    let (Value::Number(a), Value::Number(b)) = (a, b) else { return None };
    eval::computed(operator, a, b).map(Value::Number)
}

/// The bucket of a contact by this id.
pub fn bucket(name: &str, contact: &str) -> Value<'static> {
    eval::bucket_of_id(name, contact)
}
