//! Diff: recorded events through two rule sets, and what would have been otherwise. Nobody is called, nothing is stored.
//!
//! Each event is judged afresh by both sets at the time when it was received. What they want then happens to two towns of people who
//! begin with no tag that is known: guards, exclusive tags, `for` and `once` as rule tests have them. The calls that follow are a
//! forecast: see [`forecast`].
//!
//! It runs beside the person who asks and not in the gateway, which has its webhooks to answer: a gateway hands events out page by
//! page and holds one page; whoever compares holds two states of each contact.

mod compare;
pub mod forecast;
mod report;
mod side;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use super::again;
use super::recorded::Recorded;
use super::timers;
use crate::domain::change::Ord;
use crate::domain::contact::Contact;
use crate::domain::name::RuleId;
use crate::domain::time::Timestamp;
use crate::rules::Catalog;
use compare::{Outcome, Tally};
pub use report::{
    Both, CallsRow, ConnectionRow, ContactRow, Difference, EventCounts, EventRow, FaultRow, NotTakenRow, RuleRow,
    TagRow, Totals,
};
use side::{Side, State, Subject};

/// The last words on a contact, by the one set and by the other, each list in order.
type Ends = Both<Vec<(Subject, State)>>;

/// A comparison under way.
pub struct Diff<'s> {
    sides: Both<Side<'s>>,
    ends: HashMap<Contact, Ends>,
    rules: BTreeMap<RuleId, RuleRow>,
    faults: BTreeMap<(RuleId, String, String), Both<u64>>,
    not_taken: BTreeMap<String, Both<u64>>,
    events: EventCounts,
    totals: Totals,
    examples: Vec<EventRow>,
    most: usize,
    first: Option<u64>,
    now: Timestamp,
}

impl<'s> Diff<'s> {
    /// Compares two sets; of what differs it shows so many examples.
    pub fn new(base: &'s Catalog, new: &'s Catalog, examples: usize) -> Self {
        Self {
            sides: Both { base: Side::new(base), new: Side::new(new) },
            ends: HashMap::new(),
            rules: BTreeMap::new(),
            faults: BTreeMap::new(),
            not_taken: BTreeMap::new(),
            events: EventCounts::default(),
            totals: Totals::default(),
            examples: Vec::new(),
            most: examples,
            first: None,
            now: Timestamp(i64::MIN),
        }
    }

    /// Takes the next event; they come in the order of their numbers.
    pub fn take(&mut self, event: &Recorded) {
        let first = *self.first.get_or_insert(event.id);
        let accepted = event.accepted_at.max(self.now);
        self.go_on_to(accepted);
        if event.is_ours() {
            self.take_ours(event, first);
        } else if event.replay_of.is_some() {
            self.events.replays += 1;
        } else if event.forgotten {
            self.events.forgotten += 1;
        } else {
            self.judge(event);
        }
    }

    /// What differs in all.
    pub fn end(mut self) -> Difference {
        self.sides.base.forecast.run_out();
        self.sides.new.forecast.run_out();
        let connections = report::connections(&self.sides);
        let (contacts, differing) = report::contacts(&self.ends, self.most);
        self.totals.contacts = self.ends.len() as u64;
        self.totals.contacts_different = differing;
        let rules: Vec<RuleRow> = self.rules.into_values().collect();
        let faults = report::faults(self.faults);
        let not_taken = report::not_taken(self.not_taken);
        let same = self.totals.events_different == 0
            && differing == 0
            && connections.iter().all(ConnectionRow::is_same)
            && rules.iter().all(RuleRow::is_same);
        let Self { events, totals, examples, .. } = self;
        Difference { same, events, totals, rules, faults, not_taken, contacts, connections, examples }
    }

    /// Time goes by for both: tags that were added for a time go, and calls start that may.
    fn go_on_to(&mut self, now: Timestamp) {
        let Both { base, new } = &mut self.sides;
        base.go_on_to(now, &mut |contact, subject, state| {
            side::word(&mut self.ends, contact, subject, state, |e| &mut e.base);
        });
        new.go_on_to(now, &mut |contact, subject, state| {
            side::word(&mut self.ends, contact, subject, state, |e| &mut e.new);
        });
        self.now = now;
    }

    /// What no request brought is the same whatever the rules say, but for the time of tags that these events have set themselves.
    fn take_ours(&mut self, event: &Recorded, first: u64) {
        let source = event.source.as_str();
        let ends = |ord: Ord| ord.0 >= first;
        let own_timer =
            event.changes.iter().any(|c| c.terms.as_ref().and_then(|t| t.ends).is_some_and(|id| ends(id.ord)));
        if source == again::NAME || (source == timers::SOURCE && own_timer) {
            self.events.left_out += 1;
            return;
        }
        self.events.by_hand += 1;
        self.carry_out(&event.changes, &event.changes);
    }

    fn judge(&mut self, event: &Recorded) {
        self.events.judged += 1;
        self.events.first.get_or_insert(event.received_at);
        self.events.last = Some(event.received_at);
        let base = Outcome::of(event.judge(self.sides.base.catalog));
        let new = Outcome::of(event.judge(self.sides.new.catalog));
        self.count(event, &base, &new);
        self.carry_out(&base.changes, &new.changes);
    }

    fn carry_out(&mut self, base: &[crate::domain::change::Change], new: &[crate::domain::change::Change]) {
        let now = self.now;
        let sides = &mut self.sides;
        sides.base.carry_out(base, now, &mut |contact, subject, state| {
            side::word(&mut self.ends, contact, subject, state, |ends| &mut ends.base);
        });
        sides.new.carry_out(new, now, &mut |contact, subject, state| {
            side::word(&mut self.ends, contact, subject, state, |ends| &mut ends.new);
        });
    }

    fn count(&mut self, event: &Recorded, base: &Outcome, new: &Outcome) {
        let Tally { rules, aspects } = compare::tally(base, new);
        for (rule, counted) in rules {
            self.rules.entry(rule.clone()).or_insert_with(|| RuleRow::of(&rule)).add(counted);
        }
        for (outcome, of) in [(base, Both::base_mut as fn(&mut Both<u64>) -> &mut u64), (new, Both::new_mut)] {
            if let Some(why) = &outcome.not_taken {
                *of(self.not_taken.entry(why.clone()).or_default()) += 1;
            }
            for fault in &outcome.faults {
                let key = (fault.rule.clone(), fault.at.clone(), fault.message.clone());
                *of(self.faults.entry(key).or_default()) += 1;
            }
        }
        self.totals.faulty.base += u64::from(!base.faults.is_empty());
        self.totals.faulty.new += u64::from(!new.faults.is_empty());
        if aspects.is_none() {
            return;
        }
        self.totals.events_different += 1;
        self.totals.add(aspects);
        if self.examples.len() < self.most {
            self.examples.push(EventRow::of(event, base, new, aspects));
        }
    }
}
