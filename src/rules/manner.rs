//! How a connection wants its tags: which there are, which exclude each other, which forbid.

use super::pattern::Pattern;
use crate::domain::change::Terms;
use crate::domain::connection::ConnectionConfig;
use crate::domain::tag::TagName;

/// What a connection says of tags, read once.
#[derive(Debug, Default)]
pub struct Manner {
    /// The tags in use; empty: any.
    known: Vec<Pattern>,
    /// Sets of which a contact has one.
    exclusive: Vec<Vec<Pattern>>,
    /// Any one of these forbids adds and sets.
    unless: Vec<TagName>,
}

impl Manner {
    /// What `config` says.
    pub fn of(config: &ConnectionConfig) -> Self {
        let patterns = |list: &[String]| list.iter().map(|written| Pattern::parse(written)).collect();
        Self {
            known: patterns(&config.tags),
            exclusive: config.exclusive.iter().map(|set| patterns(set)).collect(),
            unless: config.unless_tagged.clone(),
        }
    }

    /// Whether a tag is in use here.
    pub fn knows(&self, tag: &str) -> bool {
        self.known.is_empty() || self.known.iter().any(|pattern| pattern.fits(tag))
    }

    /// Whether adding `tag` takes others away.
    pub fn excludes(&self, tag: &TagName) -> bool {
        self.exclusive.iter().flatten().any(|pattern| pattern.fits(tag.as_str()))
    }

    /// Whether adding the second tag takes the first away.
    pub fn exclude_each_other(&self, first: &str, second: &str) -> bool {
        let has = |set: &[Pattern], tag: &str| set.iter().any(|pattern| pattern.fits(tag));
        self.exclusive.iter().any(|set| has(set, first) && has(set, second))
    }

    /// The terms of adding `tag`, those of its rule included.
    pub fn of_add(&self, tag: &TagName, own: Terms) -> Option<Box<Terms>> {
        let sets = self.exclusive.iter().filter(|set| set.iter().any(|pattern| pattern.fits(tag.as_str())));
        let exclusive = sets.flatten().map(ToString::to_string).collect();
        Terms { unless: self.unless.clone(), exclusive, refused: self.refused(tag), ..own }.boxed()
    }

    /// The terms of removing `tag`.
    pub fn of_remove(&self, tag: &TagName, own: Terms) -> Option<Box<Terms>> {
        Terms { refused: self.refused(tag), ..own }.boxed()
    }

    /// The terms of setting a field.
    pub fn of_set(&self, own: Terms) -> Option<Box<Terms>> {
        Terms { unless: self.unless.clone(), ..own }.boxed()
    }

    fn refused(&self, tag: &TagName) -> Option<String> {
        (!self.knows(tag.as_str())).then(|| "the connection's `tags` don't list this tag".to_owned())
    }
}
