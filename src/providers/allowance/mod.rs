//! An account's allowance: at most so many calls start in any window, whichever of its connections makes them and for whatever.
//!
//! A lane takes a [`Pass`] for each step, and every call that leaves through the [`super::outbound`] client with that pass is counted
//! as it starts. The first call of a step was allowed with its pass. A further one, for a token or after a token was refused, starts
//! if it may at once; else the step ends and is made again when it may.
//!
//! A start is written down durably before the call is made, where there is somebody who writes ([`Ledger`]): after a crash the calls
//! that were under way are counted too.

mod pressure;
mod spare;
mod usage;
mod window;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::clock::Clock;
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;
pub use spare::Busy;
pub use usage::Usage;
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

    /// A share of it whose starts nobody writes down.
    pub fn share(&self) -> Share {
        Share { id: self.0.next_share.fetch_add(1, Ordering::Relaxed), allowance: self.clone(), ledger: None }
    }

    /// A lane's share of it.
    pub fn share_with(&self, ledger: Ledger) -> Share {
        let mut share = self.share();
        share.ledger = Some(ledger);
        share
    }

    /// How far back a start still counts, in milliseconds.
    pub fn window_ms(&self) -> i64 {
        self.0.kept().window.window_ms()
    }

    /// Counts calls that started before this process, or before this allowance, knew of them.
    pub fn remember(&self, starts: Vec<Timestamp>) {
        self.0.kept().window.remember(starts);
    }

    /// The same where these are all there are, those of this process among them.
    pub fn replace(&self, starts: Vec<Timestamp>) {
        self.0.kept().window.replace(starts);
    }

    /// From now on these rates hold, all of them.
    pub fn set_rates(&self, rates: &[Rate]) {
        self.0.kept().window.set_rates(rates);
        self.0.moved.notify_waiters();
    }

    /// The provider's limit was met: no call starts before `until`, and fewer start from then on, until it is met no more.
    pub fn throttled(&self, until: Timestamp, now: Timestamp) {
        self.0.kept().window.throttled(until, now);
    }

    /// Others of the account have met it, at `at`: no call starts before `until`, and so many eighths of it are used from then on.
    pub fn throttled_elsewhere(&self, until: Timestamp, eighths: u32, at: Timestamp) {
        self.0.kept().window.throttled_elsewhere(until, eighths, at);
    }

    /// Until when no call starts since it was met, and how many eighths of it were used from then on: what others of the account
    /// are to be told.
    pub fn pressed(&self) -> (Timestamp, u32) {
        self.0.kept().window.pressed()
    }

    /// How much of it is in use; `None` only where it has no rate.
    pub fn usage(&self, now: Timestamp) -> Option<Usage> {
        self.0.kept().window.usage(now)
    }

    /// The same where calls started then, in all that share it.
    pub fn usage_of(&self, starts: &[Timestamp], now: Timestamp) -> Option<Usage> {
        self.0.kept().window.usage_of(&mut starts.iter(), now)
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

/// Who writes starts down durably before calls are made.
#[derive(Clone)]
pub struct Ledger {
    /// Writes that a call starts about now, under what holds of the rates.
    pub write: Arc<dyn Fn(Timestamp, Vec<Limit>) -> BoxFuture<'static, Written> + Send + Sync>,
    /// Takes entries back whose calls were not made.
    pub strike: Arc<dyn Fn(Vec<i64>) + Send + Sync>,
    /// A call starts within this many milliseconds after its entry was written, or is written anew.
    pub ahead_ms: i64,
}

/// What became of a start that was to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is, under this number.
    Entry(i64),
    /// Others of the account have used it up until then.
    UsedUp(Timestamp),
    /// It can't be written.
    Failed,
}

/// At most so many calls in any window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub calls: u32,
    /// In how many milliseconds, with what is added to each window.
    pub window_ms: i64,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

/// A lane's share of an allowance.
#[derive(Debug)]
pub struct Share {
    id: u64,
    /// What it is a share of.
    pub allowance: Allowance,
    ledger: Option<Ledger>,
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
        let taken = Mutex::new(Taken { reserved: Some(now), starts: Vec::new(), written: Vec::new() });
        let (allowance, ledger) = (self.allowance.clone(), self.ledger.clone());
        Some(Pass(Arc::new(Leave { allowance, ledger, can_wait: false, taken })))
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
    ledger: Option<Ledger>,
    /// Whether nobody waits for the call: others of the account count less of the limit for it.
    can_wait: bool,
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    /// The start that was counted with the pass and that no call has used.
    reserved: Option<Timestamp>,
    /// When calls did start.
    starts: Vec<Timestamp>,
    /// The starts that were written down, until somebody takes it upon himself to tell of the calls.
    written: Vec<i64>,
}

/// How soon a call is tried again whose start could not be written down.
const UNWRITTEN_MS: i64 = 1_000;

impl Pass {
    /// Counts a call that starts now, and has its start written down: when that is. The error is from when on it may.
    pub async fn start(&self) -> Result<Timestamp, Timestamp> {
        let Some(ledger) = &self.0.ledger else { return self.count() };
        loop {
            let counted = self.count()?;
            let mut limits = self.0.allowance.0.kept().window.limits(counted);
            if self.0.can_wait {
                for limit in &mut limits {
                    limit.calls = limit.calls.saturating_sub(spare::kept_free(limit.calls)).max(1);
                }
            }
            let entry = match (ledger.write)(counted, limits).await {
                Written::Entry(entry) => entry,
                Written::UsedUp(until) => {
                    self.uncount(counted);
                    // What is kept for deliveries isn't used up.
                    if !self.0.can_wait {
                        self.0.allowance.0.kept().window.used_up_until(until);
                    }
                    return Err(until);
                }
                Written::Failed => {
                    self.uncount(counted);
                    return Err(counted.plus_millis(UNWRITTEN_MS));
                }
            };
            self.0.taken().written.push(entry);
            let now = self.0.allowance.0.clock.now();
            // A wish to wait may have come, and what was written long ago doesn't say when the call starts.
            let held = self.0.allowance.0.kept().window.held_until();
            if now.since(counted) <= ledger.ahead_ms && held <= now {
                return Ok(self.recount(counted, now));
            }
            self.uncount(counted);
            self.0.taken().written.retain(|written| *written != entry);
            (ledger.strike)(vec![entry]);
        }
    }

    /// Counts a call that starts now.
    fn count(&self) -> Result<Timestamp, Timestamp> {
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

    /// It starts a little later than it was counted.
    fn recount(&self, counted: Timestamp, now: Timestamp) -> Timestamp {
        let mut kept = self.0.allowance.0.kept();
        let mut taken = self.0.taken();
        if let Some(start) = taken.starts.iter_mut().rfind(|start| **start == counted) {
            *start = now;
            kept.window.give_back(counted);
            kept.window.start(now);
        }
        now
    }

    fn uncount(&self, counted: Timestamp) {
        let mut kept = self.0.allowance.0.kept();
        let mut taken = self.0.taken();
        if let Some(place) = taken.starts.iter().rposition(|start| *start == counted) {
            taken.starts.remove(place);
            kept.window.give_back(counted);
        }
    }

    /// When calls started with it.
    pub fn starts(&self) -> Vec<Timestamp> {
        self.0.taken().starts.clone()
    }

    /// The entries of its starts; whoever takes them strikes them where the calls are told of.
    pub fn written(&self) -> Vec<i64> {
        std::mem::take(&mut self.0.taken().written)
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

    use futures_util::FutureExt;

    use super::*;

    /// Starts a call; nobody writes, so nothing is waited for.
    fn start(pass: &Pass) -> Result<Timestamp, Timestamp> {
        pass.start().now_or_never().expect("it waits for nobody")
    }

    /// A ledger of which the entries can be looked at; each takes as long as the clock is set on by.
    fn ledger(clock: &Clock, takes: Arc<Mutex<VecDeque<i64>>>, entries: Arc<Mutex<Vec<i64>>>) -> Ledger {
        let (clock, struck) = (clock.clone(), Arc::clone(&entries));
        let write = move |at: Timestamp, _: Vec<Limit>| -> BoxFuture<'static, Written> {
            let took = takes.lock().expect("lock").pop_front();
            clock.set(clock.now().plus_millis(took.unwrap_or_default()));
            entries.lock().expect("lock").push(at.0);
            Box::pin(async move { took.map_or(Written::Failed, |_| Written::Entry(at.0)) })
        };
        let strike = move |gone: Vec<i64>| struck.lock().expect("lock").retain(|entry| !gone.contains(entry));
        Ledger { write: Arc::new(write), strike: Arc::new(strike), ahead_ms: 1_000 }
    }

    #[test]
    fn a_start_is_written_before_the_call_and_again_when_that_took_too_long() {
        let clock = Clock::standing(Timestamp(0));
        let (takes, entries) = (Arc::new(Mutex::new(VecDeque::from([5_000, 300]))), Arc::default());
        let share = allowance(1, &clock).share_with(ledger(&clock, takes, Arc::clone(&entries)));
        let pass = share.pass(Timestamp(0)).expect("free");
        assert_eq!(start(&pass), Ok(Timestamp(5_300)), "it counts from when the call is made");
        assert_eq!((pass.starts(), pass.written()), (vec![Timestamp(5_300)], vec![5_000]));
        assert_eq!(*entries.lock().expect("lock"), [5_000], "the first entry said nothing any more");
        assert_eq!(share.next(Timestamp(5_300)), Timestamp(6_400));
        clock.set(Timestamp(6_400));
        let pass = share.pass(Timestamp(6_400)).expect("free again");
        assert_eq!(start(&pass), Err(Timestamp(7_400)), "what can't be written isn't called");
        assert_eq!(share.next(Timestamp(6_400)), Timestamp(6_400), "and nothing was used");
    }

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
        assert_eq!((start(&pass), start(&pass), start(&pass)), (Ok(now), Ok(now), Err(Timestamp(11_100))));
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
        assert_eq!(start(&pass), Ok(Timestamp(900)));
        assert_eq!(share.next(Timestamp(1_500)), Timestamp(2_000));
    }

    #[test]
    fn a_wish_to_wait_concerns_calls_that_have_not_started() {
        let clock = Clock::standing(Timestamp(0));
        let share = allowance(5, &clock).share();
        let pass = share.pass(Timestamp(0)).expect("free");
        share.allowance.throttled(Timestamp(7_000), Timestamp(0));
        assert_eq!(start(&pass), Err(Timestamp(7_000)));
    }

    #[test]
    fn whoever_has_waited_longest_is_next() {
        let clock = Clock::standing(Timestamp(0));
        let allowance = allowance(1, &clock);
        let (quick, slow) = (allowance.share(), allowance.share());
        let first = quick.pass(Timestamp(0)).expect("free");
        start(&first).expect("its own");
        assert!(slow.pass(Timestamp(0)).is_none() && quick.pass(Timestamp(0)).is_none());
        assert!(quick.pass(Timestamp(1_100)).is_none(), "the other one has waited longer");
        assert_eq!(quick.next(Timestamp(1_100)), Timestamp(1_150));
        drop(slow.pass(Timestamp(1_100)).expect("its turn"));
        assert!(slow.pass(Timestamp(1_100)).is_none() && quick.pass(Timestamp(1_100)).is_some());
        assert!(slow.pass(Timestamp(1_100)).is_some(), "in turn");
    }
}
