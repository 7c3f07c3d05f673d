//! Tags to add and to remove, by connection, as a test compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::domain::change::Change;
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;

/// The last word on each tag at each connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSets(BTreeMap<(String, TagName), bool>);

impl TagSets {
    /// The tag shall (or shall not) be there; an earlier word on it is forgotten.
    pub fn set(&mut self, connection: &str, tag: TagName, wants: bool) {
        self.0.insert((connection.to_owned(), tag), wants);
    }

    /// What remains of changes: a rule's guard sees the contact as the rules before it leave it, and is judged once for all
    /// that the rule does there.
    pub fn remaining(changes: &[Change], tagged: &[(ConnectionName, Vec<TagName>)]) -> Self {
        let mut state: BTreeMap<&str, BTreeSet<&TagName>> =
            tagged.iter().map(|(connection, tags)| (connection.as_str(), tags.iter().collect())).collect();
        let mut remaining = Self::default();
        let mut blocks: BTreeMap<&str, (&Change, bool)> = BTreeMap::new();
        for change in changes {
            let connection = change.contact.connection.as_str();
            let tags = state.entry(connection).or_default();
            let guard = &change.guard;
            let with = blocks.get(connection).filter(|(with, _)| with.rule == change.rule && with.guard == *guard);
            let holds = with.map_or_else(
                || {
                    guard.if_tagged.iter().all(|tag| tags.contains(tag))
                        && !guard.unless_tagged.iter().any(|tag| tags.contains(tag))
                },
                |(_, holds)| *holds,
            );
            blocks.insert(connection, (change, holds));
            if !holds {
                continue;
            }
            let (Some(tag), wants) = (change.effect.tag(), change.effect.wants()) else { continue };
            if wants {
                tags.insert(tag);
            } else {
                tags.remove(tag);
            }
            remaining.set(connection, tag.clone(), wants);
        }
        remaining
    }
}

impl fmt::Display for TagSets {
    /// `crm: add Hot, Lead; remove Cold`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
        for ((connection, tag), wants) in &self.0 {
            let (add, remove) = lines.entry(connection).or_default();
            if *wants { add.push(tag.as_str()) } else { remove.push(tag.as_str()) }
        }
        if lines.is_empty() {
            return f.write_str("nothing");
        }
        for (index, (connection, (add, remove))) in lines.iter().enumerate() {
            let words: Vec<_> = [("add", add), ("remove", remove)]
                .into_iter()
                .filter(|(_, tags)| !tags.is_empty())
                .map(|(word, tags)| format!("{word} {}", tags.join(", ")))
                .collect();
            write!(f, "{}{connection}: {}", if index == 0 { "" } else { " | " }, words.join("; "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Effect, Guard};
    use crate::domain::contact::{Contact, ContactRef};
    use crate::domain::name::RuleId;

    #[test]
    fn a_block_is_judged_once_whatever_it_does_to_the_tags_of_its_guard() {
        let tag = |name| TagName::parse(name).expect("a tag");
        let crm = ConnectionName::parse("crm").expect("a name");
        let change = |rule, effect| Change {
            contact: Contact { connection: crm.clone(), reference: ContactRef::Id("7".to_owned()) },
            effect,
            rule: RuleId::parse(rule).expect("a name"),
            guard: Guard { if_tagged: vec![tag("Cold")], ..Guard::default() },
            terms: None,
        };
        let swap = |rule| [change(rule, Effect::RemoveTag(tag("Cold"))), change(rule, Effect::AddTag(tag(rule)))];
        let changes: Vec<Change> = swap("warm").into_iter().chain(swap("late")).collect();
        let remaining = TagSets::remaining(&changes, &[(crm.clone(), vec![tag("Cold")])]);
        assert_eq!(remaining.to_string(), "crm: add warm; remove Cold");
    }
}
