//! The 1980TIC provider against the sandbox, held against the vendor's page "API de contactos".

#[path = "support/room.rs"]
mod room;

use std::time::Duration;

use room::*;
use serde_json::json;
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::ContactRef;
use tagrelay::providers::{Direction, Found, Glance, Outcome};
use tagrelay::sandbox::{Access, SandboxOptions, Unknown};

const TIC: ProviderKind = ProviderKind::Tic1980;
const ID: &str = "1776025372480910";

#[tokio::test]
async fn the_six_requests_are_exactly_those_of_the_page() {
    let room = Room::new(TIC);
    let added = room.add(ID, &["Blog Updates", "Platform Updates"]).await;
    assert_eq!(added.outcome, Outcome::Done { tags: None }, "the answer's `data` is an empty list");
    assert!(is_done(&room.remove(ID, &["Blog Updates"]).await));
    assert_eq!(room.read(ID).await.outcome, Outcome::Done { tags: Some(tags(&["Platform Updates"])) });
    assert!(is_done(&room.set(ID, &[("firstName", json!("Muhammad Mahin")), ("lastName", json!("Dar"))]).await));
    assert_eq!(room.found(&field("firstName", "Muhammad Mahin")).await, Found::One(ID.to_owned()));
    assert_eq!(room.create(&phone("+573001234567")).await, "cus_1");

    assert_eq!(
        room.lines(),
        [
            r#"POST /1980tic/api/v1/contact/1776025372480910/tags {"tags":["Blog Updates","Platform Updates"]}"#,
            r#"DELETE /1980tic/api/v1/contact/1776025372480910/tags {"tags":["Blog Updates"]}"#,
            "GET /1980tic/api/v1/contact/1776025372480910 null",
            concat!(
                r#"PUT /1980tic/api/v1/contact/1776025372480910 {"custom_fields":[{"name":"firstName","value":"Muhammad Mahin"},"#,
                r#"{"name":"lastName","value":"Dar"}]}"#
            ),
            "GET /1980tic/api/v1/contact/by_custom_field?name=firstName&value=Muhammad%20Mahin null",
            r#"POST /1980tic/api/v1/contact/ {"custom_fields":[{"name":"phone","value":"+573001234567"}]}"#,
        ]
    );
    for call in room.sandbox.calls() {
        assert_eq!(call.headers["authorization"], "Bearer ***");
        assert_eq!(call.headers["content-type"], "application/json", "the page has it for GET too");
        assert_eq!(call.status, Some(200));
    }
    assert_eq!(added.attempt.path, "/contact/1776025372480910/tags");
    assert!(added.attempt.answer.contains("Contact Tags have been added successfully."));
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let room = Room::new(TIC);
    room.judges(&[
        (204, "done"),
        (302, "refused: the address redirects elsewhere: is base_url right? (302: Failed on purpose)"),
        (400, "dead: the request is wrong and isn't repeated as it is (400: Failed on purpose)"),
        (401, "refused: the channel token is refused (401: API Token is invalid.)"),
        (402, "refused: the account must be paid (402: Failed on purpose)"),
        (403, "dead: the platform refuses the change (403: Failed on purpose)"),
        (404, "lost: no such contact (404: 404 Not Found.)"),
        (405, "dead: the platform knows no such call (405: 405 Method Not Allowed.)"),
        (408, "retry, in doubt: the provider gave up waiting (408: Failed on purpose)"),
        (422, "dead: the request is wrong and isn't repeated as it is (422: Failed on purpose)"),
        (425, "retry: too early (425: Failed on purpose)"),
        (429, "retry: too many requests (429: Too many requests)"),
        (500, "retry, in doubt: the provider failed (500: Failed on purpose)"),
        (503, "retry, in doubt: the provider failed (503: Failed on purpose)"),
    ])
    .await;
}

#[tokio::test]
async fn the_catch_all_403_says_in_words_that_a_contact_is_lost() {
    let room = Room::with(TIC, SandboxOptions { unknown: Unknown::NotFound, ..SandboxOptions::default() });
    let lost = "lost: no such contact (403: Contact not found.)";
    assert_eq!(room.add("7", &["Lead"]).await.outcome.verdict(), lost);
    let room = Room::new(TIC);
    assert!(is_done(&room.add("7", &["Lead"]).await));
    room.sandbox.lose("1980tic", "7").expect("lost");
    for called in
        [room.remove("7", &["Lead"]).await, room.read("7").await, room.set("7", &[("plan", json!("pro"))]).await]
    {
        assert_eq!(called.outcome.verdict(), lost);
    }
    let many: Vec<String> = (0..11).map(|n| format!("Tag {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = room.add("8", &many).await;
    assert_eq!(
        refused.outcome.verdict(),
        "dead: the platform refuses the change (403: Maximum 10 tags can be added per request.)"
    );
    let fields: Vec<String> = (0..31).map(|n| format!("field{n}")).collect();
    let fields: Vec<_> = fields.iter().map(|name| (name.as_str(), json!("x"))).collect();
    assert!(matches!(room.set("8", &fields).await.outcome, Outcome::Dead { .. }));
    assert!(is_done(&room.set("8", fields.get(..30).expect("thirty")).await));
}

#[tokio::test]
async fn an_error_under_a_status_of_success_is_no_success() {
    for body in [r#"{"status":"error","message":"Message String hunter2-token","data":[]}"#, "<html>hi</html>", "[]"] {
        let called = change(&answering(TIC, &ok(body)), Direction::Add, "7", &["Lead"]).await;
        assert!(is_in_doubt(&called.outcome), "{body}: {:?}", called.outcome);
        assert!(!format!("{called:?}").contains("hunter2"), "{called:?}");
    }
}

#[tokio::test]
async fn a_wish_to_wait_is_heard_in_both_forms() {
    let room = Room::new(TIC);
    for (header, wait) in [(Some("2"), Some(2)), (Some("Fri, 06 Nov 2026 08:51:07 GMT"), Some(90)), (None, None)] {
        room.fault(&json!({ "kind": "throttle", "retry_after": header, "times": 1 }));
        let Outcome::Retry { after, throttled: true, in_doubt: false, .. } = room.add("7", &["Lead"]).await.outcome
        else {
            panic!("throttled")
        };
        assert_eq!(after, wait.map(Duration::from_secs), "{header:?}");
    }
}

#[tokio::test]
async fn each_token_has_a_hundred_calls_a_minute() {
    let room = Room::with(TIC, SandboxOptions { access: Access::AnyKey, ..SandboxOptions::default() });
    for _ in 0..100 {
        assert!(is_done(&room.add("7", &["Lead"]).await));
    }
    assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Retry { throttled: true, .. }));
    let base_url = room.sandbox.base_url("1980tic").expect("here");
    let other = change(&connect(&config(TIC, &base_url, "other-channel")), Direction::Add, "7", &["Hot"]).await;
    assert!(is_done(&other));
}

#[tokio::test]
async fn what_has_no_clear_answer_is_in_doubt() {
    for (fault, is_made) in [
        (json!({ "kind": "timeout", "millis": 5000 }), false),
        (json!({ "kind": "reset" }), false),
        (json!({ "kind": "ghost", "status": 500 }), true),
        (json!({ "kind": "ghost" }), true),
        (json!({ "kind": "truncate" }), true),
        (json!({ "kind": "slow", "millis": 5000 }), true),
    ] {
        let room = Room::new(TIC);
        room.add("8", &["Lead"]).await;
        room.fault(&fault);
        let called = room.add("7", &["Lead"]).await;
        assert!(is_in_doubt(&called.outcome), "{fault}: {:?}", called.outcome);
        assert_eq!(room.tags("7").is_empty(), !is_made, "{fault}");
        room.sandbox.clear_faults();
        assert!(is_done(&room.add("7", &["Lead"]).await), "{fault}");
    }
}

#[tokio::test]
async fn a_refused_token_makes_the_connection_ill_and_is_shown_nowhere() {
    let room = Room::new(TIC);
    let base_url = room.sandbox.base_url("1980tic").expect("here");
    let called = change(&connect(&config(TIC, &base_url, "hunter2-token")), Direction::Add, "7", &["Lead"]).await;
    assert_eq!(called.outcome.verdict(), "refused: the channel token is refused (401: API Token is invalid.)");
    assert!(!format!("{called:?}").contains("hunter2"));
    let echo = r#"{"status":"error","message":"hunter2-token is no token","data":[]}"#;
    let echo = format!("HTTP/1.1 403 No\r\nContent-Length: {}\r\n\r\n{echo}", echo.len());
    let called = change(&answering(TIC, &echo), Direction::Add, "7", &["Lead"]).await;
    assert!(!format!("{called:?}").contains("hunter2") && called.outcome.verdict().contains("[secret]"), "{called:?}");
}

#[tokio::test]
async fn viber_ids_go_out_in_base64_and_escaped() {
    let room = Room::new(TIC);
    let base_url = room.sandbox.base_url("1980tic").expect("here");
    let viber = connect(&ConnectionConfig { channel: Some("viber".to_owned()), ..config(TIC, &base_url, "sandbox") });
    // "???>" is where the alphabets differ: its Base64 holds `/` and `+`.
    assert!(is_done(&change(&viber, Direction::Add, "???>~", &["Lead"]).await));
    assert_eq!(room.lines(), [r#"POST /1980tic/api/v1/contact/Pz8%2FPn4%3D/tags {"tags":["Lead"]}"#]);
    assert_eq!(room.tags("Pz8/Pn4="), ["Lead"]);
}

#[tokio::test]
async fn an_id_stays_in_its_place() {
    let room = Room::new(TIC);
    room.add("7/../8?x#y", &["Lead"]).await;
    assert_eq!(room.sandbox.calls()[0].path, "/1980tic/api/v1/contact/7%2F..%2F8%3Fx%23y/tags");
    for nobody in ["", ".", ".."] {
        let called = room.add(nobody, &["Lead"]).await;
        assert!(matches!(called.outcome, Outcome::Dead { .. }) && called.attempt.status.is_none());
    }
    assert_eq!(room.sandbox.calls().len(), 1);
}

#[tokio::test]
async fn people_are_found_made_lost_and_more_than_one() {
    let room = Room::new(TIC);
    let ana = email("Ana@Example.com");
    assert_eq!(room.found(&ana).await, Found::Nobody);
    let id = room.create(&ana).await;
    assert_eq!(room.found(&ana).await, Found::One(id.clone()));
    room.create(&ana).await;
    assert_eq!(room.found(&ana).await, Found::Several);
    room.sandbox.lose("1980tic", &id).expect("lost");
    assert!(matches!(room.found(&ana).await, Found::One(other) if other != id));

    let bo = room.create(&phone("+57 300 123")).await;
    assert_eq!(room.found(&phone("0057300123")).await, Found::One(bo.clone()));
    assert!(is_done(&room.set(&bo, &[("vip", json!(true)), ("visits", json!(12_345_678_901_234_567_i64))]).await));
    assert_eq!(room.found(&field("vip", "true")).await, Found::One(bo.clone()));
    assert_eq!(room.found(&field("visits", "12345678901234567")).await, Found::One(bo));
    let lines = room.lines();
    assert!(lines.iter().any(|line| line.contains("?name=email&value=ana%40example.com ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("?name=phone&value=%2B57300123 ")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("?name=vip&value=TRUE ")), "{lines:?}");
}

#[tokio::test]
async fn a_search_is_read_page_by_page_until_a_second_person_shows() {
    let page = |rows: &str, next: &str| ok(&format!(r#"{{"data":[{rows}],"links":{{"next":{next}}},"meta":{{}}}}"#));
    let ana = |id: &str| format!(r#"{{"id":"{id}","custom_fields":{{"email":"ana@example.com"}},"tags":[]}}"#);
    let other = r#"{"id":"9","custom_fields":{"email":"mariana@example.com"},"tags":[]}"#;
    let next = r#""http://app.1980TIC.com/api/v1/contact/by_custom_field?page=2""#;
    let one = |pages| Glance { pages, first: Some("7".to_owned()) };
    let several = [ana("7"), ana("8")].join(",");
    for (rows, next, so_far, found) in [
        (ana("7"), "null", Glance::default(), Found::One("7".to_owned())),
        (format!("{other},{}", ana("7")), next, Glance::default(), Found::Further(one(1))),
        (ana("7"), "null", one(1), Found::One("7".to_owned())),
        (ana("8"), next, one(1), Found::Several),
        (several, next, Glance::default(), Found::Several),
        (other.to_owned(), "null", Glance::default(), Found::Nobody),
        (other.to_owned(), next, Glance::default(), Found::Further(Glance { pages: 1, first: None })),
    ] {
        let provider = answering(TIC, &page(&rows, next));
        let asked = provider.find(&email("ana@example.com"), &so_far, now()).await;
        assert_eq!(asked.answer, Ok(found), "{rows}");
        let path = if so_far.pages == 0 { "" } else { "&page=2" };
        assert_eq!(asked.attempt.path, format!("/contact/by_custom_field?name=email&value=ana%40example.com{path}"));
    }
    let endless = answering(TIC, &page(other, next)).find(&email("ana@example.com"), &one(19), now()).await;
    assert!(matches!(endless.answer, Err(Outcome::Dead { .. })), "{endless:?}");
    let odd = answering(TIC, &ok("{}")).find(&email("ana@example.com"), &Glance::default(), now()).await;
    assert!(odd.answer.is_err_and(|outcome| is_in_doubt(&outcome)));
    let not_asked = Room::new(TIC).find(&ContactRef::Id("7".to_owned())).await;
    assert!(matches!(not_asked.answer, Err(Outcome::Dead { .. })) && not_asked.attempt.status.is_none());
}

#[tokio::test]
async fn among_all_faults_that_pass_everything_gets_through() {
    let room = Room::new(TIC);
    room.fault(&json!({ "kind": "mixed", "share": 0.5, "seed": 1, "millis": 1 }));
    for n in 0..40 {
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
