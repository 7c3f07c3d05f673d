//! The words in which the table of keys is written.

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// A text with `{{ }}` in it.
    Template,
    /// An expression that is true or false.
    Condition,
    /// `true` or `false`.
    Flag,
    /// A whole number in these bounds.
    Count(u64, u64),
    /// A number in these bounds.
    Number(f64, f64),
    /// `500ms`, `10s`, `5m`, `24h`, `7d`
    Duration,
    /// A duration, or this word.
    DurationOr(&'static str),
    /// `100/min`
    Rate,
    /// `env:NAME`, `file:PATH` or a literal.
    Secret,
    /// A text that may lie where secrets do: `env:NAME`, `file:PATH` or the text itself.
    Setting,
    /// A secret that is an address: `env:NAME`, `file:PATH`, or the address itself.
    SecretUrl,
    /// `https://...`
    Url,
    /// RFC 3339.
    Time,
    /// A name.
    Name,
    /// A text, a number, `true` or `false`.
    Scalar,
    /// Whatever JSON can say.
    Anything,
    /// Nothing at all: `reply:` with nothing after it.
    Nothing,
    /// One of some words.
    OneOf(Words),
    /// A mapping of known keys.
    Object(&'static Object),
    /// A mapping of names to values.
    Named(&'static Shape),
    /// A mapping of any keys to values.
    Mapping(&'static Shape),
    /// A mapping of languages, and `default`, to values.
    ByLanguage(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// One value, or a list of at least one.
    OneOrMany(&'static Shape),
    /// The first of these whose kind fits.
    Either(&'static [Shape]),
    /// `body.leads`: a way into a body.
    Path,
    /// A regular expression.
    Regex,
    /// `09:00-18:00`
    Hours,
    /// `2026-12-25`
    Date,
    /// `es`, `es-MX`
    Language,
    /// `America/Bogota`
    Zone,
    /// `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`
    Network,
}

/// Words to choose from.
#[derive(Debug)]
pub struct Words {
    /// What can be chosen.
    pub now: fn() -> Vec<&'static str>,
    /// What the contract defines and this version can't do.
    pub later: &'static [&'static str],
}

/// A mapping of known keys.
#[derive(Debug)]
pub struct Object {
    /// With its article: `a rule`.
    pub what: &'static str,
    /// Its keys, in the order in which they are best written.
    pub keys: &'static [Key],
    /// What an editor can write of it in one go.
    pub snippets: &'static [Snippet],
}

/// A skeleton with tab stops, for editors: with their defaults in place it checks clean.
#[derive(Debug)]
pub struct Snippet {
    /// What an editor lists it as.
    pub label: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// Lines of YAML; `${2:words}` is the second place to fill in. The first is the name's, where it stands under one.
    pub body: &'static [&'static str],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What may stand under it.
    pub shape: Shape,
    /// Whether it must be there.
    pub need: Need,
    /// What it means, in one sentence.
    pub about: &'static str,
    /// An example as YAML: the key with a value, and its neighbours where it needs them.
    pub example: &'static str,
    /// What its values name: something that is defined elsewhere.
    pub names: Option<Names>,
    /// What the keys of the mapping below it name.
    pub keyed_by: Option<Names>,
    /// What is defined by the keys of the mapping below it, or by its values where there is none.
    pub defines: Option<Names>,
}

/// What a name is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// `sources:`
    Source,
    /// `connections:`
    Connection,
    /// `rules:`, by their ids.
    Rule,
    /// `values:`
    Value,
    /// `conditions:`
    Condition,
    /// `hours:`
    Hours,
    /// A tag at one connection, which may list those in use.
    Tag,
    /// What a person meant. The platform defines it.
    Intent,
    /// A parameter. The platform defines it; a source may say what it means.
    Param,
}

/// Whether a key must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Required,
    /// It may.
    Optional,
    /// It may in a later version.
    Later,
}

impl Key {
    /// A key that may be there.
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, need: Need::Optional, about, example: "", names: None, keyed_by: None, defines: None }
    }

    /// A key that the contract defines and this version can't do.
    pub const fn later(name: &'static str, about: &'static str) -> Self {
        Self { need: Need::Later, ..Self::new(name, Shape::Anything, about) }
    }

    /// The same key, and it must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { need: Need::Required, ..self }
    }

    /// The same key with an example.
    #[must_use]
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    /// The same key, whose values name these.
    #[must_use]
    pub const fn names(self, names: Names) -> Self {
        Self { names: Some(names), ..self }
    }

    /// The same key, with a mapping below it whose keys name these.
    #[must_use]
    pub const fn keyed_by(self, names: Names) -> Self {
        Self { keyed_by: Some(names), ..self }
    }

    /// The same key, which defines these.
    #[must_use]
    pub const fn defines(self, names: Names) -> Self {
        Self { defines: Some(names), ..self }
    }
}

impl Object {
    /// The key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key>
    where
        Self: 'static,
    {
        self.keys.iter().find(|key| key.name == name)
    }
}
