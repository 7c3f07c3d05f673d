//! The beat: a gateway's look at the database, in one round trip.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::inbox::{OUTDATED, TOUCHED, here, said};
use super::member::{Member, within};
use crate::clock;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::store::face::{StoreError, Wake, What};

/// What makes its function; gateways of the version before go on with `beat_1`.
pub(super) const STEP: &str = "
    -- As beat_1, and that a contact's tags were changed by others (1) stays in the inbox until the next beat says that it was heard:
    -- who takes the contact meanwhile reads it there, however long the answer is under way. It is told with the time of its entry.
    CREATE FUNCTION beat_2(me BIGINT, lease BIGINT, mine BIGINT[], leaving BIGINT[], seen TEXT, heard BIGINT[])
        RETURNS TABLE (what BIGINT, number BIGINT, contact BYTEA, note TEXT, at BIGINT) LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            now BIGINT := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
            gateways BIGINT;
            room BIGINT;
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
        -- An entry of this kind stays until it is answered.
        RETURN QUERY
        WITH handed AS (UPDATE inbox i SET what = 4 WHERE i.bucket = ANY (mine) AND i.what = 2 RETURNING i.id, i.contact, i.connection)
        SELECT 2::bigint, h.id, h.contact, h.connection, 0::bigint FROM handed h ORDER BY h.id;
        -- One look through the inbox, whatever was heard.
        RETURN QUERY
        WITH handed AS (DELETE FROM inbox i WHERE i.bucket = ANY (mine) AND i.what NOT IN (2, 4) AND (i.what <> 1 OR i.id = ANY (heard))
            RETURNING i.id, i.what, i.contact, i.connection)
        SELECT h.what, h.id, h.contact, h.connection, 0::bigint FROM handed h WHERE h.what <> 1 ORDER BY h.id;
        RETURN QUERY
        SELECT 1::bigint, i.id, i.contact, i.connection, i.at FROM inbox i WHERE i.bucket = ANY (mine) AND i.what = 1 ORDER BY i.id;
        -- All of it by one statement, and so of one moment.
        IF seen IS NULL THEN
            RETURN QUERY SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text, 0::bigint;
        ELSE
            RETURN QUERY
            SELECT 0::bigint, 0::bigint, c.contact, c.connection, 0::bigint
                FROM news n, unnest(n.contacts, n.connections) AS c (contact, connection)
                WHERE n.xid >= pg_snapshot_xmin(seen::pg_snapshot) AND NOT pg_visible_in_snapshot(n.xid, seen::pg_snapshot)
                    AND get_byte(c.contact, 0) = ANY (mine)
            UNION ALL SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text, 0::bigint;
        END IF;
        END $$;
";

/// What the last beat has shown, as the next one says.
#[derive(Debug, Default)]
pub(super) struct Last {
    /// Which transactions it has seen.
    pub seen: Option<String>,
    /// The entries that told of tags changed by others.
    pub heard: Vec<i64>,
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
    pub last: Last,
    pub wakes: Vec<Wake>,
}

impl Member {
    pub(super) async fn beat(&self, client: &Client, leaving: &Vec<i64>, last: &Last) -> Result<Beat, StoreError> {
        let (me, lease, mine) = (self.standing.me(), self.standing.lease_ms(), self.standing.owned());
        let sent = clock::steady_ms();
        let sql = "SELECT what, number, contact, note, at FROM beat_2($1, $2, $3, $4, $5, $6)";
        let values: [(&(dyn ToSql + Sync), Type); 6] = [
            (&me, Type::INT8),
            (&lease, Type::INT8),
            (&mine, Type::INT8_ARRAY),
            (leaving, Type::INT8_ARRAY),
            (&last.seen, Type::TEXT),
            (&last.heard, Type::INT8_ARRAY),
        ];
        let rows = within(client.query_typed(sql, &values)).await?;
        let mut beat = Beat::default();
        for row in &rows {
            let damaged = |_| StoreError::Damaged("a beat's answer can't be read");
            let what: i64 = row.try_get(0).map_err(damaged)?;
            let number: i64 = row.try_get(1).map_err(damaged)?;
            match what {
                -1 => return Ok(beat),
                -2 => {
                    beat.alive = true;
                    // A clock that is set by hand is nobody else's.
                    let ahead = if self.clock.is_system() { number - self.clock.now().0 } else { 0 };
                    self.standing.renewed(sent, lease, ahead);
                }
                -3 => beat.gateways = number,
                -4 => beat.gained.push(number),
                -5 => beat.last.seen = row.try_get(3).map_err(damaged)?,
                what => {
                    let contact: &[u8] = row.try_get(2).map_err(damaged)?;
                    let connection: &str = row.try_get(3).map_err(damaged)?;
                    let Ok(connection) = ConnectionName::parse(connection) else { continue };
                    let key = ContactKey::from_hash(contact);
                    let what = match what {
                        OUTDATED => {
                            beat.last.heard.push(number);
                            What::Outdated(here(row.try_get(4).map_err(damaged)?, &self.clock, &self.standing))
                        }
                        TOUCHED => What::Again(number),
                        what => said(what).map_or(What::New, What::Said),
                    };
                    beat.wakes.push(Wake { key, connection, what });
                }
            }
        }
        Ok(beat)
    }
}
