//! Starts of calls, counted over all gateways, and the limits that any of them has met.

use std::collections::BTreeMap;

use tokio_postgres::Row as PgRow;

use super::session::{Many, Session};
use crate::domain::name::ConnectionName;
use crate::store::StoreError;
use crate::store::command::Command;
use crate::store::sql::{Row, Sql, args};
use crate::store::started::{Met, SHARED_AHEAD_MS, Start, Started};

/// Writes a start down if the account's limits allow it and no gateway was asked to wait, by the database's clock.
pub(super) const START: &str = "SELECT entry, wait, held, share, age FROM start_2($1, $2, $3, $4)";

/// The values of [`START`].
pub(super) fn count(start: &Start) -> Vec<Many<'_>> {
    let names = start.sharing.iter().map(|name| name.as_str().to_owned()).collect();
    let calls = start.limits.iter().map(|(calls, _)| i64::from(*calls)).collect();
    let windows = start.limits.iter().map(|(_, window_ms)| window_ms + SHARED_AHEAD_MS).collect();
    let connection = Many::One(start.connection.as_str().into());
    vec![connection, Many::Texts(names), Many::Ints(calls), Many::Ints(windows)]
}

/// Its answer.
pub(super) fn counted(start: &Start, rows: &[PgRow]) -> Result<Started, StoreError> {
    let row = rows.first().ok_or(StoreError::Damaged("a start was answered by nothing"))?;
    let row = Row::Postgres(row);
    // How long to wait is the same by every clock.
    let entry = match row.int_if_any(0)? {
        Some(entry) => Ok(entry),
        None => Err(start.at.plus_millis(row.int(1)?.max(1))),
    };
    let met = match row.int_if_any(2)? {
        Some(held_ms) => Some(Met {
            at: start.at.plus_millis(-row.int(4)?),
            until: start.at.plus_millis(held_ms),
            eighths: u32::try_from(row.int(3)?).unwrap_or(1),
        }),
        None => None,
    };
    Ok(Started { entry, met })
}

/// Writes down that accounts' limits were met, before anything else is written: other gateways are about to call.
pub(super) fn limits_met(session: &Session, commands: Vec<Command>) {
    // In one order everywhere: rows are locked until the commit.
    let mut met: BTreeMap<ConnectionName, Met> = BTreeMap::new();
    for command in commands {
        let Command::LimitMet(sharing, new) = command else { continue };
        let Some(first) = sharing.into_iter().min() else { continue };
        let known = met.entry(first).or_insert(new);
        *known = Met { until: known.until.max(new.until), eighths: known.eighths.min(new.eighths), ..new };
    }
    if met.is_empty() {
        return;
    }
    // Calls that were under way together at several gateways tell of one and the same meeting.
    let sql = "INSERT INTO limit_met AS m (connection, at, until, share)
        SELECT ?1, now, now + ?2, ?3 FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) t
        ON CONFLICT (connection) DO UPDATE SET at = excluded.at, until = greatest(m.until, excluded.until),
        share = CASE WHEN m.until > excluded.at THEN least(m.share, excluded.share) ELSE excluded.share END";
    let written = session.write(|db| {
        let db: &dyn Sql = db;
        met.iter().try_for_each(|(first, met)| {
            db.send(sql, args![first.as_str(), met.until.since(met.at).max(0), i64::from(met.eighths)])
        })
    });
    if let Err(error) = written {
        tracing::warn!(%error, "the other gateways can't be told that a provider's limit was met; each meets it itself");
    }
}
