//! Spreading: keys and changes move from memory into their tables, a sorted slice at a time.

use super::StoreError;
use super::dedup::Spans;
use super::pending;
use super::runs::Runs;
use super::schema::set_meta;
use super::sql::Sql;
use super::waiting::Recent;
use crate::domain::change::Ord;

/// How many events memory takes before they are spread. More makes slices denser (fewer pages touched a key) and memory larger.
pub(super) const GENERATION: usize = 32_768;

/// Writes all that memory holds, up to this event: nothing waits to be spread then.
pub(super) fn all(
    db: &dyn Sql,
    recent: &mut Recent,
    spans: &mut Spans,
    runs: &mut Runs,
    (upto, next_delivery): (Ord, i64),
) -> Result<(), StoreError> {
    // Twice: a generation may be on its way already.
    for _ in 0..2 {
        recent.turn(upto, next_delivery);
        slice(db, recent, spans, runs, usize::MAX)?;
    }
    Ok(())
}

/// Writes at most `rows` rows of the generation under way; ends it when nothing is left.
pub(super) fn slice(
    db: &dyn Sql,
    recent: &mut Recent,
    spans: &mut Spans,
    runs: &mut Runs,
    rows: usize,
) -> Result<(), StoreError> {
    let Some(spreading) = recent.spreading.as_mut() else { return Ok(()) };
    let mut left = rows;
    while left > 0 {
        let Some((_, key, ord, at)) = spreading.queue.pop() else { break };
        spans.insert(db, key, ord, at)?;
        left -= 1;
    }
    while left > 0 {
        let Some(contact) = spreading.contacts.pop() else { break };
        // One that was settled meanwhile is gone from here and never becomes a row.
        for (id, change) in spreading.changes.remove(&contact).into_iter().flatten() {
            pending::insert(db, runs, contact, id, &change)?;
            left = left.saturating_sub(1);
        }
    }
    if spreading.queue.is_empty() && spreading.contacts.is_empty() {
        set_meta(db, "spread", spreading.upto.0 as i64)?;
        set_meta(db, "settled_from", spreading.next_settled_from)?;
        recent.spreading = None;
    }
    Ok(())
}
