//! Events as they came, with their bodies, oldest first: for whoever judges them again elsewhere.

use super::events::LOOK;
use super::lot::{self, Lot};
use super::read::Page;
use super::record::EventRecord;
use super::sql::Sql;
use super::{HELD, StoreError};
use crate::domain::change::Ord;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;

/// Which events to hand out, oldest first.
#[derive(Debug, Clone, Default)]
pub struct RecordedQuery {
    /// Only those with a greater number.
    pub after: Option<Ord>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
    /// Of this source.
    pub source: Option<SourceName>,
    /// At most so many.
    pub limit: usize,
}

/// Hands out events. A page may hold fewer than were asked for and still go on: the look has its bound, and so has what is held.
pub(super) fn list(db: &dyn Sql, query: &RecordedQuery) -> Result<Page<EventRecord>, StoreError> {
    let mut items: Vec<EventRecord> = Vec::new();
    let (mut held, mut seen) = (0, 0);
    let mut after = query.after.unwrap_or(Ord(0));
    if query.after.is_none()
        && let Some(since) = query.since
    {
        let Some(first) = lot::first_since(db, since)? else { return Ok(Page { items, next: None }) };
        after = Ord(first.0.saturating_sub(1));
    }
    while let Some(lot) = next(db, after)? {
        if query.until.is_some_and(|until| lot.at >= until) {
            break;
        }
        let fits = query.since.is_none_or(|since| lot.at >= since);
        let from = after;
        after = lot::last(db, &lot)?;
        for entry in lot.frames() {
            let (ord, frame) = entry?;
            if ord <= from || !fits {
                continue;
            }
            seen += 1;
            let record = frame.record(ord, lot.at)?;
            if query.source.as_ref().is_some_and(|source| record.head.source != *source) {
                continue;
            }
            held += frame.head.len() + record.body.len();
            items.push(record);
            if items.len() >= query.limit || held >= HELD {
                return Ok(Page { items, next: Some(ord.to_string()) });
            }
        }
        if seen >= LOOK {
            return Ok(Page { items, next: Some(after.to_string()) });
        }
    }
    Ok(Page { items, next: None })
}

/// The lot with the first event after this one: the rest of a lot that was begun, or the one behind it.
fn next(db: &dyn Sql, after: Ord) -> Result<Option<Lot>, StoreError> {
    // Numbers follow each other nearly without gaps, so this is nearly always the one. `lot::holding` would look through all lots
    // where there is none.
    if let Some(lot) = lot::newest_below(db, Ord(after.0.saturating_add(2)))?
        && lot::last(db, &lot)? > after
    {
        return Ok(Some(lot));
    }
    lot::oldest_above(db, after)
}
