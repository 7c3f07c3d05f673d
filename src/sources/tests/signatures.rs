//! Vectors of known schemes: our own, and the originals where they are at hand.

use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::domain::duration::parse_duration;
use crate::domain::scheme::{Algorithm, Encoding, HmacScheme, KeyForm, Preset};

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

fn sent(vector: &Value, at: Timestamp) -> Sent {
    let mut sent = Sent::new(text(vector, "body").unwrap_or_default().as_bytes());
    let headers = vector.get("headers").and_then(Value::as_object).expect("headers");
    for (name, value) in headers {
        sent = sent.header(&name.to_lowercase(), value.as_str().expect("a text"));
    }
    sent.url = text(vector, "url").unwrap_or(&sent.url).to_owned();
    sent.at = at;
    sent
}

fn own_vectors() -> Vec<(String, HmacScheme, String, Sent)> {
    let file = std::fs::read(fixtures().join("signatures.json")).expect("the vectors");
    let vectors: Vec<Value> = serde_json::from_slice(&file).expect("JSON");
    let row = |vector: &Value| {
        let scheme = match text(vector, "preset") {
            Some(preset) => Preset::named(preset).expect("a preset").scheme(),
            None => spelt_out(&vector["knobs"]),
        };
        let own = |key: &str| text(vector, key).expect("a text").to_owned();
        (own("scheme"), scheme, own("secret"), sent(vector, NOW))
    };
    vectors.iter().map(row).collect()
}

#[test]
fn every_vector_of_ours_is_let_in() {
    for (name, scheme, secret, sent) in own_vectors() {
        assert_eq!(sent.verify(&signed_by(scheme.clone(), &secret)), Ok(()), "{name}");
        let other = signed_by(HmacScheme { key: KeyForm::Text, ..scheme }, "otra");
        assert_eq!(sent.verify(&other), Err(Refusal::NoSecretMatches), "{name}");
    }
}

#[test]
fn one_changed_bit_in_the_body_refuses() {
    for (name, scheme, secret, mut sent) in own_vectors() {
        let source = signed_by(scheme, &secret);
        for bit in 0..sent.body.len() * 8 {
            sent.body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches), "{name}, bit {bit}");
            sent.body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Bit 7 is left alone: what isn't UTF-8 never becomes a header here.
#[test]
fn one_changed_bit_in_a_header_that_counts_refuses() {
    for (name, scheme, secret, sent) in own_vectors() {
        let source = signed_by(scheme.clone(), &secret);
        for at in 0..sent.headers.len() {
            let (header, value) = sent.headers[at].clone();
            // An id that isn't signed proves nothing, and of several signatures one is enough.
            let counts = header != "x-github-delivery" && !value.contains("v1=00") && !value.contains("v1a,");
            for bit in (0..value.len() * 8).filter(|bit| counts && bit % 8 != 7) {
                let mut bytes = value.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let changed = String::from_utf8(bytes).expect("ASCII");
                // Hexadecimal is read in either case.
                if scheme.encoding == Encoding::Hex && changed.eq_ignore_ascii_case(&value) {
                    continue;
                }
                let mut sent = Sent { headers: sent.headers.clone(), ..Sent::new(&sent.body) };
                sent.headers[at].1 = changed;
                assert!(sent.verify(&source).is_err(), "{name}, {header}, bit {bit}");
            }
        }
    }
}

#[test]
fn every_header_that_counts_is_missed() {
    for (name, scheme, secret, sent) in own_vectors() {
        let source = signed_by(scheme, &secret);
        for at in 0..sent.headers.len() {
            let mut headers = sent.headers.clone();
            let (header, _) = headers.remove(at);
            let expected = match header.as_str() {
                "webhook-id" | "x-id" => Err(Refusal::MissingId),
                "x-github-delivery" => Ok(()),
                header if header.contains("timestamp") => Err(Refusal::MissingTimestamp),
                _ => Err(Refusal::MissingSignature),
            };
            let url = sent.url.clone();
            let sent = Sent { headers, url, ..Sent::new(&sent.body) };
            assert_eq!(sent.verify(&source), expected, "{name} without {header}");
        }
    }
}

#[test]
fn old_and_early_signatures_are_refused_where_time_counts() {
    for (name, scheme, secret, mut sent) in own_vectors() {
        let source = signed_by(scheme.clone(), &secret);
        for (seconds, expected) in [
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(Refusal::TimestampTooOld)),
            (-301, Err(Refusal::TimestampTooEarly)),
        ] {
            sent.at = NOW.plus_millis(seconds * 1000);
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

/// The originals, by the words of their file; schemes without a preset are spelt out.
fn original_scheme(name: &str) -> Option<HmacScheme> {
    let plain = |header: &str, encoding: &str, value: &str, signed: &str| {
        let knobs = serde_json::json!({ "header": header, "encoding": encoding, "value": value, "signed": signed });
        spelt_out(&knobs)
    };
    let tolerance = Some(Duration::from_mins(5));
    Some(match name {
        "standard-webhooks-v1" => Preset::named("standard-webhooks")?.scheme(),
        "github" | "github-unicode" => Preset::named("github")?.scheme(),
        "slack-v0" => HmacScheme {
            timestamp_header: Some("x-slack-request-timestamp".into()),
            tolerance,
            ..plain("x-slack-signature", "hex", "v0={signature}", "v0:{timestamp}:{body}")
        },
        "line" => plain("x-line-signature", "base64", "{signature}", "{body}"),
        "viber" => plain("x-viber-content-signature", "hex", "{signature}", "{body}"),
        "respond.io" => plain("x-webhook-signature", "base64", "{signature}", "{body}"),
        "zendesk (older doc example)" => HmacScheme {
            timestamp_header: Some("x-zendesk-webhook-signature-timestamp".into()),
            tolerance,
            ..plain("x-zendesk-webhook-signature", "base64", "{signature}", "{body}{timestamp}")
        },
        "twilio-json-bodySHA256" => {
            HmacScheme { algorithm: Algorithm::Sha1, ..plain("x-twilio-signature", "base64", "{signature}", "{url}") }
        }
        // Sorted form fields are no template.
        "twilio-form" => return None,
        other => panic!("{other} is a new vector: spell it out"),
    })
}

#[test]
fn every_original_vector_is_let_in() {
    let Some(file) = original("signed_vectors.json") else { return };
    let vectors: Vec<Value> = serde_json::from_slice(&file).expect("JSON");
    for vector in &vectors {
        let name = text(vector, "scheme").expect("a name");
        let Some(scheme) = original_scheme(name) else { continue };
        let at = match name {
            "standard-webhooks-v1" => Timestamp(1_649_367_553_000),
            "slack-v0" => Timestamp(1_531_420_618_000),
            "zendesk (older doc example)" => Timestamp::parse("2021-07-25T10:00:00Z").expect("a time"),
            _ => NOW,
        };
        let mut sent = sent(vector, at);
        let source = signed_by(scheme.clone(), text(vector, "secret").expect("a secret"));
        if name == "github-unicode" {
            assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches), "only the raw bytes count");
            sent.body = text(vector, "body").expect("a body").replace("\\u001b", "\\u001B").into_bytes();
        }
        assert_eq!(sent.verify(&source), Ok(()), "{name}");
        if scheme.signed.contains("{body}") {
            sent.body[0] ^= 1;
            assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches), "{name}");
        }
    }
}
