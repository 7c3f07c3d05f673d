//! The tables in PostgreSQL, and how older ones become newer ones. They hold the same as those of SQLite under the same names; what
//! is different is told beside each.

use super::address::Address;
use super::session::{Many, Session};
use crate::store::StoreError;
use crate::store::sql::{Sql, args};

/// One gateway at a time sets the tables up: the number of a lock ("tagrelay").
pub(in crate::store) const LOCK: i64 = 0x7461_6772_656c_6179;

/// Contacts fall into so many buckets, by the first byte of their keys. A bucket has one owner at a time.
pub(in crate::store) const BUCKETS: i64 = 256;

/// Each step runs once, in order.
const STEPS: [&str; 9] = ["
    -- Numbers of events, several in a row for a lot. Never taken ahead: an event that is accepted after another was answered has the
    -- greater number. The lock is held for a moment and not until the commit, as a row's would be. It belongs to the session, which
    -- behind a pooler outlives whoever was cut off: so it is let go of whatever happens.
    CREATE SEQUENCE event_number;
    CREATE FUNCTION take_numbers_1(many BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
        DECLARE first BIGINT;
        BEGIN
        PERFORM pg_advisory_lock(8386658456067597690);
        first := nextval('event_number');
        IF many > 1 THEN PERFORM setval('event_number', first + many - 1); END IF;
        PERFORM pg_advisory_unlock(8386658456067597690);
        RETURN first;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            PERFORM pg_advisory_unlock(8386658456067597690);
            RAISE;
        END $$;
    -- skipped: the places of events that turned out to be repetitions of others.
    CREATE TABLE lot (first BIGINT PRIMARY KEY, at BIGINT NOT NULL, events BIGINT NOT NULL, body BYTEA NOT NULL, skipped TEXT);
    ALTER TABLE lot ALTER COLUMN body SET STORAGE EXTERNAL;
    -- Not by spans of time, as in SQLite: what decides is whether a row can be written, and that is one index.
    CREATE TABLE dedup (key BYTEA PRIMARY KEY, ord BIGINT NOT NULL, at BIGINT NOT NULL);
    CREATE INDEX dedup_by_time ON dedup USING brin (at) WITH (autosummarize = on);
    CREATE TABLE duplicate (ord BIGINT NOT NULL, at BIGINT NOT NULL, differs BIGINT NOT NULL);
    CREATE INDEX duplicate_by_ord ON duplicate (ord);
    -- What waits, from its acceptance on: any gateway may have to deliver it. The run is told and not asked for.
    CREATE TABLE pending (run BIGINT NOT NULL, contact BYTEA NOT NULL, ord BIGINT NOT NULL, ix BIGINT NOT NULL,
        change TEXT NOT NULL, PRIMARY KEY (contact, ord, ix));
    -- What else the owner of a bucket is to know, and its contacts with something new that no lot brought.
    CREATE TABLE inbox (id BIGINT GENERATED ALWAYS AS IDENTITY, bucket BIGINT NOT NULL, contact BYTEA NOT NULL,
        connection TEXT NOT NULL, what BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (bucket, id))
        WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
    -- For whom lots have brought something new, where the bucket belongs to another gateway than the one that wrote them: a row a lot. Each
    -- gateway reads what was committed since its last look, which is told by transactions and not by numbers: those aren't
    -- committed in their order. What all have read goes, many rows at once.
    CREATE TABLE news (xid XID8 NOT NULL, contacts BYTEA[] NOT NULL, connections TEXT[] NOT NULL);
    ALTER TABLE news ALTER COLUMN contacts SET STORAGE EXTERNAL, ALTER COLUMN connections SET STORAGE EXTERNAL;
    CREATE INDEX news_by_transaction ON news (xid);
    CREATE TABLE contact (key BYTEA PRIMARY KEY, connection TEXT NOT NULL, reference TEXT NOT NULL, retry TEXT,
        words TEXT NOT NULL, guards TEXT NOT NULL, more TEXT NOT NULL);
    CREATE SEQUENCE delivery_number;
    CREATE TABLE delivery (id BIGINT PRIMARY KEY, at BIGINT NOT NULL, contact BYTEA NOT NULL, body TEXT NOT NULL);
    CREATE INDEX delivery_by_contact ON delivery (contact, id);
    CREATE TABLE dead (ord BIGINT NOT NULL, ix BIGINT NOT NULL, contact BYTEA NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL,
        event BYTEA, cause TEXT NOT NULL, PRIMARY KEY (ord, ix));
    CREATE INDEX dead_by_contact ON dead (contact);
    CREATE TABLE fault (ord BIGINT PRIMARY KEY);
    CREATE TABLE timer (due BIGINT NOT NULL, ord BIGINT NOT NULL, ix BIGINT NOT NULL, remove TEXT NOT NULL, contact BYTEA NOT NULL,
        PRIMARY KEY (due, ord, ix));
    CREATE INDEX timer_by_contact ON timer (contact);
    CREATE TABLE alias (key BYTEA NOT NULL, other BYTEA NOT NULL, contact TEXT NOT NULL, PRIMARY KEY (key, other));
    CREATE INDEX alias_by_other ON alias (other);
    CREATE TABLE rule_set (hash TEXT PRIMARY KEY, at BIGINT NOT NULL, text TEXT NOT NULL);
    CREATE TABLE connection (name TEXT PRIMARY KEY, paused_since BIGINT, reason TEXT, paused_ms BIGINT NOT NULL,
        kind TEXT NOT NULL);
    CREATE TABLE started (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, connection TEXT NOT NULL, at BIGINT NOT NULL);
    CREATE INDEX started_by_connection ON started (connection, at);
    -- Who was forgotten, and up to which event: a call that is under way at another gateway must not bring them back.
    CREATE TABLE forgotten (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contact BYTEA NOT NULL, upto BIGINT NOT NULL,
        at BIGINT NOT NULL);
    CREATE INDEX forgotten_by_contact ON forgotten (contact);
    -- The gateways. One that hasn't been seen until its lease ended is fenced: what it owned goes to others, and it writes nothing.
    -- What an owner writes holds its row FOR KEY SHARE, which a renewed lease doesn't wait for; who fences takes it FOR UPDATE first,
    -- and so waits for what is being written.
    CREATE SEQUENCE gateway_number;
    CREATE TABLE gateway (id BIGINT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, began BIGINT NOT NULL,
        until BIGINT NOT NULL, fenced BIGINT NOT NULL DEFAULT 0, mark TEXT NOT NULL, rule_set TEXT NOT NULL DEFAULT '');
    CREATE TABLE bucket (id BIGINT PRIMARY KEY, owner BIGINT);
    INSERT INTO bucket (id) SELECT generate_series(0, 255);
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
    -- All is in the tables at once: nothing waits to be spread, and nothing settled is subtracted at a start.
    INSERT INTO meta VALUES ('spread', 9223372036854775807), ('settled_from', 9223372036854775807), ('ping', 0);
    -- Writes the start of a call down, if no limit of its account forbids it, whichever gateway asks: its number, or how long to wait.
    -- One at a time for an account, until the commit; what is counted was committed before.
    CREATE FUNCTION start_1(one TEXT, names TEXT[], calls BIGINT[], windows BIGINT[])
        RETURNS TABLE (entry BIGINT, wait BIGINT) LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            now BIGINT;
            last BIGINT;
            free BIGINT;
            least TEXT := (SELECT min(n) FROM unnest(names) n);
        BEGIN
        PERFORM pg_advisory_xact_lock(1952540530, hashtext(least));
        now := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
        free := now;
        FOR i IN 1 .. coalesce(cardinality(calls), 0) LOOP
            SELECT s.at INTO last FROM started s WHERE s.connection = ANY (names) AND s.at > now - windows[i]
                ORDER BY s.at DESC OFFSET calls[i] - 1 LIMIT 1;
            IF FOUND THEN free := greatest(free, last + windows[i]); END IF;
        END LOOP;
        IF free > now THEN
            RETURN QUERY SELECT NULL::bigint, free - now;
        ELSE
            RETURN QUERY INSERT INTO started (connection, at) VALUES (one, now) RETURNING id, 0::bigint;
        END IF;
        END $$;
    -- One look of a gateway, in one round trip: its lease is renewed, those whose lease has ended are fenced, free buckets are claimed
    -- up to a fair share, and what others wrote for it is handed over. It names the buckets that it serves and those that it is about
    -- to give away; what is its own besides is told again, for an answer may be lost. -1: it is fenced itself; -2: the time; -3: how
    -- many gateways there are; -4: a bucket that it has from now on; -5: what it has seen, which it says at its next look (at its first
    -- one nothing, and looks through its buckets instead); else what an inbox said. The inbox is a queue, most of whose index is of rows
    -- that are gone: only a plain index scan marks those, so that the next one passes them by. What may not scan a table counts as
    -- costly, and is not worth compiling for all that.
    CREATE FUNCTION beat_1(me BIGINT, lease BIGINT, mine BIGINT[], leaving BIGINT[], seen TEXT)
        RETURNS TABLE (what BIGINT, number BIGINT, contact BYTEA, note TEXT) LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            now BIGINT := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
            gateways BIGINT;
            room BIGINT;
        BEGIN
        UPDATE gateway g SET until = now + lease WHERE g.id = me AND g.fenced = 0;
        IF NOT FOUND THEN
            RETURN QUERY SELECT -1::bigint, 0::bigint, NULL::bytea, NULL::text;
            RETURN;
        END IF;
        IF EXISTS (SELECT 1 FROM gateway g WHERE g.fenced = 0 AND g.until < now) THEN
            WITH over AS (SELECT g.id FROM gateway g WHERE g.fenced = 0 AND g.until < now ORDER BY g.id FOR UPDATE),
            late AS (UPDATE gateway g SET fenced = 1 FROM over WHERE g.id = over.id RETURNING g.id)
            UPDATE bucket b SET owner = NULL FROM late WHERE b.owner = late.id;
        END IF;
        SELECT count(*) INTO gateways FROM gateway g WHERE g.fenced = 0;
        room := (256 + gateways - 1) / gateways - (SELECT count(*) FROM bucket b WHERE b.owner = me AND NOT b.id = ANY (leaving));
        RETURN QUERY SELECT -2::bigint, now, NULL::bytea, NULL::text;
        RETURN QUERY SELECT -3::bigint, gateways, NULL::bytea, NULL::text;
        RETURN QUERY SELECT -4::bigint, b.id, NULL::bytea, NULL::text FROM bucket b
            WHERE b.owner = me AND NOT b.id = ANY (mine) AND NOT b.id = ANY (leaving);
        IF room > 0 THEN
            RETURN QUERY
            WITH free AS (SELECT b.id FROM bucket b WHERE b.owner IS NULL ORDER BY b.id LIMIT room FOR UPDATE SKIP LOCKED),
            claimed AS (UPDATE bucket b SET owner = me FROM free WHERE b.id = free.id RETURNING b.id),
            -- Whoever was to say last words again may have ended before.
            unsaid AS (UPDATE inbox i SET what = 2 FROM claimed WHERE i.bucket = claimed.id AND i.what = 4)
            SELECT -4::bigint, c.id, NULL::bytea, NULL::text FROM claimed c;
        END IF;
        -- An entry of this kind stays until it is answered.
        RETURN QUERY
        WITH handed AS (UPDATE inbox i SET what = 4 WHERE i.bucket = ANY (mine) AND i.what = 2 RETURNING i.id, i.contact, i.connection)
        SELECT 2::bigint, h.id, h.contact, h.connection FROM handed h ORDER BY h.id;
        RETURN QUERY
        WITH handed AS (DELETE FROM inbox i WHERE i.bucket = ANY (mine) AND i.what NOT IN (2, 4) RETURNING i.id, i.what, i.contact, i.connection)
        SELECT h.what, h.id, h.contact, h.connection FROM handed h ORDER BY h.id;
        -- All of it by one statement, and so of one moment.
        IF seen IS NULL THEN
            RETURN QUERY SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text;
        ELSE
            RETURN QUERY
            SELECT 0::bigint, 0::bigint, c.contact, c.connection
                FROM news n, unnest(n.contacts, n.connections) AS c (contact, connection)
                WHERE n.xid >= pg_snapshot_xmin(seen::pg_snapshot) AND NOT pg_visible_in_snapshot(n.xid, seen::pg_snapshot)
                    AND get_byte(c.contact, 0) = ANY (mine)
            UNION ALL SELECT -5::bigint, 0::bigint, NULL::bytea, pg_current_snapshot()::text;
        END IF;
        END $$;
", "
    -- What only grows at its end and goes at its beginning lies in partitions by number, of which `partitions.rs` makes the next ones;
    -- 65536 is its narrowest. What there is stays where it is and becomes the first one, for which it is read once.
    DO $$
        DECLARE upto BIGINT;
        BEGIN
        LOCK TABLE lot, delivery IN ACCESS EXCLUSIVE MODE;
        ALTER TABLE lot RENAME TO lot_0;
        ALTER INDEX lot_pkey RENAME TO lot_0_pkey;
        CREATE TABLE lot (first BIGINT PRIMARY KEY, at BIGINT NOT NULL, events BIGINT NOT NULL, body BYTEA NOT NULL, skipped TEXT)
            PARTITION BY RANGE (first);
        ALTER TABLE lot ALTER COLUMN body SET STORAGE EXTERNAL;
        SELECT (greatest(last_value, (SELECT max(first) FROM lot_0)) / 65536 + 1) * 65536 INTO upto FROM event_number;
        EXECUTE format('ALTER TABLE lot ATTACH PARTITION lot_0 FOR VALUES FROM (MINVALUE) TO (%s)', upto);
        EXECUTE format('CREATE TABLE lot_%s PARTITION OF lot FOR VALUES FROM (%s) TO (%s)', upto, upto, upto + 65536);
        ALTER TABLE delivery RENAME TO delivery_0;
        ALTER INDEX delivery_pkey RENAME TO delivery_0_pkey;
        ALTER INDEX delivery_by_contact RENAME TO delivery_0_by_contact;
        CREATE TABLE delivery (id BIGINT PRIMARY KEY, at BIGINT NOT NULL, contact BYTEA NOT NULL, body TEXT NOT NULL)
            PARTITION BY RANGE (id);
        CREATE INDEX delivery_by_contact ON delivery (contact, id);
        SELECT (greatest(last_value, (SELECT max(id) FROM delivery_0)) / 65536 + 1) * 65536 INTO upto FROM delivery_number;
        EXECUTE format('ALTER TABLE delivery ATTACH PARTITION delivery_0 FOR VALUES FROM (MINVALUE) TO (%s)', upto);
        EXECUTE format('CREATE TABLE delivery_%s PARTITION OF delivery FOR VALUES FROM (%s) TO (%s)', upto, upto, upto + 65536);
        END $$;
    -- What comes where no partition was made: none that is missing refuses anything.
    CREATE TABLE lot_rest PARTITION OF lot DEFAULT;
    CREATE TABLE delivery_rest PARTITION OF delivery DEFAULT;
    -- Below these numbers all that last words keep has been copied to them.
    INSERT INTO meta VALUES ('kept_lot', 0), ('kept_delivery', 0);
    -- Drops a partition, unless somebody would have to be waited for, or a row is in it that wasn't copied from: 1 when it is gone.
    -- All who use the table wait behind whoever waits for this lock, so that it isn't waited for long.
    CREATE FUNCTION drop_partition_1(whole TEXT, part TEXT, number TEXT, kept BIGINT) RETURNS BIGINT LANGUAGE plpgsql
        SET lock_timeout = '50ms' AS $$
        DECLARE young BOOLEAN;
        BEGIN
        -- In the order in which whoever writes a row locks them.
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', whole);
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s >= $1)', part, number) INTO young USING kept;
        IF young THEN RETURN 0; END IF;
        EXECUTE format('DROP TABLE %s', part);
        RETURN 1;
        EXCEPTION WHEN lock_not_available OR undefined_table THEN RETURN 0;
        END $$;
", "
    -- How long a gateway's lease is, by which its last beat is known, and how its lanes stand.
    ALTER TABLE gateway ADD COLUMN lease BIGINT NOT NULL DEFAULT 0, ADD COLUMN lanes TEXT NOT NULL DEFAULT '';
    -- A limit that was met: no gateway calls for the account before `until`, and each uses so many eighths of it from `at` on. It stands
    -- under the first of the account's connections.
    CREATE TABLE limit_met (connection TEXT PRIMARY KEY, at BIGINT NOT NULL, until BIGINT NOT NULL, share BIGINT NOT NULL);
    -- As start_1, and no start is written while any gateway was asked to wait: for how long still, what share is used, and since when.
    -- After ten minutes all of a limit is used again, and nobody needs to hear of it.
    CREATE FUNCTION start_2(one TEXT, names TEXT[], calls BIGINT[], windows BIGINT[])
        RETURNS TABLE (entry BIGINT, wait BIGINT, held BIGINT, share BIGINT, age BIGINT) LANGUAGE plpgsql
        SET enable_seqscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            now BIGINT;
            last BIGINT;
            free BIGINT;
            least TEXT := (SELECT min(n) FROM unnest(names) n);
            met RECORD;
        BEGIN
        PERFORM pg_advisory_xact_lock(1952540530, hashtext(least));
        now := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
        SELECT m.until - now AS held, m.share AS share, now - m.at AS age INTO met FROM limit_met m
            WHERE m.connection = ANY (names) AND (m.until > now OR m.at > now - 600000) ORDER BY m.until DESC LIMIT 1;
        free := greatest(now, now + met.held);
        FOR i IN 1 .. coalesce(cardinality(calls), 0) LOOP
            SELECT s.at INTO last FROM started s WHERE s.connection = ANY (names) AND s.at > now - windows[i]
                ORDER BY s.at DESC OFFSET calls[i] - 1 LIMIT 1;
            IF FOUND THEN free := greatest(free, last + windows[i]); END IF;
        END LOOP;
        IF free > now THEN
            RETURN QUERY SELECT NULL::bigint, free - now, met.held, met.share, met.age;
        ELSE
            RETURN QUERY INSERT INTO started (connection, at) VALUES (one, now) RETURNING id, 0::bigint, met.held, met.share, met.age;
        END IF;
        END $$;
", "
    -- Who asked to be told of what, with how far each is. The owner of the bucket of its name tells it.
    CREATE TABLE subscription (id TEXT PRIMARY KEY, at BIGINT NOT NULL, ended BIGINT, body TEXT NOT NULL, progress TEXT NOT NULL);
    CREATE TABLE notice (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at BIGINT NOT NULL, body TEXT NOT NULL);
", "
    -- Writes the keys of a lot whose first number is given; the places of those that are not new, nothing where all are. Keys are
    -- looked up only where somebody expects repetitions: elsewhere nearly always all are new, and to find that out in the index costs a
    -- third of writing them. Where one wasn't (two gateways that write the same key at the same time meet in the index, too), what was
    -- written is given up, and each row is written with care, which costs twice as much. Called by those who accept alone, whose settings hold.
    CREATE FUNCTION keep_keys_2(start BIGINT, now BIGINT, keys BYTEA[], look BOOLEAN) RETURNS BIGINT[] LANGUAGE plpgsql AS $$
        DECLARE kept BIGINT[];
        BEGIN
        IF look THEN
            look := EXISTS (SELECT FROM dedup d WHERE d.key = ANY (keys));
        END IF;
        IF NOT look THEN
            BEGIN
                INSERT INTO dedup (key, ord, at)
                SELECT e.key, start + e.place - 1, now FROM unnest(keys) WITH ORDINALITY AS e (key, place)
                WHERE e.key IS NOT NULL ORDER BY e.key;
                RETURN NULL;
            EXCEPTION WHEN unique_violation THEN NULL;
            END;
        END IF;
        WITH fresh AS (
            INSERT INTO dedup (key, ord, at)
            SELECT e.key, start + e.place - 1, now FROM unnest(keys) WITH ORDINALITY AS e (key, place)
            WHERE e.key IS NOT NULL ORDER BY e.key
            ON CONFLICT (key) DO UPDATE SET ord = excluded.ord, at = excluded.at WHERE dedup.at <= excluded.at - 86400000
            RETURNING dedup.ord)
        SELECT coalesce(array_agg(f.ord - start), '{}') INTO kept FROM fresh f;
        RETURN (SELECT array_agg(e.place - 1 ORDER BY e.place) FROM unnest(keys) WITH ORDINALITY AS e (key, place)
            WHERE e.key IS NOT NULL AND e.place - 1 NOT IN (SELECT unnest(kept)));
        END $$;
    -- Accepts a lot: one round trip, planned once a connection. Its answer is the first number and the places of the events that
    -- repeat others, if any. Another form of it gets another name: gateways of two versions run side by side during an update.
    CREATE FUNCTION accept_2(me BIGINT, now BIGINT, look BOOLEAN, keys BYTEA[], packed BYTEA, contacts BYTEA[], places BIGINT[],
        indexes BIGINT[], changes TEXT[], news BYTEA[], news_at TEXT[], news_places BIGINT[], news_owned BIGINT[], faults BIGINT[],
        answers BIGINT[])
        RETURNS TABLE (first_number BIGINT, repeats BIGINT[]) LANGUAGE plpgsql
        SET enable_seqscan = off SET jit = off AS $$
        #variable_conflict use_column
        DECLARE
            start BIGINT := take_numbers_1(cardinality(keys));
            known BIGINT[] := keep_keys_2(start, now, keys, look);
            fenced BOOLEAN := FALSE;
        BEGIN
        first_number := start;
        repeats := known;
        RETURN NEXT;
        IF cardinality(known) = cardinality(keys) THEN RETURN; END IF;
        INSERT INTO lot (first, at, events, body, skipped)
            VALUES (start, now, cardinality(keys), packed, array_to_string(known, ','));
        INSERT INTO pending (run, contact, ord, ix, change)
            SELECT (start + c.place) >> 16, c.contact, start + c.place, c.ix, c.change
            FROM unnest(contacts, places, indexes, changes) AS c (contact, place, ix, change)
            WHERE known IS NULL OR c.place NOT IN (SELECT unnest(known));
        IF 1 = ANY (news_owned) THEN
            PERFORM FROM gateway g WHERE g.id = me AND g.fenced = 0 FOR KEY SHARE;
            fenced := NOT FOUND;
        END IF;
        IF fenced OR 0 = ANY (news_owned) THEN
            INSERT INTO news (xid, contacts, connections)
            SELECT pg_current_xact_id(), array_agg(c.contact), array_agg(c.connection)
            FROM unnest(news, news_at, news_places, news_owned) AS c (contact, connection, place, owned)
            WHERE (fenced OR c.owned = 0) AND (known IS NULL OR c.place NOT IN (SELECT unnest(known))) HAVING count(*) > 0;
        END IF;
        IF cardinality(faults) > 0 THEN
            INSERT INTO fault (ord) SELECT start + f.place FROM unnest(faults) AS f (place)
            WHERE known IS NULL OR f.place NOT IN (SELECT unnest(known));
        END IF;
        IF cardinality(answers) > 0 THEN DELETE FROM fault WHERE ord = ANY (answers); END IF;
        END $$;
    -- What a gateway of the version before calls, as long as it runs.
    CREATE OR REPLACE FUNCTION accept_1(me BIGINT, now BIGINT, keys BYTEA[], packed BYTEA, contacts BYTEA[], places BIGINT[],
        indexes BIGINT[], changes TEXT[], news BYTEA[], news_at TEXT[], news_places BIGINT[], news_owned BIGINT[], faults BIGINT[],
        answers BIGINT[])
        RETURNS TABLE (first_number BIGINT, repeats BIGINT[]) LANGUAGE plpgsql AS $$
        BEGIN
        RETURN QUERY SELECT a.first_number, a.repeats FROM accept_2(me, now, true, keys, packed, contacts, places, indexes, changes,
            news, news_at, news_places, news_owned, faults, answers) a;
        END $$;
", super::beat::STEP, super::beat::NEWS_STEP, super::accept::STEP, super::beat::HEARING_STEP];

/// The number of `meta` that is there as long as a migration from a file isn't done: the file's fingerprint.
pub(in crate::store) const MIGRATING: &str = "migrating";

/// The number of `meta` that says whether the gateways of the database call a sandbox (1) or providers (0).
const TRIAL: &str = "trial";

/// What the tables can't do without, and a restore that broke off may have taken: the names of indexes, without those of partitions.
pub(in crate::store) const INDEXES: [&str; 30] = [
    "alias_by_other",
    "alias_pkey",
    "bucket_pkey",
    "connection_pkey",
    "contact_pkey",
    "dead_by_contact",
    "dead_pkey",
    "dedup_by_time",
    "dedup_pkey",
    "delivery_by_contact",
    "delivery_pkey",
    "duplicate_by_ord",
    "fault_pkey",
    "forgotten_by_contact",
    "forgotten_pkey",
    "gateway_pkey",
    "inbox_outdated",
    "inbox_pkey",
    "limit_met_pkey",
    "lot_pkey",
    "meta_pkey",
    "news_by_transaction",
    "notice_pkey",
    "pending_pkey",
    "rule_set_pkey",
    "started_by_connection",
    "started_pkey",
    "subscription_pkey",
    "timer_by_contact",
    "timer_pkey",
];

/// Sets the tables up or brings them up to date; refuses those of a newer version and of another program, those that a
/// migration has filled by half, those of which a part is missing, and those of gateways of the other kind.
pub(super) fn migrate(session: &Session, address: &Address, trial: Option<bool>) -> Result<(), StoreError> {
    if session.read(|db| steps_done(db))? != Some(STEPS.len()) {
        // A step may have to read what there is.
        Session::patient(address.clone())?.write(set_up)?;
    }
    session.read(|db| {
        let sql: &dyn Sql = db;
        let half = sql.first("SELECT value FROM meta WHERE name = ?1", args![MIGRATING], |_| Ok(()))?;
        half.map_or(Ok(()), |()| Err(StoreError::HalfMigrated))?;
        is_whole(db)
    })?;
    trial.map_or(Ok(()), |trial| session.write(|db| is_of_kind(db, trial)))
}

fn is_whole(db: &Session) -> Result<(), StoreError> {
    let sql = "SELECT string_agg(name, ', ') FROM unnest($1) name WHERE to_regclass(quote_ident(name)) IS NULL";
    let rows = db.ask(sql, vec![Many::Texts(INDEXES.map(str::to_owned).to_vec())])?;
    let missing: Option<String> = rows.first().and_then(|row| row.try_get(0).ok()).flatten();
    missing.map_or(Ok(()), |missing| Err(StoreError::Incomplete(missing)))
}

/// The first gateway that says its kind decides it.
fn is_of_kind(db: &dyn Sql, trial: bool) -> Result<(), StoreError> {
    db.send(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        args![TRIAL, i64::from(trial)],
    )?;
    let found = db.first("SELECT value FROM meta WHERE name = ?1", args![TRIAL], |row| row.int(0))?;
    if found == Some(i64::from(trial)) { Ok(()) } else { Err(StoreError::OtherKind(trial)) }
}

/// The same, inside of a transaction, whatever has been migrated.
pub(in crate::store) fn set_up(db: &Session) -> Result<(), StoreError> {
    set_up_to(db, STEPS.len())
}

/// Brings the tables to where they were after so many steps.
pub(in crate::store) fn set_up_to(db: &Session, steps: usize) -> Result<(), StoreError> {
    let sql: &dyn Sql = db;
    sql.first("SELECT pg_advisory_xact_lock(?1)", args![LOCK], |_| Ok(()))?;
    if steps_done(sql)?.is_none() {
        sql.run("CREATE TABLE tagrelay (steps BIGINT NOT NULL)", &[])?;
        sql.run("INSERT INTO tagrelay VALUES (0)", &[])?;
    }
    let done = steps_done(sql)?.unwrap_or(0);
    for step in STEPS.into_iter().take(steps).skip(done) {
        db.batch(step);
    }
    if done < steps {
        sql.run("UPDATE tagrelay SET steps = ?1", args![steps as i64])?;
    }
    Ok(())
}

/// How many steps have run; `None` where nothing was ever set up. Refuses a newer version's tables and another program's.
pub(in crate::store) fn steps_done(sql: &dyn Sql) -> Result<Option<usize>, StoreError> {
    let count = |of: &str| {
        let all = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name LIKE {of}"
        );
        sql.first(&all, &[], |row| row.int(0)).map(Option::unwrap_or_default)
    };
    if count("'tagrelay'")? == 0 {
        return if count("'%'")? == 0 { Ok(None) } else { Err(StoreError::Foreign) };
    }
    let found = sql.first("SELECT steps FROM tagrelay", &[], |row| row.int(0))?.unwrap_or(0) as usize;
    if found > STEPS.len() { Err(StoreError::Newer { found, known: STEPS.len() }) } else { Ok(Some(found)) }
}
