//! Secrets are used and never shown: not in a log, not in an answer, not in the database.

use serde_json::json;

use crate::support::body::{basic, said};
use crate::support::eventually;
use crate::support::gateway::{PASSWORD, SECRETS, SIGNING_SECRET, on_postgres, rules};
use crate::support::http::Answer;

const LEAD: &str =
    "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead], unless_tagged: [Opt-out] } }\n";

#[test]
fn secrets_are_nowhere_after_a_run_in_which_much_went_wrong() {
    let mut gateway = rules(LEAD).set("TAGRELAY_LOG", "trace").start();
    let mut answers: Vec<Answer> = Vec::new();
    gateway.set_faults(&json!([
        { "kind": "status", "status": 500, "times": 1, "contact": "1" },
        { "kind": "reset", "times": 1, "contact": "2" },
        { "kind": "status", "status": 404, "times": 1, "contact": "3" },
        { "kind": "status", "status": 400, "times": 1, "contact": "4" },
        { "kind": "truncate", "times": 1, "contact": "5" },
        { "kind": "status", "status": 401, "times": 1, "contact": "6" },
    ]));
    for contact in 1..=7 {
        answers.push(gateway.event(&said(&format!("e{contact}"), contact, "lead")));
    }
    answers.push(gateway.send_signed(&said("signed", 8, "lead").body()));
    // Wrong proofs that hold right secrets: the headers of another form, the query, a body that quotes the secret.
    let authorization = basic("somebody", PASSWORD);
    answers.push(gateway.call("POST", "/hooks/bot", &[("Authorization", &authorization)], b"{}"));
    let bearer = format!("Bearer {PASSWORD}");
    answers.push(gateway.call("POST", "/hooks/bot", &[("Authorization", &bearer)], b"{}"));
    let query = format!("/hooks/bot?token={PASSWORD}");
    answers.push(gateway.call("POST", &query, &[("webhook-signature", &format!("v1,{SIGNING_SECRET}"))], b"{}"));
    eventually("the pause", || (!gateway.log_of("connection paused").is_empty()).then_some(()));
    gateway.try_now();
    eventually("the end of the pause", || (gateway.crm()["state"] == "well").then_some(()));
    for path in ["events", "deliveries", "dead-letters", "connections", "contacts/crm/7", "rules", "refusals"] {
        answers.push(gateway.api_as(SECRETS[0], "GET", &format!("/api/v1/{path}"), b""));
    }
    for event in gateway.events() {
        let path = format!("/api/v1/events/{}", event["id"].as_str().expect("an id"));
        answers.push(gateway.api_as(SECRETS[0], "GET", &path, b""));
    }
    answers.push(gateway.call("GET", "/metrics", &[], b""));
    gateway.terminate();

    let encoded = basic("dialogflow", PASSWORD).split_off("Basic ".len());
    let bare = SIGNING_SECRET.trim_start_matches("whsec_");
    let secrets: Vec<&str> = SECRETS.into_iter().chain([encoded.as_str(), bare]).collect();
    let log = gateway.process.log();
    let files = std::fs::read_dir(gateway.setup.folder()).expect("a folder").map(|entry| entry.expect("a file").path());
    let files: Vec<_> = files.filter(|path| path.is_file()).collect();
    let own = if on_postgres() { "tagrelay.gateway" } else { "tagrelay.db" };
    assert!(files.iter().any(|path| path.ends_with(own)), "{files:?}");
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in the log: {:?}", log.lines().find(|line| line.contains(secret)));
        for answer in &answers {
            let headers = format!("{:?}", answer.headers);
            assert!(!answer.text().contains(secret) && !headers.contains(secret), "{secret} is in {}", answer.text());
        }
        for path in &files {
            let bytes = std::fs::read(path).expect("read");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
}

#[test]
fn what_people_said_and_who_they_are_is_in_no_log_line() {
    let gateway = rules(LEAD).start();
    let params = json!({ "email": "ana@example.com", "phone": "+573001234567", "note": "my-private-words" });
    gateway.event(&said("e", 7, "lead").with(params));
    gateway.settled("e");
    gateway.send_hook(br#"{"queryResult": {"note": "my-private-words", "email": "ana@example.com" "#);
    for words in ["ana@example.com", "573001234567", "my-private-words", "what was said"] {
        assert!(!gateway.process.log().contains(words), "{words}");
    }
}
