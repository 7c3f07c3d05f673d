//! One changed bit anywhere, in the body, a header that counts or the address, is refused.

use super::*;
use crate::domain::kind::OwnProof;
use crate::domain::scheme::Preset;

const SECRET: &str = "levadura-42";

fn own_proof(kind: SourceKind) -> AuthConfig {
    match kind.traits().proof {
        OwnProof::Signature(preset) => AuthConfig::Hmac {
            scheme: Preset::named(preset).expect("a preset").scheme(),
            secrets: vec![literal(SECRET)],
        },
        OwnProof::Header(name) => AuthConfig::Header { name: name.to_owned(), value: literal(SECRET) },
        OwnProof::None => panic!("{kind:?} proves nothing"),
    }
}

/// A fixture with the proof that its vendor would send.
fn signed(source: &Source, fixture: &Fixture) -> Sent {
    let mut sent = fixture.sent();
    let proof = source.proof(NOW, &sent.url, &fixture.body, "msg_1");
    // An id that isn't signed proves nothing.
    sent.headers.extend(proof.headers.into_iter().filter(|(name, _)| name != "i-twilio-idempotency-token"));
    sent.url.extend(proof.query.into_iter().map(|(name, value)| format!("?{name}={value}")));
    sent
}

fn flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}

#[test]
fn any_changed_bit_refuses() {
    let kinds = [SourceKind::Meta, SourceKind::Line, SourceKind::Viber, SourceKind::Slack, SourceKind::Twilio];
    for kind in kinds {
        let source = source(vec![own_proof(kind)]);
        // Every fixture would be the same again, hundreds of thousands of times.
        for fixture in Fixture::all(kind).iter().step_by(4) {
            let mut sent = signed(&source, fixture);
            assert_eq!(sent.verify(&source), Ok(()), "{kind:?}, {}", fixture.name);
            for bit in (0..sent.body.len() * 8).step_by(3) {
                sent.body[bit / 8] ^= 1 << (bit % 8);
                let same = kind == SourceKind::Twilio
                    && sent.body.eq_ignore_ascii_case(&fixture.body)
                    && is_escape(&sent.body, bit / 8);
                assert_eq!(sent.verify(&source).is_ok(), same, "{kind:?}, {}, bit {bit} of the body", fixture.name);
                sent.body[bit / 8] ^= 1 << (bit % 8);
            }
            headers_refuse(kind, &source, &mut sent, &fixture.name);
        }
    }
}

/// Whether a letter is one of an escape's two, which mean the same in either case.
fn is_escape(body: &[u8], at: usize) -> bool {
    let is_percent = |back: usize| at.checked_sub(back).and_then(|at| body.get(at)) == Some(&b'%');
    is_percent(1) || is_percent(2)
}

fn headers_refuse(kind: SourceKind, source: &Source, sent: &mut Sent, name: &str) {
    for at in 0..sent.headers.len() {
        let (header, value) = sent.headers[at].clone();
        for bit in (0..value.len() * 8).filter(|_| header != "content-type") {
            let Some(changed) = flipped(&value, bit) else { continue };
            let is_hex = !matches!(kind, SourceKind::Line | SourceKind::Twilio);
            // The digits of a hexadecimal signature are read in either case.
            if is_hex && changed.eq_ignore_ascii_case(&value) && bit / 8 >= value.find('=').unwrap_or(0) {
                continue;
            }
            sent.headers[at].1 = changed;
            assert!(sent.verify(source).is_err(), "{kind:?}, {name}, bit {bit} of {header}");
        }
        sent.headers[at].1 = value;
    }
}

#[test]
fn any_changed_bit_of_twilios_address_refuses() {
    let source = source(vec![own_proof(SourceKind::Twilio)]);
    for fixture in Fixture::all(SourceKind::Twilio) {
        let sent = signed(&source, &fixture);
        for bit in 0..sent.url.len() * 8 {
            let Some(url) = flipped(&sent.url, bit) else { continue };
            let changed =
                Sent { url, body: sent.body.clone(), headers: sent.headers.clone(), query: String::new(), at: sent.at };
            assert!(changed.verify(&source).is_err(), "{}, bit {bit}", fixture.name);
        }
    }
}

#[test]
fn twilio_may_have_signed_the_port_or_not() {
    let source = source(vec![own_proof(SourceKind::Twilio)]);
    for (signed, seen) in [
        ("https://a.example/x?y=1", "https://a.example:443/x?y=1"),
        ("https://a.example:8443/x", "https://a.example/x"),
    ] {
        for (signed, seen) in [(signed, seen), (seen, signed)] {
            let mut sent = Sent::new(b"Body=pan&From=%2B1").header("content-type", "application/x-www-form-urlencoded");
            sent.headers.extend(source.proof(NOW, signed, &sent.body, "m").headers);
            sent.url = seen.to_owned();
            let expected = if signed.contains(":8443") { Err(Refusal::NoSecretMatches) } else { Ok(()) };
            assert_eq!(sent.verify(&source), expected, "signed {signed}, seen {seen}");
        }
    }
}

#[test]
fn a_form_of_too_many_fields_is_refused_before_it_is_sorted() {
    let source = source(vec![own_proof(SourceKind::Twilio)]);
    for (fields, expected) in [(10_000, Ok(())), (10_001, Err(Refusal::TooManyFields))] {
        let body = "a=&".repeat(fields);
        let mut sent = Sent::new(body.as_bytes()).header("content-type", "application/x-www-form-urlencoded");
        sent.headers.extend(source.proof(NOW, &sent.url, &sent.body, "m").headers);
        assert_eq!(sent.verify(&source), expected, "{fields}");
    }
}

#[test]
fn telegrams_header_must_be_the_secret() {
    let source = source(vec![own_proof(SourceKind::Telegram)]);
    let name = "x-telegram-bot-api-secret-token";
    assert_eq!(source.proof(NOW, "", b"{}", "m").headers, [(name.to_owned(), SECRET.to_owned())]);
    assert_eq!(Sent::new(b"{}").header(name, SECRET).verify(&source), Ok(()));
    assert_eq!(Sent::new(b"{}").verify(&source), Err(Refusal::MissingHeader));
    for bit in 0..SECRET.len() * 8 {
        let Some(changed) = flipped(SECRET, bit) else { continue };
        assert_eq!(Sent::new(b"{}").header(name, &changed).verify(&source), Err(Refusal::NoSecretMatches), "bit {bit}");
    }
}
