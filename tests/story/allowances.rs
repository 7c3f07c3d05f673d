//! Limits that bite: whatever is called for, and through whichever connection of an account, no window holds more calls than it may.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::domain::duration::Rate;
use tagrelay::sandbox::{self, Access, Call, Limit, Sandbox, SandboxOptions};

use crate::support::body::said;
use crate::support::gateway::{Gateway, HEAD, Setup};
use crate::support::gestures::states;
use crate::support::{eventually, provider};

const WINDOW_MS: i64 = 400;

/// A provider that takes five calls in less than the second that connections say: on a busy machine calls of one moment may arrive
/// a good moment apart.
fn provider() -> Sandbox {
    let limit = Limit::At(Rate { calls: 5, window: Duration::from_millis(WINDOW_MS as u64) });
    let options = SandboxOptions { access: Access::AnyKey, limit, ..SandboxOptions::default() };
    sandbox::start(TcpListener::bind("127.0.0.1:0").expect("a port"), options).expect("a sandbox")
}

fn gateway(provider: &Sandbox, kind: &str, connections: &[(&str, &str)], rules: &str) -> Gateway {
    let base_url = provider.base_url(kind).expect("it has one");
    let connections: Vec<String> = connections
        .iter()
        .map(|(name, keys)| {
            format!("  {name}: {{ provider: {kind}, base_url: \"{base_url}\", allow_private: true, {keys} }}\n")
        })
        .collect();
    Setup::bare(&format!("{HEAD}connections:\n{}rules:\n{rules}", connections.concat()))
        .without_sandbox()
        .set("OTHER_KEY", "another")
        .start()
}

#[track_caller]
fn kept_to(calls: &[Call]) {
    assert!(calls.iter().all(|call| call.status != Some(429)), "{calls:#?}");
    let starts: Vec<i64> = calls.iter().map(|call| call.at.millis()).collect();
    let most =
        starts.iter().enumerate().map(|(n, from)| starts[n..].iter().filter(|at| *at - from < WINDOW_MS).count()).max();
    assert!(most.is_some_and(|most| most <= 5), "{most:?} calls in a window");
}

/// `crm` and `archive` each get a tag of everybody.
const BOTH: &str =
    "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] }, archive: { add: [Lead] } }\n";

#[test]
fn connections_of_one_account_share_one_allowance() {
    for (crm, archive) in [
        (
            "api_key: env:CRM_KEY, account: school, rate_limit: 5/s",
            "api_key: env:OTHER_KEY, account: school, rate_limit: 5/s",
        ),
        // The same key is the same account, and both limits hold.
        ("api_key: env:CRM_KEY, rate_limit: 5/s", "api_key: env:CRM_KEY, rate_limit: 500/s"),
    ] {
        let provider = provider();
        let mut gateway = gateway(&provider, "helpcrunch", &[("crm", crm), ("archive", archive)], BOTH);
        for n in 1..=6 {
            gateway.event(&said(&n.to_string(), n, "lead"));
        }
        // What was used before a restart is used after it.
        gateway.settled("1");
        gateway.terminate();
        gateway.start_again();
        for n in 1..=6 {
            assert_eq!(states(&gateway.settled(&n.to_string())), ["applied", "applied"]);
        }
        kept_to(&provider.calls());
        assert_eq!(provider.calls().len(), 12);
    }
}

#[test]
fn calls_that_a_kill_cut_off_are_counted_and_the_rest_of_the_allowance_is_used_at_once() {
    let provider = provider::provider();
    let base = provider.base_url("helpcrunch").expect("it has one");
    let keys =
        format!("api_key: env:CRM_KEY, base_url: \"{base}\", allow_private: true, rate_limit: 5/min, concurrency: 2");
    let rules = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";
    let crm = format!("connections:\n  crm: {{ provider: helpcrunch, {keys} }}\n");
    let setup = Setup::bare(&format!("{HEAD}{crm}rules:\n{rules}")).without_sandbox();
    let mut gateway = setup.alone("each gateway has as many calls under way as `concurrency` says").start();
    provider.add_faults(&json!([{ "kind": "slow", "millis": 8_000, "times": 2 }])).expect("faults");
    for n in 1..=8 {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
    eventually("two calls under way", || (provider.calls().len() == 2).then_some(()));
    gateway.kill();
    gateway.start_again();
    // Three are left of the minute, and nobody waits for it to pass.
    eventually("three more", || (provider.calls().len() == 5).then_some(()));
    let all_used = || Some(gateway.crm()["allowance"].clone()).filter(|allowance| allowance["used"] == 5);
    let allowance = eventually("all of it in use", all_used);
    assert_eq!((&allowance["calls"], &allowance["rate"]), (&json!(5), &json!("5/min")));
    // Killed again, it still knows.
    gateway.kill();
    gateway.start_again();
    assert_eq!(gateway.crm()["allowance"]["used"], 5);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(provider.calls().len(), 5, "no more than five in a minute, whoever was killed");
}

#[test]
fn other_accounts_have_allowances_of_their_own() {
    let provider = provider();
    let (crm, archive) = ("api_key: env:CRM_KEY, rate_limit: 1/h", "api_key: env:OTHER_KEY, rate_limit: 5/s");
    let gateway = gateway(&provider, "helpcrunch", &[("crm", crm), ("archive", archive)], BOTH);
    for n in 1..=3 {
        gateway.event(&said(&n.to_string(), n, "lead"));
    }
    eventually("all of the other account", || (provider.calls().len() >= 4).then_some(()));
    eventually("two that wait", || {
        let waiting = gateway.api("/contacts?connection=crm&waiting=true");
        (waiting["items"].as_array().map(Vec::len) == Some(2)).then_some(())
    });
    assert_eq!(provider.calls().len(), 4, "one an hour is one");
}

#[test]
fn tokens_and_calls_that_are_repeated_count_too() {
    let provider = provider();
    let keys = "username: env:CRM_KEY, password: env:OTHER_KEY, rate_limit: 5/s";
    let rules = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";
    let gateway = gateway(&provider, "b2chat", &[("crm", keys)], rules);
    for n in 1..=16 {
        gateway.event(&said(&n.to_string(), n, "lead"));
        if n % 4 == 0 {
            // Tokens that the account ends by itself: the next call is refused, a new one is fetched, and it is made once more.
            gateway.settled(&(n / 2).to_string());
            provider.edit_b2chat(&json!({ "end_tokens": true })).expect("an edit");
        }
    }
    for n in 1..=16 {
        assert_eq!(states(&gateway.settled(&n.to_string())), ["applied"]);
    }
    let calls = provider.calls();
    kept_to(&calls);
    let with = |status: u16, path: &str| {
        calls.iter().filter(|call| call.status == Some(status) && call.path.contains(path)).count()
    };
    assert!(with(200, "/oauth/token") > 2, "{calls:#?}");
    assert!(with(401, "/tags") > 0, "{calls:#?}");
    let deliveries = gateway.api("/deliveries?limit=500");
    let attempts = deliveries["items"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|one| one["attempts"].as_array().cloned().unwrap_or_default());
    let own = |call: &Value| usize::from(call["uncounted"] != json!(true));
    let counted: usize = attempts.map(|call| own(&call) + call["also"].as_array().map_or(0, Vec::len)).sum();
    assert!(counted >= calls.len(), "{counted} of {} calls are known after a restart", calls.len());
}
