//! Identity tokens, both ways, against Google's own library: what it signs we let in, and of each that is wrong both say so.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{KeyPair, RsaKeyPair};
use serde_json::{Value, json};
use tagrelay::clock;
use tagrelay::sources::{KeySet, Source};
use tagrelay::vault::Vault;

use super::driver::Driver;
use super::{request, source_config};

const AUDIENCE: &str = "https://hooks.panaderia.example/hooks/bot";
const EMAIL: &str = "service-17@gcp-sa-dialogflow.iam.gserviceaccount.com";
const KEYS: [&[u8]; 2] = [include_bytes!("../fixtures/google/one.pk8"), include_bytes!("../fixtures/google/two.pk8")];

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).filter_map(|at| text.get(at..text.len().min(at + 64))).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

fn pair(which: usize) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(KEYS[which]).expect("a key")
}

fn public(which: usize) -> String {
    pem("RSA PUBLIC KEY", pair(which).public_key().as_ref())
}

/// A source that knows the first key as `one`.
fn source() -> Source {
    let auth = format!("[{{ google_id_token: {{ audience: \"{AUDIENCE}\", email: {EMAIL} }} }}]");
    let source = Source::open(&source_config(&auth), &Vault::new(std::collections::HashMap::new(), None));
    let source = source.unwrap_or_else(|faults| panic!("{faults:?}"));
    let numbers: ring::rsa::PublicKeyComponents<Vec<u8>> = pair(0).public_key().into();
    let [n, e] = [numbers.n, numbers.e].map(|number| URL_SAFE_NO_PAD.encode(number));
    let set = json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": n, "e": e }] });
    let set = KeySet::parse(set.to_string().as_bytes(), None, clock::now()).expect("a set");
    source.keys().next().expect("a place for keys").put(set);
    source
}

#[test]
fn googles_library_and_ours_agree_on_each_token() {
    let mut library = Driver::google();
    let source = source();
    let now = clock::now().seconds();
    let keys = json!({ "one": public(0) });
    let secret = |which: usize| pem("PRIVATE KEY", KEYS[which]);
    let with = |name: &str, value: Value| {
        let mut claims = json!({
            "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": EMAIL, "email_verified": true,
            "iat": now - 10, "exp": now + 3590, "sub": "117",
        });
        claims[name] = value;
        claims
    };
    let as_it_is = || with("sub", json!("117"));
    let header = |alg: &str, id: &str| json!({ "alg": alg, "kid": id, "typ": "JWT" });
    for (name, header, claims, key, expected) in [
        ("as it is", header("RS256", "one"), as_it_is(), secret(0), true),
        ("the other issuer", header("RS256", "one"), with("iss", json!("accounts.google.com")), secret(0), true),
        (
            "somebody else's issuer",
            header("RS256", "one"),
            with("iss", json!("https://evil.example")),
            secret(0),
            false,
        ),
        ("another audience", header("RS256", "one"), with("aud", json!("https://other.example")), secret(0), false),
        ("expired", header("RS256", "one"), with("exp", json!(now - 3600)), secret(0), false),
        ("from the future", header("RS256", "one"), with("iat", json!(now + 3600)), secret(0), false),
        ("without an end", header("RS256", "one"), with("exp", Value::Null), secret(0), false),
        ("another key", header("RS256", "one"), as_it_is(), secret(1), false),
        ("an unknown key", header("RS256", "two"), as_it_is(), secret(1), false),
        ("another algorithm", header("RS512", "one"), as_it_is(), secret(0), false),
        ("the public key for a secret", header("HS256", "one"), as_it_is(), public(0), false),
        ("none", header("none", "one"), as_it_is(), String::new(), false),
    ] {
        let signed = library.ask(&json!({ "op": "sign", "header": header, "claims": claims, "key": key }));
        let token = signed["token"].as_str().unwrap_or_else(|| panic!("{name}: {signed}")).to_owned();
        let theirs = library.ask(&json!({ "op": "verify", "token": token, "keys": keys, "audience": AUDIENCE }));
        assert_eq!(theirs["verified"], expected, "{name}: {theirs}");
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        let ours = source.verify(request(&headers, b"{}"));
        assert_eq!(ours.is_ok(), expected, "{name}: {:?}", ours.err());
    }
}
