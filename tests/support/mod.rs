//! What the process-level tests share: the real binary on real ports with a real database, and one method for each thing
//! that a user does.
#![allow(dead_code, reason = "each test crate uses its own part of this")]
#![allow(clippy::print_stderr, reason = "a test that fails shows the log of the process that it watched")]

pub mod body;
pub mod certificates;
pub mod command;
pub mod disk;
pub mod gateway;
pub mod gestures;
pub mod http;
pub mod pooler;
pub mod postgres;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod rules;

use std::time::{Duration, Instant};

/// How long something that happens soon may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer.
#[track_caller]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
