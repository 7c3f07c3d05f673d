//! Alternating rounds: every side gets the same requests under the same load, one after the other, in turning order.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Outcome;
use crate::load::Burst;
use crate::options::{Load, Options};
use crate::process::{Running, machine_cpu, wait_for_idle};

/// One of the servers that are compared.
pub struct Side<'a> {
    /// What it is called in the results.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where there its hook is.
    pub path: String,
    /// Different intents in its requests.
    pub intents: usize,
    /// Its process, where it is one of ours.
    pub process: Option<&'a Running>,
}

/// What one side did in one round.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// What the load generator saw.
    #[serde(flatten)]
    pub burst: Burst,
    /// Microseconds of CPU that the server took for a request.
    pub cpu_us: Option<f64>,
    /// The most memory that was resident, looked at ten times a second.
    pub resident: Option<u64>,
    /// The share of the machine that programs which have nothing to do with this took meanwhile.
    pub others: f64,
}

/// All rounds of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// The side.
    pub name: String,
    /// Round by round.
    pub rounds: Vec<Measured>,
}

impl Series {
    /// The median of one figure over the rounds.
    pub fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// The median of this side's rate divided by another's, round by round.
    pub fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        median(pairs.map(|(mine, theirs)| mine.burst.rate / theirs.burst.rate).collect())
    }

    /// Requests that were answered with 200, warm-ups included.
    pub fn taken(&self) -> u64 {
        self.rounds.iter().map(|round| round.burst.taken).sum()
    }

    /// Requests that were answered with anything else.
    pub fn refused(&self) -> u64 {
        self.rounds.iter().map(|round| round.burst.refused).sum()
    }
}

/// The middle value; the mean of the two where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(values.len() / 2)
    } else {
        f64::midpoint(at(values.len() / 2), at(values.len() / 2 - 1))
    }
}

/// Hands out numbers for requests, so that none is sent twice to the same server.
pub struct Numbers(u64);

/// More than any burst sends.
const BLOCK: u64 = 1 << 36;

impl Numbers {
    /// From the beginning.
    pub fn new() -> Self {
        Self(0)
    }

    /// From a block on that was handed out.
    pub fn at(first: u64) -> Self {
        Self(first)
    }

    /// The first number of a block of its own.
    pub fn block(&mut self) -> u64 {
        self.0 += BLOCK;
        self.0 - BLOCK
    }
}

/// Measures all sides, `options.rounds` times.
pub fn alternate(sides: &[Side<'_>], options: &Options, numbers: &mut Numbers) -> Outcome<Vec<Series>> {
    let mut all: Vec<Series> =
        sides.iter().map(|side| Series { name: side.name.clone(), rounds: Vec::new() }).collect();
    for round in 0..options.rounds {
        let busy = if options.quick { 0.0 } else { wait_for_idle() };
        if busy > 0.1 {
            eprintln!("warning: {:.0} % of the machine is busy with something else", busy * 100.0);
        }
        // The same block for every side: the bodies are the same, byte for byte.
        let first = numbers.block();
        for turn in 0..sides.len() {
            let index = (turn + round) % sides.len();
            let (Some(side), Some(series)) = (sides.get(index), all.get_mut(index)) else { continue };
            let measured = measure(side, options, &load_for(side, options, first))?;
            eprintln!(
                "round {} of {}: {:<12} {:>8.0} requests/s   p50 {:>5.1} ms   p99 {:>5.1} ms   others {:>3.0} %",
                round + 1,
                options.rounds,
                side.name,
                measured.burst.rate,
                measured.burst.p50 as f64 / 1000.0,
                measured.burst.p99 as f64 / 1000.0,
                measured.others * 100.0
            );
            series.rounds.push(measured);
        }
    }
    Ok(all)
}

/// Sends `requests` new requests as fast as they are taken; gives how many were.
pub fn fill(side: &Side<'_>, options: &Options, numbers: &mut Numbers, requests: u64) -> Outcome<u64> {
    let mut load = load_for(side, options, numbers.block());
    load.requests = requests;
    let measured = measure(side, options, &load)?;
    match measured.burst.refused {
        0 => Ok(measured.burst.taken),
        refused => Err(format!("{refused} of the requests before the measurement were refused").into()),
    }
}

fn load_for(side: &Side<'_>, options: &Options, first: u64) -> Load {
    Load {
        address: side.address,
        path: side.path.clone(),
        connections: options.connections,
        intents: side.intents,
        contacts: options.contacts,
        first,
        seconds: options.seconds,
        warm_up: if options.quick { 0.1 } else { 0.7 },
        requests: u64::MAX,
        body_signature: !options.peer.is_empty(),
    }
}

fn measure(side: &Side<'_>, options: &Options, load: &Load) -> Outcome<Measured> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let (machine, ours, server, from) =
        (machine_cpu(), own_children_cpu(), side.process.map(Running::cpu), Instant::now());
    let (burst, resident) = run_load(side, load)?;
    let elapsed = from.elapsed().as_secs_f64();
    let server = side.process.zip(server).map(|(process, before)| process.cpu() - before);
    let generator = own_children_cpu() - ours;
    let others = (machine_cpu() - machine - generator - server.unwrap_or_default()).max(0.0) / elapsed / cores;
    if options.peer.is_empty() && burst.taken > 0 && burst.shortest != burst.longest && burst.shortest < 20 {
        return Err(format!("{}: some answers were empty and some not", side.name).into());
    }
    let requests = (burst.taken + burst.refused).max(1) as f64;
    Ok(Measured { cpu_us: server.map(|cpu| cpu * 1e6 / requests), burst, resident, others })
}

/// The load generator as a process of its own, so that its CPU is its own and its thread none of ours.
fn run_load(side: &Side<'_>, load: &Load) -> Outcome<(Burst, Option<u64>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("load").args(["--address", &load.address.to_string(), "--path", &load.path]);
    let numbers = [
        ("--connections", load.connections as u64),
        ("--intents", load.intents as u64),
        ("--contacts", load.contacts as u64),
        ("--first", load.first),
        ("--requests", load.requests),
    ];
    for (name, value) in numbers {
        command.args([name, &value.to_string()]);
    }
    command.args(["--seconds", &load.seconds.to_string(), "--warm-up", &load.warm_up.to_string()]);
    if load.body_signature {
        command.arg("--body-signature");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut resident = None;
    while child.try_wait()?.is_none() {
        resident = resident.max(side.process.map(|process| process.memory("VmRSS")));
        std::thread::sleep(Duration::from_millis(100));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{}: the load generator ended with {}", side.name, output.status).into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, resident))
}

/// Seconds of CPU of the children of this process that have ended: the load generators.
fn own_children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |index| after.split(' ').nth(index).and_then(|t| t.parse::<f64>().ok()).unwrap_or_default();
    (ticks(13) + ticks(14)) / 100.0
}
