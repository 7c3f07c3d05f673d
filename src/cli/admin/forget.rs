//! `tagrelay forget`: erases a person.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::super::{NO, fail};
use super::{Client, To, ended, whom};
use crate::domain::contact::ContactRef;

/// Erase a person at a connection everywhere: words, changes, dead letters, deliveries, and the bodies of their events.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay forget crm ana@example.com\n\nIt can't be undone. The provider isn't called: erase the person there as well. At each connection a person is forgotten by itself."
)]
pub struct Args {
    /// The connection at which the person is known.
    connection: String,
    /// An id, an e-mail address, +57.., or id:.., email:.., phone:.., field:name=value.
    #[arg(value_parser = whom::meant)]
    contact: ContactRef,
    #[command(flatten)]
    to: To,
}

/// Erases, and says what.
pub fn run(args: &Args) -> ExitCode {
    ended(forget(args))
}

fn forget(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    let contact = args.contact.to_string();
    let answer = client.post(&["contacts", &args.connection, &contact, "forget"], &json!({}))?;
    let counts = answer.get("erased").and_then(Value::as_object).into_iter().flatten();
    let told: Vec<String> = counts
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    if told.is_empty() {
        let known = format!("nothing is known of {contact} at {}; nothing was erased", args.connection);
        return Err(fail(NO, &known));
    }
    if !client.is_for_scripts(&answer) {
        say_line!("erased: {}", told.join(", "));
    }
    Ok(())
}
