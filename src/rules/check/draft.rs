//! What was read of a set so far: a part that is wrong leaves its name, so that others may refer to it.

use std::collections::HashMap;

use crate::domain::connection::ConnectionConfig;
use crate::domain::hours::Hours;
use crate::domain::json::OwnedJson;
use crate::rules::catalog::{Catalog, Source};
use crate::rules::expr::Condition;
use crate::rules::files::RuleFile;
use crate::rules::finding::Span;
use crate::rules::model::Rule;
use crate::rules::shared::Shared;
use crate::rules::testing::RuleTest;

/// A name, where it is given, and what it names, if that could be read.
pub struct Named<T> {
    pub name: String,
    pub span: Span,
    pub value: Option<T>,
}

/// Everything that was read.
#[derive(Default)]
pub struct Draft {
    pub values: Vec<Named<OwnedJson>>,
    pub hours: Vec<Named<Hours>>,
    pub conditions: Vec<Named<Condition>>,
    pub sources: Vec<Named<Source>>,
    pub connections: Vec<Named<ConnectionConfig>>,
    pub rules: Vec<Named<Rule>>,
    pub tests: Vec<RuleTest>,
}

impl Draft {
    /// Makes the catalog of what could be read. It is only used when nothing was wrong. Its text is that of `shown`.
    pub fn finish(self, files: &[RuleFile], shown: &[RuleFile]) -> (Catalog, Vec<RuleTest>) {
        let sources = self.sources.into_iter().filter_map(|named| named.value).collect();
        let connections = self.connections.into_iter().filter_map(|named| named.value).collect();
        let rules = self.rules.into_iter().filter_map(|named| named.value).collect();
        let shared =
            Shared { values: by_name(self.values), conditions: by_name(self.conditions), hours: by_name(self.hours) };
        (Catalog::new((files, shown), sources, connections, rules, shared), self.tests)
    }
}

fn by_name<T>(named: Vec<Named<T>>) -> HashMap<String, T> {
    named.into_iter().filter_map(|named| Some((named.name, named.value?))).collect()
}
