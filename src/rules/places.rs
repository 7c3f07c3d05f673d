//! Where the parts of checked rules stand in their files.
//!
//! A catalog keeps no places: thousands of rules lie in memory as long as the gateway runs. Who needs them reads the files once
//! more and goes the same way through their trees.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::files::RuleFile;
use super::finding::{Findings, Span};
use super::yaml::{self, Node};

/// What a part belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The rule of this id.
    Rule(String),
    /// The condition of this name.
    Condition(String),
}

impl Owner {
    /// As reports name it.
    pub fn name(&self) -> String {
        match self {
            Self::Rule(id) => id.clone(),
            Self::Condition(name) => format!("conditions.{name}"),
        }
    }
}

/// One step on the way to a part: below a key, or to an item of a list. A value in place of a list is its only item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of this key.
    Key(String),
    /// The item at this place, from 0.
    Item(usize),
}

/// The way from a rule, or a condition, to one of its parts, and the bytes of an expression there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    steps: Vec<Step>,
    within: Option<Range<usize>>,
}

impl Way {
    /// The rule or the condition itself.
    pub fn start() -> Self {
        Self::default()
    }

    /// To the value of a key.
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// To an item.
    pub fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    /// To these bytes of the text there.
    pub fn within(&self, bytes: Range<usize>) -> Self {
        Self { within: Some(bytes), ..self.clone() }
    }

    fn then(&self, step: Step) -> Self {
        let mut way = self.clone();
        way.steps.push(step);
        way
    }
}

impl std::fmt::Display for Way {
    /// `tag.crm.add[0].when`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) => write!(f, "{}{key}", if index == 0 { "" } else { "." })?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The path as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The files of a set as trees.
pub struct Places<'f> {
    findings: Findings<'f>,
    owners: HashMap<Owner, Node>,
}

impl<'f> Places<'f> {
    /// Reads the files. Test files hold no rules.
    pub fn new(files: &'f [RuleFile]) -> Self {
        let mut findings = Findings::new(files);
        let mut owners = HashMap::new();
        for (index, _) in files.iter().enumerate().filter(|(_, file)| !file.holds_tests()) {
            let Some(tree) = yaml::read(index, &mut findings) else { continue };
            let conditions = tree.get("conditions").map(Node::entries).unwrap_or_default().iter();
            owners.extend(conditions.map(|entry| (Owner::Condition(entry.key.clone()), entry.value.clone())));
            let rules = tree.get("rules").map(Node::items).unwrap_or_default().iter();
            owners.extend(rules.filter_map(|rule| Some((Owner::Rule(rule.get("id")?.scalar()?), rule.clone()))));
        }
        Self { findings, owners }
    }

    /// Where a part stands; what has no place of its own stands where the nearest part around it does.
    pub fn find(&self, owner: &Owner, way: &Way) -> Place {
        let span = self.span(owner, way);
        let (line, column) = self.findings.place(span.file, span.start);
        Place { file: self.findings.path(span.file), line, column }
    }

    fn span(&self, owner: &Owner, way: &Way) -> Span {
        let Some(start) = self.owners.get(owner) else { return Span::default() };
        let mut node = start;
        // Of a rule its id is shown; of a mapping without brackets only its first line is known.
        let mut span = start.get("id").unwrap_or(start).span;
        for step in &way.steps {
            let next = match step {
                Step::Key(key) => node.entries().iter().find(|entry| entry.key == *key).map(|entry| &entry.value),
                Step::Item(index) => node.one_or_many().get(*index),
            };
            let Some(next) = next else { return span };
            (node, span) = (next, next.span);
        }
        match (&way.within, node.scalar()) {
            (Some(within), Some(source)) => self.findings.part(node.span, &source, within),
            _ => span,
        }
    }
}
