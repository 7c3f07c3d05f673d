//! Which runs of `pending` may hold a contact's changes, without reading a page of the file.
//!
//! Behind a long outage there are many runs, and nearly every contact has changes in one of them. A look into each would make the
//! next contact cost the more the more waits.

use std::collections::BTreeMap;

use super::sieve::Sieve;
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;

/// Events whose changes are in one run.
const EVENTS: u32 = 16;

/// The run that an event's changes are in.
pub(super) fn of(ord: Ord) -> i64 {
    (ord.0 >> EVENTS) as i64
}

/// A sieve of contacts for each run that may hold something. What it has too much of costs a look, so it outlives a commit that
/// failed; it has never too little.
#[derive(Debug)]
pub(super) struct Runs(Option<BTreeMap<i64, Sieve>>);

impl Default for Runs {
    fn default() -> Self {
        Self(Some(BTreeMap::new()))
    }
}

impl Runs {
    /// For a database that has an index of what contacts wait for.
    pub fn unneeded() -> Self {
        Self(None)
    }

    /// Remembers that a contact has a change in this run.
    pub fn note(&mut self, run: i64, contact: ContactKey) {
        let Some(runs) = &mut self.0 else { return };
        let sieve = runs.entry(run).or_insert_with(|| Sieve::for_about(1 << EVENTS));
        // One contact with many changes takes the room of one.
        if !sieve.may_hold(contact.0) {
            sieve.insert(contact.0);
        }
    }

    /// The runs that may hold changes of a contact, the oldest first.
    pub fn that_may_hold(&self, contact: ContactKey) -> impl Iterator<Item = i64> {
        let runs = self.0.iter().flatten();
        runs.filter(move |(_, sieve)| sieve.may_hold(contact.0)).map(|(run, _)| *run)
    }

    /// Forgets runs that are empty. Only what is on disk may be asked: a run that a commit has emptied which then failed isn't.
    pub fn prune<E>(&mut self, is_empty: impl Fn(i64) -> Result<bool, E>) -> Result<(), E> {
        let Some(runs) = &mut self.0 else { return Ok(()) };
        for run in runs.keys().copied().collect::<Vec<_>>() {
            if is_empty(run)? {
                runs.remove(&run);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_looked_for_where_it_may_be_and_empty_runs_are_forgotten() {
        let key = |n: u8| ContactKey([n; 16]);
        let mut runs = Runs::default();
        for (run, contact) in [(3, 1), (0, 1), (0, 2), (7, 2)] {
            runs.note(run, key(contact));
        }
        let found = |runs: &Runs, n| runs.that_may_hold(key(n)).collect::<Vec<_>>();
        assert_eq!((found(&runs, 1), found(&runs, 2), found(&runs, 9)), (vec![0, 3], vec![0, 7], vec![]));
        runs.prune(|run| Ok::<_, ()>(run == 0)).expect("asked");
        assert_eq!((found(&runs, 1), found(&runs, 2)), (vec![3], vec![7]));
        assert_eq!((of(Ord(65_535)), of(Ord(65_536))), (0, 1));
    }
}
