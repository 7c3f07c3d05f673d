//! `tagrelay connections`: how each stands.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::trial;
use super::gateways;
use super::names;
use super::table::Table;
use super::{Client, To, ended, items, text, time};

/// Show how each connection stands, try all that waits at one now, or test its account.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tagrelay connections\n  tagrelay connections --retry crm\n  tagrelay connections test crm --contact 1568834"
)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Try all that waits there now, and look at it if it is paused.
    #[arg(long, value_name = "NAME")]
    retry: Option<String>,
    /// Show how each stands at each gateway that shares the database, and not only those that aren't well everywhere.
    #[arg(long, conflicts_with = "retry")]
    by_gateway: bool,
    #[command(flatten)]
    to: To,
}

#[derive(clap::Subcommand)]
enum What {
    Test(trial::Args),
}

/// Shows, tries or tests.
pub fn run(args: &Args) -> ExitCode {
    match &args.what {
        Some(What::Test(args)) => trial::run(args),
        None => ended(connections(args)),
    }
}

fn connections(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    if let Some(name) = &args.retry {
        let answer = client.post(&["connections", name, "retry"], &json!({}))?;
        if !client.is_for_scripts(&answer) {
            retried(name, &answer);
        }
        return Ok(());
    }
    let list = client.get(&["connections"], &[])?;
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    names::tell_of_refused(&client)?;
    let mut table = Table::new(&["connection", "state", "waiting", "allowance", "next look", "reason"]);
    for connection in items(&list, "items") {
        let usage = connection.get("allowance").map(allowance).unwrap_or_default();
        table.row(row(connection, text(connection, "name").to_owned(), usage));
        let parts = items(connection, "gateways");
        let is_ill = parts.iter().any(|part| text(part, "state") != "well");
        for part in parts.iter().filter(|_| parts.len() > 1 && (is_ill || args.by_gateway)) {
            let held = held(part);
            table.row(row(part, format!("  at {}", gateways::named(part)), held));
        }
    }
    table.print("no connection");
    let incomplete = text(&list, "incomplete");
    if !incomplete.is_empty() {
        say_line!("\n{incomplete}");
    }
    Ok(())
}

/// How a connection stands, in all or at one gateway.
fn row(stands: &Value, name: String, allowance: String) -> Vec<String> {
    vec![
        name,
        text(stands, "state").to_owned(),
        stands.get("waiting").map(Value::to_string).unwrap_or_default(),
        allowance,
        text(stands, "probe_at").to_owned(),
        text(stands, "reason").to_owned(),
    ]
}

/// What was woken, and what happens next.
fn retried(name: &str, answer: &Value) {
    let waiting = answer.get("waiting").and_then(Value::as_u64).unwrap_or_default();
    let contacts = if waiting == 1 { "1 contact waits".to_owned() } else { format!("{waiting} contacts wait") };
    let (was, since, reason) = (text(answer, "was"), time(answer, "since"), text(answer, "reason"));
    let stood = match was {
        "paused" => format!("paused since {since}: {reason}"),
        "open" | "half-open" => format!("its breaker is open since {since}: {reason}"),
        _ => String::new(),
    };
    if waiting == 0 {
        match stood.as_str() {
            "" => say_line!("{name}: nothing waits, so there is nothing to try"),
            stood => say_line!(
                "{name}: {stood}\nnothing waits, so nobody is called; the next change looks whether it is well again"
            ),
        }
    } else if was == "starting" {
        say_line!("{name}: {reason}; {contacts}, and all is tried right after that");
    } else if stood.is_empty() {
        say_line!("{name}: {contacts}; all are tried now, as fast as the limit allows");
    } else {
        say_line!(
            "{name}: {stood}\n{contacts}; one call looks now: if it is answered, all are tried, else it is looked at again as before"
        );
    }
    let held = time(answer, "held_until");
    if waiting > 0 && !held.is_empty() {
        say_line!("the provider asked for a pause: nobody is called before {held}");
    }
}

/// `17 of 120/min`; what 429s have made of it, as long as they do.
fn allowance(usage: &Value) -> String {
    let number = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (used, calls, rate) = (number("used"), number("calls"), text(usage, "rate"));
    let whole = rate.split(['/', ' ']).next().and_then(|whole| whole.parse().ok());
    let slowed = whole.is_some_and(|whole: u64| calls < whole);
    let told = if slowed { format!("{used} of {calls}, slowed down from {rate}") } else { format!("{used} of {rate}") };
    match held(usage).as_str() {
        "" => told,
        held => format!("{told}; {held}"),
    }
}

/// That the provider asked for a pause.
fn held(stands: &Value) -> String {
    match text(stands, "held_until") {
        "" => String::new(),
        until => format!("none before {until}"),
    }
}
