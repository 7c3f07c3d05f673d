//! The HelpCrunch provider against the sandbox: a real client, a real server, a real port.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::name::ConnectionName;
use tagrelay::domain::secret::SecretRef;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::helpcrunch::{Filter, HelpCrunch, Search};
use tagrelay::providers::{Called, Direction, Outcome, Provider};
use tagrelay::sandbox::{self, Limit, Sandbox, SandboxOptions};
use tagrelay::vault::Vault;

/// Longer than any answer on loopback, shorter than patience.
const TIMEOUT: Duration = Duration::from_millis(400);

struct Room {
    sandbox: Sandbox,
    provider: Provider,
}

impl Room {
    fn new() -> Self {
        Self::with(SandboxOptions { limit: Limit::Off, ..SandboxOptions::default() })
    }

    fn with(options: SandboxOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let sandbox = sandbox::start(listener, options).expect("a sandbox");
        let provider = connect(&sandbox.base_url("helpcrunch").expect("here"), "sandbox");
        Self { sandbox, provider }
    }

    fn with_fault(fault: &Value) -> Self {
        let room = Self::new();
        room.sandbox.add_faults(&json!({ "faults": [fault] })).expect("a fault");
        room
    }

    async fn add(&self, id: &str, names: &[&str]) -> Called {
        change(&self.provider, Direction::Add, id, names).await
    }

    async fn remove(&self, id: &str, names: &[&str]) -> Called {
        change(&self.provider, Direction::Remove, id, names).await
    }

    fn tags(&self, id: &str) -> Vec<String> {
        self.sandbox.tags("helpcrunch", id).unwrap_or_default()
    }
}

fn connect(base_url: &str, key: &str) -> Provider {
    Provider::connect(&config(base_url, key), &Vault::new(HashMap::new(), None))
        .expect("credentials")
        .expect("a provider")
}

fn config(base_url: &str, key: &str) -> ConnectionConfig {
    let name = ConnectionName::parse("crm").expect("a name");
    ConnectionConfig {
        base_url: base_url.to_owned(),
        timeout: TIMEOUT,
        allow_private: true,
        ..ConnectionConfig::with_defaults(name, ProviderKind::Helpcrunch, vec![SecretRef::parse(key)])
    }
}

async fn change(provider: &Provider, direction: Direction, id: &str, names: &[&str]) -> Called {
    provider.change_tags(&ContactRef::Id(id.into()), direction, &tags(names), now()).await
}

fn tags(names: &[&str]) -> Vec<TagName> {
    names.iter().map(|name| TagName::parse(name).expect("a tag")).collect()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-06T08:49:37Z").expect("a time")
}

/// A server that reads one request and answers these bytes.
fn answer_once(bytes: &str) -> SocketAddr {
    let bytes = bytes.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
        stream.write_all(bytes.as_bytes()).expect("answered");
    });
    address
}

fn is_in_doubt(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { in_doubt: true, throttled: false, .. })
}

#[tokio::test]
async fn tags_are_added_and_removed_exactly_as_the_pages_show() {
    let room = Room::new();
    let added = room.add("1568834", &["Lead", "Black Friday"]).await;
    assert_eq!(added.outcome, Outcome::Done { tags: Some(tags(&["Lead", "Black Friday"])) });
    let removed = room.remove("1568834", &["Lead"]).await;
    assert_eq!(removed.outcome, Outcome::Done { tags: Some(tags(&["Black Friday"])) });
    let read = room.provider.read_tags(&ContactRef::Id("1568834".into()), now()).await;
    assert_eq!(read.outcome, Outcome::Done { tags: Some(tags(&["Black Friday"])) });

    let calls = room.sandbox.calls();
    let lines: Vec<String> = calls.iter().map(|call| format!("{} {} {}", call.method, call.path, call.body)).collect();
    assert_eq!(
        lines,
        [
            r#"PUT /helpcrunch/v1/customers/1568834/tags {"tags":[{"name":"Lead"},{"name":"Black Friday"}]}"#,
            r#"DELETE /helpcrunch/v1/customers/1568834/tags {"tags":[{"name":"Lead"}]}"#,
            "GET /helpcrunch/v1/customers/1568834 null",
        ]
    );
    for call in &calls {
        assert_eq!(call.headers["authorization"], "Bearer ***");
        assert_eq!(call.headers["accept"], "application/json");
        assert_eq!(call.headers["user-agent"], concat!("tagrelay/", env!("CARGO_PKG_VERSION")));
        assert_eq!(call.headers.contains_key("content-type"), call.method != "GET");
    }
    let attempt = added.attempt;
    assert_eq!((attempt.method.as_str(), attempt.path.as_str()), ("PUT", "/customers/1568834/tags"));
    assert_eq!((attempt.status, attempt.verdict.as_str(), attempt.at), (Some(200), "done, 2 tags listed", now()));
    assert_eq!(attempt.request, Some(json!({ "tags": [{ "name": "Lead" }, { "name": "Black Friday" }] })));
    assert!(attempt.answer.contains("Black Friday"));
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let room = Room::new();
    for (status, expected) in [
        (204, "done"),
        (302, "refused: the address redirects elsewhere: is base_url right? (302: failure: Failed on purpose)"),
        (400, "dead: the request is wrong and isn't repeated as it is (400)"),
        (401, "refused: the API key is refused (401: unauthorized: Unauthorized)"),
        (402, "refused: the account must be paid (402: failure: Failed on purpose)"),
        (403, "refused: the API key may not do this (403: failure: Failed on purpose)"),
        (404, "lost: no such contact (404: not_found: Chat not found)"),
        (405, "dead: the request is wrong and isn't repeated as it is (405: method_not_allowed: Method not allowed)"),
        (408, "retry, in doubt: the provider gave up waiting (408: failure: Failed on purpose)"),
        (413, "dead: the request is wrong and isn't repeated as it is (413: failure: Failed on purpose)"),
        (422, "dead: the request is wrong and isn't repeated as it is (422: failure: Failed on purpose)"),
        (425, "retry: too early (425: failure: Failed on purpose)"),
        (429, "retry: too many requests (429: too_many_requests: Too many requests)"),
        (500, "retry, in doubt: the provider failed (500: failure: Failed on purpose)"),
        (503, "retry, in doubt: the provider failed (503: failure: Failed on purpose)"),
    ] {
        let fault = json!({ "faults": [{ "kind": "status", "status": status, "times": 1 }] });
        room.sandbox.add_faults(&fault).expect("a fault");
        let called = room.add("7", &["Lead"]).await;
        assert_eq!(called.outcome.verdict(), expected);
        assert_eq!((called.attempt.status, called.attempt.verdict.as_str()), (Some(status), expected));
        assert_eq!(matches!(called.outcome, Outcome::Retry { throttled: true, .. }), status == 429);
    }
    assert!(room.tags("7").is_empty(), "nothing was done");
}

#[tokio::test]
async fn a_providers_wish_to_wait_is_heard_in_both_forms() {
    for (header, wait) in [
        (Some("2"), Some(2)),
        (Some("Fri, 06 Nov 2026 08:51:07 GMT"), Some(90)),
        (Some("999999999"), Some(86_400)),
        (None, None),
    ] {
        let room = Room::with_fault(&json!({ "kind": "throttle", "retry_after": header, "times": 1 }));
        let Outcome::Retry { after, throttled: true, in_doubt: false, .. } = room.add("7", &["Lead"]).await.outcome
        else {
            panic!("throttled")
        };
        assert_eq!(after, wait.map(Duration::from_secs), "{header:?}");
    }
}

#[tokio::test]
async fn the_documented_limit_is_kept_by_the_sandbox() {
    let room = Room::with(SandboxOptions::default());
    for _ in 0..120 {
        assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Done { .. }));
    }
    assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Retry { throttled: true, .. }));
}

#[tokio::test]
async fn what_has_no_clear_answer_is_in_doubt() {
    for (fault, is_done) in [
        (json!({ "kind": "timeout", "millis": 5000 }), false),
        (json!({ "kind": "reset" }), false),
        (json!({ "kind": "ghost", "status": 500 }), true),
        (json!({ "kind": "ghost" }), true),
        (json!({ "kind": "truncate" }), true),
        (json!({ "kind": "slow", "millis": 5000 }), true),
    ] {
        let room = Room::new();
        // The connection is then an old one, where HTTP clients are tempted to try again.
        room.add("8", &["Lead"]).await;
        room.sandbox.add_faults(&json!([fault])).expect("a fault");
        let called = room.add("7", &["Lead"]).await;
        assert!(is_in_doubt(&called.outcome), "{fault}: {:?}", called.outcome);
        assert_eq!(room.tags("7").is_empty(), !is_done, "{fault}");
        assert_eq!(room.sandbox.calls().len(), 2, "{fault}: the client doesn't retry behind our back");
        room.sandbox.clear_faults();
        assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Done { .. }), "{fault}");
    }
}

#[tokio::test]
async fn a_truncated_failure_is_known_by_its_status() {
    let address = answer_once("HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 100\r\n\r\n{");
    let called = change(&connect(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Retry { throttled: true, in_doubt: false, after: Some(_), .. }));
}

#[tokio::test]
async fn a_success_is_read_in_every_plausible_shape() {
    for (shape, is_listed) in
        [("whole", true), ("data", true), ("tags", true), ("texts", true), ("empty", false), ("no_content", false)]
    {
        let room = Room::with_fault(&json!({ "kind": "shape", "shape": shape }));
        let listed = is_listed.then(|| tags(&["Lead"]));
        assert_eq!(room.add("7", &["Lead"]).await.outcome, Outcome::Done { tags: listed }, "{shape}");
    }
}

#[tokio::test]
async fn a_list_that_contradicts_the_change_is_not_believed() {
    let address = answer_once("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"tags\":[]}");
    let called = change(&connect(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert_eq!(called.outcome, Outcome::Done { tags: None });
    assert_eq!(called.attempt.verdict, "done, 0 tags listed; they contradict it and aren't believed");
}

#[tokio::test]
async fn a_page_that_says_200_is_no_success() {
    let address = answer_once("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<html>hi</html>\n");
    let called = change(&connect(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert!(is_in_doubt(&called.outcome), "{:?}", called.outcome);
}

#[tokio::test]
async fn a_refused_key_makes_the_connection_ill_and_is_shown_nowhere() {
    let room = Room::new();
    let base_url = room.sandbox.base_url("helpcrunch").expect("here");
    let called = change(&connect(&base_url, "hunter2-key"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Refused { .. }));
    assert!(!format!("{called:?}").contains("hunter2"));
    let unsendable = change(&connect(&base_url, "two\nlines"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(unsendable.outcome, Outcome::Refused { .. }) && unsendable.attempt.status.is_none());

    let echo =
        "HTTP/1.1 500 No\r\nContent-Length: 55\r\n\r\n{\"errors\":[{\"message\":\"bad key hunter2-key, go away\"}]}";
    let called =
        change(&connect(&format!("http://{}", answer_once(echo)), "hunter2-key"), Direction::Add, "7", &["a"]).await;
    assert!(!format!("{called:?}").contains("hunter2") && called.attempt.answer.contains("[secret]"), "{called:?}");
}

#[tokio::test]
async fn what_was_never_sent_is_not_in_doubt() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("an address");
    let room = Room::new();
    for base_url in
        [format!("http://{closed}"), format!("https://{}", room.sandbox.address()), "http://nowhere.invalid".into()]
    {
        let called = change(&connect(&base_url, "k"), Direction::Add, "7", &["Lead"]).await;
        let sent_nothing = matches!(called.outcome, Outcome::Retry { in_doubt: false, throttled: false, .. });
        assert!(sent_nothing && called.attempt.status.is_none(), "{base_url}: {:?}", called.outcome);
    }
}

#[tokio::test]
async fn private_addresses_are_refused_unless_the_connection_allows_them() {
    let room = Room::new();
    let name = ConnectionName::parse("crm").expect("a name");
    let port = room.sandbox.address().port();
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let config = ConnectionConfig {
            base_url: format!("http://{host}:{port}/helpcrunch/v1"),
            ..ConnectionConfig::with_defaults(name.clone(), ProviderKind::Helpcrunch, vec![SecretRef::parse("sandbox")])
        };
        let provider =
            Provider::connect(&config, &Vault::new(HashMap::new(), None)).expect("credentials").expect("a provider");
        let called = change(&provider, Direction::Add, "7", &["Lead"]).await;
        let Outcome::Refused { reason } = called.outcome else { panic!("{host}: {:?}", called.outcome) };
        assert!(reason.contains("loopback") && reason.contains("allow_private"), "{reason}");
    }
    assert!(room.sandbox.calls().is_empty());
}

#[tokio::test]
async fn an_id_stays_in_its_place() {
    let room = Room::new();
    let called = room.add("7/../8?x#y", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Dead { .. }));
    assert_eq!(room.sandbox.calls()[0].path, "/helpcrunch/v1/customers/7%2F..%2F8%3Fx%23y/tags");
    for nobody in ["", ".", ".."] {
        let called = room.add(nobody, &["Lead"]).await;
        assert!(matches!(called.outcome, Outcome::Dead { .. }) && called.attempt.status.is_none());
    }
    assert_eq!(room.sandbox.calls().len(), 1);
}

#[tokio::test]
async fn customers_are_created_found_and_updated() {
    let room = Room::new();
    let base_url = room.sandbox.base_url("helpcrunch").expect("here");
    let account = HelpCrunch::connect(&config(&base_url, "sandbox"), &Vault::new(HashMap::new(), None)).expect("ready");
    let fields = json!({ "name": "Ana", "email": "ana@example.com", "customData": { "plan": "pro" } });
    let ana = account.create(&fields, now()).await.answer.expect("created");
    let found = |value: &str| Search { filters: vec![Filter { field: "email".into(), value: value.into() }], limit: 2 };
    assert_eq!(account.search(&found("ana@example.com"), now()).await.answer, Ok(vec![ana.clone()]));
    assert_eq!(account.search(&found("bo@example.com"), now()).await.answer, Ok(vec![]));
    let updated = account.update(&ContactRef::Id(ana.id), &json!({ "phone": "+57300" }), now()).await;
    assert_eq!(updated.outcome, Outcome::Done { tags: Some(vec![]) });
    let refused = account.search(&Search { filters: vec![], limit: 0 }, now()).await;
    assert_eq!(refused.attempt.verdict, "done");
    let wrong = account.create(&json!({ "email": 7 }), now()).await;
    assert!(matches!(wrong.answer, Err(Outcome::Dead { .. })) && wrong.attempt.verdict.contains("email"));

    let calls = room.sandbox.calls();
    let lines: Vec<String> = calls.iter().map(|call| format!("{} {} {}", call.method, call.path, call.body)).collect();
    assert_eq!(
        lines.get(..2).expect("calls"),
        [
            r#"POST /helpcrunch/v1/customers {"customData":{"plan":"pro"},"email":"ana@example.com","name":"Ana"}"#,
            concat!(
                r#"POST /helpcrunch/v1/customers/search {"comparison":"AND","filter":[{"field":"customers.email","#,
                r#""operator":"=","value":"ana@example.com"}],"limit":2,"offset":0}"#
            ),
        ]
    );
    assert_eq!(lines.get(3).map(String::as_str), Some(r#"PATCH /helpcrunch/v1/customers/1 {"phone":"+57300"}"#));
}

#[tokio::test]
async fn among_all_faults_that_pass_everything_gets_through() {
    let room = Room::with_fault(&json!({ "kind": "mixed", "share": 0.5, "seed": 1, "millis": 1 }));
    for n in 0..40 {
        let id = n.to_string();
        let mut calls = 0;
        while !matches!(room.add(&id, &["Lead"]).await.outcome, Outcome::Done { .. }) {
            calls += 1;
            assert!(calls < 30, "contact {id} never gets through");
        }
        assert_eq!(room.tags(&id), ["Lead"]);
    }
    assert!(room.sandbox.calls().iter().filter(|call| call.fault.is_some()).count() > 10);
}
