//! Tags to add and to remove, by connection, as a test compares them.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::tag::TagName;

/// The last word on each tag at each connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSets(BTreeMap<(String, TagName), bool>);

impl TagSets {
    /// Whether a tag shall be there at a connection, if that is said.
    pub fn wants(&self, connection: &str, tag: &TagName) -> Option<bool> {
        self.0.get(&(connection.to_owned(), tag.clone())).copied()
    }

    /// The tag shall (or shall not) be there; an earlier word on it is forgotten.
    pub fn set(&mut self, connection: &str, tag: TagName, wants: bool) {
        self.0.insert((connection.to_owned(), tag), wants);
    }

    /// What is to be added and removed, by connection.
    pub fn lists(&self) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
        let mut lists: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
        for ((connection, tag), wants) in &self.0 {
            let (add, remove) = lists.entry(connection.clone()).or_default();
            if *wants { add.push(tag.to_string()) } else { remove.push(tag.to_string()) }
        }
        lists
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
