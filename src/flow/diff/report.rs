//! What differs, as it is shown: everything in an order of its own, so that two runs say the same.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::compare::{Aspects, Outcome, RuleTally};
use super::side::{Side, State, Subject};
use super::{Ends, forecast::Calls};
use crate::domain::contact::Contact;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::time::{Timestamp, rfc3339};
use crate::flow::recorded::Recorded;

/// Something of each of the two sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    /// By the set that is compared with.
    pub base: T,
    /// By the new one.
    pub new: T,
}

impl<T> Both<T> {
    /// The first of the two.
    pub fn base_mut(&mut self) -> &mut T {
        &mut self.base
    }

    /// The second.
    pub fn new_mut(&mut self) -> &mut T {
        &mut self.new
    }
}

/// What differs between two sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether nothing differs.
    pub same: bool,
    /// What was looked at.
    pub events: EventCounts,
    /// In all.
    pub totals: Totals,
    /// Each rule that matched anything.
    pub rules: Vec<RuleRow>,
    /// Faults that come up by one set more often than by the other.
    pub faults: Vec<FaultRow>,
    /// Why events would not be taken.
    pub not_taken: Vec<NotTakenRow>,
    /// Examples of contacts whose last words differ.
    pub contacts: Vec<ContactRow>,
    /// The calls that would follow.
    pub connections: Vec<ConnectionRow>,
    /// Examples of events that are decided differently, the oldest ones.
    pub examples: Vec<EventRow>,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EventCounts {
    /// Events that both sets judged.
    pub judged: u64,
    /// When the first of them was received.
    #[serde(serialize_with = "rfc3339::option")]
    pub first: Option<Timestamp>,
    /// When the last was.
    #[serde(serialize_with = "rfc3339::option")]
    pub last: Option<Timestamp>,
    /// What no request brought, the same for both: tags by hand, repairs, earlier timers.
    pub by_hand: u64,
    /// Replays: their originals are judged.
    pub replays: u64,
    /// Their bodies went with people who were forgotten.
    pub forgotten: u64,
    /// Timers that these events set themselves, and words that were only said again.
    pub left_out: u64,
}

/// In all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events that are decided differently.
    pub events_different: u64,
    /// Of them, those that other rules match.
    pub rules: u64,
    /// Those by which something else is wanted of somebody.
    pub changes: u64,
    /// Those that are answered otherwise.
    pub replies: u64,
    /// Those in which other things go wrong.
    pub faults: u64,
    /// Those that only one of the two takes.
    pub taken: u64,
    /// Events in which something goes wrong.
    pub faulty: Both<u64>,
    /// Contacts on whom there is a word.
    pub contacts: u64,
    /// Those whose last words differ.
    pub contacts_different: u64,
}

impl Totals {
    /// Counts an event.
    pub(super) fn add(&mut self, aspects: Aspects) {
        let Aspects { rules, changes, replies, faults, taken } = aspects;
        self.rules += u64::from(rules);
        self.changes += u64::from(changes);
        self.replies += u64::from(replies);
        self.faults += u64::from(faults);
        self.taken += u64::from(taken);
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Its name.
    pub rule: RuleId,
    /// Events that it matched.
    pub matched: Both<u64>,
    /// Events that only the new one's matches.
    pub gained: u64,
    /// Events that it matches no more.
    pub lost: u64,
    /// Events that it matches as before and asks for something else.
    pub otherwise: u64,
}

impl RuleRow {
    pub(super) fn of(rule: &RuleId) -> Self {
        Self { rule: rule.clone(), matched: Both::default(), gained: 0, lost: 0, otherwise: 0 }
    }

    pub(super) fn add(&mut self, tally: RuleTally) {
        let RuleTally { base, new, otherwise } = tally;
        self.matched.base += u64::from(base);
        self.matched.new += u64::from(new);
        self.gained += u64::from(new && !base);
        self.lost += u64::from(base && !new);
        self.otherwise += u64::from(otherwise);
    }

    /// Whether nothing of it differs.
    pub fn is_same(&self) -> bool {
        self.gained == 0 && self.lost == 0 && self.otherwise == 0
    }
}

/// A fault, and in how many events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultRow {
    /// In which rule.
    pub rule: RuleId,
    /// Where in it.
    pub at: String,
    /// What.
    pub message: String,
    /// How often.
    pub events: Both<u64>,
}

pub(super) fn faults(faults: BTreeMap<(RuleId, String, String), Both<u64>>) -> Vec<FaultRow> {
    let differing = faults.into_iter().filter(|(_, events)| events.base != events.new);
    differing.map(|((rule, at, message), events)| FaultRow { rule, at, message, events }).collect()
}

/// Why events would not be taken, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotTakenRow {
    /// Why.
    pub why: String,
    /// How many.
    pub events: Both<u64>,
}

pub(super) fn not_taken(rows: BTreeMap<String, Both<u64>>) -> Vec<NotTakenRow> {
    rows.into_iter().map(|(why, events)| NotTakenRow { why, events }).collect()
}

/// A contact whose last words differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactRow {
    /// Where.
    pub connection: ConnectionName,
    /// Who.
    pub contact: String,
    /// The tags and fields that differ.
    pub words: Vec<TagRow>,
}

/// A tag or a field that ends otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagRow {
    /// `tag` or `field`
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// `added`, `removed`, a field's value, or nothing where there is no word.
    pub ends: Both<Option<String>>,
}

/// The first of those that differ, and how many there are.
pub(super) fn contacts(ends: &HashMap<Contact, Ends>, most: usize) -> (Vec<ContactRow>, u64) {
    let mut differing: Vec<(&Contact, &Ends)> = ends.iter().filter(|(_, ends)| ends.base != ends.new).collect();
    differing.sort_by_cached_key(|(contact, _)| (contact.connection.clone(), contact.reference.to_string()));
    let count = differing.len() as u64;
    let row = |(contact, ends): (&Contact, &Ends)| {
        let mut words: BTreeMap<&Subject, Both<Option<&State>>> = BTreeMap::new();
        for (subject, state) in &ends.base {
            words.entry(subject).or_default().base = Some(state);
        }
        for (subject, state) in &ends.new {
            words.entry(subject).or_default().new = Some(state);
        }
        let words = words.into_iter().filter(|(_, word)| word.base != word.new).map(|(subject, word)| {
            let (kind, name) = match subject {
                Subject::Tag(tag) => ("tag", tag.to_string()),
                Subject::Field(field) => ("field", field.clone()),
            };
            TagRow { kind, name, ends: Both { base: word.base.map(shown), new: word.new.map(shown) } }
        });
        ContactRow {
            connection: contact.connection.clone(),
            contact: contact.reference.to_string(),
            words: words.collect(),
        }
    };
    (differing.into_iter().take(most).map(row).collect(), count)
}

fn shown(state: &State) -> String {
    match state {
        State::Tag(true) => "added".to_owned(),
        State::Tag(false) => "removed".to_owned(),
        State::Field(value) => value.json().text().to_owned(),
    }
}

/// The calls of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionRow {
    /// Which; of one that only one set has, the other's calls are none.
    pub connection: ConnectionName,
    /// What would be called by each set.
    pub forecast: Both<Option<CallsRow>>,
}

impl ConnectionRow {
    /// Whether nothing of it differs.
    pub fn is_same(&self) -> bool {
        self.forecast.base == self.forecast.new
    }
}

/// Calls that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallsRow {
    /// What its account allows.
    pub allowance: String,
    /// How many calls.
    pub calls: u64,
    /// The most of its account's calls that started in one window.
    pub busiest: usize,
    /// What 99 of 100 words waited at most for their call, in milliseconds.
    pub wait_p99_ms: u32,
    /// What the last of them waited.
    pub wait_longest_ms: u32,
    /// Whether nothing is called, since the connection is on `dry_run`.
    pub dry_run: bool,
}

pub(super) fn connections(sides: &Both<Side<'_>>) -> Vec<ConnectionRow> {
    let mut names: Vec<&ConnectionName> = sides.base.forecast.names().chain(sides.new.forecast.names()).collect();
    names.sort();
    names.dedup();
    let of = |side: &Side<'_>, name: &ConnectionName| {
        let (config, Calls { calls, delays }, rate, busiest) = side.forecast.of(name)?;
        let mut delays = delays.clone();
        delays.sort_unstable();
        let at = |place: usize| delays.get(place).copied().unwrap_or_default();
        Some(CallsRow {
            allowance: rate.to_string(),
            calls: *calls,
            busiest,
            wait_p99_ms: at(delays.len().saturating_sub(1) * 99 / 100),
            wait_longest_ms: at(delays.len().saturating_sub(1)),
            dry_run: config.dry_run,
        })
    };
    let row = |name: &ConnectionName| ConnectionRow {
        connection: name.clone(),
        forecast: Both { base: of(&sides.base, name), new: of(&sides.new, name) },
    };
    names.into_iter().map(row).collect()
}

/// An event that is decided differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// Its acceptance number.
    pub id: String,
    /// When its request was received.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub received_at: Timestamp,
    /// Through which source.
    pub source: SourceName,
    /// The intent, as it was read then.
    pub intent: Option<String>,
    /// In what: `rules`, `changes`, `reply`, `faults`, `taken`.
    pub differs_in: Vec<&'static str>,
    /// The rules that match.
    pub rules: Both<Vec<RuleId>>,
}

impl EventRow {
    pub(super) fn of(event: &Recorded, base: &Outcome, new: &Outcome, aspects: Aspects) -> Self {
        Self {
            id: event.id.to_string(),
            received_at: event.received_at,
            source: event.source.clone(),
            intent: event.intent.clone(),
            differs_in: aspects.words(),
            rules: Both { base: base.rules.clone(), new: new.rules.clone() },
        }
    }
}
