//! A batch that is refused is halved until the part to blame stands alone. What is remembered here saves calls and is no truth:
//! after a restart a refused batch is halved anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::contact::ContactKey;
use crate::domain::tag::TagName;
use crate::providers::Direction;

/// One of the things that a call changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A tag that is added or removed.
    Tag(Direction, TagName),
    /// A field that is set.
    Field(String),
}

impl Part {
    /// Whether both may stand in one call.
    fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tag(one, _), Self::Tag(two, _)) => one == two,
            (Self::Field(_), Self::Field(_)) => true,
            _ => false,
        }
    }
}

/// The halves of refused batches that are still to be called, the next one last.
#[derive(Debug, Default)]
pub struct Apart(Mutex<HashMap<ContactKey, Vec<Half>>>);

#[derive(Debug, Clone)]
struct Half {
    parts: Vec<Part>,
    /// Once this is taken, the half behind it must hold what is to blame.
    first: bool,
}

impl Apart {
    /// The places of those of the `wanted` parts, all of one kind, that go into the next call: at most `limit`.
    pub fn choose(&self, key: ContactKey, wanted: &[Part], limit: usize) -> Vec<usize> {
        let places = |parts: &[Part]| -> Vec<usize> {
            wanted.iter().enumerate().filter(|(_, part)| parts.contains(part)).map(|(place, _)| place).collect()
        };
        let mut kept = self.kept();
        while let Some(half) = next(&mut kept, key, wanted) {
            let chosen = places(&half.parts);
            if !chosen.is_empty() {
                return chosen.into_iter().take(limit).collect();
            }
            // A later change has the last word on all of it.
            remove(&mut kept, key, wanted);
        }
        (0..wanted.len().min(limit)).collect()
    }

    /// A call with these parts was taken.
    pub fn taken(&self, key: ContactKey, parts: &[Part]) {
        let mut kept = self.kept();
        let Some(half) = remove(&mut kept, key, parts) else { return };
        let behind = next(&mut kept, key, parts).map(|half| half.parts.len());
        if half.first && behind.is_some_and(|len| len > 1) {
            let behind = remove(&mut kept, key, parts).map(|half| half.parts).unwrap_or_default();
            halve(&mut kept, key, &behind);
        }
    }

    /// A call with these parts was refused: whether the one part of it is to blame. Otherwise its halves are called apart.
    pub fn refused(&self, key: ContactKey, parts: &[Part]) -> bool {
        let mut kept = self.kept();
        remove(&mut kept, key, parts);
        if parts.len() > 1 {
            halve(&mut kept, key, parts);
        }
        parts.len() <= 1
    }

    /// Nothing waits for the contact any more.
    pub fn forget(&self, key: ContactKey) {
        self.kept().remove(&key);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ContactKey, Vec<Half>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Kept = HashMap<ContactKey, Vec<Half>>;

fn place(halves: &[Half], of: &[Part]) -> Option<usize> {
    let kind = of.first()?;
    halves.iter().rposition(|half| half.parts.first().is_some_and(|part| part.goes_with(kind)))
}

/// The next half of the kind of these parts.
fn next<'k>(kept: &'k mut Kept, key: ContactKey, of: &[Part]) -> Option<&'k Half> {
    let halves = kept.get(&key)?;
    halves.get(place(halves, of)?)
}

fn remove(kept: &mut Kept, key: ContactKey, of: &[Part]) -> Option<Half> {
    let halves = kept.get_mut(&key)?;
    let half = place(halves, of).map(|place| halves.remove(place));
    if halves.is_empty() {
        kept.remove(&key);
    }
    half
}

fn halve(kept: &mut Kept, key: ContactKey, parts: &[Part]) {
    let (first, second) = parts.split_at(parts.len().div_ceil(2));
    let halves = kept.entry(key).or_default();
    halves.push(Half { parts: second.to_vec(), first: false });
    halves.push(Half { parts: first.to_vec(), first: true });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const KEY: ContactKey = ContactKey([1; 16]);

    /// Calls until nothing is left: how many calls it took, and what was found to blame.
    fn run(parts: usize, bad: &BTreeSet<usize>) -> (usize, BTreeSet<usize>) {
        let part = |n: usize| Part::Field(n.to_string());
        let (apart, mut left, mut blamed, mut calls) =
            (Apart::default(), (0..parts).collect::<Vec<_>>(), BTreeSet::new(), 0);
        while !left.is_empty() {
            let wanted: Vec<Part> = left.iter().map(|n| part(*n)).collect();
            let chosen: Vec<usize> = apart.choose(KEY, &wanted, parts).iter().map(|place| left[*place]).collect();
            let called: Vec<Part> = chosen.iter().map(|n| part(*n)).collect();
            calls += 1;
            if chosen.iter().all(|n| !bad.contains(n)) {
                apart.taken(KEY, &called);
            } else if apart.refused(KEY, &called) {
                blamed.extend(&chosen);
            } else {
                continue;
            }
            left.retain(|n| !chosen.contains(n));
        }
        assert!(apart.kept().is_empty(), "nothing is kept of what is over");
        (calls, blamed)
    }

    #[test]
    fn one_bad_part_of_n_costs_at_most_twice_log2_n_calls_more() {
        for n in 2..=64_usize {
            let bound = 1 + 2 * (n as f64).log2().ceil() as usize;
            for bad in 0..n {
                let bad = BTreeSet::from([bad]);
                let (calls, blamed) = run(n, &bad);
                assert!(calls <= bound && blamed == bad, "{n} parts, {bad:?}: {calls} calls, {blamed:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_bad_is_found_and_nothing_else(n in 1..50_usize, bad in proptest::collection::btree_set(0..50_usize, 0..8)) {
            let bad: BTreeSet<usize> = bad.into_iter().filter(|b| *b < n).collect();
            let (calls, blamed) = run(n, &bad);
            prop_assert_eq!(&blamed, &bad);
            let each = 2 * (n as f64).log2().ceil() as usize;
            prop_assert!(calls <= 1 + bad.len() * each.max(1), "{} calls", calls);
        }
    }
}
