//! Timers: tags that were added for a time. They outlive rules and retention.

use super::StoreError;
use super::contact::json;
use super::delivery::SettledChange;
use super::postgres::{Many, Session};
use super::sql::{Arg, Row, Sql, args};
use crate::domain::change::{Change, ChangeId, Settled};
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;

/// A tag's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// When it is over.
    pub due: Timestamp,
    /// The add that set it.
    pub add: ChangeId,
    /// What takes the tag away.
    pub remove: Change,
}

/// Keeps the timers of adds that have taken effect; one that was so already renews its time all the same.
pub(super) fn keep(db: &dyn Sql, settled: &[SettledChange]) -> Result<(), StoreError> {
    for done in settled.iter().filter(|done| matches!(done.how, Settled::Applied | Settled::Already)) {
        let Some((due, remove)) = done.change.end(done.id) else { continue };
        let sql = "INSERT INTO timer (due, ord, ix, remove, contact) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (due, ord, ix) DO UPDATE SET remove = excluded.remove, contact = excluded.contact";
        db.send(sql, args![due, done.id.ord, done.id.index, &json(&remove), &remove.contact.key()])?;
    }
    Ok(())
}

/// Whether a delivery sets a timer.
pub(super) fn are_set(settled: &[SettledChange]) -> bool {
    settled.iter().any(|done| done.change.terms.as_ref().is_some_and(|terms| terms.lasts_ms.is_some()))
}

/// The timers that are over at `now`, the earliest first.
pub(super) fn due(db: &dyn Sql, now: Timestamp, limit: usize) -> Result<Vec<Timer>, StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE due <= ?1 ORDER BY due, ord, ix LIMIT ?2";
    collect(db, sql, args![now, limit as i64])
}

/// The same of contacts in these buckets, where several gateways share the database.
pub(super) fn due_in(
    session: &Session,
    now: Timestamp,
    buckets: &[i64],
    limit: usize,
) -> Result<Vec<Timer>, StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE due <= $1 AND get_byte(contact, 0) = ANY ($2)
        ORDER BY due, ord, ix LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session.ask(sql, vec![Many::One(now.into()), Many::Ints(buckets.to_vec()), Many::One(limit.into())])?;
    rows.iter().map(|row| read(&Row::Postgres(row))).collect()
}

/// A contact's timers.
pub(super) fn of(db: &dyn Sql, key: ContactKey) -> Result<Vec<Timer>, StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE contact = ?1 ORDER BY due, ord, ix";
    collect(db, sql, args![&key])
}

/// Says of each timer whose tag it is about, in a file of a version that didn't.
pub(super) fn fill(db: &dyn Sql) -> Result<(), StoreError> {
    let sql = "SELECT due, ord, ix, remove FROM timer WHERE contact IS NULL";
    for timer in collect(db, sql, &[])? {
        let sql = "UPDATE timer SET contact = ?4 WHERE due = ?1 AND ord = ?2 AND ix = ?3";
        db.send(sql, args![timer.due, timer.add.ord, timer.add.index, &timer.remove.contact.key()])?;
    }
    Ok(())
}

fn collect(db: &dyn Sql, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Timer>, StoreError> {
    db.all(sql, args, |row| read(&row))
}

fn read(row: &Row<'_>) -> Result<Timer, StoreError> {
    let remove = serde_json::from_str(row.text(3)?).map_err(|_| StoreError::Damaged("a timer can't be read"))?;
    Ok(Timer { due: row.time(0)?, add: row.change_id(1)?, remove })
}

/// When the next timer is over.
pub(super) fn next(db: &dyn Sql) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT due FROM timer ORDER BY due LIMIT 1";
    db.first(sql, &[], |row| row.time(0))
}

/// Removes a timer that has been carried out.
pub(super) fn end(db: &dyn Sql, timer: &Timer) -> Result<(), StoreError> {
    let sql = "DELETE FROM timer WHERE due = ?1 AND ord = ?2 AND ix = ?3";
    db.send(sql, args![timer.due, timer.add.ord, timer.add.index])
}
