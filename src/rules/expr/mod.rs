//! The small language of `when` and of what stands in `{{ }}`.
//!
//! One syntax tree with places serves checking, evaluating and explaining. Everything is bounded before it runs: the length
//! of the source, the number of operators (which bounds every recursion over the tree) and the size of what is rendered.

pub mod ast;
pub mod eval;
mod filter;
mod hints;
pub mod known;
pub mod lexer;
mod number;
mod parse;
mod path;
pub mod regexp;
pub mod show;
pub mod template;
mod types;

use std::ops::Range;

use super::near::Meant;
use known::Known;
pub use types::Type;

pub use ast::Expr;

/// The longest expression, in bytes.
pub const MAX_EXPRESSION: usize = 4 * 1024;
/// The longest template, in bytes.
pub const MAX_TEMPLATE: usize = 16 * 1024;
/// The largest text that a template may render, in bytes.
pub const MAX_RENDERED: usize = 64 * 1024;
/// The most operators, filters and list items of one expression; recursion over a tree is never deeper.
pub const MAX_OPERATORS: usize = 256;
/// The most nodes of one expression, the conditions that it names and those that they name counted in: it bounds the work of
/// evaluating it.
pub const MAX_SIZE: usize = 1_000;
/// How deep evaluating an expression may go, through the conditions that it names and those that they name: a thread has a
/// stack of 2 MiB. The largest expression that names none is less deep.
pub const MAX_DEPTH: usize = 320;
/// How deep parentheses, lists and `not` may nest.
pub const MAX_NESTING: usize = 48;

/// What kind of problem an expression has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// It can't be read.
    Syntax,
    /// It names something that there isn't.
    UnknownName,
    /// It is too long, too deep or too busy.
    TooLarge,
    /// Its types don't fit.
    Types,
    /// A condition that can't be true or false.
    NotACondition,
    /// It asks for something that no source of its rule carries.
    NotCarried,
}

/// A problem of an expression or a template, at bytes of its own source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Where, in bytes of the source.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The mend.
    pub help: String,
    /// What should stand there instead.
    pub fix: Option<String>,
}

impl Problem {
    fn new(kind: ProblemKind, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { kind, span, message: message.into(), help: String::new(), fix: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    fn meant(self, meant: Meant<'_>) -> Self {
        let fix = meant.is_certain.then(|| meant.word.to_owned());
        Self { fix, ..self }.help(format!("did you mean `{}`?", meant.word))
    }
}

/// What went wrong while an expression was evaluated. It quotes no value, so it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExprFault {
    /// In words.
    pub message: String,
}

impl ExprFault {
    /// A fault in these words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A checked condition.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As it was written.
    pub source: Box<str>,
    /// Its tree.
    pub expr: Box<Expr>,
}

/// Reads an expression without asking what its names mean.
pub fn read(source: &str) -> Result<Expr, Vec<Problem>> {
    if source.len() > MAX_EXPRESSION {
        return Err(vec![too_long(source, "expression", MAX_EXPRESSION)]);
    }
    let mut problems = Vec::new();
    match parse::whole(source, &mut problems) {
        Some(expr) if problems.is_empty() => Ok(expr),
        _ => Err(problems),
    }
}

/// Reads an expression of any type.
pub fn expression(source: &str, known: &Known) -> Result<Expr, Vec<Problem>> {
    let expr = read(source)?;
    let mut problems = Vec::new();
    types::check(&expr, source, known, &mut problems);
    if problems.is_empty() { Ok(expr) } else { Err(problems) }
}

/// Reads a condition; its type must be able to be true or false.
pub fn condition(source: &str, known: &Known) -> Result<Condition, Vec<Problem>> {
    if source.len() > MAX_EXPRESSION {
        return Err(vec![too_long(source, "expression", MAX_EXPRESSION)]);
    }
    let mut problems = Vec::new();
    let parsed = parse::whole(source, &mut problems);
    if let Some(expr) = &parsed {
        let result = types::check(expr, source, known, &mut problems);
        if problems.is_empty() && !matches!(result, Type::Bool | Type::Unknown) {
            let message = format!("a condition must be true or false, and this is {}", result.words());
            let help = "compare it: `==`, `<`, `in`, `contains`, or ask whether it `is set`";
            problems.push(Problem::new(ProblemKind::NotACondition, expr.span.clone(), message).help(help));
        }
    }
    match parsed {
        Some(expr) if problems.is_empty() => Ok(Condition { source: source.into(), expr: Box::new(expr) }),
        _ => Err(problems),
    }
}

/// The problem of a source that is longer than it may be.
fn too_long(source: &str, what: &str, most: usize) -> Problem {
    let message = format!("this {what} has {} bytes; {most} is the most", source.len());
    Problem::new(ProblemKind::TooLarge, 0..source.len(), message).help("split the rule into several")
}

#[cfg(test)]
mod tests;
