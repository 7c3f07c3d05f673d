//! Accepting events: one statement, one round trip and one commit for all that has gathered.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row as PgRow;

use super::inbox::{WOKEN, tell_owners};
use super::session::{Key, Many, Session};
use crate::domain::change::Ord;
use crate::domain::time::Timestamp;
use crate::store::dedup::DedupKey;
use crate::store::face::{Accepted, StoreError, Wake};
use crate::store::lot::{self, Opened};
use crate::store::record::{Frame, Intake};
use crate::store::sql::{Arg, Row, Sql, args};
use crate::store::wakes::wake_for;

/// Events that one lot takes.
pub(super) const MOST: usize = 4_096;

/// Accepts a lot.
pub(super) const ACCEPT: &str =
    "SELECT first_number, repeats FROM accept_3($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

/// What makes its function; gateways of the version before go on with `accept_2`.
pub(super) const STEP: &str = "
    -- As accept_2, and of what is new only what other gateways are to hear is given, as it is to be written; whether any of it is the
    -- gateway's own is. Where it is fenced nothing is its own any more, and where some events repeat others, not all is new: then what
    -- is to be heard is found among the changes, whose connections are given for that.
    CREATE FUNCTION accept_3(me BIGINT, now BIGINT, look BOOLEAN, keys BYTEA[], packed BYTEA, contacts BYTEA[], places BIGINT[],
        indexes BIGINT[], changes TEXT[], connections TEXT[], owns BOOLEAN, others BYTEA[], others_at TEXT[], faults BIGINT[],
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
        IF known IS NULL THEN
            INSERT INTO pending (run, contact, ord, ix, change)
                SELECT (start + c.place) >> 16, c.contact, start + c.place, c.ix, c.change
                FROM unnest(contacts, places, indexes, changes) AS c (contact, place, ix, change);
        ELSE
            INSERT INTO pending (run, contact, ord, ix, change)
                SELECT (start + c.place) >> 16, c.contact, start + c.place, c.ix, c.change
                FROM unnest(contacts, places, indexes, changes) AS c (contact, place, ix, change)
                WHERE c.place NOT IN (SELECT unnest(known));
        END IF;
        IF owns THEN
            PERFORM FROM gateway g WHERE g.id = me AND g.fenced = 0 FOR KEY SHARE;
            fenced := NOT FOUND;
        END IF;
        IF fenced OR known IS NOT NULL THEN
            INSERT INTO news (xid, contacts, connections)
                SELECT pg_current_xact_id(), array_agg(c.contact), array_agg(c.connection)
                FROM unnest(contacts, places, connections) AS c (contact, place, connection)
                WHERE (fenced OR c.contact IN (SELECT unnest(others))) AND (known IS NULL OR c.place NOT IN (SELECT unnest(known)))
                HAVING count(*) > 0;
        ELSIF cardinality(others) > 0 THEN
            INSERT INTO news (xid, contacts, connections) VALUES (pg_current_xact_id(), others, others_at);
        END IF;
        IF cardinality(faults) > 0 THEN
            INSERT INTO fault (ord) SELECT start + f.place FROM unnest(faults) AS f (place)
            WHERE known IS NULL OR f.place NOT IN (SELECT unnest(known));
        END IF;
        IF cardinality(answers) > 0 THEN DELETE FROM fault WHERE ord = ANY (answers); END IF;
        END $$;
";

/// The places, from 1, of those contacts for which an event's changes wait.
const WAITING: &str = "SELECT e.place FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS e (contact, ord, place)
    CROSS JOIN LATERAL (SELECT FROM pending p WHERE p.contact = e.contact AND p.ord = e.ord LIMIT 1) AS w";

/// What became of one event of a lot.
enum Fate {
    /// New, at this place of the lot.
    Placed(usize),
    /// The same key is in this lot already, at this place.
    Repeats(usize, Intake),
}

/// Events on their way into one lot.
pub(super) struct Batch {
    events: Vec<Intake>,
    fates: Vec<Fate>,
    at: Timestamp,
}

/// A lot's number, and which of its places are new.
struct Placed {
    first: Ord,
    new: Vec<bool>,
}

impl Batch {
    /// Sorts out what repeats an event of the batch itself.
    pub fn of(events: Vec<Intake>, at: Timestamp) -> Self {
        let mut places: HashMap<DedupKey, usize> = HashMap::new();
        let mut batch = Self { events: Vec::with_capacity(events.len()), fates: Vec::with_capacity(events.len()), at };
        for event in events {
            if let Some(place) = event.key.and_then(|key| places.get(&key).copied()) {
                batch.fates.push(Fate::Repeats(place, event));
                continue;
            }
            let place = batch.events.len();
            places.extend(event.key.map(|key| (key, place)));
            batch.fates.push(Fate::Placed(place));
            batch.events.push(event);
        }
        batch
    }

    /// Whether this answer says of any event that it repeats another one.
    pub fn any_repeats(&self, rows: &[PgRow]) -> bool {
        let clear = rows.first().is_some_and(|row| matches!(row.try_get::<_, Option<Vec<i64>>>(1), Ok(None)));
        !clear || self.fates.iter().any(|fate| matches!(fate, Fate::Repeats(..)))
    }

    /// What became of each event, by the answer to [`ACCEPT`]; `inside` of a transaction, or in one of its own where something has to
    /// be looked up. Who has something to deliver by it goes to `wakes`; `me` is this gateway.
    pub fn answered(
        self,
        rows: &[PgRow],
        session: &Session,
        me: i64,
        inside: bool,
        wakes: &mut Vec<Wake>,
    ) -> Result<Vec<Accepted>, StoreError> {
        let row = rows.first().ok_or(StoreError::Damaged("a lot was answered by nothing"))?;
        let repeats: Option<Vec<i64>> =
            row.try_get(1).map_err(|_| StoreError::Damaged("a lot's answer can't be read"))?;
        let mut placed = Placed { first: Row::Postgres(row).ord(0)?, new: vec![true; self.events.len()] };
        for place in repeats.into_iter().flatten() {
            if let Some(new) = placed.new.get_mut(place as usize) {
                *new = false;
            }
        }
        for (event, new) in self.events.iter().zip(&placed.new) {
            if *new {
                wake_for(wakes, &event.changes);
            }
        }
        if !self.any_repeats(rows) {
            return Ok((placed.first.0..).take(self.events.len()).map(|ord| Accepted::New(Ord(ord))).collect());
        }
        let tell = |db: &Session| {
            let (accepted, waiting) = self.tell(db, &placed)?;
            tell_owners(db, me, waiting.iter().map(|wake| (wake.key, wake.connection.clone())), WOKEN)?;
            Ok((accepted, waiting))
        };
        let (accepted, waiting) = if inside { tell(session) } else { session.write(tell) }?;
        wakes.extend(waiting);
        Ok(accepted)
    }

    /// The values of [`ACCEPT`]. `owned` says of a contact's bucket whether this gateway, `me`, has it and so hears of the change by
    /// itself. Where repetitions of earlier events are expected, `look` looks for them before anything is written.
    pub fn values(&self, me: i64, owned: impl Fn(u8) -> bool, look: bool) -> Vec<Many<'static>> {
        let frames: Vec<&[u8]> = self.events.iter().map(|event| event.frame.as_slice()).collect();
        let packed = lot::pack(&frames);
        let keys = self.events.iter().map(|event| event.key.map(|key| Key(key.0))).collect();
        let (mut contacts, mut places, mut indexes, mut changes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut connections = Vec::new();
        let (mut owns, mut others, mut others_at, mut woken) = (false, Vec::new(), Vec::new(), Vec::new());
        let (mut faults, mut answers) = (Vec::new(), Vec::new());
        for (place, event) in (0_i64..).zip(&self.events) {
            for (index, (key, change)) in (0_i64..).zip(event.waiting(self.at)) {
                contacts.push(Some(Key(key.0)));
                places.push(place);
                indexes.push(index);
                changes.push(change);
            }
            connections.extend(event.changes.iter().map(|(_, change)| change.contact.connection.as_str().to_owned()));
            wake_for(&mut woken, &event.changes);
            for Wake { key, connection, .. } in woken.drain(..) {
                if owned(key.bucket()) {
                    owns = true;
                } else {
                    others.push(Some(Key(key.0)));
                    others_at.push(connection.as_str().to_owned());
                }
            }
            if event.faulty {
                faults.push(place);
            }
            answers.extend(event.replay_of.map(|of| of.0 as i64));
        }
        vec![
            Many::One(Arg::Int(me)),
            Many::One(Arg::Int(self.at.0)),
            Many::Yes(look),
            Many::Keys(keys),
            Many::Bytes(packed),
            Many::Keys(contacts),
            Many::Ints(places),
            Many::Ints(indexes),
            Many::Texts(changes),
            Many::Texts(connections),
            Many::Yes(owns),
            Many::Keys(others),
            Many::Texts(others_at),
            Many::Ints(faults),
            Many::Ints(answers),
        ]
    }

    /// What became of each event, where some repeat others; and for whom those wait still.
    fn tell(&self, db: &Session, placed: &Placed) -> Result<(Vec<Accepted>, Vec<Wake>), StoreError> {
        let is_new = |place: usize| placed.new.get(place).copied().unwrap_or_default();
        let known =
            self.events.iter().enumerate().filter(|(place, _)| !is_new(*place)).filter_map(|(_, event)| event.key);
        let known = kept(db, known.collect())?;
        let mut opened = Opened::default();
        let (mut accepted, mut earlier) = (Vec::with_capacity(self.fates.len()), Vec::new());
        for fate in &self.fates {
            let (place, event) = match fate {
                Fate::Placed(place) => (*place, self.events.get(*place)),
                Fate::Repeats(place, event) => (*place, Some(event)),
            };
            let event = event.ok_or(StoreError::Damaged("an event of a batch"))?;
            let ord = Ord(placed.first.0 + place as u64);
            accepted.push(match fate {
                Fate::Placed(_) if is_new(place) => Accepted::New(ord),
                _ if is_new(place) => self.repeated(db, event, ord, &mut opened)?,
                _ => {
                    let of = event.key.and_then(|key| known.get(&key).copied()).ok_or(StoreError::Busy)?;
                    earlier.push((of, event));
                    self.repeated(db, event, of, &mut opened)?
                }
            });
        }
        Ok((accepted, still_waiting(db, &earlier)?))
    }

    /// The answer to an event that repeats the one with this number.
    fn repeated(&self, db: &dyn Sql, event: &Intake, ord: Ord, opened: &mut Opened) -> Result<Accepted, StoreError> {
        let (frame, _) = Frame::split_first(&event.frame)?;
        let earlier = opened.holding(db, ord)?.map(|lot| lot.record(ord)).transpose()?.flatten();
        let earlier = earlier.ok_or(StoreError::Damaged("a key is of an event that isn't there"))?;
        let differs = earlier.body != frame.body;
        db.send("INSERT INTO duplicate (ord, at, differs) VALUES (?1, ?2, ?3)", args![ord, self.at, differs])?;
        Ok(Accepted::Duplicate { ord, rules: earlier.head.rules, reply: earlier.reply, differs })
    }
}

/// Who still waits for what these events, with the numbers that they had, asked for. Maybe nobody was told of it: a lot whose answer
/// didn't come in time may have been written long after its senders were refused.
fn still_waiting(db: &Session, events: &[(Ord, &Intake)]) -> Result<Vec<Wake>, StoreError> {
    let (mut wakes, mut numbers) = (Vec::new(), Vec::new());
    for (ord, event) in events {
        wake_for(&mut wakes, &event.changes);
        numbers.resize(wakes.len(), ord.0 as i64);
    }
    if wakes.is_empty() {
        return Ok(wakes);
    }
    let values = vec![Many::keys(wakes.iter().map(|wake| &wake.key)), Many::Ints(numbers)];
    let rows = db.ask(WAITING, values)?;
    let places = rows.iter().map(|row| Row::Postgres(row).int(0)).collect::<Result<HashSet<i64>, _>>()?;
    Ok((1..).zip(wakes).filter(|(place, _)| places.contains(place)).map(|(_, wake)| wake).collect())
}

/// Which events these keys are kept for.
fn kept(db: &Session, keys: Vec<DedupKey>) -> Result<HashMap<DedupKey, Ord>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let keys = keys.into_iter().map(|key| Some(Key(key.0))).collect();
    let rows = db.ask("SELECT key, ord FROM dedup WHERE key = ANY ($1)", vec![Many::Keys(keys)])?;
    let read = |row| {
        let row = Row::Postgres(row);
        Ok((DedupKey(row.key(0)?.0), row.ord(1)?))
    };
    rows.iter().map(read).collect()
}
