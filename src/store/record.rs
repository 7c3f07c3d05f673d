//! An event as it is stored: a JSON head that explains it, the reply's bytes, the body's bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::StoreError;
use super::contact::json;
use super::dedup::DedupKey;
use crate::domain::change::{Change, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::{ECHO, Event};
use crate::domain::name::{RuleId, SourceName};
use crate::domain::time::Timestamp;

/// What is told of an event without reading its body again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventHead {
    /// The hook it came through.
    pub source: SourceName,
    /// When its request was received.
    pub received_at: Timestamp,
    /// The hash of the rule set that judged it.
    pub rule_set: String,
    /// Its deduplication key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Its language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The rules that matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleId>,
    /// What went wrong in rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Whose tags it called changed by others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags_changed: Vec<Contact>,
    /// The places of changes that went when their contact was forgotten; the body and all else of the person went with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<u32>,
    /// A person was forgotten whom it named otherwise than by a change: what names them went.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgotten: bool,
    /// The event that this one is a replay of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<Ord>,
    /// What a person said of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The request's query, credentials left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// The request's headers, credentials left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

impl EventHead {
    /// Whether it is about one of these contacts: by a change, or since it called their tags changed by others.
    pub fn names(&self, keys: &[ContactKey]) -> bool {
        let mut named = self.changes.iter().map(|change| &change.contact).chain(&self.tags_changed);
        named.any(|contact| keys.contains(&contact.key()))
    }

    /// Whether it told of what we did ourselves.
    pub fn is_echo(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == ECHO)
    }

    /// Whether what it had of a person went when that person was forgotten, its body and all.
    pub fn is_forgotten(&self) -> bool {
        self.forgotten || !self.erased.is_empty()
    }

    /// Its changes with their places, which stay as they were when others go.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Change)> {
        (0..).filter(|index| !self.erased.contains(index)).zip(&self.changes)
    }
}

/// An event read back from its lot.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRecord {
    /// Its acceptance number.
    pub ord: Ord,
    /// When its lot was written.
    pub accepted_at: Timestamp,
    /// What is told of it.
    pub head: EventHead,
    /// What was answered.
    pub reply: Vec<u8>,
    /// What was received.
    pub body: Vec<u8>,
}

/// Where an event comes from that no request brought.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The event that it is a replay of.
    pub replay_of: Option<Ord>,
    /// What a person said of it.
    pub note: String,
}

/// An event on its way into the store, encoded by the thread that received it so that the writer only appends.
#[derive(Debug)]
pub struct Intake {
    pub(super) key: Option<DedupKey>,
    /// Whether its rules had faults.
    pub(super) faulty: bool,
    /// The event that it answers by being its replay.
    pub(super) replay_of: Option<Ord>,
    pub(super) frame: Vec<u8>,
    /// With the key of each change's contact: the writer hashes nothing.
    pub(super) changes: Vec<(ContactKey, Change)>,
    /// The changes as they lie in the frame, in their order.
    pub(super) encoded: Vec<Box<RawValue>>,
}

/// [`EventHead`] as it is written: the same names, nothing copied.
#[derive(Serialize)]
struct HeadOf<'a> {
    source: &'a SourceName,
    received_at: Timestamp,
    rule_set: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rules: &'a [RuleId],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    faults: &'a [Fault],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [Box<RawValue>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags_changed: &'a [Contact],
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_of: Option<Ord>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    query: &'a [(Cow<'a, str>, Cow<'a, str>)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    headers: &'a [(Cow<'a, str>, Cow<'a, str>)],
}

impl Intake {
    /// Encodes an event with what was decided, the reply's bytes and the raw body. The decision's changes move in here.
    pub fn of(event: &Event<'_>, rule_set: &str, decision: &mut Decision, reply: &[u8], body: &[u8]) -> Self {
        Self::from(&Origin::default(), event, rule_set, decision, reply, body)
    }

    /// The same of an event that an operator asked for.
    pub fn from(
        origin: &Origin,
        event: &Event<'_>,
        rule_set: &str,
        decision: &mut Decision,
        reply: &[u8],
        body: &[u8],
    ) -> Self {
        let encoded: Vec<_> = decision.changes.iter().map(encoded).collect();
        let head = HeadOf {
            source: &event.source,
            received_at: event.received_at,
            rule_set,
            key: event.key.as_deref(),
            kind: event.kind.as_deref(),
            intent: event.intent.as_deref(),
            language: event.language.as_deref(),
            rules: &decision.rules,
            faults: &decision.faults,
            changes: &encoded,
            tags_changed: &decision.tags_changed,
            replay_of: origin.replay_of,
            note: &origin.note,
            query: &event.query.0,
            headers: &event.headers.0,
        };
        let key = event.key.as_deref().map(|key| DedupKey::of(&event.source, key));
        let frame = encode(&head, reply, body);
        let changes =
            std::mem::take(&mut decision.changes).into_iter().map(|change| (change.contact.key(), change)).collect();
        Self { key, faulty: !decision.faults.is_empty(), replay_of: origin.replay_of, frame, changes, encoded }
    }
}

impl Intake {
    /// Its changes with the keys of their contacts, as they wait from this time on.
    pub(super) fn waiting(&self, at: Timestamp) -> impl Iterator<Item = (ContactKey, String)> {
        // The time is a change's last field, and is seldom there before the event is accepted.
        let stamped = move |change: &Change, encoded: &RawValue| match encoded.get().strip_suffix('}') {
            Some(fields) if change.at == Timestamp::default() => format!("{fields},\"at\":{}}}", at.0),
            _ => json(&Change { at, ..change.clone() }),
        };
        self.changes.iter().zip(&self.encoded).map(move |((key, change), encoded)| (*key, stamped(change, encoded)))
    }

    /// How many bytes it holds, as it will lie in its lot.
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }
}

fn encoded(change: &Change) -> Box<RawValue> {
    to_raw_value(change).expect("a change is plain data")
}

const LENGTHS: usize = 12;

fn encode(head: &HeadOf<'_>, reply: &[u8], body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(LENGTHS + 768 + reply.len() + body.len());
    frame.extend_from_slice(&[0; LENGTHS]);
    serde_json::to_writer(&mut frame, head).expect("a head is plain data and a Vec takes every byte");
    let head_len = frame.len() - LENGTHS;
    frame.extend_from_slice(reply);
    frame.extend_from_slice(body);
    let lengths = [head_len, reply.len(), body.len()];
    for (slot, length) in frame.chunks_exact_mut(4).zip(lengths) {
        slot.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    frame
}

/// The parts of one frame, still encoded.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub head: &'a [u8],
    pub reply: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the first frame off `bytes`.
    pub fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), StoreError> {
        let damaged = || StoreError::Damaged("a lot ends in the middle of an event");
        let (lengths, mut rest) = bytes.split_at_checked(LENGTHS).ok_or_else(damaged)?;
        let mut part = |index: usize| {
            let length = lengths.get(index * 4..index * 4 + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
            let (part, after) = rest.split_at_checked(length.ok_or_else(damaged)? as usize).ok_or_else(damaged)?;
            rest = after;
            Ok::<_, StoreError>(part)
        };
        let frame = Self { head: part(0)?, reply: part(1)?, body: part(2)? };
        Ok((frame, rest))
    }

    /// Itself, as it lies in a lot.
    pub fn bytes(&self) -> Vec<u8> {
        let lengths = [self.head.len(), self.reply.len(), self.body.len()];
        let lengths = lengths.map(|length| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        [&lengths.concat(), self.head, self.reply, self.body].concat()
    }

    /// The decoded head.
    pub fn head(&self) -> Result<EventHead, StoreError> {
        serde_json::from_slice(self.head).map_err(|_| StoreError::Damaged("an event's head can't be read"))
    }

    /// The whole event.
    pub fn record(&self, ord: Ord, accepted_at: Timestamp) -> Result<EventRecord, StoreError> {
        Ok(EventRecord { ord, accepted_at, head: self.head()?, reply: self.reply.to_vec(), body: self.body.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_the_change_with_the_time_of_its_acceptance() {
        let contact = Contact {
            connection: crate::domain::name::ConnectionName::parse("crm").expect("a name"),
            reference: crate::domain::contact::ContactRef::Id("}\"".to_owned()),
        };
        let tag = crate::domain::tag::TagName::parse("Lead").expect("a tag");
        let effect = crate::domain::change::Effect::AddTag(tag);
        let change = Change::plain(contact, effect, RuleId::parse("lead").expect("a name"));
        let mut decision = Decision { changes: vec![change.clone()], ..Decision::default() };
        let event = Event::empty(SourceName::parse("bot").expect("a name"), Timestamp(0));
        let intake = Intake::of(&event, "hash", &mut decision, b"", b"{}");
        let waiting: Vec<_> = intake.waiting(Timestamp(17)).collect();
        let [(key, text)] = waiting.as_slice() else { panic!("one change: {waiting:?}") };
        assert_eq!(*key, change.contact.key());
        assert_eq!(*text, serde_json::to_string(&Change { at: Timestamp(17), ..change.clone() }).expect("JSON"));
        let (frame, _) = Frame::split_first(&intake.frame).expect("a frame");
        assert_eq!(frame.head().expect("a head").changes, [change]);
    }

    #[test]
    fn a_head_of_an_earlier_version_reads_and_one_that_says_nothing_new_is_written_as_before() {
        let text = r#"{"source":"bot","received_at":0,"rule_set":"hash","rules":["lead"]}"#;
        let head: EventHead = serde_json::from_str(text).expect("a head");
        assert_eq!((head.tags_changed.as_slice(), head.is_forgotten()), (&[][..], false));
        assert_eq!(serde_json::to_string(&head).expect("JSON"), text);
    }
}
