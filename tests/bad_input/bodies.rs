//! Bodies that can't be read.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::body::said;
use crate::support::gateway::Gateway;
use crate::support::http::{exchange, read};
use crate::{WORDS, gateway, refused, unharmed, with_password};

fn unreadable(gateway: &Gateway, body: &[u8]) -> Value {
    refused(gateway, Some(gateway.send_hook(body)), 400, "unreadable-body")
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let gateway = gateway();
    let problem = unreadable(&gateway, format!("{{\"queryResult\":\n  {{\"a\": {WORDS}}}}}").as_bytes());
    assert_eq!((&problem["line"], &problem["column"].is_number()), (&json!(2), &true), "{problem}");
    for body in
        ["", " ", "null", "7", "\"text\"", "[]", "[{\"queryResult\":{}}]", "{", "{\"a\":1}x", "{\"a\":01}", "{'a':1}"]
    {
        let problem = unreadable(&gateway, body.as_bytes());
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}: {problem}");
    }
}

#[test]
fn a_real_body_cut_off_anywhere_is_refused() {
    let gateway = gateway();
    let body = said("cut", 7, "lead").with(json!({ "note": WORDS })).body();
    for end in (0..body.len()).step_by(23) {
        let answer = gateway.send_hook(&body[..end]);
        assert_eq!(
            (answer.status, &answer.json()["type"]),
            (400, &json!("urn:tagrelay:problem:unreadable-body")),
            "{end}"
        );
    }
    unharmed(&gateway);
}

#[test]
fn what_is_nested_very_deep_is_refused_at_once() {
    let gateway = gateway();
    let deep = 200_000;
    let start = Instant::now();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let whole = format!("{}1{}", open.repeat(deep), close.repeat(deep));
        let within = format!("{{\"queryResult\":{{\"parameters\":{{\"a\":{whole}}}}}}}");
        for body in [&whole, &within, &open.repeat(deep)] {
            if body.len() < 1024 * 1024 {
                let problem = unreadable(&gateway, body.as_bytes());
                assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("deep")), "{problem}");
            } else {
                refused(&gateway, Some(gateway.send_hook(body.as_bytes())), 413, "too-large");
            }
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let gateway = gateway();
    for bytes in [
        &b"{\"queryResult\":{\"queryText\":\"\xff\xfe\"}}"[..],
        b"\xef\xbb",
        b"\x00\x01\x02",
        b"{\"a\":\"\xed\xa0\x80\"}",
    ] {
        unreadable(&gateway, bytes);
    }
}

#[test]
fn what_dialogflow_does_not_send_is_named() {
    let gateway = gateway();
    let v1 = json!({ "id": "1", "result": { "action": WORDS, "parameters": {} }, "sessionId": "s" });
    let problem = unreadable(&gateway, v1.to_string().as_bytes());
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.to_lowercase().contains("v1")), "{problem}");
    let cx = json!({ "detectIntentResponseId": "1", "fulfillmentInfo": { "tag": "t" }, "sessionInfo": {} });
    let problem = unreadable(&gateway, cx.to_string().as_bytes());
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("CX")), "{problem}");
    let problem = unreadable(&gateway, br#"{"queryResult":{"parameters":[1],"intent":{"displayName":"lead"}}}"#);
    assert_eq!(problem["field"], "queryResult.parameters", "{problem}");
}

#[test]
fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let gateway = gateway();
    let body = format!("{{\"a\":\"{}\"}}", "a".repeat(1024 * 1024));
    let problem = refused(&gateway, Some(gateway.send_hook(body.as_bytes())), 413, "too-large");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("1048576")), "{problem}");

    let told = format!("{}5000000000\r\n\r\n", head_with("Content-Length: "));
    refused(&gateway, gateway.send_raw(told.as_bytes()), 413, "too-large");

    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let chunked = format!("{}chunked\r\n\r\n{}0\r\n\r\n", head_with("Transfer-Encoding: "), chunk.repeat(17));
    refused(&gateway, gateway.send_raw(chunked.as_bytes()), 413, "too-large");
}

#[test]
fn the_bound_can_be_set_and_what_just_fits_is_taken() {
    let rules = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";
    let gateway = crate::support::gateway::rules(rules).set("TAGRELAY_MAX_BODY_BYTES", "4096").start();
    let mut body = said("fits", 7, "lead").body();
    body.resize(4096, b' ');
    assert_eq!(gateway.send_hook(&body).status, 200);
    body.push(b' ');
    refused(&gateway, Some(gateway.send_hook(&body)), 413, "too-large");
}

#[test]
fn chunks_are_put_together_and_broken_ones_refused() {
    let gateway = gateway();
    let body = String::from_utf8(said("first", 7, "lead").body()).expect("UTF-8");
    let (one, two) = body.split_at(100);
    let head = head_with("Transfer-Encoding: ");
    let whole = format!("{head}chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    assert_eq!(gateway.send_raw(whole.as_bytes()).expect("an answer").status, 200, "the same event again");
    let broken = format!("{head}chunked\r\n\r\n{:x}\r\n{one}\r\nzz\r\n", one.len());
    refused(&gateway, gateway.send_raw(broken.as_bytes()), 400, "bad-call");
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let gateway = gateway();
    let start = Instant::now();
    let mut stream = TcpStream::connect(gateway.address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let head = format!("{}500\r\n\r\n{{\"a\":", head_with("Content-Length: "));
    stream.write_all(head.as_bytes()).expect("sent");
    let mut writer = stream.try_clone().expect("cloned");
    // A drop now and then keeps it alive and doesn't make it fast.
    let dripping = std::thread::spawn(move || {
        while start.elapsed() < Duration::from_secs(12) && writer.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    // Others are served meanwhile.
    assert_eq!(gateway.event(&said("first", 7, "lead")).status, 200);
    let answer = read(stream);
    assert!((9..13).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    refused(&gateway, answer, 408, "timeout");
    dripping.join().expect("joined");
}

#[test]
fn a_sender_that_hangs_up_harms_nobody() {
    let gateway = gateway();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(gateway.address).expect("connected");
        stream.write_all(format!("{}500\r\n\r\n{{\"a\":", head_with("Content-Length: ")).as_bytes()).expect("sent");
    }
    for _ in 0..20 {
        // Asks and doesn't wait for the answer.
        let bytes = with_password(&[], &said("first", 7, "lead").body());
        drop(exchange(gateway.address, &bytes, Duration::from_micros(1)));
    }
    unharmed(&gateway);
}

fn head_with(last: &str) -> String {
    let authorization = crate::support::body::basic("dialogflow", crate::support::gateway::PASSWORD);
    format!("POST /hooks/bot HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {authorization}\r\n{last}")
}
