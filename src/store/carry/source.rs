//! The file that is carried: opened as its one writer, with all of it in its tables.

use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::cell::{Cell, cells};
use super::tables::{TABLES, Table};
use super::{Begin, CarryError};
use crate::clock;
use crate::domain::change::Ord;
use crate::store::dedup::Spans;
use crate::store::face::lock;
use crate::store::runs::Runs;
use crate::store::sql::{Arg, Sql};
use crate::store::{StoreError, delivery, lot, recover, schema, spread};

/// The file. Nobody else writes to it as long as this lives.
pub(super) struct Source {
    db: Connection,
    _lock: std::fs::File,
    /// The number of the next event.
    pub next_event: Ord,
    /// The number of the next delivery.
    pub next_delivery: i64,
    /// The greatest number that a notice has had, be it there still or not.
    pub last_notice: i64,
    /// Rows of each table.
    pub counts: Vec<u64>,
    /// Tells what is in the file: another one's is another, and so is this one's after a gateway ran on it.
    pub fingerprint: i64,
}

/// Whether there is a database of ours, of a version that is known. Nothing is written, not even a lock.
pub(super) fn find(path: &Path) -> Result<(), CarryError> {
    if !path.is_file() {
        return Err(CarryError::NoFile);
    }
    let db = schema::open_reader(path).map_err(CarryError::From)?;
    let tables = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).map_err(from)?;
    if tables == 0 {
        return Err(CarryError::NothingThere);
    }
    schema::is_current(&db).map(drop).map_err(CarryError::From)
}

fn from(error: rusqlite::Error) -> CarryError {
    CarryError::From(error.into())
}

impl Source {
    /// Opens the file and spreads all that is only in lots; for a look that isn't kept.
    pub fn open(path: &Path, begin: Begin) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let db = schema::open_writer(path)?;
        // Keys are looked up among lots at random.
        db.pragma_update(None, "cache_size", -65_536)?;
        // All of it in one transaction, which a look ends without a commit.
        db.execute_batch("BEGIN IMMEDIATE")?;
        schema::bring_up(&db)?;
        let (next_event, next_delivery) = (lot::next_ord(&db)?, delivery::next_id(&db)?);
        let (mut recent, mut spans) = (recover::recent(&db)?, Spans::load(&db)?);
        let upto = (Ord(next_event.0 - 1), next_delivery);
        spread::all(&db, &mut recent, &mut spans, &mut Runs::unneeded(), upto)?;
        if begin != Begin::Look {
            db.execute_batch("COMMIT")?;
        }
        let sql: &dyn Sql = &db;
        let last_notice = sql.first("SELECT seq FROM sqlite_sequence WHERE name = 'notice'", &[], |row| row.int(0))?;
        let mut counts = Vec::new();
        for table in &TABLES {
            counts.push(sql.first(&table.count_read(), &[], |row| row.int(0))?.unwrap_or_default() as u64);
        }
        let fingerprint = fingerprint(&db, &counts, next_event, next_delivery)?;
        let last_notice = last_notice.unwrap_or_default();
        Ok(Self { db, _lock: lock, next_event, next_delivery, last_notice, counts, fingerprint })
    }

    /// Marks the file, so that no gateway runs on it again unless somebody wants just that.
    pub fn mark_migrated(&self) -> Result<(), StoreError> {
        schema::mark_migrated(&self.db, clock::now())
    }

    /// Hands over a table's rows behind a key, in the key's order, as long as `more` says so.
    pub fn each(
        &self,
        table: &Table,
        behind: Option<&[Cell]>,
        more: &mut dyn FnMut(Vec<Cell>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let args: Vec<Arg<'_>> = behind.into_iter().flatten().map(Cell::arg).collect();
        let sql: &dyn Sql = &self.db;
        sql.each(&table.read(behind.is_some()), &args, &mut |row| more(cells(&row, table.columns)?))
    }
}

/// Events and deliveries are only ever added, with numbers of their own, and a rule set is kept at each start with other rules: what
/// was done since is seen by one of them.
fn fingerprint(db: &dyn Sql, counts: &[u64], next_event: Ord, next_delivery: i64) -> Result<i64, StoreError> {
    let mut hasher = Sha256::new();
    for count in counts.iter().chain([&next_event.0, &(next_delivery as u64)]) {
        hasher.update(count.to_be_bytes());
    }
    for sql in [
        "SELECT first, at FROM lot ORDER BY first LIMIT 1",
        "SELECT first, at FROM lot ORDER BY first DESC LIMIT 1",
        "SELECT id, at FROM delivery ORDER BY id LIMIT 1",
        "SELECT id, at FROM delivery ORDER BY id DESC LIMIT 1",
    ] {
        let (number, at) = db.first(sql, &[], |row| Ok((row.int(0)?, row.int(1)?)))?.unwrap_or_default();
        hasher.update([number.to_be_bytes(), at.to_be_bytes()].concat());
    }
    db.each("SELECT hash FROM rule_set ORDER BY hash", &[], &mut |row| {
        hasher.update(row.text(0)?);
        Ok(true)
    })?;
    let mut first = [0; 8];
    first.iter_mut().zip(hasher.finalize()).for_each(|(to, byte)| *to = byte);
    Ok(i64::from_be_bytes(first))
}
