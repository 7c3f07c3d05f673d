//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;
use super::sql::{Sql, args};
use super::{fault, timer};
use crate::domain::time::Timestamp;

/// Marks the file as ours ("tgry"), so that another program's database is never written to.
const APPLICATION_ID: i64 = 0x7467_7279;

/// Each step runs once, in order; `PRAGMA user_version` counts the steps that have run.
const STEPS: [&str; 8] = ["
    -- One row a commit: an event's number is first + its place.
    CREATE TABLE lot (first INTEGER PRIMARY KEY, at INTEGER NOT NULL, events INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    -- Deduplication keys by spans of 12 hours; a span that is too old is dropped whole.
    CREATE TABLE dedup_0 (key BLOB PRIMARY KEY, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE dedup_1 (key BLOB PRIMARY KEY, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE dedup_2 (key BLOB PRIMARY KEY, ord INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    -- Requests that repeated an event; rare, so a row each.
    CREATE TABLE duplicate (ord INTEGER NOT NULL, at INTEGER NOT NULL, differs INTEGER NOT NULL) STRICT;
    CREATE INDEX duplicate_by_ord ON duplicate (ord);
    -- Changes that wait and have left memory.
    CREATE TABLE pending (run INTEGER NOT NULL, contact BLOB NOT NULL, ord INTEGER NOT NULL, ix INTEGER NOT NULL,
        change TEXT NOT NULL, PRIMARY KEY (run, contact, ord, ix)) STRICT, WITHOUT ROWID;
    -- A contact's retry, its decided guards, and the last word on each of its tags.
    CREATE TABLE contact (key BLOB PRIMARY KEY, connection TEXT NOT NULL, reference TEXT NOT NULL, retry TEXT,
        words TEXT NOT NULL, guards TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- One convergence of one contact, appended.
    CREATE TABLE delivery (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, contact BLOB NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE INDEX delivery_by_contact ON delivery (contact, id);
    CREATE TABLE dead (ord INTEGER NOT NULL, ix INTEGER NOT NULL, contact BLOB NOT NULL, at INTEGER NOT NULL,
        body TEXT NOT NULL, event BLOB, PRIMARY KEY (ord, ix)) STRICT, WITHOUT ROWID;
    -- The rule sets that judged events.
    CREATE TABLE rule_set (hash TEXT PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- A connection that is paused, and for how long it has been in all.
    CREATE TABLE connection (name TEXT PRIMARY KEY, paused_since INTEGER, reason TEXT, paused_ms INTEGER NOT NULL) STRICT,
        WITHOUT ROWID;
    -- spread: up to here lots are in the tables. settled_from: settlements of later events have this delivery id or more.
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('spread', 0), ('settled_from', 0), ('dedup_slot', 0), ('ping', 0);
", "
    -- The last word on each field of a contact, and until when rules are done with it.
    ALTER TABLE contact ADD COLUMN more TEXT NOT NULL DEFAULT '{}';
    -- Tags that were added for a time: the remove that is due then, and the add that set it.
    CREATE TABLE timer (due INTEGER NOT NULL, ord INTEGER NOT NULL, ix INTEGER NOT NULL, remove TEXT NOT NULL,
        PRIMARY KEY (due, ord, ix)) STRICT, WITHOUT ROWID;
", "
    -- What a dead letter died of; of older ones nobody knows.
    ALTER TABLE dead ADD COLUMN cause TEXT NOT NULL DEFAULT 'unknown';
    CREATE INDEX dead_by_contact ON dead (contact);
", "
    -- Events with faults, until they are replayed or dismissed.
    CREATE TABLE fault (ord INTEGER PRIMARY KEY) STRICT;
", "
    -- Whom a look-up found, under either's key, and whose tag a timer is about.
    CREATE TABLE alias (key BLOB NOT NULL, other BLOB NOT NULL, contact TEXT NOT NULL, PRIMARY KEY (key, other)) STRICT,
        WITHOUT ROWID;
    ALTER TABLE timer ADD COLUMN contact BLOB;
    CREATE INDEX timer_by_contact ON timer (contact);
", "
    -- Calls that have started and whose end isn't recorded: they count against the limit after a crash too.
    CREATE TABLE started (id INTEGER PRIMARY KEY, connection TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
    -- Why a connection isn't called: its credentials are refused, or its calls fail.
    ALTER TABLE connection ADD COLUMN kind TEXT NOT NULL DEFAULT 'refused';
", "
    -- The places of events that turned out to be repetitions when the lot was written: only PostgreSQL has such.
    ALTER TABLE lot ADD COLUMN skipped TEXT;
", "
    -- Who asked to be told of what, with how far each is; ended: when, where the subscriber didn't end it itself.
    CREATE TABLE subscription (id TEXT PRIMARY KEY, at INTEGER NOT NULL, ended INTEGER, body TEXT NOT NULL,
        progress TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- What happened to connections; no number comes twice, since positions are behind them.
    CREATE TABLE notice (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
"];

/// The step after which events with faults are kept.
const FAULTS: usize = 4;
/// The step after which a timer says whose tag it is about.
const TIMERS: usize = 5;

/// Sets the file up or brings it up to date; refuses another program's file and a newer version's.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    if is_current(db)? {
        return Ok(());
    }
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    bring_up(&step)?;
    step.commit()?;
    Ok(())
}

/// Whether there is nothing to bring up to date; refuses another program's file and a newer version's.
pub(super) fn is_current(db: &Connection) -> Result<bool, StoreError> {
    steps_done(db).map(|done| done == STEPS.len())
}

fn steps_done(db: &Connection) -> Result<usize, StoreError> {
    let application: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Foreign);
    }
    let done: usize = db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? as usize;
    if done > STEPS.len() {
        return Err(StoreError::Newer { found: done, known: STEPS.len() });
    }
    Ok(done)
}

/// Carries out the steps that are missing, inside of a transaction.
pub(super) fn bring_up(db: &Connection) -> Result<(), StoreError> {
    let done = steps_done(db)?;
    for sql in STEPS.iter().skip(done) {
        db.execute_batch(sql)?;
    }
    if done < FAULTS {
        fault::fill(db)?;
    }
    if done < TIMERS {
        timer::fill(db)?;
    }
    db.pragma_update(None, "user_version", STEPS.len() as i64)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(())
}

/// Opens the file for the one writer.
pub(super) fn open_writer(path: &std::path::Path) -> Result<Connection, StoreError> {
    let db = Connection::open(path)?;
    // 8 KiB pages: a lot fills pages whole, and a key index is less deep. Set before the first table.
    db.pragma_update(None, "page_size", 8192)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit is on disk before it returns, so that an acknowledged event outlives a power cut.
    db.pragma_update(None, "synchronous", "FULL")?;
    // Small steps: one large checkpoint would stall every request that waits for the writer.
    db.pragma_update(None, "wal_autocheckpoint", 1000)?;
    db.pragma_update(None, "cache_size", -8192)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(48);
    Ok(db)
}

/// Opens the file for reading only; readers never wait for the writer.
pub(super) fn open_reader(path: &std::path::Path) -> Result<Connection, StoreError> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.pragma_update(None, "cache_size", -2048)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(db)
}

/// The number of `meta` that a file has once it was carried over into another database: when.
const MIGRATED: &str = "migrated";

/// Marks the file as carried over.
pub(super) fn mark_migrated(db: &dyn Sql, at: Timestamp) -> Result<(), StoreError> {
    db.send(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        args![MIGRATED, at],
    )
}

/// Refuses a file that was carried over: a gateway on it would do once more what the other database has.
pub(super) fn is_not_migrated(db: &dyn Sql) -> Result<(), StoreError> {
    let at = db.first("SELECT value FROM meta WHERE name = ?1", args![MIGRATED], |row| row.time(0))?;
    at.map_or(Ok(()), |at| Err(StoreError::Migrated(at)))
}

/// The file is gone back to: from now on it is as any other. Whether it had been carried over.
pub(super) fn go_back(path: &std::path::Path) -> Result<bool, StoreError> {
    let _lock = super::face::lock(path)?;
    let db = open_writer(path)?;
    if steps_done(&db)? == 0 {
        return Ok(false);
    }
    let db: &dyn Sql = &db;
    Ok(db.run("DELETE FROM meta WHERE name = ?1", args![MIGRATED])? > 0)
}

/// Reads a number of `meta`.
pub(super) fn meta(db: &dyn Sql, name: &str) -> Result<i64, StoreError> {
    let value = db.first("SELECT value FROM meta WHERE name = ?1", args![name], |row| row.int(0))?;
    value.ok_or(StoreError::Damaged("a number that every version keeps is missing"))
}

/// Writes a number of `meta`.
pub(super) fn set_meta(db: &dyn Sql, name: &str, value: i64) -> Result<(), StoreError> {
    db.send("UPDATE meta SET value = ?2 WHERE name = ?1", args![name, value])
}
