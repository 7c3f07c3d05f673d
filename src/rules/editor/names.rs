//! Where names are defined and used, and what another name would take.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Guide;
use super::sheet::{Name, Sheet, What};
use crate::domain::name::SourceName;
use crate::rules::keys::Names;
use crate::rules::pattern::Pattern;
use crate::rules::yaml::{Node, scalar};

/// Some bytes of a file.
#[derive(Debug, Clone)]
pub struct Place<'s> {
    /// The file.
    pub sheet: &'s Sheet,
    /// Its bytes.
    pub bytes: Range<usize>,
}

/// What shall stand in some place.
#[derive(Debug, Clone)]
pub struct Edit<'s> {
    /// Where.
    pub place: Place<'s>,
    /// What.
    pub text: String,
}

/// Why a name stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRenamed {
    /// Nothing there has a name that rule files define.
    #[error("only what rule files define has another name for the asking: {0}")]
    NotOurs(&'static str),
    /// The new name isn't one.
    #[error("`{0}` is no name here: a name is {1}")]
    NoName(String, &'static str),
    /// Something else has it.
    #[error("there is another `{0}`")]
    Taken(String),
}

const OURS: &str = "sources, connections, rules, values, conditions, hours and tags";

impl<'s> Guide<'s> {
    /// Every place of a name, with the name as it stands there.
    pub fn places<'g>(&'g self, name: &'g Name) -> impl Iterator<Item = (Place<'s>, &'s Name)> + 'g {
        self.all_names().filter(move |(_, other)| other.is_same(name))
    }

    /// Where it is defined. Of a tag that is the entry of its connection's `tags` that it fits.
    pub fn definitions(&self, name: &Name) -> Vec<Place<'s>> {
        let fits = |other: &Name| match name.names {
            Names::Tag => other.at == name.at && Pattern::parse(&other.text).fits(&name.text),
            _ => other.text == name.text,
        };
        let defined = self.all_names().filter(|(_, other)| other.names == name.names && other.defines && fits(other));
        defined.map(|(place, _)| place).collect()
    }

    /// The names of one kind that stand anywhere in the set; of tags, at this connection.
    pub fn known(&self, names: Names, at: Option<&str>) -> BTreeSet<&'s str> {
        let of = self.all_names().filter(|(_, name)| name.names == names && (at.is_none() || name.at.as_deref() == at));
        of.map(|(_, name)| name.text.as_str()).filter(|text| !text.is_empty()).collect()
    }

    /// Those of them that are defined, in the order of the files.
    pub fn defined(&self, names: Names) -> Vec<&'s str> {
        let defined = self.all_names().filter(|(_, name)| name.names == names && name.defines);
        defined.map(|(_, name)| name.text.as_str()).collect()
    }

    /// What stands under the name where it is defined; a rule whole.
    pub fn definition(&self, names: Names, text: &str) -> Option<&'s Node> {
        let section = match names {
            Names::Source => "sources",
            Names::Connection => "connections",
            Names::Value => "values",
            Names::Condition => "conditions",
            Names::Hours => "hours",
            Names::Rule => {
                let mut rules =
                    self.sheets.iter().copied().filter_map(|sheet| sheet.tree.get("rules")).flat_map(Node::items);
                return rules.find(|rule| rule.get("id").and_then(Node::scalar).as_deref() == Some(text));
            }
            Names::Tag | Names::Intent | Names::Param => return None,
        };
        self.sheets.iter().copied().find_map(|sheet| sheet.tree.get(section)?.get(text))
    }

    /// All names of the set.
    pub fn all_names(&self) -> impl Iterator<Item = (Place<'s>, &'s Name)> {
        self.sheets
            .iter()
            .copied()
            .flat_map(|sheet| sheet.names().map(move |(name, bytes)| (Place { sheet, bytes: bytes.clone() }, name)))
    }

    /// The name at a byte, where it can have another.
    pub fn renamable<'a>(&self, sheet: &'a Sheet, byte: usize) -> Result<(&'a Name, Range<usize>), NotRenamed> {
        match sheet.at(byte).map(|part| (&part.what, &part.bytes)) {
            Some((What::Name(name), bytes)) if !matches!(name.names, Names::Intent | Names::Param) => {
                Ok((name, bytes.clone()))
            }
            _ => Err(NotRenamed::NotOurs(OURS)),
        }
    }

    /// What has to be written for a thing to have another name everywhere.
    pub fn renamed(&self, name: &Name, to: &str) -> Result<Vec<Edit<'s>>, NotRenamed> {
        let no_name = |expected| NotRenamed::NoName(to.to_owned(), expected);
        if name.names == Names::Tag {
            if to.trim() != to || to.is_empty() || to.contains("{{") || scalar(to).is_none() {
                return Err(no_name("a text of one line, without braces"));
            }
        } else if let Err(bad) = SourceName::parse(to) {
            return Err(no_name(bad.expected));
        }
        let wanted = Name { text: to.to_owned(), ..name.clone() };
        // Two tags may become one; of everything else there would be two of one name.
        if name.names != Names::Tag && to != name.text && self.places(&wanted).any(|(_, other)| other.defines) {
            return Err(NotRenamed::Taken(to.to_owned()));
        }
        let is_word = |text: &str| text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_word = is_word(to) && to.chars().all(|c| c.is_alphanumeric() || c == '_');
        let mut edits = Vec::new();
        for (place, used) in self.places(name) {
            if used.dotted && !is_word {
                return Err(no_name("letters, digits and `_` where an expression has it behind a dot"));
            }
            let text = place.sheet.file.text.as_str();
            let before = text.get(..place.bytes.start).and_then(|before| before.chars().next_back());
            let is_quoted = used.dotted || before.is_some_and(|c| matches!(c, '"' | '\''));
            if is_quoted && to.contains(['"', '\'', '\\']) {
                return Err(no_name("one without quotes, where it stands in quotes"));
            }
            let written =
                if is_quoted { to.to_owned() } else { scalar(to).ok_or_else(|| no_name("a text of one line"))? };
            edits.push(Edit { place, text: written });
        }
        Ok(edits)
    }
}
