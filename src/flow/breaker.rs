//! A connection's breaker: too many calls that fail say that the provider fails, and not its contacts. Pure.
//!
//! Calls that were answered, also with a refusal of what was asked, went well; calls without a clear answer failed. A limit that was
//! met and credentials that are refused are neither: others see to those.

use std::collections::VecDeque;

use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;

/// Calls are counted over this time, in slices.
const WINDOW_MS: i64 = 60_000;
const SLICE_MS: i64 = 5_000;
/// Fewer calls in that time say nothing by their share.
const MANY: u32 = 20;
/// So many failures in a row open it whatever the share.
const IN_A_ROW: u32 = 10;

/// What calls came to lately.
#[derive(Debug, Default)]
pub struct Breaker {
    slices: VecDeque<Slice>,
    in_a_row: u32,
    /// The contact that all of the row was about, as long as it is one.
    only: Option<ContactKey>,
}

#[derive(Debug, Clone, Copy)]
struct Slice {
    from: Timestamp,
    well: u32,
    failed: u32,
}

impl Breaker {
    /// A call went well.
    pub fn well(&mut self, now: Timestamp) {
        self.slice(now).well += 1;
        (self.in_a_row, self.only) = (0, None);
    }

    /// A call about this contact failed: whether that is one too many.
    pub fn failed(&mut self, key: ContactKey, now: Timestamp) -> bool {
        self.slice(now).failed += 1;
        self.only = if self.in_a_row == 0 { Some(key) } else { self.only.filter(|only| *only == key) };
        self.in_a_row += 1;
        let (well, failed) = self.slices.iter().fold((0, 0), |(w, f), slice| (w + slice.well, f + slice.failed));
        // One contact that fails again and again is its own trouble.
        let row = self.in_a_row >= IN_A_ROW && self.only.is_none();
        row || well + failed >= MANY && failed >= well
    }

    /// Everything begins anew: the breaker was opened or closed.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn slice(&mut self, now: Timestamp) -> &mut Slice {
        // A slice that lies ahead is from before the clock was set back.
        let old = |slice: &Slice| !(0..WINDOW_MS).contains(&now.since(slice.from));
        self.slices.retain(|slice| !old(slice));
        if self.slices.back().is_none_or(|slice| now.since(slice.from) >= SLICE_MS) {
            self.slices.push_back(Slice { from: now, well: 0, failed: 0 });
        }
        self.slices.back_mut().expect("one was just added where there was none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> ContactKey {
        ContactKey([n; 16])
    }

    #[test]
    fn ten_failures_in_a_row_of_more_than_one_contact_open_it() {
        let mut breaker = Breaker::default();
        let hour = |n: i64| Timestamp(n * 3_600_000);
        for n in 0..30 {
            assert!(!breaker.failed(key(1), hour(n)), "one contact alone says nothing of the others");
        }
        breaker.well(hour(30));
        for n in 0..9 {
            assert!(!breaker.failed(key(n), hour(31)));
        }
        assert!(breaker.failed(key(9), hour(31)));
    }

    #[test]
    fn half_of_twenty_in_a_minute_open_it_and_older_ones_do_not_count() {
        let mut breaker = Breaker::default();
        let second = |n: i64| Timestamp(n * 1_000);
        let mut opened = Vec::new();
        for n in 0..20 {
            breaker.well(second(2 * n));
            opened.push(breaker.failed(key(n as u8), second(2 * n)));
        }
        assert_eq!(opened.iter().position(|open| *open), Some(9), "ten of twenty");
        let mut breaker = Breaker::default();
        (0..15).for_each(|_| breaker.well(second(0)));
        (0..5).for_each(|n| assert!(!breaker.failed(key(n), second(30))));
        (0..4).for_each(|n| assert!(!breaker.failed(key(n), second(61)), "nine calls in a minute are few"));
    }
}
