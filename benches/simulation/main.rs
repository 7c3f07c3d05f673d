//! Deliveries in virtual time: as many random schedules as you like, or the economy of calls on a trace.
//!
//! `cargo bench --bench simulation` runs 100,000 schedules on two lanes; a run that goes wrong is made shorter and told as a story.
//! `-- --economy` serves a trace of 100,000 tag actions, and says what each way of serving it costs. docs/benchmarks.md has both.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is read in a terminal")]

mod economy;
#[path = "../../tests/simulation/oracle.rs"]
mod oracle;
#[path = "../../tests/simulation/provider.rs"]
mod provider;
#[path = "../../tests/simulation/run.rs"]
mod run;
#[path = "../../tests/simulation/schedule.rs"]
mod schedule;
#[path = "../../tests/simulation/simulate.rs"]
mod simulate;
#[path = "../../tests/simulation/world.rs"]
mod world;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Parser;

use simulate::{Wish, simulate};

/// The gateway's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Deliveries in virtual time.
#[derive(Debug, Parser)]
#[command(after_help = "Example: cargo bench --bench simulation -- --schedules 100000 --seed 7")]
struct Cli {
    /// How many schedules, over all lanes.
    #[arg(long, default_value_t = 100_000)]
    schedules: u64,
    /// Where they begin; the same seed gives the same schedules.
    #[arg(long, default_value_t = 2026)]
    seed: u64,
    /// Long schedules: hundreds of things, close upon one another.
    #[arg(long)]
    long: bool,
    /// How many run at once. The same seed gives the same schedules only over the same number of lanes.
    #[arg(long, default_value_t = 2)]
    lanes: u64,
    /// Serve a trace instead, and say what each way of serving it costs.
    #[arg(long)]
    economy: bool,
    /// Actions in the trace.
    #[arg(long, default_value_t = 100_000)]
    actions: usize,
    /// Where the economy's pictures go; by default nowhere.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Cargo adds it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = if cli.economy { economy::run(cli.seed, cli.actions, cli.svg.as_deref()) } else { schedules(&cli) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn schedules(cli: &Cli) -> Result<(), String> {
    let lanes = cli.lanes.clamp(1, cli.schedules.max(1));
    let length = if cli.long { schedule::Length::Long } else { schedule::Length::Short };
    let begun = Instant::now();
    let (tell, told) = mpsc::channel();
    let threads: Vec<_> = (0..lanes)
        .map(|lane| {
            let tell = tell.clone();
            let share = cli.schedules / lanes + u64::from(lane < cli.schedules % lanes);
            let wish = Wish { seed: cli.seed, lane, schedules: share, length };
            std::thread::spawn(move || {
                simulate(wish, |counts| {
                    let _ = tell.send(counts);
                })
            })
        })
        .collect();
    drop(tell);
    let (mut schedules, mut events, mut calls, mut shown) = (0_u64, 0, 0, Instant::now());
    let every = if std::io::stderr().is_terminal() { Duration::from_secs(1) } else { Duration::from_secs(30) };
    for counts in told {
        schedules += 1;
        events += counts.events;
        calls += counts.calls;
        if shown.elapsed() >= every {
            eprintln!(
                "{schedules} of {} schedules, {events} events, {calls} calls, {} s",
                cli.schedules,
                begun.elapsed().as_secs()
            );
            shown = Instant::now();
        }
    }
    for thread in threads {
        thread.join().map_err(|_| "a lane panicked; its message stands above".to_owned())??;
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{schedules} schedules of seed {} on {lanes} lanes ended right: {events} events, {calls} calls, {took:.0} s",
        cli.seed
    );
    Ok(())
}
