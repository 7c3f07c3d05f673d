//! A connection's lane: whose turn it is. A state machine without I/O; `deliver` drives it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use super::converge::{Next, Seen, Stepped};
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;
use crate::providers::allowance::{Pass, Share};

/// Where a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// In one of the queues.
    Ready,
    /// Not before this.
    Later(Timestamp),
    /// A step is under way; `again` when more came meanwhile.
    Busy { again: bool },
}

/// Why nothing is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// When one call looks again.
    pub probe_at: Timestamp,
    probes: u32,
    /// Somebody asked for a look while one was under way: what that one finds may be older than the mend.
    again: bool,
}

/// A contact whose turn it is.
#[derive(Debug)]
pub struct Turn {
    /// Whose.
    pub key: ContactKey,
    /// Leave for its call; given back when it is dropped without one.
    pub pass: Pass,
}

/// How long a paused connection waits before one call looks again; the last one again and again.
const PROBES: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
];

/// Whose turn it is at one connection.
#[derive(Debug)]
pub struct Lane {
    /// Contacts with something new; served in turn with `retries`, so that neither starves the other.
    fresh: VecDeque<ContactKey>,
    retries: VecDeque<ContactKey>,
    retry_next: bool,
    later: BinaryHeap<Reverse<(Timestamp, ContactKey)>>,
    slots: HashMap<ContactKey, Slot>,
    busy: usize,
    concurrency: usize,
    gather: Duration,
    /// What the connection has of its account's allowance.
    pub share: Share,
    pause: Option<Pause>,
    /// The contact whose step looks whether a paused connection is well again.
    probe: Option<ContactKey>,
    paused_ms: i64,
}

impl Lane {
    /// A lane with nothing in it. `paused_ms` is for how long the connection has been paused in all.
    pub fn new(share: Share, concurrency: usize, gather: Duration, paused_ms: i64) -> Self {
        Self {
            fresh: VecDeque::new(),
            retries: VecDeque::new(),
            retry_next: false,
            later: BinaryHeap::new(),
            slots: HashMap::new(),
            busy: 0,
            concurrency: concurrency.max(1),
            gather,
            share,
            pause: None,
            probe: None,
            paused_ms,
        }
    }

    /// A contact has something new. One that waits for its retry goes on waiting: the new change is folded in then.
    pub fn wake(&mut self, key: ContactKey, now: Timestamp) {
        match self.slots.get_mut(&key) {
            Some(Slot::Busy { again }) => *again = true,
            Some(_) => {}
            None if self.gather.is_zero() => self.ready(key),
            None => self.not_before(key, now.plus(self.gather)),
        }
    }

    /// A contact waits until `at`.
    pub fn not_before(&mut self, key: ContactKey, at: Timestamp) {
        self.slots.insert(key, Slot::Later(at));
        self.later.push(Reverse((at, key)));
    }

    /// Room for so many contacts at once: growing by and by would take twice the memory for a moment.
    pub fn expect(&mut self, contacts: usize) {
        self.slots.reserve(contacts);
    }

    /// Everything that waits for its time is tried now.
    pub fn wake_all(&mut self) {
        for Reverse((at, key)) in std::mem::take(&mut self.later) {
            if self.slots.get(&key) == Some(&Slot::Later(at)) {
                self.slots.insert(key, Slot::Ready);
                self.retries.push_back(key);
            }
        }
        in_order(&mut self.fresh);
        in_order(&mut self.retries);
        if let Some(pause) = &mut self.pause {
            pause.probe_at = Timestamp(i64::MIN);
            pause.again = self.probe.is_some();
        }
    }

    /// Pauses the connection.
    pub fn pause(&mut self, since: Timestamp, reason: String, probe_at: Timestamp) {
        self.pause = Some(Pause { since, reason, probe_at, probes: 0, again: false });
    }

    /// The next contact whose step may start now, with leave for its call.
    pub fn pop(&mut self, now: Timestamp) -> Option<Turn> {
        self.due(now);
        let room = match &self.pause {
            // One call looks whether the connection is well again.
            Some(pause) => self.busy == 0 && pause.probe_at <= now,
            None => self.busy < self.concurrency,
        };
        if !room || self.fresh.is_empty() && self.retries.is_empty() {
            self.share.leave();
            return None;
        }
        let pass = self.share.pass(now)?;
        let (first, second) =
            if self.retry_next { (&mut self.retries, &mut self.fresh) } else { (&mut self.fresh, &mut self.retries) };
        let key = first.pop_front().or_else(|| second.pop_front())?;
        self.retry_next = !self.retry_next;
        self.slots.insert(key, Slot::Busy { again: false });
        self.busy += 1;
        self.probe = self.pause.is_some().then_some(key);
        Some(Turn { key, pass })
    }

    /// A contact's step has ended.
    pub fn finished(&mut self, key: ContactKey, stepped: &Stepped, now: Timestamp) {
        self.busy = self.busy.saturating_sub(1);
        if let Seen::Throttled(until) = &stepped.seen {
            self.share.allowance.hold_until(*until);
        }
        // A call that was under way before the pause says nothing about what came after: only the look at it counts.
        let looked = self.probe.take_if(|probe| *probe == key).is_some();
        match &stepped.seen {
            Seen::Ill(reason) if looked || self.pause.is_none() => self.ill(reason, now),
            Seen::Well if looked => self.well(now),
            Seen::Unclear | Seen::Throttled(_) if looked => self.looked_in_vain(now),
            Seen::NotYet(until) if looked => self.look_at(*until),
            _ => {}
        }
        let again = self.slots.remove(&key) == Some(Slot::Busy { again: true });
        match stepped.next {
            Next::Later(at) => self.not_before(key, at),
            Next::More => self.ready(key),
            Next::Idle if again => self.ready(key),
            Next::Idle => {}
        }
    }

    /// When something can happen next without being told; `None` when nothing is waited for.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let later = self.later.peek().map(|Reverse((at, _))| *at);
        let queued = !self.fresh.is_empty() || !self.retries.is_empty();
        let turn = match &self.pause {
            Some(pause) if queued && self.busy == 0 => Some(pause.probe_at.max(self.share.next(now))),
            None if queued && self.busy < self.concurrency => Some(self.share.next(now)),
            _ => None,
        };
        later.into_iter().chain(turn).min()
    }

    /// Whether somebody would have a turn, were it not for the allowance.
    pub fn is_held_up(&self, now: Timestamp) -> bool {
        self.next_due(now).is_some() && !(self.fresh.is_empty() && self.retries.is_empty())
    }

    /// How many contacts wait or are under way.
    pub fn waiting(&self) -> usize {
        self.slots.len()
    }

    /// The pause, if there is one.
    pub fn paused(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// For how long the connection has been paused in all.
    pub fn paused_ms(&self, now: Timestamp) -> i64 {
        self.paused_ms + self.pause.as_ref().map_or(0, |pause| now.since(pause.since).max(0))
    }

    fn ready(&mut self, key: ContactKey) {
        self.slots.insert(key, Slot::Ready);
        self.fresh.push_back(key);
    }

    /// What waited for its time moves to the queue.
    fn due(&mut self, now: Timestamp) {
        while let Some(Reverse((at, key))) = self.later.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.later.pop();
            if self.slots.get(&key) == Some(&Slot::Later(at)) {
                self.slots.insert(key, Slot::Ready);
                self.retries.push_back(key);
            }
        }
    }

    fn ill(&mut self, reason: &str, now: Timestamp) {
        let (since, probes) = self.pause.as_ref().map_or((now, 0), |pause| (pause.since, pause.probes + 1));
        let again = self.pause.as_ref().is_some_and(|pause| pause.again);
        let wait = PROBES.get(probes as usize).or(PROBES.last()).copied().unwrap_or_default();
        let probe_at = if again { now } else { now.plus(wait) };
        self.pause = Some(Pause { since, reason: reason.to_owned(), probe_at, probes, again: false });
    }

    /// The look at a paused connection wasn't made: it is made when it may be.
    fn look_at(&mut self, until: Timestamp) {
        if let Some(pause) = &mut self.pause {
            pause.probe_at = pause.probe_at.max(until);
        }
    }

    /// A call that was to look at a paused connection told nothing of it: the next look waits its time all the same.
    fn looked_in_vain(&mut self, now: Timestamp) {
        if let Some(pause) = self.pause.as_mut().filter(|pause| pause.probe_at <= now) {
            pause.probes += 1;
            let wait = PROBES.get(pause.probes as usize).or(PROBES.last()).copied().unwrap_or_default();
            pause.probe_at = if std::mem::take(&mut pause.again) { now } else { now.plus(wait) };
        }
    }

    fn well(&mut self, now: Timestamp) {
        if let Some(pause) = self.pause.take() {
            self.paused_ms += now.since(pause.since).max(0);
            self.wake_all();
        }
    }
}

/// A queue of this length is a backlog: what has piled up in an outage.
const BACKLOG: usize = 10_000;

/// Puts a backlog in the order in which the contacts' rows lie on disk. Neighbours are then written together; in the order in which
/// they came, each would touch pages of its own, and the disk would set the pace.
fn in_order(queue: &mut VecDeque<ContactKey>) {
    if queue.len() >= BACKLOG {
        queue.make_contiguous().sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::duration::Rate;
    use crate::providers::allowance::Allowance;

    const WELL: Stepped = Stepped { next: Next::Idle, seen: Seen::Well };

    fn key(n: u8) -> ContactKey {
        ContactKey([n; 16])
    }

    fn lane(calls: u32, concurrency: usize) -> Lane {
        let rate = Rate { calls, window: Duration::from_secs(1) };
        Lane::new(Allowance::new(rate, Clock::standing(Timestamp(0))).share(), concurrency, Duration::ZERO, 0)
    }

    /// The next turn, whose call is made at once.
    fn pop(lane: &mut Lane, now: Timestamp) -> Option<ContactKey> {
        let turn = lane.pop(now)?;
        lane.share.allowance.clock().set(now);
        turn.pass.start().expect("it may call");
        Some(turn.key)
    }

    #[test]
    fn a_look_that_is_asked_for_while_one_is_under_way_comes_right_after_it() {
        let ill = |at| (Stepped { next: Next::More, seen: Seen::Ill("no".to_owned()) }, at);
        let (mut lane, now) = (lane(100, 4), Timestamp(1_000));
        lane.pause(now, "no".to_owned(), now);
        lane.wake(key(1), now);
        assert_eq!(pop(&mut lane, now), Some(key(1)));
        lane.wake_all();
        let (stepped, at) = ill(Timestamp(1_001));
        lane.finished(key(1), &stepped, at);
        assert_eq!(pop(&mut lane, at), Some(key(1)), "the first look may be older than the mend");
        let (stepped, at) = ill(Timestamp(1_002));
        lane.finished(key(1), &stepped, at);
        assert_eq!(pop(&mut lane, at), None, "asked for once, looked once");
    }

    #[test]
    fn a_backlog_is_served_as_its_contacts_lie_on_disk_and_a_short_queue_as_it_came() {
        let number = |n: usize| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&(n * 7_919 % BACKLOG).to_be_bytes());
            ContactKey(key)
        };
        for (count, sorted) in [(BACKLOG, true), (BACKLOG - 1, false)] {
            let (mut lane, now) = (lane(u32::MAX, BACKLOG), Timestamp(0));
            (0..count).for_each(|n| lane.wake(number(n), now));
            lane.wake_all();
            let order: Vec<_> = std::iter::from_fn(|| lane.pop(now)).map(|turn| turn.key).collect();
            assert_eq!((order.len(), order.is_sorted()), (count, sorted));
        }
    }

    #[test]
    fn a_call_that_was_not_made_says_nothing_of_its_connection() {
        let (mut lane, now, until) = (lane(100, 4), Timestamp(1_000), Timestamp(4_000));
        lane.pause(now, "no".to_owned(), now);
        lane.wake(key(1), now);
        assert_eq!(pop(&mut lane, now), Some(key(1)));
        let not_yet = Stepped { next: Next::Later(until), seen: Seen::NotYet(until) };
        lane.finished(key(1), &not_yet, now);
        assert_eq!(lane.paused().map(|pause| (pause.probe_at, pause.probes)), Some((until, 0)), "no look was made");
        assert_eq!(lane.share.next(now), now, "nobody else is held up");
        assert_eq!((pop(&mut lane, now), pop(&mut lane, until)), (None, Some(key(1))));
    }

    #[test]
    fn a_contact_has_one_step_at_a_time_and_what_comes_meanwhile_goes_into_the_next() {
        let (mut lane, now) = (lane(100, 4), Timestamp(0));
        lane.wake(key(1), now);
        lane.wake(key(1), now);
        assert_eq!(pop(&mut lane, now), Some(key(1)));
        lane.wake(key(1), now);
        assert_eq!(pop(&mut lane, now), None);
        lane.finished(key(1), &WELL, now);
        assert_eq!(pop(&mut lane, now), Some(key(1)));
        lane.finished(key(1), &WELL, now);
        assert_eq!((pop(&mut lane, now), lane.waiting(), lane.next_due(now)), (None, 0, None));
    }

    #[test]
    fn the_allowance_and_the_concurrency_bound_what_starts() {
        let (mut lane, now) = (lane(2, 1), Timestamp(0));
        (1..=3).for_each(|n| lane.wake(key(n), now));
        assert_eq!(pop(&mut lane, now), Some(key(1)));
        assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, None));
        lane.finished(key(1), &WELL, now);
        assert_eq!(pop(&mut lane, now), Some(key(2)));
        lane.finished(key(2), &WELL, now);
        assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(1_100))));
        assert_eq!(pop(&mut lane, Timestamp(1_100)), Some(key(3)));
    }

    #[test]
    fn a_step_without_a_call_costs_nothing_of_the_allowance() {
        let (mut lane, now) = (lane(1, 1), Timestamp(0));
        lane.wake(key(1), now);
        lane.wake(key(2), now);
        assert_eq!(lane.pop(now).map(|turn| turn.key), Some(key(1)));
        lane.finished(key(1), &Stepped { next: Next::Idle, seen: Seen::NoCall }, now);
        assert_eq!(pop(&mut lane, now), Some(key(2)));
    }

    #[test]
    fn retries_wait_for_their_time_and_share_turns_with_first_tries() {
        let (mut lane, now) = (lane(100, 9), Timestamp(0));
        lane.wake(key(1), now);
        pop(&mut lane, now);
        lane.finished(key(1), &Stepped { next: Next::Later(Timestamp(5_000)), seen: Seen::Unclear }, now);
        lane.wake(key(1), now);
        assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(5_000))));
        (2..=4).for_each(|n| lane.wake(key(n), now));
        let late = Timestamp(5_000);
        let order: Vec<_> = std::iter::from_fn(|| pop(&mut lane, late)).collect();
        assert_eq!(order.len(), 4);
        assert!(order.iter().position(|k| *k == key(1)) <= Some(1), "{order:?}");
    }

    #[test]
    fn a_refusing_connection_is_paused_probed_and_then_everything_goes_on() {
        let (mut lane, now) = (lane(100, 4), Timestamp(0));
        (1..=2).for_each(|n| lane.wake(key(n), now));
        pop(&mut lane, now);
        lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
        assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(30_000))));
        let probe = Timestamp(30_000);
        assert!(pop(&mut lane, probe).is_some());
        assert_eq!(pop(&mut lane, probe), None, "one probe only");
        lane.finished(key(2), &WELL, probe);
        assert!(lane.paused().is_none());
        assert_eq!((lane.paused_ms(probe), pop(&mut lane, probe)), (30_000, Some(key(1))));
    }

    #[test]
    fn a_look_that_tells_nothing_is_one_look_too() {
        let (mut lane, now) = (lane(100, 4), Timestamp(0));
        (1..=3).for_each(|n| lane.wake(key(n), now));
        pop(&mut lane, now);
        lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
        let probe = Timestamp(30_000);
        let looked = pop(&mut lane, probe).expect("one looks");
        lane.finished(looked, &Stepped { next: Next::Later(Timestamp(35_000)), seen: Seen::Unclear }, probe);
        assert_eq!((pop(&mut lane, probe), lane.next_due(probe)), (None, Some(Timestamp(35_000))));
        assert_eq!(
            (pop(&mut lane, Timestamp(60_000)), lane.paused().map(|p| p.probe_at)),
            (None, Some(Timestamp(90_000)))
        );
        assert!(pop(&mut lane, Timestamp(90_000)).is_some());
    }

    #[test]
    fn calls_from_before_a_pause_neither_end_it_nor_use_up_the_look_at_it() {
        let (mut lane, now) = (lane(100, 4), Timestamp(0));
        (1..=3).for_each(|n| lane.wake(key(n), now));
        std::iter::from_fn(|| pop(&mut lane, now)).for_each(drop);
        lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
        lane.wake_all();
        lane.finished(key(2), &WELL, now);
        lane.finished(key(3), &Stepped { next: Next::Later(Timestamp(9_000)), seen: Seen::Unclear }, now);
        assert!(lane.paused().is_some());
        assert_eq!(pop(&mut lane, now), Some(key(1)), "somebody asked for a look now");
        lane.finished(key(1), &WELL, now);
        assert!(lane.paused().is_none());
    }

    #[test]
    fn gathering_waits_for_more_changes_of_one_contact() {
        let rate = Rate::per_minute(100);
        let mut lane =
            Lane::new(Allowance::new(rate, Clock::standing(Timestamp(0))).share(), 4, Duration::from_secs(5), 0);
        lane.wake(key(1), Timestamp(0));
        lane.wake(key(1), Timestamp(4_000));
        assert_eq!((pop(&mut lane, Timestamp(4_999)), pop(&mut lane, Timestamp(5_000))), (None, Some(key(1))));
    }
}
