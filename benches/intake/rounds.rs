//! Alternating rounds: every side gets the same requests under the same load, one after the other, in turning order.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Outcome;
use crate::load::Burst;
use crate::options::{Load, Options};
use crate::process::{cpu, machine_cpu, memory, tree_cpu, wait_for_idle};

/// One of the servers that are compared.
pub struct Side {
    /// What it is called in the results.
    pub name: String,
    /// Where it listens: each gateway of it.
    pub addresses: Vec<SocketAddr>,
    /// Where there its hook is.
    pub path: String,
    /// Different intents in its requests.
    pub intents: usize,
    /// Whether vendors of all kinds send them.
    pub mixed: bool,
    /// So many times `--connections` senders.
    pub times: usize,
    /// Its processes; what they have started is part of them.
    pub processes: Vec<u32>,
}

impl Side {
    /// Seconds of CPU that its processes have used.
    fn cpu(&self) -> f64 {
        self.processes.iter().map(|process| tree_cpu(*process)).sum()
    }
}

/// What one side did in one round.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// What the load generator saw.
    #[serde(flatten)]
    pub burst: Burst,
    /// Microseconds of CPU that the server took for a request.
    pub cpu_us: f64,
    /// Those of the last of its processes alone: the database, where it has one.
    pub last_cpu_us: f64,
    /// The most memory that was resident, looked at ten times a second.
    pub resident: u64,
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
    /// Requests answered with 200 in rounds that were disturbed and don't count.
    pub set_aside: u64,
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
        self.set_aside + self.rounds.iter().map(|round| round.burst.taken).sum::<u64>()
    }

    /// Takes the last round out of the figures; what it stored is still counted.
    fn set_aside(&mut self) {
        self.set_aside += self.rounds.pop().map_or(0, |round| round.burst.taken);
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
pub fn alternate(sides: &[Side], options: &Options, numbers: &mut Numbers) -> Outcome<Vec<Series>> {
    let mut all: Vec<Series> =
        sides.iter().map(|side| Series { name: side.name.clone(), rounds: Vec::new(), set_aside: 0 }).collect();
    let mut again = if options.quick { 0 } else { options.again };
    let mut round = 0;
    while round < options.rounds {
        // The same block for every side: the bodies are the same, byte for byte.
        let first = numbers.block();
        let mut disturbed = false;
        for turn in 0..sides.len() {
            let index = (turn + round) % sides.len();
            let (Some(side), Some(series)) = (sides.get(index), all.get_mut(index)) else { continue };
            if !options.quick {
                wait_for_idle(again > 0);
            }
            let measured = measure(side, options, &load_for(side, options, first))?;
            disturbed |= measured.others > DISTURBED;
            tell(round, &side.name, &measured);
            series.rounds.push(measured);
        }
        if disturbed && again > 0 {
            again -= 1;
            eprintln!("         something else was running: this round is measured again");
            for series in &mut all {
                series.set_aside();
            }
        } else {
            round += 1;
        }
    }
    Ok(all)
}

/// The share of the machine that other programs may take in a round that counts.
const DISTURBED: f64 = 0.1;

fn tell(round: usize, name: &str, measured: &Measured) {
    eprintln!(
        "round {:>2}: {name:<12} {:>8.0} requests/s   p50 {:>5.1} ms   p99 {:>5.1} ms   others {:>3.0} %",
        round + 1,
        measured.burst.rate,
        measured.burst.p50 as f64 / 1000.0,
        measured.burst.p99 as f64 / 1000.0,
        measured.others * 100.0
    );
}

/// Sends `requests` new requests as fast as they are taken; gives how many were.
pub fn fill(side: &Side, options: &Options, numbers: &mut Numbers, requests: u64) -> Outcome<u64> {
    let mut load = load_for(side, options, numbers.block());
    load.requests = requests;
    let measured = measure(side, options, &load)?;
    match measured.burst.refused {
        0 => Ok(measured.burst.taken),
        refused => Err(format!("{refused} of the requests before the measurement were refused").into()),
    }
}

fn load_for(side: &Side, options: &Options, first: u64) -> Load {
    Load {
        addresses: side.addresses.clone(),
        path: side.path.clone(),
        connections: options.connections * side.times,
        intents: side.intents,
        contacts: options.contacts,
        first,
        seconds: options.seconds,
        warm_up: if options.quick { 0.1 } else { 0.7 },
        requests: u64::MAX,
        body_signature: !options.peer.is_empty(),
        mixed: side.mixed,
    }
}

fn measure(side: &Side, options: &Options, load: &Load) -> Outcome<Measured> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let ours = std::process::id();
    let (machine, generator, server, from) = (machine_cpu(), cpu(ours), side.cpu(), Instant::now());
    let last = side.processes.last().map_or(0.0, |last| tree_cpu(*last));
    let (burst, resident) = run_load(side, load)?;
    let elapsed = from.elapsed().as_secs_f64();
    // A load generator that has ended counts as our own.
    let (generator, server) = (cpu(ours) - generator, side.cpu() - server);
    let last = side.processes.last().map_or(0.0, |process| tree_cpu(*process) - last);
    let others = (machine_cpu() - machine - generator - server).max(0.0) / elapsed / cores;
    if options.peer.is_empty()
        && !side.mixed
        && burst.taken > 0
        && burst.shortest != burst.longest
        && burst.shortest < 20
    {
        return Err(format!("{}: some answers were empty and some not", side.name).into());
    }
    let requests = (burst.taken + burst.refused).max(1) as f64;
    Ok(Measured { cpu_us: server * 1e6 / requests, last_cpu_us: last * 1e6 / requests, burst, resident, others })
}

/// The load generator as a process of its own, so that its CPU is its own and its thread none of ours.
fn run_load(side: &Side, load: &Load) -> Outcome<(Burst, u64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("load").args(["--path", &load.path]);
    for address in &load.addresses {
        command.args(["--address", &address.to_string()]);
    }
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
    for (flag, set) in [("--body-signature", load.body_signature), ("--mixed", load.mixed)] {
        command.args(set.then_some(flag));
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut resident = 0;
    while child.try_wait()?.is_none() {
        let first = side.processes.first().map_or(0, |process| memory(*process, "VmRSS"));
        resident = resident.max(first);
        std::thread::sleep(Duration::from_millis(100));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{}: the load generator ended with {}", side.name, output.status).into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, resident))
}
