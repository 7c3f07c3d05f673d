//! Who else could serve the trace: one call an action, and an oracle that knows as much as the gateway does, waits no longer, and never
//! makes a call too many. Both are queues on paper: no store, no lanes, no margins.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::trace::Action;

/// What a provider allows and how long a call takes.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Calls that may start in a window; `None`: any number.
    pub calls: Option<usize>,
    pub window_ms: i64,
    pub latency_ms: i64,
    pub gather_ms: i64,
    pub cache_ms: i64,
    pub tags_per_call: usize,
}

/// What came of a trace.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub calls: usize,
    /// From each action to the time at which nothing more was to be done for it, in milliseconds, in the order of the actions.
    pub delays: Vec<i64>,
    /// When the last one was done.
    pub end: i64,
}

/// Starts that the allowance lets through, in order.
struct Gate {
    terms: Terms,
    starts: VecDeque<i64>,
}

impl Gate {
    fn new(terms: Terms) -> Self {
        Self { terms, starts: VecDeque::new() }
    }

    /// When a call may start that wants to at `at`.
    fn next(&self, at: i64) -> i64 {
        match self.terms.calls {
            Some(calls) if self.starts.len() >= calls => {
                at.max(self.starts[self.starts.len() - calls] + self.terms.window_ms)
            }
            _ => at,
        }
    }

    fn start(&mut self, at: i64) {
        self.starts.push_back(at);
        if self.starts.len() > self.terms.calls.unwrap_or(0) + 1 {
            self.starts.pop_front();
        }
    }
}

/// One call an action, in the order in which they came.
pub fn one_by_one(trace: &[Action], terms: Terms) -> Outcome {
    let mut gate = Gate::new(terms);
    let mut outcome = Outcome::default();
    for action in trace {
        let start = gate.next(action.at);
        gate.start(start);
        let end = start + terms.latency_ms;
        outcome.delays.push(end - action.at);
        outcome.end = outcome.end.max(end);
    }
    outcome.calls = trace.len();
    outcome
}

#[derive(Default)]
struct Contact {
    /// Places in the trace.
    waiting: Vec<usize>,
    known: HashMap<u32, (bool, i64)>,
    /// The whole list was told then.
    whole: Option<(i64, HashSet<u32>)>,
    is: HashSet<u32>,
    queued: bool,
}

/// The oracle. Contacts are served in the order in which they became due; each call brings about all that it can.
pub fn oracle(trace: &[Action], terms: Terms) -> Outcome {
    let mut gate = Gate::new(terms);
    let mut contacts: HashMap<u32, Contact> = HashMap::new();
    let mut due: BTreeSet<(i64, u64, u32)> = BTreeSet::new();
    let mut outcome = Outcome { delays: vec![0; trace.len()], ..Outcome::default() };
    let (mut next, mut turn) = (0, 0);
    loop {
        let at = due.first().map(|(at, ..)| gate.next(*at));
        let Some(at) = at.filter(|at| trace.get(next).is_none_or(|action| action.at > *at)) else {
            let Some(action) = trace.get(next) else { return outcome };
            let contact = contacts.entry(action.contact).or_default();
            contact.waiting.push(next);
            if !std::mem::replace(&mut contact.queued, true) {
                turn += 1;
                due.insert((action.at + terms.gather_ms, turn, action.contact));
            }
            next += 1;
            continue;
        };
        let Some((_, _, who)) = due.pop_first() else { return outcome };
        let contact = contacts.entry(who).or_default();
        match contact.step(trace, terms, at, &mut outcome) {
            Some(end) => {
                gate.start(at);
                turn += 1;
                due.insert((end, turn, who));
            }
            None => contact.queued = false,
        }
    }
}

impl Contact {
    /// Makes one call at `at` where one is needed; when it ends.
    fn step(&mut self, trace: &[Action], terms: Terms, at: i64, outcome: &mut Outcome) -> Option<i64> {
        let mut words: BTreeMap<u32, usize> = BTreeMap::new();
        for place in std::mem::take(&mut self.waiting) {
            if let Some(earlier) = words.insert(trace[place].tag, place) {
                outcome.delays[earlier] = at - trace[earlier].at;
            }
        }
        let mut open: Vec<usize> = Vec::new();
        for place in words.into_values() {
            if self.knows(trace[place].tag, terms, at) == Some(trace[place].there) {
                outcome.delays[place] = at - trace[place].at;
            } else {
                open.push(place);
            }
        }
        let there = open.iter().map(|place| trace[*place].there).min()?;
        let end = at + terms.latency_ms;
        let (now, later): (Vec<usize>, Vec<usize>) = open.into_iter().partition(|place| trace[*place].there == there);
        for (n, place) in now.into_iter().enumerate() {
            if n >= terms.tags_per_call {
                self.waiting.push(place);
                continue;
            }
            let tag = trace[place].tag;
            if there {
                self.is.insert(tag)
            } else {
                self.is.remove(&tag)
            };
            self.known.insert(tag, (there, at));
            outcome.delays[place] = end - trace[place].at;
        }
        self.waiting.extend(later);
        self.whole = Some((at, self.is.clone()));
        self.known.clear();
        outcome.calls += 1;
        outcome.end = outcome.end.max(end);
        Some(end)
    }

    fn knows(&self, tag: u32, terms: Terms, at: i64) -> Option<bool> {
        let fresh = |learnt: i64| at - learnt < terms.cache_ms;
        let single = self.known.get(&tag).filter(|(_, learnt)| fresh(*learnt)).map(|(there, _)| *there);
        single.or_else(|| self.whole.as_ref().filter(|(learnt, _)| fresh(*learnt)).map(|(_, tags)| tags.contains(&tag)))
    }
}
