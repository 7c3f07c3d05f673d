//! What `match` compares with: globs, languages and parameters.

use std::fmt;

pub use crate::domain::pattern::Pattern;
use crate::domain::value::Value;

/// A language that covers its regions, case ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguagePattern(String);

impl LanguagePattern {
    /// Reads `es` or `es-419`.
    pub fn parse(written: &str) -> Self {
        Self(written.to_owned())
    }

    /// How exact it is: `es-419` before `es`.
    pub fn exactness(&self) -> usize {
        self.0.len()
    }

    /// Whether `es-419` is covered.
    pub fn fits(&self, language: &str) -> bool {
        let Some((start, rest)) = language.split_at_checked(self.0.len()) else { return false };
        start.eq_ignore_ascii_case(&self.0) && (rest.is_empty() || rest.starts_with(['-', '_']))
    }
}

impl fmt::Display for LanguagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a parameter may be.
#[derive(Debug, Clone)]
pub enum ParamPattern {
    /// `"*"`: anything that is set.
    Set,
    /// A text with or without `*`.
    Text(Pattern),
    /// A number, `true` or `false`.
    Value(Value<'static>),
}

impl ParamPattern {
    /// Whether a value fits; a list fits by any of its items.
    pub fn fits(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::Unset) => false,
            (Self::Set, _) => true,
            (_, Value::List(items)) => items.iter().any(|item| self.fits(item)),
            (Self::Text(pattern), Value::Text(text)) => pattern.fits(text),
            (Self::Value(wanted), value) => wanted.equals(value),
            (Self::Text(_), _) => false,
        }
    }
}

impl fmt::Display for ParamPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => f.write_str("set"),
            Self::Text(pattern) => write!(f, "{:?}", pattern.to_string()),
            Self::Value(value) => write!(f, "{}", value.to_json()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_covers_its_regions_and_ignores_case() {
        let es = LanguagePattern::parse("es");
        assert!(es.fits("es") && es.fits("es-419") && es.fits("ES-mx"));
        assert!(!es.fits("est") && !es.fits("e") && !es.fits(""));
        assert!(!LanguagePattern::parse("es-419").fits("es"));
    }
}
