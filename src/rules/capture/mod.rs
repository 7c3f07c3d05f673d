//! Capture: a recorded event as a rule test, reduced to what the decision reads, without what is personal in it.
//!
//! Both are found by trial, with the rules themselves as judge: a part goes where everything is decided as before without it, and a
//! value is replaced where the same rules act in the same way. What can't be replaced, since a rule compares it, stays and is told.

mod judge;
mod personal;
mod short;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::finder::find_parts;
use super::testing::BodyReader;
use super::testing::DEFAULT_AT;
use crate::domain::contact::ContactRef;
use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::source::SourceConfig;
use crate::domain::time::Timestamp;
use judge::{Judge, Likeness, Seen};
use personal::{Kind, Substitutes};
use tree::{Tree, Way};
pub use write::insert;

/// Why an event can't be written in short.
#[derive(Debug, thiserror::Error)]
pub enum NotCaptured {
    /// Something is decided otherwise when the same event is written in short.
    #[error("written in short this event is decided otherwise: `--request` keeps its whole body")]
    NotInShort,
    /// Its body isn't JSON, so nothing in it can be replaced.
    #[error("its body is no JSON, in which something personal could be replaced")]
    NoJson,
    /// The body is not one event without the headers and the query that came with it.
    #[error("its source doesn't read one event in the body alone")]
    NotOne,
}

/// An event as a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The item of a `tests` list, as YAML.
    pub item: String,
    /// The body that it reads, where it doesn't hold the event in short.
    pub body: Option<String>,
    /// Personal values that a rule compares, by their keys: they are still there.
    pub kept: Vec<Kept>,
    /// Other values that are there as they came, since a rule reads them.
    pub as_they_came: Vec<String>,
}

/// A personal value that had to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its keys: `params.email`.
    pub at: String,
    /// What it is: `an e-mail address`.
    pub what: &'static str,
}

/// How often the rules are asked at most: a body of very many parts isn't reduced to the last of them.
const MOST_TRIALS: usize = 20_000;
/// Values that are replaced, or words left out, at most.
const MOST_PUTS: usize = 5_000;

/// Writes an event, as its source read it, as a test of this name.
pub fn capture(catalog: &Catalog, event: &mut Event<'_>, name: &str) -> Result<Captured, NotCaptured> {
    let faults = find_parts(catalog, event);
    let source = event.source.clone();
    let ask = |tree: &Tree, at: Timestamp| {
        let short = short::read(&source, tree);
        Some(Seen::of(catalog, &short.event(at), short.contact.as_deref()))
    };
    let judge = Judge::new(source.clone(), Seen::of(catalog, event, None), &ask);
    let mut work =
        Work { at: event.received_at, tree: short::of(event), judge: &judge, like: None, trials: 0, puts: 0 };
    if !faults.is_empty() || !work.begin(event) {
        return Err(NotCaptured::NotInShort);
    }
    work.reduce();
    let (kept, as_they_came) = work.replace();
    let trigger = write::event(&work, &kept);
    Ok(Captured { item: write::item(&work, name, trigger), body: None, kept, as_they_came })
}

/// Writes a body as a test of this name that reads it from a file, whole but for what is personal in it.
pub fn capture_body(
    catalog: &Catalog,
    source: &SourceConfig,
    (body, at): (&[u8], Timestamp),
    read: &BodyReader<'_>,
    (name, file): (&str, &str),
) -> Result<Captured, NotCaptured> {
    let tree = Json::parse(body).map(Tree::of).map_err(|_| NotCaptured::NoJson)?;
    let ask = |tree: &Tree, at: Timestamp| {
        let mut seen = None;
        let look = read(source, tree.json().as_bytes(), at, &mut |events: &mut [Event<'_>]| {
            if let [event] = events {
                let faults = find_parts(catalog, event);
                let mut this = Seen::of(catalog, event, None);
                this.explanation.decision.faults.splice(0..0, faults);
                seen = Some(this);
            }
        });
        look.ok().and(seen)
    };
    let whole = ask(&tree, at).ok_or(NotCaptured::NotOne)?;
    let judge = Judge::new(source.name.clone(), whole, &ask);
    let mut work = Work { at, tree, judge: &judge, like: None, trials: 0, puts: 0 };
    work.round_time();
    let (kept, as_they_came) = work.replace();
    let trigger = write::request(source.name.as_str(), file, &kept);
    Ok(Captured { item: write::item(&work, name, trigger), body: Some(work.tree.json()), kept, as_they_came })
}

/// An event as it becomes a test.
struct Work<'w> {
    at: Timestamp,
    tree: Tree,
    judge: &'w Judge<'w>,
    /// What must stay once it is reduced.
    like: Option<Likeness>,
    trials: usize,
    /// Values that were put in the place of others.
    puts: usize,
}

impl Work<'_> {
    /// Writes it in short so that it is decided to the letter as it came: with the contact by name, where that does, else with the
    /// payload in which the source finds it.
    fn begin(&mut self, event: &Event<'_>) -> bool {
        let decision = self.judge.decision();
        let named = decision.changes.iter().filter_map(|change| match &change.contact.reference {
            ContactRef::Id(id) | ContactRef::Email(id) | ContactRef::Phone(id) => Some(id.clone()),
            ContactRef::Field { value, .. } => Some(value.clone()),
            ContactRef::Stream { contact, .. } => contact.clone(),
        });
        let mut contacts: Vec<String> = event.contact.iter().map(ToString::to_string).chain(named).collect();
        contacts.dedup();
        let whole = self.tree.clone();
        let without = whole.clone();
        for contact in contacts {
            let mut tree = without.clone();
            if let Tree::Map(entries) = &mut tree {
                entries.push(("contact".to_owned(), Tree::Text(contact)));
            }
            if self.try_tree(tree) {
                return true;
            }
        }
        self.try_tree(whole)
    }

    /// Takes a tree over if all is decided with it as before.
    fn try_tree(&mut self, tree: Tree) -> bool {
        self.trials += 1;
        let same = self.judge.same(&tree, self.at);
        if same {
            self.tree = tree;
        }
        same
    }

    /// Leaves out whatever nothing hangs on.
    fn reduce(&mut self) {
        self.round_time();
        // What is large goes first.
        for key in ["body", "payload", "headers", "query", "session"] {
            self.drop_key(key);
        }
        // What goes may make other things superfluous: twice is enough for all but the oddest.
        for _ in 0..2 {
            let before = self.tree.clone();
            self.drop_parts(&mut Vec::new());
            if self.tree == before {
                break;
            }
        }
    }

    /// The time of all tests, or one without milliseconds, where that does.
    fn round_time(&mut self) {
        let second = Timestamp(self.at.seconds() * 1_000);
        if let Some(at) = [DEFAULT_AT, second].into_iter().find(|at| self.judge.same(&self.tree, *at)) {
            self.at = at;
        }
    }

    fn drop_key(&mut self, key: &str) {
        let place = match &self.tree {
            Tree::Map(entries) => entries.iter().position(|(name, _)| name == key),
            _ => None,
        };
        if let Some(place) = place {
            self.try_tree(self.tree.without(&[place]));
        }
    }

    /// Leaves out parts of a part, from the last to the first, and then parts of those that stay.
    fn drop_parts(&mut self, way: &mut Way) {
        for place in (0..self.tree.at(way).map_or(0, Tree::len)).rev() {
            way.push(place);
            let is_telling = way.len() == 1 && self.tree.named(way).iter().any(|key| key == "intent" || key == "type");
            let goes = !is_telling && self.trials < MOST_TRIALS && self.try_tree(self.tree.without(way));
            if !goes {
                self.drop_parts(way);
            }
            way.pop();
        }
    }

    /// Replaces what is personal, and whatever else may be; tells what stays.
    fn replace(&mut self) -> (Vec<Kept>, Vec<String>) {
        self.like = self.judge.likeness(&self.tree, self.at);
        let mut groups: BTreeMap<(String, u8), (Kind, Vec<Way>)> = BTreeMap::new();
        for way in self.tree.leaves() {
            let (Some(value), keys) = (self.leaf(&way), self.tree.named(&way)) else { continue };
            let kind = Kind::of(&value, &keys);
            let group = groups.entry((value.to_lowercase(), kind as u8)).or_insert_with(|| (kind, Vec::new()));
            group.1.push(way);
        }
        let mut groups: Vec<(Kind, Vec<Way>)> = groups.into_values().collect();
        // In the order in which they stand, so that the first name is the first.
        groups.sort_by(|(_, one), (_, other)| one.cmp(other));
        let mut substitutes = Substitutes::default();
        let (mut kept, mut as_they_came) = (Vec::new(), Vec::new());
        for (kind, ways) in groups {
            let Some(value) = ways.first().and_then(|way| self.leaf(way)) else { continue };
            let is_told = |way: &Way| {
                let keys = self.tree.named(way);
                keys.len() == 1
                    && keys.iter().any(|key| ["intent", "type", "language", "page", "flow"].contains(&key.as_str()))
            };
            let is_flag = ["true", "false", "null"].contains(&value.as_str()) || value.is_empty();
            let is_small = kind == Kind::Plain && value.parse::<f64>().is_ok();
            if is_flag || ways.iter().all(is_told) {
                continue;
            }
            // A number says little, and a rule may compare it with any other: it stays, and that is told.
            if is_small {
                as_they_came.extend(ways.iter().map(|way| self.tree.named(way).join(".")));
                continue;
            }
            let replaced = substitutes.of(kind, &value).iter().any(|new| self.put(&ways, new))
                || (kind == Kind::Words && self.fewer_words(&ways, &value));
            if replaced {
                continue;
            }
            substitutes.give_back(kind);
            let names = ways.iter().map(|way| self.tree.named(way).join("."));
            if kind.is_personal() {
                kept.extend(names.map(|at| Kept { at, what: kind.word() }));
            } else {
                as_they_came.extend(names);
            }
        }
        kept.extend(self.personal_keys());
        kept.dedup();
        as_they_came.dedup();
        (kept, as_they_came)
    }

    /// Keys that are personal themselves, such as a mapping by e-mail address: what a rule may name stays, and is told.
    fn personal_keys(&self) -> Vec<Kept> {
        let mut found: BTreeMap<String, Kind> = BTreeMap::new();
        for way in self.tree.leaves() {
            let keys = self.tree.named(&way);
            for (at, key) in keys.iter().enumerate() {
                let kind = Kind::of(key, &[]);
                if kind.is_personal() && kind != Kind::Words {
                    found.insert(keys.iter().take(at + 1).cloned().collect::<Vec<_>>().join("."), kind);
                }
            }
        }
        found.into_iter().map(|(at, kind)| Kept { at, what: kind.word() }).collect()
    }

    /// The text of a text or a number.
    fn leaf(&self, way: &Way) -> Option<String> {
        match self.tree.at(way)? {
            Tree::Text(text) | Tree::Raw(text) => Some(text.clone()),
            Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// Puts a text in the place of others, as a number where those were numbers, if the same rules then act in the same way.
    fn put(&mut self, ways: &[Way], new: &str) -> bool {
        // A body of very many values isn't tried to its end: what stays is told.
        self.puts += 1;
        if self.puts > MOST_PUTS {
            return false;
        }
        let mut tree = self.tree.clone();
        for way in ways {
            match tree.at_mut(way) {
                Some(Tree::Text(text)) => new.clone_into(text),
                Some(Tree::Raw(number)) if new.bytes().all(|byte| byte.is_ascii_digit()) => new.clone_into(number),
                _ => return false,
            }
        }
        let alike = self.judge.likeness(&tree, self.at) == self.like;
        if alike {
            self.tree = tree;
        }
        alike
    }

    /// Leaves of somebody's words those that a rule looks for; whether none of these is personal by itself.
    fn fewer_words(&mut self, ways: &[Way], value: &str) -> bool {
        let mut words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        // Halves first: long texts are soon short.
        let mut size = words.len().div_ceil(2).max(1);
        loop {
            let mut start = 0;
            while start < words.len() {
                let end = (start + size).min(words.len());
                let fewer: Vec<String> = words.iter().take(start).chain(words.iter().skip(end)).cloned().collect();
                if !fewer.is_empty() && self.trials < MOST_TRIALS && self.put(ways, &fewer.join(" ")) {
                    words = fewer;
                } else {
                    start = end;
                }
                self.trials += 1;
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        let is_plain = |word: &String| {
            let digits = word.chars().filter(char::is_ascii_digit).count();
            digits < 5 && !word.contains('@')
        };
        words.len() <= 3 && words.iter().all(is_plain)
    }
}
