//! From SQLite to PostgreSQL: all that a gateway knows is carried from its file into a database that several gateways may share.
//!
//! The file is opened as by its one writer, and all that waits in lots alone is spread into tables, so that a table of one database is
//! a table of the other. Tables are then copied in the order of their keys, in batches, and compared row by row through hashes that
//! the server works out itself. Nothing is held but a batch.

mod cell;
mod source;
mod tables;
mod target;

use std::cmp::Ordering;
use std::path::PathBuf;

use serde::Serialize;
use sha2::{Digest, Sha256};

use self::cell::{Cell, hash, key_text};
use self::source::Source;
use self::tables::{TABLES, Table};
use self::target::{Batch, Target};
use super::StoreError;
use super::postgres::Address;

/// Why a file isn't carried over.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// There is no file.
    #[error("there is no such file")]
    NoFile,
    /// It has no table.
    #[error("the source is empty: no gateway has ever used it")]
    NothingThere,
    /// The file can't be opened or read.
    #[error("the source: {0}")]
    From(StoreError),
    /// The database can't be reached, read or written.
    #[error("the target: {0}")]
    To(StoreError),
    /// The database is another program's.
    #[error("the target: it holds tables of another program: make a database of its own for tagrelay")]
    OthersTables,
    /// The database is in use.
    #[error("the target: a gateway runs on it: migrate wants a database that nobody uses yet")]
    Served,
    /// The database isn't empty.
    #[error("the target: it isn't empty, there are rows in {0}: migrate wants a new database, and never mixes two")]
    Holds(&'static str),
    /// It is all there.
    #[error("the target: this file has been migrated into it already: start the gateway on it")]
    Already,
    /// What was begun was another file's, or this one's as it was.
    #[error(
        "the target: what was begun there is the copy of another file, or of this one before a gateway ran on it again: `--start-over` throws that half away and copies this file from the start"
    )]
    OtherBegun,
    /// All is there, and the file doesn't say so.
    #[error(
        "all is in the target, and the file could not be marked as carried over: {0}. Put it away: a gateway that is started on it would not be refused"
    )]
    NotMarked(StoreError),
    /// Source and target aren't the same.
    #[error(
        "the source and the target differ: {table}, {key}: {how}; no gateway starts on the target until a migration ends well: `--start-over` copies everything again"
    )]
    Differs {
        /// In this table.
        table: &'static str,
        /// First at this key.
        key: String,
        /// How.
        how: &'static str,
    },
}

/// How it is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Both ends are looked at and nothing is written.
    Look,
    /// Where an earlier run was interrupted, or from the start.
    GoOn,
    /// From the start; what an interrupted run has copied goes.
    Anew,
}

/// What is carried where.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The file.
    pub from: PathBuf,
    /// The database.
    pub to: Address,
    /// How.
    pub begin: Begin,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Rows are copied.
    Copying,
    /// Rows are compared.
    Checking,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// With what.
    pub step: Step,
    /// In which table.
    pub table: &'static str,
    /// Rows that are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Its name.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// How many of them this run has copied.
    pub copied: u64,
    /// SHA-256 over all of its rows, the same on both sides; none where nothing was copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it went on where an earlier run ended, or would.
    pub resumed: bool,
    /// The number that the next event gets.
    pub next_event: u64,
    /// Each table.
    pub tables: Vec<Carried>,
}

/// Carries a file over, and compares. Blocks until it is done; not inside of a runtime.
pub fn carry(wish: &Wish, heard: &mut dyn FnMut(Progress)) -> Result<Report, CarryError> {
    source::find(&wish.from)?;
    let target = Target::new(wish.to.clone()).map_err(CarryError::To)?;
    // Before anything is written at all.
    target.look(None, wish.begin)?;
    let source = Source::open(&wish.from, wish.begin).map_err(CarryError::From)?;
    let (fingerprint, next_event) = (source.fingerprint, source.next_event.0);
    if wish.begin == Begin::Look {
        let resumed = target.look(Some(fingerprint), wish.begin)?;
        let rows = TABLES.iter().zip(&source.counts);
        let tables = rows.map(|(table, rows)| Carried { table: table.name, rows: *rows, copied: 0, checksum: None });
        return Ok(Report { resumed, next_event, tables: tables.collect() });
    }
    let resumed = target.begin(fingerprint, wish.begin, (source.next_event, source.next_delivery))?;
    let mut tables = Vec::new();
    for (table, rows) in TABLES.iter().zip(&source.counts) {
        let copied = copy(&source, &target, table, *rows, heard)?;
        tables.push(Carried { table: table.name, rows: *rows, copied, checksum: None });
    }
    for ((table, rows), carried) in TABLES.iter().zip(&source.counts).zip(&mut tables) {
        carried.checksum = Some(compare(&source, &target, table, *rows, heard)?);
    }
    target.finish(fingerprint, (source.next_event, source.next_delivery), source.last_notice)?;
    source.mark_migrated().map_err(CarryError::NotMarked)?;
    Ok(Report { resumed, next_event, tables })
}

/// Copies what of a table isn't there yet; how many rows.
fn copy(
    source: &Source,
    target: &Target,
    table: &'static Table,
    total: u64,
    heard: &mut dyn FnMut(Progress),
) -> Result<u64, CarryError> {
    let (behind, before) = target.standing(table)?;
    let mut done = before;
    let mut tell = |done| heard(Progress { step: Step::Copying, table: table.name, done, total });
    tell(done);
    let mut batch = Batch::new(table);
    let mut failed = None;
    source
        .each(table, behind.as_deref(), &mut |row| {
            batch.add(row);
            if batch.is_full() {
                done += batch.rows;
                let full = std::mem::replace(&mut batch, Batch::new(table));
                failed = target.write(full, source.fingerprint).err();
                tell(done);
            }
            Ok(failed.is_none())
        })
        .map_err(CarryError::From)?;
    if let Some(failed) = failed {
        return Err(failed);
    }
    if batch.rows > 0 {
        done += batch.rows;
        target.write(batch, source.fingerprint)?;
        tell(done);
    }
    Ok(done - before)
}

/// Compares a table's rows on both sides; what they hash to.
fn compare(
    source: &Source,
    target: &Target,
    table: &'static Table,
    total: u64,
    heard: &mut dyn FnMut(Progress),
) -> Result<String, CarryError> {
    let mut theirs = target.digests(table);
    let mut all = Sha256::new();
    let mut done = 0;
    let mut tell = |done| heard(Progress { step: Step::Checking, table: table.name, done, total });
    let mut failed = None;
    let differs = |key: &[Cell], how| CarryError::Differs { table: table.name, key: key_text(table, key), how };
    tell(done);
    source
        .each(table, None, &mut |row| {
            let ours = hash(&row);
            let key = row.get(..table.keys).unwrap_or(&row);
            failed = match theirs.next() {
                Err(error) => Some(error),
                Ok(None) => Some(differs(key, MISSING)),
                Ok(Some((other, digest))) => match other.as_slice().cmp(key) {
                    Ordering::Less => Some(differs(&other, SURPLUS)),
                    Ordering::Greater => Some(differs(key, MISSING)),
                    Ordering::Equal => (digest != ours).then(|| differs(key, "it is not the same in both")),
                },
            };
            all.update(ours);
            done += 1;
            if done % 4_096 == 0 {
                tell(done);
            }
            Ok(failed.is_none())
        })
        .map_err(CarryError::From)?;
    let surplus = || theirs.next().map(|more| more.map(|(key, _)| differs(&key, SURPLUS)));
    failed.map_or_else(surplus, |failed| Ok(Some(failed)))?.map_or(Ok(()), Err)?;
    tell(total);
    Ok(hex::encode(all.finalize()))
}

const MISSING: &str = "it is missing in the target";
const SURPLUS: &str = "it is in the target alone";
