//! The gateways that share a database, as people look them up.

use serde::Serialize;

use super::session::Session;
use super::standing::Standing;
use crate::domain::time::{Timestamp, rfc3339};
use crate::store::StoreError;
use crate::store::sql::{Sql, args};

/// One of the gateways that share the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// Its number; a gateway that lost its lease comes back under another.
    pub id: i64,
    /// Where it listens, and as which process.
    pub name: String,
    /// Whether it is the one that was asked.
    pub this: bool,
    /// Its version.
    pub version: String,
    /// Since when it is there.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub since: Timestamp,
    /// Until when its lease lasts if nothing is heard of it.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub until: Timestamp,
    /// The hash of the rule set that it runs.
    pub rule_set: String,
    /// How many of the 256 buckets of contacts it delivers for.
    pub buckets: i64,
    /// How long ago its last beat was, in milliseconds; one is due every second. `None` of a version that doesn't tell.
    pub silent_ms: Option<i64>,
    /// How its lanes stand, as it left them.
    #[serde(skip)]
    pub lanes: String,
}

/// Says in the log who runs another rule set than this one: during an update that is as it should be, and afterwards a fault.
pub(super) fn tell_apart(db: &dyn Sql, me: i64, rule_set: &str) -> Result<(), StoreError> {
    let sql =
        "SELECT name, rule_set FROM gateway WHERE id <> ?1 AND fenced = 0 AND rule_set NOT IN ('', ?2) ORDER BY id";
    for (other, theirs) in
        db.all(sql, args![me, rule_set], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))?
    {
        tracing::warn!(rule_set, other, theirs, "another gateway on this database runs another rule set");
    }
    Ok(())
}

/// All that are there, in the order in which they joined.
pub(in crate::store) fn list(session: &Session, standing: &Standing) -> Result<Vec<Peer>, StoreError> {
    let sql = "SELECT g.id, g.name, g.version, g.began, g.until, g.rule_set,
        (SELECT count(*) FROM bucket b WHERE b.owner = g.id),
        CASE WHEN g.lease > 0 THEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint - g.until + g.lease END, g.lanes
        FROM gateway g WHERE g.fenced = 0 ORDER BY g.id";
    let db: &dyn Sql = session;
    db.all(sql, args![], |row| {
        Ok(Peer {
            id: row.int(0)?,
            name: row.text(1)?.to_owned(),
            this: row.int(0)? == standing.me(),
            version: row.text(2)?.to_owned(),
            since: row.time(3)?,
            until: row.time(4)?,
            rule_set: row.text(5)?.to_owned(),
            buckets: row.int(6)?,
            silent_ms: row.int_if_any(7)?.map(|silent_ms| silent_ms.max(0)),
            lanes: row.text(8)?.to_owned(),
        })
    })
}
