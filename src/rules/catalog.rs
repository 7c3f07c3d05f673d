//! A checked set of rules, ready to judge events.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::expr::template::Template;
use super::files::RuleFile;
use super::index::Index;
use super::model::Rule;
use crate::domain::connection::ConnectionConfig;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::source::SourceConfig;

/// A checked set of rules. It never changes; a new set is a new catalog.
#[derive(Debug)]
pub struct Catalog {
    hash: String,
    text: String,
    sources: Vec<Source>,
    by_name: HashMap<SourceName, usize>,
    connections: Vec<ConnectionConfig>,
    rules: Vec<Rule>,
}

/// A source, its default contact and its rules.
#[derive(Debug)]
pub struct Source {
    /// What the intake needs of it.
    pub config: SourceConfig,
    /// The contact of rules that don't say otherwise.
    pub contact: Option<Template>,
    /// Its rules.
    pub index: Index,
}

/// One rule, for lists of rules.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RuleSummary {
    /// Its name.
    pub id: RuleId,
    /// What it is for.
    pub description: Option<String>,
    /// The file it stands in.
    pub file: String,
    /// The line of its id, from 1.
    pub line: usize,
    /// Whether it acts at all.
    pub enabled: bool,
}

impl Catalog {
    /// Puts a checked set together: named by its `files`, and recorded as `shown`, without secrets.
    pub fn new(
        (files, shown): (&[RuleFile], &[RuleFile]),
        sources: Vec<(SourceConfig, Option<Template>)>,
        connections: Vec<ConnectionConfig>,
        rules: Vec<Rule>,
    ) -> Self {
        let sources: Vec<_> = sources
            .into_iter()
            .map(|(config, contact)| {
                let index = Index::new(&rules, places_of(&rules, &config.name));
                Source { config, contact, index }
            })
            .collect();
        let by_name = sources.iter().enumerate().map(|(at, source)| (source.config.name.clone(), at)).collect();
        Self { hash: hash(files), text: joined(shown), sources, by_name, connections, rules }
    }

    /// Names this set: the first 16 bytes of the SHA-256 of its files, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The text of all files, each under a line with its path and without secrets, for the record.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The sources, in the order of the files.
    pub fn sources(&self) -> impl Iterator<Item = &SourceConfig> {
        self.sources.iter().map(|source| &source.config)
    }

    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<&SourceConfig> {
        self.entry(name).map(|source| &source.config)
    }

    /// The connections, in the order of the files.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionConfig> {
        self.connections.iter()
    }

    /// How many rules there are, disabled ones included.
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// The rules, in the order in which they act.
    pub fn rules(&self) -> impl Iterator<Item = RuleSummary> {
        self.rules.iter().map(|rule| RuleSummary {
            id: rule.id.clone(),
            description: rule.description.clone(),
            file: rule.file.to_string(),
            line: rule.line,
            enabled: rule.enabled,
        })
    }

    /// The source of this name with its rules.
    pub(super) fn entry(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name).and_then(|at| self.sources.get(*at))
    }

    /// The rules themselves.
    pub(super) fn all_rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// The places of the rules that a source's events may meet. Disabled ones can't match, so they aren't filed.
fn places_of<'r>(rules: &'r [Rule], source: &SourceName) -> impl Iterator<Item = u32> + use<'r> {
    let source = source.clone();
    rules.iter().enumerate().filter_map(move |(place, rule)| {
        let sources = &rule.matcher.sources;
        let meets = rule.enabled && (sources.is_empty() || sources.contains(&source));
        meets.then(|| u32::try_from(place).ok())?
    })
}

/// What names the set of these files, clean or not: the first 16 bytes of the SHA-256 of their texts, in hex.
///
/// Over texts and not over paths: the same files are the same set, wherever they lie.
pub fn hash(files: &[RuleFile]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update((file.text.len() as u64).to_be_bytes());
        hasher.update(file.text.as_bytes());
    }
    hex::encode(hasher.finalize().get(..16).unwrap_or_default())
}

fn joined(files: &[RuleFile]) -> String {
    let parts: Vec<_> = files.iter().map(|file| format!("# ==> {} <==\n{}\n", file.path, file.text)).collect();
    parts.concat()
}
