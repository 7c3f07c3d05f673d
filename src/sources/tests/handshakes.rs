//! What vendors ask before their first event, each form by itself.

use super::super::auth::Known;
use super::super::handshake::{after_proof, before_proof};
use super::*;
use crate::domain::kind::Handshake;

const QUERY: Handshake = Handshake::Query { token: "hub.verify_token", challenge: "hub.challenge" };
const CHALLENGE: Handshake = Handshake::Body { key: "type", is: "url_verification", answer: Some("challenge") };
const NOTICE: Handshake = Handshake::Body { key: "event", is: "webhook", answer: None };

fn asked(handshake: Handshake, method: &str, query: &str) -> Option<Result<String, Refusal>> {
    let vault = Vault::new(HashMap::new(), None);
    let token = Known::open(&literal("levadura"), &vault).unwrap_or_else(|e| panic!("opens: {e}"));
    let sent = Sent::new(b"").query(query);
    let request = Request { method, ..sent.request() };
    let greeting = before_proof(handshake, Some(&token), &request)?;
    Some(greeting.map(|greeting| String::from_utf8(greeting.body).expect("UTF-8")))
}

#[test]
fn whoever_knows_the_token_gets_the_challenge_back() {
    let query = "hub.mode=subscribe&hub.verify_token=levadura&hub.challenge=1158201444";
    assert_eq!(asked(QUERY, "GET", query), Some(Ok("1158201444".to_owned())));
    assert_eq!(asked(QUERY, "GET", "hub.verify_token=levadura&hub.challenge=%3Cb%3E"), Some(Ok("<b>".to_owned())));
    for wrong in ["levadurb", "", "levadura%20"] {
        let query = format!("hub.verify_token={wrong}&hub.challenge=1");
        assert_eq!(asked(QUERY, "GET", &query), Some(Err(Refusal::NoSecretMatches)), "{wrong}");
    }
    assert_eq!(asked(QUERY, "GET", "hub.challenge=1"), Some(Err(Refusal::MissingQuery)));
    assert_eq!(asked(QUERY, "POST", query), None, "an event has to be signed whatever its address says");
}

#[test]
fn without_a_token_of_ours_nobody_knows_it() {
    let sent = Sent::new(b"").query("hub.verify_token=&hub.challenge=1");
    let request = Request { method: "GET", ..sent.request() };
    assert_eq!(before_proof(QUERY, None, &request), Some(Err(Refusal::NoSecretMatches)));
}

#[test]
fn a_look_whether_anybody_is_there_has_an_empty_answer() {
    assert_eq!(asked(Handshake::Head, "HEAD", ""), Some(Ok(String::new())));
    assert_eq!(asked(Handshake::Head, "POST", ""), None);
    assert_eq!(asked(Handshake::None, "HEAD", ""), None);
}

#[test]
fn a_body_that_is_a_handshake_is_no_event() {
    let text = |greeting: Option<Greeting>| greeting.map(|it| String::from_utf8(it.body).expect("UTF-8"));
    let body = br#"{"token":"x","challenge":"3eZbrw1aB","type":"url_verification"}"#;
    assert_eq!(text(after_proof(CHALLENGE, body)).as_deref(), Some("3eZbrw1aB"));
    assert_eq!(text(after_proof(NOTICE, br#"{"event":"webhook","timestamp":1}"#)).as_deref(), Some("{}"));
    for event in [
        &br#"{"type":"event_callback","event":{"text":"url_verification"}}"#[..],
        br#"{"type":7}"#,
        b"url_verification",
        b"",
    ] {
        assert_eq!(after_proof(CHALLENGE, event), None, "{}", String::from_utf8_lossy(event));
    }
}
