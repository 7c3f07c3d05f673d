//! The webhook provider against the sandbox's catch hooks.

#[path = "support/room.rs"]
mod room;

use room::*;
use serde_json::json;
use tagrelay::domain::connection::ProviderKind;
use tagrelay::providers::{Direction, Outcome, Provider};
use tagrelay::sandbox::Sandbox;

/// Its address is its credential, so a hook is made by hand.
fn hook(sandbox: &Sandbox) -> Provider {
    let base = sandbox.base_url("webhook").expect("here");
    connect(&config(ProviderKind::Webhook, "", &format!("{base}/sales")))
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let room = Room::new(ProviderKind::Helpcrunch);
    let hook = hook(&room.sandbox);
    for (status, expected) in [
        (200, "done"),
        (204, "done"),
        (302, "refused: the address redirects elsewhere: is url right? (302)"),
        (400, "dead: the receiver refuses this body (400)"),
        (401, "refused: the receiver wants another proof (401)"),
        (403, "refused: the receiver doesn't let us in (403)"),
        (404, "dead: the receiver refuses this body (404)"),
        (408, "retry, in doubt: the receiver gave up waiting (408)"),
        (410, "dead: the hook is gone (410)"),
        (425, "retry: too early (425)"),
        (429, "retry: too many requests (429)"),
        (500, "retry, in doubt: the receiver failed (500)"),
        (504, "retry, in doubt: the receiver failed (504)"),
    ] {
        room.fault(&json!({ "kind": "status", "status": status, "times": 1, "provider": "webhook" }));
        let called = hook.forward("msg_1", &owned(&json!({ "n": 1 })), now()).await;
        assert_eq!((called.outcome.verdict().as_str(), called.attempt.verdict.as_str()), (expected, expected));
        assert_eq!(called.attempt.status, Some(status));
    }
}

#[tokio::test]
async fn the_body_goes_as_it_is_and_the_address_is_shown_nowhere() {
    let room = Room::new(ProviderKind::Helpcrunch);
    let body = json!({ "name": "Lucía", "topics": ["a", "b"], "budget": 6000 });
    let called = hook(&room.sandbox).forward("msg_1_2_3", &owned(&body), now()).await;
    assert!(is_done(&called));
    assert!(!format!("{called:?}").contains("/webhook/sales"), "{called:?}");
    let call = room.sandbox.calls().pop().expect("a call");
    assert_eq!((call.method.as_str(), call.path.as_str(), &call.body), ("POST", "/webhook/sales", &body));
    let header = |name: &str| call.headers.get(name).map(String::as_str);
    assert_eq!((header("webhook-id"), header("webhook-timestamp")), (Some("msg_1_2_3"), Some("1793954977")));
    assert_eq!((header("content-type"), header("webhook-signature")), (Some("application/json"), None));
}

#[tokio::test]
async fn what_has_no_clear_answer_is_in_doubt() {
    for fault in [
        json!({ "kind": "timeout", "millis": 5000 }),
        json!({ "kind": "reset" }),
        json!({ "kind": "ghost", "status": 500 }),
        json!({ "kind": "ghost" }),
        json!({ "kind": "slow", "millis": 5000 }),
    ] {
        let room = Room::new(ProviderKind::Helpcrunch);
        room.fault(&fault);
        let called = hook(&room.sandbox).forward("msg_1", &owned(&json!({})), now()).await;
        assert!(is_in_doubt(&called.outcome), "{fault}: {:?}", called.outcome);
    }
}

#[tokio::test]
async fn it_knows_no_contacts() {
    let room = Room::new(ProviderKind::Helpcrunch);
    let tagged = change(&hook(&room.sandbox), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(tagged.outcome, Outcome::Dead { .. }));
    assert!(room.sandbox.calls().is_empty());
}

#[tokio::test]
async fn a_receiver_that_quotes_its_path_does_not_tell_it() {
    let body = "Cannot POST /hooks/catch/1/abc?key=k3y";
    let answer = format!("HTTP/1.1 404 No\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let url = format!("http://{}/hooks/catch/1/abc?key=k3y", answer_once(&answer));
    let hook = connect(&config(ProviderKind::Webhook, "", &url));
    let called = hook.forward("msg_1", &owned(&json!({})), now()).await;
    assert_eq!(called.attempt.answer, "Cannot POST [secret]?[secret]");
    assert!(
        called.attempt.path.starts_with("127.0.0.1:") && called.attempt.path.ends_with("/***"),
        "the host is shown"
    );
    let shown = format!("{called:?}");
    assert!(!shown.contains("abc") && !shown.contains("k3y"), "{shown}");
}
