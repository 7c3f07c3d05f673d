//! What there is to cover: by the structure of a set and never by its lines, so that reformatting changes nothing.

use std::collections::BTreeSet;

use crate::domain::value::Value;
use crate::rules::catalog::Catalog;
use crate::rules::expr::Condition;
use crate::rules::expr::ast::{Expr, Node};
use crate::rules::model::{Matcher, Rule, TagBlock, TagEntry, TagTemplate, TextTemplate};
use crate::rules::places::{Owner, Way};
use crate::rules::record::{Mark, address};

/// One thing that tests can show.
pub struct Unit {
    /// What it belongs to.
    pub owner: Owner,
    /// Where it stands there.
    pub way: Way,
    /// What has to be seen ..
    pub mark: Mark,
    /// .. of what.
    pub part: usize,
    /// What no test shows, where none does.
    pub missing: String,
}

/// Every unit of a set, rule by rule and then of the conditions that rules name. A rule that is at rest has none.
pub fn units(catalog: &Catalog) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut named = BTreeSet::new();
    for rule in catalog.all_rules().iter().filter(|rule| rule.enabled) {
        let mut list = List { owner: Owner::Rule(rule.id.to_string()), units: &mut units, named: &mut named };
        list.rule(rule);
    }
    let mut told = BTreeSet::new();
    while let Some(name) = named.pop_first() {
        let condition = catalog.shared().conditions.get(&name);
        if let (Some(condition), true) = (condition, told.insert(name.clone())) {
            let mut list = List { owner: Owner::Condition(name), units: &mut units, named: &mut named };
            list.leaves(&condition.expr, &condition.source, &Way::start());
        }
        named = named.difference(&told).cloned().collect();
    }
    units
}

struct List<'l> {
    owner: Owner,
    units: &'l mut Vec<Unit>,
    /// The conditions that were named so far.
    named: &'l mut BTreeSet<String>,
}

impl List<'_> {
    fn add<T>(&mut self, way: Way, mark: Mark, part: &T, missing: String) {
        self.units.push(Unit { owner: self.owner.clone(), way, mark, part: address(part), missing });
    }

    fn rule(&mut self, rule: &Rule) {
        let start = Way::start();
        self.add(start.clone(), Mark::Fired, rule, "no test where it matches".to_owned());
        // Whoever takes every event can't miss one.
        if asks(&rule.matcher) || rule.when.is_some() {
            self.add(start.clone(), Mark::Missed, rule, "no test where it doesn't match".to_owned());
        }
        if let Some(when) = &rule.when {
            self.condition(when, &start.key("when"));
        }
        for block in &rule.tags {
            self.tags(block, &start.key("tag").key(block.connection.as_str()));
        }
        for block in &rule.sets {
            let way = start.key("set").key(block.connection.as_str());
            for field in &block.fields {
                let missing = format!("no test where `{}` is set at {}", field.0, block.connection);
                self.add(way.key(&*field.0), Mark::Done, field, missing);
            }
        }
        for forward in &rule.forwards {
            let missing = format!("no test where something is forwarded to {}", forward.connection);
            self.add(start.key("forward").key(forward.connection.as_str()), Mark::Done, forward, missing);
        }
        if let Some(reply) = rule.reply.as_deref() {
            let way = start.key("reply");
            self.add(way.clone(), Mark::Answered, reply, "no test where this is the reply".to_owned());
            if let Some(TextTemplate::Languages { each, default }) = &reply.text {
                let way = way.key("text");
                for (language, words) in each {
                    let missing = format!("no test where the reply is in `{language}`");
                    self.add(way.key(language.to_string()), Mark::Said, words, missing);
                }
                if let Some(words) = default.as_deref() {
                    let missing = "no test where the reply is the `default`".to_owned();
                    self.add(way.key("default"), Mark::Said, words, missing);
                }
            }
        }
    }

    fn tags(&mut self, block: &TagBlock, way: &Way) {
        for (side, word, entries) in [("remove", "removed", &block.remove), ("add", "added", &block.add)] {
            for (index, entry) in entries.iter().enumerate() {
                let way = way.key(side).item(index);
                let missing = format!("no test where {} is {word} at {}", name(entry), block.connection);
                self.add(way.clone(), Mark::Done, entry, missing);
                if let Some(when) = &entry.when {
                    self.condition(when, &way.key("when"));
                }
            }
        }
        let guard = &block.guard;
        if guard.if_tagged.is_empty() && guard.unless_tagged.is_empty() {
            return;
        }
        let way = way.key(if guard.if_tagged.is_empty() { "unless_tagged" } else { "if_tagged" });
        let (allowed, barred) = match (guard.if_tagged.is_empty(), guard.unless_tagged.is_empty()) {
            (true, _) => ("has none of these tags", "has one of these tags"),
            (false, true) => ("has all of these tags", "lacks one of these tags"),
            (false, false) => ("has the tags that the block wants", "hasn't the tags that the block wants"),
        };
        self.add(way.clone(), Mark::Allowed, block, format!("no test where the contact {allowed}"));
        self.add(way, Mark::Barred, block, format!("no test where the contact {barred}"));
    }

    fn condition(&mut self, condition: &Condition, way: &Way) {
        self.leaves(&condition.expr, &condition.source, way);
    }

    /// Each part that `and`, `or` and `not` put together, once true and once false.
    fn leaves(&mut self, expr: &Expr, source: &str, way: &Way) {
        match &expr.node {
            Node::And(items) | Node::Or(items) => items.iter().for_each(|item| self.leaves(item, source, way)),
            Node::Not(inner) => self.leaves(inner, source, way),
            // What is written as `true` is never seen as anything else.
            Node::Literal(Value::Bool(_)) => {}
            _ => {
                let written = source.get(expr.span.clone()).unwrap_or_default();
                let way = way.within(expr.span.clone());
                self.add(way.clone(), Mark::True, expr, format!("no test where `{written}` is true"));
                self.add(way, Mark::False, expr, format!("no test where `{written}` is false"));
            }
        }
        if let Node::Path(path) = &expr.node {
            self.named.extend(path.condition().map(str::to_owned));
        } else if !matches!(expr.node, Node::And(_) | Node::Or(_) | Node::Not(_)) {
            expr.paths(&mut |path| self.named.extend(path.condition().map(str::to_owned)));
        }
    }
}

/// Whether `match` asks for anything but sources: whose events a rule never meets, it can't miss.
fn asks(matcher: &Matcher) -> bool {
    let Matcher { sources: _, intents, types, languages, params, details, contains, regex } = matcher;
    !(intents.is_empty()
        && types.is_empty()
        && languages.is_empty()
        && params.is_empty()
        && details.is_empty()
        && contains.is_empty()
        && regex.is_empty())
}

/// A tag's name as it is written.
pub fn name(entry: &TagEntry) -> String {
    match &entry.name {
        TagTemplate::Fixed(tag) => format!("`{tag}`"),
        TagTemplate::Rendered(template) => format!("`{}`", template.source),
    }
}
