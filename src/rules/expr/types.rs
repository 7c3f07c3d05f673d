//! What can be known of types before any event arrives.

use std::ops::Range;

use super::ast::{Comparison, Cost, Expr, Filter, Node, Path, Root, Step};
use super::known::Known;
use super::{MAX_DEPTH, MAX_SIZE, Problem, ProblemKind};
use crate::domain::detail::DetailType;
use crate::domain::hours;
use crate::domain::json::{Json, JsonKind};
use crate::domain::value::{Number, Value};
use crate::rules::near;

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
pub fn check(expr: &Expr, source: &str, known: &Known, problems: &mut Vec<Problem>) -> Type {
    let found = Checker { source, known, problems }.expr(expr);
    let Cost { size, depth } = expr.cost(&|name| known.conditions.get(name).copied().unwrap_or_default());
    let message = match (size > MAX_SIZE, depth > MAX_DEPTH) {
        (true, _) => format!("with the conditions that it names this has {size} parts; {MAX_SIZE} are the most"),
        (false, true) => format!("with the conditions that it names this is {depth} deep; {MAX_DEPTH} is the most"),
        (false, false) => return found,
    };
    let problem = Problem::new(ProblemKind::TooLarge, expr.span.clone(), message);
    problems.push(problem.help("split the rule into several, or name fewer conditions"));
    found
}

struct Checker<'s, 'p> {
    source: &'s str,
    known: &'s Known,
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
            Node::Matches(of, _) => {
                let found = self.expr(of);
                if !found.may_be(Type::Text) {
                    let message = format!("`matches` searches a text, and `{}` is {}", self.written(of), found.words());
                    self.tell(&of.span, message, "compare it: `==`, `<`, `in`, `contains`");
                }
                Type::Bool
            }
            Node::Open(name) => {
                let hours = self.known.hours.iter().map(String::as_str);
                self.named("opening hours", "hours", name, hours, &expr.span);
                Type::Bool
            }
            Node::Bucket(_) => Type::Number,
            Node::Filter(inner, filter, arguments) => self.filter(inner, *filter, arguments),
        }
    }

    /// Whether a name is among those that the rule files define; if not, that is told.
    fn named<'k>(
        &mut self,
        what: &str,
        key: &str,
        name: &str,
        there_are: impl Iterator<Item = &'k str> + Clone,
        span: &Range<usize>,
    ) -> bool {
        if there_are.clone().any(|known| known == name) {
            return true;
        }
        let message = format!("there are no {what} `{name}`");
        let problem = Problem::new(ProblemKind::UnknownName, self.place_of(name, span), message);
        let list: Vec<_> = there_are.clone().take(10).collect();
        self.problems.push(match near::meant(name, there_are) {
            Some(meant) => problem.meant(meant),
            None if list.is_empty() => problem.help(format!("define it under `{key}:` of a rule file")),
            None => problem.help(format!("there are: {}", list.join(", "))),
        });
        false
    }

    /// Where a name stands within an expression.
    fn place_of(&self, name: &str, span: &Range<usize>) -> Range<usize> {
        let written = self.source.get(span.clone()).unwrap_or_default();
        match written.find(name) {
            Some(at) => span.start + at..span.start + at + name.len(),
            None => span.clone(),
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
        match root {
            Root::Values => return self.value(path, span),
            Root::Conditions => return self.condition(path, span),
            _ => {}
        }
        if !self.known.carries(root) {
            let message = format!("`{}` is never set: no source of this carries it", self.root_name(span));
            let problem = Problem::new(ProblemKind::NotCarried, span.clone(), message);
            self.problems.push(problem.help(Known::who_carries(root)));
        }
        if let (Root::Params, [Step::Key(name)]) = (root, &*path.steps) {
            return self.known.param(name);
        }
        let (whole, part) = root_type(root);
        match (part, &*path.steps) {
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

    fn value(&mut self, path: &Path, span: &Range<usize>) -> Type {
        let Some((Step::Key(name), rest)) = path.steps.split_first() else {
            self.tell(span, "`values` alone is nothing: name one of them".to_owned(), "as in `values.big`");
            return Type::Unknown;
        };
        if !self.named("values", "values", name, self.known.values.keys().map(String::as_str), span) {
            return Type::Unknown;
        }
        let Some(value) = self.known.values.get(&**name) else { return Type::Unknown };
        let mut json = value.json();
        for step in rest {
            let part = match step {
                Step::Key(key) => json.get(key),
                Step::Index(index) => json.items().get(*index).copied(),
            };
            let Some(part) = part else {
                self.tell(span, format!("`values.{name}` has no such part"), "look at its definition under `values:`");
                return Type::Unknown;
            };
            json = part;
        }
        of_json(json)
    }

    fn condition(&mut self, path: &Path, span: &Range<usize>) -> Type {
        let [Step::Key(name)] = &*path.steps else {
            self.tell(span, "a condition is named by one name".to_owned(), "as in `conditions.buyer`");
            return Type::Unknown;
        };
        self.named("conditions", "conditions", name, self.known.conditions.keys().map(String::as_str), span);
        Type::Bool
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
        let given: Vec<Type> = arguments.iter().map(|argument| self.expr(argument)).collect();
        let row = Signature::of(filter, found, given.first().copied());
        if !row.takes.iter().any(|wanted| found.may_be(*wanted)) {
            let words: Vec<_> = row.takes.iter().map(|wanted| wanted.words()).collect();
            let (name, words) = (filter.name(), words.join(" or "));
            let message = format!("`{name}` works on {words}, and `{}` is {}", self.written(inner), found.words());
            self.tell(&inner.span, message, String::new());
        }
        for ((argument, found), wanted) in arguments.iter().zip(given).zip(row.arguments) {
            if !found.may_be(*wanted) {
                let name = filter.name();
                let message = format!("`{name}` takes {} here, and this is {}", wanted.words(), found.words());
                self.tell(&argument.span, message, row.example);
            }
        }
        self.literal_arguments(filter, arguments);
        row.gives
    }

    /// What stands there as it is can be tried at once.
    fn literal_arguments(&mut self, filter: Filter, arguments: &[Expr]) {
        for (place, argument) in arguments.iter().enumerate() {
            let Node::Literal(literal) = &argument.node else { continue };
            let (wrong, help) = match (filter, place, literal) {
                (Filter::Split | Filter::Replace, 0, Value::Text(text)) if text.is_empty() => {
                    ("an empty text is found nowhere", "name what to look for")
                }
                (Filter::Round, 0, Value::Number(Number::Int(0..=15)))
                | (Filter::Truncate, 0, Value::Number(Number::Int(1..=65_536))) => continue,
                (Filter::Round, 0, Value::Number(_)) => ("`round` takes 0 to 15 digits", "as in `round(2)`"),
                (Filter::Truncate, 0, Value::Number(_)) => {
                    ("`truncate` takes a whole number of characters, at least 1", "as in `truncate(40)`")
                }
                (Filter::Date, 0, Value::Text(form)) if !super::filter::is_date_form(form) => {
                    ("this is no form of a date", "`%Y` is the year, `%m` the month, `%d` the day, `%H:%M` the time")
                }
                (Filter::Date, 1, Value::Text(zone)) if hours::Hours::in_zone(zone).is_none() => {
                    ("there is no such time zone", "zones have names as `America/Bogota` or `Europe/Madrid`")
                }
                _ => continue,
            };
            self.tell(&argument.span, wrong.to_owned(), help);
        }
    }
}

/// What a filter takes and gives.
struct Signature {
    takes: &'static [Type],
    arguments: &'static [Type],
    gives: Type,
    example: &'static str,
}

impl Signature {
    fn of(filter: Filter, found: Type, argument: Option<Type>) -> Self {
        const TEXTS: &[Type] = &[Type::Text, Type::List];
        let (takes, arguments, gives, example): (&[Type], &[Type], Type, &str) = match filter {
            Filter::Default if Some(found) == argument => (&[Type::Unknown], &[Type::Unknown], found, ""),
            Filter::Default => (&[Type::Unknown], &[Type::Unknown], Type::Unknown, ""),
            // Filters of texts work on each item of a list.
            Filter::Lower | Filter::Upper | Filter::Trim | Filter::Slug => (TEXTS, &[], found, ""),
            Filter::Replace => (TEXTS, &[Type::Text, Type::Text], found, "as in `replace(\"_\", \" \")`"),
            Filter::Truncate => (TEXTS, &[Type::Number], found, "as in `truncate(40)`"),
            Filter::Split => (&[Type::Text], &[Type::Text], Type::List, "as in `split(\",\")`"),
            Filter::Join => (&[Type::List], &[Type::Text], Type::Text, "as in `join(\", \")`"),
            Filter::Round => (&[Type::Number], &[Type::Number], Type::Number, "as in `round(2)`"),
            Filter::Date => {
                let example = "as in `date(\"%Y-%m-%d\", \"America/Bogota\")`";
                (&[Type::Text, Type::Number], &[Type::Text, Type::Text], Type::Text, example)
            }
            Filter::First | Filter::Last => (&[Type::List], &[], Type::Unknown, ""),
        };
        Self { takes, arguments, gives, example }
    }
}

/// The type of JSON that stands in a rule file. Something empty is unset, and so of no type.
fn of_json(json: Json<'_>) -> Type {
    match json.kind() {
        JsonKind::Null => Type::Unknown,
        JsonKind::Bool => Type::Bool,
        JsonKind::Number => Type::Number,
        JsonKind::Text => Type::Text,
        JsonKind::List => Type::List,
        JsonKind::Map => Type::Map,
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
        Root::Params | Root::Form | Root::Values => (Type::Map, Some(Type::Unknown)),
        Root::Conditions => (Type::Map, Some(Type::Bool)),
        // A body may be any JSON: a list of leads is one too.
        Root::Payload | Root::Body => (Type::Unknown, Some(Type::Unknown)),
        Root::Query | Root::Headers => (Type::Map, Some(Type::Text)),
        Root::Confidence => (Type::Number, None),
        Root::Detail(detail) => match detail.type_of() {
            DetailType::Text => (Type::Text, None),
            DetailType::Flag => (Type::Bool, None),
            DetailType::Number(..) => (Type::Number, None),
        },
        // A template that is exactly one `{{ }}` keeps its type, so an id may be a number.
        Root::Contact => (Type::Unknown, None),
        Root::Source
        | Root::Type
        | Root::Intent
        | Root::Text
        | Root::Language
        | Root::Session
        | Root::ReceivedAt
        | Root::Page
        | Root::Flow => (Type::Text, None),
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
