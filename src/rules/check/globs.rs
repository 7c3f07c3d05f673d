//! Signs of regular expressions in patterns, where only `*` has a meaning.

use super::desk::Desk;
use crate::rules::codes::Code;
use crate::rules::yaml::{Node, quoted, scalar};

/// What a pattern is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Names that people give in an agent: they hold no `|`.
    Names,
    /// Any text.
    Texts,
}

/// Tells of a pattern that was meant as a regular expression.
pub fn look(text: &str, of: Of, node: &Node, desk: &mut Desk<'_>) {
    let Some(habit) = habit(text, of) else { return };
    let message = format!("`{}` in a pattern is just {}; only `*` has a meaning", habit.signs, habit.letters);
    let meant = mended(text);
    let told = desk.findings.add(Code::RegexHabit, node.span, message);
    match quoted(&meant).filter(|_| meant != text && !meant.is_empty()) {
        Some(written) => {
            told.help(format!("the whole text is compared, and `*` stands for anything: `{meant}`")).fix(written)
        }
        None => match choices(text) {
            Some(choices) => told.help(format!("any one of a list must fit: `[{}]`", choices.join(", "))),
            None => told.help("write what stands in the text itself, with `*` for whatever may stand there"),
        },
    };
}

/// Tells of a word in `contains` that was meant as a pattern or a regular expression: only letters and digits count there.
pub fn look_at_words(text: &str, node: &Node, desk: &mut Desk<'_>) {
    // In the middle of a word it may be one that is written so.
    let is_ending = |word: &str| word.strip_suffix('*').is_some_and(|word| word.ends_with(char::is_alphabetic));
    let is_beginning = |word: &str| word.strip_prefix('*').is_some_and(|word| word.starts_with(char::is_alphabetic));
    let is_star = text.split_whitespace().any(|word| is_ending(word) || is_beginning(word));
    let sign = match () {
        () if is_star => "*",
        () if text.len() > 1 && text.starts_with('^') => "^",
        () if is_choice(text) => "|",
        () => return,
    };
    desk.findings
        .add(Code::RegexHabit, node.span, format!("`{sign}` has no meaning in `contains`, which compares whole words"))
        .help("name each form of the word in a list, or write `regex` in place of `contains`");
}

/// What gives a habit away.
struct Habit {
    signs: &'static str,
    letters: &'static str,
}

fn habit(text: &str, of: Of) -> Option<Habit> {
    let found = |signs, letters| Some(Habit { signs, letters });
    match () {
        () if text.len() > 1 && text.starts_with('^') => found("^", "this sign"),
        () if text.len() > 1 && text.ends_with('$') => found("$", "this sign"),
        () if text.starts_with(".*") => found(".*", "a dot and any text"),
        () if text.contains("\\.") => found("\\.", "these two signs"),
        () if of == Of::Names && is_choice(text) => found("|", "this sign"),
        () => None,
    }
}

/// The patterns that a regular expression of several comes to, `a|b` or one with a single `(a|b)` in it; `None` where it
/// has more signs than that.
fn choices(text: &str) -> Option<Vec<String>> {
    let (before, inner, after) = match text.split_once('(') {
        Some((before, rest)) => rest.split_once(')').map(|(inner, after)| (before, inner, after))?,
        None => ("", text, ""),
    };
    let inner = inner.strip_prefix("?:").unwrap_or(inner);
    let patterns: Vec<_> = inner.split('|').map(|part| mended(&format!("{before}{part}{after}"))).collect();
    let is_plain = |pattern: &String| !pattern.is_empty() && !pattern.contains(SIGNS);
    if patterns.len() < 2 || !patterns.iter().all(is_plain) {
        return None;
    }
    patterns.iter().map(|pattern| scalar(pattern)).collect()
}

/// What no pattern has, and a regular expression may.
const SIGNS: [char; 10] = ['|', '(', ')', '[', ']', '+', '?', '^', '$', '\\'];

/// `a|b`, and not a name in which a `|` stands alone between spaces.
fn is_choice(text: &str) -> bool {
    text.split('|').count() > 1 && text.split('|').all(|part| !part.is_empty() && part.trim() == part)
}

/// The same as a pattern, where that is certain: a regular expression that isn't tied to an end goes on there, and a pattern
/// is the whole text. With a sign that no pattern has, `.*` is one of a regular expression too; alone it may well be a dot
/// before a `*`, as in `pricing.*`.
fn mended(text: &str) -> String {
    let (begins, anchored) = text.strip_prefix('^').map_or((false, text), |rest| (true, rest));
    let (ends, bare) = anchored.strip_suffix('$').map_or((false, anchored), |rest| (true, rest));
    if bare.contains(['|', '(', '[', '+', '?']) {
        return text.to_owned();
    }
    let unescaped = bare.replace("\\.", "\0");
    let is_regex = begins || ends || unescaped != bare;
    let mut starred = match unescaped.strip_prefix(".*") {
        Some(rest) => format!("*{}", rest.replace(".*", "*")),
        None if is_regex => unescaped.replace(".*", "*"),
        None => unescaped,
    };
    if begins && !ends && !starred.ends_with('*') {
        starred.push('*');
    }
    if ends && !begins && !starred.starts_with('*') {
        starred.insert(0, '*');
    }
    starred.replace('\0', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_are_known_by_what_no_pattern_has() {
        for text in ["^pricing", "pricing$", ".*pricing", "pricing\\.inquiry", "a|b", "pricing|quote.*"] {
            assert!(habit(text, Of::Names).is_some(), "{text}");
        }
        for text in ["pricing.*", "*", "Pricing | all", "$", "^", "5$ off", "a || b", "|a"] {
            assert!(habit(text, Of::Names).is_none(), "{text}");
        }
        assert!(habit("a|b", Of::Texts).is_none());
    }

    #[test]
    fn one_of_several_is_a_list() {
        for (written, list) in [
            ("a|b", "a, b"),
            ("^(a|b)$", "a, b"),
            ("^pricing.(ask|inquiry)$", "pricing.ask, pricing.inquiry"),
            ("^pricing\\.(?:ask|inquiry)$", "pricing.ask, pricing.inquiry"),
            ("^pricing|quote$", "\"pricing*\", \"*quote\""),
        ] {
            assert_eq!(choices(written).map(|choices| choices.join(", ")).as_deref(), Some(list), "{written}");
        }
        for written in ["a", "^(a|b)(c|d)$", "^(a|b+)$", "^(a)$", "^(a|)$", "(a|b", "^[ab]|c$"] {
            assert_eq!(choices(written), None, "{written}");
        }
    }

    #[test]
    fn what_was_meant_is_written_as_a_pattern() {
        for (written, meant) in [
            ("^pricing$", "pricing"),
            ("^pricing", "pricing*"),
            ("pricing$", "*pricing"),
            (".*pricing$", "*pricing"),
            ("^pricing.*$", "pricing*"),
            ("^pricing\\..*", "pricing.*"),
            (".*pricing.*", "*pricing*"),
            ("pricing\\.inquiry", "pricing.inquiry"),
            ("a|b", "a|b"),
            ("^(a|b)$", "^(a|b)$"),
        ] {
            assert_eq!(mended(written), meant, "{written}");
        }
    }
}
