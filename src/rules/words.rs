//! Words, compared without case and accents.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The words of a text in lower case and without accents, each between two spaces: ` que precio tiene `.
///
/// So a phrase is in a text where its own form is a part of the text's.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    folded.push(' ');
    for letter in text.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            folded.push(letter);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded
}

/// A word or several in a row, as `match.text.contains` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    written: Box<str>,
    folded: Box<str>,
}

impl Phrase {
    /// Reads a phrase; `None` where it holds no letter and no digit.
    pub fn parse(written: &str) -> Option<Self> {
        let folded = fold(written);
        (folded.trim() != "").then(|| Self { written: written.into(), folded: folded.into() })
    }

    /// Whether a folded text holds it.
    pub fn is_in(&self, folded: &str) -> bool {
        folded.contains(&*self.folded)
    }

    /// As words are compared, between two spaces.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Its first word, by which it is indexed.
    pub fn first_word(&self) -> &str {
        self.folded.split_whitespace().next().unwrap_or_default()
    }
}

impl std::fmt::Display for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.written)
    }
}

/// In lower case, without accents, words joined by `-`: `Plan Básico 2` is `plan-basico-2`.
pub fn slug(text: &str) -> String {
    fold(text).trim().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found_whatever_their_case_and_accents() {
        let is_in = |phrase: &str, text: &str| Phrase::parse(phrase).expect("a phrase").is_in(&fold(text));
        assert!(is_in("precio", "¿Qué PRECIO tiene?"));
        assert!(is_in("qué precio", "que   Précio"));
        assert!(!is_in("precio", "precios"));
        assert!(!is_in("cost", "el coste"));
        assert!(is_in("価格", "価格 は"));
        assert_eq!(Phrase::parse("¡!"), None);
    }

    #[test]
    fn slugs_hold_letters_digits_and_hyphens() {
        assert_eq!(slug("  Plan Básico — 2 "), "plan-basico-2");
        assert_eq!(slug("ÑANDÚ"), "nandu");
        assert_eq!(slug("…"), "");
    }
}
