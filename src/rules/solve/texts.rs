//! Sets of texts: some, or all that pass tests.

use std::rc::Rc;

use super::glob::{self, ANY, Glob};
use super::pick::Pick;
use crate::rules::expr::regexp::Regexp;
use crate::rules::params;
use crate::rules::words::{Phrase, fold};

/// So many samples behind one another are tried.
const MOST_PAIRS: usize = 100;

/// Something that a text may pass.
#[derive(Debug, Clone)]
pub enum Test {
    /// It fits.
    Glob(Rc<Glob>),
    /// It holds one of these, as words are compared.
    Words(Rc<[Phrase]>),
    /// A part of it fits one of these.
    Regexp(Rc<[Regexp]>),
    /// It comes before this one.
    Before(Rc<str>),
    /// It doesn't come after this one.
    UpTo(Rc<str>),
}

impl Test {
    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.holds(text),
            Self::Words(phrases) => {
                let folded = fold(text);
                phrases.iter().any(|phrase| phrase.is_in(&folded))
            }
            Self::Regexp(all) => all.iter().any(|regexp| regexp.is_in(text)),
            Self::Before(end) => text < &**end,
            Self::UpTo(end) => text <= &**end,
        }
    }
}

/// Texts that pass every test, or fail it where it must be failed.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// Where there are only a few.
    only: Option<Rc<[String]>>,
    tests: Vec<(Test, bool)>,
}

impl Texts {
    /// These alone.
    pub fn only(texts: impl IntoIterator<Item = String>) -> Self {
        Self { only: Some(texts.into_iter().collect()), tests: Vec::new() }
    }

    /// Those that pass a test, or those that don't.
    pub fn that(test: Test, passed: bool) -> Self {
        match &test {
            Test::Glob(glob) if passed => {
                glob.finite().map_or_else(|| Self { only: None, tests: vec![(test, true)] }, Self::only)
            }
            _ => Self { only: None, tests: vec![(test, passed)] },
        }
    }

    /// Those that are in both.
    pub fn meet(&self, other: &Self) -> Self {
        match (&self.only, &other.only) {
            (Some(only), _) => Self::only(only.iter().filter(|text| other.holds(text)).cloned()),
            (None, Some(only)) => Self::only(only.iter().filter(|text| self.holds(text)).cloned()),
            (None, None) => Self { only: None, tests: self.tests.iter().chain(&other.tests).cloned().collect() },
        }
    }

    /// Whether a text is in it; the empty one is unset, and so in none.
    pub fn holds(&self, text: &str) -> bool {
        !text.is_empty()
            && self.only.as_ref().is_none_or(|only| only.iter().any(|known| known == text))
            && self.tests.iter().all(|(test, passed)| test.passes(text) == *passed)
    }

    /// One of them. Exact for patterns alone, for words alone and for a few texts; else by trying.
    pub fn pick(&self) -> Pick<String> {
        if let Some(only) = &self.only {
            return only.iter().find(|text| self.holds(text)).map_or(Pick::Empty, |text| Pick::One(text.clone()));
        }
        let (by_pattern, by_words) = (self.by_pattern(), self.by_words());
        if by_pattern == Pick::Empty || by_words == Pick::Empty || self.is_out_of_order() {
            return Pick::Empty;
        }
        let mut tries: Vec<String> = self.samples();
        tries.extend([by_pattern, by_words].into_iter().filter_map(|pick| match pick {
            Pick::One(text) => Some(text),
            _ => None,
        }));
        let pairs = tries.iter().flat_map(|one| tries.iter().map(move |other| format!("{one}{other}")));
        let mut all = tries.iter().cloned().chain([tries.join(" ")]).chain(pairs.take(MOST_PAIRS));
        all.find(|text| self.holds(text)).map_or(Pick::Unknown, Pick::One)
    }

    /// The texts that it begins or ends at.
    pub fn ends(&self) -> impl Iterator<Item = String> + '_ {
        self.tests.iter().filter_map(|(test, _)| match test {
            Test::Before(end) | Test::UpTo(end) => Some(end.to_string()),
            _ => None,
        })
    }

    fn by_pattern(&self) -> Pick<String> {
        let globs: Vec<(&Glob, bool)> = self
            .tests
            .iter()
            .filter_map(|(test, passed)| match test {
                Test::Glob(glob) => Some((glob.as_ref(), *passed)),
                _ => None,
            })
            .collect();
        if globs.is_empty() { Pick::One(ANY.to_owned()) } else { glob::common(&globs) }
    }

    /// A phrase of each list that must be there, held apart by a word of its own. A phrase that mustn't be there is in that text
    /// exactly where it is in one of the chosen ones, and then it is in every text that holds that one.
    fn by_words(&self) -> Pick<String> {
        let lists = |wanted: bool| {
            self.tests.iter().filter_map(move |(test, passed)| match test {
                Test::Words(phrases) if *passed == wanted => Some(phrases),
                _ => None,
            })
        };
        let may =
            |phrase: &&Phrase| !lists(false).flat_map(|list| list.iter()).any(|other| other.is_in(phrase.folded()));
        let chosen: Option<Vec<_>> = lists(true).map(|list| list.iter().find(may)).collect();
        let Some(chosen) = chosen else { return Pick::Empty };
        let words: Vec<&str> = chosen.into_iter().map(|phrase| phrase.folded().trim()).collect();
        Pick::One(if words.is_empty() { ANY.to_owned() } else { words.join(" - xyz - ") })
    }

    /// Whether it has to come after a text that it has to come before.
    fn is_out_of_order(&self) -> bool {
        let mut low: Option<(&str, bool)> = None;
        let mut high: Option<(&str, bool)> = None;
        for (test, passed) in &self.tests {
            let (end, closed) = match test {
                Test::Before(end) => (&**end, !passed),
                Test::UpTo(end) => (&**end, *passed),
                _ => continue,
            };
            if *passed {
                high = Some(high.map_or((end, closed), |old| old.min((end, closed))));
            } else {
                // Of two that begin at one text, the open one is narrower.
                low = Some(low.map_or((end, closed), |old| match old.0.cmp(end) {
                    std::cmp::Ordering::Less => (end, closed),
                    std::cmp::Ordering::Equal => (end, closed && old.1),
                    std::cmp::Ordering::Greater => old,
                }));
            }
        }
        let (Some(low), Some(high)) = (low, high) else { return false };
        low.0 > high.0 || low.0 == high.0 && !(low.1 && high.1)
    }

    /// Texts that read well and may be in it.
    fn samples(&self) -> Vec<String> {
        let mut samples = vec![ANY.to_owned()];
        for (test, passed) in &self.tests {
            match test {
                Test::Glob(glob) if *passed => samples.extend(glob.samples()),
                Test::Words(phrases) if *passed => {
                    samples.extend(phrases.iter().map(|phrase| phrase.folded().trim().to_owned()));
                }
                Test::Before(end) | Test::UpTo(end) => {
                    let shorter = end.char_indices().next_back().map(|(at, _)| end.split_at(at).0.to_owned());
                    // Times are ordered as texts, and an example of one must be one.
                    let times = params::time(end)
                        .into_iter()
                        .flat_map(|at| [-1_000, 1_000].map(|by| at.plus_millis(by).to_string()));
                    samples.extend(times.chain([end.to_string(), format!("{end}0")]).chain(shorter));
                }
                Test::Regexp(all) if *passed => {
                    for sample in all.iter().filter_map(Regexp::sample) {
                        let longer = [format!("{sample}{ANY}"), format!("{ANY} {sample}")];
                        samples.extend([sample].into_iter().chain(longer));
                    }
                }
                Test::Glob(_) | Test::Words(_) | Test::Regexp(_) => {}
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pattern::Pattern;

    fn glob(written: &str, passed: bool) -> Texts {
        Texts::that(Test::Glob(Rc::new(Glob::any_of([&Pattern::parse(written)]))), passed)
    }

    fn words(list: &[&str], passed: bool) -> Texts {
        Texts::that(Test::Words(list.iter().filter_map(|word| Phrase::parse(word)).collect()), passed)
    }

    fn regexp(source: &str, passed: bool) -> Texts {
        Texts::that(Test::Regexp([Regexp::parse(source).expect("well formed")].into()), passed)
    }

    #[test]
    fn a_text_is_found_that_passes_all_tests_or_none_is_proven() {
        let before = |end: &str, passed| Texts::that(Test::Before(end.into()), passed);
        for (texts, is_empty) in [
            (glob("a*", true).meet(&glob("*b", true)), false),
            (glob("ab", true).meet(&glob("a*", false)), true),
            (words(&["precio", "coste"], true).meet(&words(&["precio"], false)), false),
            (words(&["el precio"], true).meet(&words(&["precio"], false)), true),
            (words(&["a b"], true).meet(&words(&["c d"], true)).meet(&words(&["b c"], false)), false),
            (regexp("^\\+57[0-9]{3,}$", true), false),
            (regexp("(?i)pre(cio|ço)s?", true).meet(&words(&["hoy"], true)), false),
            (before("b", true).meet(&before("b", false)), true),
            (before("2026-06-01", true).meet(&before("2026-05-01", false)), false),
            (Texts::only(["a".to_owned()]).meet(&regexp("b", true)), true),
        ] {
            match texts.pick() {
                Pick::One(text) => assert!(!is_empty && texts.holds(&text), "{texts:?} {text}"),
                Pick::Empty => assert!(is_empty, "{texts:?}"),
                Pick::Unknown => panic!("{texts:?}"),
            }
        }
    }
}
