//! How senders sign: six knobs that cover every HMAC scheme we know, and the presets as rows of one table.

use std::time::Duration;

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// How the signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower- or upper-case hexadecimal.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// How the key is made from the secret's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// Its bytes as they are.
    Text,
    /// Base64 of the key.
    Base64,
    /// Base64 after `whsec_`.
    Whsec,
}

/// How a signed request's headers and body are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacScheme {
    /// The header with the signature, in lower case.
    pub header: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// How the signature is written.
    pub encoding: Encoding,
    /// What stands in the header: text around `{signature}` and, in some schemes, `{timestamp}`.
    ///
    /// Where each part between commas has a placeholder (`t={timestamp},v1={signature}`), the header is a list of such
    /// fields in any order, several of which may carry a signature. Otherwise a comma is text, and the header is a list
    /// separated by spaces (`v1,{signature}`) unless the template has a space itself (`HMAC {signature}`).
    pub value: String,
    /// What is signed, of `{id}` `{timestamp}` `{body}` `{url}`.
    pub signed: String,
    /// The header with the time, where it isn't in the signature's; in lower case. Unix seconds or milliseconds, or
    /// RFC 3339.
    pub timestamp_header: Option<String>,
    /// The header with the message's id, in lower case; also the deduplication key where the kind has none.
    pub id_header: Option<String>,
    /// How old or early a timestamp may be; without it a timestamp isn't judged.
    pub tolerance: Option<Duration>,
    /// How the key is made from the secret.
    pub key: KeyForm,
}

/// A preset: the scheme of a known sender.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name in rule files.
    pub name: &'static str,
    header: &'static str,
    algorithm: Algorithm,
    encoding: Encoding,
    value: &'static str,
    signed: &'static str,
    timestamp_header: Option<&'static str>,
    id_header: Option<&'static str>,
    tolerance_s: Option<u64>,
    key: KeyForm,
}

/// Every preset.
///
/// `standard-webhooks`: the specification of the same name, 5 minutes as its libraries have it. `github`: the octokit
/// organisation's webhooks-methods; GitHub signs no time.
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "standard-webhooks",
        header: "webhook-signature",
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Base64,
        value: "v1,{signature}",
        signed: "{id}.{timestamp}.{body}",
        timestamp_header: Some("webhook-timestamp"),
        id_header: Some("webhook-id"),
        tolerance_s: Some(300),
        key: KeyForm::Whsec,
    },
    Preset {
        name: "github",
        header: "x-hub-signature-256",
        algorithm: Algorithm::Sha256,
        encoding: Encoding::Hex,
        value: "sha256={signature}",
        signed: "{body}",
        timestamp_header: None,
        id_header: Some("x-github-delivery"),
        tolerance_s: None,
        key: KeyForm::Text,
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|p| p.name == name)
    }

    /// The scheme it stands for.
    pub fn scheme(&self) -> HmacScheme {
        HmacScheme {
            header: self.header.to_owned(),
            algorithm: self.algorithm,
            encoding: self.encoding,
            value: self.value.to_owned(),
            signed: self.signed.to_owned(),
            timestamp_header: self.timestamp_header.map(str::to_owned),
            id_header: self.id_header.map(str::to_owned),
            tolerance: self.tolerance_s.map(Duration::from_secs),
            key: self.key,
        }
    }
}
