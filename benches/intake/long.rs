//! What inserts cost PostgreSQL in long tables against what they cost in short ones.

use std::time::{Duration, Instant};

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
/// Lots of one side in a round.
const BATCHES: usize = 400;
/// Partitions that a table's events lie in.
const PARTS: u64 = 30;
/// Bytes of shared buffers that the server has for each event held: the index of their keys has 45 to 60 of them.
const BUFFERS_AN_EVENT: u64 = 70;
/// What is found by a key that falls anywhere: a server that has run for a while has it in its buffers.
const WARM: [&str; 3] = ["dedup_pkey", "pending_pkey", "contact_pkey"];

/// The medians of a lot's acceptance, in turn in a database that holds a million events and in one that holds `--events`.
pub fn large(options: &Options, report: &mut Report) -> Outcome<()> {
    let buffers = format!("{}MB", 1_024 + options.events * BUFFERS_AN_EVENT / (1 << 20));
    let server = server(&buffers, options)?;
    eprintln!("a server with {buffers} of shared buffers");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let few = 1_000_000.min(options.events);
    runtime.block_on(async {
        let mut sides = Vec::new();
        for (name, events) in [("short", few), ("long", options.events)] {
            let url = server.database(name);
            let folder = server.folder().join(name);
            std::fs::create_dir(&folder)?;
            let (store, _wakes) = store(&url, &folder).await?;
            let from = Instant::now();
            fill(&server, name, events);
            let bytes = server.sql(name, "SELECT pg_size_pretty(pg_database_size(current_database()))");
            eprintln!("{name}: {events} events after {:.0} s, {bytes}", from.elapsed().as_secs_f64());
            sides.push((store, Vec::new(), 0_u64));
        }
        server.sql("postgres", "CHECKPOINT");
        let misses = |name: &str| {
            let sql = "SELECT sum(idx_blks_read)::bigint FROM pg_statio_user_indexes WHERE relname IN ('dedup', 'pending', 'contact')";
            server.sql(name, sql).trim().parse::<u64>().unwrap_or_default()
        };
        let before = ["short", "long"].map(misses);
        for round in 0..options.rounds.max(2) {
            if !options.quick {
                wait_for_idle(true);
            }
            for (store, times, sent) in &mut sides {
                let mut these = Vec::new();
                for _ in 0..if options.quick { 10 } else { BATCHES } {
                    let events = (*sent..*sent + BATCH).map(|number| event(number + (1 << 40), true)).collect();
                    let from = Instant::now();
                    store.accept(events).await?;
                    these.push(from.elapsed().as_secs_f64() * 1e6);
                    *sent += BATCH;
                }
                eprintln!("round {:>2}: a lot in {:.0} us", round + 1, median(these.clone()));
                times.extend(these);
            }
        }
        let sent: u64 = sides.iter().map(|(_, _, sent)| sent).max().copied().unwrap_or(1);
        let medians: Vec<f64> = sides
            .into_iter()
            .map(|(store, times, _)| {
                store.stop();
                median(times)
            })
            .collect();
        let [short, long] = medians.as_slice() else { return Err("two sides".into()) };
        let what = format!("a lot of {BATCH}, {} events : {few}", options.events);
        report.judge(&what, long / short, "x", Wanted::AtMost(1.2), None);
        report.tell(&format!("a lot of {BATCH} after {few} events"), *short, "us");
        // The server counts what a session did when it is idle or gone.
        std::thread::sleep(Duration::from_secs(2));
        let read = ["short", "long"].map(misses).into_iter().zip(before).map(|(after, before)| after - before);
        for (side, pages) in ["short", "long"].into_iter().zip(read) {
            report.tell(&format!("index pages that weren't in the buffers, an event, {side}"), pages as f64 / sent as f64, "");
        }
        report.tell(&format!("a lot of {BATCH} after {} events", options.events), *long, "us");
        Ok(())
    })
}

/// Fills a database as if so many events had come at 1,000 a second until now, 128 in a lot, of which each hundredth waits.
fn fill(server: &Postgres, name: &str, events: u64) {
    let now = tagrelay::clock::now().0;
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
            "INSERT INTO lot (first, at, events, body) SELECT n, {now} - ({events} - n), 128, decode(repeat('00', 2000), 'hex')
             FROM generate_series(1::bigint, {events}, 128) n"
        ),
        // Its index is built at last, and as full as one that grew key by key.
        "ALTER TABLE dedup DROP CONSTRAINT dedup_pkey".to_owned(),
        format!(
            "INSERT INTO dedup (key, ord, at) SELECT decode(md5(n::text), 'hex'), n, {now} - ({events} - n)
             FROM generate_series(1::bigint, {events}) n"
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
