//! Running it: stops and starts, who may look and act, what is counted, what is refused at the start.

use std::time::Duration;

use serde_json::json;

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, VIEWER, rules};
use crate::support::gestures::states;

const LEAD: &str = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

fn start() -> Gateway {
    rules(LEAD).start()
}

#[test]
fn sigterm_finishes_what_is_in_flight_and_the_next_run_goes_on() {
    let mut gateway = start();
    gateway.set_faults(&json!([
        { "kind": "slow", "millis": 1500, "times": 1, "contact": "7" },
        { "kind": "status", "status": 503, "times": 1, "contact": "8" },
    ]));
    gateway.event(&said("later", 8, "lead"));
    eventually("a failed try", || (gateway.event_of("later")["changes"][0]["tries"] == 1).then_some(()));
    gateway.event(&said("in flight", 7, "lead"));
    eventually("the call", || (gateway.calls().len() == 2).then_some(()));
    let (status, took) = gateway.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(gateway.log_of("stopped").len(), 1);

    gateway.start_again();
    assert_eq!(states(&gateway.event_of("in flight")), ["applied"], "its call was waited for and recorded");
    assert_eq!(states(&gateway.event_of("later")), ["waiting"]);
    gateway.try_now();
    gateway.settled("later");
    assert_eq!(gateway.calls_in_short(), ["PUT /customers/8/tags Lead -> 200"], "nothing is called twice");
}

#[test]
fn a_call_that_takes_longer_than_the_stop_may_is_made_again() {
    let mut gateway = start();
    gateway.set_faults(&json!([{ "kind": "slow", "millis": 15000, "times": 1 }]));
    gateway.event(&said("slow", 7, "lead"));
    eventually("the call", || (!gateway.calls().is_empty()).then_some(()));
    // A sender that never ends its request takes its part of the time too.
    let mut half = std::net::TcpStream::connect(gateway.address).expect("connected");
    std::io::Write::write_all(&mut half, b"POST /hooks/bot HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        .expect("sent");
    std::thread::sleep(Duration::from_millis(100));
    let (status, took) = gateway.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    gateway.start_again();
    assert_eq!(states(&gateway.settled("slow")), ["applied"]);
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Lead"]);
}

#[test]
fn a_request_that_is_under_way_when_the_stop_comes_gets_its_answer() {
    use std::io::Write;
    let mut gateway = start();
    let body = said("half", 7, "lead").body();
    let authorization = crate::support::body::basic("dialogflow", crate::support::gateway::PASSWORD);
    let bytes = crate::support::http::request("POST", "/hooks/bot", &[("Authorization", &authorization)], &body);
    let (first, second) = bytes.split_at(bytes.len() - 5);
    let mut stream = std::net::TcpStream::connect(gateway.address).expect("connected");
    stream.write_all(first).expect("sent");
    std::thread::sleep(Duration::from_millis(100));
    gateway.process.signal("TERM");
    eventually("the stop", || (!gateway.log_of("stopping").is_empty()).then_some(()));
    stream.write_all(second).expect("sent");
    let answer = crate::support::http::read(stream).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("the end", || gateway.process.ended());
    gateway.start_again();
    gateway.settled("half");
}

#[test]
fn health_readiness_and_metrics_are_for_everybody() {
    let gateway = rules(LEAD).alone("each gateway counts for itself").start();
    gateway.event(&said("e", 7, "lead"));
    gateway.event(&said("e", 7, "lead"));
    gateway.settled("e");
    assert_eq!(gateway.call("GET", "/healthz", &[], b"").ok(), json!({ "status": "alive" }));
    let ready = gateway.call("GET", "/readyz", &[], b"").ok();
    assert_eq!((&ready["status"], &ready["rules"]), (&json!("ready"), &json!(1)));
    assert_eq!(ready["rule_set"], gateway.event_of("e")["rule_set"]);
    let head = gateway.call("HEAD", "/readyz", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0), "probes ask like this too");
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    for line in [
        "tagrelay_events_total{source=\"bot\"} 1",
        "tagrelay_duplicates_total{source=\"bot\",differs=\"false\"} 1",
        "tagrelay_contacts_waiting{connection=\"crm\"} 0",
        "tagrelay_connection_paused{connection=\"crm\"} 0",
        "tagrelay_dead_letters 0",
    ] {
        assert!(metrics.lines().any(|this| this == line), "{line} isn't in:\n{metrics}");
    }
}

#[test]
fn the_viewer_may_only_look_and_a_stranger_not_even_that() {
    let gateway = start();
    gateway.event(&said("e", 7, "lead"));
    for path in [
        "events",
        "events/1",
        "deliveries",
        "dead-letters",
        "connections",
        "contacts",
        "contacts/crm/7",
        "rules",
        "refusals",
    ] {
        let path = format!("/api/v1/{path}");
        gateway.api_as(VIEWER, "GET", &path, b"").ok();
        for headers in [&[][..], &[("Authorization", "Bearer guessed")][..], &[("Authorization", "Basic YTpi")][..]] {
            let answer = gateway.call("GET", &path, headers, b"");
            assert_eq!(
                (answer.status, &answer.json()["type"]),
                (401, &json!("urn:tagrelay:problem:no-token")),
                "{path}"
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for path in [
        "connections/crm/retry",
        "dead-letters/1.0/retry",
        "dead-letters/1.0/discard",
        "events/1/replay",
        "events/replay",
    ] {
        let answer = gateway.api_as(VIEWER, "POST", &format!("/api/v1/{path}"), b"");
        assert_eq!((answer.status, &answer.json()["type"]), (403, &json!("urn:tagrelay:problem:viewer")), "{path}");
    }
    assert_eq!(gateway.api_as(ADMIN, "POST", "/api/v1/dead-letters/1.0/retry", b"").status, 404);
    let unknown = gateway.api_as(ADMIN, "GET", "/api/v1/events?colour=red", b"");
    assert_eq!((unknown.status, &unknown.json()["type"]), (400, &json!("urn:tagrelay:problem:bad-call")));
}

#[test]
fn the_api_describes_itself_and_all_that_it_describes_is_there() {
    let gateway = start();
    let described = gateway.call("GET", "/api/openapi.json", &[], b"").ok();
    let paths = described["paths"].as_object().expect("paths");
    assert!(paths.len() > 20, "{paths:?}");
    for (path, methods) in paths {
        let path = path.replace("{connection}", "crm").replace("{id}", "1.0").replace("{name}", "crm");
        let methods = methods.as_object().expect("methods");
        let there: Vec<&str> = methods.keys().map(String::as_str).collect();
        for (method, operation) in methods {
            let method = method.to_uppercase();
            // No token: whoever is there asks for one.
            assert_eq!(gateway.call(&method, &path, &[], b"").status, 401, "{method} {path}");
            let refused = gateway.call("PUT", &path, &[], b"");
            let mut allowed: Vec<&str> = refused.header("allow").unwrap_or_default().split(", ").collect();
            allowed.sort_unstable();
            assert_eq!((refused.status, allowed.join(" ").to_lowercase()), (405, there.join(" ")), "{path}");
            // What is described of a query is taken, and nothing else is.
            let query = operation["parameters"].as_array().expect("a list").iter().filter(|one| one["in"] == "query");
            for name in query.map(|one| one["name"].as_str().expect("a name")) {
                let answer = gateway.api_as(ADMIN, "GET", &format!("{path}?{name}=%21"), b"");
                let problem = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
                assert!(!problem.contains("unknown;"), "{path}?{name}: {problem}");
            }
            let body = operation["requestBody"]["content"]["application/json"]["schema"]["properties"].clone();
            for name in body.as_object().into_iter().flat_map(|body| body.keys()) {
                let answer = gateway.api_as(ADMIN, "POST", &path, json!({ name: { "?": 1 } }).to_string().as_bytes());
                let problem = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
                assert!(answer.status == 400 && !problem.contains("unknown;"), "{path} {name}: {problem}");
            }
        }
    }
}

#[test]
fn a_wrong_call_is_told_its_place_in_the_same_words_at_every_address() {
    let gateway = start();
    let detail = |method: &str, path: &str, body: &str| {
        let answer = gateway.api_as(ADMIN, method, &format!("/api/v1{path}"), body.as_bytes());
        let problem = answer.json();
        assert_eq!((answer.status, &problem["type"]), (400, &json!("urn:tagrelay:problem:bad-call")), "{path} {body}");
        problem["detail"].as_str().expect("a text").to_owned()
    };
    let described = gateway.call("GET", "/api/openapi.json", &[], b"").ok();
    let mut bodies = 0;
    for (path, methods) in described["paths"].as_object().expect("paths") {
        let path =
            path.replace("/api/v1", "").replace("{connection}", "crm").replace("{id}", "1.0").replace("{name}", "crm");
        if methods["post"]["requestBody"].is_null() {
            continue;
        }
        bodies += 1;
        assert_eq!(detail("POST", &path, "[]"), "body: expected a mapping, found a list", "{path}");
        assert_eq!(detail("POST", &path, "7"), "body: expected a mapping, found a number", "{path}");
        assert!(detail("POST", &path, "{\"colour\":1}").starts_with("body: colour: unknown; there is: "), "{path}");
        assert!(detail("POST", &path, "{").starts_with("body: line 1, column "), "{path}");
        let members = methods["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"].clone();
        for (name, schema) in members.as_object().expect("members") {
            let expected = match schema["type"].as_str() {
                Some("string") => "a text",
                Some("boolean") => "true or false",
                Some("integer") => "a number",
                Some("array") => "a list of texts",
                _ => continue,
            };
            let told = detail("POST", &path, &json!({ name: { "a": 1 } }).to_string());
            assert_eq!(told, format!("body: {name}: expected {expected}, found a mapping"), "{path}");
        }
    }
    assert!(bodies > 6, "{bodies} addresses take a body");
    let tags = "/contacts/crm/7/tags";
    assert_eq!(detail("POST", tags, r#"{"add":["VIP",7]}"#), "body: add[1]: expected a text, found a number");
    let audit = "/connections/crm/audit";
    assert_eq!(detail("POST", audit, r#"{"limit":-1}"#), "body: limit: expected a whole number, found -1");
    assert_eq!(detail("POST", audit, r#"{"limit":1,"limit":2}"#), "body: limit: stands twice");
    assert!(!detail("POST", audit, r#"{"contact":"\ud800"}"#).contains("serde"));
    let evaluate = r#"{"source":"bot"}"#;
    assert_eq!(detail("POST", "/evaluate", evaluate), "body: body: expected what the sender would send, found nothing");
    assert_eq!(detail("GET", "/events?faulty=yes", ""), "query: faulty: expected true or false, found \"yes\"");
    assert_eq!(detail("GET", "/dead-letters?limit=1&limit=2", ""), "query: limit: stands twice");
    let unknown = "query: colour: unknown; there is: limit, cursor, connection, contact";
    assert_eq!(detail("GET", "/deliveries?colour=red", ""), unknown);
}

#[test]
fn a_list_goes_on_where_its_cursor_says() {
    let gateway = start();
    for n in 0..5 {
        gateway.event(&said(&format!("e{n}"), 7, "lead"));
    }
    let first = gateway.api("/events?limit=2");
    let keys = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().expect("a list");
        items.iter().map(|event| event["key"].as_str().expect("a key").to_owned()).collect()
    };
    assert_eq!(keys(&first), ["e4", "e3"]);
    let second = gateway.api(&format!("/events?limit=2&cursor={}", first["next"].as_str().expect("more")));
    assert_eq!(keys(&second), ["e2", "e1"]);
    let third = gateway.api(&format!("/events?limit=2&cursor={}", second["next"].as_str().expect("more")));
    assert_eq!((keys(&third), &third["next"]), (vec!["e0".to_owned()], &json!(null)));
    assert_eq!(gateway.api("/events?rule=lead&source=bot")["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(gateway.api("/events?rule=other")["items"], json!([]));
}

#[test]
fn without_an_admin_token_one_is_made_and_kept() {
    let mut gateway = rules(LEAD).set("TAGRELAY_ADMIN_TOKEN", "").start();
    let file = gateway.setup.folder().join("tagrelay.token");
    let token = std::fs::read_to_string(&file).expect("the token is kept beside the database");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("a file").permissions());
    assert_eq!((mode & 0o777, token.trim().len()), (0o600, 64));
    assert!(
        gateway.log_of("token is in this file")[0]["file"]
            .as_str()
            .is_some_and(|path| path.ends_with("tagrelay.token"))
    );
    gateway.api_as(token.trim(), "GET", "/api/v1/rules", b"").ok();
    gateway.terminate();
    gateway.start_again();
    gateway.api_as(token.trim(), "GET", "/api/v1/rules", b"").ok();
    assert!(!gateway.process.log().contains(token.trim()));
}

#[test]
fn changes_of_a_connection_that_was_removed_wait() {
    let two = "connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY }\n  \
               old: { provider: helpcrunch, api_key: env:CRM_KEY }\n";
    let both = "  - id: both\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] }, old: { add: [Lead] } }\n";
    let setup = Setup::bare(&format!("{HEAD}{two}rules:\n{both}"));
    let mut gateway = setup.alone("each gateway finds for itself what it has and the rules no longer name").start();
    gateway.set_faults(&json!([{ "kind": "status", "status": 401 }]));
    gateway.event(&said("e", 7, "lead"));
    gateway.kill();
    let file = gateway.setup.folder().join("rules/rules.yaml");
    let one = format!("{HEAD}{}rules:\n{LEAD}", crate::support::gateway::CRM);
    std::fs::write(&file, one).expect("written");
    gateway.start_again();
    eventually("the delivery of the other", || {
        let states = states(&gateway.event_of("e"));
        (states.iter().filter(|state| *state == "applied").count() == 1).then_some(())
    });
    assert!(states(&gateway.event_of("e")).contains(&"waiting".to_owned()));
    assert_eq!(gateway.log_of("no longer name").len(), 1);
    // Who waits there is shown, and nothing can be done there.
    let waiting = gateway.api("/contacts?connection=old&waiting=true");
    let reference = waiting["items"][0]["contact"].as_str().expect("a contact").to_owned();
    let shown = gateway.api(&format!("/contacts/old/{reference}"));
    assert_eq!((&shown["connection_state"], &shown["waiting"][0]["tag"]), (&json!("removed"), &json!("Lead")));
    for path in ["/api/v1/connections/old/retry", "/api/v1/connections/old/audit"] {
        let answer = gateway.api_as(ADMIN, "POST", path, b"{}");
        assert!(answer.status == 404 && answer.text().contains("the rules no longer name"), "{}", answer.text());
    }
    std::fs::write(&file, format!("{HEAD}{two}rules:\n{both}")).expect("written");
    gateway.terminate();
    gateway.start_again();
    assert_eq!(states(&gateway.settled("e")), ["applied", "applied"]);
}
