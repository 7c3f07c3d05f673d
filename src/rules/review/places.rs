//! Where in the files something stands. A rule keeps no places but its line, so its file is read again where there is something
//! to tell.

use std::collections::HashMap;

use crate::rules::files::RuleFile;
use crate::rules::finding::{Findings, Span};
use crate::rules::model::Rule;
use crate::rules::yaml::{self, Node};

/// Trees of files, read when they are asked for.
pub struct Places<'f> {
    files: &'f [RuleFile],
    /// The files are clean, so this stays empty.
    scratch: Findings<'f>,
    trees: HashMap<usize, Option<Node>>,
    /// The file and the place among its rules of each rule.
    rules: HashMap<String, (usize, usize)>,
}

impl<'f> Places<'f> {
    pub fn new(files: &'f [RuleFile]) -> Self {
        Self { files, scratch: Findings::new(files), trees: HashMap::new(), rules: HashMap::new() }
    }

    /// What stands under keys of a rule, one after the other; the rule itself without any.
    pub fn of(&mut self, rule: &Rule, keys: &[&str]) -> Option<&Node> {
        let file = self.files.iter().position(|file| *file.path == *rule.file)?;
        self.read(file);
        let (file, index) = *self.rules.get(rule.id.as_str())?;
        let mut node = self.trees.get(&file)?.as_ref()?.get("rules")?.items().get(index)?;
        for key in keys {
            node = node.get(key)?;
        }
        Some(node)
    }

    /// Where a rule's id stands.
    pub fn id(&mut self, rule: &Rule) -> Span {
        self.of(rule, &["id"]).map(|node| node.span).unwrap_or_default()
    }

    /// Where a key of a rule stands, below others.
    pub fn key(&mut self, rule: &Rule, above: &[&str], key: &str) -> Option<Span> {
        let entries = self.of(rule, above)?.entries();
        entries.iter().find(|entry| entry.key == key).map(|entry| entry.key_span)
    }

    /// Where an item of a list of a rule stands, or the one value in the place of a list.
    pub fn item(&mut self, rule: &Rule, keys: &[&str], index: usize) -> Option<Span> {
        self.of(rule, keys)?.one_or_many().get(index).map(|node| node.span)
    }

    /// Where a named condition is defined.
    pub fn condition(&mut self, name: &str) -> Option<&Node> {
        let file = (0..self.files.len()).find(|file| {
            self.read(*file);
            self.tree(*file).and_then(|tree| tree.get("conditions")?.get(name)).is_some()
        })?;
        self.tree(file)?.get("conditions")?.get(name)
    }

    fn tree(&self, file: usize) -> Option<&Node> {
        self.trees.get(&file)?.as_ref()
    }

    fn read(&mut self, file: usize) {
        if self.trees.contains_key(&file) {
            return;
        }
        let tree = yaml::read(file, &mut self.scratch);
        let rules = tree.as_ref().and_then(|tree| tree.get("rules")).map(Node::items).unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            if let Some(id) = rule.get("id").and_then(Node::scalar) {
                self.rules.insert(id, (file, index));
            }
        }
        self.trees.insert(file, tree);
    }
}
