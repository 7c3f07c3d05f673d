//! What is noted of rules while they judge events: what tests reach, and what they leave out.
//!
//! Parts of a catalog are known by where they lie in memory: a catalog never moves while it judges, and rules need no numbers
//! for it. Who judges events for real has no record, and pays for none.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ptr;

/// What was seen of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A rule's `match` fits.
    Fits,
    /// A rule matches.
    Fired,
    /// An event came by and the rule didn't match.
    Missed,
    /// A condition that has a name is worked out, to whatever end.
    Asked,
    /// A condition, or a part of one, is true.
    True,
    /// It is false.
    False,
    /// A tag, a field or a forward is carried out.
    Done,
    /// The contact has the tags that a block wants.
    Allowed,
    /// It hasn't, and the block does nothing.
    Barred,
    /// A reply is the answer.
    Answered,
    /// These words are.
    Said,
}

/// The parts that made a change: what stands in the list, and its block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Made {
    part: usize,
    block: usize,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Record {
    seen: RefCell<HashSet<(Mark, usize)>>,
    /// For each change of the decision under way.
    made: RefCell<Vec<Made>>,
}

impl Record {
    /// Notes something of a part.
    pub fn mark<T>(&self, mark: Mark, part: &T) {
        self.seen.borrow_mut().insert((mark, address(part)));
    }

    /// Whether that was seen of it.
    pub fn has(&self, mark: Mark, part: usize) -> bool {
        self.seen.borrow().contains(&(mark, part))
    }

    /// A condition, or a part of one, was worked out.
    pub fn truth<T>(&self, part: &T, truth: bool) {
        self.mark(if truth { Mark::True } else { Mark::False }, part);
    }

    /// The next change was made by this part of that block.
    pub fn made<T, B>(&self, part: &T, block: Option<&B>) {
        let block = block.map(address).unwrap_or_default();
        self.made.borrow_mut().push(Made { part: address(part), block });
    }

    /// So many changes have been made by now: those beyond were taken back, those before were made by no rule.
    pub fn are_made(&self, count: usize) {
        self.made.borrow_mut().resize(count, Made::default());
    }

    /// Who made each change of the decision that has just been made.
    pub fn take_made(&self) -> Vec<Made> {
        self.made.take()
    }

    /// A change was carried out.
    pub fn done(&self, made: Made) {
        self.seen.borrow_mut().insert((Mark::Done, made.part));
    }

    /// The block of a change has what it wants, or hasn't.
    pub fn judged(&self, made: Made, allowed: bool) {
        self.seen.borrow_mut().insert((if allowed { Mark::Allowed } else { Mark::Barred }, made.block));
    }

    /// Takes in what another one has seen.
    pub fn join(&self, other: &Self) {
        self.seen.borrow_mut().extend(other.seen.borrow().iter().copied());
    }
}

/// By what a part is known.
pub fn address<T>(part: &T) -> usize {
    ptr::from_ref(part).addr()
}
