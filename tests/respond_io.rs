//! The respond.io provider (API v2) against the sandbox.

#[path = "support/room.rs"]
mod room;

use std::time::Duration;

use room::*;
use serde_json::json;
use tagrelay::domain::connection::ProviderKind;
use tagrelay::providers::{Direction, Found, Outcome};
use tagrelay::sandbox::{SandboxOptions, Unknown};

const V2: ProviderKind = ProviderKind::RespondIo;

#[tokio::test]
async fn the_calls_are_exactly_those_of_the_pages() {
    let room = Room::new(V2);
    let added = room.add("7", &["abc", "Black Friday"]).await;
    assert_eq!(added.outcome, Outcome::Done { tags: None }, "the answer names the contact and no tags");
    assert!(is_done(&room.remove("7", &["abc"]).await));
    assert_eq!(room.read("7").await.outcome, Outcome::Done { tags: Some(tags(&["Black Friday"])) });
    assert!(is_done(
        &room.set("7", &[("firstName", json!("Ana")), ("plan", json!("pro")), ("visits", json!(3))]).await
    ));
    assert_eq!(room.found(&email("ana@example.com")).await, Found::Nobody);
    assert_eq!(room.create(&email("ana@example.com")).await, "1");
    assert_eq!(room.found(&phone("+60 12-123")).await, Found::Nobody);

    assert_eq!(
        room.lines(),
        [
            r#"POST /respond-io/v2/contact/id:7/tag ["abc","Black Friday"]"#,
            r#"DELETE /respond-io/v2/contact/id:7/tag ["abc"]"#,
            "GET /respond-io/v2/contact/id:7 null",
            concat!(
                r#"PUT /respond-io/v2/contact/id:7 {"custom_fields":[{"name":"plan","value":"pro"},"#,
                r#"{"name":"visits","value":3}],"firstName":"Ana"}"#
            ),
            "GET /respond-io/v2/contact/email:ana%40example.com null",
            r#"POST /respond-io/v2/contact/create_or_update/email:ana%40example.com {"email":"ana@example.com"}"#,
            "GET /respond-io/v2/contact/phone:%2B6012123 null",
        ]
    );
    for call in room.sandbox.calls() {
        assert_eq!(call.headers["authorization"], "Bearer ***");
        assert_eq!(call.headers["accept"], "application/json");
        assert_eq!(call.headers.contains_key("content-type"), call.method != "GET");
    }
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let room = Room::new(V2);
    room.judges(&[
        (204, "done"),
        (302, "refused: the address redirects elsewhere: is base_url right? (302: Failed on purpose)"),
        (400, "dead: the request is wrong and isn't repeated as it is (400: Validation error.)"),
        (401, "refused: the access token is refused (401: UN_AUTHORIZED)"),
        (402, "refused: the account must be paid (402: Failed on purpose)"),
        (403, "refused: the access token may not do this (403: Failed on purpose)"),
        (404, "lost: no such contact (404: Contact not found)"),
        (405, "dead: the request is wrong and isn't repeated as it is (405: Failed on purpose)"),
        (408, "retry, in doubt: the provider gave up waiting (408: Failed on purpose)"),
        (425, "retry: too early (425: Failed on purpose)"),
        (429, "retry: too many requests (429: Too Many Requests)"),
        (
            449,
            "retry: the contact is busy with another change (449: Your request cannot be processed at the moment as it is \
             currently in...)",
        ),
        (500, "retry, in doubt: the provider failed (500: Failed on purpose)"),
        (503, "retry, in doubt: the provider failed (503: Failed on purpose)"),
    ])
    .await;
}

#[tokio::test]
async fn a_wish_to_wait_is_heard_whoever_has_it() {
    let room = Room::new(V2);
    for status in [429, 449] {
        for (header, wait) in [("2", 2), ("Fri, 06 Nov 2026 08:51:07 GMT", 90)] {
            room.fault(&json!({ "kind": "status", "status": status, "retry_after": header, "times": 1 }));
            let Outcome::Retry { after, throttled, in_doubt: false, .. } = room.add("7", &["Lead"]).await.outcome
            else {
                panic!("retried")
            };
            assert_eq!((after, throttled), (Some(Duration::from_secs(wait)), status == 429), "{status} {header}");
        }
    }
}

#[tokio::test]
async fn each_method_has_five_calls_a_second_and_is_told_how_long_to_wait() {
    let room = Room::with(V2, SandboxOptions::default());
    let mut throttled = 0;
    for _ in 0..30 {
        if let Outcome::Retry { after, throttled: true, .. } = room.add("7", &["Lead"]).await.outcome {
            assert_eq!(after, Some(Duration::from_secs(1)));
            throttled += 1;
        }
    }
    assert!(throttled > 0);
    assert!(is_done(&room.read("7").await), "another method has its own limit");
}

#[tokio::test]
async fn eleven_tags_are_refused() {
    let room = Room::new(V2);
    let many: Vec<String> = (0..11).map(|n| format!("Tag {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for names in [many.as_slice(), &[]] {
        let refused = room.add("7", names).await;
        assert!(matches!(refused.outcome, Outcome::Dead { .. }), "{refused:?}");
    }
    assert!(is_done(&room.add("7", many.get(..10).expect("ten")).await));
}

#[tokio::test]
async fn what_has_no_clear_answer_is_in_doubt() {
    for (fault, is_made) in [
        (json!({ "kind": "timeout", "millis": 5000 }), false),
        (json!({ "kind": "reset" }), false),
        (json!({ "kind": "ghost", "status": 500 }), true),
        (json!({ "kind": "ghost" }), true),
        (json!({ "kind": "truncate", "contact": "7" }), true),
        (json!({ "kind": "slow", "millis": 5000 }), true),
    ] {
        let room = Room::new(V2);
        room.add("8", &["Lead"]).await;
        room.fault(&fault);
        let called = room.add("7", &["Lead"]).await;
        assert!(is_in_doubt(&called.outcome), "{fault}: {:?}", called.outcome);
        assert_eq!(room.tags("7").is_empty(), !is_made, "{fault}");
    }
    for body in [r#"{"code":400,"message":"Validation error."}"#, "<html>hi</html>", "[]"] {
        let called = change(&answering(V2, &ok(body)), Direction::Add, "7", &["Lead"]).await;
        assert!(is_in_doubt(&called.outcome), "{body}: {:?}", called.outcome);
    }
}

#[tokio::test]
async fn a_refused_token_makes_the_connection_ill_and_is_shown_nowhere() {
    let room = Room::new(V2);
    let base_url = room.sandbox.base_url("respond-io").expect("here");
    let called = change(&connect(&config(V2, &base_url, "hunter2-token")), Direction::Add, "7", &["Lead"]).await;
    assert!(matches!(called.outcome, Outcome::Refused { .. }));
    assert!(!format!("{called:?}").contains("hunter2"));
    let echo = r#"{"code":500,"message":"hunter2-token is no token"}"#;
    let echo = format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{echo}", echo.len());
    let called = change(&answering(V2, &echo), Direction::Add, "7", &["Lead"]).await;
    assert!(!format!("{called:?}").contains("hunter2") && called.outcome.verdict().contains("[secret]"), "{called:?}");
}

#[tokio::test]
async fn people_are_found_made_and_lost() {
    let room = Room::new(V2);
    let (ana, bo) = (email("ana@example.com"), phone("+60121233112"));
    assert_eq!((room.found(&ana).await, room.found(&bo).await), (Found::Nobody, Found::Nobody));
    let id = room.create(&ana).await;
    assert_eq!(room.create(&ana).await, id, "making one who is there makes nobody new");
    assert_eq!(room.found(&ana).await, Found::One(id.clone()));
    assert!(is_done(&room.set(&id, &[("phone", json!("+60121233112"))]).await));
    assert_eq!(room.found(&bo).await, Found::One(id.clone()));
    assert_eq!(room.find(&ana).await.attempt.verdict, "done");
    room.sandbox.lose("respond-io", &id).expect("lost");
    let gone = room.add(&id, &["Lead"]).await;
    assert_eq!(gone.outcome.verdict(), "lost: no such contact (404: Contact not found)");
    assert_eq!(room.find(&ana).await.attempt.verdict, "nobody");

    room.fault(&json!({ "kind": "status", "status": 503, "times": 1 }));
    assert!(room.find(&ana).await.answer.is_err_and(|outcome| is_in_doubt(&outcome)));
    assert!(room.find(&room::field("plan", "pro")).await.answer.is_err(), "fields can't be looked up");
    // An answer without an id is looked for again before anybody else is made.
    let nameless = answering(V2, &ok(r#"{"contactId":0}"#)).create(&ana, now()).await;
    assert!(nameless.answer.is_err_and(|outcome| is_in_doubt(&outcome)));
}

#[tokio::test]
async fn a_strict_sandbox_knows_only_whom_it_made() {
    let room = Room::with(V2, SandboxOptions { unknown: Unknown::NotFound, ..SandboxOptions::default() });
    assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Lost { .. }));
    let id = room.create(&email("ana@example.com")).await;
    assert!(is_done(&room.add(&id, &["Lead"]).await));
    assert!(matches!(room.add("ana", &["Lead"]).await.outcome, Outcome::Dead { .. }), "ids are numbers");
}

#[tokio::test]
async fn among_all_faults_that_pass_everything_gets_through() {
    let room = Room::new(V2);
    room.fault(&json!({ "kind": "mixed", "share": 0.5, "seed": 1, "millis": 1 }));
    for n in 1..40 {
        let id = n.to_string();
        let mut calls = 0;
        while !is_done(&room.add(&id, &["Lead"]).await) {
            calls += 1;
            assert!(calls < 30, "contact {id} never gets through");
        }
        assert_eq!(room.tags(&id), ["Lead"]);
    }
    assert!(room.sandbox.calls().iter().filter(|call| call.fault.is_some()).count() > 10);
}
