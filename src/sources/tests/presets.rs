//! Every preset: what we sign is let in, and a change to any bit that means something isn't.

use proptest::prelude::*;

use super::*;
use crate::domain::scheme::{Encoding, HmacScheme, KeyForm, PRESETS, Preset, header_names};

fn open(preset: &Preset, secret: &str) -> Option<Source> {
    let auth = vec![AuthConfig::Hmac { scheme: preset.scheme(), secrets: vec![literal(secret)] }];
    Source::open(&config(auth), &Vault::new(HashMap::new(), None)).ok()
}

/// A secret of the preset's form. Base64 of 24 bytes has neither padding nor bits left over, so each of its bits counts.
fn secret(preset: &Preset, key: [u8; 24]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    match preset.scheme().key {
        KeyForm::Whsec => format!("whsec_{text}"),
        KeyForm::Text | KeyForm::Base64 => text,
    }
}

/// Where a bit is changed.
#[derive(Debug, Clone, Copy)]
enum Place {
    Body,
    /// The header at this place.
    Header(usize),
    Secret,
}

/// `text` with one bit changed; `None` where it is no longer UTF-8, which never becomes a header or a secret.
fn flipped(text: &str, bit: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    String::from_utf8(bytes).ok()
}

/// Whether a header's text still means the same to the scheme: hexadecimal in the other case, or an id that isn't signed.
fn means_the_same(scheme: &HmacScheme, header: &str, old: &str, new: &str) -> bool {
    let is = |knob: &str| header_names(knob).any(|name| name == header);
    if is(&scheme.header) {
        let digits = old.rfind('=').map_or(0, |equals| equals + 1);
        let (old, new) = (old.as_bytes().split_at(digits), new.as_bytes().split_at(digits));
        return scheme.encoding == Encoding::Hex && old.0 == new.0 && old.1.eq_ignore_ascii_case(new.1);
    }
    !scheme.signed.contains("{id}") && scheme.id_header.as_deref().is_some_and(is)
}

/// A signed request and its secret.
struct Signed {
    preset: &'static Preset,
    secret: String,
    source: Source,
    sent: Sent,
}

impl Signed {
    fn new(preset: &'static Preset, key: [u8; 24], body: &[u8], at: Timestamp) -> Self {
        let secret = secret(preset, key);
        let source = open(preset, &secret).expect("a secret of this form");
        let mut sent = Sent::new(body);
        sent.at = at;
        let proof = source.proof(at, &sent.url, body, "msg_1");
        sent.headers = proof.headers;
        sent.url.extend(proof.query.into_iter().map(|(name, value)| format!("?{name}={value}")));
        Self { preset, secret, source, sent }
    }

    fn bits(&self, place: Place) -> usize {
        8 * match place {
            Place::Body => self.sent.body.len(),
            Place::Header(at) => self.sent.headers[at].1.len(),
            Place::Secret => self.secret.len(),
        }
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.sent.headers.len()).map(Place::Header).chain([Place::Body, Place::Secret])
    }

    /// Whether the request is judged as it must be once this bit has changed.
    fn judged_well(&mut self, place: Place, bit: usize) -> bool {
        match place {
            Place::Body => {
                self.sent.body[bit / 8] ^= 1 << (bit % 8);
                let judged = self.sent.verify(&self.source);
                self.sent.body[bit / 8] ^= 1 << (bit % 8);
                judged == Err(Refusal::NoSecretMatches)
            }
            Place::Header(at) => {
                let (name, old) = self.sent.headers[at].clone();
                let Some(new) = flipped(&old, bit) else { return true };
                let same = means_the_same(&self.preset.scheme(), &name, &old, &new);
                self.sent.headers[at].1 = new;
                let judged = self.sent.verify(&self.source);
                self.sent.headers[at].1 = old;
                judged.is_ok() == same
            }
            // Some changed secrets aren't keys, and the source doesn't open.
            Place::Secret => flipped(&self.secret, bit)
                .and_then(|secret| open(self.preset, &secret))
                .is_none_or(|other| self.sent.verify(&other) == Err(Refusal::NoSecretMatches)),
        }
    }
}

#[test]
fn any_changed_bit_of_one_request_of_each_preset_refuses() {
    for preset in &PRESETS {
        let mut signed = Signed::new(preset, *b"levadura, harina, sal...", "{\"pan\":\"ñ\"}".as_bytes(), NOW);
        assert_eq!(signed.sent.verify(&signed.source), Ok(()), "{}", preset.name);
        for place in signed.places().collect::<Vec<_>>() {
            for bit in 0..signed.bits(place) {
                assert!(signed.judged_well(place, bit), "{}, {place:?}, bit {bit}", preset.name);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_each_preset_signs_it_lets_in_and_any_changed_bit_refuses(
        key: [u8; 24],
        body in prop::collection::vec(any::<u8>(), 0..200),
        millis in 0_i64..4_000_000_000_000,
        at: prop::sample::Index,
    ) {
        for preset in &PRESETS {
            let mut signed = Signed::new(preset, key, &body, Timestamp(millis));
            prop_assert_eq!(signed.sent.verify(&signed.source), Ok(()), "{}", preset.name);
            for place in signed.places().collect::<Vec<_>>() {
                let bits = signed.bits(place);
                if bits > 0 {
                    prop_assert!(signed.judged_well(place, at.index(bits)), "{}, {place:?}", preset.name);
                }
            }
        }
    }
}

fn preset(name: &str) -> &'static Preset {
    Preset::named(name).expect("a preset")
}

const KEY: [u8; 24] = [7; 24];

fn proof(name: &str) -> Vec<(String, String)> {
    Signed::new(preset(name), KEY, b"{}", NOW).sent.headers
}

fn source_of(name: &str) -> Source {
    open(preset(name), &secret(preset(name), KEY)).expect("a secret of this form")
}

#[test]
fn svix_is_known_by_both_families_of_names_and_written_under_its_own() {
    let own = proof("svix");
    assert!(own.iter().all(|(name, _)| name.starts_with("svix-")), "{own:?}");
    let mut sent = Sent::new(b"{}");
    for headers in [own, proof("standard-webhooks")] {
        sent.headers = headers;
        assert_eq!(sent.verify(&source_of("svix")), Ok(()));
    }
    sent.headers = proof("svix");
    assert_eq!(sent.verify(&source_of("standard-webhooks")), Err(Refusal::MissingSignature));
}

/// An id that someone adds on the way under the name that counts more must not make a known message look new.
#[test]
fn the_id_that_is_the_key_is_the_id_that_is_signed() {
    let source = source_of("svix");
    let mut sent = Sent::new(br#"{"queryResult":{}}"#);
    let standard = source_of("standard-webhooks");
    sent.headers = standard.proof(NOW, &sent.url, &sent.body, "msg_7").headers;
    let verified = source.verify(sent.request()).expect("let in");
    let json = json_body(source.config(), &verified).expect("JSON");
    let events = read(source.config(), &verified, &json).expect("events").events;
    assert_eq!(events[0].key.as_deref(), Some("msg_7"));
    let names: Vec<_> = events[0].headers.0.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp"], "a signature is never stored, whatever its name");
    sent.headers.push(("svix-id".into(), "msg_8".into()));
    assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches));
}

#[test]
fn zendesks_time_is_written_as_zendesk_writes_it() {
    let headers = proof("zendesk");
    let time = ("x-zendesk-webhook-signature-timestamp".to_owned(), "2026-01-01T12:00:00Z".to_owned());
    assert!(headers.contains(&time), "{headers:?}");
}
