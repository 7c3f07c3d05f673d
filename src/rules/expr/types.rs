//! What can be known of types before any event arrives.

use std::ops::Range;

use super::ast::{Comparison, Expr, Filter, Node, Path, Root, Step};
use super::{Problem, ProblemKind};
use crate::domain::value::Value;

/// A type, as far as it is known. Whatever is known may still be unset when an event lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// It depends on the event.
    Unknown,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// A mapping.
    Map,
}

impl Type {
    /// In a rule author's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "anything",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }

    fn may_be(self, other: Type) -> bool {
        self == other || self == Self::Unknown || other == Self::Unknown
    }
}

/// The type of an expression; what can't fit is told.
pub fn check(expr: &Expr, source: &str, problems: &mut Vec<Problem>) -> Type {
    let mut checker = Checker { source, problems };
    checker.expr(expr)
}

struct Checker<'s, 'p> {
    source: &'s str,
    problems: &'p mut Vec<Problem>,
}

impl Checker<'_, '_> {
    fn expr(&mut self, expr: &Expr) -> Type {
        match &expr.node {
            Node::Literal(value) => literal(value),
            Node::List(items) => {
                for item in items {
                    self.expr(item);
                }
                Type::List
            }
            Node::Path(path) => self.path(path, &expr.span),
            Node::And(items) | Node::Or(items) => {
                for item in items {
                    self.want_truth(item);
                }
                Type::Bool
            }
            Node::Not(inner) => {
                self.want_truth(inner);
                Type::Bool
            }
            Node::Negate(inner) => self.want_number(inner, "-"),
            Node::Compute(operator, left, right) => {
                self.want_number(left, operator.symbol());
                self.want_number(right, operator.symbol())
            }
            Node::Compare(operator, left, right) => {
                let types = (self.expr(left), self.expr(right));
                self.comparison(*operator, (left, types.0), (right, types.1), &expr.span);
                Type::Bool
            }
            Node::IsSet { of, .. } => {
                self.expr(of);
                Type::Bool
            }
            Node::Filter(inner, filter, arguments) => self.filter(inner, *filter, arguments),
        }
    }

    fn tell(&mut self, span: &Range<usize>, message: String, help: impl Into<String>) {
        self.problems.push(Problem::new(ProblemKind::Types, span.clone(), message).help(help));
    }

    fn written(&self, expr: &Expr) -> String {
        self.source.get(expr.span.clone()).unwrap_or_default().to_owned()
    }

    fn want_truth(&mut self, expr: &Expr) {
        let found = self.expr(expr);
        if !found.may_be(Type::Bool) {
            let message = format!("`{}` is {}, and must be true or false here", self.written(expr), found.words());
            self.tell(&expr.span, message, "compare it, or ask whether it `is set`");
        }
    }

    fn want_number(&mut self, expr: &Expr, operator: &str) -> Type {
        let found = self.expr(expr);
        if !found.may_be(Type::Number) {
            let message = format!("`{operator}` needs numbers, and `{}` is {}", self.written(expr), found.words());
            self.tell(&expr.span, message, "texts are joined in a template: `{{ a }} {{ b }}`");
        }
        Type::Number
    }

    fn path(&mut self, path: &Path, span: &Range<usize>) -> Type {
        let Some(root) = path.root else { return Type::Unknown };
        let (whole, part) = root_type(root);
        match (part, path.steps.as_slice()) {
            (_, []) => whole,
            (None, _) => {
                let message = format!("`{}` has no parts: it is {}", self.root_name(span), whole.words());
                self.tell(span, message, "parameters are under `params`, the request's own fields under `payload`");
                Type::Unknown
            }
            (Some(Type::Text), [Step::Key(_)]) => Type::Text,
            (Some(Type::Text), _) => {
                let message = format!("`{}` is one text under each name", self.root_name(span));
                self.tell(span, message, "take the name alone");
                Type::Unknown
            }
            (Some(part), _) => part,
        }
    }

    fn root_name(&self, span: &Range<usize>) -> String {
        let written = self.source.get(span.clone()).unwrap_or_default();
        written.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    }

    fn comparison(&mut self, operator: Comparison, left: (&Expr, Type), right: (&Expr, Type), span: &Range<usize>) {
        for (side, _) in [left, right] {
            if matches!(&side.node, Node::Literal(Value::Text(text)) if text.is_empty()) && !operator.orders() {
                let help = "write `is set` or `is not set`";
                self.tell(&side.span, "nothing is ever equal to \"\": an empty text is unset".to_owned(), help);
                return;
            }
        }
        let (a, b) = match operator {
            Comparison::In => (right, left),
            _ => (left, right),
        };
        let (wrong, help) = match operator {
            Comparison::Equal | Comparison::NotEqual => {
                (!a.1.may_be(b.1), "unlike types are never equal; a number stands without quotes, a text in quotes")
            }
            Comparison::In | Comparison::Contains => (!can_contain(a.1, b.1), "a list contains items, a text a text"),
            _ => (!have_order(a.1, b.1), "only two numbers or two texts have an order"),
        };
        if wrong {
            let words = (self.written(a.0), a.1.words(), self.written(b.0), b.1.words());
            let message = format!(
                "`{}` is {}, `{}` is {}: `{}` can't compare them",
                words.0,
                words.1,
                words.2,
                words.3,
                operator.symbol()
            );
            self.tell(span, message, help);
        }
    }

    fn filter(&mut self, inner: &Expr, filter: Filter, arguments: &[Expr]) -> Type {
        let found = self.expr(inner);
        let argument = arguments.first().map_or(Type::Unknown, |argument| self.expr(argument));
        let (wanted, result) = match filter {
            Filter::Default if found == argument => (Type::Unknown, found),
            Filter::Default => (Type::Unknown, Type::Unknown),
            Filter::Lower | Filter::Upper | Filter::Trim => (Type::Text, Type::Text),
            Filter::Join => (Type::List, Type::Text),
            Filter::First | Filter::Last => (Type::List, Type::Unknown),
        };
        if !found.may_be(wanted) {
            let name = filter.name();
            let message =
                format!("`{name}` works on {}, and `{}` is {}", wanted.words(), self.written(inner), found.words());
            self.tell(&inner.span, message, String::new());
        }
        if filter == Filter::Join && !argument.may_be(Type::Text) {
            let span = arguments.first().map_or_else(|| inner.span.clone(), |argument| argument.span.clone());
            self.tell(&span, "`join` takes the text that stands between the items".to_owned(), "as in `join(\", \")`");
        }
        result
    }
}

fn literal(value: &Value<'_>) -> Type {
    match value {
        Value::Unset => Type::Unknown,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::Text(_) => Type::Text,
        Value::List(_) => Type::List,
        Value::Map(_) => Type::Map,
    }
}

/// The type of a root, and of its parts where it has some.
fn root_type(root: Root) -> (Type, Option<Type>) {
    match root {
        Root::Params => (Type::Map, Some(Type::Unknown)),
        // A body may be any JSON: a list of leads is one too.
        Root::Payload | Root::Body => (Type::Unknown, Some(Type::Unknown)),
        Root::Query | Root::Headers => (Type::Map, Some(Type::Text)),
        Root::Confidence => (Type::Number, None),
        // A template that is exactly one `{{ }}` keeps its type, so an id may be a number.
        Root::Contact => (Type::Unknown, None),
        Root::Source | Root::Type | Root::Intent | Root::Text | Root::Language | Root::Session | Root::ReceivedAt => {
            (Type::Text, None)
        }
    }
}

fn have_order(a: Type, b: Type) -> bool {
    let ordered = |t| matches!(t, Type::Unknown | Type::Number | Type::Text);
    ordered(a) && ordered(b) && a.may_be(b)
}

fn can_contain(whole: Type, part: Type) -> bool {
    match whole {
        Type::Unknown | Type::List => true,
        Type::Text => part.may_be(Type::Text),
        _ => false,
    }
}
