//! Regular expressions: searched for in time linear in the text, within bounds of memory.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// What a compiled expression may take, in bytes; counted repetitions (`(a{1000}){1000}`) end here.
const COMPILED: usize = 256 * 1024;
/// What a search may take for its automaton, in bytes.
const SEARCHED: usize = 256 * 1024;
/// How deep groups may nest.
const NESTING: u32 = 32;

/// So much of a text is searched, in bytes. A search takes time in the product of the text's and the expression's sizes:
/// `([a-z]{1,30}){1,30}9` would look at a megabyte for seconds.
pub const MOST_SEARCHED: usize = 32 * 1024;

/// So long a sample of an expression is worth writing.
const LONGEST_SAMPLE: usize = 256;

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub struct Regexp(Regex);

impl Regexp {
    /// Compiles; the error says what is wrong in one line.
    pub fn parse(source: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(source).size_limit(COMPILED).dfa_size_limit(SEARCHED).nest_limit(NESTING).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it would be too large; make its repetitions smaller".to_owned(),
            // The library draws the place on lines of its own and says last what is wrong.
            error => {
                error.to_string().lines().last().unwrap_or("it can't be read").trim_start_matches("error: ").to_owned()
            }
        })
    }

    /// Whether a part of the first [`MOST_SEARCHED`] bytes of `text` fits.
    pub fn is_in(&self, text: &str) -> bool {
        let (searched, _) = text.split_at(text.floor_char_boundary(MOST_SEARCHED));
        self.0.is_match(searched)
    }

    /// A short text that most likely fits: repetitions as few as they may be, of choices the first. It looks at no border of words
    /// and no end of a text, so who needs it to fit asks [`Self::is_in`].
    pub fn sample(&self) -> Option<String> {
        let mut text = Vec::new();
        sample(&regex_syntax::parse(self.source()).ok()?, &mut text)?;
        String::from_utf8(text).ok().filter(|text| !text.is_empty())
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        self.0.as_str()
    }
}

/// Writes what fits a part of an expression; `None` where nothing does or it grows too long. Groups nest no deeper than
/// [`NESTING`].
fn sample(hir: &Hir, to: &mut Vec<u8>) -> Option<()> {
    if to.len() > LONGEST_SAMPLE {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            to.extend_from_slice(&literal.0);
            Some(())
        }
        HirKind::Class(class) => {
            let letter = match class {
                Class::Unicode(class) => {
                    let reads_well = |c: &char| class.iter().any(|range| (range.start()..=range.end()).contains(c));
                    ('a'..='z').chain('0'..='9').find(reads_well).or_else(|| Some(class.iter().next()?.start()))?
                }
                Class::Bytes(class) => char::from(class.iter().next()?.start()),
            };
            to.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            Some(())
        }
        HirKind::Repetition(repetition) => {
            // An optional part is left out, and a part that may be left out or not is there once: `.*` reads as something.
            let times = if repetition.max == Some(1) { repetition.min } else { repetition.min.max(1) };
            (0..times).try_for_each(|_| sample(&repetition.sub, to))
        }
        HirKind::Capture(group) => sample(&group.sub, to),
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| sample(part, to)),
        HirKind::Alternation(ways) => sample(ways.first()?, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_broken_expressions_are_refused_in_one_line() {
        assert!(Regexp::parse("(a{1000}){1000}").expect_err("large").contains("too large"));
        for broken in ["(", "[a", "a{2", "*", r"\p{Nothing}", &"(".repeat(100_000)] {
            let error = Regexp::parse(broken).expect_err("broken");
            assert!(!error.is_empty() && !error.contains('\n'), "{broken}: {error}");
        }
        assert!(Regexp::parse("(?i)precio").expect("well formed").is_in("Los PRECIOS"));
    }

    #[test]
    fn a_hostile_text_costs_time_linear_in_its_length() {
        let regexp = Regexp::parse("(a+)+$").expect("well formed");
        assert!(!regexp.is_in(&format!("{}b", "a".repeat(MOST_SEARCHED - 2))));
    }

    #[test]
    fn of_a_text_that_nobody_says_only_the_beginning_is_searched() {
        let many = "ab ".repeat(400_000);
        let regexp = Regexp::parse("([a-z ]{1,30}){1,30}[^a-z ]").expect("within the bounds");
        let begun = std::time::Instant::now();
        assert!(!regexp.is_in(&many));
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
        let end = Regexp::parse("ñ").expect("well formed");
        assert!(end.is_in(&format!("{}ñ", "x".repeat(MOST_SEARCHED - 2))));
        assert!(!end.is_in(&format!("{}ñ", "x".repeat(MOST_SEARCHED - 1))));
    }
}
