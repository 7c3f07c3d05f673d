//! What the benchmark can be asked, and the hidden modes in which it calls itself.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measure the intake of tagrelay against a bare actix-web handler, in alternating rounds on this machine.
#[derive(Parser)]
#[command(
    name = "intake",
    after_help = "Example:\n  cargo bench --bench intake\n  cargo bench --bench intake -- --quick\n  \
                  cargo bench --bench intake -- --format json > result.json\n\ndocs/benchmarks.md says what each figure means."
)]
pub struct Cli {
    /// The hidden modes.
    #[command(subcommand)]
    pub mode: Option<Mode>,
    /// What to measure and how.
    #[command(flatten)]
    pub options: Options,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What to measure and how.
#[derive(Args, Clone)]
pub struct Options {
    /// Rounds; each measures every side once, in an order that turns from round to round.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of load for each side in a round.
    #[arg(long, default_value_t = 6.0)]
    pub seconds: f64,
    /// How often a round may be measured again because other programs took more than a tenth of the machine.
    #[arg(long, default_value_t = 10)]
    pub again: usize,
    /// Keep-alive connections, each with one request under way.
    #[arg(long, default_value_t = 128)]
    pub connections: usize,
    /// Rules of the gateway.
    #[arg(long, default_value_t = 1_000)]
    pub rules: usize,
    /// Different intents in the requests [default: one for each rule].
    #[arg(long)]
    pub intents: Option<usize>,
    /// Different contacts in the requests.
    #[arg(long, default_value_t = 20_000)]
    pub contacts: usize,
    /// Deduplication keys that the gateway holds before it is measured, sent to it like any other request.
    #[arg(long, default_value_t = 1_000_000)]
    pub keys: u64,
    /// Changes that wait in the parts `take`, `drain` and `backlog`, nearly each of a contact of its own.
    #[arg(long, default_value_t = 100_000)]
    pub waiting: u64,
    /// Events that the longer tables of the part `postgres-large` hold.
    #[arg(long, default_value_t = 5_000_000)]
    pub events: u64,
    /// Hours in which these came. Deduplication keys of the last 25 are held: with 25, of all of them.
    #[arg(long, default_value_t = 720)]
    pub hours: u64,
    /// A setting of the server that the parts on PostgreSQL start, to see what it costs: `full_page_writes=off`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub setting: Vec<(String, String)>,
    /// `concurrency` of the connection that is drained.
    #[arg(long, default_value_t = 64)]
    pub concurrency: usize,
    /// Drain without killing the gateway before.
    #[arg(long)]
    pub no_kill: bool,
    /// Only these parts.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// For people or for scripts.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// A smoke run of a few seconds: everything is done, no figure means anything.
    #[arg(long)]
    pub quick: bool,
    /// Another server to measure in the same rounds, as NAME=PID@ADDRESS/PATH; requests then also carry X-Hub-Signature-256.
    #[arg(long, value_name = "NAME=PID@ADDRESS/PATH")]
    pub peer: Vec<String>,
    /// Another build of tagrelay to measure in the same rounds.
    #[arg(long, value_name = "PROGRAM")]
    pub against: Option<std::path::PathBuf>,
    /// End with status 1 when a required figure is missed.
    #[arg(long)]
    pub enforce: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, as in full_page_writes=off")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A part of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The ratio to a bare handler, latency, memory under load.
    Intake,
    /// The ratio with requests of fifteen vendors against the one of Dialogflow's alone.
    Mixed,
    /// Memory and wake-ups of a gateway without anything to do.
    Idle,
    /// From the start of the process to the first 200 of /readyz.
    Ready,
    /// Many rules against few.
    Rules,
    /// From a change of the rules on disk to the first request that the new ones answer.
    Reload,
    /// `tagrelay check` and `tagrelay test` of many rules.
    Check,
    /// From the 200 to the provider's call, without anything else to do.
    Deliver,
    /// What it costs to take and to settle the next contact, with few changes that wait and with many.
    Take,
    /// How fast many changes that wait are delivered to a provider without limits.
    Drain,
    /// What changes that wait for a dead connection cost another one.
    Backlog,
    /// One gateway and three on PostgreSQL against a plain grouped insert; only if named.
    Postgres,
    /// `take` on PostgreSQL; only if named.
    PostgresTake,
    /// Inserts into long tables of PostgreSQL against short ones; only if named.
    PostgresLarge,
}

/// How results are shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Table,
    /// One JSON object.
    Json,
}

/// The ids that the plain grouped insert gives. A random one touches a page of its own in each index; one that ascends, the last page.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ids {
    /// 128 random bits, as most programs make them.
    Random,
    /// In order of time.
    Ordered,
}

/// What this program does as a process of its own.
#[derive(Subcommand)]
pub enum Mode {
    /// The bare handler.
    #[command(hide = true)]
    Bare {
        /// Where to listen.
        address: SocketAddr,
    },
    /// The plain grouped insert.
    #[command(hide = true)]
    Plain {
        /// Where to listen.
        address: SocketAddr,
        /// Its database.
        url: String,
        /// Rules.
        rules: usize,
        /// Its ids.
        ids: Ids,
    },
    /// The bare client; prints the calls a second that it made.
    #[command(hide = true)]
    Call {
        /// Whom to call.
        address: SocketAddr,
        /// Calls under way at once.
        concurrency: usize,
        /// For how long.
        seconds: f64,
    },
    /// The load generator; prints what it measured as JSON.
    #[command(hide = true)]
    Load(Load),
    /// Ends what a benchmark started that was itself ended in the middle.
    #[command(hide = true)]
    Guard,
}

/// One burst of load.
#[derive(Args, Clone)]
pub struct Load {
    /// Whom to call; of several each gets as many connections.
    #[arg(long = "address")]
    pub addresses: Vec<SocketAddr>,
    /// Where there.
    #[arg(long)]
    pub path: String,
    /// Keep-alive connections.
    #[arg(long)]
    pub connections: usize,
    /// Different intents.
    #[arg(long)]
    pub intents: usize,
    /// Different contacts.
    #[arg(long)]
    pub contacts: usize,
    /// The number of the first request; no number is sent twice.
    #[arg(long)]
    pub first: u64,
    /// Measured seconds, after the warm-up.
    #[arg(long)]
    pub seconds: f64,
    /// Seconds before anything is measured.
    #[arg(long)]
    pub warm_up: f64,
    /// Stop after this many requests instead.
    #[arg(long, default_value_t = u64::MAX)]
    pub requests: u64,
    /// Also sign the body alone.
    #[arg(long)]
    pub body_signature: bool,
    /// Requests of all vendors in place of one, a vendor a connection.
    #[arg(long)]
    pub mixed: bool,
}

impl Options {
    /// The options as they count: a smoke run is short whatever else was asked.
    pub fn settled(mut self) -> Self {
        if self.quick {
            self.rounds = 1;
            self.seconds = 0.6;
            self.keys = self.keys.min(3_000);
            self.connections = self.connections.min(32);
            self.contacts = self.contacts.min(500);
            self.waiting = self.waiting.min(3_000);
            self.events = self.events.min(50_000);
        }
        self
    }

    /// Whether a part was asked for.
    pub fn wants(&self, part: Part) -> bool {
        let by_name = matches!(part, Part::Postgres | Part::PostgresTake | Part::PostgresLarge);
        (self.only.is_empty() && !by_name) || self.only.contains(&part)
    }
}
