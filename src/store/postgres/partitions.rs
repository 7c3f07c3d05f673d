//! What only grows at its end and goes at its beginning lies in partitions by number: numbers follow the time, so that what is old
//! goes by dropping a table, and what is looked up by its number is looked up in one of them.
//!
//! Partitions are made ahead, as wide as the numbers of one span at the rate of late. What comes where there is none lies in a table of
//! its own, `lot_rest` or `delivery_rest`, so that none that is missing ever refuses an event.

use super::schema::LOCK;
use super::session::Session;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::sql::{Sql, args};

/// The narrowest, and what all widths are multiples of: a run of changes that wait.
pub(in crate::store) const STEP: i64 = 1 << 16;
/// How much wider than the one before a partition may be, so that a burst doesn't make one that lasts for years.
const GROWTH: i64 = 16;
/// About so many partitions hold what retention keeps.
const SPANS: i64 = 30;
/// A table that others look through is waited for so long; meanwhile they wait who want it after us.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '500ms'";

/// A table in partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Numbered {
    /// Events, by the number of a lot's first one.
    Lots,
    /// Deliveries.
    Deliveries,
}

impl Numbered {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lots, Self::Deliveries];

    /// Its name.
    pub fn table(self) -> &'static str {
        match self {
            Self::Lots => "lot",
            Self::Deliveries => "delivery",
        }
    }

    /// The column of its number.
    pub fn number(self) -> &'static str {
        match self {
            Self::Lots => "first",
            Self::Deliveries => "id",
        }
    }

    /// What gives its numbers.
    fn sequence(self) -> &'static str {
        match self {
            Self::Lots => "event_number",
            Self::Deliveries => "delivery_number",
        }
    }

    /// The number of `meta` below which all that last words keep has been copied to them.
    pub fn kept(self) -> &'static str {
        match self {
            Self::Lots => "kept_lot",
            Self::Deliveries => "kept_delivery",
        }
    }
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    /// Its name as statements take it.
    pub name: String,
    /// The first number in it.
    pub from: i64,
    /// The first one after it.
    pub to: i64,
}

/// How long a partition is to last where events are kept for so long.
pub(super) fn span_ms(retention: std::time::Duration) -> i64 {
    i64::try_from(retention.as_millis()).unwrap_or(i64::MAX) / SPANS
}

/// The partitions, the one with the smallest numbers first, without the one for what has none.
pub(super) fn list(db: &dyn Sql, of: Numbered) -> Result<Vec<Partition>, StoreError> {
    let sql = format!(
        "SELECT c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid)
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{}'::regclass",
        of.table()
    );
    let all = db.all(&sql, &[], |row| Ok((row.text(0)?.to_owned(), bounds(row.text(1)?))))?;
    let bound = all.into_iter().filter_map(|(name, bounds)| bounds.map(|(from, to)| Partition { name, from, to }));
    let mut partitions: Vec<Partition> = bound.collect();
    partitions.sort_unstable_by_key(|partition| partition.from);
    Ok(partitions)
}

/// From where to where, as the server writes it: `FOR VALUES FROM (MINVALUE) TO ('65536')`. Nothing for the one that takes the rest.
fn bounds(text: &str) -> Option<(i64, i64)> {
    let (from, to) = text.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?.split_once(") TO (")?;
    let number = |text: &str| match text {
        "MINVALUE" => Some(i64::MIN),
        "MAXVALUE" => Some(i64::MAX),
        text => text.trim_matches('\'').parse().ok(),
    };
    Some((number(from)?, number(to)?))
}

/// The number that the next row gets.
pub(super) fn next_number(db: &dyn Sql, of: Numbered) -> Result<i64, StoreError> {
    let sql = format!("SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {}", of.sequence());
    db.first(&sql, &[], |row| row.int(0))?.ok_or(StoreError::Damaged("a sequence gave no number"))
}

/// How many numbers came within how many milliseconds.
#[derive(Debug, Clone, Copy)]
struct Rate {
    numbers: i64,
    millis: i64,
}

impl Rate {
    fn within(self, millis: i64) -> i64 {
        let numbers = i128::from(self.numbers) * i128::from(millis) / i128::from(self.millis.max(1));
        i64::try_from(numbers).unwrap_or(i64::MAX)
    }
}

/// The smallest multiple of [`STEP`] that isn't smaller.
fn whole_steps(number: i64) -> i64 {
    number.saturating_add(STEP - 1).max(0) / STEP * STEP
}

/// From where to where the next partition goes; `None` where one that nothing has come into yet is there.
fn wanted(partitions: &[Partition], next: i64, rate: Rate, span_ms: i64) -> Option<(i64, i64)> {
    let last = partitions.last();
    if last.is_some_and(|last| next < last.from) {
        return None;
    }
    let from = match last {
        Some(last) if next <= last.to => last.to,
        // What has come beyond lies with the rest and stays there. Numbers go on while this one is made: it begins behind those.
        _ => whole_steps(next.saturating_add(rate.within(10_000).max(STEP))),
    };
    let before = last.map_or(STEP, |last| last.to - last.from.max(0)).max(STEP);
    let width = whole_steps(rate.within(span_ms)).clamp(STEP, before.saturating_mul(GROWTH));
    from.checked_add(width).map(|to| (from, to))
}

/// Makes partitions until there is one that nothing has come into yet; from which number on the next is needed.
///
/// Each is made in a transaction of its own and is there at once, whatever others write and read. Gateways do it one at a time.
pub(super) fn make_ahead(session: &Session, of: Numbered, now: Timestamp, span_ms: i64) -> Result<i64, StoreError> {
    loop {
        let (made, from) = session.write(|session| {
            session.batch(LOCK_TIMEOUT);
            let db: &dyn Sql = session;
            // One at a time, and nobody sets tables up meanwhile.
            db.first("SELECT pg_advisory_xact_lock(?1)", args![LOCK], |_| Ok(()))?;
            let partitions = list(db, of)?;
            let next = next_number(db, of)?;
            let rate = rate(db, of, &partitions, next, now)?;
            let wanted = wanted(&partitions, next, rate, span_ms);
            if let Some((from, to)) = wanted {
                make(db, of, from, to)?;
            }
            let last = partitions.last().map_or(next, |last| last.from);
            Ok((wanted, last))
        })?;
        match made {
            None => return Ok(from),
            Some((from, to)) => tracing::info!(table = of.table(), from, to, "a partition was made ahead"),
        }
    }
}

/// How fast numbers came since the partition before the one that is in use began: it has been full, so that they are many.
fn rate(db: &dyn Sql, of: Numbered, partitions: &[Partition], next: i64, now: Timestamp) -> Result<Rate, StoreError> {
    let in_use = partitions.partition_point(|partition| partition.to <= next);
    let Some(since) = partitions.get(in_use.saturating_sub(1)) else { return Ok(Rate { numbers: 0, millis: 1 }) };
    let (number, table) = (of.number(), of.table());
    let sql =
        format!("SELECT {number}, at FROM {table} WHERE {number} >= ?1 AND {number} < ?2 ORDER BY {number} LIMIT 1");
    let first = db.first(&sql, args![since.from, since.to], |row| Ok((row.int(0)?, row.time(1)?)))?;
    Ok(first.map_or(Rate { numbers: 0, millis: 1 }, |(first, at)| Rate { numbers: next - first, millis: now.0 - at.0 }))
}

/// Makes one. A table is made by itself and then let in, for which nobody who reads or writes the others has to wait.
fn make(db: &dyn Sql, of: Numbered, from: i64, to: i64) -> Result<(), StoreError> {
    let table = of.table();
    db.send(&format!("CREATE TABLE {table}_{from} (LIKE {table} INCLUDING ALL)"), &[])?;
    let attach = format!("ALTER TABLE {table} ATTACH PARTITION {table}_{from} FOR VALUES FROM ({from}) TO ({to})");
    db.run(&attach, &[]).map(drop)
}

/// Makes partitions for numbers up to `upto`, into which rows of long ago are to be written, inside of a transaction.
pub(in crate::store) fn cover(db: &dyn Sql, of: Numbered, upto: i64) -> Result<(), StoreError> {
    let Some(last) = list(db, of)?.pop() else { return Ok(()) };
    let width = whole_steps((upto - last.to).max(0) / SPANS).max(STEP);
    let (mut begun, mut from) = (last.from, last.to);
    // The last one stays empty.
    while begun <= upto {
        make(db, of, from, from + width)?;
        (begun, from) = (from, from + width);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(from: i64, to: i64) -> Partition {
        Partition { name: format!("lot_{from}"), from, to }
    }

    const IDLE: Rate = Rate { numbers: 0, millis: 1 };
    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn bounds_are_read_as_the_server_writes_them() {
        assert_eq!(bounds("FOR VALUES FROM (MINVALUE) TO ('65536')"), Some((i64::MIN, 65_536)));
        assert_eq!(bounds("FOR VALUES FROM ('65536') TO (MAXVALUE)"), Some((65_536, i64::MAX)));
        assert_eq!(bounds("DEFAULT"), None);
    }

    #[test]
    fn one_is_made_when_the_last_one_is_begun_and_none_while_it_is_empty() {
        let two = [partition(i64::MIN, STEP), partition(STEP, 2 * STEP)];
        assert_eq!(wanted(&two, STEP - 1, IDLE, DAY_MS), None);
        assert_eq!(wanted(&two, STEP, IDLE, DAY_MS), Some((2 * STEP, 3 * STEP)));
        assert_eq!(wanted(&two, 2 * STEP, IDLE, DAY_MS), Some((2 * STEP, 3 * STEP)), "it is full to its last number");
    }

    #[test]
    fn it_is_as_wide_as_what_comes_in_a_span_and_grows_by_steps() {
        let two = [partition(i64::MIN, STEP), partition(STEP, 2 * STEP)];
        let rate = |numbers, millis| Rate { numbers, millis };
        // A thousand a second for some seconds is no reason for a partition of a day yet.
        assert_eq!(wanted(&two, STEP, rate(STEP, 65_000), DAY_MS), Some((2 * STEP, 18 * STEP)));
        let wide = [partition(0, 2_000 * STEP), partition(2_000 * STEP, 4_000 * STEP)];
        let next = 2_000 * STEP;
        assert_eq!(
            wanted(&wide, next, rate(86_400_000, DAY_MS), DAY_MS),
            Some((4_000 * STEP, 4_000 * STEP + 1_319 * STEP))
        );
        // What is slow again gets narrow ones at once.
        assert_eq!(wanted(&wide, next, rate(100, DAY_MS), DAY_MS), Some((4_000 * STEP, 4_001 * STEP)));
        assert_eq!(wanted(&wide, next, rate(i64::MAX, 1), i64::MAX).map(|(_, to)| to), Some(36_000 * STEP));
    }

    #[test]
    fn where_numbers_have_gone_beyond_all_of_them_the_next_one_begins_behind_those_that_come_meanwhile() {
        let one = [partition(i64::MIN, STEP)];
        assert_eq!(wanted(&one, STEP + 1, IDLE, DAY_MS), Some((3 * STEP, 4 * STEP)));
        let fast = Rate { numbers: 100_000, millis: 1_000 };
        assert_eq!(wanted(&one, STEP + 1, fast, 1_000).map(|(from, _)| from), Some(17 * STEP));
        assert_eq!(wanted(&[], 5, IDLE, DAY_MS), Some((2 * STEP, 3 * STEP)));
        assert_eq!(wanted(&[], i64::MAX - 1, IDLE, DAY_MS), None, "there are no more numbers");
    }
}
