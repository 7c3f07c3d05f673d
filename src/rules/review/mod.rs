//! What rules mean together: rules that contradict each other, rules and conditions that never matter. It takes more time than
//! the rest of `check`, and finds nothing that would keep a set from being used.

mod clash;
mod clashes;
mod covered;
mod dead;
mod parts;
mod places;
mod uses;

use std::sync::atomic::AtomicBool;

use super::catalog::Catalog;
use super::codes::Code;
use super::files::RuleFile;
use super::finding::{Finding, Findings};
use super::solve::Solver;
use places::Places;

/// What it may find.
pub const CODES: [Code; 10] = [
    Code::NeverMatches,
    Code::Hidden,
    Code::NeverMatters,
    Code::NeverAnswers,
    Code::Covered,
    Code::OppositeTags,
    Code::TwoValues,
    Code::TwoReplies,
    Code::MayClash,
    Code::NotExamined,
];

/// What a look at a whole set needs.
struct Review<'c, 'f> {
    solver: Solver<'c>,
    places: Places<'f>,
    findings: Findings<'f>,
    /// So many questions were given up, this rule's first.
    unanswered: usize,
    first_unanswered: Option<usize>,
}

impl Review<'_, '_> {
    /// Remembers the rule at this place where a question about it was given up.
    fn count_unanswered(&mut self, place: usize) {
        if self.solver.given_up() > self.unanswered {
            self.unanswered = self.solver.given_up();
            self.first_unanswered.get_or_insert(place);
        }
    }
}

/// Looks at the rules of a clean set that was read from these files. Once `stop` is set it ends soon, with whatever it has.
pub fn review(catalog: &Catalog, files: &[RuleFile], stop: &AtomicBool) -> Vec<Finding> {
    let mut review = Review {
        solver: Solver::new(catalog, stop),
        places: Places::new(files),
        findings: Findings::new(files),
        unanswered: 0,
        first_unanswered: None,
    };
    covered::entries(&mut review);
    // Without a source there is no event, and nothing to be said of any.
    if !catalog.all_sources().is_empty() {
        parts::conditions(&mut review);
        let dead = dead::rules(&mut review);
        parts::rules(&mut review, &dead);
        clashes::all(&mut review, &dead);
        clashes::tell_unanswered(&mut review);
    }
    review.findings.into_list()
}
