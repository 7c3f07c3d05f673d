//! A lot: the events of one commit in one compressed row.

use rusqlite::{Connection, OptionalExtension, params};

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
    bytes: Vec<u8>,
}

/// Packs the frames of one commit.
pub(super) fn pack(frames: &[&[u8]]) -> Vec<u8> {
    let raw: Vec<u8> = frames.concat();
    let mut packed = lz4_flex::block::compress_prepend_size(&raw);
    packed.push(FORM);
    packed
}

fn unpack(mut packed: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if packed.pop() != Some(FORM) {
        return Err(StoreError::Damaged("a lot is in a form that this version doesn't know"));
    }
    lz4_flex::block::decompress_size_prepended(&packed).map_err(|_| StoreError::Damaged("a lot can't be unpacked"))
}

impl Lot {
    /// Its events' frames, numbered.
    pub fn frames(&self) -> impl Iterator<Item = Result<(Ord, Frame<'_>), StoreError>> {
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

pub(super) fn insert(db: &Connection, first: Ord, at: Timestamp, events: usize, body: &[u8]) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO lot (first, at, events, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![first.0 as i64, at.0, events as i64, body])
        .map(drop)
}

const COLUMNS: &str = "SELECT first, at, body FROM lot";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Ord, Timestamp, Vec<u8>)> {
    Ok((Ord(row.get::<_, i64>(0)? as u64), Timestamp(row.get(1)?), row.get(2)?))
}

fn open((first, at, packed): (Ord, Timestamp, Vec<u8>)) -> Result<Lot, StoreError> {
    Ok(Lot { first, at, bytes: unpack(packed)? })
}

/// The lot that holds `ord`, if it is still there.
pub(super) fn holding(db: &Connection, ord: Ord) -> Result<Option<Lot>, StoreError> {
    let sql = format!("{COLUMNS} WHERE first <= ?1 AND first + events > ?1 ORDER BY first DESC LIMIT 1");
    let row = db.prepare_cached(&sql)?.query_row([ord.0 as i64], from_row).optional()?;
    row.map(open).transpose()
}

/// The newest lot whose first event's number is below `before`.
pub(super) fn newest_below(db: &Connection, before: Ord) -> Result<Option<Lot>, StoreError> {
    let sql = format!("{COLUMNS} WHERE first < ?1 ORDER BY first DESC LIMIT 1");
    let row = db.prepare_cached(&sql)?.query_row([i64::try_from(before.0).unwrap_or(i64::MAX)], from_row).optional()?;
    row.map(open).transpose()
}

/// The oldest lot after `ord`.
pub(super) fn oldest_above(db: &Connection, ord: Ord) -> Result<Option<Lot>, StoreError> {
    let sql = format!("{COLUMNS} WHERE first > ?1 ORDER BY first LIMIT 1");
    let row = db.prepare_cached(&sql)?.query_row([ord.0 as i64], from_row).optional()?;
    row.map(open).transpose()
}

/// The number of a lot's last event.
pub(super) fn last(db: &Connection, lot: &Lot) -> rusqlite::Result<Ord> {
    let sql = "SELECT first + events - 1 FROM lot WHERE first = ?1";
    db.prepare_cached(sql)?.query_row([lot.first.0 as i64], |row| Ok(Ord(row.get::<_, i64>(0)? as u64)))
}

/// The number the next event gets. Lots that retention removed were spread before, so no number comes twice.
pub(super) fn next_ord(db: &Connection) -> rusqlite::Result<Ord> {
    let last: Option<i64> =
        db.query_row("SELECT first + events FROM lot ORDER BY first DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(Ord(last.unwrap_or(1).max(schema::meta(db, "spread")? + 1) as u64))
}
