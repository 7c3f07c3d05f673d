//! Signatures, both ways, against the senders' own libraries.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tagrelay::clock;
use tagrelay::domain::time::Timestamp;
use tagrelay::sources::Source;
use tagrelay::vault::Vault;

use super::driver::Driver;
use super::{request, source_config};

type Headers = Vec<(String, String)>;

const ID: &str = "msg_1";

/// A preset, and what its sender's library can do.
struct Scheme {
    preset: &'static str,
    /// It signs too.
    signs: bool,
    /// It takes an empty body.
    takes_empty: bool,
    /// The headers besides the signature's that are signed.
    signed: &'static [&'static str],
    /// Starts the library.
    driver: fn() -> Driver,
}

const COMPLETE: Scheme = Scheme { preset: "", signs: true, takes_empty: true, signed: &[], driver: Driver::signatures };

#[test]
fn standard_webhooks_agrees() {
    agrees(&Scheme { preset: "standard-webhooks", signed: &["webhook-id", "webhook-timestamp"], ..COMPLETE });
}

#[test]
fn svix_agrees() {
    agrees(&Scheme { preset: "svix", signed: &["svix-id", "svix-timestamp"], ..COMPLETE });
}

/// Stripe sends no empty body, and its library takes none.
#[test]
fn stripe_agrees() {
    agrees(&Scheme { preset: "stripe", takes_empty: false, ..COMPLETE });
}

/// GitHub sends no empty body, and octokit's library takes none.
#[test]
fn octokit_agrees() {
    agrees(&Scheme { preset: "github", takes_empty: false, ..COMPLETE });
}

/// LINE's library verifies and doesn't sign.
#[test]
fn line_agrees() {
    agrees(&Scheme { preset: "line", signs: false, ..COMPLETE });
}

/// Bolt verifies and doesn't sign.
#[test]
fn slack_agrees() {
    agrees(&Scheme { preset: "slack", signs: false, signed: &["x-slack-request-timestamp"], ..COMPLETE });
}

/// Viber's library verifies and doesn't sign.
#[test]
fn viber_agrees() {
    agrees(&Scheme { preset: "viber", signs: false, driver: Driver::viber, ..COMPLETE });
}

/// Their library and our source, with the same secret.
struct Both<'d> {
    preset: &'d str,
    driver: &'d RefCell<Driver>,
    secret: String,
    ours: Source,
}

impl<'d> Both<'d> {
    fn new(preset: &'d str, driver: &'d RefCell<Driver>, key: [u8; 24]) -> Self {
        use base64::Engine;
        // A key in each form: Stripe's text has `whsec_` too.
        let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(key));
        let config = source_config(&format!("[{{ hmac: {preset}, secret: {secret} }}]"));
        let ours = Source::open(&config, &Vault::new(HashMap::new(), None)).expect("the secret is a key");
        Self { preset, driver, secret, ours }
    }

    fn we_let_in(&self, headers: &Headers, body: &str) -> bool {
        self.ours.verify(request(headers, body.as_bytes())).is_ok()
    }

    fn they_let_in(&self, headers: &Headers, body: &str) -> bool {
        let by_name: Map<String, Value> = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let question =
            json!({ "op": "verify", "scheme": self.preset, "secret": self.secret, "body": body, "headers": by_name });
        let answer = self.driver.borrow_mut().ask(&question);
        answer["verified"].as_bool().unwrap_or_else(|| panic!("{answer} for {question}"))
    }

    fn we_sign(&self, body: &str, at: Timestamp) -> Headers {
        self.ours.proof(at, "", body.as_bytes(), ID).headers
    }

    fn they_sign(&self, body: &str, at: Timestamp) -> Headers {
        let seconds = at.seconds();
        let question = json!({
            "op": "sign", "scheme": self.preset, "secret": self.secret, "body": body, "id": ID, "seconds": seconds,
        });
        let answer = self.driver.borrow_mut().ask(&question);
        let headers = answer["headers"].as_object().unwrap_or_else(|| panic!("{answer} for {question}"));
        headers.iter().map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect()
    }
}

fn any_body() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just(String::new()),
        4 => any::<String>(),
        2 => "[\\r\\n\\t ]{1,20}",
        2 => "[☕🥖👩‍🍳♥ñ\u{feff}a]{1,20}",
        2 => "\\{\"name\":\"\\PC{0,20}\",\"plan\":[0-9]{1,4}\\}",
    ]
}

/// `text` with one bit changed, the first from this place on that leaves it UTF-8.
fn bit_changed(text: &str, from: usize) -> String {
    let bits = text.len() * 8;
    let flip = |bit: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit % bits / 8] ^= 1 << (bit % 8);
        String::from_utf8(bytes).ok()
    };
    (from..from + bits).find_map(flip).expect("bit 0 of an ASCII letter, or of a trailing byte")
}

/// The same headers with one bit changed in a way that no reader may overlook, once for each header that is signed or signs.
///
/// In a signature it is bit 0 of a digit that counts whole: JavaScript's base64 passes over the bits that are left over at
/// the end, and hexadecimal over case, which is another bit.
fn headers_changed(scheme: &Scheme, headers: &Headers, at: Index) -> Vec<Headers> {
    let places = headers.iter().enumerate().flat_map(|(place, (name, value))| {
        let is_signature = name.ends_with("signature") || name.starts_with("x-hub");
        let in_signature = is_signature.then(|| value.len() - 44 + at.index(36));
        // Stripe's time: `t=1767268800,...`
        let in_time = value.starts_with("t=").then_some(11);
        let last = scheme.signed.contains(&name.as_str()).then(|| value.len() - 1);
        [in_signature, in_time, last].into_iter().flatten().map(move |byte| (place, byte))
    });
    let changed = places.map(|(place, byte)| {
        let mut headers = headers.clone();
        headers[place].1 = bit_changed(&headers[place].1, byte * 8);
        headers
    });
    changed.collect()
}

fn agrees(scheme: &Scheme) {
    let driver = RefCell::new((scheme.driver)());
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let cases = (any_body(), any::<[u8; 24]>(), any::<[u8; 24]>(), any::<Index>());
    let judged = TestRunner::new(config).run(&cases, |(body, key, other_key, at)| {
        prop_assume!(key != other_key && (scheme.takes_empty || !body.is_empty()));
        let both = Both::new(scheme.preset, &driver, key);
        let other = Both::new(scheme.preset, &driver, other_key);
        let now = clock::now();
        let mut signed = vec![both.we_sign(&body, now)];
        if scheme.signs {
            signed.push(both.they_sign(&body, now));
        }
        for headers in signed {
            prop_assert!(both.we_let_in(&headers, &body), "we refuse {headers:?}");
            prop_assert!(both.they_let_in(&headers, &body), "they refuse {headers:?}");
            prop_assert!(!other.we_let_in(&headers, &body), "we take another secret");
            prop_assert!(!other.they_let_in(&headers, &body), "they take another secret");
            if !body.is_empty() {
                let changed = bit_changed(&body, at.index(body.len() * 8));
                prop_assert!(!both.we_let_in(&headers, &changed), "we take {changed:?}");
                prop_assert!(!both.they_let_in(&headers, &changed), "they take {changed:?}");
            }
            let all_changed = headers_changed(scheme, &headers, at);
            prop_assert!(!all_changed.is_empty());
            for changed in all_changed {
                prop_assert!(!both.we_let_in(&changed, &body), "we take {changed:?} for {headers:?}");
                prop_assert!(!both.they_let_in(&changed, &body), "they take {changed:?} for {headers:?}");
            }
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{}: {error}", scheme.preset));
}
