//! The stand-in as a child process: it ends with its value.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::http::{exchange, request};

/// The running server.
pub struct StandIn {
    child: Child,
    address: SocketAddr,
}

impl StandIn {
    #[track_caller]
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standin/server.py");
        let mut command = Command::new("python3");
        let spawned = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("python3 (3.10 or newer) has to be installed for this test");
        let mut line = String::new();
        let out = child.stdout.take().expect("stdout is piped");
        BufReader::new(out).read_line(&mut line).expect("UTF-8");
        let port: u16 = line.trim().parse().expect("the stand-in says its port");
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// What a connection's `base_url` is to be, below this path.
    pub fn base_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Tells it something; see the head of `server.py`.
    #[track_caller]
    pub fn tell(&self, what: &str, body: &Value) {
        self.ask("POST", what, body.to_string().as_bytes());
    }

    /// Contacts, calls and complaints.
    #[track_caller]
    pub fn state(&self) -> Value {
        self.ask("GET", "state", b"")
    }

    #[track_caller]
    fn ask(&self, method: &str, what: &str, body: &[u8]) -> Value {
        let bytes = request(method, &format!("/standin/{what}"), &[], body);
        exchange(self.address, &bytes, Duration::from_secs(10)).expect("the stand-in answers").ok()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
