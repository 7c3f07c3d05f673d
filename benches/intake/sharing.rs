//! PostgreSQL: one gateway and three of them against the plain grouped insert, and what the next contact costs.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tagrelay::clock::Clock;
use tagrelay::store::postgres::Address;
use tagrelay::store::{Store, Wake};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::options::Options;
use crate::postgres::{Postgres, USER};
use crate::process::{Running, free_address};
use crate::report::{Report, Wanted};
use crate::rounds::{Numbers, Series, Side, alternate, fill};
use crate::taking;
use crate::world::World;
use crate::{Outcome, bare, guard, web};

/// Gateways that share one database.
const SHARING: usize = 3;
/// Room for the indices that these parts use.
pub const BUFFERS: &str = "1GB";
/// Events that each side holds before it is measured, at most: each is a request that has to be sent.
const HELD: u64 = 100_000;
/// The first so many sides store what they take.
const STORING: usize = 5;
/// What the statement is called that accepts a lot.
const ACCEPTS: &str = "accept_";

/// A server that the guard ends where this program can't.
pub struct Server {
    postgres: Postgres,
    process: u32,
}

impl Deref for Server {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.postgres
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.postgres.stop();
        guard::tell(&format!("ended {}", self.process));
    }
}

/// A server as one would set it up: everything on disk before it is answered, room for what is in use, checkpoints far apart.
pub fn server(shared_buffers: &str, options: &Options) -> Outcome<Server> {
    let mut server = Postgres::start();
    let settings = [
        ("shared_buffers", shared_buffers),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "15min"),
        ("max_connections", "100"),
        ("shared_preload_libraries", "pg_stat_statements"),
    ];
    let asked = options.setting.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in settings.into_iter().chain(asked) {
        server.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
    }
    server.restart();
    let pid = std::fs::read_to_string(server.folder().join("data/postmaster.pid"))?;
    let process = pid.lines().next().and_then(|line| line.parse().ok()).ok_or("the server has no process")?;
    guard::tell(&format!("process {process}"));
    guard::tell(&format!("folder {}", server.folder().display()));
    Ok(Server { postgres: server, process })
}

/// Intake: the plain grouped insert, one gateway, three with as many senders in all, three with as many each, and a bare handler, in
/// alternating rounds; then round trips.
pub fn intake(options: &Options, report: &mut Report) -> Outcome<()> {
    let intents = options.intents.unwrap_or(options.rules);
    let server = server(BUFFERS, options)?;
    let pid = server.process;
    server.sql(USER, "CREATE EXTENSION pg_stat_statements");
    let plain = |ids: &str| -> Outcome<(Running, SocketAddr)> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        let rules = options.rules.to_string();
        command.args(["plain", &address.to_string(), &server.database(&format!("plain_{ids}")), &rules, ids]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut plain = Running::start("the plain server", &mut command)?;
        plain.wait_until(Instant::now(), || web::get(address, "/", "").is_ok())?;
        Ok((plain, address))
    };
    let (plain, ordered) = (plain("random")?, plain("ordered")?);
    let (bare, bare_address) = bare::start()?;
    let one = World::on(&server.database("one"), options.rules)?;
    let (three, more) = (sharing(&server, "three", options)?, sharing(&server, "more", options)?);
    let path = World::path();
    let side = |name: &str, gateways: &[World], times: usize| Side {
        name: name.to_owned(),
        addresses: gateways.iter().map(|world| world.address).collect(),
        path: path.clone(),
        intents,
        mixed: false,
        times,
        processes: gateways.iter().map(|world| world.gateway.id()).chain([pid]).collect(),
    };
    let plain_side = |name: &str, (plain, address): &(Running, SocketAddr)| Side {
        name: name.to_owned(),
        addresses: vec![*address],
        path: path.clone(),
        intents,
        mixed: false,
        times: 1,
        processes: vec![plain.id(), pid],
    };
    let sides = [
        plain_side("plain insert", &plain),
        plain_side("plain insert, ids in order", &ordered),
        side("one", std::slice::from_ref(&one), 1),
        side("three", &three, 1),
        side("three, as many senders each as one", &more, SHARING),
        bare::side(&bare, bare_address, &path, intents),
    ];
    let mut numbers = Numbers::new();
    let held = numbers.block();
    for side in sides.iter().take(STORING) {
        fill(side, options, &mut Numbers::at(held), options.keys.min(HELD))?;
    }
    server.sql(USER, "SELECT pg_stat_statements_reset()");
    server.sql("postgres", "CHECKPOINT");
    let lots = || -> Outcome<u64> { Ok(server.sql("one", "SELECT count(*) FROM lot").parse()?) };
    let before = lots()?;
    let series = alternate(&sides, options, &mut numbers)?;
    let [plain_series, ordered_series, one_series, three_series, more_series, bare_series] = series.as_slice() else {
        return Err("six sides".into());
    };
    let ratio = one_series.ratio_to(plain_series);
    report.judge("one gateway : plain grouped insert", ratio, "x", Wanted::AtLeast(1.2), None);
    let ratio = one_series.ratio_to(ordered_series);
    report.tell("one gateway : plain grouped insert, ids in order", ratio, "x");
    report.tell("plain grouped insert : bare handler", plain_series.ratio_to(bare_series), "x");
    report.tell("one gateway : bare handler", one_series.ratio_to(bare_series), "x");
    let ratio = three_series.ratio_to(one_series);
    report.judge("three gateways, in all : one", ratio, "x", Wanted::AtLeast(0.9), None);
    report.tell("the same, as many senders each as one", more_series.ratio_to(one_series), "x");
    for one in [plain_series, ordered_series, one_series, three_series, more_series] {
        let tell =
            |report: &mut Report, what: &str, value, unit| report.tell(&format!("{}: {what}", one.name), value, unit);
        tell(report, "rate", one.median(|round| round.burst.rate), "requests/s");
        tell(report, "p50", one.median(|round| round.burst.p50 as f64 / 1000.0), "ms");
        tell(report, "p99", one.median(|round| round.burst.p99 as f64 / 1000.0), "ms");
        tell(report, "CPU of server and database", one.median(|round| round.cpu_us), "us/request");
        tell(report, "of it the database", one.median(|round| round.last_cpu_us), "us/request");
        if one.refused() > 0 {
            return Err(format!("{} refused {} requests", one.name, one.refused()).into());
        }
    }
    let written = (lots()? - before) as f64;
    statements(&server, report, "one", written, one_series)?;
    held_by_the_database(&server, report, "one")?;
    report.keep(series);
    Ok(())
}

/// Gateways that share a database, each with its share of the buckets.
fn sharing(server: &Postgres, database: &str, options: &Options) -> Outcome<Vec<World>> {
    let url = server.database(database);
    let gateways = (0..SHARING).map(|_| World::on(&url, options.rules)).collect::<Outcome<_>>()?;
    shared_out(server, database)?;
    Ok(gateways)
}

/// Waits until each gateway has its share of the buckets.
fn shared_out(server: &Postgres, database: &str) -> Outcome<()> {
    let sql = "SELECT count(DISTINCT owner) || ' ' || count(owner) FROM bucket";
    let (from, wanted) = (Instant::now(), format!("{SHARING} 256"));
    while server.sql(database, sql) != wanted {
        if from.elapsed() > Duration::from_secs(20) {
            return Err(format!("the buckets are not shared out: {}", server.sql(database, sql)).into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// What the server counted: statements that accepted, against lots and events.
fn statements(server: &Postgres, report: &mut Report, database: &str, lots: f64, series: &Series) -> Outcome<()> {
    let of = format!(
        "FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = '{database}' AND query LIKE '%{ACCEPTS}%'"
    );
    let calls: f64 = server.sql(USER, &format!("SELECT sum(calls) {of}")).parse()?;
    let time: f64 = server.sql(USER, &format!("SELECT sum(total_exec_time) {of}")).parse()?;
    let log: f64 = server.sql(USER, &format!("SELECT sum(wal_bytes) {of}")).parse()?;
    report.judge("statements that accept : lots written", calls / lots, "x", Wanted::AtMost(1.0), None);
    let events = series.taken() as f64;
    report.tell("events in a lot", events / lots, "");
    report.tell("time in the statement, per event", time * 1_000.0 / events, "us");
    report.tell("WAL of the statement, per event", log / events, "bytes");
    let top = "SELECT d.datname || '  ' || calls || ' x  ' || round(total_exec_time::numeric) || ' ms  ' || wal_bytes / 1000 || ' kB  '
        || regexp_replace(left(query, 90), '\\s+', ' ', 'g')
        FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid ORDER BY total_exec_time DESC LIMIT 24";
    for line in server.sql(USER, top).lines() {
        eprintln!("statement: {line}");
    }
    Ok(())
}

/// Bytes on disk for an event.
fn held_by_the_database(server: &Postgres, report: &mut Report, database: &str) -> Outcome<()> {
    let events: f64 = server.sql(database, "SELECT sum(events) FROM lot").parse()?;
    let bytes: f64 = server.sql(database, "SELECT pg_database_size(current_database())").parse()?;
    report.tell("database, per event", bytes / events, "bytes");
    Ok(())
}

pub async fn store(url: &str, folder: &Path) -> Outcome<(Store, UnboundedReceiver<Vec<Wake>>)> {
    let (wake, wakes) = tokio::sync::mpsc::unbounded_channel();
    let mut options = tagrelay::store::Options::new(Duration::from_hours(24), Clock::system());
    options.mark = Some(folder.join("mark"));
    let store = Store::open_shared(Address::parse(url, None)?, options, wake).await?;
    Ok((store, wakes))
}

/// The median of taking, and of taking and settling, with few changes that wait and with many.
pub fn take(options: &Options, report: &mut Report) -> Outcome<()> {
    let server = server(BUFFERS, options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut sides = Vec::new();
        for (name, waiting) in [("few", taking::FEW), ("many", options.waiting.max(taking::FEW))] {
            let url = server.database(name);
            let folder = server.folder().join(name);
            std::fs::create_dir(&folder)?;
            let (store, wakes) = store(&url, &folder).await?;
            sides.push(taking::filled(store, wakes, waiting.next_multiple_of(1_000)).await?);
            server.sql(name, "ANALYZE");
        }
        server.sql("postgres", "CHECKPOINT");
        let sides = sides.try_into().map_err(|_| "two sides")?;
        taking::compare(sides, options, report, "PostgreSQL: ").await
    })
}
