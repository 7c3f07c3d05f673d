//! Vectors of known schemes: our own, and those that the schemes' own projects publish.

use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::domain::duration::parse_duration;
use crate::domain::scheme::{Algorithm, Encoding, HmacScheme, KeyForm, Preset, header_names};

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// A scheme as a rule file spells it out.
fn spelt_out(knobs: &Value) -> HmacScheme {
    let owned = |key: &str| text(knobs, key).map(str::to_owned);
    HmacScheme {
        header: owned("header").expect("a header"),
        algorithm: match text(knobs, "algorithm") {
            Some("sha1") => Algorithm::Sha1,
            Some("sha512") => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        },
        encoding: if text(knobs, "encoding") == Some("base64") { Encoding::Base64 } else { Encoding::Hex },
        value: owned("value").expect("a value"),
        signed: owned("signed").expect("what is signed"),
        timestamp_header: owned("timestamp_header"),
        id_header: owned("id_header"),
        tolerance: text(knobs, "tolerance").and_then(parse_duration),
        key: KeyForm::Text,
    }
}

fn signed_by(scheme: HmacScheme, secret: &str) -> Source {
    source(vec![AuthConfig::Hmac { scheme, secrets: vec![literal(secret)] }])
}

fn sent(vector: &Value) -> Sent {
    let mut sent = Sent::new(text(vector, "body").unwrap_or_default().as_bytes());
    let headers = vector.get("headers").and_then(Value::as_object).expect("headers");
    for (name, value) in headers {
        sent = sent.header(&name.to_lowercase(), value.as_str().expect("a text"));
    }
    sent.url = text(vector, "url").unwrap_or(&sent.url).to_owned();
    sent.at = text(vector, "at").map_or(NOW, |at| Timestamp::parse(at).expect("a time"));
    sent
}

/// A signed request.
struct Vector {
    name: String,
    scheme: HmacScheme,
    secret: String,
    sent: Sent,
    /// It must not be let in.
    refused: bool,
}

impl Vector {
    fn source(&self) -> Source {
        signed_by(self.scheme.clone(), &self.secret)
    }
}

fn read_vectors() -> Vec<Value> {
    let file = std::fs::read(fixtures().join("signatures.json")).expect("the vectors");
    serde_json::from_slice(&file).expect("JSON")
}

fn vectors() -> Vec<Vector> {
    let row = |vector: Value| {
        let scheme = match text(&vector, "preset") {
            Some(preset) => Preset::named(preset).expect("a preset").scheme(),
            None => spelt_out(&vector["knobs"]),
        };
        let own = |key: &str| text(&vector, key).expect("a text").to_owned();
        let refused = vector["refused"].as_bool().unwrap_or_default();
        Vector { name: own("scheme"), scheme, secret: own("secret"), sent: sent(&vector), refused }
    };
    read_vectors().into_iter().map(row).collect()
}

fn good_vectors() -> impl Iterator<Item = Vector> {
    vectors().into_iter().filter(|vector| !vector.refused)
}

#[test]
fn every_vector_is_judged_as_it_says() {
    for vector in vectors() {
        let expected = if vector.refused { Err(Refusal::NoSecretMatches) } else { Ok(()) };
        assert_eq!(vector.sent.verify(&vector.source()), expected, "{}", vector.name);
        let other = signed_by(HmacScheme { key: KeyForm::Text, ..vector.scheme }, "otra");
        assert_eq!(vector.sent.verify(&other), Err(Refusal::NoSecretMatches), "{}", vector.name);
    }
}

#[test]
fn one_changed_bit_in_the_body_refuses() {
    for mut vector in good_vectors()
        .filter(|vector| vector.scheme.signed.contains("{body}") || vector.scheme.signed.contains("{form}"))
    {
        let source = vector.source();
        let form = |body: &[u8]| Fields::parse_query(&String::from_utf8_lossy(body)).to_query();
        let before = form(&vector.sent.body);
        for bit in 0..vector.sent.body.len() * 8 {
            vector.sent.body[bit / 8] ^= 1 << (bit % 8);
            // An escape of a form means the same in either case.
            if vector.scheme.signed.contains("{form}") && form(&vector.sent.body) == before {
                vector.sent.body[bit / 8] ^= 1 << (bit % 8);
                continue;
            }
            assert_eq!(vector.sent.verify(&source), Err(Refusal::NoSecretMatches), "{}, bit {bit}", vector.name);
            vector.sent.body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// What a scheme reads in a header, if anything.
#[derive(Debug, PartialEq)]
enum Role {
    Signature,
    Timestamp,
    SignedId,
    Nothing,
}

fn role(scheme: &HmacScheme, header: &str) -> Role {
    let is = |knob: &str| header_names(knob).any(|name| name == header);
    if is(&scheme.header) {
        return Role::Signature;
    }
    if scheme.timestamp_header.as_deref().is_some_and(is) {
        return Role::Timestamp;
    }
    // An id that isn't signed proves nothing.
    let signed_id = scheme.signed.contains("{id}") && scheme.id_header.as_deref().is_some_and(is);
    if signed_id { Role::SignedId } else { Role::Nothing }
}

/// Bit 7 is left alone: what isn't UTF-8 never becomes a header here.
#[test]
fn one_changed_bit_in_a_header_that_counts_refuses() {
    for Vector { name, scheme, secret, mut sent, .. } in good_vectors() {
        let source = signed_by(scheme.clone(), &secret);
        for at in 0..sent.headers.len() {
            let (header, value) = sent.headers[at].clone();
            // Of several signatures one is enough.
            let counts = role(&scheme, &header) != Role::Nothing && !value.contains("v1=00") && !value.contains("v1a,");
            for bit in (0..value.len() * 8).filter(|bit| counts && bit % 8 != 7) {
                let mut bytes = value.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let changed = String::from_utf8(bytes).expect("ASCII");
                // Hexadecimal is read in either case.
                if scheme.encoding == Encoding::Hex && changed.eq_ignore_ascii_case(&value) {
                    continue;
                }
                sent.headers[at].1 = changed;
                assert!(sent.verify(&source).is_err(), "{name}, {header}, bit {bit}");
            }
            sent.headers[at].1 = value;
        }
    }
}

#[test]
fn every_header_that_counts_is_missed() {
    for Vector { name, scheme, secret, mut sent, .. } in good_vectors() {
        let source = signed_by(scheme.clone(), &secret);
        for at in 0..sent.headers.len() {
            let (header, value) = sent.headers.remove(at);
            let expected = match role(&scheme, &header) {
                Role::Signature => Err(Refusal::MissingSignature),
                Role::Timestamp => Err(Refusal::MissingTimestamp),
                Role::SignedId => Err(Refusal::MissingId),
                Role::Nothing => Ok(()),
            };
            assert_eq!(sent.verify(&source), expected, "{name} without {header}");
            sent.headers.insert(at, (header, value));
        }
    }
}

#[test]
fn old_and_early_signatures_are_refused_where_time_counts() {
    for Vector { name, scheme, secret, mut sent, .. } in good_vectors() {
        let source = signed_by(scheme.clone(), &secret);
        let signed_at = sent.at;
        for (seconds, expected) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(Refusal::TimestampTooOld)),
            (-301, Err(Refusal::TimestampTooEarly)),
        ] {
            sent.at = signed_at.plus_millis(seconds * 1000);
            let expected = if scheme.tolerance == Some(Duration::from_mins(5)) { expected } else { Ok(()) };
            assert_eq!(sent.verify(&source), expected, "{name} after {seconds} s");
        }
    }
}

#[test]
fn a_time_that_nobody_can_read_is_refused() {
    let standard = Preset::named("standard-webhooks").expect("a preset").scheme();
    let source = signed_by(standard, "whsec_AAAA");
    let sent = Sent::new(b"{}")
        .header("webhook-id", "m")
        .header("webhook-timestamp", "mañana")
        .header("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_eq!(sent.verify(&source), Err(Refusal::UnreadableTimestamp));
}

/// The collection that the public vectors are from may grow; what no template can say is named here.
#[test]
fn every_public_vector_at_hand_is_among_ours() {
    let Some(file) = original("signed_vectors.json") else { return };
    let originals: Vec<Value> = serde_json::from_slice(&file).expect("JSON");
    let ours = read_vectors();
    for vector in &originals {
        let same = |our: &&Value| {
            let headers = sent(our).headers == sent(vector).headers;
            // The fields of a form stand there as a mapping.
            let body = vector.get("form").is_some() || our["body"] == vector["body"];
            headers && our["secret"] == vector["secret"] && body
        };
        assert!(ours.iter().any(|our| same(&our)), "{} is new: add it to the fixture", vector["scheme"]);
    }
}
