//! A checked set of rules, ready to judge events.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::expr::Condition;
use super::expr::known::Carrier;
use super::files::RuleFile;
use super::finder::Finder;
use super::index::Index;
use super::late::Late;
use super::manner::Manner;
use super::model::{ContactTemplate, ContactsAt, Rule};
use super::params::ParamTypes;
use super::recorded::joined;
use super::shared::Shared;
use crate::domain::connection::ConnectionConfig;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::source::SourceConfig;

/// A checked set of rules. It never changes; a new set is a new catalog.
#[derive(Debug)]
pub struct Catalog {
    hash: String,
    text: String,
    sources: Vec<Source>,
    by_name: HashMap<SourceName, usize>,
    connections: Vec<ConnectionConfig>,
    manners: HashMap<ConnectionName, Manner>,
    /// The manner of a connection that says nothing of tags.
    plain: Manner,
    rules: Box<[Rule]>,
    shared: Shared,
}

/// A source, what rules see of its events, and its rules.
#[derive(Debug)]
pub struct Source {
    /// What the intake needs of it.
    pub config: SourceConfig,
    /// The contact of rules that don't say otherwise.
    pub contact: Option<ContactTemplate>,
    /// The same at single connections.
    pub contact_at: ContactsAt,
    /// Whose tags somebody else has changed, as its events say.
    pub tags_changed_at: ContactsAt,
    /// What its parameters mean.
    pub types: ParamTypes,
    /// Where a catch source finds the parts of an event.
    pub finder: Finder,
    /// Connections at which RB_ parameters are acted on.
    pub respond_io: Vec<ConnectionName>,
    /// What is answered where an event isn't on disk in time.
    pub late: Option<Late>,
    /// Its rules; filed when the catalog is put together.
    pub index: Index,
}

impl Source {
    /// What its events carry.
    pub(super) fn carrier(&self) -> Carrier {
        let finder = &self.finder;
        let finds = [("type", &finder.kind), ("intent", &finder.intent), ("text", &finder.text)];
        Carrier {
            name: self.config.name.to_string(),
            kind: self.config.kind,
            types: self.types.clone(),
            finds: finds
                .into_iter()
                .filter(|(_, template)| template.is_some())
                .map(|(key, _)| key)
                .chain(finder.tags_told.as_ref().map(|_| "tags_told"))
                .collect(),
        }
    }
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
        mut sources: Vec<Source>,
        connections: Vec<ConnectionConfig>,
        rules: Box<[Rule]>,
        shared: Shared,
    ) -> Self {
        for source in &mut sources {
            source.index = Index::new(&rules, places_of(&rules, &source.config.name));
        }
        let by_name = sources.iter().enumerate().map(|(at, source)| (source.config.name.clone(), at)).collect();
        let manners = connections.iter().map(|config| (config.name.clone(), Manner::of(config))).collect();
        let (hash, text) = (hash(files), joined(shown));
        Self { hash, text, sources, by_name, connections, manners, plain: Manner::default(), rules, shared }
    }

    /// Names this set: the first 16 bytes of the SHA-256 of its files, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The text of all files, each under a line with its path and without secrets, for the record. It is there once: a set
    /// in force needs it no more.
    pub fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The same set under the hash of its files as they were, where it was read from a record of them.
    #[must_use]
    pub fn recorded_as(self, hash: String) -> Self {
        Self { hash, ..self }
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
            description: rule.description.as_deref().map(str::to_owned),
            file: rule.file.to_string(),
            line: rule.line,
            enabled: rule.enabled,
        })
    }

    /// The source of this name with its rules.
    pub(super) fn entry(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name).and_then(|at| self.sources.get(*at))
    }

    /// The sources with their rules, in the order of the files.
    pub(super) fn all_sources(&self) -> &[Source] {
        &self.sources
    }

    /// How a connection wants its tags.
    pub(super) fn manner(&self, connection: &ConnectionName) -> &Manner {
        self.manners.get(connection).unwrap_or(&self.plain)
    }

    /// What the rule files name.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Puts another rule in the place of one, which comes back in its stead, to try out what difference it makes. While it is
    /// tried every event of its sources meets it, so nothing is filed anew.
    pub(super) fn exchange(&mut self, place: usize, rule: &mut Rule, tried: bool) {
        let Some(own) = self.rules.get_mut(place) else { return };
        std::mem::swap(own, rule);
        let Self { sources, rules, .. } = self;
        let other_sources = rules.get(place).is_some_and(|own| own.matcher.sources != rule.matcher.sources);
        for source in sources {
            if other_sources {
                source.index = Index::new(rules, places_of(rules, &source.config.name));
            }
            let is_met = rules.get(place).is_some_and(|own| is_met(own, &source.config.name));
            source.index.tries(u32::try_from(place).ok().filter(|_| tried && is_met));
        }
    }

    /// Puts another condition in the place of the one of this name, which comes back.
    pub(super) fn exchange_condition(&mut self, name: &str, condition: Condition) -> Option<Condition> {
        self.shared.conditions.insert(name.to_owned(), condition)
    }

    /// The rules themselves.
    pub(super) fn all_rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// The places of the rules that a source's events may meet. Disabled ones can't match, so they aren't filed.
fn places_of<'r>(rules: &'r [Rule], source: &SourceName) -> impl Iterator<Item = u32> + use<'r> {
    let source = source.clone();
    rules
        .iter()
        .enumerate()
        .filter_map(move |(place, rule)| is_met(rule, &source).then(|| u32::try_from(place).ok())?)
}

/// Whether a source's events may meet a rule.
pub(super) fn is_met(rule: &Rule, source: &SourceName) -> bool {
    rule.enabled && (rule.matcher.sources.is_empty() || rule.matcher.sources.contains(source))
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
