//! Who asked to be told of what, and how far each is. What they are told is written nowhere for them: it is read from what there is
//! anyway, behind a position of each subscriber's own.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::contact::json;
use super::log::{self, Log};
use super::sql::{Row, Sql, args};
use crate::domain::secret::Secret;
use crate::domain::subscription::{Narrowed, Progress, Subscription, Topic};
use crate::domain::time::Timestamp;

/// How many there may be.
pub const MOST: usize = 1_000;

/// What doesn't change, as it is stored.
#[derive(Serialize, Deserialize)]
struct Body {
    topic: Topic,
    #[serde(flatten)]
    narrowed: Narrowed,
    // Both are secrets, and there is no other place for them: nobody can set a variable for what a program asks for at night.
    url: String,
    secret: String,
}

/// Begins one with what is written from `now` on; `false` where there are too many. What others have begun to write and will commit within
/// `in_flight_ms` is not passed by.
pub(super) fn insert(
    db: &dyn Sql,
    subscription: &Subscription,
    now: Timestamp,
    in_flight_ms: i64,
) -> Result<bool, StoreError> {
    let count = db.first("SELECT count(*) FROM subscription", &[], |row| row.int(0))?.unwrap_or_default();
    if count >= MOST as i64 {
        return Ok(false);
    }
    let Subscription { id, topic, narrowed, url, secret, .. } = subscription;
    let body = Body {
        topic: *topic,
        narrowed: narrowed.clone(),
        url: url.expose().to_owned(),
        secret: secret.expose().to_owned(),
    };
    let upto = log::now(db, Log::of(*topic), now, in_flight_ms)?;
    let progress = Progress { upto, ..Progress::default() };
    let sql = "INSERT INTO subscription (id, at, body, progress) VALUES (?1, ?2, ?3, ?4)";
    db.send(sql, args![id, now, &json(&body), &json(&progress)])?;
    Ok(true)
}

/// Writes how far one is, if nobody else has meanwhile; `false` where somebody has, or it is gone.
pub(super) fn advance(db: &dyn Sql, id: &str, was: &Progress, is: &Progress) -> Result<bool, StoreError> {
    let sql = "SELECT progress FROM subscription WHERE id = ?1";
    let stored = db.first(sql, args![id], |row| Ok(row.text(0)?.to_owned()))?;
    // Another version may write the same in other words.
    let Some(stored) = stored.filter(|text| serde_json::from_str::<Progress>(text).is_ok_and(|found| found == *was))
    else {
        return Ok(false);
    };
    let sql = "UPDATE subscription SET progress = ?3, ended = ?4 WHERE id = ?1 AND progress = ?2";
    let ended = is.ended.as_ref().map(|ended| ended.at.0);
    Ok(db.run(sql, args![id, &stored, &json(is), ended])? > 0)
}

/// Takes one out; `false` where there is none.
pub(super) fn remove(db: &dyn Sql, id: &str) -> Result<bool, StoreError> {
    Ok(db.run("DELETE FROM subscription WHERE id = ?1", args![id])? > 0)
}

/// All of them, the oldest first.
pub(super) fn list(db: &dyn Sql) -> Result<Vec<(Subscription, Progress)>, StoreError> {
    db.all("SELECT id, at, body, progress FROM subscription ORDER BY at, id", &[], |row| read(&row))
}

/// Forgets those that ended before then.
pub(super) fn retain(db: &dyn Sql, before: Timestamp) -> Result<(), StoreError> {
    db.send("DELETE FROM subscription WHERE ended < ?1", args![before])
}

fn read(row: &Row<'_>) -> Result<(Subscription, Progress), StoreError> {
    let damaged = |_| StoreError::Damaged("a subscription can't be read");
    let Body { topic, narrowed, url, secret } = serde_json::from_str(row.text(2)?).map_err(damaged)?;
    let progress = serde_json::from_str(row.text(3)?).map_err(damaged)?;
    let (id, at) = (row.text(0)?.to_owned(), row.time(1)?);
    let (url, secret) = (Secret::new(&url), Secret::new(&secret));
    Ok((Subscription { id, at, topic, narrowed, url, secret }, progress))
}
