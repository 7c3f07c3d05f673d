//! Starts of calls, counted over all gateways.

use tokio_postgres::Row as PgRow;

use super::session::Many;
use crate::store::StoreError;
use crate::store::sql::Row;
use crate::store::started::{SHARED_AHEAD_MS, Start, Started};

/// Writes a start down if the account's limits allow it, by the database's clock.
pub(super) const START: &str = "SELECT entry, wait FROM start_1($1, $2, $3, $4)";

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
    let until = |wait_ms| Started::UsedUp(start.at.plus_millis(wait_ms));
    Ok(match row.int_if_any(0)? {
        Some(entry) => Started::Entry(entry),
        None => until(row.int(1)?.max(1)),
    })
}
