//! What people and scripts ask of a running gateway: thin clients of its API, one file a command.

pub mod audit;
pub mod backup;
pub mod capture;
pub mod client;
pub mod connections;
pub mod contacts;
pub mod dead_letters;
pub mod diff;
pub mod events;
pub mod forget;
pub mod gateways;
pub mod names;
pub mod replay;
pub mod subscriptions;
pub mod table;
pub mod whom;

use std::process::ExitCode;

use serde_json::Value;

pub use client::{Client, To};

/// Runs what a command does, and gives its status.
fn ended(done: Result<(), ExitCode>) -> ExitCode {
    done.err().unwrap_or(ExitCode::SUCCESS)
}

/// A text of an answer; what isn't one is empty.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list in an answer.
pub fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a list in an answer, joined.
fn joined(value: &Value, name: &str) -> String {
    items(value, name).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// `add "Lead"`, `set "plan"`, `forward`
fn wanted(change: &Value) -> String {
    let subject = change.get("tag").and_then(Value::as_str).or_else(|| change.get("field").and_then(Value::as_str));
    let word = text(change, "wanted");
    subject.map_or_else(|| word.to_owned(), |subject| format!("{word} {subject:?}"))
}

/// A time to the second.
fn time(value: &Value, name: &str) -> String {
    let time = text(value, name);
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

/// What a call came to: `PUT /customers/7/tags: 404 lost: no such contact`
fn call(attempt: &Value) -> String {
    let status = attempt.get("status").map_or_else(|| "no answer".to_owned(), ToString::to_string);
    format!("{} {}: {status} {}", text(attempt, "method"), text(attempt, "path"), text(attempt, "verdict"))
}
