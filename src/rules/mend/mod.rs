//! Carries out the mends that findings carry: in rounds, until none is left that makes a set better.
//!
//! A mend is a guess, so each is held against what it was for: the set is checked with it, its finding must be gone, and no
//! error may have come in its place. What doesn't hold is left to a person.

mod edit;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::check::Checked;
use super::codes::Code;
use super::files::RuleFile;
use super::finding::{Finding, Severity};

/// One mend shows the next, as a misspelt key does what stands below it; more rounds than this no set needs.
const MAX_ROUNDS: usize = 64;
/// Findings that hide others: where one of these comes, a set is not better for having fewer in all.
const HIDING: [Code; 4] = [Code::NotYaml, Code::TooLarge, Code::BadKey, Code::DuplicateKey];

/// What came of mending a set.
pub struct Mended {
    /// The files as they would be.
    pub files: Vec<RuleFile>,
    /// What is left to tell of them.
    pub checked: Checked,
    /// What was mended, each where it stood when it was.
    pub done: Vec<Finding>,
}

/// Checks a set.
pub type Checker<'c> = dyn Fn(&[RuleFile]) -> Checked + 'c;

/// Mends what can be mended of a set, where `check` judges it.
pub fn mend(files: &[RuleFile], check: &Checker<'_>) -> Mended {
    let mut refused: Vec<Finding> = Vec::new();
    let mut mended = Mended { files: files.to_vec(), checked: check(files), done: Vec::new() };
    let mut done_before = 0;
    for _ in 0..MAX_ROUNDS {
        let is_refused = |finding: &Finding| refused.iter().any(|other| is_same(finding, other));
        let open = mended.checked.findings.iter().filter(|finding| finding.waived.is_none() && !is_refused(finding));
        let round = edit::apart(open);
        if !round.is_empty() {
            try_out(&round, &mut mended, check, &mut refused);
        } else if refused.is_empty() || mended.done.len() == done_before {
            break;
        } else {
            // What was refused may do now that others are mended: a second call must find nothing that this one left.
            refused.clear();
            done_before = mended.done.len();
        }
    }
    mended
}

/// Takes these mends together if that is better; else each half for itself, down to those that are to blame. Tells whether
/// anything was mended.
fn try_out(round: &[Finding], mended: &mut Mended, check: &Checker<'_>, refused: &mut Vec<Finding>) -> bool {
    let files = edit::edited(&mended.files, round.iter().filter_map(|finding| finding.fix.as_ref()));
    let checked = check(&files);
    if is_better(round, &mended.checked.findings, &checked.findings) {
        mended.done.extend_from_slice(round);
        (mended.files, mended.checked) = (files, checked);
        return true;
    }
    if let [only] = round {
        refused.push(only.clone());
        return false;
    }
    // The later half comes first: what it changes moves no place of the earlier one.
    let (first, second) = round.split_at(round.len() / 2);
    let later = try_out(second, mended, check, refused);
    try_out(first, mended, check, refused) || later
}

/// What was mended is gone, no error has come, and nothing is hidden that was seen.
fn is_better(round: &[Finding], before: &[Finding], after: &[Finding]) -> bool {
    let errors = |findings: &[Finding]| findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let of = |findings: &[Finding], code: Code| findings.iter().filter(|f| f.code == code.row().code).count();
    let (was, is, gone) = (counted(before), counted(after), counted(round));
    let count = |counts: &HashMap<Key<'_>, usize>, key: &Key<'_>| counts.get(key).copied().unwrap_or_default();
    errors(after) <= errors(before)
        && HIDING.into_iter().all(|code| of(after, code) <= of(before, code))
        && gone.iter().all(|(key, gone)| count(&is, key) + gone <= count(&was, key))
}

/// What a finding says and in which file; its place moves with every mend.
type Key<'f> = (&'static str, &'f str, &'f str);

fn counted(findings: &[Finding]) -> HashMap<Key<'_>, usize> {
    let mut counts = HashMap::new();
    for finding in findings {
        *counts.entry((finding.code, finding.file.as_str(), finding.message.as_str())).or_default() += 1;
    }
    counts
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    let replacement = |finding: &'_ Finding| finding.fix.as_ref().map(|fix| fix.replacement.clone());
    one.code == other.code
        && one.file == other.file
        && one.message == other.message
        && replacement(one) == replacement(other)
}
