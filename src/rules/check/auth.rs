//! Reading who may call a source.

use super::desk::Desk;
use crate::domain::duration::parse_duration;
use crate::domain::scheme::{Algorithm, Encoding, HmacScheme, KeyForm, Preset, header_names};
use crate::domain::secret::SecretRef;
use crate::domain::source::{AuthConfig, GoogleIdToken, SourceKind};
use crate::rules::codes::Code;
use crate::rules::yaml::{Entry, Kind, Node};

const FORMS: [&str; 6] = ["basic", "bearer", "header", "query", "google_id_token", "hmac"];

/// Reads `auth`.
pub fn read(source: &Entry, node: &Node, kind: Option<SourceKind>, desk: &mut Desk<'_>) -> Vec<AuthConfig> {
    if node.text() == Some("none") {
        desk.findings
            .add(Code::OpenSource, node.span, format!("everybody may call the source `{}`", source.key))
            .help("demand a proof: `basic`, `bearer`, `header`, `query` or `hmac`");
        return Vec::new();
    }
    if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        desk.findings
            .add(Code::NoAuth, node.span, format!("the source `{}` doesn't say who may call it", source.key))
            .help("name a form of auth, or write `auth: none`");
    }
    node.one_or_many().iter().flat_map(|form| one(form, kind, desk)).collect()
}

fn one(node: &Node, kind: Option<SourceKind>, desk: &mut Desk<'_>) -> Vec<AuthConfig> {
    let given: Vec<_> = node.entries().iter().filter(|entry| FORMS.contains(&entry.key.as_str())).collect();
    let form = match given.as_slice() {
        [one] => *one,
        [] => {
            let only_known = node.entries().iter().all(|entry| entry.key == "secret");
            return match (&node.kind, node.get("secret")) {
                (Kind::Map(_), Some(secret)) if only_known => own(node, secret, kind, desk),
                (Kind::Map(_), _) if only_known => {
                    let help = format!("one of: {}", FORMS.join(", "));
                    desk.findings.add(Code::BadAuth, node.span, "this names no form of auth").help(help);
                    Vec::new()
                }
                _ => Vec::new(),
            };
        }
        [_, second, ..] => {
            desk.findings
                .add(Code::BadAuth, second.key_span, "one entry holds one form of auth")
                .help("give each form its own `-`: any one of them lets a request in");
            return Vec::new();
        }
    };
    if let (Some(secret), false) = (node.entries().iter().find(|entry| entry.key == "secret"), form.key == "hmac") {
        desk.findings
            .add(Code::BadAuth, secret.key_span, format!("`secret` belongs to `hmac` and not to `{}`", form.key))
            .help("take it away");
    }
    named(node, form, desk).into_iter().collect()
}

/// `secret` alone: the proof that the vendor's requests have by themselves.
fn own(node: &Node, secret: &Node, kind: Option<SourceKind>, desk: &mut Desk<'_>) -> Vec<AuthConfig> {
    let Some(kind) = kind else { return Vec::new() };
    if let Some(forms) = kind.traits().proof.forms(secrets(secret)) {
        return forms;
    }
    let title = kind.traits().title;
    let help = if kind.traits().is_told {
        "say how its sender signs: `hmac: standard-webhooks` beside `secret`, or another preset".to_owned()
    } else {
        format!("let {title} send the secret: `header: {{ name: X-Token, value: env:NAME }}`, `query` or `basic`")
    };
    let message = format!("requests of a `{}` source aren't signed by themselves", kind.name());
    desk.findings.add(Code::BadAuth, node.span, message).help(help);
    Vec::new()
}

fn secrets(node: &Node) -> Vec<SecretRef> {
    node.one_or_many().iter().filter_map(Node::scalar).map(|text| SecretRef::parse(&text)).collect()
}

/// A form that is named.
fn named(node: &Node, form: &Entry, desk: &mut Desk<'_>) -> Option<AuthConfig> {
    let value = &form.value;
    match form.key.as_str() {
        "basic" => {
            Some(AuthConfig::Basic { username: secret(value, "username")?, password: secret(value, "password")? })
        }
        "bearer" => value.scalar().map(|text| AuthConfig::Bearer(SecretRef::parse(&text))),
        "header" => {
            let name = Desk::text(value, "name")?.to_ascii_lowercase();
            Some(AuthConfig::Header { name, value: secret(value, "value")? })
        }
        "query" => Some(AuthConfig::Query { name: Desk::text(value, "name")?, value: secret(value, "value")? }),
        "google_id_token" => Some(AuthConfig::GoogleIdToken(google(value, desk))),
        _ => hmac(node, form, desk),
    }
}

fn google(node: &Node, desk: &mut Desk<'_>) -> GoogleIdToken {
    let all = |key: &str| node.get(key).map(Node::one_or_many).unwrap_or_default();
    let secrets = |key: &str| all(key).iter().filter_map(Node::scalar).map(|text| SecretRef::parse(&text)).collect();
    let tokens = GoogleIdToken {
        audiences: secrets("audience"),
        emails: secrets("email"),
        keys_url: secret(node, "keys_url"),
        allow_private: Desk::flag(node, "allow_private").unwrap_or(false),
    };
    let is_plain = |text: &str| text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"));
    if let Some(url) = node.get("keys_url").filter(|node| !tokens.allow_private && node.text().is_some_and(is_plain)) {
        desk.findings
            .add(Code::BadAuth, url.span, "keys that come without encryption could be anybody's")
            .help("write `https://`; in a network of your own, `allow_private: true` beside it");
    }
    tokens
}

fn secret(node: &Node, key: &str) -> Option<SecretRef> {
    Desk::text(node, key).map(|text| SecretRef::parse(&text))
}

fn hmac(node: &Node, form: &Entry, desk: &mut Desk<'_>) -> Option<AuthConfig> {
    let Some(given) = node.get("secret") else {
        desk.findings
            .add(Code::BadAuth, form.key_span, "`hmac` needs a `secret` beside it")
            .help("as in `- hmac: standard-webhooks` and, below, `  secret: env:WEBHOOK_SECRET`");
        return None;
    };
    let secrets = secrets(given);
    let scheme = match form.value.scalar() {
        Some(preset) => Preset::named(&preset)?.scheme(),
        None => spelt_out(&form.value, desk)?,
    };
    Some(AuthConfig::Hmac { scheme, secrets })
}

fn spelt_out(node: &Node, desk: &mut Desk<'_>) -> Option<HmacScheme> {
    let lower = |key: &str| Desk::text(node, key).map(|text| text.to_ascii_lowercase());
    let scheme = HmacScheme {
        header: lower("header")?,
        algorithm: match Desk::text(node, "algorithm").as_deref() {
            Some("sha1") => Algorithm::Sha1,
            Some("sha512") => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        },
        encoding: match Desk::text(node, "encoding").as_deref() {
            Some("base64") => Encoding::Base64,
            _ => Encoding::Hex,
        },
        value: Desk::text(node, "value").unwrap_or_else(|| "{signature}".to_owned()),
        signed: Desk::text(node, "signed").unwrap_or_else(|| "{body}".to_owned()),
        timestamp_header: lower("timestamp_header"),
        id_header: lower("id_header"),
        tolerance: Desk::text(node, "tolerance").and_then(|text| parse_duration(&text)),
        key: match Desk::text(node, "key").as_deref() {
            Some("base64") => KeyForm::Base64,
            Some("whsec") => KeyForm::Whsec,
            _ => KeyForm::Text,
        },
    };
    knobs_agree(node, &scheme, desk);
    Some(scheme)
}

/// Every placeholder is known, and whatever is used can be found in the request.
fn knobs_agree(node: &Node, scheme: &HmacScheme, desk: &mut Desk<'_>) {
    let has_time = scheme.timestamp_header.is_some() || scheme.value.contains("{timestamp}");
    let mut wrong = |key: &str, message: &str, help: &str| {
        let span = node.get(key).map_or(node.span, |value| value.span);
        desk.findings.add(Code::BadAuth, span, message).help(help);
    };
    for (key, knob) in [
        ("header", Some(&scheme.header)),
        ("timestamp_header", scheme.timestamp_header.as_ref()),
        ("id_header", scheme.id_header.as_ref()),
    ] {
        if knob.is_some_and(|knob| header_names(knob).next().is_none() || !header_names(knob).all(is_header)) {
            wrong(
                key,
                "this names no header",
                "write a header's name such as `X-Signature`; several are separated by commas",
            );
        }
    }
    if !scheme.value.contains("{signature}") {
        wrong("value", "`value` doesn't say where the signature stands", "put `{signature}` into it");
    }
    if scheme.value.trim() != scheme.value || scheme.value.contains(char::is_control) {
        wrong(
            "value",
            "no header has this value: it has no white space at its ends and no line breaks",
            "take them out",
        );
    }
    let after = scheme.value.split("{signature}").nth(1).and_then(|after| after.chars().next());
    let runs_on = after.is_some_and(|next| match scheme.encoding {
        Encoding::Hex => next.is_ascii_hexdigit(),
        Encoding::Base64 => next.is_ascii_alphanumeric() || "+/=-_".contains(next),
    });
    if runs_on {
        wrong("value", "what follows `{signature}` may be a part of it", "put a `,` or a `;` between, or take it out");
    }
    if !only_known(&scheme.value, &["signature", "timestamp"]) {
        wrong("value", "`value` has a placeholder that there isn't", "there are: {signature}, {timestamp}");
    }
    let signs = |placeholder| scheme.signed.contains(placeholder);
    if signs("{form}") && !signs("{url}") {
        wrong(
            "signed",
            "a body that is no form has its hash in the address, which isn't signed",
            "put `{url}` before `{form}`",
        );
    } else if !signs("{body}") && !signs("{form}") {
        wrong("signed", "the body isn't signed, so anybody could change it", "put `{body}` into `signed`");
    }
    if !only_known(&scheme.signed, &["id", "timestamp", "timestamp:iso", "body", "url", "form"]) {
        let help = "there are: {id}, {timestamp}, {timestamp:iso}, {body}, {url}, {form}";
        wrong("signed", "`signed` has a placeholder that there isn't", help);
    }
    let signs_time = scheme.signed.contains("{timestamp}") || scheme.signed.contains("{timestamp:iso}");
    if signs_time && !has_time {
        wrong("signed", "nothing says where the time stands", "add `timestamp_header`, or `{timestamp}` to `value`");
    }
    if scheme.signed.contains("{id}") && scheme.id_header.is_none() {
        wrong("signed", "nothing says where the id stands", "add `id_header`");
    }
    if scheme.tolerance.is_some() && !(has_time && signs_time) {
        wrong("tolerance", "a time that isn't signed proves nothing", "put `{timestamp}` into `signed`");
    }
}

/// Whether it has the letters of a header's name (RFC 9110, section 5.6.2).
fn is_header(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn only_known(text: &str, known: &[&str]) -> bool {
    text.split('{').skip(1).all(|rest| rest.split_once('}').is_some_and(|(name, _)| known.contains(&name)))
}
