//! `tagrelay gateways`: who shares the database.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::Value;

use super::super::out::say_line;
use super::table::Table;
use super::{Client, To, ended, items, text, time};

/// Show the gateways that share the database: which rule set each runs, and for how many contacts it delivers.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay gateways\n\nOf a database that is a file there is one gateway, which isn't listed."
)]
pub struct Args {
    #[command(flatten)]
    to: To,
}

/// Shows them.
pub fn run(args: &Args) -> ExitCode {
    ended(gateways(args))
}

fn gateways(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    let list = client.get(&["gateways"], &[])?;
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    let mut table = Table::new(&["gateway", "name", "since", "version", "rule set", "buckets"]);
    let mut sets = BTreeSet::new();
    for gateway in items(&list, "items") {
        let this = gateway.get("this").and_then(Value::as_bool).unwrap_or_default();
        sets.insert(text(gateway, "rule_set"));
        table.row(vec![
            format!(
                "{}{}",
                gateway.get("id").map(Value::to_string).unwrap_or_default(),
                if this { " (this)" } else { "" }
            ),
            text(gateway, "name").to_owned(),
            time(gateway, "since"),
            text(gateway, "version").to_owned(),
            text(gateway, "rule_set").to_owned(),
            gateway.get("buckets").map(|buckets| format!("{buckets} of 256")).unwrap_or_default(),
        ]);
    }
    table.print("the database is a file, of one gateway alone");
    if sets.len() > 1 {
        say_line!("\n{} rule sets run at once: what an event comes to hangs on who takes it", sets.len());
    }
    Ok(())
}
