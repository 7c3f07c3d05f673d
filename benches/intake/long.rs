//! What inserts cost PostgreSQL in long tables against what they cost in short ones.
//!
//! Events and their lots are appended, whatever is held. What grows is the index of deduplication keys, 25 hours of them, and a key
//! falls on any of its pages. What a page costs when it is touched for the first time is another matter than what
//! it costs later: a session maps it, once in its life, and its first change after a checkpoint is written whole. So both sides are
//! first warmed, as a gateway's connection is after an hour, and then measured from one checkpoint to where the next would be.

use std::time::{Duration, Instant};

use tagrelay::store::Store;

use crate::Outcome;
use crate::options::Options;
use crate::postgres::Postgres;
use crate::process::wait_for_idle;
use crate::report::{Report, Wanted};
use crate::rounds::median;
use crate::sharing::{server, store};
use crate::taking::event;

/// Events in a lot.
const BATCH: u64 = 128;
/// Hours for which a key is held, and in which what is measured comes.
const HELD: u64 = 25;
/// How far apart checkpoints are: what is measured comes between two of them.
const CHECKPOINTS: [(&str, &str); 2] = [("checkpoint_timeout", "1h"), ("max_wal_size", "32GB")];
/// Of so many lots for the long tables, one is for the short ones: they shall stay short.
const FEWER: u64 = 10;
/// How often the sides take turns in a round: what a commit costs changes from second to second.
const TURNS: u64 = 20;
/// Partitions that a table's events lie in.
const PARTS: u64 = 30;
/// Bytes of shared buffers that the server has for each key held: the index of their keys has 45 to 60 of them.
const BUFFERS_A_KEY: u64 = 70;
/// What is found by a key that falls anywhere: a server that has run for a while has it in its buffers.
const WARM: [&str; 3] = ["dedup_pkey", "pending_pkey", "contact_pkey"];

/// A database, and what is sent to it.
struct Long {
    name: &'static str,
    store: Store,
    sent: u64,
}

impl Long {
    /// A database that holds so many events.
    async fn new(server: &Postgres, name: &'static str, events: u64, hours: u64) -> Outcome<Self> {
        let url = server.database(name);
        let folder = server.folder().join(name);
        std::fs::create_dir(&folder)?;
        let (store, _wakes) = store(&url, &folder).await?;
        let from = Instant::now();
        fill(server, name, events, hours);
        let bytes = server.sql(name, "SELECT pg_size_pretty(pg_database_size(current_database()))");
        eprintln!(
            "{name}: {events} events and {} keys after {:.0} s, {bytes}",
            keys(events, hours),
            from.elapsed().as_secs_f64()
        );
        Ok(Self { name, store, sent: 0 })
    }

    /// Sends lots, one after the other; what each took, in microseconds.
    async fn send(&mut self, lots: u64) -> Outcome<Vec<f64>> {
        let mut times = Vec::new();
        for _ in 0..lots {
            let events = (self.sent..self.sent + BATCH).map(|number| event(number + (1 << 40), true)).collect();
            let from = Instant::now();
            self.store.accept(events).await?;
            times.push(from.elapsed().as_secs_f64() * 1e6);
            self.sent += BATCH;
        }
        Ok(times)
    }

    /// What the server has counted of the database: index pages that weren't in the buffers, and bytes of WAL.
    fn counted(&self, server: &Postgres) -> [u64; 2] {
        let misses = "SELECT sum(idx_blks_read)::bigint FROM pg_statio_user_indexes WHERE relname IN ('dedup', 'pending', 'contact')";
        let wal = format!(
            "SELECT sum(wal_bytes)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '{}'",
            self.name
        );
        [server.sql(self.name, misses), server.sql("postgres", &wal)].map(|count| count.parse().unwrap_or_default())
    }
}

/// What a lot's acceptance takes, in turn in a database that holds a million events and in one that holds `--events`.
pub fn large(options: &Options, report: &mut Report) -> Outcome<()> {
    let hours = options.hours.max(1);
    let buffers = format!("{}MB", 1_024 + keys(options.events, hours) * BUFFERS_A_KEY / (1 << 20));
    let mut options = options.clone();
    let asked = std::mem::take(&mut options.setting);
    options.setting =
        CHECKPOINTS.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().chain(asked).collect();
    let options = &options;
    let server = server(&buffers, options)?;
    server.sql("postgres", "CREATE EXTENSION pg_stat_statements");
    eprintln!("a server with {buffers} of shared buffers");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let few = 1_000_000.min(options.events);
    let rounds = options.rounds.max(2);
    let turns = TURNS * rounds as u64;
    let lots = if options.quick { FEWER } else { (options.events / hours).div_ceil(BATCH * turns).max(FEWER) };
    let lots = [lots / FEWER, lots];
    runtime.block_on(async {
        let mut sides =
            [Long::new(&server, "short", few, hours).await?, Long::new(&server, "long", options.events, hours).await?];
        server.sql("postgres", "CHECKPOINT");
        let mut first = [0.0; 2];
        for (side, (first, lots)) in sides.iter_mut().zip(first.iter_mut().zip(lots)) {
            *first = median(side.send(lots * TURNS).await?);
            eprintln!("{}: a lot in {first:.0} us when nothing was touched yet; warming", side.name);
            for _ in 1..rounds {
                side.send(lots * TURNS).await?;
            }
        }
        server.sql("postgres", "CHECKPOINT");
        // The server counts what a session did when it is idle or gone.
        let rest = || std::thread::sleep(Duration::from_secs(2));
        rest();
        let before = [sides[0].counted(&server), sides[1].counted(&server)];
        let mut rows = Vec::new();
        for round in 1..=rounds {
            if !options.quick {
                wait_for_idle(true);
            }
            let mut times = [Vec::new(), Vec::new()];
            for _ in 0..TURNS {
                for ((side, lots), times) in sides.iter_mut().zip(lots).zip(&mut times) {
                    times.extend(side.send(lots).await?);
                }
            }
            let row = times.map(median);
            eprintln!("round {round:>2}: a lot in {:.0} us, short, and {:.0} us, long", row[0], row[1]);
            rows.push(row);
        }
        let [short, long] = [0, 1].map(|side| median(rows.iter().map(|row| row[side]).collect()));
        let ratio = median(rows.iter().map(|[short, long]| long / short).collect());
        let what = format!("a lot of {BATCH}, {} events : {few}", options.events);
        report.judge(&what, ratio, "x", Wanted::AtMost(1.2), None);
        report.tell("the same, right after the start, the first time that a page is touched", first[1] / first[0], "x");
        rest();
        let found = [(few, short, lots[0]), (options.events, long, lots[1])];
        for (((events, took, lots), side), before) in found.into_iter().zip(&sides).zip(before) {
            let measured = (lots * BATCH * turns) as f64;
            let after = side.counted(&server);
            let [pages, wal] = [0, 1].map(|of| (after[of] - before[of]) as f64 / measured);
            report.tell(&format!("a lot of {BATCH} after {events} events"), took, "us");
            report.tell(&format!("WAL of an event, {}", side.name), wal, "bytes");
            report.tell(&format!("index pages that weren't in the buffers, an event, {}", side.name), pages, "");
        }
        for side in sides {
            side.store.stop();
        }
        Ok(())
    })
}

/// Keys that are held when so many events came in so many hours.
fn keys(events: u64, hours: u64) -> u64 {
    events * HELD.min(hours) / hours
}

/// Fills a database as if so many events had come in so many hours until now, 128 in a lot, of which each hundredth waits.
fn fill(server: &Postgres, name: &str, events: u64, hours: u64) {
    let now = tagrelay::clock::now().0;
    let oldest = events - keys(events, hours) + 1;
    let at = format!("{now} - ({events} - n) * {} / {events}", hours * 3_600_000);
    let width = (events / PARTS / 65_536 + 1) * 65_536;
    for sql in [
        format!("SELECT setval('event_number', {events} + 1)"),
        // In partitions as a gateway would have made them, and one ahead.
        format!(
            "DO $$ DECLARE part TEXT; BEGIN
             FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'lot'::regclass AND inhrelid <> 'lot_rest'::regclass
                 LOOP EXECUTE 'DROP TABLE ' || part; END LOOP;
             FOR n IN 0 .. {events} / {width} + 1
                 LOOP EXECUTE format('CREATE TABLE lot_%s PARTITION OF lot FOR VALUES FROM (%s) TO (%s)', n * {width},
                     CASE WHEN n = 0 THEN 'MINVALUE' ELSE (n * {width}::bigint)::text END, (n + 1) * {width}::bigint); END LOOP;
             END $$"
        ),
        format!(
            "INSERT INTO lot (first, at, events, body) SELECT n, {at}, 128, decode(repeat('00', 2000), 'hex')
             FROM generate_series(1::bigint, {events}, 128) n"
        ),
        // Its index is built at last, and as full as one that grew key by key.
        "ALTER TABLE dedup DROP CONSTRAINT dedup_pkey".to_owned(),
        format!(
            "INSERT INTO dedup (key, ord, at) SELECT decode(md5(n::text), 'hex'), n, {at}
             FROM generate_series({oldest}::bigint, {events}) n"
        ),
        "SET maintenance_work_mem = '2GB'; ALTER TABLE dedup ADD PRIMARY KEY (key) WITH (fillfactor = 70)".to_owned(),
        format!(
            "INSERT INTO pending (run, contact, ord, ix, change) SELECT n >> 16, decode(md5(('c' || n)::text), 'hex'), n, 0, 'x'
             FROM generate_series(1::bigint, {events}, 100) n"
        ),
        "VACUUM ANALYZE".to_owned(),
        "CREATE EXTENSION IF NOT EXISTS pg_prewarm".to_owned(),
    ] {
        server.sql(name, &sql);
    }
    for index in WARM {
        server.sql(name, &format!("SELECT pg_prewarm('{index}')"));
    }
}
