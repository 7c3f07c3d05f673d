//! The syntax tree.

use std::ops::Range;

use crate::domain::value::Value;

/// A node of the tree and where it stands in its source.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub node: Node,
    /// Bytes of the source.
    pub span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Node {
    /// A text, a number, `true` or `false`.
    Literal(Value<'static>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `params.plan`
    Path(Path),
    /// `a and b and c`: kept flat, so that a long chain is not deep.
    And(Vec<Expr>),
    /// `a or b or c`
    Or(Vec<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `a < b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a + b`
    Compute(Arithmetic, Box<Expr>, Box<Expr>),
    /// `a is set`, `a is not set`
    IsSet {
        /// What is asked about.
        of: Box<Expr>,
        /// `is not set`
        negated: bool,
    },
    /// `a | lower`
    Filter(Box<Expr>, Filter, Vec<Expr>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `a in b`
    In,
    /// `b contains a`
    Contains,
}

impl Comparison {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::Contains => "contains",
        }
    }

    /// Whether it asks which of two comes first.
    pub fn orders(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::Greater | Self::AtLeast)
    }
}

/// A computation with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Arithmetic {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The source's name.
    Source,
    /// The action, tag or event name.
    Type,
    /// What the person meant.
    Intent,
    /// What the person said.
    Text,
    /// What the platform filled in.
    Params,
    /// How sure the platform is.
    Confidence,
    /// The language tag.
    Language,
    /// The conversation.
    Session,
    /// The contact as the source finds it.
    Contact,
    /// The item of the body.
    Payload,
    /// The whole body.
    Body,
    /// The request's query.
    Query,
    /// The request's headers.
    Headers,
    /// When the request was received.
    ReceivedAt,
}

/// Every root: its name, itself, and what it holds for messages.
pub const ROOTS: [(&str, Root); 14] = [
    ("source", Root::Source),
    ("type", Root::Type),
    ("intent", Root::Intent),
    ("text", Root::Text),
    ("params", Root::Params),
    ("confidence", Root::Confidence),
    ("language", Root::Language),
    ("session", Root::Session),
    ("contact", Root::Contact),
    ("payload", Root::Payload),
    ("body", Root::Body),
    ("query", Root::Query),
    ("headers", Root::Headers),
    ("received_at", Root::ReceivedAt),
];

/// Roots that the contract defines and this version doesn't have.
pub const LATER_ROOTS: [&str; 5] = ["page", "flow", "form", "values", "conditions"];

/// A root and the way from it.
#[derive(Debug, Clone)]
pub struct Path {
    /// Where it starts; `None` after a problem was told.
    pub root: Option<Root>,
    /// The way.
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone)]
pub enum Step {
    /// `.name`, `["name"]`
    Key(String),
    /// `[0]`
    Index(usize),
}

/// A filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// `default(x)`: x where nothing was given.
    Default,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Without white space around it.
    Trim,
    /// `join(", ")`: a list as one text.
    Join,
    /// A list's first item.
    First,
    /// A list's last item.
    Last,
}

/// Every filter: its name, itself, and how many arguments it takes.
pub const FILTERS: [(&str, Filter, usize); 7] = [
    ("default", Filter::Default, 1),
    ("lower", Filter::Lower, 0),
    ("upper", Filter::Upper, 0),
    ("trim", Filter::Trim, 0),
    ("join", Filter::Join, 1),
    ("first", Filter::First, 0),
    ("last", Filter::Last, 0),
];

/// Filters that the contract defines and this version doesn't have.
pub const LATER_FILTERS: [&str; 6] = ["split", "replace", "round", "date", "slug", "truncate"];

impl Filter {
    /// As it is written.
    pub fn name(self) -> &'static str {
        FILTERS.iter().find(|(_, filter, _)| *filter == self).map_or("", |(name, ..)| name)
    }
}
