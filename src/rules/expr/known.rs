//! What an expression may name, and what is known of it before any event arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::ast::{Cost, Root};
use super::types::Type;
use crate::domain::detail::Detail;
use crate::domain::json::OwnedJson;
use crate::domain::kind::Part;
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
    pub fn who_carries(root: Root) -> String {
        let own = || SourceKind::ALL.iter().filter(|kind| !kind.traits().is_told);
        let carries = |kind: &&SourceKind| match root {
            Root::Detail(detail) => detail.told_by(**kind),
            _ => part(root).is_none_or(|part| kind.traits().carries(part)),
        };
        let names: Vec<_> = own().filter(carries).map(|kind| format!("`{}`", kind.name())).collect();
        let told = match root {
            Root::Type => "; a `catch` source carries it where its `type:` says where to find it",
            Root::Intent => "; a `catch` source carries it where its `intent:` says where to find it",
            Root::Text => "; a `catch` source carries it where its `text:` says where to find it",
            Root::Detail(Detail::Echo) => {
                "; a `catch` source carries it where its `tags_told:` says where the tags stand"
            }
            _ => "",
        };
        format!("the kinds that carry it: {}{told}", names.join(", "))
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
        if let Root::Detail(detail) = root {
            return detail.told_by(self.kind) || (detail == Detail::Echo && self.finds.contains("tags_told"));
        }
        let Some(part) = part(root) else { return true };
        let traits = self.kind.traits();
        traits.carries(part)
            && match part {
                Part::Type if traits.is_told => self.finds.contains("type"),
                Part::Intent if traits.is_told => self.finds.contains("intent"),
                _ => true,
            }
    }
}

/// What of an event a root is, where not every kind has it.
fn part(root: Root) -> Option<Part> {
    Some(match root {
        Root::Type => Part::Type,
        Root::Intent => Part::Intent,
        Root::Text => Part::Text,
        Root::Language => Part::Language,
        Root::Session => Part::Session,
        Root::Confidence => Part::Confidence,
        Root::Page => Part::Page,
        Root::Flow => Part::Flow,
        Root::Form => Part::Form,
        _ => return None,
    })
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
