//! What `match` compares with: globs, languages and parameters.

use std::fmt;

pub use crate::domain::pattern::Pattern;
use crate::domain::value::Value;

/// A language that covers its regions, case ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguagePattern(Box<str>);

impl LanguagePattern {
    /// Reads `es` or `es-419`.
    pub fn parse(written: &str) -> Self {
        Self(written.into())
    }

    /// How exact it is: `es-419` before `es`.
    pub fn exactness(&self) -> usize {
        self.0.len()
    }

    /// Whether `es-419` is covered; `es_419` is the same.
    pub fn fits(&self, language: &str) -> bool {
        let Some((start, rest)) = language.split_at_checked(self.0.len()) else { return false };
        let like = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || matches!((a, b), (b'-' | b'_', b'-' | b'_'));
        start.bytes().zip(self.0.bytes()).all(|(a, b)| like(a, b)) && (rest.is_empty() || rest.starts_with(['-', '_']))
    }

    /// Whether it is written as languages are: `es`, `pt-BR`, `zh-Hant-TW` (RFC 5646: a word of two or three letters, then
    /// words of at most eight).
    pub fn is_language(written: &str) -> bool {
        let mut words = written.split(['-', '_']);
        let first = words.next().unwrap_or_default();
        (2..=3).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_alphabetic())
            && words.all(|word| (1..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
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
        assert!(LanguagePattern::parse("es_MX").fits("es-mx") && LanguagePattern::parse("es-MX").fits("es_MX"));
        for (written, is) in [
            ("es", true),
            ("pt-BR", true),
            ("fil", true),
            ("zh-Hant-TW", true),
            ("Spanish", false),
            ("*", false),
            ("es-*", false),
            ("", false),
        ] {
            assert_eq!(LanguagePattern::is_language(written), is, "{written}");
        }
    }
}
