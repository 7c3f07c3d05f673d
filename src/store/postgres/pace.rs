//! When the next lot is cut: while one is written, what comes gathers for the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::gathered::Crowd;

/// The longest rest between lots.
const LONGEST: Duration = Duration::from_millis(4);

/// Lots on their way at once: when the server has written one, the next one is with it already, and it needn't wait for us in between.
pub(super) const ON_THE_WAY: usize = 2;

/// So long after a repetition others are expected: senders that weren't answered in time send all again.
const AFTER: Duration = Duration::from_secs(2);

/// What whoever cuts lots and whoever writes them know of one another.
#[derive(Debug)]
pub(super) struct Pace {
    known: Mutex<Known>,
    /// Tells when one has ended, too.
    crowd: Arc<Crowd>,
}

#[derive(Debug)]
struct Known {
    on_the_way: usize,
    /// When the newest of them was cut.
    cut: Instant,
    /// When one ended last, how long the server took for it, and whether other gateways had to do with it.
    ended: Instant,
    took: Duration,
    shared: bool,
    /// When an event came last that repeated another one.
    repeated: Option<Instant>,
    /// Nobody writes lots any more.
    left: bool,
}

impl Known {
    /// When the next lot is to be cut, where everybody who can be expected is there or isn't; `None`: not before one has ended.
    fn next(&self, complete: bool) -> Option<Instant> {
        match self.on_the_way {
            _ if self.left => Some(self.ended),
            // A commit costs the database as much as a dozen events, and several gateways that share it would each send it small lots:
            // so whoever was answered may come back first.
            0 if self.shared && !complete => Some(self.ended + self.took.min(LONGEST)),
            0 => Some(self.ended),
            // Made ready and with the server when the first has ended, and not long before: what comes until then is written with it,
            // and a session writes one after the other in any case.
            on_the_way if on_the_way < ON_THE_WAY && !self.shared => {
                Some(self.cut.max(self.ended) + self.took * 9 / 10)
            }
            _ => None,
        }
    }
}

impl Pace {
    /// Nothing is on its way.
    pub fn new(crowd: Arc<Crowd>) -> Self {
        let now = Instant::now();
        let known = Known {
            on_the_way: 0,
            cut: now,
            ended: now,
            took: Duration::ZERO,
            shared: false,
            repeated: None,
            left: false,
        };
        Self { known: Mutex::new(known), crowd }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the next lot is to be cut. Who waits isn't at the queue: who sends to it has nobody to wake.
    pub fn wait(&self) {
        let mut known = self.known();
        loop {
            let rest = known.next(self.crowd.is_complete()).map(|at| at.saturating_duration_since(Instant::now()));
            known = match rest {
                Some(Duration::ZERO) => return,
                Some(rest) => self.crowd.come.wait_timeout(known, rest).unwrap_or_else(PoisonError::into_inner).0,
                None => self.crowd.come.wait(known).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// A lot is cut and goes on its way; whether it goes alone and none is to be cut before it has ended.
    pub fn cut(&self) -> bool {
        let mut known = self.known();
        let alone = known.shared && known.on_the_way == 0;
        known.on_the_way += 1;
        known.cut = Instant::now();
        alone
    }

    /// The oldest lot on its way, of so many events, which was sent and answered then, is written or isn't.
    pub fn end(&self, events: usize, sent: Instant, answered: Instant, shared: bool) {
        self.crowd.answered(events);
        let mut known = self.known();
        // The server begins with it when it has ended the one before.
        known.took = answered.saturating_duration_since(sent.max(known.ended));
        known.ended = answered;
        known.shared = shared;
        known.on_the_way = known.on_the_way.saturating_sub(1);
        drop(known);
        self.crowd.come.notify_all();
    }

    /// Nobody writes lots any more: who waits for an end need not.
    pub fn leave(&self) {
        self.known().left = true;
        self.crowd.come.notify_all();
    }

    /// An event has come that repeats another one.
    pub fn repeated(&self) {
        self.known().repeated = Some(Instant::now());
    }

    /// Whether others are expected to.
    pub fn expects_repetitions(&self) -> bool {
        self.known().repeated.is_some_and(|last| last.elapsed() < AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(pace: &Pace) -> Option<Duration> {
        let known = pace.known();
        known.next(false).map(|at| at.saturating_duration_since(known.ended.max(known.cut)))
    }

    #[test]
    fn alone_the_second_lot_is_cut_while_the_first_is_written_and_the_third_when_one_has_ended() {
        let pace = Pace::new(Arc::default());
        assert_eq!(after(&pace), Some(Duration::ZERO));
        pace.cut();
        pace.end(0, Instant::now(), Instant::now(), false);
        assert_eq!(after(&pace), Some(Duration::ZERO));
        assert!(!pace.cut(), "another one may follow");
        pace.known().took = Duration::from_millis(20);
        assert_eq!(after(&pace), Some(Duration::from_millis(18)));
        pace.cut();
        assert_eq!(after(&pace), None);
    }

    #[test]
    fn with_others_lots_come_one_by_one_and_rest_in_between() {
        let pace = Pace::new(Arc::default());
        pace.cut();
        pace.end(0, Instant::now(), Instant::now(), true);
        pace.known().took = Duration::from_millis(3);
        assert_eq!(after(&pace), Some(Duration::from_millis(3)));
        pace.known().took = Duration::from_secs(3);
        assert_eq!(after(&pace), Some(LONGEST));
        assert!(pace.cut(), "it goes alone");
        assert_eq!(after(&pace), None);
    }

    #[test]
    fn the_rest_ends_when_whoever_was_answered_is_back() {
        let pace = Pace::new(Arc::default());
        pace.cut();
        pace.end(0, Instant::now(), Instant::now(), true);
        pace.known().took = Duration::from_millis(3);
        let known = pace.known();
        assert_eq!(known.next(true), Some(known.ended));
        assert_eq!(known.next(false), Some(known.ended + Duration::from_millis(3)));
    }

    #[test]
    fn who_waits_for_an_end_is_told_of_it_and_that_there_will_be_none() {
        let ends: [fn(&Pace); 2] = [
            |pace| {
                pace.end(0, Instant::now(), Instant::now(), false);
                pace.end(0, Instant::now(), Instant::now(), false);
            },
            Pace::leave,
        ];
        for end in ends {
            let pace = Pace::new(Arc::default());
            for _ in 0..ON_THE_WAY {
                pace.cut();
            }
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| pace.wait());
                end(&pace);
                waiting.join().expect("it waits");
            });
        }
    }
}
