//! Texts with `{{ }}` in them.

use std::borrow::Cow;
use std::ops::Range;

use super::ast::Expr;
use super::eval::{Scope, append, eval, print};
use super::known::Known;
use super::types::{self, Type};
use super::{ExprFault, MAX_EXPRESSION, MAX_TEMPLATE, Problem, ProblemKind, parse, too_long};
use crate::domain::pattern::Pattern;
use crate::domain::value::Value;

/// A checked template.
#[derive(Debug, Clone)]
pub struct Template {
    /// As it was written.
    pub source: Box<str>,
    /// None where the source is the text itself.
    parts: Box<[Part]>,
}

/// A part of a template.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'t> {
    /// A text that stands there as it is.
    Text(&'t str),
    /// What stands between `{{` and `}}`.
    Expr(&'t Expr),
}

#[derive(Debug, Clone)]
enum Part {
    /// These bytes of the source.
    Text(Range<usize>),
    Expr(Box<Expr>),
}

impl Template {
    /// Reads a template.
    pub fn parse(source: &str, known: &Known) -> Result<Self, Vec<Problem>> {
        if source.len() > MAX_TEMPLATE {
            return Err(vec![too_long(source, "template", MAX_TEMPLATE)]);
        }
        let mut problems = Vec::new();
        let parts = parts(source, &mut problems);
        let exact = matches!(parts.as_slice(), [Part::Expr(_)]);
        for part in &parts {
            let Part::Expr(expr) = part else { continue };
            let found = types::check(expr, source, known, &mut problems);
            if found == Type::Map && !exact {
                let message = "a mapping can't be printed";
                problems
                    .push(Problem::new(ProblemKind::Types, expr.span.clone(), message).help("name one of its parts"));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_fixed = parts.iter().all(|part| matches!(part, Part::Text(_)));
        Ok(Self { source: source.into(), parts: if is_fixed { Box::default() } else { parts.into() } })
    }

    /// Its parts in their order: fixed texts, and what is worked out.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let fixed = self.fixed().map(Piece::Text);
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(place) => Piece::Text(self.source.get(place.clone()).unwrap_or_default()),
            Part::Expr(expr) => Piece::Expr(expr),
        });
        fixed.into_iter().chain(parts)
    }

    /// Whether it always gives a whole mapping.
    pub fn is_mapping(&self, known: &Known) -> bool {
        match &*self.parts {
            [Part::Expr(expr)] => types::check(expr, &self.source, known, &mut Vec::new()) == Type::Map,
            _ => false,
        }
    }

    /// What stands in its braces, in order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Expr(expr) => Some(expr.as_ref()),
        })
    }

    /// The text, where it is the same for every event.
    pub fn fixed(&self) -> Option<&str> {
        self.parts.is_empty().then_some(&self.source)
    }

    /// What every text that it may become fits: `*` where an expression stands.
    pub fn glob(&self) -> Pattern {
        let part = |part: &Part| match part {
            Part::Text(place) => self.source.get(place.clone()).unwrap_or_default().to_owned(),
            Part::Expr(_) => "*".to_owned(),
        };
        match self.fixed() {
            Some(fixed) => Pattern::parse(fixed),
            None => Pattern::parse(&self.parts.iter().map(part).collect::<String>()),
        }
    }

    /// The rendered value. A template that is exactly one `{{ }}` keeps its type; every other is a text.
    pub fn value<'v>(&'v self, scope: &Scope<'v>) -> Result<Value<'v>, ExprFault> {
        match &*self.parts {
            [] => Ok(Value::Text(Cow::Borrowed(&self.source))),
            [Part::Expr(expr)] => eval(expr, scope),
            _ => self.text(scope).map(|text| Value::Text(text.into())),
        }
    }

    /// The rendered text.
    pub fn text<'v>(&'v self, scope: &Scope<'v>) -> Result<String, ExprFault> {
        if let Some(fixed) = self.fixed() {
            return Ok(fixed.to_owned());
        }
        let mut rendered = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(place) => append(self.source.get(place.clone()).unwrap_or_default(), &mut rendered)?,
                Part::Expr(expr) => {
                    let value = eval(expr, scope)?;
                    if value.is_unset() {
                        let written = self.source.get(expr.span.clone()).unwrap_or_default();
                        let message = format!("`{written}` is unset and can't be printed; `| default(..)` answers it");
                        return Err(ExprFault::new(message));
                    }
                    print(&value, &mut rendered)?;
                }
            }
        }
        Ok(rendered)
    }
}

fn parts(source: &str, problems: &mut Vec<Problem>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let open = rest.find("{{").unwrap_or(rest.len());
        if open > 0 {
            parts.push(Part::Text(at..at + open));
        }
        let start = at + open;
        if start == source.len() {
            break;
        }
        match expression(source, start, problems) {
            Some((expr, next)) => {
                parts.push(Part::Expr(Box::new(expr)));
                at = next;
            }
            // What can't be read is left out; the next `}}` is where reading can go on.
            None => match source.get(start..).and_then(|rest| rest.find("}}")) {
                Some(close) => at = start + close + 2,
                None => break,
            },
        }
    }
    parts
}

/// The expression behind the `{{` at `start`, and where the text goes on.
fn expression(source: &str, start: usize, problems: &mut Vec<Problem>) -> Option<(Expr, usize)> {
    let (expr, end) = parse::part(source, start + 2, problems)?;
    if end.is_empty() {
        let message = "this `{{` is never closed";
        problems.push(Problem::new(ProblemKind::Syntax, start..start + 2, message).help("close it with `}}`"));
        return None;
    }
    if end.end - start > MAX_EXPRESSION {
        let message = format!("this expression has more than {MAX_EXPRESSION} bytes");
        problems.push(Problem::new(ProblemKind::TooLarge, start..end.end, message).help("split the rule into several"));
        return None;
    }
    Some((expr, end.end))
}
