//! The command line: thin. Each command parses, calls a flow, and shows.
//!
//! Exit status: 0 fine, 1 the answer is no (a check or a test failed, a start was not possible), 2 the call was wrong.
#![expect(clippy::print_stderr, reason = "this room is where people read")]

mod admin;
mod check;
mod completions;
mod explain;
mod fmt;
mod graph;
mod healthcheck;
mod init;
mod logging;
mod lsp;
mod migrate;
mod out;
mod reach;
mod ruleset;
mod sandbox;
mod sandboxed;
mod schema;
mod send;
mod serve;
mod test;
mod token;
mod trial;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings::{self, BadSetting, Settings};

/// A gateway between what people say to a bot and the tags a business keeps on them.
#[derive(Parser)]
#[command(name = "tagrelay", version, about, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Start here, in the folder of the project, where the example rules are:\n  tagrelay serve --sandbox      # a gateway with these rules and a pretend provider\n  tagrelay send website-bot rules/fixtures/es-pricing.json --sandbox\nElsewhere, `tagrelay init` writes rules to begin with.\n\nSettings come from the environment (TAGRELAY_LISTEN, TAGRELAY_RULES, ...); docs/operations.md lists them."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Sandbox(sandbox::Args),
    Send(send::Args),
    Check(check::Args),
    Test(test::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Graph(graph::Args),
    Fmt(fmt::Args),
    Lsp(lsp::Args),
    Init(init::Args),
    Completions(completions::Args),
    Migrate(migrate::Args),
    Healthcheck(healthcheck::Args),
    Events(admin::events::Args),
    Contacts(admin::contacts::Args),
    DeadLetters(admin::dead_letters::Args),
    Connections(admin::connections::Args),
    Audit(admin::audit::Args),
    Gateways(admin::gateways::Args),
    Diff(admin::diff::Args),
    Capture(admin::capture::Args),
    Replay(admin::replay::Args),
    Subscriptions(admin::subscriptions::Args),
    Forget(admin::forget::Args),
    Backup(admin::backup::Args),
}

/// The answer is no.
const NO: u8 = 1;
/// The call was wrong.
const WRONG: u8 = 2;

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Lsp(args) => lsp::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Events(args) => admin::events::run(&args),
        Command::Contacts(args) => admin::contacts::run(&args),
        Command::DeadLetters(args) => admin::dead_letters::run(&args),
        Command::Connections(args) => admin::connections::run(&args),
        Command::Audit(args) => admin::audit::run(&args),
        Command::Gateways(args) => admin::gateways::run(&args),
        Command::Diff(args) => admin::diff::run(&args),
        Command::Capture(args) => admin::capture::run(&args),
        Command::Replay(args) => admin::replay::run(&args),
        Command::Subscriptions(args) => admin::subscriptions::run(&args),
        Command::Forget(args) => admin::forget::run(&args),
        Command::Backup(args) => admin::backup::run(&args),
    }
}

/// The settings of this process, or every fault of them on stderr.
fn settings() -> Result<Settings, ExitCode> {
    Settings::read(&settings::environment()).map_err(told)
}

/// Tells what is wrong with settings.
fn told(faults: Vec<BadSetting>) -> ExitCode {
    for fault in faults {
        eprintln!("error: {fault}");
    }
    ExitCode::from(WRONG)
}

/// Says why not, and gives the status.
fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(status)
}

/// How an answer is written.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// JSON with line ends, for people and scripts alike.
fn pretty<T: serde::Serialize>(data: &T) -> String {
    serde_json::to_string_pretty(data).expect("answers are plain data with text keys")
}

/// Waits for SIGTERM or SIGINT.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        eprintln!("signals can't be heard; only a kill will stop this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Notifies `asked` at each SIGHUP.
async fn hangups(asked: std::sync::Arc<tokio::sync::Notify>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        asked.notify_one();
    }
}
