//! Bad input of every kind gets its answer: a problem with a stable type, nothing stored, nothing leaked, nobody harmed.

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod disks;
mod heads;
mod proofs;
mod store;

use serde_json::Value;
use support::gateway::{Gateway, PASSWORD, SECRETS, rules};
use support::http::Answer;

/// What stands in bodies that are refused, and must not stand in an answer.
const WORDS: &str = "words-of-a-person";

/// A gateway that has taken one event.
fn gateway() -> Gateway {
    let gateway = rules("  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n").start();
    gateway.event(&support::body::said("first", 7, "lead"));
    gateway
}

/// The answer is the problem of this kind, the gateway is well, and still holds the one event that it had.
#[track_caller]
fn refused(gateway: &Gateway, answer: Option<Answer>, status: u16, word: &str) -> Value {
    let answer = answer.unwrap_or_else(|| panic!("{word}: no answer"));
    let problem = problem(&answer, status, word);
    unharmed(gateway);
    problem
}

#[track_caller]
fn problem(answer: &Answer, status: u16, word: &str) -> Value {
    assert_eq!(answer.status, status, "{word}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{word}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:tagrelay:problem:{word}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    for secret in SECRETS.into_iter().chain([WORDS]) {
        assert!(!answer.text().contains(secret), "{word}: {}", answer.text());
    }
    problem
}

/// Nothing was stored, and it goes on.
#[track_caller]
fn unharmed(gateway: &Gateway) {
    assert_eq!(gateway.events().len(), 1);
    assert_eq!(gateway.call("GET", "/readyz", &[], b"").status, 200);
    assert!(!gateway.process.log().contains("panicked"));
    assert!(!gateway.process.log().contains(WORDS));
}

/// A request for the hook with the right password and these further headers.
fn with_password(headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let authorization = support::body::basic("dialogflow", PASSWORD);
    let all: Vec<(&str, &str)> =
        [("Authorization", authorization.as_str())].into_iter().chain(headers.iter().copied()).collect();
    support::http::request("POST", "/hooks/bot", &all, body)
}
