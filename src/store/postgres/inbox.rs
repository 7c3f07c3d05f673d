//! What gateways write for each other: each bucket has an inbox, which its owner empties.

use super::session::{Many, Session};
use super::standing::Standing;
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;
use crate::store::face::{Said, StoreError};
use crate::store::sql::{Sql, args};

/// What an inbox says of a contact: something waits; tags were changed by others; a gateway whose lease had ended may have called; the
/// person was forgotten.
pub(super) const WOKEN: i64 = 0;
pub(super) const OUTDATED: i64 = 1;
pub(super) const TOUCHED: i64 = 2;
pub(super) const PERSON_FORGOTTEN: i64 = 7;
/// The last of them, handed over and not answered yet.
pub(super) const SAYING: i64 = 4;

/// What it says of a connection.
const SAID: [(i64, Said); 3] = [(3, Said::TryNow), (5, Said::Refused), (6, Said::Well)];

/// What a number says of a connection, if it does.
pub(super) fn said(number: i64) -> Option<Said> {
    SAID.iter().find(|(known, _)| *known == number).map(|(_, said)| *said)
}

/// Writes into the inbox of whoever has the contact's bucket.
pub(super) fn tell(
    db: &dyn Sql,
    key: ContactKey,
    connection: &str,
    what: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO inbox (bucket, contact, connection, what, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    db.send(sql, args![i64::from(key.bucket()), &key, connection, what, now])
}

/// Writes the same of many contacts, but of those whose bucket is this gateway's; whether there were others. The database knows whose
/// they are: this one may be fenced and not have heard of it yet. So it is with the time, since no two gateways' clocks agree.
pub(super) fn tell_owners(
    db: &Session,
    me: i64,
    contacts: impl Iterator<Item = (ContactKey, ConnectionName)>,
    what: i64,
) -> Result<bool, StoreError> {
    let (keys, connections): (Vec<_>, Vec<_>) = contacts.map(|(key, name)| (key, name.to_string())).unzip();
    if keys.is_empty() {
        return Ok(false);
    }
    let sql = "INSERT INTO inbox (bucket, contact, connection, what, at)
        SELECT b.id, c.contact, c.connection, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM unnest($1::bytea[], $2::text[]) AS c (contact, connection) JOIN bucket b ON b.id = get_byte(c.contact, 0)
        WHERE b.owner IS DISTINCT FROM $4 RETURNING id";
    let values = vec![Many::keys(&keys), Many::Texts(connections), Many::One(what.into()), Many::One(me.into())];
    db.ask(sql, values).map(|written| !written.is_empty())
}

/// What the time of such an entry is by our own clock, or somewhat later: the database's is ahead of ours by what beats have
/// shown, and by as much more as the quickest answer was under way; both are told to the millisecond. It was written before now in any case, and
/// that is all that there is to say by a clock that is set by hand.
pub(super) fn here(at: i64, clock: &Clock, standing: &Standing) -> Timestamp {
    let now = clock.now();
    if clock.is_system() { Timestamp(at - standing.ahead_ms() + 2).min(now) } else { now }
}

/// Writes once for each other gateway, into a bucket of its own.
pub(super) fn tell_each(db: &dyn Sql, me: i64, connection: &str, what: Said, now: Timestamp) -> Result<(), StoreError> {
    let Some((number, _)) = SAID.iter().find(|(_, said)| *said == what) else { return Ok(()) };
    let sql = "INSERT INTO inbox (bucket, contact, connection, what, at)
        SELECT min(id), ?1, ?2, ?3, ?4 FROM bucket WHERE owner IS NOT NULL AND owner <> ?5 GROUP BY owner";
    let nobody: &[u8] = &[];
    db.send(sql, args![nobody, connection, *number, now, me])
}
