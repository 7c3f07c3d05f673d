//! Addresses that take bodies, one for each connection: they answer as Zapier's catch hooks do and keep nothing but the log of calls.

use serde_json::json;

use super::SandboxOptions;
use super::gate::Gate;
use super::request::{Reply, Request};
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// Its name in rule files.
pub const NAME: &str = "webhook";
/// A connection's address is one segment below this.
pub const BASE: &str = "/webhook";
/// Zapier takes 30 requests a second for each hook.
const DOCUMENTED: Rate = Rate { calls: 30, window: std::time::Duration::from_secs(1) };

/// The addresses.
#[derive(Debug)]
pub struct Hooks {
    gate: Gate,
    taken: u64,
}

impl Hooks {
    /// Nothing was sent yet.
    pub fn new(options: &SandboxOptions) -> Self {
        Self { gate: Gate::new(options, DOCUMENTED), taken: 0 }
    }

    /// Answers one call: who knows the address may send.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let [hook] = request.segments.as_slice() else { return failure(404) };
        if hook.is_empty() {
            return failure(404);
        }
        if !matches!(request.method.as_str(), "POST" | "PUT" | "GET") {
            return failure(405);
        }
        if self.gate.count(hook, now).is_err() {
            return failure(429);
        }
        self.taken += 1;
        let name = format!("{hook}-{}", self.taken);
        Reply::json(200, json!({ "status": "success", "id": name, "request_id": name, "attempt": name }))
    }
}

/// The answer of a hook that is told to fail with `status`.
pub fn failure(status: u16) -> Reply {
    let message = match status {
        200..=299 => return Reply::empty(status),
        404 => "no such hook",
        405 => "method not allowed",
        410 => "this hook is gone",
        429 => "too many requests",
        _ => "failed on purpose",
    };
    Reply::json(status, json!({ "status": "error", "message": message }))
}
