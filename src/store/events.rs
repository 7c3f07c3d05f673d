//! Lists of events: by what they are, newest first, a bounded piece of the past at a time.

use rusqlite::Connection;

use super::StoreError;
use super::fault;
use super::lot;
use super::read::Page;
use super::record::EventRecord;
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;

/// Events that one look goes through at most, so that a rare find doesn't hold up other readers.
const LOOK: usize = 20_000;

/// Which events; what isn't given lets all of them through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this source.
    pub source: Option<SourceName>,
    /// That this rule matched.
    pub rule: Option<String>,
    /// Of this intent.
    pub intent: Option<String>,
    /// With a change for one of these contacts.
    pub contacts: Option<Vec<ContactKey>>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
    /// With faults that nobody has answered.
    pub faulty: bool,
}

/// Which events to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only those with a smaller number.
    pub before: Option<Ord>,
    /// Only these.
    pub filter: EventFilter,
    /// At most so many.
    pub limit: usize,
}

impl EventFilter {
    fn lets_through(&self, record: &EventRecord) -> bool {
        let head = &record.head;
        let is_for = |keys: &Vec<ContactKey>| head.changes.iter().any(|change| keys.contains(&change.contact.key()));
        self.source.as_ref().is_none_or(|source| head.source == *source)
            && self.rule.as_ref().is_none_or(|rule| head.rules.iter().any(|matched| matched.as_str() == rule))
            && self.intent.as_ref().is_none_or(|intent| head.intent.as_ref() == Some(intent))
            && self.contacts.as_ref().is_none_or(is_for)
            && self.since.is_none_or(|since| record.accepted_at >= since)
            && self.until.is_none_or(|until| record.accepted_at < until)
    }
}

/// Lists events. A page may hold fewer than were asked for and still go on: the look has its bound.
pub(super) fn list(db: &Connection, query: &EventQuery) -> Result<Page<EventRecord>, StoreError> {
    let before = query.before.unwrap_or(Ord(u64::MAX));
    if query.filter.faulty { faulty(db, query, before) } else { all(db, query, before) }
}

fn all(db: &Connection, query: &EventQuery, mut before: Ord) -> Result<Page<EventRecord>, StoreError> {
    let mut items = Vec::new();
    let mut seen = 0;
    while let Some(lot) = lot::newest_below(db, before)? {
        if query.filter.since.is_some_and(|since| lot.at < since) {
            break;
        }
        let mut of_lot = Vec::new();
        for entry in lot.frames() {
            let (ord, frame) = entry?;
            if ord < before {
                of_lot.push(frame.record(ord, lot.at)?);
            }
        }
        before = lot.first;
        seen += of_lot.len();
        for record in of_lot.into_iter().rev() {
            let next = record.ord.to_string();
            if query.filter.lets_through(&record) {
                items.push(record);
            }
            if items.len() == query.limit {
                return Ok(Page { items, next: Some(next) });
            }
        }
        if seen >= LOOK {
            return Ok(Page { items, next: Some(before.to_string()) });
        }
    }
    Ok(Page { items, next: None })
}

fn faulty(db: &Connection, query: &EventQuery, mut before: Ord) -> Result<Page<EventRecord>, StoreError> {
    let mut items = Vec::new();
    for _ in 0..LOOK / 256 {
        let open = fault::newest_below(db, before, 256)?;
        let Some(last) = open.last().copied() else { return Ok(Page { items, next: None }) };
        for ord in open {
            let record = lot::holding(db, ord)?.map(|lot| lot.record(ord)).transpose()?.flatten();
            items.extend(record.filter(|record| query.filter.lets_through(record)));
            if items.len() == query.limit {
                return Ok(Page { items, next: Some(ord.to_string()) });
            }
        }
        before = last;
    }
    Ok(Page { items, next: Some(before.to_string()) })
}
