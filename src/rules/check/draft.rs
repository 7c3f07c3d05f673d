//! What was read of a set so far: a part that is wrong leaves its name, so that others may refer to it.

use crate::domain::connection::ConnectionConfig;
use crate::domain::source::SourceConfig;
use crate::rules::catalog::Catalog;
use crate::rules::expr::template::Template;
use crate::rules::files::RuleFile;
use crate::rules::finding::Span;
use crate::rules::model::Rule;
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
    pub sources: Vec<Named<(SourceConfig, Option<Template>)>>,
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
        (Catalog::new((files, shown), sources, connections, rules), self.tests)
    }
}
