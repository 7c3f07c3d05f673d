//! The HelpCrunch provider against the sandbox: a real client, a real server, a real port.

#[path = "support/room.rs"]
mod room;

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::Duration;

use room::*;
use serde_json::json;
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::name::ConnectionName;
use tagrelay::domain::secret::SecretRef;
use tagrelay::providers::helpcrunch::{Filter, HelpCrunch, Search};
use tagrelay::providers::{Direction, Outcome, Provider};
use tagrelay::sandbox::SandboxOptions;
use tagrelay::vault::Vault;

const HC: ProviderKind = ProviderKind::Helpcrunch;

/// An account at another address than the sandbox's own, or with another key.
fn at(base_url: &str, key: &str) -> Provider {
    connect(&config(HC, base_url, key))
}

#[tokio::test]
async fn tags_are_added_and_removed_exactly_as_the_pages_show() {
    let room = Room::new(HC);
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
    let room = Room::new(HC);
    room.judges(&[
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
    ])
    .await;
}

#[tokio::test]
async fn a_providers_wish_to_wait_is_heard_in_both_forms() {
    for (header, wait) in [
        (Some("2"), Some(2)),
        (Some("Fri, 06 Nov 2026 08:51:07 GMT"), Some(90)),
        (Some("999999999"), Some(86_400)),
        (None, None),
    ] {
        let room = Room::with_fault(HC, &json!({ "kind": "throttle", "retry_after": header, "times": 1 }));
        let Outcome::Retry { after, throttled: true, in_doubt: false, .. } = room.add("7", &["Lead"]).await.outcome
        else {
            panic!("throttled")
        };
        assert_eq!(after, wait.map(Duration::from_secs), "{header:?}");
    }
}

#[tokio::test]
async fn the_documented_limit_is_kept_by_the_sandbox() {
    let room = Room::with(HC, SandboxOptions::default());
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
        let room = Room::new(HC);
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
    let called = change(&at(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Retry { throttled: true, in_doubt: false, after: Some(_), .. }));
}

#[tokio::test]
async fn a_success_is_read_in_every_plausible_shape() {
    for (shape, is_listed) in
        [("whole", true), ("data", true), ("tags", true), ("texts", true), ("empty", false), ("no_content", false)]
    {
        let room = Room::with_fault(HC, &json!({ "kind": "shape", "shape": shape }));
        let listed = is_listed.then(|| tags(&["Lead"]));
        assert_eq!(room.add("7", &["Lead"]).await.outcome, Outcome::Done { tags: listed }, "{shape}");
    }
}

#[tokio::test]
async fn a_list_that_contradicts_the_change_is_not_believed() {
    let address = answer_once("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"tags\":[]}");
    let called = change(&at(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert_eq!(called.outcome, Outcome::Done { tags: None });
    assert_eq!(called.attempt.verdict, "done, 0 tags listed; they contradict it and aren't believed");
}

#[tokio::test]
async fn a_page_that_says_200_is_no_success() {
    let address = answer_once("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<html>hi</html>\n");
    let called = change(&at(&format!("http://{address}"), "k"), Direction::Add, "7", &["Lead"]).await;
    assert!(is_in_doubt(&called.outcome), "{:?}", called.outcome);
}

#[tokio::test]
async fn a_refused_key_makes_the_connection_ill_and_is_shown_nowhere() {
    let room = Room::new(HC);
    let base_url = room.sandbox.base_url("helpcrunch").expect("here");
    let called = change(&at(&base_url, "hunter2-key"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Refused { .. }));
    assert!(!format!("{called:?}").contains("hunter2"));
    let unsendable = change(&at(&base_url, "two\nlines"), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(unsendable.outcome, Outcome::Refused { .. }) && unsendable.attempt.status.is_none());

    let echo =
        "HTTP/1.1 500 No\r\nContent-Length: 55\r\n\r\n{\"errors\":[{\"message\":\"bad key hunter2-key, go away\"}]}";
    let called =
        change(&at(&format!("http://{}", answer_once(echo)), "hunter2-key"), Direction::Add, "7", &["a"]).await;
    assert!(!format!("{called:?}").contains("hunter2") && called.attempt.answer.contains("[secret]"), "{called:?}");
}

#[tokio::test]
async fn what_was_never_sent_is_not_in_doubt() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("an address");
    let room = Room::new(HC);
    for base_url in
        [format!("http://{closed}"), format!("https://{}", room.sandbox.address()), "http://nowhere.invalid".into()]
    {
        let called = change(&at(&base_url, "k"), Direction::Add, "7", &["Lead"]).await;
        let sent_nothing = matches!(called.outcome, Outcome::Retry { in_doubt: false, throttled: false, .. });
        assert!(sent_nothing && called.attempt.status.is_none(), "{base_url}: {:?}", called.outcome);
    }
}

#[tokio::test]
async fn private_addresses_are_refused_unless_the_connection_allows_them() {
    let room = Room::new(HC);
    let name = ConnectionName::parse("crm").expect("a name");
    let port = room.sandbox.address().port();
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let config = ConnectionConfig {
            base_url: format!("http://{host}:{port}/helpcrunch/v1"),
            ..ConnectionConfig::with_defaults(name.clone(), ProviderKind::Helpcrunch, vec![SecretRef::parse("sandbox")])
        };
        let called = change(&connect(&config), Direction::Add, "7", &["Lead"]).await;
        let Outcome::Refused { reason } = called.outcome else { panic!("{host}: {:?}", called.outcome) };
        assert!(reason.contains("loopback") && reason.contains("allow_private"), "{reason}");
    }
    assert!(room.sandbox.calls().is_empty());
}

#[tokio::test]
async fn an_id_stays_in_its_place() {
    let room = Room::new(HC);
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
    let room = Room::new(HC);
    let base_url = room.sandbox.base_url("helpcrunch").expect("here");
    let account =
        HelpCrunch::connect(&config(HC, &base_url, "sandbox"), &Vault::new(HashMap::new(), None)).expect("ready");
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
    let room = Room::with_fault(HC, &json!({ "kind": "mixed", "share": 0.5, "seed": 1, "millis": 1 }));
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
