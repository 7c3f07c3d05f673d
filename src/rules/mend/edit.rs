//! Replacing bytes of files.

use crate::rules::files::RuleFile;
use crate::rules::finding::{Finding, Fix};

/// The findings with a mend, in order, of which no two change the same bytes: of two that do, the first has its turn.
pub fn apart<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<Finding> {
    let mut mends: Vec<(&Fix, &Finding)> =
        findings.filter_map(|finding| finding.fix.as_ref().map(|fix| (fix, finding))).collect();
    mends.sort_by_key(|(fix, _)| fix.span);
    let mut chosen: Vec<(&Fix, &Finding)> = Vec::new();
    for (fix, finding) in mends {
        let is_free =
            chosen.last().is_none_or(|(last, _)| last.span.file != fix.span.file || last.span.end < fix.span.start);
        if is_free {
            chosen.push((fix, finding));
        }
    }
    chosen.into_iter().map(|(_, finding)| finding.clone()).collect()
}

/// The files with these mends, which come in order and lie apart.
pub fn edited<'f>(files: &[RuleFile], mends: impl DoubleEndedIterator<Item = &'f Fix>) -> Vec<RuleFile> {
    let mut files = files.to_vec();
    // From the end, so that the places before stay what they are.
    for fix in mends.rev() {
        let Some(file) = files.get_mut(fix.span.file) else { continue };
        if file.text.get(fix.span.range()).is_some() {
            file.text.replace_range(fix.span.range(), &fix.replacement);
        }
    }
    files
}
