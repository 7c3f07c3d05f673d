//! The sandbox as a process of its own, with the connections that the documentation shows for it.

use std::path::Path;

use serde_json::Value;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{HEAD, Setup};
use crate::support::gestures::states;
use crate::support::http::{exchange, request};
use crate::support::process::{Process, tagrelay};

const RULES: &str = r"
rules:
  - id: everywhere
    match: { intent: everywhere }
    tag: { chats: { add: [Lead] }, white-label: { add: [Lead] }, talks: { add: [Lead] }, orders: { add: [Lead] } }
    forward: { ledger: { name: Ana } }
";

/// The connections that the page shows, and where they lead.
fn documented() -> (String, &'static str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/connections.md");
    let text = std::fs::read_to_string(page).expect("the page");
    let part = text.split_once("<a id=\"sandbox-apart\"></a>").expect("the part on the sandbox alone").1;
    let block = part.split_once("```yaml\n").expect("its rules").1.split_once("```").expect("an end").0;
    (block.to_owned(), "127.0.0.1:8090")
}

#[test]
fn the_documented_connections_lead_to_a_sandbox_that_runs_alone() {
    let sandbox = Process::start(tagrelay().args(["sandbox", "--listen", "127.0.0.1:0"]));
    let address = eventually("the sandbox's address", || {
        let log = sandbox.log();
        Some(log.split_once("http://")?.1.split_once(',')?.0.to_owned())
    });
    let (connections, shown) = documented();
    assert_eq!(connections.matches(shown).count(), 5, "every provider has one");
    let text = format!("{HEAD}{}{RULES}", connections.replace(shown, &address));
    let mut setup = Setup::bare(&text).without_sandbox();
    for name in ["CHATS_KEY", "LABEL_TOKEN", "TALKS_TOKEN", "ORDERS_USER", "ORDERS_PASSWORD"] {
        setup = setup.set(name, "sandbox");
    }
    let gateway = setup.start();
    gateway.event(&said("all", 7, "everywhere"));
    let event = gateway.settled("all");
    assert_eq!(states(&event), ["applied"; 5], "{event:#}");
    let ask = request("GET", "/_sandbox/calls", &[], b"");
    let calls = exchange(address.parse().expect("an address"), &ask, std::time::Duration::from_secs(5));
    let calls: Value = calls.expect("an answer").json();
    let of = |provider: &str| {
        calls["calls"].as_array().is_some_and(|all| all.iter().any(|call| call["provider"] == provider))
    };
    for provider in ["helpcrunch", "1980tic", "respond-io", "b2chat", "webhook"] {
        assert!(of(provider), "{provider} was called: {calls:#}");
    }
}
