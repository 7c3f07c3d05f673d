//! The variables of formulas: the parts of an event that conditions ask for.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::Lists;
use super::formula::VarId;
use super::numbers::Numbers;
use super::texts::Texts;
use super::values::Values;
use crate::domain::detail::{Detail, DetailType};
use crate::domain::name::SourceName;
use crate::domain::value::Number;
use crate::rules::catalog::Source;
use crate::rules::expr::ast::{Expr, Node, ROOTS, Root, Step};
use crate::rules::expr::known::Carrier;
use crate::rules::params::ParamType;

/// What a variable is.
#[derive(Debug, Clone)]
pub enum What<'c> {
    /// A part of the event.
    At(Root, Box<[Step]>),
    /// `open("office")`
    Open(&'c str),
    /// `bucket("offer")`
    Bucket(&'c str),
    /// What is computed of parts of the event: its value is taken for any, so that nothing is proven of it that isn't so.
    Computed(&'c Expr),
}

/// A variable.
#[derive(Debug)]
pub struct Var<'c> {
    pub what: What<'c>,
    /// Whether working it out may be a fault.
    pub may_fault: bool,
}

/// All variables of a set.
#[derive(Debug, Default)]
pub struct Vars<'c> {
    list: Vec<Var<'c>>,
    by_key: HashMap<String, VarId>,
    /// Parameters that some source gives a type: what can't be of it is a fault.
    typed: BTreeSet<String>,
    /// Whether some events may tell of what we did ourselves.
    pub tell_echoes: bool,
}

/// Sources whose events look alike.
#[derive(Debug)]
pub struct Home {
    pub carrier: Carrier,
    pub names: Vec<SourceName>,
}

impl Home {
    /// The sources of a set, those that look alike together.
    pub fn all<'s>(sources: impl Iterator<Item = &'s Source>) -> Vec<Self> {
        let mut homes: Vec<Self> = Vec::new();
        for source in sources {
            let name = source.config.name.clone();
            let carrier = source.carrier();
            let like = |home: &&mut Self| {
                let known = &home.carrier;
                known.kind == carrier.kind && known.finds == carrier.finds && known.types == carrier.types
            };
            match homes.iter_mut().find(like) {
                Some(home) => home.names.push(name),
                None => homes.push(Self { carrier, names: vec![name] }),
            }
        }
        homes
    }
}

impl<'c> Vars<'c> {
    pub fn new(homes: &[Home]) -> Self {
        let typed = homes.iter().flat_map(|home| home.carrier.types.names()).map(str::to_owned).collect();
        let tell_echoes = homes.iter().any(|home| home.carrier.carries(Root::Detail(Detail::Echo)));
        Self { typed, tell_echoes, ..Self::default() }
    }

    pub fn get(&self, id: VarId) -> Option<&Var<'c>> {
        self.list.get(id)
    }

    /// The variable of a part of the event.
    pub fn at(&mut self, root: Root, steps: &[Step]) -> VarId {
        let mut key = String::new();
        path_key(Some(root), steps, &mut key);
        let may_fault = match (root, steps) {
            (Root::Params, [Step::Key(name)]) => self.typed.contains(&**name),
            // It may be a template.
            (Root::Contact, _) => true,
            _ => false,
        };
        self.known(key, || Var { what: What::At(root, steps.into()), may_fault })
    }

    /// The variable of a part of the event, where there is one already.
    pub fn find(&self, root: Root, steps: &[Step]) -> Option<VarId> {
        let mut key = String::new();
        path_key(Some(root), steps, &mut key);
        self.by_key.get(&key).copied()
    }

    /// The parameter of this name.
    pub fn param(&mut self, name: &str) -> VarId {
        self.at(Root::Params, &[Step::Key(name.into())])
    }

    /// The variable that an expression is; two that are written alike are one.
    pub fn of(&mut self, expr: &'c Expr) -> VarId {
        let mut key = String::new();
        write_key(expr, &mut key);
        match &expr.node {
            Node::Path(path) => match path.root {
                Some(root) => self.at(root, &path.steps),
                None => self.known(key, || Var { what: What::Computed(expr), may_fault: true }),
            },
            Node::Open(name) => self.known(key, || Var { what: What::Open(name), may_fault: false }),
            Node::Bucket(name) => self.known(key, || Var { what: What::Bucket(name), may_fault: true }),
            _ => {
                // An example is made by its parts.
                expr.paths(&mut |path| {
                    if let Some(root) = path.root {
                        self.at(root, &path.steps);
                    }
                });
                self.known(key, || Var { what: What::Computed(expr), may_fault: true })
            }
        }
    }

    fn known(&mut self, key: String, make: impl FnOnce() -> Var<'c>) -> VarId {
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let id = self.list.len();
        self.list.push(make());
        self.by_key.insert(key, id);
        id
    }

    /// What a variable may be in events of these sources.
    pub fn base(&self, id: VarId, home: &Home, lists: Lists) -> Values {
        let Some(var) = self.list.get(id) else { return Values::all() };
        match &var.what {
            What::At(root, steps) => match (lists, at(*root, steps, home)) {
                (Lists::WhereDeclared, values) if !is_declared_list(*root, steps, home) => {
                    Values { lists: None, ..values }
                }
                (_, values) => values,
            },
            What::Open(_) => Values::truth(true, true),
            What::Bucket(_) => Values::numbers(Numbers::only((0..100).map(Number::Int))).or_unset(),
            What::Computed(_) => Values::all(),
        }
    }
}

fn at(root: Root, steps: &[Step], home: &Home) -> Values {
    let any_text = || Values::texts(Texts::default()).or_unset();
    if !home.carrier.carries(root) {
        return match root {
            Root::Detail(detail) if detail.type_of() == DetailType::Flag => Values::truth(false, true),
            _ => Values::unset(),
        };
    }
    match (root, steps) {
        (Root::Source, []) => Values::texts(Texts::only(home.names.iter().map(ToString::to_string))),
        (Root::Confidence, []) => {
            let within = Numbers::from(Number::Int(0), true).meet(&Numbers::to(Number::Int(1), true));
            Values::numbers(within).or_unset()
        }
        (Root::Detail(detail), []) => match detail.type_of() {
            DetailType::Text => any_text(),
            DetailType::Flag => Values::truth(true, true),
            DetailType::Number(least, most) => {
                let [least, most] = [least, most].map(|end| Number::Int(end.into()));
                Values::numbers(Numbers::from(least, true).meet(&Numbers::to(most, true))).or_unset()
            }
        },
        (Root::ReceivedAt, []) => Values::texts(Texts::default()),
        (Root::Contact, []) => Values { numbers: Some(Numbers::default()), ..any_text() },
        (Root::Type | Root::Intent | Root::Text | Root::Language | Root::Session | Root::Page | Root::Flow, [])
        | (Root::Query | Root::Headers, [Step::Key(_)]) => any_text(),
        (Root::Params, [Step::Key(name)]) => match home.carrier.types.get(name) {
            // What can't be of the type is compared as the text that it came as.
            Some(ParamType::Number) => Values { numbers: Some(Numbers::default()), ..any_text() },
            Some(ParamType::Boolean) => Values { yes: true, no: true, ..any_text() },
            Some(ParamType::Date | ParamType::Text) => any_text(),
            Some(ParamType::List) | None => Values::all(),
        },
        (Root::Params | Root::Payload | Root::Body | Root::Form, _) => Values::all(),
        // They have no parts.
        _ => Values::unset(),
    }
}

fn is_declared_list(root: Root, steps: &[Step], home: &Home) -> bool {
    match (root, steps) {
        (Root::Params, [Step::Key(name)]) => home.carrier.types.get(name) == Some(ParamType::List),
        _ => false,
    }
}

fn path_key(root: Option<Root>, steps: &[Step], to: &mut String) {
    let name = ROOTS.iter().find(|(_, known)| Some(*known) == root).map_or("", |(name, _)| name);
    to.push_str(name);
    for step in steps {
        // Writing to a text can't fail.
        let _ = match step {
            Step::Key(key) if root == Some(Root::Headers) => write!(to, "[{:?}]", key.to_ascii_lowercase()),
            Step::Key(key) => write!(to, "[{key:?}]"),
            Step::Index(index) => write!(to, "[{index}]"),
        };
    }
}

/// Writes an expression so that two are the same text exactly when they are the same tree, wherever they stand.
fn write_key(expr: &Expr, to: &mut String) {
    // Writing to a text can't fail.
    let _ = match &expr.node {
        Node::Literal(value) => write!(to, "{}", value.to_json()),
        Node::Path(path) => {
            path_key(path.root, &path.steps, to);
            Ok(())
        }
        Node::List(_) => write!(to, "list"),
        Node::And(_) => write!(to, "and"),
        Node::Or(_) => write!(to, "or"),
        Node::Not(_) => write!(to, "not"),
        Node::Negate(_) => write!(to, "-"),
        Node::Compare(operator, ..) => write!(to, "{}", operator.symbol()),
        Node::Compute(operator, ..) => write!(to, "{}", operator.symbol()),
        Node::IsSet { negated, .. } => write!(to, "set {negated}"),
        Node::Matches(_, regexp) => write!(to, "matches {:?}", regexp.source()),
        Node::Open(name) => write!(to, "open {name:?}"),
        Node::Bucket(name) => write!(to, "bucket {name:?}"),
        Node::Filter(_, filter, _) => write!(to, "| {}", filter.name()),
    };
    let below = expr.node.below();
    if !below.is_empty() {
        to.push('(');
        for part in below {
            write_key(part, to);
            to.push(',');
        }
        to.push(')');
    }
}
