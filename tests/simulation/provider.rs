//! The provider in the simulation: people with tags and fields, bodies that arrived, limits, and every way to fail.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::modelled::{Answer, Call};
use tagrelay::providers::{Direction, Found, Outcome};

use crate::schedule::{Fault, POISON, TAGS};

/// A person at a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub tags: BTreeSet<String>,
    pub fields: BTreeMap<String, String>,
}

/// A call that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Timestamp,
    pub connection: String,
    pub contact: String,
    pub call: Call,
    pub outcome: Outcome,
    /// Its answer came back before the process died.
    pub answered: bool,
    /// The person's whole list of tags, where the answer told it.
    pub told: Option<Vec<TagName>>,
}

/// A call under way.
#[derive(Debug)]
pub struct UnderWay {
    pub seen: usize,
    pub ends: Timestamp,
    answer: Answer,
    has_effect: bool,
}

#[derive(Debug, Default)]
pub struct Model {
    pub people: HashMap<(String, String), Person>,
    /// Who has an address.
    pub known: HashMap<(String, String), String>,
    pub made: usize,
    /// Bodies in the order in which they arrived: where, under which id, what.
    pub bodies: Vec<(String, String, String)>,
    pub calls: Vec<Seen>,
    pub under_way: BTreeMap<u64, UnderWay>,
    pub answers: HashMap<u64, Answer>,
    /// A call has been polled that isn't answered yet.
    pub parked: bool,
    pub next: u64,
    pub lists: bool,
    pub faults: Vec<Fault>,
    pub trouble: Option<(Fault, Timestamp)>,
    pub is_quiet: bool,
    pub tagged: u8,
}

impl Model {
    /// Who somebody is at a connection; everybody is there from the beginning.
    pub fn person(&mut self, connection: &str, id: &str) -> &mut Person {
        let tagged = self.tagged;
        let tags =
            || TAGS.iter().enumerate().filter(move |(n, _)| tagged >> n & 1 == 1).map(|(_, tag)| (*tag).to_owned());
        let key = (connection.to_owned(), id.to_owned());
        self.people.entry(key).or_insert_with(|| Person { tags: tags().collect(), fields: BTreeMap::new() })
    }

    /// A call arrives at `now`: the number of what is under way from then on.
    pub fn arrives(&mut self, connection: &str, contact: &ContactRef, call: Call, now: Timestamp) -> u64 {
        self.next += 1;
        let fault = self.fault(now);
        let id = contact.to_string();
        let latency = 20 + (u64::from(self.calls.len() as u32) * 37) % 130;
        let (outcome, takes, has_effect) = match fault {
            None => (None, latency, true),
            Some(Fault::NotSent) => (Some(retry("connection refused", None, false, false)), 5, false),
            Some(Fault::Failed) => (Some(retry("the provider failed (500)", None, false, true)), latency, false),
            Some(Fault::Ghost) => (Some(retry("the answer broke off", None, false, true)), latency, true),
            Some(Fault::Slow) => (Some(retry("no answer in time", None, false, true)), 10_000, true),
            Some(Fault::Busy(after)) => {
                let after = after.map(|seconds| Duration::from_secs(u64::from(seconds)));
                (Some(retry("too many requests (429)", after, true, false)), latency, false)
            }
            Some(Fault::Refused) => {
                (Some(Outcome::Refused { reason: "the key is refused (401)".into() }), latency, false)
            }
        };
        let refused = refusal(&call).filter(|_| outcome.is_none());
        let has_effect = has_effect && refusal(&call).is_none();
        let answer = Answer::Outcome(outcome.or(refused).unwrap_or(Outcome::Done { tags: None }));
        let seen = Seen {
            at: now,
            connection: connection.to_owned(),
            contact: id,
            outcome: match &answer {
                Answer::Outcome(outcome) => outcome.clone(),
                _ => Outcome::Done { tags: None },
            },
            call,
            answered: false,
            told: None,
        };
        let ends = now.plus_millis(takes as i64);
        self.under_way.insert(self.next, UnderWay { seen: self.calls.len(), ends, answer, has_effect });
        self.calls.push(seen);
        self.next
    }

    fn fault(&mut self, now: Timestamp) -> Option<Fault> {
        if self.is_quiet {
            return None;
        }
        if let Some((fault, until)) = self.trouble
            && now < until
        {
            return Some(fault);
        }
        self.faults.pop()
    }

    /// A call has its effect and its answer.
    pub fn ends(&mut self, number: u64) {
        let Some(call) = self.under_way.remove(&number) else { return };
        let mut answer = call.answer;
        if call.has_effect {
            let told = self.happens(call.seen);
            if matches!(answer, Answer::Outcome(Outcome::Done { .. })) {
                answer = told;
            }
        }
        self.calls[call.seen].answered = true;
        self.answers.insert(number, answer);
    }

    /// The process dies: what is under way arrives or doesn't, and nobody hears of it.
    pub fn lose_all(&mut self) {
        for (number, call) in std::mem::take(&mut self.under_way) {
            if call.has_effect && number % 2 == 0 {
                self.happens(call.seen);
            }
        }
        self.answers.clear();
    }

    fn happens(&mut self, seen: usize) -> Answer {
        let Seen { connection, contact, call, .. } = self.calls[seen].clone();
        let id = contact.strip_prefix("id:").unwrap_or(&contact).to_owned();
        let lists = self.lists;
        match &call {
            Call::ChangeTags(direction, tags) => {
                let person = self.person(&connection, &id);
                let there = *direction == Direction::Add;
                for tag in tags {
                    if there {
                        person.tags.insert(tag.to_string())
                    } else {
                        person.tags.remove(tag.as_str())
                    };
                }
                let tags = lists.then(|| listed(person));
                self.calls[seen].told.clone_from(&tags);
                Answer::Outcome(Outcome::Done { tags })
            }
            Call::SetFields(fields) => {
                let person = self.person(&connection, &id);
                for (name, value) in fields {
                    person.fields.insert(name.clone(), value.canonical());
                }
                Answer::Outcome(Outcome::Done { tags: None })
            }
            Call::Forward(name, body) => {
                self.bodies.push((connection, name.clone(), body.canonical()));
                Answer::Outcome(Outcome::Done { tags: None })
            }
            Call::ReadTags => {
                let tags = Some(listed(self.person(&connection, &id)));
                self.calls[seen].told.clone_from(&tags);
                Answer::Outcome(Outcome::Done { tags })
            }
            Call::Find => Answer::Found(match self.known.get(&(connection, contact)) {
                Some(id) => Found::One(id.clone()),
                None => Found::Nobody,
            }),
            Call::Create => {
                self.made += 1;
                let id = format!("{id}#{}", self.made);
                let key = (connection.clone(), contact);
                let id = self.known.entry(key).or_insert(id).clone();
                self.people.entry((connection, id.clone())).or_default();
                Answer::Created(id)
            }
        }
    }
}

fn listed(person: &Person) -> Vec<TagName> {
    person.tags.iter().filter_map(|tag| TagName::parse(tag)).collect()
}

/// What the provider refuses whatever the weather.
fn refusal(call: &Call) -> Option<Outcome> {
    let Call::ChangeTags(_, tags) = call else { return None };
    let poison = TAGS[usize::from(POISON)];
    let is_bad = tags.iter().any(|tag| tag.as_str() == poison);
    is_bad.then(|| Outcome::Dead { reason: "a tag is refused (400)".to_owned() })
}

fn retry(reason: &str, after: Option<Duration>, throttled: bool, in_doubt: bool) -> Outcome {
    Outcome::Retry { reason: reason.to_owned(), after, throttled, in_doubt }
}
