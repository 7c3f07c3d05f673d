//! The B2Chat provider against the sandbox: a real client, a real server, a real port.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tagrelay::domain::connection::{ConnectionConfig, MissingTags, ProviderKind};
use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::json::{Json, OwnedJson};
use tagrelay::domain::name::ConnectionName;
use tagrelay::domain::secret::SecretRef;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::{Called, Direction, Found, Glance, Outcome, Provider};
use tagrelay::sandbox::{self, Limit, Sandbox, SandboxOptions, Unknown};
use tagrelay::vault::Vault;

/// Longer than any answer on loopback, shorter than patience.
const TIMEOUT: Duration = Duration::from_millis(400);
const PAIR: &[&str] = &["hunter2-user", "sandbox"];

struct Room {
    sandbox: Sandbox,
    provider: Provider,
}

impl Room {
    fn new() -> Self {
        Self::with(PAIR, MissingTags::Create, Unknown::Created)
    }

    fn with(credentials: &[&str], missing_tags: MissingTags, unknown: Unknown) -> Self {
        let options = SandboxOptions { limit: Limit::Off, unknown, ..SandboxOptions::default() };
        let sandbox = sandbox::start(TcpListener::bind("127.0.0.1:0").expect("a port"), options).expect("a sandbox");
        let provider = connect(&sandbox.base_url("b2chat").expect("here"), credentials, missing_tags);
        Self { sandbox, provider }
    }

    fn fault(&self, fault: &Value) {
        self.sandbox.add_faults(&json!({ "faults": [fault] })).expect("a fault");
    }

    async fn add(&self, id: &str, names: &[&str]) -> Called {
        self.add_at(id, names, now()).await
    }

    async fn add_at(&self, id: &str, names: &[&str], at: Timestamp) -> Called {
        self.provider.change_tags(&ContactRef::Id(id.into()), Direction::Add, &tags(names), at).await
    }

    async fn remove(&self, id: &str, names: &[&str]) -> Called {
        self.provider.change_tags(&ContactRef::Id(id.into()), Direction::Remove, &tags(names), now()).await
    }

    fn tags(&self, id: &str) -> Vec<String> {
        self.sandbox.tags("b2chat", id).unwrap_or_default()
    }

    /// `POST /oauth/token -> 200`, each call in its order.
    fn lines(&self) -> Vec<String> {
        let calls = self.sandbox.calls();
        let line = |call: &sandbox::Call| {
            let status = call.status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            format!("{} {} -> {status}", call.method, call.path.trim_start_matches("/b2chat"))
        };
        calls.iter().map(line).collect()
    }
}

fn connect(base_url: &str, credentials: &[&str], missing_tags: MissingTags) -> Provider {
    let name = ConnectionName::parse("shop").expect("a name");
    let credentials = credentials.iter().map(|text| SecretRef::parse(text)).collect();
    let config = ConnectionConfig {
        base_url: base_url.to_owned(),
        timeout: TIMEOUT,
        allow_private: true,
        missing_tags,
        ..ConnectionConfig::with_defaults(name, ProviderKind::B2chat, credentials)
    };
    Provider::connect(&config, &Vault::new(HashMap::new(), None)).expect("credentials")
}

fn tags(names: &[&str]) -> Vec<TagName> {
    names.iter().map(|name| TagName::parse(name).expect("a tag")).collect()
}

fn phone(number: &str) -> ContactRef {
    ContactRef::phone(number).expect("a number")
}

/// The sandbox goes by the real time; so do tokens, then.
fn now() -> Timestamp {
    tagrelay::clock::now()
}

/// A server that reads one request and answers this body with this status line.
fn answer_once(status: &str, body: &str) -> SocketAddr {
    let bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
        stream.write_all(bytes.as_bytes()).expect("answered");
    });
    address
}

/// An account with a fixed token whose one call is answered with this.
fn answering(status: &str, body: &str) -> Provider {
    connect(&format!("http://{}", answer_once(status, body)), &["fixed"], MissingTags::Create)
}

const DONE: Outcome = Outcome::Done { tags: None };

#[tokio::test]
async fn tags_are_added_and_removed_exactly_as_the_pages_and_the_integrators_show() {
    let room = Room::new();
    let added = room.add("8887980", &["Lead", "Black Friday"]).await;
    assert_eq!((added.outcome, room.tags("8887980")), (DONE, vec!["Lead".to_owned(), "Black Friday".to_owned()]));
    let removed = room.remove("8887980", &["Lead"]).await;
    assert_eq!((removed.outcome, room.tags("8887980")), (DONE, vec!["Black Friday".to_owned()]));
    let calls = room.sandbox.calls();
    let lines: Vec<String> = calls.iter().map(|call| format!("{} {} {}", call.method, call.path, call.body)).collect();
    assert_eq!(
        lines,
        [
            r#"POST /b2chat/oauth/token "grant_type=client_credentials""#,
            r#"POST /b2chat/contacts/8887980/tags?tag_actions=ASSIGN_TAG [{"name":"Lead"},{"name":"Black Friday"}]"#,
            r#"DELETE /b2chat/contacts/8887980/tags [{"name":"Lead"}]"#,
        ]
    );
    let headers: Vec<_> = calls.iter().map(|c| (&*c.headers["authorization"], &*c.headers["content-type"])).collect();
    assert_eq!(headers[0], ("Basic ***", "application/x-www-form-urlencoded"));
    assert_eq!(headers[1..], [("Bearer ***", "application/json"); 2]);
    let attempt = added.attempt;
    let path = "/contacts/8887980/tags?tag_actions=ASSIGN_TAG";
    assert_eq!((attempt.method.as_str(), attempt.path.as_str()), ("POST", path));
    assert_eq!((attempt.status, attempt.verdict.as_str()), (Some(200), "done; a token was fetched for it"));
    assert_eq!(removed.attempt.verdict, "done");
}

#[tokio::test]
async fn with_tags_that_are_skipped_a_success_proves_nothing() {
    let room = Room::with(PAIR, MissingTags::Skip, Unknown::Created);
    room.sandbox.edit_b2chat(&json!({ "tags": { "Lead": "ACTIVE", "Old": "INACTIVE" } })).expect("an edit");
    let added = room.add("7", &["Lead", "Old", "Typo"]).await;
    assert_eq!((added.outcome, room.tags("7")), (Outcome::Unproven, vec!["Lead".to_owned()]));
    assert_eq!(added.attempt.verdict, "done, unless the account doesn't know a tag; a token was fetched for it");
    assert_eq!(room.lines()[1], "POST /contacts/7/tags?tag_actions=SKIP_TAGS -> 200");
    assert_eq!(room.remove("7", &["Lead"]).await.outcome, DONE, "a removal skips nothing");
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let room = Room::new();
    room.add("1", &["Lead"]).await;
    for (status, expected) in [
        (204, "done"),
        (302, "refused: the address redirects elsewhere: is base_url right? (302)"),
        (400, "dead: the request is wrong and isn't repeated as it is (400)"),
        (402, "refused: the account must be paid (402)"),
        (403, "refused: the user may not do this (403)"),
        (404, "lost: no such contact (404)"),
        (408, "retry, in doubt: the provider gave up waiting (408)"),
        (422, "dead: the request is wrong and isn't repeated as it is (422)"),
        (425, "retry: too early (425)"),
        (429, "retry: too many requests (429)"),
        (500, "retry, in doubt: the provider failed (500)"),
        (502, "retry, in doubt: the provider failed (502)"),
        (503, "retry, in doubt: the provider failed (503)"),
        (504, "retry, in doubt: the provider failed (504)"),
    ] {
        room.fault(&json!({ "kind": "status", "status": status, "times": 1 }));
        let called = room.add("7", &["Lead"]).await;
        let told = called.outcome.verdict();
        assert!(told.starts_with(expected.trim_end_matches(')')), "{told} for {expected}");
        assert_eq!((called.attempt.status, &called.attempt.verdict), (Some(status), &told));
        assert_eq!(matches!(called.outcome, Outcome::Retry { throttled: true, .. }), status == 429);
    }
    assert!(room.tags("7").is_empty(), "nothing was done");
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_and_the_call_is_made_again() {
    let room = Room::new();
    room.add("7", &["Lead"]).await;
    room.sandbox.edit_b2chat(&json!({ "end_tokens": true })).expect("an edit");
    let called = room.add("7", &["Hot"]).await;
    assert_eq!((called.outcome, called.attempt.status), (DONE, Some(200)));
    assert_eq!(called.attempt.verdict, "done; a token was refused with 401 and renewed first");
    let tag = "POST /contacts/7/tags?tag_actions=ASSIGN_TAG";
    let (well, refused, token) =
        (format!("{tag} -> 200"), format!("{tag} -> 401"), "POST /oauth/token -> 200".to_owned());
    assert_eq!(room.lines(), [&token, &well, &refused, &token, &well].map(Clone::clone));
}

#[tokio::test]
async fn a_renewal_that_brings_the_same_token_is_not_repeated() {
    let room = Room::new();
    room.fault(&json!({ "kind": "status", "status": 401, "contact": "7" }));
    let called = room.add("7", &["Lead"]).await;
    assert!(matches!(&called.outcome, Outcome::Refused { reason } if reason.starts_with("the token is refused (401")));
    let tokens = room.lines().iter().filter(|line| line.contains("/oauth/token")).count();
    assert_eq!((tokens, room.sandbox.calls().len()), (2, 4), "{:?}", room.lines());
    room.sandbox.clear_faults();
    assert_eq!(room.add("7", &["Lead"]).await.outcome, DONE);
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end() {
    let room = Room::new();
    room.sandbox.edit_b2chat(&json!({ "token_seconds": 1000 })).expect("an edit");
    let start = now();
    for (seconds, calls) in [(0, 2), (930, 3), (945, 5)] {
        assert_eq!(room.add_at("7", &["Lead"], start.plus_millis(seconds * 1000)).await.outcome, DONE);
        assert_eq!(room.sandbox.calls().len(), calls, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_token_that_lives_shortly_is_not_fetched_for_every_call() {
    let room = Room::new();
    room.sandbox.edit_b2chat(&json!({ "token_seconds": 40 })).expect("an edit");
    let start = now();
    for (seconds, calls) in [(0, 2), (15, 3), (21, 5)] {
        room.add_at("7", &["Lead"], start.plus_millis(seconds * 1000)).await;
        assert_eq!(room.sandbox.calls().len(), calls, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_hundred_calls_that_wait_fetch_one_token() {
    let room = Room::new();
    room.fault(&json!({ "kind": "slow", "millis": 100, "contact": "token" }));
    let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
    let at_once = || async { join_all(ids.iter().map(|id| room.add(id, &["Lead"]))).await };
    let tokens = || room.lines().iter().filter(|line| line.contains("/oauth/token")).count();
    assert!(at_once().await.iter().all(|called| called.outcome == DONE));
    assert_eq!(tokens(), 1);
    room.sandbox.edit_b2chat(&json!({ "end_tokens": true })).expect("an edit");
    assert!(at_once().await.iter().all(|called| called.outcome == DONE));
    assert_eq!(tokens(), 2, "nor does the end of one make them fetch more than one");
}

#[tokio::test]
async fn a_hundred_calls_that_wait_hear_of_one_failure() {
    let room = Room::new();
    room.fault(&json!({ "kind": "slow", "millis": 100, "contact": "token" }));
    room.fault(&json!({ "kind": "status", "status": 503, "contact": "token" }));
    let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
    let called = join_all(ids.iter().map(|id| room.add(id, &["Lead"]))).await;
    assert!(called.iter().all(|called| matches!(called.outcome, Outcome::Retry { in_doubt: false, .. })));
    assert_eq!(room.lines(), ["POST /oauth/token -> 503"]);
    room.sandbox.clear_faults();
    assert_eq!(room.add("7", &["Lead"]).await.outcome, DONE, "the next call asks anew");
}

#[tokio::test]
async fn what_the_tokens_address_answers_says_nothing_of_the_contact() {
    for (fault, expected) in [
        (
            json!({ "kind": "status", "status": 400 }),
            "refused: POST /oauth/token: credentials refused (400: Failed on purpose)",
        ),
        (
            json!({ "kind": "status", "status": 401 }),
            "refused: POST /oauth/token: credentials refused (401: The access token is invalid or has expired)",
        ),
        (
            json!({ "kind": "status", "status": 403 }),
            "refused: POST /oauth/token: credentials refused (403: Failed on purpose)",
        ),
        (
            json!({ "kind": "status", "status": 500 }),
            "retry: POST /oauth/token: the provider failed (500: Failed on purpose)",
        ),
        (
            json!({ "kind": "throttle", "retry_after": "9" }),
            "retry: POST /oauth/token: too many requests (429: Too many requests)",
        ),
        (json!({ "kind": "truncate" }), "retry: POST /oauth/token: the answer holds no token: is base_url right?"),
        (
            json!({ "kind": "shape", "shape": "empty" }),
            "retry: POST /oauth/token: the answer holds no token: is base_url right?",
        ),
        (json!({ "kind": "timeout", "millis": 5000 }), "retry: POST /oauth/token: no answer in time"),
    ] {
        let room = Room::new();
        room.fault(&fault);
        let called = room.add("7", &["Lead"]).await;
        assert_eq!((called.attempt.verdict.as_str(), called.attempt.path.as_str()), (expected, "/oauth/token"));
        assert_eq!(called.attempt.verdict, called.outcome.verdict());
        assert_eq!(room.sandbox.calls().len(), 1, "the contact's call isn't made");
        if let Outcome::Retry { throttled: true, after, .. } = called.outcome {
            assert_eq!(after, Some(Duration::from_secs(9)));
        }
    }
}

#[tokio::test]
async fn refused_credentials_make_the_connection_ill_and_are_shown_nowhere() {
    let room = Room::with(&["hunter2-user", "hunter2-password"], MissingTags::Create, Unknown::Created);
    let called = room.add("7", &["Lead"]).await;
    assert!(matches!(&called.outcome, Outcome::Refused { reason } if reason.contains("credentials refused")));
    assert!(!format!("{called:?}").contains("hunter2"), "{called:?}");
    let echo = r#"{"message":"hunter2-password for aHVudGVyMi11c2VyOmh1bnRlcjItcGFzc3dvcmQ= is bad"}"#;
    let address = answer_once("401 No", echo);
    let provider = connect(&format!("http://{address}"), &["hunter2-user", "hunter2-password"], MissingTags::Create);
    let called = provider.change_tags(&ContactRef::Id("7".into()), Direction::Add, &tags(&["a"]), now()).await;
    assert_eq!(called.attempt.answer, r#"{"message":"[secret] for [secret] is bad"}"#);
    let told = "refused: POST /oauth/token: credentials refused (401: [secret] for [secret] is bad)";
    assert_eq!(called.attempt.verdict, told);
}

#[tokio::test]
async fn no_attempt_shows_a_token() {
    let room = Room::new();
    let token = room.add("7", &["Lead"]).await;
    assert!(!format!("{token:?}").contains("access_token") && !format!("{:?}", room.provider).contains("hunter2"));
    let half = r#"{"access_token":"4ba550ac-secret","token_type":"bearer"#;
    let provider = connect(&format!("http://{}", answer_once("200 OK", half)), PAIR, MissingTags::Create);
    let called = provider.change_tags(&ContactRef::Id("7".into()), Direction::Add, &tags(&["a"]), now()).await;
    assert!(!format!("{called:?}").contains("4ba550ac"), "{called:?}");
}

#[tokio::test]
async fn a_fixed_token_is_used_as_it_is() {
    let room = Room::with(&["sandbox"], MissingTags::Create, Unknown::Created);
    assert_eq!(room.add("7", &["Lead"]).await.outcome, DONE);
    let room = Room::with(&["other"], MissingTags::Create, Unknown::Created);
    assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Refused { .. }));
    assert_eq!(room.lines(), ["POST /contacts/7/tags?tag_actions=ASSIGN_TAG -> 401"]);
}

#[tokio::test]
async fn any_success_is_one_whatever_its_body_but_a_page() {
    for body in ["", "{}", "ok", "[]", "{\"message\":"] {
        let called = answering("201 Created", body)
            .change_tags(&ContactRef::Id("7".into()), Direction::Add, &tags(&["Lead"]), now())
            .await;
        assert_eq!(called.outcome, DONE, "{body}");
    }
    let lead = tags(&["Lead"]);
    let page = answering("200 OK", "\n<!doctype html><title>Welcome</title>");
    let called = page.change_tags(&ContactRef::Id("7".into()), Direction::Add, &lead, now()).await;
    assert!(matches!(called.outcome, Outcome::Retry { in_doubt: true, .. }), "{called:?}");
}

#[tokio::test]
async fn what_has_no_clear_answer_is_in_doubt() {
    for (fault, is_done) in [
        (json!({ "kind": "timeout", "millis": 5000, "contact": "7" }), false),
        (json!({ "kind": "reset", "contact": "7" }), false),
        (json!({ "kind": "ghost", "status": 500, "contact": "7" }), true),
        (json!({ "kind": "ghost", "contact": "7" }), true),
        (json!({ "kind": "slow", "millis": 5000, "contact": "7" }), true),
    ] {
        let room = Room::new();
        room.add("8", &["Lead"]).await;
        room.fault(&fault);
        let called = room.add("7", &["Lead"]).await;
        let in_doubt = matches!(called.outcome, Outcome::Retry { in_doubt: true, throttled: false, .. });
        assert!(in_doubt, "{fault}: {:?}", called.outcome);
        assert_eq!(room.tags("7").is_empty(), !is_done, "{fault}");
        assert_eq!(room.sandbox.calls().len(), 3, "{fault}: the client doesn't retry behind our back");
    }
}

#[tokio::test]
async fn people_are_made_and_found_by_their_number_alone() {
    let room = Room::with(PAIR, MissingTags::Create, Unknown::NotFound);
    let ana = phone("+57 300 000 0000");
    assert_eq!(room.provider.find(&ana, &Glance::default(), now()).await.answer, Ok(Found::Nobody));
    assert_eq!(room.provider.create(&ana, now()).await.answer, Ok("1".to_owned()));
    let found = room.provider.find(&ana, &Glance::default(), now()).await;
    assert_eq!((found.answer, found.attempt.verdict.as_str()), (Ok(Found::One("1".to_owned())), "done"));
    assert_eq!(room.provider.find(&phone("+573"), &Glance::default(), now()).await.answer, Ok(Found::Nobody));
    room.provider.create(&ana, now()).await.answer.expect("made");
    assert_eq!(room.provider.find(&ana, &Glance::default(), now()).await.answer, Ok(Found::Several));
    let before = room.sandbox.calls();
    let mail = ContactRef::Email("ana@example.com".to_owned());
    assert!(matches!(room.provider.find(&mail, &Glance::default(), now()).await.answer, Err(Outcome::Dead { .. })));
    assert!(matches!(room.provider.create(&mail, now()).await.answer, Err(Outcome::Dead { .. })));
    assert_eq!(room.sandbox.calls().len(), before.len(), "nobody is asked in vain");
    let lines: Vec<String> = before.iter().map(|call| format!("{} {} {}", call.method, call.path, call.body)).collect();
    assert_eq!(
        lines[1..3],
        [
            concat!(
                r#"GET /b2chat/contacts/export {"filters":{"contact_lookup":[{"field":"mobile","value":"+573000000000"}],"#,
                r#""limit":2,"offset":0,"skip_tags":false}}"#
            ),
            concat!(
                r#"POST /b2chat/contacts/import {"contact":{"fullname":"+573000000000","mobile":"+573000000000"},"#,
                r#""skip_required_custom_attributes":true}"#
            ),
        ]
    );
}

#[tokio::test]
async fn a_contact_whose_id_is_not_told_is_looked_up() {
    let room = Room::new();
    room.fault(&json!({ "kind": "shape", "shape": "no_content", "contact": "import" }));
    let ana = phone("+573000000000");
    let made = room.provider.create(&ana, now()).await;
    assert!(matches!(made.answer, Err(Outcome::Retry { in_doubt: true, .. })), "{:?}", made.answer);
    assert!(made.attempt.verdict.contains("doesn't tell its id"), "{}", made.attempt.verdict);
    assert_eq!(room.provider.find(&ana, &Glance::default(), now()).await.answer, Ok(Found::One("1".to_owned())));
}

#[tokio::test]
async fn a_list_of_other_people_is_not_an_answer() {
    let other = r#"{"contacts":[{"contact_id":9,"mobile":"+570000000000","tags":[]}],"exported":1}"#;
    let found = answering("200 OK", other).find(&phone("+573000000000"), &Glance::default(), now()).await;
    assert!(matches!(&found.answer, Err(Outcome::Dead { reason }) if reason.contains("other numbers")), "{found:?}");
    assert!(found.attempt.verdict.contains("other numbers"));
    for odd in ["<html>", "{}", r#"{"contacts":[{"mobile":"+573000000000"}]}"#] {
        let found = answering("200 OK", odd).find(&phone("+573000000000"), &Glance::default(), now()).await;
        assert!(matches!(found.answer, Err(Outcome::Retry { in_doubt: true, .. })), "{odd}");
    }
}

#[tokio::test]
async fn tags_are_read_by_the_number_that_found_the_contact() {
    let room = Room::new();
    let ana = phone("+573000000000");
    let id = room.provider.create(&ana, now()).await.answer.expect("made");
    room.add(&id, &["Lead"]).await;
    let read = room.provider.read_found(&ana, &id, now()).await;
    assert_eq!(read.outcome, Outcome::Done { tags: Some(tags(&["Lead"])) });
    assert_eq!(read.attempt.verdict, "done, 1 tags listed");
    assert!(matches!(room.provider.read_found(&ana, "2", now()).await.outcome, Outcome::Lost { .. }));
    assert!(matches!(room.provider.read_found(&phone("+1"), &id, now()).await.outcome, Outcome::Lost { .. }));
    room.provider.create(&ana, now()).await.answer.expect("made");
    assert!(matches!(room.provider.read_found(&ana, &id, now()).await.outcome, Outcome::Dead { .. }));
    let by_id = room.provider.read_tags(&ContactRef::Id(id), now()).await;
    assert!(matches!(by_id.outcome, Outcome::Dead { .. }) && by_id.attempt.status.is_none());
}

#[tokio::test]
async fn fields_are_set_as_an_import_has_them() {
    let room = Room::new();
    let (name, plan) = (json("\"Ana\""), json("\"pro\""));
    let set =
        room.provider.set_fields(&ContactRef::Id("7".into()), &[("fullname", &name), ("plan", &plan)], now()).await;
    assert_eq!(set.outcome, DONE);
    let call = room.sandbox.calls().pop().expect("a call");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("PATCH", "/b2chat/contacts/7"));
    let contact = json!({ "fullname": "Ana", "fullName": "Ana", "custom_attributes": { "plan": "pro" } });
    assert_eq!(call.body, json!({ "skip_required_custom_attributes": true, "contact": contact }));
}

fn json(text: &str) -> OwnedJson {
    OwnedJson::of(Json::parse(text.as_bytes()).expect("JSON"))
}

#[tokio::test]
async fn an_id_stays_in_its_place_and_whom_the_account_does_not_know_is_lost() {
    let room = Room::with(PAIR, MissingTags::Create, Unknown::NotFound);
    assert!(matches!(room.add("7", &["Lead"]).await.outcome, Outcome::Lost { .. }));
    assert!(matches!(room.add("7/../8?x#y", &["Lead"]).await.outcome, Outcome::Dead { .. }));
    let path = &room.sandbox.calls()[2].path;
    assert_eq!(path, "/b2chat/contacts/7%2F..%2F8%3Fx%23y/tags?tag_actions=ASSIGN_TAG");
    for nobody in ["", ".", ".."] {
        let called = room.add(nobody, &["Lead"]).await;
        assert!(matches!(called.outcome, Outcome::Dead { .. }) && called.attempt.status.is_none());
    }
}

#[tokio::test]
async fn among_all_faults_that_pass_everything_gets_through() {
    let room = Room::new();
    room.fault(&json!({ "kind": "mixed", "share": 0.4, "seed": 1, "millis": 1 }));
    for n in 0..40 {
        let id = n.to_string();
        let mut calls = 0;
        while room.add(&id, &["Lead"]).await.outcome != DONE {
            calls += 1;
            assert!(calls < 30, "contact {id} never gets through");
        }
        assert_eq!(room.tags(&id), ["Lead"]);
    }
}
