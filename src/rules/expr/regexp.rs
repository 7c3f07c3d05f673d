//! Regular expressions: searched for in time linear in the text, within bounds of memory.

use regex::{Regex, RegexBuilder};

/// What a compiled expression may take, in bytes; counted repetitions (`(a{1000}){1000}`) end here.
const COMPILED: usize = 256 * 1024;
/// What a search may take for its automaton, in bytes.
const SEARCHED: usize = 256 * 1024;
/// How deep groups may nest.
const NESTING: u32 = 32;

/// So much of a text is searched, in bytes. A search takes time in the product of the text's and the expression's sizes:
/// `([a-z]{1,30}){1,30}9` would look at a megabyte for seconds.
pub const MOST_SEARCHED: usize = 32 * 1024;

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

    /// As it was written.
    pub fn source(&self) -> &str {
        self.0.as_str()
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
