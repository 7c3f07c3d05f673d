//! How senders sign: six knobs that cover every HMAC scheme we know. Those of known senders are in [`super::presets`].

use std::time::Duration;

pub use super::presets::{PRESETS, Preset};
use super::time::Timestamp;

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

/// How a sender writes the time that it signs. Readers take each form; the sender's text is what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// Whole seconds since 1970.
    UnixSeconds,
    /// ISO 8601 in UTC, to the second: `2026-01-01T12:00:00Z`.
    Iso,
}

impl TimeForm {
    /// Writes a time.
    pub fn write(self, time: Timestamp) -> String {
        match self {
            Self::UnixSeconds => time.seconds().to_string(),
            Self::Iso => time.iso_seconds(),
        }
    }
}

/// How a signed request's headers and body are put together.
///
/// A knob that names a header may name several between commas. The first of them that a request has counts, and a proof
/// of ours is written under the first. See [`header_names`].
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
    /// What is signed, of `{id}` `{timestamp}` `{body}` `{url}` `{form}`. `{timestamp:iso}` is the same of a request, whose
    /// text counts as it stands, and makes a proof of ours say the time as ISO 8601 and not in Unix seconds. `{form}` is each
    /// field of a form, sorted, its name right before its value; of another body nothing, for then the address must have its
    /// SHA-256 under `bodySHA256`. With it, an address with its port and the same without count as one.
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

/// The names in a knob that names a header, in the order in which they count.
pub fn header_names(knob: &str) -> impl Iterator<Item = &str> {
    knob.split(',').map(str::trim).filter(|name| !name.is_empty())
}
