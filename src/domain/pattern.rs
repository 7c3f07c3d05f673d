//! Texts with `*`: intents, types, tags.

use std::fmt;

/// A text in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    written: Box<str>,
    is_exact: bool,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(written: &str) -> Self {
        Self { written: written.into(), is_exact: !written.contains('*') }
    }

    /// The whole text, where there is no `*`.
    pub fn exact(&self) -> Option<&str> {
        self.is_exact.then_some(&self.written)
    }

    /// What every text that fits begins with.
    pub fn prefix(&self) -> &str {
        self.written.split('*').next().unwrap_or_default()
    }

    /// Whether a text fits. Linear in its length: each part is taken where it stands first.
    pub fn fits(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        if self.is_exact {
            return *self.written == *text;
        }
        let mut parts = self.written.split('*');
        let (Some(first), Some(last)) = (parts.next(), parts.next_back()) else { return false };
        let Some(mut remaining) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else {
            return false;
        };
        for part in parts {
            match remaining.split_once(part) {
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
