//! Random schemes, bodies and headers: what signs is let in, what was touched isn't, and nothing panics.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::scheme::{Algorithm, Encoding, HmacScheme, KeyForm};

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
const ENCODINGS: [Encoding; 2] = [Encoding::Hex, Encoding::Base64];
const KEYS: [KeyForm; 3] = [KeyForm::Text, KeyForm::Base64, KeyForm::Whsec];
const VALUES: [&str; 7] = [
    "{signature}",
    "sha256={signature}",
    "v1,{signature}",
    "HMAC {signature}",
    "t={timestamp},v1={signature}",
    "{timestamp},{signature}",
    "{timestamp}.{signature};",
];
const SIGNED: [&str; 5] =
    ["{body}", "{timestamp}.{body}", "{id}.{timestamp}.{body}", "v0:{timestamp}:{body}:{url}", "{url}{id}{body}"];

fn any_scheme() -> impl Strategy<Value = HmacScheme> {
    use prop::sample::select;
    let knobs = (select(&ALGORITHMS), select(&ENCODINGS), select(&VALUES), select(&SIGNED), select(&KEYS));
    (knobs, any::<bool>()).prop_map(|((algorithm, encoding, value, signed, key), judges)| HmacScheme {
        header: "x-signature".into(),
        algorithm,
        encoding,
        value: value.to_owned(),
        signed: signed.to_owned(),
        timestamp_header: (!value.contains("{timestamp}")).then(|| "x-timestamp".into()),
        id_header: signed.contains("{id}").then(|| "x-id".into()),
        tolerance: (judges && signed.contains("{timestamp}")).then(|| Duration::from_mins(5)),
        key,
    })
}

/// Base64 of 1 to 24 bytes, which is a key in each form.
fn any_secret() -> impl Strategy<Value = String> {
    use base64::Engine;
    prop::collection::vec(any::<u8>(), 1..24).prop_map(|key| base64::engine::general_purpose::STANDARD.encode(key))
}

fn signed_by(scheme: &HmacScheme, secrets: &[&str]) -> Source {
    let secrets = secrets.iter().map(|secret| literal(secret)).collect();
    source(vec![AuthConfig::Hmac { scheme: scheme.clone(), secrets }])
}

fn any_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec!["authorization", "x-signature", "x-timestamp", "x-id", "x-secret", "cookie"]);
    let value = prop_oneof![
        "\\PC{0,40}",
        "(Basic|Bearer|t=|v1=|v1,|sha256=|,| |=){0,6}[0-9a-f]{0,40}",
        "-?[0-9]{0,22}",
        Just("aa".repeat(40)),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..6)
}

const TYPES: [&str; 4] =
    ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8", "application/xml"];

/// Few names, so that they meet.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["(a|b|body|_|__|a__b|a__b__a|a\\[\\]|ñ)", "(a__){1,20}b", "\\PC{0,3}"]
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "1.0",
            "-0",
            "12345678901234567890123",
            "1e3",
            "\"\"",
            "\"__\"",
            "[]"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,5}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entry = (any_name(), inner.clone()).prop_map(|(name, json)| format!("{} :{json}", serde_json::json!(name)));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[ {}]", items.join(" ,"))),
            prop::collection::vec(entry, 0..4).prop_map(|entries| format!("{{{}}} ", entries.join(", "))),
        ]
    })
}

fn any_json_list() -> impl Strategy<Value = String> {
    prop::collection::vec(any_json(), 0..4).prop_map(|items| format!("[{}]", items.join(",")))
}

fn any_form() -> impl Strategy<Value = String> {
    let value = prop_oneof!["[a-z0-9+%=\\[{ ]{0,6}", "\\PC{0,4}"];
    let pair = (any_name(), value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..5).prop_map(|pairs| pairs.join("&"))
}

/// The pointer to each value in it.
fn places_in(value: &serde_json::Value) -> Vec<String> {
    let below = |key: &str, value: &serde_json::Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        places_in(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
    };
    let inner: Vec<String> = match value {
        serde_json::Value::Object(map) => map.iter().flat_map(|(key, value)| below(key, value)).collect(),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, value)| below(&index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    std::iter::once(String::new()).chain(inner).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_scheme_signs_it_lets_in_and_any_flipped_bit_refuses(
        scheme in any_scheme(),
        secret in any_secret(),
        other in any_secret(),
        body in prop::collection::vec(any::<u8>(), 1..200),
        bit: prop::sample::Index,
        seconds in 0_i64..4_000_000_000,
    ) {
        prop_assume!(secret != other);
        let mut sent = Sent::new(&body);
        sent.at = Timestamp(seconds * 1000 + 999);
        sent.headers = signed_by(&scheme, &[&secret]).proof(sent.at, &sent.url, &body, "id-1").headers;
        let source = signed_by(&scheme, &[&other, &secret]);
        prop_assert_eq!(sent.verify(&source), Ok(()));
        prop_assert_eq!(sent.verify(&signed_by(&scheme, &[&other])), Err(Refusal::NoSecretMatches));

        let bit = bit.index(body.len() * 8);
        sent.body[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches));
        sent.body = body;
        if scheme.signed.contains("{url}") {
            sent.url.push('/');
            prop_assert_eq!(sent.verify(&source), Err(Refusal::NoSecretMatches));
        }
    }

    #[test]
    fn no_header_makes_a_proof_panic(
        scheme in any_scheme(),
        headers in any_fields(),
        query in "\\PC{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..40),
        at: i64,
    ) {
        let ways = vec![
            AuthConfig::Hmac { scheme, secrets: vec![literal("c2VjcmV0")] },
            AuthConfig::Basic { username: literal("user"), password: literal("a password") },
            AuthConfig::Bearer(literal("a long enough secret")),
            AuthConfig::Header { name: "x-secret".into(), value: literal("a long enough secret") },
            AuthConfig::Query { name: "token".into(), value: literal("a long enough secret") },
        ];
        let mut sent = Sent::new(&body).query(&query);
        (sent.headers, sent.at) = (headers, Timestamp(at));
        prop_assert!(sent.verify(&source(ways)).is_err());
    }

    #[test]
    fn no_body_makes_any_kind_panic(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            any_json().prop_map(String::into_bytes),
            any_form().prop_map(String::into_bytes),
        ],
        query in any_form(),
        content_type in prop::option::of(prop::sample::select(&TYPES)),
        each in prop::option::of(prop::collection::vec(any_name(), 0..3)),
        get: bool,
    ) {
        for kind in SourceKind::ALL.iter().copied() {
            let config = SourceConfig { kind, each: each.clone(), ..config(Vec::new()) };
            let mut sent = Sent::new(&body).query(&query);
            sent.headers.extend(content_type.map(|value| ("content-type".to_owned(), value.to_owned())));
            let request = Request { method: if get { "GET" } else { "POST" }, ..sent.request() };
            let verified = Verified::by_operator(request);
            let Ok(json) = json_body(&config, &verified) else { continue };
            let Ok(reading) = read(&config, &verified, &json) else { continue };
            prop_assert!(reading.fits().is_ok());
            for index in 0..=reading.events.len() {
                reading.stored(index, &body);
            }
        }
    }

    #[test]
    fn what_is_stored_of_an_event_reads_as_that_event_again(
        body in prop_oneof![any_json(), any_json_list(), any_form()],
        query in any_form(),
        content_type in prop::option::of(prop::sample::select(&TYPES)),
        each in prop::option::of(prop::collection::vec(any_name(), 0..3)),
        empty in prop::bool::weighted(0.1),
    ) {
        let config = SourceConfig { kind: SourceKind::Catch, each, ..config(Vec::new()) };
        let mut sent = Sent::new(if empty { b"" } else { body.as_bytes() }).query(&query);
        sent.headers.extend(content_type.map(|value| ("content-type".to_owned(), value.to_owned())));
        let verified = Verified::by_operator(sent.request());
        let Ok(json) = json_body(&config, &verified) else { return Ok(()) };
        let Ok(reading) = read(&config, &verified, &json) else { return Ok(()) };
        for (index, event) in reading.events.iter().enumerate() {
            let stored = reading.stored(index, &sent.body);
            let query = event.query.to_query();
            let request = Request { headers: event.headers.clone(), query: &query, body: &stored, ..sent.request() };
            let replayed = Verified::by_operator(request);
            let json = json_body(&config, &replayed).expect("it was read before");
            let again = read(&config, &replayed, &json).expect("it was read before");
            prop_assert_eq!(again.events.len(), 1);
            prop_assert_eq!(again.is_list(), reading.is_list());
            let again = &again.events[0];
            prop_assert_eq!(again.payload.text(), event.payload.text());
            prop_assert_eq!(again.params.text(), event.params.text());
            prop_assert_eq!((&again.text, &again.headers.0, &again.query.0), (&event.text, &event.headers.0, &event.query.0));
            if reading.events.len() == 1 {
                prop_assert_eq!(again.body.text(), event.body.text());
            }
        }
    }

    #[test]
    fn no_damaged_request_makes_reading_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end: prop::sample::Index,
    ) {
        let path = fixtures().join("dialogflow-es/respond_io_facebook.json");
        let fixture = (SourceKind::DialogflowEs, std::fs::read(path).expect("the fixture"));
        let samples = SourceKind::ALL.iter().map(|kind| (*kind, code(*kind).sample.body.trim_end().as_bytes().to_vec()));
        for (kind, mut body) in samples.chain([fixture]) {
            let config = SourceConfig { kind, ..config(Vec::new()) };
            for (at, byte) in &damage {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            with_events(&config, &body, |events| events.map(|_| ()).ok());
            body.truncate(end.index(body.len()));
            let takes_anything = kind.traits().media.len() > 1;
            prop_assert!(takes_anything || with_events(&config, &body, |events| events.is_err()), "{}", kind.name());
        }
    }

    /// What a part of a body is replaced with may have any type at any depth.
    #[test]
    fn no_value_at_any_place_makes_reading_panic(value in any_json(), place: prop::sample::Index) {
        for kind in SourceKind::ALL.iter().copied() {
            let Ok(mut body) = serde_json::from_str::<serde_json::Value>(code(kind).sample.body) else { continue };
            let places = places_in(&body);
            let at = &places[place.index(places.len())];
            *body.pointer_mut(at).expect("a place") = serde_json::from_str(&value).expect("JSON");
            let config = SourceConfig { kind, ..config(Vec::new()) };
            with_events(&config, body.to_string().as_bytes(), |events| events.map(|_| ()).ok());
        }
    }
}
