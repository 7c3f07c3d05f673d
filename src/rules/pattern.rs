//! What `match` compares with: globs, languages and parameters.

use std::fmt;

use crate::domain::value::Value;

/// A text in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    /// What stands between the `*`; one part alone means an exact text.
    parts: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(written: &str) -> Self {
        Self { written: written.to_owned(), parts: written.split('*').map(str::to_owned).collect() }
    }

    /// The whole text, where there is no `*`.
    pub fn exact(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What every text that fits begins with.
    pub fn prefix(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// Whether a text fits. Linear in its length: each part is taken where it stands first.
    pub fn fits(&self, text: &str) -> bool {
        let (Some((first, rest)), true) = (self.parts.split_first(), !text.is_empty()) else { return false };
        let Some((last, middle)) = rest.split_last() else { return first == text };
        let Some(mut remaining) = text.strip_prefix(first.as_str()).and_then(|r| r.strip_suffix(last.as_str())) else {
            return false;
        };
        for part in middle {
            match remaining.split_once(part.as_str()) {
                Some((_, after)) => remaining = after,
                None => return false,
            }
        }
        true
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

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
            Self::Text(pattern) => write!(f, "{:?}", pattern.written),
            Self::Value(value) => write!(f, "{}", value.to_json()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("pricing.*", "pricing.inquiry", true),
            ("pricing.*", "pricing.", true),
            ("pricing.*", "pricing", false),
            ("*.inquiry", "pricing.inquiry", true),
            ("p*g.*y", "pricing.inquiry", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "abc", false),
            ("*", "x", true),
            ("*", "", false),
            ("**", "x", true),
            ("Pricing", "pricing", false),
            ("ñ*é", "ñandú é", true),
        ] {
            assert_eq!(Pattern::parse(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_language_covers_its_regions_and_ignores_case() {
        let es = LanguagePattern::parse("es");
        assert!(es.fits("es") && es.fits("es-419") && es.fits("ES-mx"));
        assert!(!es.fits("est") && !es.fits("e") && !es.fits(""));
        assert!(!LanguagePattern::parse("es-419").fits("es"));
    }
}
