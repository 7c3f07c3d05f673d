//! Texts with `*`: intents, types, tags.

use std::fmt;

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
}
