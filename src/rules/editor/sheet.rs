//! One file as an editor asks about it: its tree, and every place in it that means something.

use std::ops::Range;

use super::expression::{self, Word};
use super::walk::{self, Around, Named, Visit};
use crate::rules::files::RuleFile;
use crate::rules::finding::{Findings, Span};
use crate::rules::keys::{Key, Names, Object, Shape};
use crate::rules::yaml::{self, Entry, Node};

/// A file that could be read as YAML, whatever else is wrong with it.
#[derive(Debug)]
pub struct Sheet {
    /// The file.
    pub file: RuleFile,
    /// What it says.
    pub tree: Node,
    /// What stands where, in the order of the places.
    pub parts: Vec<Part>,
}

/// A place that means something.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its bytes in the file.
    pub bytes: Range<usize>,
    /// What it is.
    pub what: What,
}

/// What a place is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A key of the table.
    Key(Known),
    /// One of the words that a key's value may be.
    Choice(Known, String),
    /// A name.
    Name(Name),
    /// A word of the language of expressions.
    Word(&'static str),
}

/// A key of the table and the object that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The object.
    pub object: &'static Object,
    /// The key.
    pub key: &'static Key,
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.key, other.key)
    }
}

/// A name that stands somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What it is one of.
    pub names: Names,
    /// Itself.
    pub text: String,
    /// Of a tag, the connection.
    pub at: Option<String>,
    /// The rule that it stands in.
    pub rule: Option<String>,
    /// The key of the table that it stands under.
    pub under: &'static str,
    /// Whether it is defined here.
    pub defines: bool,
    /// Whether it stands in an expression behind a dot, where not every name can stand.
    pub dotted: bool,
}

impl Name {
    /// Whether both are names of one thing. A tag in use may be written with `*`.
    pub fn is_same(&self, other: &Self) -> bool {
        self.names == other.names && self.text == other.text && self.at == other.at
    }
}

impl Sheet {
    /// Reads a file; `None` where it is no YAML.
    pub fn read(file: RuleFile) -> Option<Self> {
        let files = [file];
        let mut findings = Findings::new(&files);
        let tree = yaml::read(0, &mut findings)?;
        let mut collector = Collector { findings: &findings, object: None, parts: Vec::new() };
        walk::file(files.iter().any(RuleFile::holds_tests), &tree, &mut collector);
        let mut parts = collector.parts;
        parts.sort_by_key(|part| (part.bytes.start, part.bytes.end));
        let [file] = files;
        Some(Self { file, tree, parts })
    }

    /// What stands at a byte, or right before it.
    pub fn at(&self, byte: usize) -> Option<&Part> {
        let holds = |part: &&Part| part.bytes.start <= byte && byte <= part.bytes.end;
        // Of two that touch, the one that begins here is meant.
        self.parts.iter().rev().find(holds)
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = (&Name, &Range<usize>)> {
        self.parts.iter().filter_map(|part| match &part.what {
            What::Name(name) => Some((name, &part.bytes)),
            _ => None,
        })
    }
}

struct Collector<'c, 'f> {
    findings: &'c Findings<'f>,
    /// The object of the last known key.
    object: Option<&'static Object>,
    parts: Vec<Part>,
}

impl Collector<'_, '_> {
    fn add(&mut self, span: Span, what: What) {
        self.parts.push(Part { bytes: span.range(), what });
    }

    /// The bytes of a scalar without its quotes.
    fn inner(&self, span: Span, text: &str) -> Span {
        self.findings.part(span, text, &(0..text.len()))
    }

    fn name(&mut self, span: Span, named: Named, text: &str, around: Around<'_>) {
        // `add: [{ name: Hot, for: 7d }]` is one of `add`, as `add: [Hot]` is.
        let is_long_tag = named.names == Names::Tag && around.key.is_some_and(|key| key.name == "name");
        let at = around.connection.filter(|_| named.names == Names::Tag).map(ToOwned::to_owned);
        let name = Name {
            names: named.names,
            text: text.to_owned(),
            at,
            rule: rule_of(around),
            under: around.outer.filter(|_| is_long_tag).or(around.key).map_or("", |key| key.name),
            defines: named.defines,
            dotted: false,
        };
        let span = self.inner(span, text);
        self.add(span, What::Name(name));
    }

    /// What the expressions in a scalar name.
    fn expressions(&mut self, node: &Node, text: &str, words: Vec<(Range<usize>, Word)>, around: Around<'_>) {
        let under = around.key.map_or("", |key| key.name);
        for (bytes, word) in words {
            let span = self.findings.part(node.span, text, &bytes);
            // A part that has no place of its own can't be shown, and mustn't be replaced.
            if span == node.span && bytes != (0..text.len()) {
                continue;
            }
            self.add(
                span,
                match word {
                    Word::Known(word) => What::Word(word),
                    Word::Name { names, text, dotted } => {
                        What::Name(Name { names, text, at: None, rule: rule_of(around), under, defines: false, dotted })
                    }
                },
            );
        }
    }
}

/// The id of the rule that a place is in; sources and tests have none.
fn rule_of(around: Around<'_>) -> Option<String> {
    around.owner.and_then(|owner| owner.get("id")).and_then(Node::scalar)
}

impl<'t> Visit<'t> for Collector<'_, '_> {
    fn key(&mut self, object: &'static Object, key: Option<&'static Key>, entry: &'t Entry, _: Around<'t>) {
        self.object = Some(object);
        if let Some(key) = key {
            let span = self.inner(entry.key_span, &entry.key);
            self.add(span, What::Key(Known { object, key }));
        }
    }

    fn named(&mut self, named: Option<Named>, entry: &'t Entry, around: Around<'t>) {
        if let Some(named) = named {
            self.name(entry.key_span, named, &entry.key, around);
        }
    }

    fn value(&mut self, shape: &'static Shape, node: &'t Node, around: Around<'t>) {
        let (Some(key), Some(text)) = (around.key, node.scalar()) else { return };
        match shape {
            Shape::Condition | Shape::Path => self.expressions(node, &text, expression::words(&text), around),
            Shape::Template | Shape::Anything if text.contains("{{") => {
                self.expressions(node, &text, expression::of_template(&text), around);
                return;
            }
            Shape::OneOf(_) => {
                if let Some(object) = self.object {
                    let span = self.inner(node.span, &text);
                    self.add(span, What::Choice(Known { object, key }, text.clone()));
                }
            }
            _ => {}
        }
        if let Some(named) = Named::values_of(key) {
            self.name(node.span, named, &text, around);
        }
    }
}
