//! Entries of lists in `match` that make no difference, since another one covers them.

use std::collections::HashSet;

use super::Review;
use crate::rules::codes::Code;
use crate::rules::model::Rule;
use crate::rules::pattern::{LanguagePattern, Pattern};
use crate::rules::solve::{covers, covers_param};
use crate::rules::words::Phrase;

/// Lists longer than this are looked at only for entries that are the same.
const LONG: usize = 100;

/// Tells of entries that another one covers.
pub fn entries(review: &mut Review<'_, '_>) {
    for rule in review.solver.catalog().all_rules() {
        let matcher = &rule.matcher;
        list(review, rule, &["match", "intent"], &matcher.intents, covers_pattern);
        list(review, rule, &["match", "type"], &matcher.types, covers_pattern);
        list(review, rule, &["match", "language"], &matcher.languages, covers_language);
        list(review, rule, &["match", "text", "contains"], &matcher.contains, covers_phrase);
        list(review, rule, &["match", "source"], &matcher.sources, |wide, narrow| wide == narrow);
        for (detail, wanted) in &matcher.details {
            list(review, rule, &["match", detail.name()], wanted, covers_param);
        }
        for (name, wanted) in &matcher.params {
            list(review, rule, &["match", "params", name], wanted, covers_param);
        }
    }
}

fn list<T: ToString>(
    review: &mut Review<'_, '_>,
    rule: &Rule,
    keys: &[&str],
    entries: &[T],
    covers: fn(&T, &T) -> bool,
) {
    let covered = if entries.len() > LONG { twice(entries) } else { covered(entries, covers) };
    for (narrow, wide) in covered {
        let (Some(at), Some(by)) = (review.places.item(rule, keys, narrow), review.places.item(rule, keys, wide))
        else {
            continue;
        };
        review
            .findings
            .add(Code::Covered, at, "this entry makes no difference: another one of its list covers it")
            .related(by, "whatever fits it fits this")
            .help("take it away, or make the other one narrower");
    }
}

/// Entries that another one covers, with that one; of two that cover each other the later one.
fn covered<T>(entries: &[T], covers: fn(&T, &T) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, narrow) in entries.iter().enumerate() {
        let covering = entries
            .iter()
            .enumerate()
            .find(|(by, wide)| *by != at && covers(wide, narrow) && (*by < at || !covers(narrow, wide)));
        found.extend(covering.map(|(by, _)| (at, by)));
    }
    found
}

fn twice<T: ToString>(entries: &[T]) -> Vec<(usize, usize)> {
    let mut known = HashSet::new();
    let written: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let again: Vec<usize> =
        (0..written.len()).filter(|at| written.get(*at).is_some_and(|text| !known.insert(text))).collect();
    let first = |at: usize| written.iter().position(|text| Some(text) == written.get(at)).unwrap_or(at);
    again.into_iter().map(|at| (at, first(at))).collect()
}

fn covers_pattern(wide: &Pattern, narrow: &Pattern) -> bool {
    match (wide.exact(), narrow.exact()) {
        (Some(wide), Some(narrow)) => wide == narrow,
        (None, Some(narrow)) => wide.fits(narrow),
        _ => covers(wide, narrow),
    }
}

fn covers_language(wide: &LanguagePattern, narrow: &LanguagePattern) -> bool {
    wide.fits(&narrow.to_string())
}

fn covers_phrase(wide: &Phrase, narrow: &Phrase) -> bool {
    wide.is_in(narrow.folded())
}
