//! Where a change came from and how it was made, in short: what is told of it once its event and its calls are gone.

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::name::SourceName;
use super::time::Timestamp;

/// Letters of a text that are kept: these lie beside each last word for as long as its contact is known.
const MOST: usize = 200;

/// The event that a change came from. Keys are short, since there are many of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whence {
    /// The event's source.
    #[serde(rename = "s")]
    pub source: SourceName,
    /// The hash of the rule set that judged it.
    #[serde(rename = "r")]
    pub rule_set: String,
    /// What a person said of it, cut where it is long.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Whence {
    /// Of an event.
    pub fn of(source: SourceName, rule_set: String, note: &str) -> Self {
        Self { source, rule_set, note: short(note) }
    }
}

/// The call that settled a change, without what was sent and answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    at: Timestamp,
    #[serde(rename = "m")]
    method: String,
    #[serde(rename = "p")]
    path: String,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(rename = "ms")]
    took_ms: u64,
    #[serde(rename = "v")]
    verdict: String,
}

impl From<&Attempt> for Call {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at,
            method: attempt.method.clone(),
            path: short(&attempt.path),
            status: attempt.status,
            took_ms: attempt.took_ms,
            verdict: short(&attempt.verdict),
        }
    }
}

impl From<Call> for Attempt {
    fn from(call: Call) -> Self {
        Self {
            at: call.at,
            method: call.method,
            path: call.path,
            request: None,
            status: call.status,
            answer: String::new(),
            took_ms: call.took_ms,
            limits: Vec::new(),
            also: Vec::new(),
            uncounted: false,
            verdict: call.verdict,
        }
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(short("ñandú"), "ñandú");
        let long = short(&"ñ".repeat(MOST + 1));
        assert_eq!((long.chars().count(), long.ends_with("ñ…")), (MOST + 1, true));
    }
}
