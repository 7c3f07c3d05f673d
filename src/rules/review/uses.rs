//! What rules do to what: the places at which two of them may meet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::change::Guard;
use crate::domain::name::ConnectionName;
use crate::rules::catalog::Catalog;
use crate::rules::expr::Condition;
use crate::rules::model::{JsonTemplate, Rule, TagEntry, TagTemplate};
use crate::rules::pattern::Pattern;

/// What a rule adds to or removes from a contact, by one entry of a list.
#[derive(Debug, Clone, Copy)]
pub struct TagUse<'c> {
    pub place: usize,
    pub connection: &'c ConnectionName,
    pub adds: bool,
    /// Its place in the list.
    pub index: usize,
    pub entry: &'c TagEntry,
    pub guard: &'c Guard,
}

impl<'c> TagUse<'c> {
    /// The tag's name, where it is the same for every event.
    pub fn name(&self) -> Option<&'c str> {
        match &self.entry.name {
            TagTemplate::Fixed(name) => Some(name.as_str()),
            TagTemplate::Rendered(_) => None,
        }
    }

    pub fn when(&self) -> Option<&'c Condition> {
        self.entry.when.as_ref()
    }
}

/// A field that a rule sets.
#[derive(Debug, Clone, Copy)]
pub struct SetUse<'c> {
    pub place: usize,
    pub connection: &'c ConnectionName,
    pub field: &'c str,
    pub value: &'c JsonTemplate,
}

fn enabled<'c>(catalog: &'c Catalog, dead: &BTreeSet<usize>) -> impl Iterator<Item = (usize, &'c Rule)> {
    catalog.all_rules().iter().enumerate().filter(|(place, rule)| rule.enabled && !dead.contains(place))
}

/// What rules do to tags, by connection, in the order in which they act.
pub fn tags<'c>(catalog: &'c Catalog, dead: &BTreeSet<usize>) -> BTreeMap<&'c str, Vec<TagUse<'c>>> {
    let mut uses: BTreeMap<&str, Vec<TagUse<'c>>> = BTreeMap::new();
    for (place, rule) in enabled(catalog, dead) {
        for block in &rule.tags {
            for (adds, entries) in [(false, &block.remove), (true, &block.add)] {
                let of = |(index, entry)| TagUse {
                    place,
                    connection: &block.connection,
                    adds,
                    index,
                    entry,
                    guard: &block.guard,
                };
                uses.entry(block.connection.as_str()).or_default().extend(entries.iter().enumerate().map(of));
            }
        }
    }
    uses
}

/// The fields that rules set, by connection and name.
pub fn sets<'c>(catalog: &'c Catalog, dead: &BTreeSet<usize>) -> BTreeMap<(&'c str, &'c str), Vec<SetUse<'c>>> {
    let mut uses: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, rule) in enabled(catalog, dead) {
        for block in &rule.sets {
            for (field, value) in &block.fields {
                let used = SetUse { place, connection: &block.connection, field, value };
                uses.entry((block.connection.as_str(), &**field)).or_default().push(used);
            }
        }
    }
    uses
}

/// The rules that answer.
pub fn replies(catalog: &Catalog, dead: &BTreeSet<usize>) -> Vec<usize> {
    enabled(catalog, dead).filter(|(_, rule)| rule.reply.is_some()).map(|(place, _)| place).collect()
}

/// For each of some rules the earlier ones that may see the same event, told by their intents alone: of thousands of rules most
/// have an intent of their own.
pub struct Earlier<'c> {
    catalog: &'c Catalog,
    by_intent: HashMap<&'c str, Vec<usize>>,
    /// Rules that may fit many intents.
    wide: Vec<usize>,
    all: Vec<usize>,
}

impl<'c> Earlier<'c> {
    pub fn new(catalog: &'c Catalog) -> Self {
        Self { catalog, by_intent: HashMap::new(), wide: Vec::new(), all: Vec::new() }
    }

    /// The numbers of those that were added before and may see an event of this one, which then is one of them.
    pub fn add(&mut self, number: usize, rule: &'c Rule, rule_of: impl Fn(usize) -> usize) -> Vec<usize> {
        let exact: Option<Vec<&str>> = rule.matcher.intents.iter().map(Pattern::exact).collect();
        let exact = exact.filter(|intents| !intents.is_empty());
        let mut before: Vec<usize> = match &exact {
            Some(intents) => {
                let lists = intents.iter().filter_map(|intent| self.by_intent.get(intent));
                lists.flatten().chain(&self.wide).copied().collect()
            }
            None => self.all.clone(),
        };
        before.sort_unstable();
        before.dedup();
        before.retain(|other| {
            self.catalog.all_rules().get(rule_of(*other)).is_some_and(|earlier| !are_apart(earlier, rule))
        });
        match exact {
            Some(intents) => {
                for intent in intents {
                    self.by_intent.entry(intent).or_default().push(number);
                }
            }
            None => self.wide.push(number),
        }
        self.all.push(number);
        before
    }
}

/// Whether two rules surely see no event in common, by the cheapest of signs.
fn are_apart(earlier: &Rule, later: &Rule) -> bool {
    let (one, other) = (&earlier.matcher, &later.matcher);
    let sources = || one.sources.iter().all(|source| !other.sources.contains(source));
    earlier.stop
        || earlier.id == later.id
        || !one.sources.is_empty() && !other.sources.is_empty() && sources()
        || never_meet(&one.intents, &other.intents)
        || never_meet(&one.types, &other.types)
}

fn never_meet(one: &[Pattern], other: &[Pattern]) -> bool {
    let meet = |a: &Pattern, b: &Pattern| match (a.exact(), b.exact()) {
        (Some(a), Some(b)) => a == b,
        (Some(a), None) => b.fits(a),
        (None, Some(b)) => a.fits(b),
        (None, None) => a.prefix().starts_with(b.prefix()) || b.prefix().starts_with(a.prefix()),
    };
    !one.is_empty() && !other.is_empty() && !one.iter().any(|a| other.iter().any(|b| meet(a, b)))
}
