//! Behind a proxy: a signature over the address is over the one that the sender called, and the sender is who called the proxy.

use crate::support::body::{basic, said};
use crate::support::gateway::{CRM, Gateway, PASSWORD, SIGNING_SECRET, Setup};
use crate::support::http::Answer;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Why some of these are of one gateway.
const OWN_COUNTS: &str = "each gateway counts the proofs that fail at it, and tells of the requests that it refused";

const PUBLIC: &str = "https://hooks.example/gateway";

/// A sender whose signature is over address and body.
const SOURCE: &str = r#"
sources:
  bot:
    kind: dialogflow-es
    auth:
      - hmac: { header: X-Signature, signed: "{url}|{body}" }
        secret: env:BOT_SECRET
    contact: "{{ payload.originalDetectIntentRequest.payload.helpcrunch_id }}"
"#;

fn setup() -> Setup {
    Setup::bare(&format!("{SOURCE}{CRM}rules:\n  - id: hello\n    match: {{ intent: hello }}\n    reply: Hola\n"))
}

/// The body, signed as for this address, sent to the gateway's own.
fn send(gateway: &Gateway, path: &str, signed_for: &str, key: &str) -> Answer {
    send_with(gateway, path, signed_for, key, &[])
}

/// The same with more headers.
fn send_with(gateway: &Gateway, path: &str, signed_for: &str, key: &str, more: &[(&str, &str)]) -> Answer {
    let body = said(key, 7, "hello").body();
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed_for.as_bytes());
    mac.update(b"|");
    mac.update(&body);
    let signature = hex::encode(mac.finalize().into_bytes());
    let own = [("X-Signature", signature.as_str()), ("Content-Type", "application/json")];
    gateway.call("POST", path, &[&own, more].concat(), &body)
}

#[test]
fn the_public_address_is_what_is_signed() {
    // A `/` at its end belongs to the path.
    for public in [PUBLIC, "https://hooks.example/gateway/"] {
        let gateway = setup().set("TAGRELAY_PUBLIC_URL", public).start();
        let right = format!("{PUBLIC}/hooks/bot");
        assert_eq!(send(&gateway, "/hooks/bot", &right, "a").status, 200);
        assert_eq!(send(&gateway, "/hooks/bot?shop=1&x=%C3%B1", &format!("{right}?shop=1&x=%C3%B1"), "b").status, 200);
        let other_host = right.replace("hooks.example", "hooks.example.net");
        let other_scheme = right.replace("https", "http");
        for wrong in [
            "http://gateway/hooks/bot",
            &other_host,
            &other_scheme,
            &format!("{right}/"),
            &format!("{right}?shop=2"),
            "",
        ] {
            let refused = send(&gateway, "/hooks/bot", wrong, "wrong");
            assert_eq!(refused.status, 401, "{wrong}: {}", refused.text());
        }
        // What stands behind the path is signed too: a query that was added on the way isn't the sender's.
        assert_eq!(send(&gateway, "/hooks/bot?shop=2", &right, "wrong").status, 401);
        assert_eq!(gateway.events().len(), 2);
    }
}

#[test]
fn without_a_public_address_it_is_the_one_of_the_request() {
    let gateway = setup().start();
    assert_eq!(send(&gateway, "/hooks/bot", "http://gateway/hooks/bot", "a").status, 200);
    assert_eq!(send(&gateway, "/hooks/bot", &format!("{PUBLIC}/hooks/bot"), "b").status, 401);
    // A password doesn't stand in for a signature that is asked for.
    let authorization = basic("dialogflow", PASSWORD);
    let refused =
        gateway.call("POST", "/hooks/bot", &[("Authorization", &authorization)], &said("c", 7, "hello").body());
    assert_eq!(refused.status, 401);
}

#[test]
fn a_trusted_proxy_says_who_called_and_by_which_address() {
    let gateway = setup().set("TAGRELAY_TRUSTED_PROXIES", "127.0.0.0/8").alone(OWN_COUNTS).start();
    let through = |client: &str, signed_for: &str, key: &str| {
        let headers =
            [("X-Forwarded-For", client), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "hooks.example")];
        send_with(&gateway, "/hooks/bot", signed_for, key, &headers)
    };
    let right = "https://hooks.example/hooks/bot";
    assert_eq!(through("203.0.113.7", right, "a").status, 200);
    assert_eq!(through("203.0.113.7", "http://gateway/hooks/bot", "b").status, 401);
    // Each sender behind the proxy has failures of its own, whatever it puts in front of what the proxy adds.
    let statuses: Vec<u16> =
        (0..20).map(|n| through(&format!("198.51.100.{n}, 203.0.113.7"), "wrong", "c").status).collect();
    assert_eq!((statuses.first(), statuses.last()), (Some(&401), Some(&429)));
    assert_eq!(through("203.0.113.8", "wrong", "d").status, 401);
    assert_eq!(through("203.0.113.7", right, "e").status, 200, "a valid proof always passes");
    let refusals = gateway.api("/refusals");
    assert_eq!(
        (&refusals["items"][0]["peer"], &refusals["items"][1]["peer"]),
        (&"203.0.113.8".into(), &"203.0.113.7".into())
    );
    let metrics = gateway.call("GET", "/metrics", &[], b"").text();
    assert!(metrics.lines().any(|line| line == "tagrelay_addresses_waiting 1"), "{metrics}");
}

#[test]
fn nobody_else_is_believed_and_tokens_that_are_guessed_count_too() {
    let gateway = setup().set("TAGRELAY_TRUSTED_PROXIES", "192.0.2.1").alone(OWN_COUNTS).start();
    let made_up =
        [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=203.0.113.7")];
    assert_eq!(send_with(&gateway, "/hooks/bot", "http://gateway/hooks/bot", "a", &made_up).status, 200);
    let guess = |n: u32| {
        let token = format!("Bearer guess-{n}");
        let client = format!("203.0.113.{n}");
        gateway.call("GET", "/api/v1/rules", &[("Authorization", &token), ("X-Forwarded-For", &client)], b"")
    };
    assert!((0..20).all(|n| guess(n).status == 401));
    let refused = guess(20);
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (429, true), "{}", refused.text());
    assert_eq!(gateway.api("/refusals")["items"].as_array().map(Vec::len), Some(0), "the right token passes");
}

#[test]
fn allowed_addresses_are_those_of_senders() {
    let allowing = SOURCE.replace("    contact:", "    allow_ips: [203.0.113.0/24, \"2001:db8::/32\"]\n    contact:");
    let rules = format!("{allowing}{CRM}rules:\n  - id: hello\n    match: {{ intent: hello }}\n    reply: Hola\n");
    let gateway = Setup::bare(&rules).set("TAGRELAY_TRUSTED_PROXIES", "127.0.0.1").alone(OWN_COUNTS).start();
    for (client, status) in
        [("203.0.113.7", 200), ("[2001:db8::1]:4711", 200), ("203.0.113.7, 198.51.100.1", 401), ("nonsense", 401)]
    {
        let answer =
            send_with(&gateway, "/hooks/bot", "http://gateway/hooks/bot", client, &[("X-Forwarded-For", client)]);
        assert_eq!(answer.status, status, "{client}");
    }
    assert!(gateway.api("/refusals").to_string().contains("allow_ips"));
}

#[test]
fn whoever_hides_his_address_is_not_taken_for_the_proxy() {
    // Neighbours of the proxy may call, and so may the proxy itself.
    let allowing = SOURCE.replace("    contact:", "    allow_ips: [127.0.0.0/8]\n    contact:");
    let rules = format!("{allowing}{CRM}rules:\n  - id: hello\n    match: {{ intent: hello }}\n    reply: Hola\n");
    let gateway = Setup::bare(&rules).set("TAGRELAY_TRUSTED_PROXIES", "127.0.0.1").alone(OWN_COUNTS).start();
    let from = |signed_for: &str, headers: &[(&str, &str)]| {
        send_with(&gateway, "/hooks/bot", signed_for, &format!("{headers:?}"), headers).status
    };
    let right = "http://gateway/hooks/bot";
    assert_eq!(from(right, &[]), 200);
    assert_eq!(from(right, &[("X-Forwarded-For", "127.0.0.2")]), 200);
    // As nginx hands it over: its own header, and another that the sender made up.
    for made_up in ["for=1.1.1.1", "for=127.0.0.1", "nonsense", "for=\""] {
        assert_eq!(from(right, &[("X-Forwarded-For", "203.0.113.7"), ("Forwarded", made_up)]), 401, "{made_up}");
    }
    assert_eq!(from(right, &[("X-Forwarded-For", "unknown")]), 401);
    let refused = &gateway.api("/refusals")["items"][0];
    assert_eq!(refused["peer"], "127.0.0.1", "people are shown who let it be so: {refused}");
    assert!(refused["reason"].as_str().is_some_and(|reason| reason.starts_with("address_not_allowed")), "{refused}");
    // His failures are counted, and are not the proxy's.
    let hidden: Vec<u16> = (0..16).map(|_| from("wrong", &[("X-Forwarded-For", "unknown")])).collect();
    assert_eq!((hidden.first(), hidden.last()), (Some(&401), Some(&429)));
    assert_eq!(from("wrong", &[]), 401);
}
