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

    /// What remains of changes: each guard sees the contact as the changes before it leave it.
    pub fn remaining(changes: &[Change], tagged: &[(ConnectionName, Vec<TagName>)]) -> Self {
        let mut state: BTreeMap<&str, BTreeSet<&TagName>> =
            tagged.iter().map(|(connection, tags)| (connection.as_str(), tags.iter().collect())).collect();
        let mut remaining = Self::default();
        for change in changes {
            let connection = change.contact.connection.as_str();
            let tags = state.entry(connection).or_default();
            let guard = &change.guard;
            let holds = guard.if_tagged.iter().all(|tag| tags.contains(tag))
                && !guard.unless_tagged.iter().any(|tag| tags.contains(tag));
            if !holds {
                continue;
            }
            let (tag, wants) = (change.effect.tag(), change.effect.wants());
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
