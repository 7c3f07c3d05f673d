//! An account's allowance: at most so many calls start in any window, whichever of its connections makes them and for whatever.
//!
//! A lane takes a [`Pass`] for each step, and every call that leaves through the [`super::outbound`] client with that pass is counted
//! as it starts. The first call of a step was allowed with its pass. A further one, for a token or after a token was refused, starts
//! if it may at once; else the step ends and is made again when it may.

mod spare;
mod window;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::clock::Clock;
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;
pub use spare::Busy;
pub use window::Window;

/// How soon a lane looks again that is only held up by others in line; it is told when the line moves.
const LINE_MS: i64 = 50;

/// An account's allowance. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    /// Told when a start is free again, or when the line has moved.
    moved: Notify,
    next_share: AtomicU64,
    clock: Clock,
}

#[derive(Debug)]
struct Kept {
    window: Window,
    /// Shares that were refused a start, in that order: without it, the lane that is always quickest would leave nothing to others.
    line: VecDeque<u64>,
}

impl Allowance {
    /// An allowance of which nothing has been used.
    pub fn new(rate: Rate, clock: Clock) -> Self {
        let kept = Mutex::new(Kept { window: Window::new(rate), line: VecDeque::new() });
        Self(Arc::new(Shared { kept, moved: Notify::new(), next_share: AtomicU64::new(0), clock }))
    }

    /// A lane's share of it.
    pub fn share(&self) -> Share {
        Share { id: self.0.next_share.fetch_add(1, Ordering::Relaxed), allowance: self.clone() }
    }

    /// How far back a start still counts, in milliseconds.
    pub fn window_ms(&self) -> i64 {
        self.0.kept().window.window_ms()
    }

    /// Counts calls that started before this process, or before this allowance, knew of them.
    pub fn remember(&self, starts: Vec<Timestamp>) {
        self.0.kept().window.remember(starts);
    }

    /// From now on these rates hold, all of them.
    pub fn set_rates(&self, rates: &[Rate]) {
        self.0.kept().window.set_rates(rates);
        self.0.moved.notify_waiters();
    }

    /// Lets no call start before `until`: the provider asked for it.
    pub fn hold_until(&self, until: Timestamp) {
        self.0.kept().window.hold_until(until);
    }

    /// The clock that it goes by.
    #[cfg(test)]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Ends when a start is free again sooner than was thought, or the line has moved.
    pub fn moved(&self) -> Notified<'_> {
        self.0.moved.notified()
    }

    /// Whether nobody else has it.
    pub fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane's share of an allowance.
#[derive(Debug)]
pub struct Share {
    id: u64,
    /// What it is a share of.
    pub allowance: Allowance,
}

impl Share {
    /// Leave for one call that starts now; `None` while the allowance is used up, or while others have waited longer.
    pub fn pass(&self, now: Timestamp) -> Option<Pass> {
        let shared = &self.allowance.0;
        let mut kept = shared.kept();
        let is_next = kept.line.front().is_none_or(|first| *first == self.id);
        if !is_next || kept.window.next(now) > now {
            if !kept.line.contains(&self.id) {
                kept.line.push_back(self.id);
            }
            return None;
        }
        if kept.line.pop_front().is_some() {
            shared.moved.notify_waiters();
        }
        kept.window.start(now);
        let taken = Mutex::new(Taken { reserved: Some(now), starts: Vec::new() });
        Some(Pass(Arc::new(Leave { allowance: self.allowance.clone(), taken })))
    }

    /// There is nothing to call for: whoever stands behind in the line goes ahead.
    pub fn leave(&self) {
        let mut kept = self.allowance.0.kept();
        let before = kept.line.len();
        kept.line.retain(|id| *id != self.id);
        if kept.line.len() != before {
            self.allowance.0.moved.notify_waiters();
        }
    }

    /// When to ask for a pass again.
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let mut kept = self.allowance.0.kept();
        let next = kept.window.next(now);
        let is_next = kept.line.front().is_none_or(|first| *first == self.id);
        if is_next { next } else { next.max(now.plus_millis(LINE_MS)) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Leave for the calls of one step. Clones are the same one. What was allowed and not called is given back with the last of them.
#[derive(Debug, Clone)]
pub struct Pass(Arc<Leave>);

#[derive(Debug)]
struct Leave {
    allowance: Allowance,
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    /// The start that was counted with the pass and that no call has used.
    reserved: Option<Timestamp>,
    /// When calls did start.
    starts: Vec<Timestamp>,
}

impl Pass {
    /// Counts a call that starts now: when that is. The error is from when on it may.
    pub fn start(&self) -> Result<Timestamp, Timestamp> {
        let shared = &self.0.allowance.0;
        let mut kept = shared.kept();
        let mut taken = self.0.taken();
        let now = shared.clock.now();
        // The start was counted when the pass was given, and a slow call before it may have taken its time: it counts from now. A
        // wish to wait that came meanwhile concerns it too.
        if let Some(reserved) = taken.reserved.take() {
            kept.window.give_back(reserved);
        }
        let next = kept.window.next(now);
        if next > now {
            return Err(next);
        }
        kept.window.start(now);
        taken.starts.push(now);
        Ok(now)
    }

    /// When calls started with it.
    pub fn starts(&self) -> Vec<Timestamp> {
        self.0.taken().starts.clone()
    }
}

impl Leave {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(reserved) = self.taken().reserved.take() {
            self.allowance.0.kept().window.give_back(reserved);
            self.allowance.0.moved.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn allowance(calls: u32, clock: &Clock) -> Allowance {
        Allowance::new(Rate { calls, window: Duration::from_secs(1) }, clock.clone())
    }

    #[test]
    fn what_is_not_called_is_given_back_and_a_second_call_of_a_step_counts() {
        let now = Timestamp(10_000);
        let clock = Clock::standing(now);
        let share = allowance(2, &clock).share();
        drop(share.pass(now).expect("free"));
        let pass = share.pass(now).expect("given back");
        assert_eq!((pass.start(), pass.start(), pass.start()), (Ok(now), Ok(now), Err(Timestamp(11_100))));
        assert_eq!(pass.starts(), [now, now]);
        drop(pass);
        assert!(share.pass(now).is_none(), "calls that were made stay counted");
        assert_eq!(share.next(now), Timestamp(11_100));
    }

    #[test]
    fn a_call_that_starts_late_counts_from_then() {
        let clock = Clock::standing(Timestamp(0));
        let share = allowance(1, &clock).share();
        let pass = share.pass(Timestamp(0)).expect("free");
        clock.set(Timestamp(900));
        assert_eq!(pass.start(), Ok(Timestamp(900)));
        assert_eq!(share.next(Timestamp(1_500)), Timestamp(2_000));
    }

    #[test]
    fn a_wish_to_wait_concerns_calls_that_have_not_started() {
        let clock = Clock::standing(Timestamp(0));
        let share = allowance(5, &clock).share();
        let pass = share.pass(Timestamp(0)).expect("free");
        share.allowance.hold_until(Timestamp(7_000));
        assert_eq!(pass.start(), Err(Timestamp(7_000)));
    }

    #[test]
    fn whoever_has_waited_longest_is_next() {
        let clock = Clock::standing(Timestamp(0));
        let allowance = allowance(1, &clock);
        let (quick, slow) = (allowance.share(), allowance.share());
        let first = quick.pass(Timestamp(0)).expect("free");
        first.start().expect("its own");
        assert!(slow.pass(Timestamp(0)).is_none() && quick.pass(Timestamp(0)).is_none());
        assert!(quick.pass(Timestamp(1_100)).is_none(), "the other one has waited longer");
        assert_eq!(quick.next(Timestamp(1_100)), Timestamp(1_150));
        drop(slow.pass(Timestamp(1_100)).expect("its turn"));
        assert!(slow.pass(Timestamp(1_100)).is_none() && quick.pass(Timestamp(1_100)).is_some());
        assert!(slow.pass(Timestamp(1_100)).is_some(), "in turn");
    }
}
