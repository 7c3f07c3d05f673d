//! Requests without a valid proof of their sender.

use serde_json::json;

use crate::support::body::{basic, now, said, standard_webhooks};
use crate::support::gateway::{Gateway, PASSWORD, SIGNING_SECRET};
use crate::support::http::{Answer, request};
use crate::{gateway, problem, refused};

fn send(gateway: &Gateway, headers: &[(String, String)], body: &[u8]) -> Option<Answer> {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    gateway.send_raw(&request("POST", "/hooks/bot", &headers, body))
}

fn authorization(value: String) -> Vec<(String, String)> {
    vec![("Authorization".to_owned(), value)]
}

#[test]
fn without_a_valid_proof_nobody_is_let_in() {
    let gateway = gateway();
    let body = said("stranger", 8, "lead").body();
    let signed = |secret, at| standard_webhooks(secret, "msg", at, &body);
    let other = "whsec_b3RoZXIgc2VjcmV0IG9mIHNvbWVib2R5IGVsc2U=";
    let mut no_id = signed(SIGNING_SECRET, now());
    no_id.remove(0);
    for (name, headers) in [
        ("nothing", Vec::new()),
        ("a wrong password", authorization(basic("dialogflow", "guessed"))),
        ("a wrong user", authorization(basic("somebody", PASSWORD))),
        ("an empty password", authorization(basic("dialogflow", ""))),
        ("no base64", authorization("Basic !!!".to_owned())),
        ("another form", authorization(format!("Bearer {PASSWORD}"))),
        ("a wrong secret", signed(other, now())),
        ("a stale time", signed(SIGNING_SECRET, now() - 600)),
        ("a time to come", signed(SIGNING_SECRET, now() + 600)),
        ("no id", no_id),
        ("no signature", vec![("webhook-signature".to_owned(), "v1,".to_owned())]),
    ] {
        let problem = refused(&gateway, send(&gateway, &headers, &body), 401, "no-proof");
        assert_eq!(problem["detail"], "no valid proof of the sender", "{name}: more would help to guess");
    }
    let reasons = gateway.api("/refusals").to_string();
    assert!(reasons.contains("timestamp_too_old") && reasons.contains("no_secret_matches"), "{reasons}");
}

#[test]
fn one_bit_that_changed_on_the_way_is_noticed() {
    let gateway = gateway();
    let body = said("bit", 8, "lead").body();
    let proof = standard_webhooks(SIGNING_SECRET, "msg", now(), &body);
    for place in [0, body.len() / 2, body.len() - 1] {
        let mut changed = body.clone();
        changed[place] ^= 1;
        refused(&gateway, send(&gateway, &proof, &changed), 401, "no-proof");
    }
    let mut longer = body.clone();
    longer.push(b' ');
    refused(&gateway, send(&gateway, &proof, &longer), 401, "no-proof");
    let mut other_id = proof.clone();
    other_id[0].1.push('x');
    refused(&gateway, send(&gateway, &other_id, &body), 401, "no-proof");
    assert_eq!(send(&gateway, &proof, &body).expect("an answer").status, 200, "and unchanged it passes");
}

#[test]
fn the_proof_is_judged_before_the_body_is_read() {
    let gateway = gateway();
    refused(&gateway, send(&gateway, &[], b"not json"), 401, "no-proof");
}

#[test]
fn many_failed_proofs_must_wait_and_a_valid_one_always_passes() {
    let gateway = gateway();
    let body = said("first", 7, "lead").body();
    for n in 1..=20 {
        let answer =
            send(&gateway, &authorization(basic("dialogflow", &format!("guess-{n}"))), &body).expect("an answer");
        problem(&answer, 401, "no-proof");
    }
    for _ in 0..3 {
        let answer = send(&gateway, &authorization(basic("dialogflow", "guess")), &body);
        let wait: u64 = answer.as_ref().and_then(|a| a.header("retry-after")?.parse().ok()).expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
        refused(&gateway, answer, 429, "too-many-failures");
        assert_eq!(gateway.send_hook(&body).status, 200, "a valid proof passes at the same time");
    }
    let line = "tagrelay_requests_refused_total{source=\"bot\",reason=\"too-many-failures\"} 3";
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.lines().any(|this| this == line), "{metrics}");
    assert_eq!(gateway.event_of("first")["duplicates"].as_array().map(Vec::len), Some(3));
    assert_eq!(gateway.api("/refusals")["items"].as_array().map(Vec::len), Some(23));
    assert!(!json!(gateway.api("/refusals")).to_string().contains("guess"));
}
