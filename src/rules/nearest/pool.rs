//! The values that are worth trying for each field that a rule looks at: what it compares with, and what lies right beside it.

use std::collections::BTreeMap;

use super::field::Field;
use crate::domain::detail::Detail;
use crate::domain::time::Timestamp;
use crate::domain::value::{Number, Value};
use crate::rules::expr::ast::{Arithmetic, Comparison, Expr, Node, Root};
use crate::rules::expr::eval::{Scope, eval};
use crate::rules::expr::regexp::Regexp;
use crate::rules::matching::asks_for_echoes;
use crate::rules::model::Rule;
use crate::rules::mutate::next;
use crate::rules::params::time;
use crate::rules::pattern::{ParamPattern, Pattern};

/// What stands for anything at all.
pub const ANYTHING: &str = "x";
/// What stands for the `*` of a pattern.
const FILLED: &str = "any";
/// The most values of a field: a list of a thousand items is not tried to its end.
const MOST: usize = 64;
/// A text that is longer isn't copied for each word that could be added to it.
const LONGEST: usize = 16_384;
/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// Values to try, by field.
#[derive(Debug, Default)]
pub struct Pool(BTreeMap<Field, Vec<Value<'static>>>);

impl Pool {
    /// What a rule looks at.
    pub fn of<'v>(rule: &'v Rule, scope: &Scope<'v>) -> Self {
        let mut pool = Self::default();
        pool.matcher(rule, scope);
        if let Some(when) = &rule.when {
            pool.truth(&when.expr, scope);
        }
        pool.between();
        pool
    }

    /// The fields, each with its values.
    pub fn fields(&self) -> impl Iterator<Item = (&Field, &[Value<'static>])> {
        self.0.iter().map(|(field, values)| (field, values.as_slice()))
    }

    /// The values of a field.
    pub fn values(&self, field: &Field) -> &[Value<'static>] {
        self.0.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many bytes of texts there are.
    pub fn bytes(&self) -> usize {
        let texts = self
            .0
            .values()
            .flatten()
            .filter_map(|value| if let Value::Text(text) = value { Some(text.len()) } else { None });
        texts.sum()
    }

    fn add(&mut self, field: &Field, value: Value<'static>) {
        let values = self.0.entry(field.clone()).or_default();
        if values.len() < MOST && field.takes(&value) && !values.iter().any(|known| known.equals(&value)) {
            values.push(value);
        }
    }

    fn text(&mut self, field: &Field, text: impl Into<String>) {
        self.add(field, Value::text(text.into()));
    }

    fn matcher(&mut self, rule: &Rule, scope: &Scope<'_>) {
        let matcher = &rule.matcher;
        if scope.event.is_echo() && !asks_for_echoes(matcher) {
            self.add(&Field::Detail(Detail::Echo), Value::Bool(false));
        }
        for (field, patterns) in [(Field::Intent, &matcher.intents), (Field::Type, &matcher.types)] {
            for pattern in patterns {
                self.text(&field, filled(pattern));
            }
        }
        matcher.languages.iter().for_each(|language| self.text(&Field::Language, language.to_string()));
        // Both must fit where there are both.
        let words: Vec<String> = matcher.contains.iter().map(|phrase| phrase.written().to_owned()).collect();
        let parts: Vec<String> = matcher.regex.iter().filter_map(sample).collect();
        for said in words.iter().chain(&parts) {
            self.said(&Field::Text, said, scope);
        }
        for (word, part) in words.iter().flat_map(|word| parts.iter().map(move |part| (word, part))).take(MOST) {
            self.said(&Field::Text, &format!("{word} {part}"), scope);
        }
        let params = matcher.params.iter().map(|(name, wanted)| (Field::Params(vec![name.to_string()]), wanted));
        let details = matcher.details.iter().map(|(detail, wanted)| (Field::Detail(*detail), wanted));
        for (field, wanted) in details.chain(params) {
            for pattern in wanted {
                match pattern {
                    ParamPattern::Set => self.anything(&field),
                    ParamPattern::Text(pattern) => self.text(&field, filled(pattern)),
                    ParamPattern::Value(value) => self.add(&field, value.clone()),
                }
            }
        }
    }

    /// A text that holds these words: what is said already with them, and they alone.
    fn said(&mut self, field: &Field, words: &str, scope: &Scope<'_>) {
        if let Value::Text(now) = field.of(scope.event)
            && now.len() <= LONGEST
        {
            self.text(field, format!("{now} {words}"));
        }
        self.text(field, words);
    }

    fn anything(&mut self, field: &Field) {
        self.text(field, ANYTHING);
        self.add(field, Value::Number(Number::Int(1)));
        self.add(field, Value::Bool(true));
    }

    /// What could make a condition otherwise.
    fn truth<'v>(&mut self, expr: &'v Expr, scope: &Scope<'v>) {
        match &expr.node {
            Node::And(_) | Node::Or(_) | Node::Not(_) => {
                expr.node.below().into_iter().for_each(|part| self.truth(part, scope));
            }
            Node::Compare(comparison, left, right) => {
                for (side, other) in [(left, right), (right, left)] {
                    self.truth_within(side, scope);
                    if let Ok(value) = eval(other, scope) {
                        self.towards(side, *comparison, &value, scope);
                    }
                }
            }
            Node::IsSet { of, .. } => fields(of, &mut |field| {
                self.anything(field);
                self.add(field, Value::Unset);
            }),
            Node::Matches(of, regexp) => {
                let found = sample(regexp);
                fields(of, &mut |field| {
                    if let Some(found) = &found {
                        self.said(field, found, scope);
                    }
                    self.text(field, ANYTHING);
                    self.add(field, Value::Unset);
                });
            }
            _ => {
                self.truth_within(expr, scope);
                fields(expr, &mut |field| {
                    self.add(field, Value::Bool(true));
                    self.add(field, Value::Bool(false));
                });
            }
        }
    }

    /// The conditions that an expression names.
    fn truth_within<'v>(&mut self, expr: &'v Expr, scope: &Scope<'v>) {
        expr.paths(&mut |path| {
            let named = path.condition().and_then(|name| scope.shared.conditions.get(name));
            if let Some(condition) = named {
                self.truth(&condition.expr, scope);
            }
        });
    }

    /// What would bring an expression near a value.
    fn towards<'v>(&mut self, expr: &'v Expr, comparison: Comparison, value: &Value<'_>, scope: &Scope<'v>) {
        match &expr.node {
            Node::Path(path) => {
                if let Some(field) = Field::at(path) {
                    self.near(&field, comparison, value, scope);
                }
            }
            Node::Filter(inner, _, _) => self.towards(inner, comparison, value, scope),
            Node::List(items) => items.iter().for_each(|item| self.towards(item, comparison, value, scope)),
            Node::Negate(inner) => {
                if let Value::Number(number) = value {
                    let contrary = Number::from_f64(-number.to_f64());
                    self.towards(inner, comparison, &Value::Number(contrary), scope);
                }
            }
            Node::Compute(operator, left, right) => {
                let Value::Number(whole) = value else { return };
                let number = |side: &'v Expr| match eval(side, scope) {
                    Ok(Value::Number(number)) => Some(number.to_f64()),
                    _ => None,
                };
                if let Some(right) = number(right) {
                    let wanted = solved(*operator, whole.to_f64(), right);
                    self.towards(left, comparison, &Value::Number(Number::from_f64(wanted)), scope);
                }
                if let Some(left) = number(left) {
                    let wanted = match operator {
                        Arithmetic::Subtract => left - whole.to_f64(),
                        Arithmetic::Divide => left / whole.to_f64(),
                        other => solved(*other, whole.to_f64(), left),
                    };
                    self.towards(right, comparison, &Value::Number(Number::from_f64(wanted)), scope);
                }
            }
            _ => {}
        }
    }

    /// A value of a field, and its neighbours.
    fn near(&mut self, field: &Field, comparison: Comparison, value: &Value<'_>, scope: &Scope<'_>) {
        self.add(field, Value::Unset);
        match value {
            Value::Unset => self.anything(field),
            Value::Bool(_) => {
                self.add(field, Value::Bool(true));
                self.add(field, Value::Bool(false));
            }
            Value::Number(number) => {
                let number = number.clone().into_owned();
                let beside = [Some(number.clone()), next(&number, true), next(&number, false)];
                beside.into_iter().flatten().filter(is_a_number).for_each(|one| self.add(field, Value::Number(one)));
            }
            Value::Text(text) => self.near_text(field, text, scope),
            Value::List(items) => {
                items.iter().take(MOST).for_each(|item| self.near(field, comparison, item, scope));
                self.text(field, ANYTHING);
            }
            Value::Map(_) => {}
        }
        if matches!(comparison, Comparison::Contains | Comparison::In) {
            self.with_item(field, value, scope);
        }
    }

    fn near_text(&mut self, field: &Field, text: &str, scope: &Scope<'_>) {
        self.text(field, text);
        if let Some(at) = time(text) {
            for other in [at.plus_millis(DAY), Timestamp(at.millis().saturating_sub(DAY))] {
                self.text(field, other.to_string());
            }
        }
        self.text(field, ANYTHING);
        // Right behind it and before it in their order.
        self.text(field, format!("{text}0"));
        let mut shorter = text.to_owned();
        shorter.pop();
        self.text(field, shorter);
        if *field == Field::Text {
            self.said(field, text, scope);
        }
    }

    /// What the field holds now, with one thing more.
    fn with_item(&mut self, field: &Field, value: &Value<'_>, scope: &Scope<'_>) {
        match (field.of(scope.event), value) {
            (Value::Text(_), Value::Text(words)) => self.said(field, words, scope),
            (now, Value::Text(_) | Value::Number(_) | Value::Bool(_)) => {
                let items = if let Value::List(items) = now { items } else { Vec::new() };
                let all = items.iter().take(MOST).chain([value]).filter_map(owned).collect();
                self.add(field, Value::List(all));
            }
            _ => {}
        }
    }

    /// Between two numbers that are next to each other lies another one.
    fn between(&mut self) {
        for (field, values) in &mut self.0 {
            let number =
                |value: &Value<'_>| if let Value::Number(number) = value { Some(number.to_f64()) } else { None };
            let mut numbers: Vec<f64> = values.iter().filter_map(number).collect();
            numbers.sort_by(f64::total_cmp);
            let middles = numbers.windows(2).filter_map(|two| match two {
                [a, b] if b - a <= 1.0 => Some(Value::Number(Number::from_f64(f64::midpoint(*a, *b)))),
                _ => None,
            });
            let middles: Vec<_> = middles.filter(|value| field.takes(value)).take(MOST).collect();
            values.extend(middles);
        }
    }
}

/// The operand that, with the other one, makes the whole.
fn solved(operator: Arithmetic, whole: f64, other: f64) -> f64 {
    match operator {
        Arithmetic::Add => whole - other,
        Arithmetic::Subtract => whole + other,
        Arithmetic::Multiply => whole / other,
        Arithmetic::Divide => whole * other,
        Arithmetic::Remainder => whole,
    }
}

fn is_a_number(number: &Number<'_>) -> bool {
    number.to_f64().is_finite()
}

fn owned(value: &Value<'_>) -> Option<Value<'static>> {
    Some(match value {
        Value::Unset => Value::Unset,
        Value::Bool(truth) => Value::Bool(*truth),
        Value::Number(number) => Value::Number(number.clone().into_owned()),
        Value::Text(text) => Value::text(text.to_string()),
        Value::List(items) => Value::List(items.iter().map(owned).collect::<Option<_>>()?),
        Value::Map(_) => return None,
    })
}

/// Every field that an expression looks at.
fn fields(expr: &Expr, each: &mut impl FnMut(&Field)) {
    expr.paths(&mut |path| {
        if path.root != Some(Root::Conditions) {
            Field::at(path).iter().for_each(&mut *each);
        }
    });
}

/// A text that fits a pattern.
fn filled(pattern: &Pattern) -> String {
    pattern.to_string().replace('*', FILLED)
}

/// A text that fits an expression: its first alternative, where that is plain words; else one of what people look for mostly.
fn sample(regexp: &Regexp) -> Option<String> {
    const USUAL: [&str; 8] =
        ["1", "a", "A", "12345", "+573001234567", "ana@example.com", "https://example.com", "2026-03-02"];
    let source = regexp.source();
    let bare = source.trim_start_matches("(?i)").trim_start_matches(['^', '(']).trim_start_matches("\\b");
    let first = bare.split(['|', ')', '$', '\\']).next().unwrap_or_default();
    let is_plain = |text: &&str| text.chars().all(|letter| letter.is_alphanumeric() || letter == ' ' || letter == '-');
    let plain = Some(first).filter(|text| !text.is_empty()).filter(is_plain);
    plain.into_iter().chain(USUAL).find(|text| regexp.is_in(text)).map(str::to_owned)
}
