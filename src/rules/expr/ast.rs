//! The syntax tree.

use std::ops::Range;

use super::regexp::Regexp;
use crate::domain::detail::Detail;
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
    List(Box<[Expr]>),
    /// `params.plan`
    Path(Path),
    /// `a and b and c`: kept flat, so that a long chain is not deep.
    And(Box<[Expr]>),
    /// `a or b or c`
    Or(Box<[Expr]>),
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
    /// `a matches "x"`: the text holds a part that fits.
    Matches(Box<Expr>, Regexp),
    /// `open("office")`: whether the event was received within these hours.
    Open(Box<str>),
    /// `bucket("name")`: 0 to 99, always the same for one contact.
    Bucket(Box<str>),
    /// `a | lower`
    Filter(Box<Expr>, Filter, Box<[Expr]>),
}

impl Node {
    /// The nodes right below this one.
    pub fn below(&self) -> Vec<&Expr> {
        match self {
            Self::Literal(_) | Self::Path(_) | Self::Open(_) | Self::Bucket(_) => Vec::new(),
            Self::List(items) | Self::And(items) | Self::Or(items) => items.iter().collect(),
            Self::Not(of) | Self::Negate(of) | Self::IsSet { of, .. } | Self::Matches(of, _) => vec![of],
            Self::Compare(_, left, right) | Self::Compute(_, left, right) => vec![left, right],
            Self::Filter(of, _, arguments) => std::iter::once(of.as_ref()).chain(arguments).collect(),
        }
    }
}

/// What evaluating a tree costs at most, with the conditions that it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many nodes are looked at.
    pub size: usize,
    /// How deep the evaluation calls itself.
    pub depth: usize,
}

/// The calls between the path that names a condition and that condition's own tree.
const NAMED: usize = 2;

impl Expr {
    /// What it costs, where `conditions` says what those cost that it names.
    pub fn cost(&self, conditions: &impl Fn(&str) -> Cost) -> Cost {
        let mut whole = match self.condition().map(conditions) {
            Some(named) => Cost { depth: named.depth.saturating_add(NAMED), ..named },
            None => Cost::default(),
        };
        for below in self.node.below().into_iter().map(|below| below.cost(conditions)) {
            whole = Cost { size: whole.size.saturating_add(below.size), depth: whole.depth.max(below.depth) };
        }
        Cost { size: whole.size.saturating_add(1), depth: whole.depth.saturating_add(1) }
    }

    /// The condition that it is the name of.
    fn condition(&self) -> Option<&str> {
        match &self.node {
            Node::Path(path) => path.condition(),
            _ => None,
        }
    }

    /// Calls `each` with every path in it.
    pub fn paths<'x>(&'x self, each: &mut impl FnMut(&'x Path)) {
        if let Node::Path(path) = &self.node {
            each(path);
        }
        self.node.below().into_iter().for_each(|below| below.paths(each));
    }
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
    /// Dialogflow CX: the page that the conversation is on.
    Page,
    /// Dialogflow CX: the flow that it is in.
    Flow,
    /// Dialogflow CX: the page's form, by parameter.
    Form,
    /// What only some platforms tell.
    Detail(Detail),
    /// Values that the rule files name.
    Values,
    /// Conditions that the rule files name.
    Conditions,
}

/// Every root: its name, itself, and what it holds for messages.
pub const ROOTS: [(&str, Root); 19 + DETAILS] = {
    let mut all = [("", Root::Source); 19 + DETAILS];
    let mut at = 0;
    while at < FIXED.len() {
        all[at] = FIXED[at];
        at += 1;
    }
    while at < all.len() {
        let detail = Detail::ALL[at - FIXED.len()];
        all[at] = (detail.name(), Root::Detail(detail));
        at += 1;
    }
    all
};

const DETAILS: usize = Detail::ALL.len();

/// Roots with a form of their own.
const FIXED: [(&str, Root); 19] = [
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
    ("page", Root::Page),
    ("flow", Root::Flow),
    ("form", Root::Form),
    ("values", Root::Values),
    ("conditions", Root::Conditions),
];

/// A root and the way from it.
#[derive(Debug, Clone)]
pub struct Path {
    /// Where it starts; `None` after a problem was told.
    pub root: Option<Root>,
    /// The way.
    pub steps: Box<[Step]>,
}

impl Path {
    /// The condition that it names.
    pub fn condition(&self) -> Option<&str> {
        match (self.root, &*self.steps) {
            (Some(Root::Conditions), [Step::Key(name)]) => Some(name),
            _ => None,
        }
    }
}

/// One step of a path.
#[derive(Debug, Clone)]
pub enum Step {
    /// `.name`, `["name"]`
    Key(Box<str>),
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
    /// `split(",")`: a text as a list, without white space around the items.
    Split,
    /// `replace("a", "b")`: every `a` becomes `b`.
    Replace,
    /// `round(n)`: to n digits after the point; to a whole number without n.
    Round,
    /// `date("%Y-%m-%d", "America/Bogota")`: a time, written in that form and zone.
    Date,
    /// In lower case, without accents, words joined by `-`.
    Slug,
    /// `truncate(n)`: at most n characters.
    Truncate,
}

/// A filter as it is written.
#[derive(Debug, Clone, Copy)]
pub struct FilterRow {
    /// Its name.
    pub name: &'static str,
    /// Itself.
    pub filter: Filter,
    /// How many arguments it takes at least.
    pub least: usize,
    /// How many it takes at most.
    pub most: usize,
}

const fn filter(name: &'static str, filter: Filter, least: usize, most: usize) -> FilterRow {
    FilterRow { name, filter, least, most }
}

/// Every filter.
pub const FILTERS: [FilterRow; 13] = [
    filter("default", Filter::Default, 1, 1),
    filter("lower", Filter::Lower, 0, 0),
    filter("upper", Filter::Upper, 0, 0),
    filter("trim", Filter::Trim, 0, 0),
    filter("split", Filter::Split, 1, 1),
    filter("join", Filter::Join, 1, 1),
    filter("replace", Filter::Replace, 2, 2),
    filter("round", Filter::Round, 0, 1),
    filter("date", Filter::Date, 1, 2),
    filter("slug", Filter::Slug, 0, 0),
    filter("first", Filter::First, 0, 0),
    filter("last", Filter::Last, 0, 0),
    filter("truncate", Filter::Truncate, 1, 1),
];

impl Filter {
    /// As it is written.
    pub fn name(self) -> &'static str {
        FILTERS.iter().find(|row| row.filter == self).map_or("", |row| row.name)
    }
}
