//! `tagrelay migrate`: from SQLite to PostgreSQL. The one command that opens databases.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use super::admin::table::Table;
use super::out::say_line;
use super::{Format, NO, WRONG, fail, pretty, told};
use crate::settings::{Settings, environment};
use crate::store::carry::{Begin, CarryError, Progress, Report, Step, Wish, carry};
use crate::store::postgres::Address;

/// Carry a gateway's SQLite file over into a PostgreSQL database.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay migrate --from sqlite://tagrelay.db --to postgres://tagrelay@db.example.com/tagrelay \\\n      --password-file /run/secrets/tagrelay-db\n\nStop the gateway first. The file stays as it is and can be gone back to. A run that was interrupted goes on where it was when it is started again, and no gateway starts on the database before all is there."
)]
pub struct Args {
    /// The file, as `sqlite://FILE`.
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database, as `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "URL")]
    to: String,
    /// The file with the database's password [default: `TAGRELAY_DATABASE_PASSWORD_FILE`].
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Look at both ends and count, and write nothing.
    #[arg(long, conflicts_with = "start_over")]
    dry_run: bool,
    /// Throw away what an interrupted run has copied, and copy everything again.
    #[arg(long)]
    start_over: bool,
    /// How the answer is written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// Migrates.
pub fn run(args: &Args) -> ExitCode {
    migrate(args).map_or_else(|status| status, |()| ExitCode::SUCCESS)
}

fn migrate(args: &Args) -> Result<(), ExitCode> {
    let from = args.from.strip_prefix("sqlite://").filter(|file| !file.is_empty());
    let from = PathBuf::from(from.ok_or_else(|| fail(WRONG, "--from: expected sqlite://FILE"))?);
    if !args.to.starts_with("postgres://") && !args.to.starts_with("postgresql://") {
        return Err(fail(WRONG, "--to: expected postgres://USER@HOST/DATABASE"));
    }
    let set = Settings::password_file(&environment()).map_err(told)?;
    let to = Address::parse(&args.to, args.password_file.clone().or(set));
    let to = to.map_err(|problem| fail(WRONG, &format!("--to: {problem}")))?;
    let begin = match (args.dry_run, args.start_over) {
        (true, _) => Begin::Look,
        (false, true) => Begin::Anew,
        (false, false) => Begin::GoOn,
    };
    let ends = (from.display().to_string(), to.to_string());
    let began = Instant::now();
    let mut line = Line::new();
    let done = carry(&Wish { from, to, begin }, &mut |progress| line.show(progress));
    line.end();
    let report = done.map_err(|error| match error {
        CarryError::NoFile => fail(WRONG, &format!("{}: {error}", ends.0)),
        error => fail(NO, &error.to_string()),
    })?;
    match args.format {
        Format::Json => as_json(args, &ends, &report, began.elapsed()),
        Format::Text => as_text(args, &ends, &report, began.elapsed()),
    }
    Ok(())
}

fn as_json(args: &Args, (from, to): &(String, String), report: &Report, took: Duration) {
    say_line!(
        "{}",
        pretty(&json!({
            "from": from,
            "to": to,
            "dry_run": args.dry_run,
            "resumed": report.resumed,
            "next_event": report.next_event,
            "tables": report.tables,
            "seconds": (took.as_secs_f64() * 10.0).round() / 10.0,
        }))
    );
}

fn as_text(args: &Args, (from, to): &(String, String), report: &Report, took: Duration) {
    let mut table = Table::new(&["table", "rows", "copied"]);
    for carried in &report.tables {
        let copied = if args.dry_run { String::new() } else { carried.copied.to_string() };
        table.row(vec![carried.table.to_owned(), carried.rows.to_string(), copied]);
    }
    table.print("nothing");
    let rows: u64 = report.tables.iter().map(|carried| carried.rows).sum();
    let next = report.next_event;
    if args.dry_run {
        let how = if report.resumed { "an interrupted migration of this file would go on" } else { "it is empty" };
        return say_line!("{from}: {rows} rows, the next event is {next}\n{to}: {how}\nnothing was written");
    }
    say_line!(
        "{rows} rows are in {to} and the same as in {from}, after {:.1} s; the next event is {next}\n
What is next:
  1. Set TAGRELAY_DATABASE_URL to the new address for every gateway, and start them.
  2. Look at `tagrelay connections` and `tagrelay dead-letters`: they show what they showed before.
  3. Put {from} away. It knows nothing of what happens from now on: a gateway refuses to start on it,
     unless you go back with `tagrelay serve --go-back` before anything was accepted on the new database.",
        took.as_secs_f64()
    );
}

/// One line on a terminal that tells how far it is; nowhere else anything.
struct Line {
    is_shown: bool,
    shown: Option<Instant>,
    began: Instant,
    first: Option<Progress>,
}

impl Line {
    fn new() -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), shown: None, began: Instant::now(), first: None }
    }

    fn show(&mut self, now: Progress) {
        if !self.is_shown {
            return;
        }
        let first = self.first.filter(|first| (first.step, first.table) == (now.step, now.table));
        let first = first.unwrap_or_else(|| {
            self.began = Instant::now();
            now
        });
        self.first = Some(first);
        if self.shown.is_some_and(|shown| shown.elapsed() < SHOW_EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let rate = (now.done - first.done) as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let what = if now.step == Step::Copying { "copying" } else { "comparing" };
        let line = format!("{what} {}: {} of {} rows, {rate:.0} a second", now.table, now.done, now.total);
        eprint!("\r{line:<79}");
    }

    /// Leaves an empty line behind for what comes next.
    fn end(&self) {
        if self.shown.is_some() {
            eprint!("\r{:79}\r", "");
        }
    }
}
