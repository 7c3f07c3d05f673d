//! Behind a proxy: a signature over the address is over the one that the sender called.

use crate::support::body::{basic, said};
use crate::support::gateway::{CRM, Gateway, PASSWORD, SIGNING_SECRET, Setup};
use crate::support::http::Answer;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

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
    let body = said(key, 7, "hello").body();
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed_for.as_bytes());
    mac.update(b"|");
    mac.update(&body);
    let signature = hex::encode(mac.finalize().into_bytes());
    let headers = [("X-Signature", signature.as_str()), ("Content-Type", "application/json")];
    gateway.call("POST", path, &headers, &body)
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
