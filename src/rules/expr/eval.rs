//! Evaluating a tree for one event.
//!
//! The value rules stand here: every comparison with something unset is false, `!=` too; ordering unlike types is a fault;
//! something unset or a mapping can't be printed. The tree is bounded, so the recursion is.

use std::cell::OnceCell;
use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::ast::{Arithmetic, Comparison, Expr, Node};
use super::{Condition, ExprFault, MAX_RENDERED, filter, number, path};
use crate::domain::contact::ContactRef;
use crate::domain::event::Event;
use crate::domain::value::{Number, Value};
use crate::rules::model::{ContactTemplate, FoundBy};
use crate::rules::params::ParamTypes;
use crate::rules::record::Record;
use crate::rules::shared::Shared;
use crate::rules::words;

/// What an expression sees.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'e> {
    /// The event.
    pub event: &'e Event<'e>,
    /// The contact that a test says the source would have found; it stands before everything the source knows.
    pub found: Option<&'e str>,
    /// The `contact` of the rule that asks; it stands before all of these, where it isn't the contact itself that is worked out.
    pub rule_contact: Option<&'e ContactTemplate>,
    /// The source's own `contact`.
    pub source_contact: Option<&'e ContactTemplate>,
    /// What the source says of its parameters.
    pub types: &'e ParamTypes,
    /// What the rule files name.
    pub shared: &'e Shared,
    /// What was worked out of the event already.
    pub kept: Option<&'e Kept<'e>>,
    /// Where it is noted what was true and what false.
    pub record: Option<&'e Record>,
}

/// What several rules ask of one event, worked out once.
#[derive(Debug, Default)]
pub struct Kept<'e> {
    /// The contact, or why there is none; it lies deep in the body.
    contact: OnceCell<Result<Value<'e>, ExprFault>>,
    /// The event's text as words are compared.
    words: OnceCell<String>,
}

impl<'e> Scope<'e> {
    /// The contact as the source finds it: said by a test, by the source's `contact`, by the kind of source.
    pub fn contact(&self) -> Result<Value<'e>, ExprFault> {
        if let Some(found) = self.found {
            return Ok(Value::text(found));
        }
        let found = || match self.source_contact {
            Some(contact) => self.work_out(contact),
            None => Ok(self.event.whose().map_or(Value::Unset, Value::text)),
        };
        match self.kept {
            Some(kept) => kept.contact.get_or_init(found).clone(),
            None => found(),
        }
    }

    /// The template itself sees the kind's knowledge, or it would ask for itself.
    fn work_out(&self, contact: &'e ContactTemplate) -> Result<Value<'e>, ExprFault> {
        contact.template.value(&Scope { source_contact: None, rule_contact: None, kept: None, ..*self })
    }

    /// The nearest contact: the rule's own, else the source's; with the way in which it is found.
    pub fn nearest(&self) -> Result<(&'e FoundBy, Value<'e>), ExprFault> {
        if let Some(own) = self.rule_contact {
            let scope = Scope { rule_contact: None, ..*self };
            return Ok((&own.by, own.template.value(&scope)?));
        }
        let by = self.source_contact.filter(|_| self.found.is_none()).map_or(&FoundBy::Id, |contact| &contact.by);
        Ok((by, self.contact()?))
    }

    /// Hands the event's text, folded as words are compared, to `look`.
    pub fn with_words<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        let text = self.event.text.as_deref().unwrap_or_default();
        match self.kept {
            Some(kept) => look(kept.words.get_or_init(|| words::fold(text))),
            None => look(&words::fold(text)),
        }
    }
}

/// Whether a condition holds.
pub fn holds<'v>(condition: &'v Condition, scope: &Scope<'v>) -> Result<bool, ExprFault> {
    truth(&condition.expr, scope)
}

/// An expression that must be true or false.
pub fn truth<'v>(expr: &'v Expr, scope: &Scope<'v>) -> Result<bool, ExprFault> {
    match eval(expr, scope)? {
        Value::Bool(truth) => {
            if let Some(record) = scope.record {
                record.truth(expr, truth);
            }
            Ok(truth)
        }
        Value::Unset => Err(ExprFault::new("something unset is neither true nor false; ask whether it `is set`")),
        other => Err(ExprFault::new(format!("{} is neither true nor false", other.kind()))),
    }
}

/// The value of an expression.
pub fn eval<'v>(expr: &'v Expr, scope: &Scope<'v>) -> Result<Value<'v>, ExprFault> {
    match &expr.node {
        Node::Literal(value) => Ok(borrowed(value)),
        Node::List(items) => Ok(Value::List(items.iter().map(|item| eval(item, scope)).collect::<Result<_, _>>()?)),
        Node::Path(path) => path::look_up(path, scope),
        Node::And(items) => all(items, scope, true),
        Node::Or(items) => all(items, scope, false),
        Node::Not(inner) => Ok(Value::Bool(!truth(inner, scope)?)),
        Node::Negate(inner) => match eval(inner, scope)? {
            Value::Unset => Ok(Value::Unset),
            Value::Number(number) => Ok(Value::Number(number::negate(&number)?)),
            other => Err(ExprFault::new(format!("`-` needs a number, and this is {}", other.kind()))),
        },
        Node::Compare(operator, left, right) => {
            compare(*operator, &eval(left, scope)?, &eval(right, scope)?).map(Value::Bool)
        }
        Node::Compute(operator, left, right) => match (eval(left, scope)?, eval(right, scope)?) {
            (Value::Unset, _) | (_, Value::Unset) => Ok(Value::Unset),
            (Value::Number(a), Value::Number(b)) => number::compute(*operator, &a, &b).map(Value::Number),
            (a, b) => {
                let words =
                    format!("`{}` needs numbers, and these are {} and {}", operator.symbol(), a.kind(), b.kind());
                Err(ExprFault::new(words))
            }
        },
        Node::IsSet { of, negated } => Ok(Value::Bool(eval(of, scope)?.is_unset() == *negated)),
        Node::Matches(of, regexp) => match eval(of, scope)? {
            Value::Unset => Ok(Value::Bool(false)),
            Value::Text(text) => Ok(Value::Bool(regexp.is_in(&text))),
            other => Err(ExprFault::new(format!("`matches` searches a text, and this is {}", other.kind()))),
        },
        Node::Open(name) => {
            let hours = scope.shared.hours.get(&**name);
            Ok(Value::Bool(hours.is_some_and(|hours| hours.is_open(scope.event.received_at))))
        }
        Node::Bucket(name) => {
            let (by, contact) = scope.nearest()?;
            bucket(name, by, &contact)
        }
        Node::Filter(inner, filter, arguments) => {
            let arguments: Vec<_> = arguments.iter().map(|argument| eval(argument, scope)).collect::<Result<_, _>>()?;
            filter::apply(*filter, eval(inner, scope)?, &arguments)
        }
    }
}

/// 0 to 99: the same for a contact today, tomorrow and on every machine; independent of other buckets.
fn bucket<'v>(name: &str, by: &FoundBy, contact: &Value<'_>) -> Result<Value<'v>, ExprFault> {
    if contact.is_unset() {
        return Ok(Value::Unset);
    }
    let mut id = String::new();
    print(contact, &mut id)?;
    // Two ways of writing an address or a number are one person.
    let alike = match by {
        FoundBy::Email => ContactRef::email(&id),
        FoundBy::Phone => ContactRef::phone(&id),
        FoundBy::Id | FoundBy::Field(_) => None,
    };
    let id = alike.map_or(id, |alike| alike.to_string());
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    // A name holds no NUL, so `a` of contact `b` and `ab` of none never meet.
    hasher.update([0]);
    hasher.update(id.trim().as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    let number = hash.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    Ok(Value::Number(Number::Int(i128::from(number % 100))))
}

/// The bucket of a contact by its id.
pub fn bucket_of_id(name: &str, id: &str) -> Value<'static> {
    bucket(name, &FoundBy::Id, &Value::text(id)).unwrap_or(Value::Unset)
}

/// The result of `a operator b`, where there is one.
pub fn computed(operator: Arithmetic, a: &Number<'_>, b: &Number<'_>) -> Option<Number<'static>> {
    number::compute(operator, a, b).ok()
}

/// `and` (go on while true) or `or` (go on while false); what comes after the answer isn't looked at.
fn all<'v>(items: &'v [Expr], scope: &Scope<'v>, going_on: bool) -> Result<Value<'v>, ExprFault> {
    for item in items {
        if truth(item, scope)? != going_on {
            return Ok(Value::Bool(!going_on));
        }
    }
    Ok(Value::Bool(going_on))
}

/// `a operator b` by the value rules.
pub fn compare(operator: Comparison, a: &Value<'_>, b: &Value<'_>) -> Result<bool, ExprFault> {
    if a.is_unset() || b.is_unset() {
        return Ok(false);
    }
    match operator {
        Comparison::Equal => Ok(a.equals(b)),
        Comparison::NotEqual => Ok(!a.equals(b)),
        Comparison::In => contains(b, a),
        Comparison::Contains => contains(a, b),
        Comparison::Less => Ok(order(a, b)? == Ordering::Less),
        Comparison::AtMost => Ok(order(a, b)? != Ordering::Greater),
        Comparison::Greater => Ok(order(a, b)? == Ordering::Greater),
        Comparison::AtLeast => Ok(order(a, b)? != Ordering::Less),
    }
}

fn order(a: &Value<'_>, b: &Value<'_>) -> Result<Ordering, ExprFault> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.compare(b).ok_or_else(|| ExprFault::new("one of these is no number that has an order"))
        }
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b)),
        _ => Err(ExprFault::new(format!("{} and {} have no order", a.kind(), b.kind()))),
    }
}

fn contains(whole: &Value<'_>, part: &Value<'_>) -> Result<bool, ExprFault> {
    match (whole, part) {
        (Value::List(items), part) => Ok(items.iter().any(|item| item.equals(part))),
        (Value::Text(whole), Value::Text(part)) => Ok(whole.contains(part.as_ref())),
        _ => Err(ExprFault::new(format!("{} can't contain {}", whole.kind(), part.kind()))),
    }
}

/// Prints a value at the end of `to`, which may not grow beyond its bound. A list is printed with commas between its items.
pub fn print(value: &Value<'_>, to: &mut String) -> Result<(), ExprFault> {
    match value {
        Value::Unset => return Err(ExprFault::new("something unset can't be printed; `| default(..)` answers it")),
        Value::Map(_) => return Err(ExprFault::new("a mapping can't be printed; name one of its parts")),
        Value::Bool(truth) => to.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => to.push_str(&number.to_string()),
        Value::Text(text) => append(text, to)?,
        Value::List(items) => {
            // What is unset in a list is left out, as everywhere.
            for (index, item) in items.iter().filter(|item| !item.is_unset()).enumerate() {
                append(if index == 0 { "" } else { ", " }, to)?;
                print(item, to)?;
            }
        }
    }
    append("", to)
}

/// Appends within the bound of what may be rendered.
pub fn append(text: &str, to: &mut String) -> Result<(), ExprFault> {
    if to.len() + text.len() > MAX_RENDERED {
        return Err(ExprFault::new(format!("more than {MAX_RENDERED} bytes would be rendered")));
    }
    to.push_str(text);
    Ok(())
}

/// A literal without copying its text.
fn borrowed<'v>(value: &'v Value<'static>) -> Value<'v> {
    match value {
        Value::Text(text) => Value::Text(text.as_ref().into()),
        other => other.clone(),
    }
}
