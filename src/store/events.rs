//! Lists of events: by what they are, newest first, a bounded piece of the past at a time.

use super::fault;
use super::lot;
use super::read::Page;
use super::record::{EventHead, Frame};
use super::sql::Sql;
use super::{HELD, StoreError};
use crate::domain::change::Ord;
use crate::domain::contact::ContactKey;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;

/// Events that one look goes through at most, so that a rare find doesn't hold up other readers.
pub(super) const LOOK: usize = 20_000;

/// Which events; what isn't given lets all of them through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this source.
    pub source: Option<SourceName>,
    /// That this rule matched.
    pub rule: Option<String>,
    /// Of this intent.
    pub intent: Option<String>,
    /// With a change for one of these contacts, or a word that others changed their tags.
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

/// An event in a list: without its body and its reply, which are looked up one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLine {
    /// Its acceptance number.
    pub ord: Ord,
    /// When its lot was written.
    pub accepted_at: Timestamp,
    /// What is told of it.
    pub head: EventHead,
}

impl EventFilter {
    fn lets_through(&self, line: &EventLine) -> bool {
        let head = &line.head;
        self.source.as_ref().is_none_or(|source| head.source == *source)
            && self.rule.as_ref().is_none_or(|rule| head.rules.iter().any(|matched| matched.as_str() == rule))
            && self.intent.as_ref().is_none_or(|intent| head.intent.as_ref() == Some(intent))
            && self.contacts.as_ref().is_none_or(|keys| head.names(keys))
            && self.since.is_none_or(|since| line.accepted_at >= since)
            && self.until.is_none_or(|until| line.accepted_at < until)
    }
}

/// A page as it fills.
struct Filling<'q> {
    query: &'q EventQuery,
    items: Vec<EventLine>,
    held: usize,
}

impl Filling<'_> {
    /// Takes an event if the filter lets it through; whether the page is full then.
    fn take(&mut self, ord: Ord, at: Timestamp, frame: Frame<'_>) -> Result<bool, StoreError> {
        let line = EventLine { ord, accepted_at: at, head: frame.head()? };
        if self.query.filter.lets_through(&line) {
            self.held += frame.head.len();
            self.items.push(line);
        }
        Ok(self.items.len() >= self.query.limit || self.held >= HELD)
    }

    fn page(self, next: Option<Ord>) -> Page<EventLine> {
        Page { items: self.items, next: next.map(|ord| ord.to_string()) }
    }
}

/// Lists events. A page may hold fewer than were asked for and still go on: the look has its bound, and so has what is held.
pub(super) fn list(db: &dyn Sql, query: &EventQuery) -> Result<Page<EventLine>, StoreError> {
    let before = query.before.unwrap_or(Ord(u64::MAX));
    let filling = Filling { query, items: Vec::new(), held: 0 };
    if query.filter.faulty { faulty(db, filling, before) } else { all(db, filling, before) }
}

fn all(db: &dyn Sql, mut filling: Filling<'_>, mut before: Ord) -> Result<Page<EventLine>, StoreError> {
    let mut seen = 0;
    while let Some(lot) = lot::newest_below(db, before)? {
        if filling.query.filter.since.is_some_and(|since| lot.at < since) {
            break;
        }
        let frames = lot.frames().filter(|entry| entry.as_ref().map_or(true, |(ord, _)| *ord < before));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
        before = lot.first;
        seen += frames.len();
        for (ord, frame) in frames.into_iter().rev() {
            if filling.take(ord, lot.at, frame)? {
                return Ok(filling.page(Some(ord)));
            }
        }
        if seen >= LOOK {
            return Ok(filling.page(Some(before)));
        }
    }
    Ok(filling.page(None))
}

fn faulty(db: &dyn Sql, mut filling: Filling<'_>, mut before: Ord) -> Result<Page<EventLine>, StoreError> {
    for _ in 0..LOOK / 256 {
        let open = fault::newest_below(db, before, 256)?;
        let Some(last) = open.last().copied() else { return Ok(filling.page(None)) };
        for ord in open {
            let Some(lot) = lot::holding(db, ord)? else { continue };
            let frame = lot.frame(ord)?;
            if frame.map_or(Ok(false), |frame| filling.take(ord, lot.at, frame))? {
                return Ok(filling.page(Some(ord)));
            }
        }
        before = last;
    }
    Ok(filling.page(Some(before)))
}
