//! `tagrelay forget`: erases a person.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::{Client, To, ended};

/// Erase a person at a connection everywhere: words, changes, dead letters, deliveries, and the bodies of their events.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay forget crm email:ana@example.com\n\nIt can't be undone. The provider isn't called: erase the person there as well. At each connection a person is forgotten by itself."
)]
pub struct Args {
    /// The connection at which the person is known.
    connection: String,
    /// An id, or id:17, email:.., phone:.., field:name=value.
    contact: String,
    #[command(flatten)]
    to: To,
}

/// Erases, and says what.
pub fn run(args: &Args) -> ExitCode {
    ended(forget(args))
}

fn forget(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    let answer = client.post(&["contacts", &args.connection, &args.contact, "forget"], &json!({}))?;
    if client.is_for_scripts(&answer) {
        return Ok(());
    }
    let counts = answer.get("erased").and_then(Value::as_object).into_iter().flatten();
    let told: Vec<String> = counts
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    say_line!(
        "{}",
        if told.is_empty() { "nothing was known".to_owned() } else { format!("erased: {}", told.join(", ")) }
    );
    Ok(())
}
