//! Texts with `*` as automata: whether several can fit one text while others don't, and which text that is.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::pick::Pick;
use crate::domain::pattern::Pattern;
use crate::rules::pattern::LanguagePattern;

/// A text fits where it fits any of the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    ways: Vec<Vec<Token>>,
}

/// A part of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// One of two letters, which are mostly the same.
    Letter(char, char),
    /// Any run of letters, also none.
    Run,
}

/// So many steps are looked at before a question is given up.
const MOST_STATES: usize = 4_000;

/// What stands for any run of letters where that is enough.
pub const ANY: &str = "any";

impl Glob {
    /// These texts and patterns, any of them.
    pub fn any_of<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Self {
        Self { ways: patterns.into_iter().map(|pattern| tokens(&pattern.to_string())).collect() }
    }

    /// These texts.
    pub fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { ways: texts.into_iter().map(|text| text.chars().map(letter).collect()).collect() }
    }

    /// Texts that hold this one.
    pub fn containing(part: &str) -> Self {
        let mut way = vec![Token::Run];
        way.extend(part.chars().map(letter));
        way.push(Token::Run);
        Self { ways: vec![way] }
    }

    /// Languages that any of these covers.
    pub fn languages<'p>(languages: impl IntoIterator<Item = &'p LanguagePattern>) -> Self {
        let mut ways = Vec::new();
        for language in languages {
            let way: Vec<Token> = language.to_string().chars().map(in_any_case).collect();
            let mut regions = way.clone();
            regions.extend([Token::Letter('-', '_'), Token::Run]);
            ways.extend([way, regions]);
        }
        Self { ways }
    }

    /// All texts, where there are only so many.
    pub fn finite(&self) -> Option<Vec<String>> {
        let text = |way: &Vec<Token>| {
            way.iter()
                .map(|token| match token {
                    Token::Letter(a, b) if a == b => Some(*a),
                    _ => None,
                })
                .collect::<Option<String>>()
        };
        self.ways.iter().map(text).collect()
    }

    /// Whether a text fits; the empty one never does.
    pub fn holds(&self, text: &str) -> bool {
        let run = Run::new(&[(self, true)]);
        let mut places = run.start();
        for letter in text.chars() {
            places = run.step(&places, letter);
        }
        !text.is_empty() && run.accepts(&places)
    }

    /// Texts that fit and read well: runs replaced by a word.
    pub fn samples(&self) -> impl Iterator<Item = String> + '_ {
        self.ways.iter().map(|way| {
            let mut text = String::new();
            for token in way {
                match token {
                    Token::Letter(letter, _) => text.push(*letter),
                    Token::Run => text.push_str(ANY),
                }
            }
            text
        })
    }
}

fn tokens(written: &str) -> Vec<Token> {
    written.chars().map(|c| if c == '*' { Token::Run } else { letter(c) }).collect()
}

fn letter(c: char) -> Token {
    Token::Letter(c, c)
}

fn in_any_case(c: char) -> Token {
    match c {
        '-' | '_' => Token::Letter('-', '_'),
        c => Token::Letter(c, if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }),
    }
}

/// A text that fits every glob that is marked so, and none of the others; exact within its bound.
pub fn common(globs: &[(&Glob, bool)]) -> Pick<String> {
    let run = Run::new(globs);
    let letters = run.alphabet();
    let start = run.start();
    let mut from: Vec<(usize, char)> = vec![(0, ' ')];
    let mut known: HashMap<Places, usize> = HashMap::from([(start.clone(), 0)]);
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((places, number)) = queue.pop_front() {
        for letter in &letters {
            let next = run.step(&places, *letter);
            if run.accepts(&next) {
                return Pick::One(word(&from, number, *letter));
            }
            if run.is_dead(&next) || known.contains_key(&next) {
                continue;
            }
            if known.len() >= MOST_STATES {
                return Pick::Unknown;
            }
            from.push((number, *letter));
            known.insert(next.clone(), from.len() - 1);
            queue.push_back((next, from.len() - 1));
        }
    }
    Pick::Empty
}

fn word(from: &[(usize, char)], mut at: usize, last: char) -> String {
    let mut letters = vec![last];
    while at > 0
        && let Some((before, letter)) = from.get(at)
    {
        letters.push(*letter);
        at = *before;
    }
    letters.iter().rev().collect()
}

/// The places within all ways at which a reader may be: a bit each.
type Places = Vec<u64>;

/// All ways of all globs side by side.
struct Run {
    /// Every token of every way, each way closed by `None`.
    tokens: Vec<Option<Token>>,
    /// Where each way begins.
    starts: Vec<usize>,
    /// Of each glob the span of its ways in `tokens`, and whether it must fit.
    globs: Vec<(std::ops::Range<usize>, bool)>,
}

impl Run {
    fn new(globs: &[(&Glob, bool)]) -> Self {
        let mut run = Self { tokens: Vec::new(), starts: Vec::new(), globs: Vec::new() };
        for (glob, wanted) in globs {
            let start = run.tokens.len();
            for way in &glob.ways {
                run.starts.push(run.tokens.len());
                run.tokens.extend(way.iter().copied().map(Some));
                run.tokens.push(None);
            }
            run.globs.push((start..run.tokens.len(), *wanted));
        }
        run
    }

    /// The letters that ways name, and one that none does.
    fn alphabet(&self) -> Vec<char> {
        let mut letters = BTreeSet::new();
        for token in self.tokens.iter().flatten() {
            if let Token::Letter(a, b) = token {
                letters.extend([*a, *b]);
            }
        }
        let other = ('a'..='z').chain('0'..='9').chain('À'..='ž').find(|letter| !letters.contains(letter));
        letters.into_iter().chain(other).collect()
    }

    fn start(&self) -> Places {
        let mut places = vec![0; self.tokens.len() / 64 + 1];
        for start in &self.starts {
            self.enter(*start, &mut places);
        }
        places
    }

    /// Marks a place, and those behind runs that may be empty.
    fn enter(&self, mut at: usize, places: &mut Places) {
        loop {
            if let Some(word) = places.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
            match self.tokens.get(at) {
                Some(Some(Token::Run)) => at += 1,
                _ => return,
            }
        }
    }

    fn step(&self, places: &Places, letter: char) -> Places {
        let mut next = vec![0; places.len()];
        for (index, word) in places.iter().enumerate() {
            let mut bits = *word;
            while bits != 0 {
                let at = index * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                match self.tokens.get(at) {
                    Some(Some(Token::Run)) => self.enter(at, &mut next),
                    Some(Some(Token::Letter(a, b))) if *a == letter || *b == letter => self.enter(at + 1, &mut next),
                    _ => {}
                }
            }
        }
        next
    }

    fn accepts(&self, places: &Places) -> bool {
        let is_at = |at: usize| places.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1);
        self.globs.iter().all(|(span, wanted)| {
            span.clone().any(|at| is_at(at) && self.tokens.get(at).is_some_and(Option::is_none)) == *wanted
        })
    }

    /// Whether one that must fit no longer can.
    fn is_dead(&self, places: &Places) -> bool {
        let is_at = |at: usize| places.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1);
        self.globs.iter().any(|(span, wanted)| *wanted && !span.clone().any(is_at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(written: &str) -> Glob {
        Glob::any_of([&Pattern::parse(written)])
    }

    #[test]
    fn what_two_patterns_have_in_common_is_found_or_proven_absent() {
        for (a, b, meet) in [
            ("pricing.*", "*.inquiry", true),
            ("a*b", "a*c", false),
            ("a*a", "a", false),
            ("*ab*", "b*a", true),
            ("*", "x", true),
            ("a*", "b*", false),
        ] {
            let (one, other) = (glob(a), glob(b));
            match common(&[(&one, true), (&other, true)]) {
                Pick::One(text) => assert!(meet && one.holds(&text) && other.holds(&text), "{a} {b} {text}"),
                Pick::Empty => assert!(!meet, "{a} {b}"),
                Pick::Unknown => panic!("{a} {b}: beyond the bound"),
            }
        }
        let (wide, narrow) = (glob("a*"), glob("ab*"));
        assert_eq!(common(&[(&narrow, true), (&wide, false)]), Pick::Empty);
        assert!(matches!(common(&[(&wide, true), (&narrow, false)]), Pick::One(_)));
    }

    #[test]
    fn languages_cover_their_regions_in_any_case() {
        let es = Glob::languages([&LanguagePattern::parse("es")]);
        assert!(es.holds("ES-419") && es.holds("es_mx") && !es.holds("est"));
        assert_eq!(es.finite(), None);
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_pattern_that_rules_use(
            a in "[ab*]{1,5}", b in "[ab*]{1,5}", text in "[abc]{0,6}",
        ) {
            let (one, other) = (Pattern::parse(&a), Pattern::parse(&b));
            prop_assert_eq!(glob(&a).holds(&text), one.fits(&text));
            let both = one.fits(&text) && other.fits(&text);
            let only_one = one.fits(&text) && !other.fits(&text);
            let found = common(&[(&glob(&a), true), (&glob(&b), true)]);
            let found_one = common(&[(&glob(&a), true), (&glob(&b), false)]);
            prop_assert!(!both || found != Pick::Empty, "{a} and {b} fit {text}");
            prop_assert!(!only_one || found_one != Pick::Empty, "{a} and not {b} fit {text}");
            if let Pick::One(found) = found {
                prop_assert!(one.fits(&found) && other.fits(&found), "{a} {b} {found}");
            }
            if let Pick::One(found) = found_one {
                prop_assert!(one.fits(&found) && !other.fits(&found), "{a} {b} {found}");
            }
        }
    }
}
