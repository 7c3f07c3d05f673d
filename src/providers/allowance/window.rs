//! At most so many calls start in any window: the counting, without a clock.

use std::collections::VecDeque;

use super::Limit;
use super::pressure::Pressure;
use super::usage::Usage;
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// A call that takes longer to arrive than a later one makes the provider count both in one window.
const MARGIN_MS: i64 = 100;

/// Remembers the starts of the last window: the whole allowance is usable and never exceeded, bursts included.
#[derive(Debug)]
pub struct Window {
    /// Each of them holds; there is one at least.
    rates: Vec<Rate>,
    /// In order.
    starts: VecDeque<Timestamp>,
    /// No call starts before this: the provider asked for a pause.
    hold: Timestamp,
    /// Nor before this: others have used the allowance up.
    used_up: Timestamp,
    /// How much of the rates is used, since the provider said that it was too much.
    pressure: Pressure,
}

impl Window {
    /// A window that nothing has started in.
    pub fn new(rate: Rate) -> Self {
        Self {
            rates: vec![rate],
            starts: VecDeque::new(),
            hold: Timestamp(i64::MIN),
            used_up: Timestamp(i64::MIN),
            pressure: Pressure::default(),
        }
    }

    /// Adds starts that may be known already: a time counts as often as the one or the other side has it.
    pub fn remember(&mut self, mut starts: Vec<Timestamp>) {
        for known in &self.starts {
            if let Some(same) = starts.iter().position(|start| start == known) {
                starts.swap_remove(same);
            }
        }
        self.starts.extend(starts);
        self.starts.make_contiguous().sort_unstable();
        self.trim();
    }

    /// These are all the starts there are, by whoever writes all of them down: what was counted here is among them.
    pub fn replace(&mut self, mut starts: Vec<Timestamp>) {
        starts.sort_unstable();
        self.starts = starts.into();
        self.trim();
    }

    /// From now on these rates hold, all of them.
    pub fn set_rates(&mut self, rates: &[Rate]) {
        self.rates = rates.to_vec();
        // By other rates it was used up; what others have used since is asked anew.
        self.used_up = Timestamp(i64::MIN);
        self.trim();
    }

    /// How far back a start still counts.
    pub fn window_ms(&self) -> i64 {
        self.rates.iter().copied().map(window_ms).max().unwrap_or_default()
    }

    /// When the next call may start; not later than `now` means at once.
    pub fn next(&mut self, now: Timestamp) -> Timestamp {
        // A start that lies ahead means that the clock was set back: it counts from now, once and for all.
        for start in self.starts.iter_mut().rev().take_while(|start| **start > now) {
            *start = now;
        }
        let free = |rate: Rate| {
            let oldest = self.starts.len().checked_sub(rate.calls as usize)?;
            self.starts.get(oldest).map(|start| start.plus_millis(window_ms(rate)))
        };
        let rates = self.rates.iter().flat_map(|rate| self.pressure.on(*rate, now));
        rates.filter_map(free).fold(now.max(self.hold).max(self.used_up), Timestamp::max)
    }

    /// The same for a call that can wait: a part of each window stays free. `None` where nothing is ever left beside that part.
    pub fn next_spare(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut next = self.next(now);
        for rate in &self.rates {
            let calls = self.pressure.of(rate.calls, window_ms(*rate), now);
            let spare = calls.checked_sub(super::spare::kept_free(calls)).filter(|spare| *spare > 0)?;
            let oldest = self.starts.len().checked_sub(spare as usize);
            let free =
                oldest.and_then(|oldest| self.starts.get(oldest)).map(|start| start.plus_millis(window_ms(*rate)));
            next = free.map_or(next, |free| next.max(free));
        }
        Some(next)
    }

    /// Records a start.
    pub fn start(&mut self, now: Timestamp) {
        self.starts.push_back(now);
        self.trim();
    }

    /// Older starts than these decide nothing.
    fn trim(&mut self) {
        let most = self.rates.iter().map(|rate| rate.calls as usize).max().unwrap_or_default();
        let surplus = self.starts.len().saturating_sub(most);
        self.starts.drain(..surplus);
    }

    /// Gives the last start back: no call was needed after all.
    pub fn give_back(&mut self, start: Timestamp) {
        if let Some(index) = self.starts.iter().rposition(|s| *s == start) {
            self.starts.remove(index);
        }
    }

    /// The provider's limit was met: fewer calls start from now on, and none before `until`.
    pub fn throttled(&mut self, until: Timestamp, now: Timestamp) {
        // Calls that were under way together tell of one and the same meeting.
        if self.hold <= now {
            self.pressure.rises(self.window_ms(), now);
        }
        self.hold_until(until);
    }

    /// The same was met by others of the account, at `at`: they use so many eighths of it from then on.
    pub fn throttled_elsewhere(&mut self, until: Timestamp, eighths: u32, at: Timestamp) {
        self.pressure = self.pressure.newest(Pressure::told(eighths, at));
        self.hold_until(until);
    }

    /// Until when no call starts since the limit was met, and how many eighths of it were used from then on.
    pub fn pressed(&self) -> (Timestamp, u32) {
        (self.hold, self.pressure.tell())
    }

    /// How much of it is in use, for the rate with the least left.
    pub fn usage(&self, now: Timestamp) -> Option<Usage> {
        self.usage_of(&mut self.starts.iter(), now)
    }

    /// The same where these are the starts.
    pub fn usage_of(&self, starts: &mut dyn Iterator<Item = &Timestamp>, now: Timestamp) -> Option<Usage> {
        let starts: Vec<&Timestamp> = starts.collect();
        let held_until = Some(self.hold).filter(|until| *until > now);
        let each = self.rates.iter().map(|rate| {
            let used = starts.iter().filter(|start| start.plus_millis(window_ms(*rate)) > now).count();
            let calls = self.pressure.of(rate.calls, window_ms(*rate), now);
            Usage { rate: *rate, used, calls, held_until }
        });
        each.min_by_key(|usage| i64::from(usage.calls) - i64::try_from(usage.used).unwrap_or(i64::MAX))
    }

    /// What holds at `now`, for whoever counts beside us.
    pub fn limits(&self, now: Timestamp) -> Vec<Limit> {
        let rates = self.rates.iter().flat_map(|rate| self.pressure.on(*rate, now));
        rates.map(|rate| Limit { calls: rate.calls, window_ms: window_ms(rate) }).collect()
    }

    /// Others of the account have used it up until then.
    pub fn used_up_until(&mut self, until: Timestamp) {
        self.used_up = self.used_up.max(until);
    }

    /// Before this no call may start, since the provider asked for it.
    pub fn held_until(&self) -> Timestamp {
        self.hold
    }

    /// Lets no call start before `until`.
    pub fn hold_until(&mut self, until: Timestamp) {
        self.hold = self.hold.max(until);
    }
}

fn window_ms(rate: Rate) -> i64 {
    i64::try_from(rate.window.as_millis()).unwrap_or(i64::MAX).saturating_add(MARGIN_MS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_whole_allowance_is_usable_at_once_and_then_waits_for_the_window() {
        let mut window = Window::new(Rate { calls: 3, window: Duration::from_secs(1) });
        let now = Timestamp(10_000);
        for _ in 0..3 {
            assert_eq!(window.next(now), now);
            window.start(now);
        }
        assert_eq!(window.next(now), Timestamp(11_100));
        window.give_back(now);
        assert_eq!(window.next(now), now);
        window.hold_until(Timestamp(99_000));
        assert_eq!(window.next(now), Timestamp(99_000));
    }

    #[test]
    fn a_clock_that_was_set_back_stalls_nothing_for_long() {
        let rate = Rate { calls: 1, window: Duration::from_secs(1) };
        let mut window = Window::new(rate);
        window.remember(vec![Timestamp(1_000_000)]);
        assert_eq!(window.next(Timestamp(5_000)), Timestamp(6_100));
        assert_eq!(window.next(Timestamp(6_000)), Timestamp(6_100));
        assert_eq!(window.next(Timestamp(6_100)), Timestamp(6_100));
    }

    #[test]
    fn of_several_rates_each_holds() {
        let mut window = Window::new(Rate { calls: 1, window: Duration::from_secs(1) });
        let rate = |calls, seconds| Rate { calls, window: Duration::from_secs(seconds) };
        window.set_rates(&[rate(2, 1), rate(3, 60)]);
        let mut starts = Vec::new();
        let mut now = Timestamp(0);
        for _ in 0..5 {
            now = window.next(now);
            window.start(now);
            starts.push(now.0);
        }
        assert_eq!((starts, window.window_ms()), (vec![0, 0, 1_100, 60_100, 60_100], 60_100));
    }

    #[test]
    fn what_is_in_use_is_told_of_the_rate_with_the_least_left() {
        let rate = |calls, seconds| Rate { calls, window: Duration::from_secs(seconds) };
        let mut window = Window::new(rate(2, 1));
        window.set_rates(&[rate(2, 1), rate(8, 60)]);
        let told = |window: &Window, now| {
            let usage = window.usage(Timestamp(now)).expect("it has rates");
            (usage.rate.calls, usage.used, usage.calls, usage.held_until.map(Timestamp::millis))
        };
        assert_eq!(told(&window, 0), (2, 0, 2, None));
        (0..5).for_each(|n| window.start(Timestamp(n * 1_100)));
        assert_eq!(told(&window, 4_500), (2, 1, 2, None));
        (5..8).for_each(|n| window.start(Timestamp(n * 1_100)));
        assert_eq!(told(&window, 7_800), (8, 8, 8, None));
        window.throttled(Timestamp(9_000), Timestamp(7_800));
        assert_eq!(told(&window, 7_800), (8, 8, 4, Some(9_000)));
    }

    #[test]
    fn a_limit_that_others_have_met_holds_and_slows_down_here_too_and_is_met_once() {
        let rate = Rate { calls: 8, window: Duration::from_secs(1) };
        let (mut one, mut other) = (Window::new(rate), Window::new(rate));
        let calls = |window: &Window, at| window.usage(Timestamp(at)).expect("it has a rate").calls;
        one.throttled(Timestamp(5_000), Timestamp(2_000));
        let (until, eighths) = one.pressed();
        other.throttled_elsewhere(until, eighths, Timestamp(2_000));
        assert_eq!((other.next(Timestamp(2_010)), calls(&other, 2_010)), (Timestamp(5_000), 4));
        // A call that was under way meets the same.
        other.throttled(Timestamp(5_500), Timestamp(2_020));
        assert_eq!((other.next(Timestamp(2_020)), calls(&other, 2_020)), (Timestamp(5_500), 4));
        other.throttled_elsewhere(until, eighths, Timestamp(2_000));
        assert_eq!(calls(&other, 3_200), 5, "it comes back as if it had met it itself");
        other.throttled_elsewhere(Timestamp(6_000), 1, Timestamp(1_000));
        assert_eq!(calls(&other, 3_200), 5, "what was met before says nothing any more");
    }

    #[test]
    fn what_is_remembered_twice_counts_once() {
        let mut window = Window::new(Rate { calls: 3, window: Duration::from_secs(1) });
        let at = |times: &[i64]| times.iter().copied().map(Timestamp).collect::<Vec<_>>();
        window.start(Timestamp(500));
        window.remember(at(&[500, 100]));
        window.remember(at(&[100, 500]));
        assert_eq!(window.next(Timestamp(600)), Timestamp(600), "two have started");
        window.remember(at(&[500, 500]));
        assert_eq!(window.next(Timestamp(600)), Timestamp(1_200));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_starts_than_allowed(gaps in proptest::collection::vec(0..400_i64, 1..200), calls in 1..20_u32) {
            let rate = Rate { calls, window: Duration::from_secs(1) };
            let mut window = Window::new(rate);
            let mut now = Timestamp(0);
            let mut starts: Vec<i64> = Vec::new();
            for gap in gaps {
                now = now.plus_millis(gap);
                now = now.max(window.next(now));
                window.start(now);
                starts.push(now.0);
            }
            for (i, start) in starts.iter().enumerate() {
                let within = starts.iter().skip(i).filter(|s| **s < start + 1000).count();
                prop_assert!(within <= calls as usize);
            }
        }
    }
}
