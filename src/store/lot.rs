//! A lot: the events of one commit in one compressed row.

use super::sql::{Row, Sql, args};

use super::StoreError;
use super::record::{EventRecord, Frame};
use super::schema;
use crate::domain::change::Ord;
use crate::domain::time::Timestamp;

/// The form of the bytes below; a newer form gets a new number, and both stay readable.
const FORM: u8 = 1;

/// One lot, unpacked.
pub(super) struct Lot {
    /// The number of its first event; the others follow without a gap.
    pub first: Ord,
    /// When it was written.
    pub at: Timestamp,
    /// How many numbers it has.
    events: u64,
    bytes: Vec<u8>,
    /// Places of events that are none: repetitions of others. In order.
    skipped: Vec<u64>,
}

/// Packs the frames of one commit.
pub(super) fn pack(frames: &[&[u8]]) -> Vec<u8> {
    let raw: Vec<u8> = frames.concat();
    let mut packed = lz4_flex::block::compress_prepend_size(&raw);
    packed.push(FORM);
    packed
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let Some((FORM, packed)) = packed.split_last().map(|(form, packed)| (*form, packed)) else {
        return Err(StoreError::Damaged("a lot is in a form that this version doesn't know"));
    };
    lz4_flex::block::decompress_size_prepended(packed).map_err(|_| StoreError::Damaged("a lot can't be unpacked"))
}

impl Lot {
    /// The number of its last event.
    pub fn last(&self) -> Ord {
        Ord(self.first.0 + self.events.max(1) - 1)
    }

    /// Its events' frames, numbered.
    pub fn frames(&self) -> impl Iterator<Item = Result<(Ord, Frame<'_>), StoreError>> {
        let is_none = |ord: Ord| self.skipped.binary_search(&(ord.0 - self.first.0)).is_ok();
        self.places().filter(move |entry| entry.as_ref().map_or(true, |(ord, _)| !is_none(*ord)))
    }

    /// The frames of all places, those included that hold no event.
    pub fn places(&self) -> impl Iterator<Item = Result<(Ord, Frame<'_>), StoreError>> {
        let mut rest = self.bytes.as_slice();
        let mut next = self.first.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let ord = Ord(next);
            next += 1;
            match Frame::split_first(rest) {
                Ok((frame, after)) => {
                    rest = after;
                    Some(Ok((ord, frame)))
                }
                Err(error) => {
                    rest = &[];
                    Some(Err(error))
                }
            }
        })
    }

    /// The event with this number, still encoded.
    pub fn frame(&self, ord: Ord) -> Result<Option<Frame<'_>>, StoreError> {
        for entry in self.frames() {
            let (this, frame) = entry?;
            if this == ord {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The event with this number.
    pub fn record(&self, ord: Ord) -> Result<Option<EventRecord>, StoreError> {
        self.frame(ord)?.map(|frame| frame.record(ord, self.at)).transpose()
    }
}

pub(super) fn insert(db: &dyn Sql, first: Ord, at: Timestamp, events: usize, body: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO lot (first, at, events, body) VALUES (?1, ?2, ?3, ?4)";
    db.send(sql, args![first, at, events as i64, body])
}

const COLUMNS: &str = "SELECT first, at, body, skipped, events FROM lot";

/// What [`open`] reads.
pub(super) const COLUMNS_OF_ONE: &str = "first, at, body, skipped, events";

/// Within so many numbers the next lot nearly always is, for a lot has rarely more. Of a table in partitions one is asked then, or two
/// at a border; all are only where nothing is found.
const NEAR: u64 = 1 << 12;

pub(super) fn open(row: &Row<'_>) -> Result<Lot, StoreError> {
    let places = row.text_if_any(3)?.unwrap_or_default().split(',');
    let mut skipped: Vec<u64> = places.filter_map(|place| place.parse().ok()).collect();
    skipped.sort_unstable();
    let (first, at, events, bytes) = (row.ord(0)?, row.time(1)?, row.int(4)? as u64, unpack(row.blob(2)?)?);
    Ok(Lot { first, at, events, bytes, skipped })
}

/// The lot that holds `ord`, if it is still there.
pub(super) fn holding(db: &dyn Sql, ord: Ord) -> Result<Option<Lot>, StoreError> {
    let candidate = newest_below(db, Ord(ord.0.saturating_add(1)))?;
    Ok(candidate.filter(|lot| lot.last() >= ord))
}

/// The lot that was opened last. Who sends again what wasn't answered in time sends again all that was in one lot, or in a few.
#[derive(Default)]
pub(super) struct Opened(Option<Lot>);

impl Opened {
    /// The lot that holds `ord`, if it is still there.
    pub fn holding(&mut self, db: &dyn Sql, ord: Ord) -> Result<Option<&Lot>, StoreError> {
        if !self.0.as_ref().is_some_and(|lot| lot.first <= ord && ord <= lot.last()) {
            self.0 = holding(db, ord)?;
        }
        Ok(self.0.as_ref())
    }
}

/// The newest lot whose first event's number is below `before`.
pub(super) fn newest_below(db: &dyn Sql, before: Ord) -> Result<Option<Lot>, StoreError> {
    let near = format!("{COLUMNS} WHERE first < ?1 AND first >= ?2 ORDER BY first DESC LIMIT 1");
    let found = db.first(&near, args![before, Ord(before.0.saturating_sub(NEAR))], |row| open(&row))?;
    if found.is_some() {
        return Ok(found);
    }
    let sql = format!("{COLUMNS} WHERE first < ?1 ORDER BY first DESC LIMIT 1");
    db.first(&sql, args![before], |row| open(&row))
}

/// The oldest lot after `ord`.
pub(super) fn oldest_above(db: &dyn Sql, ord: Ord) -> Result<Option<Lot>, StoreError> {
    let near = format!("{COLUMNS} WHERE first > ?1 AND first <= ?2 ORDER BY first LIMIT 1");
    let found = db.first(&near, args![ord, Ord(ord.0.saturating_add(NEAR))], |row| open(&row))?;
    if found.is_some() {
        return Ok(found);
    }
    let sql = format!("{COLUMNS} WHERE first > ?1 ORDER BY first LIMIT 1");
    db.first(&sql, args![ord], |row| open(&row))
}

/// Lots from `ord` on, oldest first, until there are so many events.
pub(super) fn from(db: &dyn Sql, ord: Ord, events: u64) -> Result<Vec<Lot>, StoreError> {
    let (mut lots, mut held) = (Vec::new(), 0);
    db.each(&format!("{COLUMNS} WHERE first >= ?1 ORDER BY first"), args![ord], &mut |row| {
        let lot = open(&row)?;
        held += lot.events;
        lots.push(lot);
        Ok(held < events)
    })?;
    Ok(lots)
}

/// The first number of the oldest lot that was written then or later. Times ascend with numbers, so that it is found by halving: the
/// bodies of those before it aren't read.
pub(super) fn first_since(db: &dyn Sql, since: Timestamp) -> Result<Option<Ord>, StoreError> {
    let look = |sql: &str, args: &[super::sql::Arg<'_>]| db.first(sql, args, |row| Ok((row.ord(0)?, row.time(1)?)));
    let newest = look("SELECT first, at FROM lot ORDER BY first DESC LIMIT 1", &[])?;
    let Some((last, _)) = newest.filter(|(_, at)| *at >= since) else { return Ok(None) };
    let (mut from, mut to) = (0, last.0);
    while from < to {
        let middle = from + (to - from) / 2;
        match look("SELECT first, at FROM lot WHERE first >= ?1 ORDER BY first LIMIT 1", args![Ord(middle)])? {
            Some((first, at)) if at < since => from = first.0 + 1,
            _ => to = middle,
        }
    }
    Ok(Some(Ord(from)))
}

/// The number of a lot's last event.
pub(super) fn last(db: &dyn Sql, lot: &Lot) -> Result<Ord, StoreError> {
    let sql = "SELECT first + events - 1 FROM lot WHERE first = ?1";
    db.first(sql, args![lot.first], |row| row.ord(0))?.ok_or(StoreError::Damaged("a lot has gone while it was read"))
}

/// The number the next event gets. Lots that retention removed were spread before, so no number comes twice.
pub(super) fn next_ord(db: &dyn Sql) -> Result<Ord, StoreError> {
    let last = db.first("SELECT first + events FROM lot ORDER BY first DESC LIMIT 1", &[], |row| row.int(0))?;
    Ok(Ord(last.unwrap_or(1).max(schema::meta(db, "spread")? + 1) as u64))
}
