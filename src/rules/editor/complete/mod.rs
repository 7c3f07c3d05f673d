//! What may be written at a place.

mod expression;
mod spot;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use super::walk::Named;
use super::{Guide, hover};
use crate::rules::agent;
use crate::rules::files::RuleFile;
use crate::rules::keys::{Key, Names, Need, Object, Shape};
use crate::rules::yaml::{Node, scalar};
use spot::{Found, MARK, Spot};

/// What may be written, and in place of which bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// The word that is there already.
    pub bytes: Range<usize>,
    /// What may stand there.
    pub list: Vec<Offer>,
}

/// One thing that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As it is listed.
    pub label: String,
    /// What it is.
    pub sort: Sort,
    /// In a few words.
    pub detail: String,
    /// In Markdown.
    pub about: String,
    /// What is written; of a skeleton with places to fill in: `${1:words}`.
    pub insert: String,
}

/// What an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A key of the table.
    Key,
    /// A name of the set.
    Name(Names),
    /// A word that a key's value may be.
    Choice,
    /// A word of the language of expressions.
    Word,
    /// Several keys at once.
    Skeleton,
}

/// How the text around the cursor has it written.
struct Layout {
    /// The columns of the word that is being written, where it begins its line; else it is within one.
    indent: Option<usize>,
    /// Within quotes nothing needs any.
    is_quoted: bool,
    /// A colon follows already.
    has_colon: bool,
}

/// What may be written at a byte of a file.
pub fn at(guide: &Guide<'_>, file: &RuleFile, byte: usize) -> Offers {
    let mut offers = Offers { bytes: byte..byte, list: Vec::new() };
    for found in spot::find(file, byte) {
        let (before, after) = found.word.split_once(MARK).unwrap_or_default();
        let expression = match &found.spot {
            Spot::Value(Shape::Condition) => Some(0),
            Spot::Value(Shape::Template | Shape::Anything) => expression::start(before),
            _ => None,
        };
        let in_expression = expression.map(|start| expression::offers(guide, before, start));
        // A value goes whole, of an expression the one word.
        let is_of_word = |c: char| in_expression.is_none() || c.is_alphanumeric() || c == '_';
        let word = in_expression.as_ref().map_or(before.len(), |(word, _)| *word);
        let rest = after.find(|c: char| !is_of_word(c)).unwrap_or(after.len());
        let start = byte.saturating_sub(word);
        // What is folded over several lines has other bytes than its text.
        let is_plain = before.get(before.len() - word..).is_some_and(|word| file.text.get(start..byte) == Some(word));
        if !is_plain || file.text.get(byte..byte + rest).is_none() {
            continue;
        }
        let bytes = start..byte + rest;
        let list = match in_expression {
            Some((_, list)) => list,
            None => Writer { guide, found: &found }.offers(&layout(&file.text, &bytes)),
        };
        // The name that is being written is no news.
        let written = format!("{before}{after}");
        let is_news = |offer: &Offer| !(matches!(offer.sort, Sort::Name(_)) && offer.label == written);
        // A place where nothing is offered has no say in what is replaced.
        if !list.is_empty() {
            offers.bytes = bytes;
        }
        offers.list.extend(list.into_iter().filter(is_news));
    }
    offers
}

fn layout(text: &str, word: &Range<usize>) -> Layout {
    let before = text.get(..word.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let starts = line.chars().all(|c| c == ' ' || c == '-');
    Layout {
        indent: starts.then(|| line.chars().count()),
        is_quoted: before.ends_with(['"', '\'']),
        has_colon: text.get(word.end..).is_some_and(|after| after.trim_start_matches(['"', '\'']).starts_with(':')),
    }
}

struct Writer<'w, 's> {
    guide: &'w Guide<'s>,
    found: &'w Found,
}

impl Writer<'_, '_> {
    fn offers(&self, layout: &Layout) -> Vec<Offer> {
        // A mapping that begins behind its key would have to stand in brackets.
        if self.found.begins && layout.indent.is_none() {
            return Vec::new();
        }
        match &self.found.spot {
            Spot::Key(object, others) => {
                let mut list = keys(object, others, layout);
                if others.is_empty() {
                    list.extend(skeletons(object, layout));
                }
                list
            }
            Spot::Object(object) => {
                let mut list = keys(object, &[], layout);
                list.extend(skeletons(object, layout));
                list
            }
            Spot::Named(named, others, below) => {
                let Some(named) = named.filter(|named| !named.defines) else { return Vec::new() };
                let names = self.names(named).into_iter().filter(|name| !others.contains(name));
                names.filter_map(|name| self.name(named.names, &name, layout, key_end(*below, layout))).collect()
            }
            Spot::Value(shape) => self.values(shape, layout),
        }
    }

    fn values(&self, shape: &Shape, layout: &Layout) -> Vec<Offer> {
        let choice = |word: &str| Offer {
            label: word.to_owned(),
            sort: Sort::Choice,
            detail: String::new(),
            about: String::new(),
            insert: word.to_owned(),
        };
        match shape {
            Shape::OneOf(words) => (words.now)().into_iter().map(choice).collect(),
            Shape::Flag => ["true", "false"].into_iter().map(choice).collect(),
            Shape::DurationOr(word) => vec![choice(word)],
            _ => {
                let Some(named) = self.found.named else { return Vec::new() };
                let names = self.names(named).into_iter();
                names.filter_map(|name| self.name(named.names, &name, layout, String::new())).collect()
            }
        }
    }

    /// The names that may stand here.
    fn names(&self, named: Named) -> BTreeSet<String> {
        let known = self.guide.known(named.names, self.found.connection.as_deref());
        let own: BTreeSet<String> = match named.names {
            Names::Tag | Names::Intent | Names::Param => known.into_iter().map(ToOwned::to_owned).collect(),
            _ => self.guide.defined(named.names).into_iter().map(ToOwned::to_owned).collect(),
        };
        let agents = if named.names == Names::Intent { self.agents() } else { BTreeSet::new() };
        own.into_iter().chain(agents).filter(|name| !name.contains(['*', '{'])).collect()
    }

    /// The intents of the agents that sources name.
    fn agents(&self) -> BTreeSet<String> {
        let sources = self.guide.sheets.iter().filter_map(|sheet| Some((sheet, sheet.tree.get("sources")?)));
        let paths = sources.flat_map(|(sheet, sources)| {
            let folder = Path::new(&sheet.file.path).parent().unwrap_or(Path::new(""));
            let written =
                sources.entries().iter().filter_map(|source| source.value.get("agent").and_then(Node::scalar));
            written.map(|path| folder.join(path)).collect::<Vec<_>>()
        });
        // One that can't be read is a finding.
        paths.filter_map(|path| agent::read(&path).ok()).flat_map(|agent| agent.intents).collect()
    }

    fn name(&self, names: Names, name: &str, layout: &Layout, end: String) -> Option<Offer> {
        let written = if layout.is_quoted { name.to_owned() } else { scalar(name)? };
        if layout.is_quoted && name.contains(['"', '\'', '\\']) {
            return None;
        }
        let detail = hover::detail(self.guide, names, name).unwrap_or_else(|| hover::what(names).to_owned());
        // Behind the closing quote it would be no key's end.
        let end = if layout.is_quoted { String::new() } else { end };
        Some(Offer {
            label: name.to_owned(),
            sort: Sort::Name(names),
            detail,
            about: String::new(),
            insert: format!("{written}{end}"),
        })
    }
}

fn keys(object: &'static Object, others: &[String], layout: &Layout) -> Vec<Offer> {
    let free =
        object.keys.iter().filter(|key| key.need != Need::Later && !others.iter().any(|other| other == key.name));
    free.map(|key: &Key| Offer {
        label: key.name.to_owned(),
        sort: Sort::Key,
        detail: key.about.to_owned(),
        about: hover::key(object, key),
        insert: format!("{}{}", key.name, key_end(Some(&key.shape), layout)),
    })
    .collect()
}

/// What follows a key: a colon, and a line of its own for what is written below it.
fn key_end(below: Option<&Shape>, layout: &Layout) -> String {
    let next = |mark: &str| match layout.indent {
        Some(indent) => format!(":\n{}{mark}", " ".repeat(indent + 2)),
        None => ": ".to_owned(),
    };
    match below {
        _ if layout.has_colon || layout.is_quoted => String::new(),
        Some(Shape::Object(_) | Shape::Named(_) | Shape::Mapping(_)) => next(""),
        Some(Shape::List(Shape::Object(_))) => next("- "),
        _ => ": ".to_owned(),
    }
}

fn skeletons(object: &'static Object, layout: &Layout) -> Vec<Offer> {
    let Some(indent) = layout.indent.filter(|_| !layout.has_colon) else { return Vec::new() };
    let line_end = format!("\n{}", " ".repeat(indent));
    let skeleton = |snippet: &crate::rules::keys::Snippet| Offer {
        label: format!("{}: {}", object.what, snippet.label),
        sort: Sort::Skeleton,
        detail: snippet.about.to_owned(),
        about: String::new(),
        insert: snippet.body.join(&line_end),
    };
    object.snippets.iter().map(skeleton).collect()
}
