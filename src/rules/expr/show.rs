//! Values and conditions in words, for people who ask why a rule did not act.

use super::ast::{Expr, Node, Path, Root, Step};
use super::eval::{Scope, eval, truth};
use super::{Condition, ExprFault};
use crate::domain::value::Value;

/// The longest value that is shown whole.
const MOST: usize = 80;

/// A value as a rule author would write it, shortened.
pub fn value(value: &Value<'_>) -> String {
    if value.is_unset() {
        return "unset".to_owned();
    }
    let mut written = String::new();
    write(value, &mut written);
    match written.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", written.get(..end).unwrap_or_default()),
        None => written,
    }
}

/// Writes as much of a value as is shown: a list of a megabyte is shown by each rule that misses it.
fn write(value: &Value<'_>, to: &mut String) {
    match value {
        Value::List(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                to.push_str(if index == 0 { "" } else { "," });
                write(item, to);
                // In bytes, which are more than characters, so what is left out is never shown.
                if to.len() > 4 * MOST {
                    return;
                }
            }
            to.push(']');
        }
        Value::Text(text) => {
            let start = text.char_indices().nth(MOST + 1).map_or(text.as_ref(), |(end, _)| text.split_at(end).0);
            to.push_str(&serde_json::Value::from(start).to_string());
        }
        Value::Map(json) if json.text().len() > 64 * MOST => {
            to.extend(json.text().chars().take(MOST + 1));
        }
        value => to.push_str(&value.to_json().to_string()),
    }
}

/// Why a condition does not hold: the first part that fails, with both values, or the part that can't be worked out. `None` when
/// it holds.
pub fn why_not<'v>(condition: &'v Condition, scope: &Scope<'v>) -> Option<String> {
    match truth(&condition.expr, scope) {
        Ok(true) => None,
        Ok(false) => first_false(&condition.expr, &condition.source, scope).ok(),
        Err(problem) => Some(faulty(&condition.expr, &condition.source, scope, problem)),
    }
}

/// The innermost part that can't be worked out, with what stands around its operator.
fn faulty<'v>(expr: &'v Expr, source: &str, scope: &Scope<'v>, problem: ExprFault) -> String {
    let written = source.get(expr.span.clone()).unwrap_or_default();
    let parts: Vec<&Expr> = match &expr.node {
        Node::And(items) | Node::Or(items) => items.iter().collect(),
        Node::Not(inner) => vec![inner],
        Node::Compare(_, left, right) => vec![left, right],
        _ => Vec::new(),
    };
    let inner = parts.into_iter().find_map(|part| Some((part, eval(part, scope).err()?)));
    if let Some((part, problem)) = inner {
        return faulty(part, source, scope, problem);
    }
    if let Node::Compare(operator, left, right) = &expr.node
        && let (Ok(left), Ok(right)) = (eval(left, scope), eval(right, scope))
    {
        return format!("{written}: {} {} {}: {}", value(&left), operator.symbol(), value(&right), problem.message);
    }
    if let Node::Path(Path { root: Some(Root::Conditions), steps }) = &expr.node
        && let [Step::Key(name)] = &**steps
        && let Some(named) = scope.shared.conditions.get(&**name)
    {
        return format!("{written}: {}", faulty(&named.expr, &named.source, scope, problem));
    }
    format!("{written}: {}", problem.message)
}

fn first_false<'v>(expr: &'v Expr, source: &str, scope: &Scope<'v>) -> Result<String, ExprFault> {
    let written = source.get(expr.span.clone()).unwrap_or_default();
    match &expr.node {
        Node::And(items) => {
            for item in items {
                if !truth(item, scope)? {
                    return first_false(item, source, scope);
                }
            }
            Ok(written.to_owned())
        }
        Node::Or(items) => {
            let failed: Result<Vec<_>, _> = items.iter().map(|item| first_false(item, source, scope)).collect();
            Ok(failed?.join("; nor "))
        }
        Node::Compare(operator, left, right) => {
            let (left, right) = (eval(left, scope)?, eval(right, scope)?);
            Ok(format!("{written}: {} {} {}", value(&left), operator.symbol(), value(&right)))
        }
        Node::IsSet { of, .. } => Ok(format!("{written}: it is {}", value(&eval(of, scope)?))),
        Node::Matches(of, _) => Ok(format!("{written}: {} doesn't match", value(&eval(of, scope)?))),
        Node::Open(_) => Ok(format!("{written}: closed at {}", scope.event.received_at)),
        Node::Path(Path { root: Some(Root::Conditions), steps }) => {
            let name = match &**steps {
                [Step::Key(name)] => name,
                _ => "",
            };
            match scope.shared.conditions.get(name) {
                Some(named) => Ok(format!("{written}: {}", first_false(&named.expr, &named.source, scope)?)),
                None => Ok(written.to_owned()),
            }
        }
        Node::Not(inner) => Ok(format!("not: {}", true_parts(inner, source, scope)?)),
        _ => Ok(format!("{written}: {}", value(&eval(expr, scope)?))),
    }
}

/// What makes an expression true, where it had to be false.
fn true_parts<'v>(expr: &'v Expr, source: &str, scope: &Scope<'v>) -> Result<String, ExprFault> {
    let written = source.get(expr.span.clone()).unwrap_or_default();
    match &expr.node {
        Node::And(items) => {
            let all: Result<Vec<_>, _> = items.iter().map(|item| true_parts(item, source, scope)).collect();
            Ok(all?.join("; and "))
        }
        Node::Or(items) => {
            for item in items {
                if truth(item, scope)? {
                    return true_parts(item, source, scope);
                }
            }
            Ok(written.to_owned())
        }
        Node::Not(inner) => first_false(inner, source, scope),
        Node::Matches(of, _) => Ok(format!("{written}: {} matches", value(&eval(of, scope)?))),
        Node::Open(_) => Ok(format!("{written}: open at {}", scope.event.received_at)),
        Node::Path(Path { root: Some(Root::Conditions), steps }) => match &**steps {
            [Step::Key(name)] if scope.shared.conditions.contains_key(&**name) => {
                let Some(named) = scope.shared.conditions.get(&**name) else { return Ok(written.to_owned()) };
                Ok(format!("{written}: {}", true_parts(&named.expr, &named.source, scope)?))
            }
            _ => Ok(written.to_owned()),
        },
        // A comparison and a question are told with their values, whether they hold or not.
        Node::Compare(..) | Node::IsSet { .. } => first_false(expr, source, scope),
        _ => Ok(format!("{written}: {}", value(&eval(expr, scope)?))),
    }
}
