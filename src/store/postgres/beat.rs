//! The beat: a gateway's look at the database, in one round trip; and between beats the hearing of what others have written.

use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row as PgRow};

use super::inbox::{OUTDATED, PERSON_FORGOTTEN, TOUCHED, here, said};
use super::member::{Member, within};
use crate::clock;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::store::face::{StoreError, Wake, What};

/// What made the function of the version before, which does most of it still.
pub(super) const STEP: &str = "
    -- As beat_1, and that a contact's tags were changed by others (1) stays in the inbox until a later beat says that this was acted
    -- upon: who takes the contact meanwhile reads it there. It is told with the time of its entry; what is seen with the time at the end.
    CREATE INDEX inbox_outdated ON inbox (contact) WHERE what = 1;
    CREATE FUNCTION beat_2(me BIGINT, lease BIGINT, mine BIGINT[], leaving BIGINT[], seen TEXT, heard BIGINT[])
        RETURNS TABLE (what BIGINT, number BIGINT, contact BYTEA, note TEXT, at BIGINT) LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            now BIGINT := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
            gateways BIGINT;
            room BIGINT;
            own BYTEA := decode(repeat('00', 32), 'hex');
            one BIGINT;
        BEGIN
        UPDATE gateway g SET until = now + lease WHERE g.id = me AND g.fenced = 0;
        IF NOT FOUND THEN
            RETURN QUERY SELECT -1::bigint, 0::bigint, NULL::bytea, NULL::text, 0::bigint;
            RETURN;
        END IF;
        IF EXISTS (SELECT 1 FROM gateway g WHERE g.fenced = 0 AND g.until < now) THEN
            WITH over AS (SELECT g.id FROM gateway g WHERE g.fenced = 0 AND g.until < now ORDER BY g.id FOR UPDATE),
            late AS (UPDATE gateway g SET fenced = 1 FROM over WHERE g.id = over.id RETURNING g.id)
            UPDATE bucket b SET owner = NULL FROM late WHERE b.owner = late.id;
        END IF;
        SELECT count(*) INTO gateways FROM gateway g WHERE g.fenced = 0;
        room := (256 + gateways - 1) / gateways - (SELECT count(*) FROM bucket b WHERE b.owner = me AND NOT b.id = ANY (leaving));
        RETURN QUERY SELECT -2::bigint, now, NULL::bytea, NULL::text, 0::bigint;
        RETURN QUERY SELECT -3::bigint, gateways, NULL::bytea, NULL::text, 0::bigint;
        RETURN QUERY SELECT -4::bigint, b.id, NULL::bytea, NULL::text, 0::bigint FROM bucket b
            WHERE b.owner = me AND NOT b.id = ANY (mine) AND NOT b.id = ANY (leaving);
        IF room > 0 THEN
            RETURN QUERY
            WITH free AS (SELECT b.id FROM bucket b WHERE b.owner IS NULL ORDER BY b.id LIMIT room FOR UPDATE SKIP LOCKED),
            claimed AS (UPDATE bucket b SET owner = me FROM free WHERE b.id = free.id RETURNING b.id),
            -- Whoever was to say last words again may have ended before.
            unsaid AS (UPDATE inbox i SET what = 2 FROM claimed WHERE i.bucket = claimed.id AND i.what = 4)
            SELECT -4::bigint, c.id, NULL::bytea, NULL::text, 0::bigint FROM claimed c;
        END IF;
        -- One look, whatever there is: what is told of a connection or wakes goes by it; that a gateway whose lease had ended may have
        -- called (2) stays until it is answered, and that tags were changed (1) until it was acted upon.
        RETURN QUERY
        WITH found AS MATERIALIZED (SELECT i.bucket, i.id, i.what, i.contact, i.connection, i.at FROM inbox i
            WHERE i.bucket = ANY (mine) AND i.what <> 4 AND (i.what <> 1 OR NOT i.id = ANY (heard))),
        handed AS (UPDATE inbox i SET what = 4 FROM found f WHERE f.what = 2 AND i.bucket = f.bucket AND i.id = f.id),
        gone AS (DELETE FROM inbox i USING found f WHERE f.what NOT IN (1, 2) AND i.bucket = f.bucket AND i.id = f.id)
        SELECT f.what, f.id, f.contact, f.connection, f.at FROM found f ORDER BY f.id;
        IF cardinality(heard) > 0 THEN
            DELETE FROM inbox i WHERE i.bucket = ANY (mine) AND i.what = 1 AND i.id = ANY (heard);
        END IF;
        -- All of it by one statement, and so of one moment.
        IF seen IS NULL THEN
            RETURN QUERY SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
        ELSE
            -- News is of all contacts of all gateways: a bit says at once whether one is ours.
            FOREACH one IN ARRAY mine LOOP own := set_bit(own, one::integer, 1); END LOOP;
            RETURN QUERY
            SELECT 0::bigint, 0::bigint, c.contact, c.connection, 0::bigint
                FROM news n, unnest(n.contacts, n.connections) AS c (contact, connection)
                WHERE n.xid >= pg_snapshot_xmin(seen::pg_snapshot) AND NOT pg_visible_in_snapshot(n.xid, seen::pg_snapshot)
                    AND get_bit(own, get_byte(c.contact, 0)) = 1
            UNION ALL SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
        END IF;
        END $$;
";

/// What makes its function; gateways of the version before go on with `beat_2`.
pub(super) const NEWS_STEP: &str = "
    -- As beat_2, and news is handed over row by row as it was written: which of it is ours is told sooner by whoever reads it. All of
    -- the news and what is seen by it is told by one statement, and so of one moment.
    CREATE FUNCTION beat_3(me BIGINT, lease BIGINT, mine BIGINT[], leaving BIGINT[], seen TEXT, heard BIGINT[])
        RETURNS TABLE (what BIGINT, number BIGINT, contact BYTEA, note TEXT, at BIGINT, contacts BYTEA[], connections TEXT[])
        LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
        #variable_conflict use_column
        BEGIN
        RETURN QUERY SELECT b.what, b.number, b.contact, b.note, b.at, NULL::bytea[], NULL::text[]
            FROM beat_2(me, lease, mine, leaving, NULL, heard) b WHERE b.what <> -5;
        RETURN QUERY
        SELECT -6::bigint, 0::bigint, NULL::bytea, NULL::text, 0::bigint, n.contacts, n.connections FROM news n
            WHERE n.xid >= pg_snapshot_xmin(seen::pg_snapshot) AND NOT pg_visible_in_snapshot(n.xid, seen::pg_snapshot)
        UNION ALL SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text,
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint, NULL::bytea[], NULL::text[];
        END $$;
";

/// What makes the function that hears between beats.
pub(super) const HEARING_STEP: &str = "
    -- The news since, as a beat tells it, where nobody has more to say: nothing is written, and so nothing has to be committed. An inbox
    -- with something in it that wasn't told yet (-7) wants a beat, which tells the news as well.
    CREATE FUNCTION hear_1(mine BIGINT[], seen TEXT, told BIGINT[])
        RETURNS TABLE (what BIGINT, note TEXT, contacts BYTEA[], connections TEXT[])
        LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
        BEGIN
        RETURN QUERY
        WITH more AS MATERIALIZED (SELECT EXISTS (SELECT FROM inbox i
            WHERE i.bucket = ANY (mine) AND i.what <> 4 AND (i.what <> 1 OR NOT i.id = ANY (told))) AS is_there)
        SELECT -6::bigint, NULL::text, n.contacts, n.connections FROM news n
            WHERE NOT (SELECT m.is_there FROM more m)
                AND n.xid >= pg_snapshot_xmin(seen::pg_snapshot) AND NOT pg_visible_in_snapshot(n.xid, seen::pg_snapshot)
        UNION ALL SELECT CASE WHEN m.is_there THEN -7::bigint ELSE -5::bigint END, pg_current_snapshot()::text,
            NULL::bytea[], NULL::text[] FROM more m;
        END $$;
";

/// What beats have shown so far, as the next one says.
#[derive(Debug, Default)]
pub(super) struct Last {
    /// Which transactions the last one has seen.
    pub seen: Option<String>,
    /// The entries that told of tags changed by others; nobody else holds the mark of those that were acted upon.
    heard: Vec<(Arc<()>, Vec<i64>)>,
}

impl Last {
    /// The entries that were acted upon, which needn't be told of any more.
    fn done(&mut self) -> Vec<i64> {
        let (done, heard) =
            std::mem::take(&mut self.heard).into_iter().partition(|(unheard, _)| Arc::strong_count(unheard) == 1);
        self.heard = heard;
        let done: Vec<_> = done;
        done.into_iter().flat_map(|(_, entries)| entries).collect()
    }
}

/// What a beat has shown.
#[derive(Debug, Default)]
pub(super) struct Beat {
    /// Whether the lease was renewed.
    pub alive: bool,
    /// Gateways that are alive, this one included.
    pub gateways: i64,
    /// Buckets that were free and are ours now.
    pub gained: Vec<i64>,
    pub wakes: Vec<Wake>,
}

impl Member {
    pub(super) async fn beat(&self, client: &Client, leaving: &Vec<i64>, last: &mut Last) -> Result<Beat, StoreError> {
        let (me, lease, mine) = (self.standing.me(), self.standing.lease_ms(), self.standing.owned());
        let (sent, sent_at, done) = (clock::steady_ms(), self.clock.now(), last.done());
        let sql = "SELECT what, number, contact, note, at, contacts, connections FROM beat_3($1, $2, $3, $4, $5, $6)";
        let values: [(&(dyn ToSql + Sync), Type); 6] = [
            (&me, Type::INT8),
            (&lease, Type::INT8),
            (&mine, Type::INT8_ARRAY),
            (leaving, Type::INT8_ARRAY),
            (&last.seen, Type::TEXT),
            (&done, Type::INT8_ARRAY),
        ];
        let rows = within(client.query_typed(sql, &values)).await?;
        let now = self.clock.now();
        let mut beat = Beat::default();
        let (unheard, mut heard) = (Arc::new(()), Vec::new());
        // Who is fenced hears of nothing else.
        if rows.first().map(|row| row.try_get(0)).transpose().map_err(damaged)? == Some(-1_i64) {
            return Ok(beat);
        }
        for row in rows.iter().rev() {
            let what: i64 = row.try_get(0).map_err(damaged)?;
            let number: i64 = row.try_get(1).map_err(damaged)?;
            let at: i64 = row.try_get(4).map_err(damaged)?;
            match what {
                -2 => beat.alive = true,
                -3 => beat.gateways = number,
                -4 => beat.gained.push(number),
                // The last one, and so the first here.
                -5 => {
                    last.seen = row.try_get(3).map_err(damaged)?;
                    // A clock that is set by hand is nobody else's.
                    let ahead = if self.clock.is_system() { at - now.0..=at - sent_at.0 } else { 0..=0 };
                    self.standing.renewed(sent, lease, ahead);
                }
                -6 => ours(&mut beat.wakes, row, 5, &mine)?,
                what => {
                    if what == OUTDATED {
                        heard.push(number);
                    }
                    let contact: &[u8] = row.try_get(2).map_err(damaged)?;
                    let connection: &str = row.try_get(3).map_err(damaged)?;
                    let Ok(connection) = ConnectionName::parse(connection) else { continue };
                    let key = ContactKey::from_hash(contact);
                    let what = match what {
                        OUTDATED => {
                            What::Outdated { by: here(at, &self.clock, &self.standing), unheard: Arc::clone(&unheard) }
                        }
                        TOUCHED => What::Again(number),
                        PERSON_FORGOTTEN => What::Forgotten,
                        what => said(what).map_or(What::New, What::Said),
                    };
                    beat.wakes.push(Wake { key, connection, what });
                }
            }
        }
        beat.wakes.reverse();
        last.heard.push((unheard, heard));
        Ok(beat)
    }

    /// Those of our contacts for whom others have written something since the last look. `None` where that isn't all: then a beat tells
    /// everything.
    pub(super) async fn hear(&self, client: &Client, last: &mut Last) -> Result<Option<Vec<Wake>>, StoreError> {
        let mine = self.standing.owned();
        let told: Vec<i64> = last.heard.iter().flat_map(|(_, entries)| entries.iter().copied()).collect();
        let sql = "SELECT what, note, contacts, connections FROM hear_1($1, $2, $3)";
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&mine, Type::INT8_ARRAY), (&last.seen, Type::TEXT), (&told, Type::INT8_ARRAY)];
        let rows = within(client.query_typed(sql, &values)).await?;
        let Some((end, news)) = rows.split_last().filter(|(end, _)| matches!(end.try_get(0), Ok(-5_i64))) else {
            return Ok(None);
        };
        let mut wakes = Vec::new();
        for row in news.iter().rev() {
            ours(&mut wakes, row, 2, &mine)?;
        }
        wakes.reverse();
        last.seen = end.try_get(1).map_err(damaged)?;
        Ok(Some(wakes))
    }
}

fn damaged(_: tokio_postgres::Error) -> StoreError {
    StoreError::Damaged("what others have written can't be read")
}

/// Adds our own among a row's contacts, the last one first. The row has contacts of all gateways in this column, and their connections
/// in the next one.
fn ours(wakes: &mut Vec<Wake>, row: &PgRow, column: usize, mine: &[i64]) -> Result<(), StoreError> {
    let contacts: Vec<&[u8]> = row.try_get(column).map_err(damaged)?;
    let connections: Vec<&str> = row.try_get(column + 1).map_err(damaged)?;
    let is_ours = |contact: &[u8]| contact.first().is_some_and(|bucket| mine.contains(&i64::from(*bucket)));
    for (contact, connection) in contacts.into_iter().zip(connections).rev() {
        if let Some(Ok(connection)) = is_ours(contact).then(|| ConnectionName::parse(connection)) {
            wakes.push(Wake::of(ContactKey::from_hash(contact), connection));
        }
    }
    Ok(())
}
