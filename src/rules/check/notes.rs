//! What is noted while a set is read, for the checks that look at the whole of it.

use std::collections::{HashMap, HashSet};

use super::bounds::Held;
use crate::domain::name::ConnectionName;
use crate::rules::expr::Expr;
use crate::rules::expr::ast::{Node, Path, Root, Step};
use crate::rules::finding::Span;

/// Notes of a whole set, and of the rule that is read now.
#[derive(Default)]
pub struct Notes {
    /// What expressions ask of what rule files name.
    pub used: Used,
    /// Tags whose names are as many as what somebody may write.
    pub strangers: Vec<Stranger>,
    /// What the rule read now leaves of what its events may hold.
    pub held: Held,
    /// The same of each named condition, where it is true.
    pub held_by: HashMap<String, HashSet<String>>,
    /// What each test does and expects, without its name, and where it stands.
    pub tests: HashMap<String, Span>,
}

/// A tag that is named by what a stranger writes.
pub struct Stranger {
    pub connection: ConnectionName,
    /// The way to what is written, as the rule has it.
    pub way: String,
    pub span: Span,
}

/// Names that an expression asks for.
#[derive(Default)]
pub struct Used {
    pub values: HashSet<String>,
    pub conditions: HashSet<String>,
    pub hours: HashSet<String>,
    /// `values` as a whole was asked for.
    pub all_values: bool,
}

impl Used {
    /// Notes what an expression asks for.
    pub fn note(&mut self, expr: &Expr) {
        match &expr.node {
            Node::Open(hours) => drop(self.hours.insert(hours.to_string())),
            Node::Path(path) => self.path(path),
            _ => {}
        }
        expr.node.below().into_iter().for_each(|below| self.note(below));
    }

    fn path(&mut self, path: &Path) {
        match (path.root, path.steps.first()) {
            (Some(Root::Values), Some(Step::Key(name))) => drop(self.values.insert(name.to_string())),
            (Some(Root::Values), _) => self.all_values = true,
            (Some(Root::Conditions), Some(Step::Key(name))) => drop(self.conditions.insert(name.to_string())),
            _ => {}
        }
    }
}
