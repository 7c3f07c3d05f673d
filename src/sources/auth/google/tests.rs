//! Tokens that we sign ourselves, each wrong in one way, against a set of keys of our own.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::keys::BadKeySet;
use super::*;
use crate::domain::secret::{Secret, SecretRef};

/// 2026-01-01T12:00:00Z
const NOW: Timestamp = Timestamp(1_767_268_800_000);
const AUDIENCE: &str = "https://hooks.panaderia.example/hooks/bot";
const EMAIL: &str = "service-17@gcp-sa-dialogflow.iam.gserviceaccount.com";

/// Two keys that sign nothing but these tests.
const KEYS: [&[u8]; 2] = [
    include_bytes!("../../../../tests/fixtures/google/one.pk8"),
    include_bytes!("../../../../tests/fixtures/google/two.pk8"),
];

fn pair(which: usize) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(KEYS[which]).expect("a key")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(which: usize, header: &Value, claims: &Value) -> String {
    let content = format!("{}.{}", part(header), part(claims));
    let pair = pair(which);
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut signature).expect("signs");
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "one", "typ": "JWT" })
}

fn claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": EMAIL, "email_verified": true, "sub": "17",
        "iat": NOW.seconds() - 10, "exp": NOW.seconds() + 3590,
    })
}

/// The claims with one of them otherwise; `null` takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("a mapping").remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn jwk(which: usize, id: &str) -> Value {
    let pair = pair(which);
    let numbers: ring::rsa::PublicKeyComponents<Vec<u8>> = pair.public_key().into();
    let [n, e] = [numbers.n, numbers.e].map(|number| URL_SAFE_NO_PAD.encode(number));
    json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": n, "e": e })
}

fn set(keys: &[Value]) -> KeySet {
    let body = json!({ "keys": keys }).to_string();
    KeySet::parse(body.as_bytes(), Some(Duration::from_hours(6)), NOW).expect("a set")
}

fn tokens() -> GoogleTokens {
    let literal = |text: &str| SecretRef::Literal(Secret::new(text));
    let config = GoogleIdToken {
        audiences: vec![literal("another"), literal(AUDIENCE)],
        emails: vec![literal(EMAIL)],
        keys_url: None,
        allow_private: false,
    };
    GoogleTokens::open(&config, &Vault::new(HashMap::new(), None)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn ready() -> GoogleTokens {
    let tokens = tokens();
    tokens.keys().put(set(&[jwk(0, "one")]));
    tokens
}

#[test]
fn a_token_of_the_service_agent_lets_in_and_any_other_says_why_not() {
    let tokens = ready();
    assert_eq!(tokens.verify(&signed(0, &header(), &claims()), NOW), Ok(()));
    for (name, value, expected) in [
        ("iss", json!("accounts.google.com"), Ok(())),
        ("iss", json!("https://accounts.google.com.evil.example"), Err(Refusal::OtherIssuer)),
        ("aud", json!(["x", AUDIENCE]), Ok(())),
        ("aud", json!("https://hooks.panaderia.example/hooks/other"), Err(Refusal::OtherAudience)),
        ("aud", json!([]), Err(Refusal::OtherAudience)),
        ("aud", json!(7), Err(Refusal::MalformedToken)),
        ("email", json!("service-18@gcp-sa-dialogflow.iam.gserviceaccount.com"), Err(Refusal::OtherEmail)),
        ("email", Value::Null, Err(Refusal::OtherEmail)),
        ("email_verified", json!("true"), Ok(())),
        ("email_verified", json!(false), Err(Refusal::OtherEmail)),
        ("email_verified", Value::Null, Err(Refusal::OtherEmail)),
        ("exp", json!(NOW.seconds() - 59), Ok(())),
        ("exp", json!(NOW.seconds() - 60), Err(Refusal::TimestampTooOld)),
        ("exp", Value::Null, Err(Refusal::MalformedToken)),
        ("exp", json!(-1e300), Err(Refusal::TimestampTooOld)),
        ("iat", json!(NOW.seconds() + 60), Ok(())),
        ("iat", json!(NOW.seconds() + 61), Err(Refusal::TimestampTooEarly)),
        ("iat", json!(1e300), Err(Refusal::TimestampTooEarly)),
        ("nbf", json!(NOW.seconds() + 61), Err(Refusal::TimestampTooEarly)),
    ] {
        assert_eq!(tokens.verify(&signed(0, &header(), &with(name, value.clone())), NOW), expected, "{name} {value}");
    }
}

#[test]
fn the_token_does_not_choose_how_it_is_verified() {
    use hmac::{Hmac, KeyInit, Mac};
    let tokens = ready();
    for (alg, expected) in
        [("none", Refusal::OtherAlgorithm), ("HS256", Refusal::OtherAlgorithm), ("RS512", Refusal::OtherAlgorithm)]
    {
        let content = format!("{}.{}", part(&json!({ "alg": alg, "kid": "one" })), part(&claims()));
        // What somebody would sign who takes the public key for a secret.
        let public = pair(0).public_key().as_ref().to_vec();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&public).expect("a key of any length");
        mac.update(content.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        for token in [format!("{content}."), format!("{content}.{signature}")] {
            assert_eq!(tokens.verify(&token, NOW), Err(expected), "{alg}");
        }
    }
    let critical = json!({ "alg": "RS256", "kid": "one", "crit": ["b64"], "b64": false });
    assert_eq!(tokens.verify(&signed(0, &critical, &claims()), NOW), Err(Refusal::OtherAlgorithm));
    assert_eq!(tokens.verify(&signed(1, &header(), &claims()), NOW), Err(Refusal::NoSecretMatches), "another's key");
    let nobody = json!({ "alg": "RS256" });
    assert_eq!(tokens.verify(&signed(0, &nobody, &claims()), NOW), Err(Refusal::MalformedToken));
}

#[test]
fn one_changed_bit_anywhere_refuses() {
    let tokens = ready();
    let token = signed(0, &header(), &claims());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        // The last letter of a Base64 text may hold bits that belong to no byte; those are refused as well.
        assert!(tokens.verify(&changed, NOW).is_err(), "byte {at}");
    }
    for token in ["", ".", "..", "...", "a.b.c", "é.é.é", &"x".repeat(10_000)] {
        assert_eq!(tokens.verify(token, NOW), Err(Refusal::MalformedToken), "{token:.9}");
    }
}

#[test]
fn keys_are_believed_for_their_time_and_an_hour_more() {
    let tokens = tokens();
    let token = |key: &str, at: Timestamp| {
        let mut claims = with("exp", json!(at.seconds() + 60));
        claims["iat"] = json!(at.seconds());
        signed(0, &json!({ "alg": "RS256", "kid": key }), &claims)
    };
    let verify = |key: &str, hours: i64| {
        let at = NOW.plus_millis(hours * 3_600_000);
        tokens.verify(&token(key, at), at)
    };
    assert_eq!(verify("one", 0), Err(Refusal::UnknownKey), "there is none yet");
    assert!(!tokens.keys().is_due(NOW), "a request that needs one asks for it");
    tokens.keys().put(set(&[jwk(0, "one"), json!({ "kty": "EC", "kid": "two", "crv": "P-256" })]));
    let due = |hours: i64| tokens.keys().is_due(NOW.plus_millis(hours * 3_600_000));
    assert_eq!((verify("one", 0), verify("one", 5), due(5)), (Ok(()), Ok(()), false));
    assert_eq!((verify("one", 6), due(6)), (Ok(()), true), "past its time it is believed while it is asked for");
    assert_eq!((verify("one", 7), due(7)), (Err(Refusal::UnknownKey), false));
    assert_eq!(verify("two", 0), Err(Refusal::UnknownKey), "a key of another kind is none");
    // Rotated: the new one is known, the old one isn't.
    tokens.keys().put(set(&[jwk(0, "three")]));
    assert_eq!((verify("three", 0), verify("one", 0)), (Ok(()), Err(Refusal::UnknownKey)));
    for bad in ["", "[]", "{}", r#"{"keys":7}"#] {
        assert_eq!(KeySet::parse(bad.as_bytes(), None, NOW).err(), Some(BadKeySet::Form), "{bad}");
    }
    assert_eq!(KeySet::parse(br#"{"keys":[{"kty":"RSA"}]}"#, None, NOW).err(), Some(BadKeySet::NoKey));
}

#[test]
fn keys_of_a_set_before_are_kept_where_they_come_from_the_same_place() {
    let before = ready();
    let mut after = tokens();
    after.keep_keys_of(&before);
    assert_eq!(after.verify(&signed(0, &header(), &claims()), NOW), Ok(()));
    for (url, allow_private, opens) in [
        ("https://keys.example.com", false, true),
        ("http://127.0.0.1:1/certs", true, true),
        ("http://127.0.0.1:1/certs", false, false),
        ("file:///etc/passwd", true, false),
        ("é", true, false),
    ] {
        assert_eq!(KeyStore::new(url.to_owned(), allow_private).is_ok(), opens, "{url}");
    }
}
