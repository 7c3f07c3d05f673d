//! The benchmark of a whole gateway: its intake against a bare actix-web handler, peers beside it if asked, in alternating rounds;
//! and its deliveries to a bare provider.
//!
//! One command, `cargo bench --bench intake`; docs/benchmarks.md says what each figure means. Load generator, bare handler,
//! gateway and provider sandbox are processes of their own, all on 127.0.0.1, and end with this one.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is read in a terminal")]

mod backlog;
mod bare;
mod caller;
mod checking;
mod delivering;
mod draining;
mod guard;
mod histogram;
mod load;
mod long;
#[path = "../shapes/meeting.rs"]
mod meeting;
mod mixed;
mod options;
mod parts;
mod plain;
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "tests need the rest of it")]
mod postgres;
mod process;
mod provider;
mod report;
mod rounds;
mod senders;
#[path = "../shapes/mod.rs"]
mod shapes;
mod sharing;
mod taking;
mod web;
mod world;

use std::process::ExitCode;

use clap::Parser;

use options::{Cli, Format, Mode, Options, Part};
use report::Report;

/// A value, or why the benchmark can't go on.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.mode {
        Some(Mode::Bare { address }) => bare::serve(address).map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Some(Mode::Plain { address, url, rules, ids }) => {
            plain::serve(address, &url, rules, ids).map(|()| ExitCode::SUCCESS)
        }
        Some(Mode::Load(load)) => load::run(load).map(|burst| {
            println!("{}", serde_json::to_string(&burst).expect("a burst is plain data"));
            ExitCode::SUCCESS
        }),
        Some(Mode::Call { address, concurrency, seconds }) => caller::run(address, concurrency, seconds).map(|rate| {
            println!("{rate}");
            ExitCode::SUCCESS
        }),
        Some(Mode::Guard) => {
            guard::run();
            Ok(ExitCode::SUCCESS)
        }
        None => guard::start().and_then(|()| measure(&cli.options.settled())),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Measures one part and writes what it found into the report.
type Measure = fn(&Options, &mut Report) -> Outcome<()>;

fn measure(options: &Options) -> Outcome<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut report = Report { quick: options.quick, cores, ..Report::default() };
    let parts: [(Part, Measure); 14] = [
        (Part::Intake, parts::intake),
        (Part::Mixed, mixed::mixed),
        (Part::Idle, parts::idle),
        (Part::Ready, parts::ready),
        (Part::Rules, parts::rules),
        (Part::Reload, parts::reload),
        (Part::Check, checking::check),
        (Part::Deliver, delivering::deliver),
        (Part::Take, taking::take),
        (Part::Drain, draining::drain),
        (Part::Backlog, backlog::backlog),
        (Part::Postgres, sharing::intake),
        (Part::PostgresTake, sharing::take),
        (Part::PostgresLarge, long::large),
    ];
    for (_, part) in parts.iter().filter(|(part, _)| options.wants(*part)) {
        part(options, &mut report)?;
    }
    match options.format {
        Format::Table => println!("{}", report.table()),
        Format::Json => println!("{}", report.json()),
    }
    let missed = options.enforce && !options.quick && !report.good_enough();
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
