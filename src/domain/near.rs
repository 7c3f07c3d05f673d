//! "Did you mean": the known word nearest to a misspelt one.

/// So many words of a fitting length are compared: thousands of misspelt words among thousands of names must not take minutes.
const COMPARED: usize = 256;

/// The nearest of `known`, if it is near enough to be what was meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().count();
    if length > 40 {
        return None;
    }
    let most = (length / 3).max(1);
    let word = word.to_lowercase();
    known
        .into_iter()
        // A lower-case letter may be several, so the lengths say little of short words; of a long name they say all.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most + 2)
        .take(COMPARED)
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
}
