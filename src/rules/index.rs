//! Which rules can match an event at all.
//!
//! A rule is filed under what its intents (else its types) must be or begin with, else under the first words of what its text
//! must contain; only rules that say nothing of these are met by every event. So what an event costs grows with the rules that
//! it may match and not with the rules there are.

use std::collections::{BTreeSet, HashMap};

use super::expr::eval::Scope;
use super::model::Rule;
use super::pattern::Pattern;
use super::words::Phrase;

/// So many lists are merged as they stand; more are sorted at once, as for a long text full of words that rules know.
const FEW: usize = 8;

/// The index of one source's rules, by their place in the catalog.
#[derive(Debug, Default)]
pub struct Index {
    intents: Drawer,
    types: Drawer,
    /// By the first word of each phrase.
    words: HashMap<Box<str>, Vec<u32>>,
    /// Rules that name none of these.
    rest: Vec<u32>,
    /// A rule that every event meets for now, whatever it is filed under: it is tried out with another `match`.
    tried: Option<u32>,
}

/// Rules filed by one text of the event.
#[derive(Debug, Default)]
struct Drawer {
    exact: HashMap<Box<str>, Vec<u32>>,
    prefixes: HashMap<Box<str>, Vec<u32>>,
    /// The lengths of all prefixes: an event's text is cut at each of them once.
    lengths: BTreeSet<usize>,
}

impl Index {
    /// Files the rules at these places of `rules`.
    pub fn new(rules: &[Rule], places: impl IntoIterator<Item = u32>) -> Self {
        let mut index = Self::default();
        for place in places {
            let Some(rule) = rules.get(place as usize) else { continue };
            let matcher = &rule.matcher;
            let filed = index.intents.file(&matcher.intents, place)
                || index.types.file(&matcher.types, place)
                || index.file_words(&matcher.contains, place);
            if !filed {
                index.rest.push(place);
            }
        }
        index
    }

    /// Lets every event meet a rule; `None`: each is met as it is filed again.
    pub fn tries(&mut self, place: Option<u32>) {
        self.tried = place;
    }

    fn file_words(&mut self, phrases: &[Phrase], place: u32) -> bool {
        for phrase in phrases {
            self.words.entry(phrase.first_word().into()).or_default().push(place);
        }
        !phrases.is_empty()
    }

    /// Calls `visit` for each rule that can match, in rule order, until it answers `false`.
    pub fn candidates(&self, scope: &Scope<'_>, mut visit: impl FnMut(u32) -> bool) {
        let event = scope.event;
        let mut lists: Vec<&[u32]> = Vec::new();
        self.intents.find(event.intent.as_deref(), &mut lists);
        self.types.find(event.kind.as_deref(), &mut lists);
        if !self.words.is_empty() {
            scope.with_words(|text| self.find_words(text, &mut lists));
        }
        if !self.rest.is_empty() {
            lists.push(&self.rest);
        }
        if let Some(tried) = &self.tried {
            lists.push(std::slice::from_ref(tried));
        }
        if lists.len() > FEW {
            let mut places = lists.concat();
            places.sort_unstable();
            places.dedup();
            places.into_iter().all(visit);
            return;
        }
        // Each list is in rule order, so the least of their heads is next.
        let mut last = None;
        while let Some(place) = lists.iter().filter_map(|list| list.first()).min().copied() {
            for list in &mut lists {
                if let Some((first, rest)) = list.split_first()
                    && *first == place
                {
                    *list = rest;
                }
            }
            // A rule with several patterns may stand twice in one list.
            if last == Some(place) {
                continue;
            }
            last = Some(place);
            if !visit(place) {
                return;
            }
        }
    }
}

impl Index {
    /// Each list once, however often its word stands in the text: a long text must not make the merge slow.
    fn find_words<'i>(&'i self, text: &str, lists: &mut Vec<&'i [u32]>) {
        let words: BTreeSet<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        lists.extend(words.into_iter().filter_map(|word| self.words.get(word)).map(Vec::as_slice));
    }
}

impl Drawer {
    /// Files a rule under each of its patterns; `false` when one of them may begin with anything.
    fn file(&mut self, patterns: &[Pattern], place: u32) -> bool {
        if patterns.is_empty() || patterns.iter().any(|pattern| pattern.prefix().is_empty()) {
            return false;
        }
        for pattern in patterns {
            if let Some(text) = pattern.exact() {
                self.exact.entry(text.into()).or_default().push(place);
                continue;
            }
            self.lengths.insert(pattern.prefix().len());
            self.prefixes.entry(pattern.prefix().into()).or_default().push(place);
        }
        true
    }

    fn find<'i>(&'i self, text: Option<&str>, lists: &mut Vec<&'i [u32]>) {
        let Some(text) = text else { return };
        if let Some(list) = self.exact.get(text) {
            lists.push(list);
        }
        for length in &self.lengths {
            let Some(prefix) = text.get(..*length) else {
                if *length > text.len() {
                    break;
                }
                continue;
            };
            if let Some(list) = self.prefixes.get(prefix) {
                lists.push(list);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::scope;
    use crate::domain::event::Event;
    use crate::domain::name::SourceName;
    use crate::domain::time::Timestamp;
    use crate::rules::{RuleFile, check};

    #[test]
    fn an_event_meets_only_the_rules_that_can_match_however_many_there_are() {
        let rule = |n: u32| {
            let matcher = match n % 4 {
                0 => format!("intent: topic{n}"),
                1 => format!("intent: area{n}.*"),
                2 => format!("type: [action{n}, other{n}.*]"),
                _ => format!("text: {{ contains: [Word{n} too, wórd{n}] }}"),
            };
            format!("  - {{ id: r{n}, match: {{ {matcher} }}, reply: x }}\n")
        };
        let rules: Vec<_> = (0..3_000).map(rule).collect();
        let head = "sources: { bot: { kind: dialogflow-es, auth: [{ bearer: env:T }] } }\nrules:\n";
        let text = format!("{head}{}  - {{ id: all, reply: x }}\n", rules.concat());
        let checked = check(&[RuleFile { path: "many.yaml".to_owned(), text }]);
        let catalog = checked.catalog.expect("a clean set");
        let source = catalog.entry("bot").expect("the source");
        let met = |intent: &'static str, kind: &'static str, text: &'static str| {
            let name = SourceName::parse("bot").expect("a name");
            let event = Event {
                intent: Some(intent.into()),
                kind: Some(kind.into()),
                text: Some(text.into()),
                ..Event::empty(name, Timestamp(0))
            };
            let mut met = Vec::new();
            source.index.candidates(&scope(&catalog, source, &event, None), |place| {
                met.push(place);
                true
            });
            met
        };
        assert_eq!(met("topic300", "x", ""), [300, 3_000]);
        assert_eq!(met("area301.price", "other302.x", "WORD303, 303"), [301, 302, 303, 3_000]);
        assert_eq!(met("nothing", "nothing", "a word of 307"), [3_000]);
    }
}
