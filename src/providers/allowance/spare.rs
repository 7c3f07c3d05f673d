//! What deliveries leave unused: for calls that nobody waits for.

use std::sync::{Arc, Mutex};

use super::{Allowance, Leave, Ledger, Pass, Taken};
use crate::domain::time::Timestamp;

/// Why there is nothing to spare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// Deliveries stand in line.
    Line,
    /// The provider asked for a pause until then.
    Held(Timestamp),
    /// What is left until then is kept for deliveries.
    Used(Timestamp),
    /// The limit is a single call: none of it is ever to spare.
    Never,
}

/// How many starts of a window are kept for deliveries: a fifth, and one at least.
pub(super) fn kept_free(calls: u32) -> u32 {
    (calls / 5).max(1)
}

impl Allowance {
    /// Leave for one call that can wait: given only while no delivery stands in line, the provider has not asked for a pause, and a
    /// fifth of each window stays free for whatever comes next. `ledger` writes its start down.
    pub fn spare(&self, ledger: Option<Ledger>, now: Timestamp) -> Result<Pass, Busy> {
        let mut kept = self.0.kept();
        if !kept.line.is_empty() {
            return Err(Busy::Line);
        }
        let held = kept.window.held_until();
        if held > now {
            return Err(Busy::Held(held));
        }
        let next = kept.window.next_spare(now).ok_or(Busy::Never)?;
        if next > now {
            return Err(Busy::Used(next));
        }
        kept.window.start(now);
        let taken = Mutex::new(Taken { reserved: Some(now), starts: Vec::new(), written: Vec::new() });
        Ok(Pass(Arc::new(Leave { allowance: self.clone(), ledger, can_wait: true, taken })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::duration::Rate;

    const NOW: Timestamp = Timestamp(10_000);

    fn allowance(calls: u32) -> Allowance {
        Allowance::new(Rate { calls, window: Duration::from_secs(1) }, Clock::standing(NOW))
    }

    fn start(pass: &Pass) -> Option<Timestamp> {
        pass.start().now_or_never()?.ok()
    }

    /// How many calls that can wait may start at once.
    fn started(allowance: &Allowance) -> usize {
        std::iter::from_fn(|| start(&allowance.spare(None, NOW).ok()?)).count()
    }

    #[test]
    fn a_fifth_and_one_at_least_is_kept_for_deliveries() {
        for (calls, spare) in [(1, 0), (2, 1), (5, 4), (10, 8), (120, 96)] {
            let allowance = allowance(calls);
            assert_eq!(started(&allowance), spare, "{calls}");
            let share = allowance.share();
            let left = std::iter::from_fn(|| start(&share.pass(NOW)?)).count();
            assert_eq!(left + spare, calls as usize, "deliveries have all the rest");
        }
        assert_eq!(allowance(1).spare(None, NOW).err(), Some(Busy::Never));
    }

    #[test]
    fn whoever_stands_in_line_goes_first() {
        let allowance = allowance(5);
        let share = allowance.share();
        let passes: Vec<_> = std::iter::from_fn(|| share.pass(NOW)).collect();
        assert_eq!(passes.len(), 5);
        assert_eq!(allowance.spare(None, NOW).err(), Some(Busy::Line), "the lane was refused and waits");
        share.leave();
        assert_eq!(allowance.spare(None, NOW).err(), Some(Busy::Used(Timestamp(11_100))));
        // Given back, since nothing was called with them.
        drop(passes);
        assert!(allowance.spare(None, NOW).is_ok());
    }

    #[test]
    fn a_wish_to_wait_is_kept() {
        let allowance = allowance(5);
        allowance.throttled(Timestamp(12_000), NOW);
        assert_eq!(allowance.spare(None, NOW).err(), Some(Busy::Held(Timestamp(12_000))));
        assert!(allowance.spare(None, Timestamp(12_000)).is_ok());
    }

    #[test]
    fn what_is_called_counts_for_deliveries_too() {
        let allowance = allowance(2);
        let pass = allowance.spare(None, NOW).expect("unused");
        assert_eq!((start(&pass), pass.starts()), (Some(NOW), vec![NOW]));
        assert_eq!(allowance.spare(None, NOW).err(), Some(Busy::Used(Timestamp(11_100))));
        let share = allowance.share();
        assert!(start(&share.pass(NOW).expect("the one that was kept")).is_some() && share.pass(NOW).is_none());
    }
}
