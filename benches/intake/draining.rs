//! A long outage, and its end: many changes wait, and then the provider takes all that comes.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::delivering::{ALL_CONTACTS, rules, unlimited};
use crate::options::Options;
use crate::process::{cpu, machine_cpu, memory, wait_for_idle};
use crate::provider::Provider;
use crate::report::{Report, Wanted};
use crate::rounds::{Numbers, Side, fill};
use crate::shapes::SOURCE;
use crate::world::World;

const MIB: f64 = 1024.0 * 1024.0;

/// How long a drain may stand still before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls a second while a backlog drains, memory meanwhile, and what a bare client reaches at the same provider.
pub fn drain(options: &Options, report: &mut Report) -> Outcome<()> {
    let provider = Provider::start()?;
    let settings = unlimited(options.concurrency);
    let world = World::with(rules(&[(SOURCE, "HELPCRUNCH_API_KEY", provider.address, &settings)]))?;
    provider.refuse(true);
    let filled = wait_for(&world, SOURCE, options)?;
    report.tell("drain: changes that wait", filled as f64, "");
    report.tell("drain: memory while they come, at most", memory(world.gateway.id(), "VmHWM") as f64 / MIB, "MiB");
    // All of it has to be found again, and what was taken while they came has gone back to the system.
    let world = if options.no_kill { world } else { world.restart()? };
    report.tell("drain: ready (again after a kill)", world.ready.as_secs_f64() * 1000.0, "ms");
    let bare = bare_rate(options)?;

    if !options.quick {
        wait_for_idle(true);
    }
    let contacts = world.connection(SOURCE)?.1;
    provider.refuse(false);
    let before = provider.calls();
    let (machine, from) = (machine_cpu(), Instant::now());
    let (gateway, ours) = (cpu(world.gateway.id()), cpu(std::process::id()));
    world.try_now(SOURCE)?;
    let seconds = empty(&world, &provider, from)?;
    let calls = (provider.calls() - before) as f64;
    let (gateway, ours) = (cpu(world.gateway.id()) - gateway, cpu(std::process::id()) - ours);
    let cores = report.cores as f64;
    let others = (machine_cpu() - machine - gateway - ours).max(0.0) / from.elapsed().as_secs_f64() / cores;
    report.others = report.others.max(others);
    let peak = memory(world.gateway.id(), "VmHWM") as f64 / MIB;
    let rate = calls / seconds;
    report.judge("drain: calls a second", rate, "", Wanted::AtLeast(5_000.0), None);
    report.judge("drain: memory of the gateway, at most", peak, "MiB", Wanted::AtMost(300.0), None);
    report.tell("drain: contacts : calls", contacts as f64 / calls, "x");
    report.tell("drain: CPU of the gateway", gateway * 1e6 / calls, "us/call");
    report.tell("drain: CPU of the provider", ours * 1e6 / calls, "us/call");
    report.tell("drain: share of the machine that others took", others, "");
    report.tell("drain: cores that the gateway used", gateway / seconds, "");
    report.tell("drain: cores that the provider used", ours / seconds, "");
    report.tell("bare client at the same provider", bare, "calls/s");
    report.tell("drain : bare client", rate / bare, "x");
    world.end()
}

/// Sends the changes that shall wait, at a hook whose connection doesn't take them; gives how many.
pub fn wait_for(world: &World, hook: &str, options: &Options) -> Outcome<u64> {
    let side = Side {
        name: hook.to_owned(),
        addresses: vec![world.address],
        path: format!("/hooks/{hook}"),
        intents: 1,
        mixed: false,
        times: 1,
        processes: vec![world.gateway.id()],
    };
    let options = Options { contacts: ALL_CONTACTS, ..options.clone() };
    let from = Instant::now();
    let filled = fill(&side, &options, &mut Numbers::new(), options.waiting)?;
    eprintln!("{hook}: {filled} changes wait after {:.0} s", from.elapsed().as_secs_f64());
    Ok(filled)
}

/// What the client alone reaches, as a process of its own as the gateway is.
fn bare_rate(options: &Options) -> Outcome<f64> {
    // Another one: that which refuses is looked at now and then.
    let provider = Provider::start()?;
    let seconds = if options.quick { "0.3" } else { "4" };
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["call", &provider.address.to_string(), &options.concurrency.to_string(), seconds]);
    let output = command.stdin(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

/// Waits until nothing waits any more; gives the seconds that the calls took.
fn empty(world: &World, provider: &Provider, from: Instant) -> Outcome<f64> {
    let (mut seen, mut last, mut told) = (provider.calls(), Instant::now(), (Instant::now(), provider.calls()));
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let calls = provider.calls();
        if calls != seen {
            (seen, last) = (calls, Instant::now());
        } else if last.elapsed() > Duration::from_millis(100) && world.connection(SOURCE)?.1 == 0 {
            return Ok(last.duration_since(from).as_secs_f64());
        } else if last.elapsed() > PATIENCE {
            return Err(format!("no call came any more: {:?}", world.connection(SOURCE)?).into());
        }
        if told.0.elapsed() > Duration::from_secs(5) {
            let resident = memory(world.gateway.id(), "VmRSS") as f64 / MIB;
            let rate = (seen - told.1) as f64 / told.0.elapsed().as_secs_f64();
            let (state, left) = world.connection(SOURCE)?;
            eprintln!("drain: {rate:.0} calls a second, {left} contacts left, {resident:.0} MiB, {state}");
            told = (Instant::now(), seen);
        }
    }
}
