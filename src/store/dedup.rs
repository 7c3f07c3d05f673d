//! Deduplication: which keys were seen in the last 24 hours, decided inside the accepting transaction.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::StoreError;
use super::hashed::AlreadyHashed;
use super::schema;
use super::sieve::Sieve;
use super::sql::{Sql, args};
use crate::domain::change::Ord;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;

/// How long a repetition is known.
pub(super) const WINDOW_MS: i64 = 24 * 3_600_000;
/// Keys are kept in tables that each hold this span, so that old ones go by emptying a table.
const SPAN_MS: i64 = 12 * 3_600_000;

/// 16 bytes of a hash over source and key: no body can be made to collide with another's on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, std::cmp::Ord)]
pub struct DedupKey(pub [u8; 16]);

impl DedupKey {
    /// The key of an event of `source`.
    pub fn of(source: &SourceName, key: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(source.as_str().as_bytes());
        // A source's name holds no NUL, so ("a", "bc") and ("ab", "c") never hash the same bytes.
        hasher.update([0]);
        hasher.update(key.as_bytes());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hasher.finalize()) {
            *to = from;
        }
        Self(bytes)
    }
}

/// Keys of events that are not in a table yet, with their event and when it was accepted, which decides the table.
pub(super) type RecentKeys = HashMap<DedupKey, (Ord, Timestamp), AlreadyHashed>;

/// The span that a time falls into.
pub(super) fn slot(at: Timestamp) -> i64 {
    at.0.div_euclid(SPAN_MS)
}

const SELECT: [&str; 3] = [
    "SELECT ord FROM dedup_0 WHERE key = ?1",
    "SELECT ord FROM dedup_1 WHERE key = ?1",
    "SELECT ord FROM dedup_2 WHERE key = ?1",
];
const INSERT: [&str; 3] = [
    "INSERT OR REPLACE INTO dedup_0 VALUES (?1, ?2)",
    "INSERT OR REPLACE INTO dedup_1 VALUES (?1, ?2)",
    "INSERT OR REPLACE INTO dedup_2 VALUES (?1, ?2)",
];
const CLEAR: [&str; 3] = ["DELETE FROM dedup_0", "DELETE FROM dedup_1", "DELETE FROM dedup_2"];

fn table(slot: i64) -> usize {
    slot.rem_euclid(3) as usize
}

fn of<'s>(statements: &'s [&'s str; 3], slot: i64) -> &'s str {
    statements.get(table(slot)).copied().unwrap_or(statements[0])
}

/// Keys that a table's sieve is made for at first.
const SIEVED: usize = 1 << 18;

/// What is known of one table without reading it.
#[derive(Debug)]
enum Held {
    /// Its keys are among these: all were written since it was empty.
    Sieved(Sieve),
    /// It had keys when the file was opened: only the table itself can tell.
    Unknown,
}

/// The tables that may hold a key of the last 24 hours.
#[derive(Debug)]
pub(super) struct Spans {
    /// The newest span that has been begun.
    newest: i64,
    held: [Held; 3],
}

impl Spans {
    /// Looks at the file.
    pub fn load(db: &dyn Sql) -> Result<Self, StoreError> {
        let mut held = [const { Held::Unknown }; 3];
        for (index, held) in held.iter_mut().enumerate() {
            if db.first(&format!("SELECT ord FROM dedup_{index} LIMIT 1"), &[], |_| Ok(()))?.is_none() {
                *held = Held::Sieved(Sieve::for_about(SIEVED));
            }
        }
        Ok(Self { newest: schema::meta(db, "dedup_slot")?, held })
    }

    /// Empties the tables whose span has passed, before the span of `now` is written to.
    pub fn advance(&mut self, db: &dyn Sql, now: Timestamp) -> Result<(), StoreError> {
        let newest = slot(now);
        if newest <= self.newest {
            return Ok(());
        }
        // At most three spans are alive: the new one and the two before it.
        for passed in (self.newest + 1).max(newest - 2)..=newest {
            db.send(of(&CLEAR, passed), &[])?;
            if let Some(held) = self.held.get_mut(table(passed)) {
                *held = Held::Sieved(Sieve::for_about(SIEVED));
            }
        }
        self.newest = newest;
        schema::set_meta(db, "dedup_slot", newest)
    }

    /// The event that had this key, if a table knows it.
    pub fn find(&self, db: &dyn Sql, key: DedupKey) -> Result<Option<Ord>, StoreError> {
        for slot in (self.newest - 2..=self.newest).rev() {
            if let Some(Held::Sieved(sieve)) = self.held.get(table(slot))
                && !sieve.may_hold(key.0)
            {
                continue;
            }
            let found = db.first(of(&SELECT, slot), args![key.0.as_slice()], |row| row.ord(0))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Writes a key of an event accepted at `at`; one older than the living spans is of no use any more.
    pub fn insert(&mut self, db: &dyn Sql, key: DedupKey, ord: Ord, at: Timestamp) -> Result<(), StoreError> {
        let slot = slot(at).min(self.newest);
        if slot < self.newest - 2 {
            return Ok(());
        }
        db.send(of(&INSERT, slot), args![key.0.as_slice(), ord])?;
        if let Some(Held::Sieved(sieve)) = self.held.get_mut(table(slot)) {
            sieve.insert(key.0);
        }
        Ok(())
    }
}
