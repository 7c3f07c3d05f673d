//! A connection's lane: whose turn it is. A state machine without I/O; its `desk` acts on what it says.

mod pause;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

pub use pause::Pause;

use super::breaker::Breaker;
use super::converge::{Next, Seen, Stepped};
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;
use crate::providers::allowance::{Pass, Share};
use crate::store::PauseKind;

/// Where a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// In one of the queues.
    Ready,
    /// Not before this.
    Later(Timestamp),
    /// Not before this, unless something new comes.
    Resting(Timestamp),
    /// A step is under way; `again` when more came meanwhile.
    Busy { again: bool },
}

/// A contact whose turn it is.
#[derive(Debug)]
pub struct Turn {
    /// Whose.
    pub key: ContactKey,
    /// Leave for its call; given back when it is dropped without one.
    pub pass: Pass,
}

/// A breaker that opens again within so many milliseconds wasn't closed by a mend; a shorter break wakes nobody.
const RELAPSE_MS: i64 = 60_000;

/// How long news of a contact that rests may wait, in milliseconds.
const NEWS_MS: i64 = 1_000;

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
    breaker: Breaker,
    /// When the breaker closed last, and after how many looks.
    closed: Option<(Timestamp, u32)>,
    /// The contact whose step looks whether a paused connection is well again.
    probe: Option<ContactKey>,
    paused_ms: i64,
    lift_from: Timestamp,
    lifted: bool,
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
            breaker: Breaker::default(),
            closed: None,
            probe: None,
            paused_ms,
            lift_from: Timestamp(i64::MIN),
            lifted: false,
        }
    }

    /// A contact has something new. One that waits for its retry goes on waiting: the new change is folded in then.
    pub fn wake(&mut self, key: ContactKey, now: Timestamp) {
        match self.slots.get_mut(&key) {
            Some(Slot::Busy { again }) => *again = true,
            // Soon, and not at once: news of a tag that rests are many, and change nothing for it.
            Some(Slot::Resting(until)) => {
                let at = now.plus_millis(NEWS_MS).min(*until);
                self.not_before(key, at);
            }
            Some(Slot::Ready | Slot::Later(_)) => {}
            None if self.gather.is_zero() => self.ready(key),
            None => self.not_before(key, now.plus(self.gather)),
        }
    }

    /// The same, where what is new has waited already under the name that the contact was looked up by.
    pub fn wake_gathered(&mut self, key: ContactKey, now: Timestamp) {
        if self.slots.contains_key(&key) {
            self.wake(key, now);
        } else {
            self.ready(key);
        }
    }

    /// The same, where its tries have failed at another gateway; one that is here already goes on as it does.
    pub fn wake_later(&mut self, key: ContactKey, at: Timestamp) {
        if self.slots.contains_key(&key) {
            self.wake(key, at);
        } else {
            self.not_before(key, at);
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
            self.retry(key, at);
        }
        in_order(&mut self.fresh);
        in_order(&mut self.retries);
        if let Some(pause) = &mut self.pause {
            pause.ask(self.probe.is_some());
        }
    }

    /// Pauses the connection.
    pub fn pause(&mut self, kind: PauseKind, since: Timestamp, reason: String, probe_at: Timestamp) {
        self.pause = Some(Pause { since, kind, reason, probe_at, probes: 0, planned: None, again: false });
    }

    /// A paused connection is looked at now; what waits for its time goes on waiting for it.
    pub fn look_now(&mut self) {
        if let Some(pause) = &mut self.pause {
            pause.ask(self.probe.is_some());
            self.lift_from = Timestamp(i64::MIN);
        }
    }

    /// A pause that nobody waits behind isn't lifted before.
    pub fn lift_from(&mut self, at: Timestamp) {
        self.lift_from = at;
    }

    /// Whether a pause was lifted since this was asked last.
    pub fn take_lifted(&mut self) -> bool {
        std::mem::take(&mut self.lifted)
    }

    /// Nobody is there who could look whether the connection is well again: whoever comes next does.
    fn lift(&mut self, now: Timestamp) {
        if self.slots.is_empty()
            && self.pause.as_ref().is_some_and(|pause| pause.looks_at(now).max(self.lift_from) <= now)
        {
            self.well(now);
            self.lifted = true;
        }
    }

    /// The next contact whose step may start now, with leave for its call.
    pub fn pop(&mut self, now: Timestamp) -> Option<Turn> {
        self.due(now);
        self.lift(now);
        let room = match &self.pause {
            // One call looks whether the connection is well again.
            Some(pause) => self.busy == 0 && pause.looks_at(now) <= now,
            None => self.busy < self.concurrency,
        };
        if room && self.pause.is_some() && self.fresh.is_empty() && self.retries.is_empty() {
            // Whether the provider is well again isn't to hang on when some contact's next try is due.
            self.bring_forward();
        }
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
            self.share.allowance.throttled(*until, now);
        }
        // A call that was under way before the pause says nothing about what came after: only the look at it counts.
        let looked = self.probe.take_if(|probe| *probe == key).is_some();
        match &stepped.seen {
            Seen::Ill(reason) if looked || self.pause.is_none() => self.ill(PauseKind::Refused, reason, now),
            Seen::Well if looked => self.well(now),
            Seen::Well if self.pause.is_none() => self.breaker.well(now),
            Seen::Unclear(why) if self.pause.is_none() && self.breaker.failed(key, now) => {
                self.ill(PauseKind::Failing, &format!("too many of its calls fail: {why}"), now);
            }
            Seen::Unclear(_) | Seen::Throttled(_) if looked => self.looked_in_vain(now),
            Seen::NotYet(until) if looked => self.look_at(*until),
            // Nothing was called for, and nothing is for a while: the next look isn't to come at once and find the same.
            Seen::NoCall if looked && matches!(stepped.next, Next::Later(_) | Next::Rest(_)) => {
                self.look_at(now.plus_millis(NEWS_MS));
            }
            _ => {}
        }
        let again = self.slots.remove(&key) == Some(Slot::Busy { again: true });
        match stepped.next {
            Next::Later(at) => self.not_before(key, at),
            Next::Rest(at) => {
                self.slots.insert(key, Slot::Resting(at));
                self.later.push(Reverse((at, key)));
                if again {
                    self.wake(key, now);
                }
            }
            Next::More => self.ready(key),
            Next::Soon => {
                self.slots.insert(key, Slot::Ready);
                self.fresh.push_front(key);
            }
            Next::Idle if again => self.ready(key),
            Next::Idle => {}
        }
    }

    /// When something can happen next without being told; `None` when nothing is waited for.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let later = self.later.peek().map(|Reverse((at, _))| *at);
        let queued = !self.fresh.is_empty() || !self.retries.is_empty();
        let turn = match &self.pause {
            Some(pause) if self.slots.is_empty() => Some(pause.looks_at(now).max(self.lift_from)),
            Some(pause) if (queued || later.is_some()) && self.busy == 0 => {
                Some(pause.looks_at(now).max(self.share.next(now)))
            }
            None if queued && self.busy < self.concurrency => Some(self.share.next(now)),
            _ => None,
        };
        // While it is paused nobody goes by a time of his own.
        later.filter(|_| self.pause.is_none()).into_iter().chain(turn).min()
    }

    /// Whether somebody would have a turn, were it not for the allowance.
    pub fn is_held_up(&self, now: Timestamp) -> bool {
        self.next_due(now).is_some() && !(self.fresh.is_empty() && self.retries.is_empty())
    }

    /// How many contacts wait or are under way.
    pub fn waiting(&self) -> usize {
        self.slots.len()
    }

    /// How many contacts' steps are under way.
    pub fn under_way(&self) -> usize {
        self.busy
    }

    /// Whether a call looks right now if the connection is well again.
    pub fn is_looking(&self) -> bool {
        self.pause.is_some() && self.probe.is_some()
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
            self.retry(key, at);
        }
    }

    /// The contact that waits least for its time is tried now; one that rests only where nobody else waits, since it calls nobody.
    fn bring_forward(&mut self) {
        let mut resting = Vec::new();
        while self.retries.is_empty() {
            let Some(Reverse((at, key))) = self.later.pop() else { break };
            match self.slots.get(&key) {
                Some(Slot::Resting(until)) if *until == at => resting.push((at, key)),
                _ => self.retry(key, at),
            }
        }
        for (at, key) in resting {
            if self.retries.is_empty() {
                self.retry(key, at);
            } else {
                self.later.push(Reverse((at, key)));
            }
        }
    }

    /// The wait of a contact that waited until `at` is over, unless it waits for something else by now.
    fn retry(&mut self, key: ContactKey, at: Timestamp) {
        if matches!(self.slots.get(&key), Some(Slot::Later(until) | Slot::Resting(until)) if *until == at) {
            self.slots.insert(key, Slot::Ready);
            self.retries.push_back(key);
        }
    }

    fn ill(&mut self, kind: PauseKind, reason: &str, now: Timestamp) {
        self.breaker.reset();
        if let Some(pause) = self.pause.as_mut().filter(|pause| pause.kind == kind) {
            reason.clone_into(&mut pause.reason);
            pause.looked_in_vain(now);
            return;
        }
        let before = self.pause.as_ref();
        let since = before.map_or(now, |pause| pause.since);
        // Whoever fails again soon after being well was not well.
        let relapse = self.closed.filter(|(at, _)| kind == PauseKind::Failing && now.since(*at) < RELAPSE_MS);
        let probes = relapse.map_or(0, |(_, probes)| probes + 1);
        let next = now.plus(pause::wait(kind, probes));
        let again = before.is_some_and(|pause| pause.again);
        let (probe_at, planned) = if again { (now, Some(next)) } else { (next, None) };
        self.pause = Some(Pause { since, kind, reason: reason.to_owned(), probe_at, probes, planned, again: false });
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
            pause.looked_in_vain(now);
        }
    }

    fn well(&mut self, now: Timestamp) {
        if let Some(pause) = self.pause.take() {
            let lasted_ms = now.since(pause.since).max(0);
            self.paused_ms += lasted_ms;
            self.breaker.reset();
            self.closed = (pause.kind == PauseKind::Failing).then_some((now, pause.probes));
            // After a short break the tries that wait have their own times, which aren't far: waking all of them each time would
            // undo the schedule of those that fail for reasons of their own.
            if pause.kind == PauseKind::Refused || lasted_ms >= RELAPSE_MS {
                self.wake_all();
            }
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
mod tests;
