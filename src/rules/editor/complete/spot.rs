//! What kind of place the cursor is at, in a file that mostly can't be read as it is.
//!
//! A word that nobody writes is put where the cursor is, and the file is read with it: as it is, as if a colon followed, and as if
//! everything behind the cursor were gone. The reader and the table of keys then say where the word has come to stand.

use crate::rules::editor::walk::{self, Around, Named, Visit};
use crate::rules::files::RuleFile;
use crate::rules::finding::Findings;
use crate::rules::keys::{Key, Object, RULE_FILE, Shape, TEST_FILE};
use crate::rules::yaml::{self, Entry, Node};

/// Letters alone: it is a word in YAML and in expressions.
pub const MARK: &str = "qtagrelaycursorq";

/// A place where something may be written.
#[derive(Debug)]
pub enum Spot {
    /// A key of the table, beside these.
    Key(&'static Object, Vec<String>),
    /// A key that is a name, beside these; what stands below it.
    Named(Option<Named>, Vec<String>, Option<&'static Shape>),
    /// A value under a key.
    Value(&'static Shape),
    /// A value that may be a mapping, of which nothing stands there yet.
    Object(&'static Object),
}

/// A place, and what is around it.
#[derive(Debug)]
pub struct Found {
    pub spot: Spot,
    /// What the values here name.
    pub named: Option<Named>,
    /// The connection that it is about.
    pub connection: Option<String>,
    /// The word as it stands there, with the mark.
    pub word: String,
    /// Whether it would be the first key of a mapping.
    pub begins: bool,
}

/// What the cursor is at.
pub fn find(file: &RuleFile, byte: usize) -> Vec<Found> {
    let (Some(before), Some(after)) = (file.text.get(..byte), file.text.get(byte..)) else { return Vec::new() };
    // The rest of the word goes on behind the cursor.
    let rest = after.find(|c: char| !c.is_alphanumeric() && !"_-.".contains(c)).unwrap_or(after.len());
    let (rest, after) = after.split_at(rest);
    let closing = closing(before);
    let line_end = after.find('\n').unwrap_or(after.len());
    let line = after.get(..line_end).unwrap_or_default();
    let tries = [
        format!("{before}{MARK}{rest}{after}"),
        format!("{before}{MARK}{rest}:{after}"),
        format!("{before}{MARK}{rest}{line}{closing}\n"),
        format!("{before}{MARK}{rest}{closing}\n"),
        format!("{before}{MARK}{rest}: ~{closing}\n"),
    ];
    let found = tries.into_iter().map(|text| found_in(RuleFile { path: file.path.clone(), text }));
    found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

fn found_in(file: RuleFile) -> Vec<Found> {
    let holds_tests = file.holds_tests();
    let files = [file];
    let Some(tree) = yaml::read(0, &mut Findings::new(&files)) else { return Vec::new() };
    let mut finder = Finder { found: Vec::new() };
    if let Some(word) = tree.scalar().filter(|word| word.contains(MARK)) {
        let object = if holds_tests { &TEST_FILE } else { &RULE_FILE };
        return vec![Found { spot: Spot::Object(object), named: None, connection: None, word, begins: true }];
    }
    walk::file(holds_tests, &tree, &mut finder);
    // What a value may be comes before what it may be in a longer form.
    finder.found.sort_by_key(|found| found.begins);
    finder.found
}

/// What would close the quotes and brackets that are open at the end of a text.
fn closing(text: &str) -> String {
    let mut open: Vec<char> = Vec::new();
    let mut quote: Option<char> = None;
    let mut before = '\n';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('"'), '\\') => drop(chars.next()),
            (Some(open), c) if open == c => quote = None,
            // Quotes and brackets within a word are parts of it.
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (None, '#') if before.is_whitespace() => while chars.next_if(|c| *c != '\n').is_some() {},
            (None, '{') => open.push('}'),
            (None, '[') => open.push(']'),
            (None, '}' | ']') => drop(open.pop()),
            _ => {}
        }
        before = c;
    }
    quote.into_iter().chain(open.into_iter().rev()).collect()
}

struct Finder {
    found: Vec<Found>,
}

impl Finder {
    fn add(&mut self, spot: Spot, word: &str, begins: bool, around: Around<'_>) {
        let named = around.key.and_then(Named::values_of);
        let connection = around.connection.map(ToOwned::to_owned);
        self.found.push(Found { spot, named, connection, word: word.to_owned(), begins });
    }
}

/// The keys of the mapping but the one that is being written.
fn others(around: Around<'_>) -> Vec<String> {
    let entries = around.mapping.map(Node::entries).unwrap_or_default();
    entries.iter().map(|entry| &entry.key).filter(|key| !key.contains(MARK)).cloned().collect()
}

impl<'t> Visit<'t> for Finder {
    fn key(&mut self, object: &'static Object, _: Option<&'static Key>, entry: &'t Entry, around: Around<'t>) {
        if entry.key.contains(MARK) {
            self.add(Spot::Key(object, others(around)), &entry.key, false, around);
        }
    }

    fn named(&mut self, named: Option<Named>, entry: &'t Entry, around: Around<'t>) {
        if entry.key.contains(MARK) {
            let below = around.key.map(|key| &key.shape).and_then(below);
            self.add(Spot::Named(named, others(around), below), &entry.key, false, around);
        }
    }

    fn either(&mut self, shapes: &'static [Shape], node: &'t Node, around: Around<'t>) {
        let Some(word) = node.scalar().filter(|word| word.contains(MARK)) else { return };
        for shape in shapes {
            if let Shape::Object(object) = shape {
                self.add(Spot::Object(object), &word, true, around);
            }
        }
    }

    fn value(&mut self, shape: &'static Shape, node: &'t Node, around: Around<'t>) {
        let Some(word) = node.scalar().filter(|word| word.contains(MARK)) else { return };
        let spot = match shape {
            Shape::Object(object) => Spot::Object(object),
            Shape::Named(_) | Shape::Mapping(_) | Shape::ByLanguage(_) => {
                Spot::Named(around.key.and_then(Named::keys_of), Vec::new(), below(shape))
            }
            // Where the first item begins is for the author to write; of several shapes each was met.
            Shape::List(_) | Shape::Either(_) => return,
            _ => Spot::Value(shape),
        };
        let begins = !matches!(spot, Spot::Value(..));
        self.add(spot, &word, begins, around);
    }
}

fn below(shape: &'static Shape) -> Option<&'static Shape> {
    match shape {
        Shape::Named(inner) | Shape::Mapping(inner) | Shape::ByLanguage(inner) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_closed_in_turn() {
        assert_eq!(closing("a: { b: [1, \"x"), "\"]}");
        assert_eq!(closing("a: it's # \" [\nb: ["), "]");
        assert_eq!(closing("a: '{' }"), "");
        assert_eq!(closing("a: \"\\\"{{ "), "\"");
    }
}
