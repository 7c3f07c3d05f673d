//! What an expression may name, and what is known of it before any event arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ast::{Cost, Root};
use super::types::Type;
use crate::domain::json::OwnedJson;
use crate::domain::source::SourceKind;
use crate::rules::params::{ParamType, ParamTypes};

/// The names of a rule set, and the sources whose events an expression may meet.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Named values.
    pub values: BTreeMap<String, OwnedJson>,
    /// Named conditions, each with what evaluating it costs at most.
    pub conditions: BTreeMap<String, Cost>,
    /// Named opening hours.
    pub hours: BTreeSet<String>,
    /// The sources whose events may come here; none: nothing is known of them.
    pub sources: Vec<Rc<Carrier>>,
}

/// What the events of a source carry.
#[derive(Debug, Clone)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    /// How its body is read.
    pub kind: SourceKind,
    /// What its parameters mean.
    pub types: ParamTypes,
    /// What a catch source is told to find in its body.
    pub finds: BTreeSet<&'static str>,
}

impl Known {
    /// Whether an event that comes here may carry this root at all.
    pub fn carries(&self, root: Root) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|source| source.carries(root))
    }

    /// The kinds that carry a root, for messages.
    pub fn who_carries(root: Root) -> &'static str {
        match root {
            Root::Page | Root::Flow | Root::Form => "only `dialogflow-cx` sources carry it",
            Root::Type => "a `catch` source carries it where its `type:` says where to find it",
            Root::Intent => "a `catch` source carries it where its `intent:` says where to find it",
            Root::Text => "a `catch` source carries it where its `text:` says where to find it",
            _ => "only Dialogflow sources carry it",
        }
    }

    /// The type of a parameter, where all sources agree on it.
    pub fn param(&self, name: &str) -> Type {
        self.declared(name).map_or(Type::Unknown, Type::of_param)
    }

    /// What all sources say that a parameter means.
    pub fn declared(&self, name: &str) -> Option<ParamType> {
        let mut types = self.sources.iter().map(|source| source.types.get(name));
        let first = types.next()??;
        types.all(|other| other == Some(first)).then_some(first)
    }
}

impl Carrier {
    /// Whether this source's events may carry a root.
    pub fn carries(&self, root: Root) -> bool {
        match (root, self.kind) {
            (Root::Page | Root::Flow | Root::Form, kind) => kind == SourceKind::DialogflowCx,
            (Root::Confidence | Root::Language | Root::Session, kind) => kind != SourceKind::Catch,
            (Root::Type, SourceKind::Catch) => self.finds.contains("type"),
            (Root::Intent, SourceKind::Catch) => self.finds.contains("intent"),
            _ => true,
        }
    }
}

impl Type {
    /// What a declared parameter is.
    fn of_param(declared: ParamType) -> Self {
        match declared {
            ParamType::Number => Self::Number,
            ParamType::List => Self::List,
            ParamType::Boolean => Self::Bool,
            ParamType::Date | ParamType::Text => Self::Text,
        }
    }
}
