//! Any scheme, secret, header and body: what a scheme signs it lets in, and nothing that was touched on the way.
//!
//! Sections: four letters for the choices, the header's form, what is signed, the names of three headers (one a line), the
//! secret, a header's value as a stranger sends it, the body.

#![no_main]

use std::collections::HashMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tagrelay_fuzz::domain::name::SourceName;
use tagrelay_fuzz::domain::request::{Fields, Request, few_fields};
use tagrelay_fuzz::domain::scheme::{Algorithm, Encoding, HmacScheme, KeyForm, PRESETS, header_names};
use tagrelay_fuzz::domain::secret::{Secret, SecretRef};
use tagrelay_fuzz::domain::source::{AuthConfig, SourceConfig, SourceKind};
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::sources::{Source, Verified, json_body, read};
use tagrelay_fuzz::vault::Vault;
use tagrelay_fuzz::{NOW, in_time};

const URL: &str = "https://hooks.example/hooks/bot";

fuzz_target!(|data: &[u8]| {
    let mut sections = Sections::of(data);
    let choices = sections.bytes();
    let Some(texts) =
        (|| Some((sections.text()?, sections.text()?, sections.text()?, sections.text()?, sections.text()?)))()
    else {
        return;
    };
    let (value, signed, names, secret, foreign) = texts;
    let body = sections.bytes();
    let choice = |place: usize| usize::from(choices.get(place).copied().unwrap_or_default());
    // As `check` has it: a knob names at least one header.
    let mut names =
        names.lines().map(|name| name.trim().to_ascii_lowercase()).filter(|name| header_names(name).next().is_some());
    let scheme = match PRESETS.get(choice(3)) {
        Some(preset) => preset.scheme(),
        None => HmacScheme {
            header: names.next().unwrap_or_else(|| "x-signature".to_owned()),
            algorithm: [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512][choice(0) % 3],
            encoding: [Encoding::Hex, Encoding::Base64][choice(1) % 2],
            // As `check` has it, too.
            value: value.replace(char::is_control, "").trim().to_owned(),
            signed: signed.to_owned(),
            timestamp_header: names.next(),
            id_header: names.next(),
            tolerance: signed.contains("{timestamp").then(|| Duration::from_mins(5)),
            key: [KeyForm::Text, KeyForm::Base64, KeyForm::Whsec][choice(2) % 3],
        },
    };
    in_time(|| prove(&scheme, secret, foreign, body));
});

fn prove(scheme: &HmacScheme, secret: &str, foreign: &str, body: &[u8]) {
    let secrets = vec![SecretRef::Literal(Secret::new(secret))];
    let auth = vec![AuthConfig::Hmac { scheme: scheme.clone(), secrets }];
    let name = SourceName::parse("bot").expect("a name");
    let config = SourceConfig { name, kind: SourceKind::Catch, auth, allow_ips: Vec::new(), each: None, verify_token: None };
    let Ok(source) = Source::open(&config, &Vault::new(HashMap::new(), None)) else { return };
    let proof = source.proof(NOW, URL, body, "id-1");
    // A proof over a form says in the address what of a body that is no form it speaks for.
    let query: Vec<_> = proof.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let url = if query.is_empty() { URL.to_owned() } else { format!("{URL}?{query}") };
    let request = |headers: &[(String, String)], body: &[u8]| {
        let headers = headers.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect();
        let request = Request {
            method: "POST",
            url: &url,
            query: &query,
            headers: Fields(headers),
            body,
            peer: None,
            received_at: NOW,
        };
        source.verify(request.clone()).is_ok_and(|verified| leaves_no_proof(&config, &verified))
    };
    // What a stranger sends under every name that the scheme has: the names may be one and the same.
    let knobs = [Some(&scheme.header), scheme.timestamp_header.as_ref(), scheme.id_header.as_ref()];
    let strange: Vec<_> = knobs.into_iter().flatten().flat_map(|knob| header_names(knob)).collect();
    let strange: Vec<_> = strange.into_iter().map(|name| (name.to_owned(), foreign.to_owned())).collect();
    assert!(!request(&strange, body), "a signature that nobody made");
    let proof = proof.headers;
    let distinct = proof.iter().enumerate().all(|(at, (name, _))| proof[..at].iter().all(|(other, _)| other != name));
    let signs_form = scheme.signed.contains("{form}");
    let is_readable = !signs_form || few_fields(body).is_ok();
    if distinct && is_readable && is_clear(scheme) {
        assert!(request(&proof, body), "what was signed is refused: {scheme:?} {proof:?}");
    }
    let mut touched = body.to_vec();
    touched.push(b'x');
    let signs_body = scheme.signed.contains("{body}");
    assert!(!signs_body || !request(&proof, &touched), "what was touched is let in: {scheme:?}");
    let one_more = [body, b"&one-more=1"].concat();
    assert!(!signs_form || !request(&proof, &one_more), "a field that was added is let in: {scheme:?}");
}

/// Text around the placeholders that can't be taken for a signature or a time, or for the end of one.
fn is_clear(scheme: &HmacScheme) -> bool {
    let mut outside = scheme.value.replace("{signature}", "\n").replace("{timestamp}", "\n");
    outside.retain(|letter| letter != '\n');
    // In Base64 a letter may be a part of the signature.
    let is_hex = scheme.encoding == Encoding::Hex;
    outside.bytes().all(|byte| matches!(byte, b'|' | b';') || is_hex && matches!(byte, b'v' | b'_'))
        || PRESETS.iter().any(|preset| preset.scheme() == *scheme)
}

fn leaves_no_proof(config: &SourceConfig, verified: &Verified<'_>) -> bool {
    let Ok(json) = json_body(config, verified) else { return true };
    let Ok(reading) = read(config, verified, &json) else { return true };
    let AuthConfig::Hmac { scheme, .. } = &config.auth[0] else { return true };
    let signature =
        |(name, _): &(std::borrow::Cow<'_, str>, _)| header_names(&scheme.header).any(|header| header == name);
    assert!(!reading.events.iter().any(|event| event.headers.0.iter().any(signature)), "a proof would be stored");
    true
}
