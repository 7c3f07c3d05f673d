//! Heads that ask for something else.

use serde_json::json;

use crate::support::body::said;
use crate::support::http::request;
use crate::{gateway, refused, unharmed, with_password};

#[test]
fn an_unknown_source_is_not_found() {
    let gateway = gateway();
    for path in
        ["/hooks/nobody", "/hooks/Bot", "/hooks/bot/", "/hooks/bot/more", "/hooks/", "/hooks", "/hooks/bo%74%00"]
    {
        refused(&gateway, gateway.send_raw(&request("POST", path, &[], b"{}")), 404, "not-found");
    }
    let long = format!("/hooks/{}", "a".repeat(20_000));
    refused(&gateway, gateway.send_raw(&request("POST", &long, &[], b"{}")), 404, "not-found");
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    assert!(!metrics.contains("nobody") && !metrics.contains("aaaa"), "strangers don't write labels");
}

#[test]
fn another_method_is_refused_and_told_which_one_it_takes() {
    let gateway = gateway();
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let answer = gateway.send_raw(&request(method, "/hooks/bot", &[], b""));
        assert_eq!(answer.as_ref().and_then(|answer| answer.header("allow")), Some("POST"), "{method}");
        refused(&gateway, answer, 405, "method");
    }
}

#[test]
fn every_address_says_which_method_it_takes() {
    let gateway = gateway();
    for (method, path, allow) in [
        ("POST", "/healthz", "GET"),
        ("DELETE", "/api/v1/events", "GET"),
        ("PUT", "/api/v1/dead-letters/1.0", "GET"),
        ("GET", "/api/v1/dead-letters/1.0/retry", "POST"),
        ("GET", "/api/v1/evaluate", "POST"),
    ] {
        let answer = gateway.send_raw(&request(method, path, &[], b""));
        assert_eq!(answer.as_ref().and_then(|answer| answer.header("allow")), Some(allow), "{path}");
        refused(&gateway, answer, 405, "method");
    }
}

#[test]
fn a_compressed_body_is_refused_as_such() {
    let gateway = gateway();
    let body = said("packed", 8, "lead").body();
    for encoding in ["gzip", "br", "deflate, gzip"] {
        refused(
            &gateway,
            gateway.send_raw(&with_password(&[("Content-Encoding", encoding)], &body)),
            415,
            "media-type",
        );
    }
    let body = said("first", 7, "lead").body();
    let plain = gateway.send_raw(&with_password(&[("Content-Encoding", "identity")], &body)).expect("an answer");
    assert_eq!(plain.status, 200);
}

#[test]
fn another_content_type_is_refused() {
    let gateway = gateway();
    let body = said("typed", 8, "lead").body();
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""]
    {
        let answer = gateway.send_raw(&with_password(&[("Content-Type", media)], &body));
        let problem = refused(&gateway, answer, 415, "media-type");
        assert_eq!(problem["detail"], "this source takes application/json");
    }
}

#[test]
fn json_under_any_of_its_names_is_taken() {
    let gateway = gateway();
    let body = said("first", 7, "lead").body();
    for media in ["application/json", "Application/JSON; charset=UTF-8", "application/vnd.google+json"] {
        let answer = gateway.send_raw(&with_password(&[("Content-Type", media)], &body)).expect("an answer");
        assert_eq!(answer.status, 200, "{media}");
    }
    unharmed(&gateway);
}

#[test]
fn a_hundred_kilobytes_of_header_are_refused() {
    let gateway = gateway();
    let body = said("large", 8, "lead").body();
    let answer = gateway.send_raw(&with_password(&[("X-Large", &"a".repeat(100_000))], &body));
    assert_eq!(answer.as_ref().and_then(|answer| answer.header("connection")), Some("close"));
    refused(&gateway, answer, 431, "headers-too-large");
    let many: Vec<(String, String)> = (0..40).map(|n| (format!("X-{n}"), "a".repeat(2_000))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    refused(&gateway, gateway.send_raw(&with_password(&many, &body)), 431, "headers-too-large");
}

/// The server itself refuses these before there is a request: the status is right, and there is no body.
#[test]
fn what_is_hardly_http_is_refused_by_the_server() {
    let gateway = gateway();
    let body = said("large", 8, "lead").body();
    let status = |bytes: &[u8]| gateway.send_raw(bytes).map(|answer| answer.status);
    let huge = with_password(&[("X-Huge", &"a".repeat(150_000))], &body);
    // It may close while we still send; then the answer can be lost on the way.
    assert!(matches!(status(&huge), Some(431) | None));
    let many: Vec<String> = (0..200).map(|n| format!("X-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "a")).collect();
    assert_eq!(status(&with_password(&many, &body)), Some(431));
    for bytes in [&b"hello\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n"] {
        assert_eq!(status(bytes), Some(400), "{bytes:?}");
    }
    let twice = b"POST /hooks/bot HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(status(twice), Some(400), "two lengths are how requests are smuggled");
    unharmed(&gateway);
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let gateway = gateway();
    let start = std::time::Instant::now();
    let mut stream = std::net::TcpStream::connect(gateway.address).expect("connected");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("set");
    std::io::Write::write_all(&mut stream, b"POST /hooks/bot HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("sent");
    let answer = crate::support::http::read(stream);
    assert_eq!(answer.map(|answer| answer.status), Some(408));
    assert!((9..14).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    unharmed(&gateway);
}

#[test]
fn nowhere_is_a_problem_too() {
    let gateway = gateway();
    for path in ["/", "/hooks2", "/api/v1/nothing", "/api/v2/events", "/../etc/passwd"] {
        refused(&gateway, gateway.send_raw(&request("GET", path, &[], b"")), 404, "not-found");
    }
}

#[test]
fn the_last_refusals_are_shown_without_their_bodies() {
    let gateway = gateway();
    gateway.send_hook(format!("{{\"a\": {}", crate::WORDS).as_bytes());
    gateway.send_raw(&request("GET", "/hooks/bot", &[], b""));
    let refusals = gateway.api("/refusals");
    let words: Vec<_> = refusals["items"].as_array().expect("a list").iter().map(|r| r["problem"].clone()).collect();
    assert_eq!(words, [json!("method"), json!("unreadable-body")]);
    assert_eq!(refusals["items"][1]["source"], "bot");
    assert!(!refusals.to_string().contains(crate::WORDS));
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    let line = "tagrelay_requests_refused_total{source=\"bot\",reason=\"unreadable-body\"} 1";
    assert!(metrics.lines().any(|this| this == line), "{metrics}");
}
