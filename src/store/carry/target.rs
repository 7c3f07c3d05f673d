//! The database that a file is carried into.
//!
//! Where the copying stands is said by what is there: rows come in the order of their keys, a batch whole or not at all, so that a
//! table goes on behind its greatest key. As long as not all is there and compared, a row of `meta` keeps gateways away.

use std::collections::VecDeque;

use super::cell::{Cell, cells};
use super::tables::{Kind, TABLES, Table};
use super::{Begin, CarryError};
use crate::domain::change::Ord;
use crate::store::StoreError;
use crate::store::postgres::partitions::{Numbered, cover};
use crate::store::postgres::schema::{LOCK, MIGRATING, set_up, steps_done};
use crate::store::postgres::{Address, Many, Session};
use crate::store::sql::{Row, Sql, args};

/// The number of `meta` that says which file was carried in.
const MIGRATED: &str = "migrated";
/// A commit needn't be on disk before the next batch: one that is lost with a server is missing from what is there, and comes again.
/// The last commit, which lets gateways in, is waited for, and all before it with it.
const LAZILY: &str = "SET LOCAL synchronous_commit = off";
/// Keys that are fetched at once to be compared.
const PAGE: usize = 2_000;

/// What a batch may hold.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_ROWS: u64 = 8_192;

/// How a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is nothing of a gateway's.
    Empty,
    /// A file with this fingerprint has been begun.
    Begun(i64),
    /// This table has rows, and all came from a file with this fingerprint at first.
    Done(i64, &'static str),
    /// This table has rows.
    Holds(&'static str),
    /// Gateways run on it.
    Served,
}

/// The database.
pub(super) struct Target {
    session: Session,
}

impl Target {
    /// Not connected yet.
    pub fn new(address: Address) -> Result<Self, StoreError> {
        Session::patient(address).map(|session| Self { session })
    }

    /// Whether a file may be carried into it; with its fingerprint, whether this one may. Nothing is written.
    pub fn look(&self, fingerprint: Option<i64>, begin: Begin) -> Result<bool, CarryError> {
        let state = self.session.read(|db| match steps_done(db)? {
            None | Some(0) => Ok(State::Empty),
            Some(_) => state(db),
        });
        state.map_err(to).and_then(|state| judge(state, fingerprint, begin))
    }

    /// Sets the tables up and keeps gateways away; whether it goes on where an earlier run ended.
    ///
    /// `next` are the numbers of the next event and the next delivery: up to there rows have partitions to go into.
    pub fn begin(&self, fingerprint: i64, begin: Begin, next: (Ord, i64)) -> Result<bool, CarryError> {
        let begun = self.session.write(|db| {
            set_up(db)?;
            let judged = judge(state(db)?, Some(fingerprint), begin);
            if let Ok(goes_on) = judged {
                cover(db, Numbered::Lots, next.0.0 as i64)?;
                cover(db, Numbered::Deliveries, next.1)?;
                if begin == Begin::Anew {
                    let all: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
                    db.send(&format!("TRUNCATE {}", all.join(", ")), &[])?;
                }
                if !goes_on {
                    keep(db, MIGRATING, fingerprint)?;
                }
            }
            Ok(judged)
        });
        begun.map_err(to)?
    }

    /// The greatest key of a table, and how many rows it has. Waits for a batch whose process has ended, if the server is at it still.
    pub fn standing(&self, table: &Table) -> Result<(Option<Vec<Cell>>, u64), CarryError> {
        let stands = self.session.write(|db| {
            alone(db)?;
            let sql: &dyn Sql = db;
            let last = sql.first(&table.last(), &[], |row| cells(&row, table.key()))?;
            let rows = sql.first(&table.count_written(), &[], |row| row.int(0))?;
            Ok((last, rows.unwrap_or_default() as u64))
        });
        stands.map_err(to)
    }

    /// Writes a batch, if the database is still kept for this file.
    pub fn write(&self, batch: Batch<'_>, fingerprint: i64) -> Result<(), CarryError> {
        let written = self.session.write(|db| {
            db.batch(LAZILY);
            alone(db)?;
            if let Err(refused) = still_ours(state_of_gateways(db)?, fingerprint) {
                return Ok(Err(refused));
            }
            db.ask(&batch.table.write(), batch.columns)?;
            Ok(Ok(()))
        });
        written.map_err(to)?
    }

    /// Lets gateways in: the numbers go on behind those that there are.
    pub fn finish(&self, fingerprint: i64, next: (Ord, i64), last_notice: i64) -> Result<(), CarryError> {
        let all: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        // Else the first minute's questions would be answered as if the tables were empty.
        self.session.alone(&format!("ANALYZE {}", all.join(", ")), Vec::new()).map_err(to)?;
        let last = [("event_number", next.0.0 as i64 - 1), ("delivery_number", next.1 - 1)];
        let finished = self.session.write(|db| {
            alone(db)?;
            if let Err(refused) = still_ours(state_of_gateways(db)?, fingerprint) {
                return Ok(Err(refused));
            }
            let sql: &dyn Sql = db;
            for (sequence, number) in last.into_iter().filter(|(_, number)| *number > 0) {
                let set = format!("SELECT setval('{sequence}', greatest(?1, last_value)) FROM {sequence}");
                sql.first(&set, args![number], |_| Ok(()))?;
            }
            // Subscribers' positions outlive what is older than the retention: no number of those rows comes twice.
            for (table, last) in [("started", 0), ("notice", last_notice)] {
                let set = format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), ?1)) FROM {table}
                     HAVING greatest(max(id), ?1) > 0"
                );
                sql.first(&set, args![last], |_| Ok(()))?;
            }
            sql.send("DELETE FROM meta WHERE name = ?1", args![MIGRATING])?;
            keep(db, MIGRATED, fingerprint)?;
            Ok(Ok(()))
        });
        finished.map_err(to)?
    }

    /// A table's keys with what their rows hash to.
    pub fn digests<'t>(&'t self, table: &'static Table) -> Digests<'t> {
        Digests { session: &self.session, table, page: VecDeque::new(), behind: None, is_last: false }
    }
}

/// A row's key, and what all of it hashes to.
type Hashed = (Vec<Cell>, Vec<u8>);

/// One table's keys and hashes, fetched page by page.
pub(super) struct Digests<'t> {
    session: &'t Session,
    table: &'static Table,
    page: VecDeque<Hashed>,
    behind: Option<Vec<Cell>>,
    is_last: bool,
}

impl Digests<'_> {
    /// The next row.
    pub fn next(&mut self) -> Result<Option<Hashed>, CarryError> {
        if self.page.is_empty() && !self.is_last {
            let sql = self.table.digests(self.behind.is_some(), PAGE);
            let values = self.behind.iter().flatten().map(|cell| Many::One(cell.arg())).collect();
            let rows = self.session.alone(&sql, values).map_err(to)?;
            for row in &rows {
                let row = Row::Postgres(row);
                let key = cells(&row, self.table.key()).map_err(to)?;
                let digest = row.blob(self.table.keys).map_err(to)?.to_vec();
                self.page.push_back((key, digest));
            }
            self.is_last = rows.len() < PAGE;
            self.behind = self.page.back().map(|(key, _)| key.clone());
        }
        Ok(self.page.pop_front())
    }
}

/// Rows on their way.
pub(super) struct Batch<'t> {
    table: &'t Table,
    columns: Vec<Many<'static>>,
    /// How many rows.
    pub rows: u64,
    bytes: usize,
}

impl<'t> Batch<'t> {
    /// One without a row.
    pub fn new(table: &'t Table) -> Self {
        let list = |(_, kind): &(&str, Kind)| match kind {
            Kind::Int => Many::SomeInts(Vec::new()),
            Kind::Text => Many::SomeTexts(Vec::new()),
            Kind::Blob => Many::Blobs(Vec::new()),
        };
        Self { table, columns: table.columns.iter().map(list).collect(), rows: 0, bytes: 0 }
    }

    /// One more row.
    pub fn add(&mut self, row: Vec<Cell>) {
        self.rows += match row.last() {
            Some(Cell::Int(many)) if !self.table.multiplied.is_empty() => *many as u64,
            _ => 1,
        };
        self.bytes += row.iter().map(Cell::bytes).sum::<usize>();
        for (column, cell) in self.columns.iter_mut().zip(row) {
            match (column, cell) {
                (Many::SomeInts(list), Cell::Int(number)) => list.push(Some(number)),
                (Many::SomeTexts(list), Cell::Text(text)) => list.push(Some(text)),
                (Many::Blobs(list), Cell::Blob(bytes)) => list.push(Some(bytes)),
                (Many::SomeInts(list), _) => list.push(None),
                (Many::SomeTexts(list), _) => list.push(None),
                (Many::Blobs(list), _) => list.push(None),
                _ => {}
            }
        }
    }

    /// Whether it is to be written before another row comes.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }
}

fn to(error: StoreError) -> CarryError {
    match error {
        StoreError::Foreign => CarryError::OthersTables,
        error => CarryError::To(error),
    }
}

/// Nobody else sets tables up or writes a batch until the transaction ends.
fn alone(db: &Session) -> Result<(), StoreError> {
    let sql: &dyn Sql = db;
    sql.send("SELECT pg_advisory_xact_lock(?1)", args![LOCK])
}

fn keep(db: &Session, name: &str, value: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    db.send(sql, args![name, value])
}

/// Whether there are gateways, and else whether a migration has been begun.
fn state_of_gateways(db: &Session) -> Result<State, StoreError> {
    let sql: &dyn Sql = db;
    let alive =
        "SELECT count(*) FROM gateway WHERE fenced = 0 AND until > extract(epoch FROM clock_timestamp()) * 1000";
    if sql.first(alive, &[], |row| row.int(0))?.unwrap_or_default() > 0 {
        return Ok(State::Served);
    }
    let begun = sql.first("SELECT value FROM meta WHERE name = ?1", args![MIGRATING], |row| row.int(0))?;
    Ok(begun.map_or(State::Empty, State::Begun))
}

fn state(db: &Session) -> Result<State, StoreError> {
    let state = state_of_gateways(db)?;
    if state != State::Empty {
        return Ok(state);
    }
    let sql: &dyn Sql = db;
    for table in TABLES.iter().map(|table| table.name).chain(["inbox", "news", "forgotten"]) {
        if sql.first(&format!("SELECT 1::bigint FROM {table} LIMIT 1"), &[], |_| Ok(()))?.is_some() {
            let done = sql.first("SELECT value FROM meta WHERE name = ?1", args![MIGRATED], |row| row.int(0))?;
            return Ok(done.map_or(State::Holds(table), |of| State::Done(of, table)));
        }
    }
    Ok(State::Empty)
}

/// Whether a file may be carried into a database that stands so: whether it goes on where an earlier run ended. Without a fingerprint
/// nobody knows yet which file it is.
fn judge(state: State, fingerprint: Option<i64>, begin: Begin) -> Result<bool, CarryError> {
    match state {
        State::Empty => Ok(false),
        State::Begun(_) if begin == Begin::Anew => Ok(false),
        State::Begun(of) if fingerprint.is_none_or(|ours| ours == of) => Ok(true),
        State::Begun(_) => Err(CarryError::OtherBegun),
        State::Done(of, _) if fingerprint == Some(of) => Err(CarryError::Already),
        // Which file it is has to be known first.
        State::Done(..) if fingerprint.is_none() => Ok(false),
        State::Done(_, table) | State::Holds(table) => Err(CarryError::Holds(table)),
        State::Served => Err(CarryError::Served),
    }
}

/// Whether the database is still kept for this file, in the middle of it.
fn still_ours(state: State, fingerprint: i64) -> Result<(), CarryError> {
    match state {
        State::Begun(of) if of == fingerprint => Ok(()),
        State::Served => Err(CarryError::Served),
        _ => Err(CarryError::OtherBegun),
    }
}
