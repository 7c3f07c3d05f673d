//! The parts of the benchmark, each from the start of its processes to its figures.

use std::time::{Duration, Instant};

use crate::options::Options;
use crate::process::{memory, wake_ups};
use crate::report::{Report, Wanted};
use crate::rounds::{Numbers, Series, Side, alternate, fill, median};
use crate::world::World;
use crate::{Outcome, bare};

const MIB: f64 = 1024.0 * 1024.0;

/// The ratio to a bare handler, latency, memory under load; then whether everything that was sent is there.
pub fn intake(options: &Options, report: &mut Report) -> Outcome<()> {
    let intents = options.intents.unwrap_or(options.rules);
    let world = World::new(options.rules)?;
    let (bare, bare_address) = bare::start()?;

    let path = World::path();
    let mut sides = vec![
        bare::side(&bare, bare_address, &path, intents),
        Side {
            name: "tagrelay".to_owned(),
            addresses: vec![world.address],
            path,
            intents,
            mixed: false,
            times: 1,
            processes: vec![world.gateway.id()],
        },
    ];
    let other = options.against.as_ref().map(|program| World::of(program, options.rules)).transpose()?;
    if let Some(other) = &other {
        let name = "against".to_owned();
        sides.push(Side {
            name,
            addresses: vec![other.address],
            path: World::path(),
            intents,
            mixed: false,
            times: 1,
            processes: vec![other.gateway.id()],
        });
    }
    for peer in &options.peer {
        sides.push(peer_side(peer, intents)?);
    }
    let mut numbers = Numbers::new();
    let first = numbers.block();
    let probed = world.probe(first, intents, options.contacts)?;
    let from = Instant::now();
    let gateways = sides.get(1..=1 + usize::from(other.is_some())).unwrap_or_default();
    let earliest = numbers.block();
    let mut filled = 0;
    for gateway in gateways {
        filled = fill(gateway, options, &mut Numbers::at(earliest), options.keys)?;
        eprintln!("{}: {filled} keys held after {:.0} s", gateway.name, from.elapsed().as_secs_f64());
    }

    let series = alternate(&sides, options, &mut numbers)?;
    let [bare_series, gateway_series, peers @ ..] = series.as_slice() else { return Err("there are two sides".into()) };
    figures(report, bare_series, gateway_series, memory(world.gateway.id(), "VmHWM"));
    let (against, peers) = peers.split_at(gateways.len() - 1);
    for build in against {
        report.tell("this build : the other build, rate", gateway_series.ratio_to(build), "x");
        let cpu = |series: &Series| series.median(|round| round.cpu_us);
        report.tell("this build : the other build, CPU", cpu(gateway_series) / cpu(build), "x");
    }
    for peer in peers {
        let name = format!("tagrelay : {}, same requests", peer.name);
        report.judge(&name, gateway_series.ratio_to(peer), "x", Wanted::AtLeast(8.0), None);
        report.tell(&format!("{}: p99", peer.name), peer.median(|r| r.burst.p99 as f64 / 1000.0), "ms");
        report.tell(&format!("{}: CPU", peer.name), peer.median(|round| round.cpu_us), "us/request");
        report.tell(&format!("{}: answers that are not 200", peer.name), peer.refused() as f64, "");
    }
    verify(options, report, &world, gateway_series, [probed, filled], [earliest, intents as u64])?;
    report.tell(
        "database, per event",
        world.database_bytes() as f64 / (filled + gateway_series.taken()) as f64,
        "bytes",
    );
    report.keep(series);
    let again = world.restart()?;
    report.tell("ready again after a kill, with all of that", again.ready.as_secs_f64() * 1000.0, "ms");
    Ok(())
}

fn figures(report: &mut Report, bare: &Series, gateway: &Series, peak: u64) {
    report.judge(
        "intake: ratio to the bare handler",
        gateway.ratio_to(bare),
        "x",
        Wanted::AtLeast(0.25),
        Some(Wanted::AtLeast(0.35)),
    );
    let p99 = |series: &Series| series.median(|round| round.burst.p99 as f64 / 1000.0);
    report.judge("intake: p99", p99(gateway), "ms", Wanted::Below(40.0), Some(Wanted::Below(25.0)));
    report.tell("intake: p50", gateway.median(|round| round.burst.p50 as f64 / 1000.0), "ms");
    report.tell("bare handler: p99", p99(bare), "ms");
    report.tell("intake: rate", gateway.median(|round| round.burst.rate), "requests/s");
    report.tell("bare handler: rate", bare.median(|round| round.burst.rate), "requests/s");
    let cpu = |series: &Series| series.median(|round| round.cpu_us);
    report.tell("intake: CPU of the gateway", cpu(gateway), "us/request");
    report.tell("bare handler: CPU", cpu(bare), "us/request");
    report.judge("memory under load, at most", peak as f64 / MIB, "MiB", Wanted::Below(100.0), None);
}

/// Whether what was acknowledged can be read, no more and no less, and whether the oldest keys are held.
fn verify(
    options: &Options,
    report: &mut Report,
    world: &World,
    gateway: &Series,
    [probed, filled]: [u64; 2],
    [earliest, intents]: [u64; 2],
) -> Outcome<()> {
    if gateway.refused() > 0 {
        return Err(format!("the gateway refused {} requests", gateway.refused()).into());
    }
    let sent = probed + filled + gateway.taken();
    let newest = world.newest()?;
    if newest != sent {
        return Err(format!("{sent} requests were answered with 200, but the newest event is number {newest}").into());
    }
    for id in [1, sent / 2, sent] {
        world.has_acted(id.max(1))?;
    }
    report.check(format!("all {sent} acknowledged events are numbered and can be read by the API"));
    if !world.holds(earliest, intents as usize, options.contacts)? {
        return Err("the first key that was sent is not held any more".into());
    }
    let calls = world.provider_calls()?;
    if calls == 0 && options.keys > 0 {
        return Err("the provider got no call: nothing was delivered meanwhile".into());
    }
    report.check(format!("the oldest key is still known; the provider got {calls} calls meanwhile"));
    Ok(())
}

fn peer_side(peer: &str, intents: usize) -> Outcome<Side> {
    let parts = || {
        let (name, rest) = peer.split_once('=')?;
        let (process, rest) = rest.split_once('@')?;
        let (address, path) = rest.split_once('/')?;
        Some((name, process.parse().ok()?, address.parse().ok()?, path))
    };
    let (name, process, address, path) =
        parts().ok_or_else(|| format!("--peer {peer}: expected NAME=PID@ADDRESS/PATH"))?;
    Ok(Side {
        name: name.to_owned(),
        addresses: vec![address],
        path: format!("/{path}"),
        intents,
        mixed: false,
        times: 1,
        processes: vec![process],
    })
}

/// Memory and wake-ups of a gateway without anything to do.
pub fn idle(options: &Options, report: &mut Report) -> Outcome<()> {
    let world = World::new(options.rules)?;
    let (settle, watch) = if options.quick { (0.2, 0.5) } else { (3.0, 10.0) };
    std::thread::sleep(Duration::from_secs_f64(settle));
    let wake_ups = wake_ups(world.gateway.id(), Duration::from_secs_f64(watch));
    report.judge(
        "memory when idle",
        memory(world.gateway.id(), "VmRSS") as f64 / MIB,
        "MiB",
        Wanted::Below(20.0),
        None,
    );
    report.judge("wake-ups when idle", wake_ups, "a second", Wanted::AtMost(2.0), None);
    world.end()
}

/// From the start of the process to the first 200 of /readyz, on a fresh database.
pub fn ready(options: &Options, report: &mut Report) -> Outcome<()> {
    let starts = if options.quick { 1 } else { 7 };
    let mut times = Vec::new();
    for _ in 0..starts {
        times.push(World::new(options.rules)?.ready.as_secs_f64() * 1000.0);
    }
    let name = format!("ready with {} rules", options.rules);
    report.judge(&name, median(times), "ms", Wanted::Below(100.0), None);
    Ok(())
}

/// Many rules against few: what a request costs more.
pub fn rules(options: &Options, report: &mut Report) -> Outcome<()> {
    const FEW: usize = 10;
    let many = if options.quick { 1_000 } else { 10_000 };
    let (small, large) = (World::new(FEW)?, World::new(many)?);
    let side = |name: String, world: &World, intents| Side {
        name,
        addresses: vec![world.address],
        path: World::path(),
        intents,
        mixed: false,
        times: 1,
        processes: vec![world.gateway.id()],
    };
    let sides = [side(format!("{FEW} rules"), &small, FEW), side(format!("{many} rules"), &large, many)];
    let mut shorter = options.clone();
    shorter.seconds = options.seconds.min(3.0);
    // An even number of rounds: each side goes first as often as the other.
    shorter.rounds = options.rounds.next_multiple_of(2);
    shorter.peer.clear();
    let mut numbers = Numbers::new();
    for side in &sides {
        fill(side, &shorter, &mut Numbers::at(numbers.block()), options.keys.min(20_000))?;
    }
    let series = alternate(&sides, &shorter, &mut numbers)?;
    let [few_series, many_series] = series.as_slice() else { return Err("there are two sides".into()) };
    let name = format!("time of a request, {many} rules : {FEW} rules");
    report.judge(&name, few_series.ratio_to(many_series), "x", Wanted::AtMost(1.1), None);
    let cpu = |series: &Series| series.median(|round| round.cpu_us);
    report.tell(&format!("CPU of a request, {many} rules : {FEW} rules"), cpu(many_series) / cpu(few_series), "x");
    report.keep(series);
    Ok(())
}

/// How long the rules must be left alone before they are read.
const QUIET_MS: f64 = 50.0;

/// From a change of the rules on disk to the first request that the new ones answer; the time in which the gateway waits
/// whether more comes is part of it.
pub fn reload(options: &Options, report: &mut Report) -> Outcome<()> {
    let world = World::new(options.rules)?;
    let before = memory(world.gateway.id(), "VmRSS");
    let mut times = Vec::new();
    for round in 0..if options.quick { 2 } else { 20 } {
        let hook = format!("round-{round}");
        let auth = "[{ hmac: standard-webhooks, secret: env:WEBSITE_BOT_SECRET }]";
        let source = format!("sources:\n  {hook}: {{ kind: dialogflow-es, auth: {auth} }}\n");
        world.put_rules("round.yaml", &source)?;
        let from = Instant::now();
        while !world.has_hook(&hook)? {
            if from.elapsed() > Duration::from_secs(10) {
                return Err("the changed rules never came into force".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(from.elapsed().as_secs_f64() * 1000.0);
        // The next change is one of its own.
        std::thread::sleep(Duration::from_millis(200));
    }
    let worst = times.iter().copied().fold(0.0, f64::max);
    let name = format!("changed rules in force, {} rules", options.rules);
    report.judge(&name, median(times), "ms", Wanted::Below(QUIET_MS + 100.0), None);
    report.tell("changed rules in force: the slowest change", worst, "ms");
    // What is free goes back to the system after some seconds.
    std::thread::sleep(Duration::from_secs(if options.quick { 0 } else { 15 }));
    let grown = memory(world.gateway.id(), "VmRSS") as f64 - before as f64;
    report.tell("memory more after these changes", grown / MIB, "MiB");
    world.end()
}
