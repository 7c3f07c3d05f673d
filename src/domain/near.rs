//! "Did you mean": the known word nearest to a misspelt one.

/// So many words of a fitting length are compared: thousands of misspelt words among thousands of names must not take minutes.
const COMPARED: usize = 256;
/// Of two letters, one that is wrong leaves too little to tell by.
const LONG_ENOUGH: usize = 3;

/// A known word in place of a misspelt one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant<'k> {
    /// The known word.
    pub word: &'k str,
    /// Whether a program may write it: no other word is as near, and the misspelt one is long enough to tell.
    pub is_certain: bool,
}

/// The nearest of `known`, if it is near enough to be what was meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    meant(word, known).map(|meant| meant.word)
}

/// The nearest of `known`, and whether it is certain.
pub fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<Meant<'k>> {
    let length = word.chars().count();
    if length > 40 {
        return None;
    }
    let most = (length / 3).max(1);
    let word = word.to_lowercase();
    let mut found: Option<(usize, Meant<'k>)> = None;
    let near = known
        .into_iter()
        // A lower-case letter may be several, so the lengths say little of short words; of a long name they say all.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most + 2)
        .take(COMPARED)
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most);
    for (distance, candidate) in near {
        match &mut found {
            Some((least, _)) if *least < distance => {}
            Some((least, meant)) if *least == distance => meant.is_certain &= meant.word == candidate,
            _ => found = Some((distance, Meant { word: candidate, is_certain: length >= LONG_ENOUGH })),
        }
    }
    found.map(|(_, meant)| meant)
}

/// Letters to insert, delete, replace or swap with their neighbour.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let cost = usize::from(left != right);
            let mut best = (rows[i][j] + cost).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["intent", "params", "text", "when"];
        assert_eq!(nearest("intnet", known), Some("intent"));
        assert_eq!(nearest("whn", known), Some("when"));
        assert_eq!(nearest("Parms", known), Some("params"));
        assert_eq!(nearest("budget", known), None);
    }

    #[test]
    fn of_two_words_as_near_neither_is_certain() {
        let certain = |word, known: &[&'static str]| {
            meant(word, known.iter().copied()).map(|meant| (meant.word, meant.is_certain))
        };
        assert_eq!(certain("whn", &["when", "text"]), Some(("when", true)));
        assert_eq!(certain("lead", &["leads", "load", "leaf"]), Some(("leads", false)));
        assert_eq!(certain("lead", &["leads", "leads"]), Some(("leads", true)));
        assert_eq!(certain("cm", &["crm"]), Some(("crm", false)));
    }
}
