//! `tagrelay gateways`: who shares the database.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::Value;

use super::super::out::say_line;
use super::table::Table;
use super::{Client, To, ended, items, text, time};

/// Show the gateways that share the database: when each was last heard of, which rule set it runs, and for how many contacts it delivers.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay gateways\n\nOf a database that is a file there is one gateway, which isn't listed."
)]
pub struct Args {
    #[command(flatten)]
    to: To,
}

/// A beat is due every second; of a gateway that has missed some it is told what comes of it.
const SILENT_MS: u64 = 4_000;

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
    let mut table = Table::new(&["gateway", "at", "last beat", "since", "version", "rule set", "buckets"]);
    let (mut sets, mut silent) = (BTreeSet::new(), Vec::new());
    for gateway in items(&list, "items") {
        sets.insert(text(gateway, "rule_set"));
        let silent_ms = gateway.get("silent_ms").and_then(Value::as_u64);
        if silent_ms.is_some_and(|silent_ms| silent_ms > SILENT_MS) {
            silent.push(format!(
                "nothing is heard of gateway {}: unless it is, others take its contacts over at {}",
                gateway.get("id").unwrap_or(&Value::Null),
                time(gateway, "until")
            ));
        }
        table.row(vec![
            number(gateway, "id"),
            text(gateway, "name").to_owned(),
            silent_ms.map(|silent_ms| format!("{} s ago", silent_ms.div_ceil(1_000))).unwrap_or_default(),
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
    for line in silent {
        say_line!("\n{line}");
    }
    Ok(())
}

/// A gateway as a connection tells of it: `3 (this), 127.0.0.1:8080, process 12`.
pub fn named(part: &Value) -> String {
    format!("{}, {}", number(part, "gateway"), text(part, "at"))
}

/// A gateway's number, and whether it is the one that answers.
fn number(gateway: &Value, name: &str) -> String {
    let is_this = gateway.get("this").and_then(Value::as_bool).unwrap_or_default();
    format!("{}{}", gateway.get(name).unwrap_or(&Value::Null), if is_this { " (this)" } else { "" })
}
