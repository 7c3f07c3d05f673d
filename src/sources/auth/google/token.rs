//! A JSON Web Token (RFC 7519) in its compact form, taken apart. Nothing of it is believed before its signature is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::sources::fault::Refusal;

/// Real ones take a thousand bytes.
const LONGEST: usize = 8 * 1024;

/// A token.
pub struct Token<'t> {
    /// Which key is said to have signed it.
    pub key_id: String,
    /// What it says.
    pub claims: Claims,
    /// What is signed.
    pub signed: &'t [u8],
    pub signature: Vec<u8>,
}

/// What a token says; times are in milliseconds.
pub struct Claims {
    pub issuer: String,
    pub audiences: Vec<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub expires_at: i64,
    pub not_before: Option<i64>,
    pub issued_at: Option<i64>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// What we must understand and don't (RFC 7515, section 4.1.11).
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    aud: OneOrMany,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    email: Option<String>,
    email_verified: Option<Truth>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Older tokens of Google have it as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Truth {
    Bool(bool),
    Text(String),
}

impl<'t> Token<'t> {
    /// Takes a token apart. Only RS256 is one: the token doesn't choose how it is verified.
    pub fn parse(bearer: &'t str) -> Result<Self, Refusal> {
        if bearer.len() > LONGEST {
            return Err(Refusal::MalformedToken);
        }
        let (signed, signature) = bearer.rsplit_once('.').ok_or(Refusal::MalformedToken)?;
        let (header, body) = signed.split_once('.').ok_or(Refusal::MalformedToken)?;
        let header: Header = read(header)?;
        if header.alg != "RS256" || header.crit.is_some() {
            return Err(Refusal::OtherAlgorithm);
        }
        let body: Body = read(body)?;
        let key_id = header.kid.filter(|id| !id.is_empty()).ok_or(Refusal::MalformedToken)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::MalformedToken)?;
        Ok(Self { key_id, claims: body.into(), signed: signed.as_bytes(), signature })
    }
}

impl From<Body> for Claims {
    fn from(body: Body) -> Self {
        Self {
            issuer: body.iss,
            audiences: match body.aud {
                OneOrMany::One(one) => vec![one],
                OneOrMany::Many(many) => many,
            },
            email: body.email,
            email_verified: match body.email_verified {
                Some(Truth::Bool(truth)) => truth,
                Some(Truth::Text(text)) => text == "true",
                None => false,
            },
            expires_at: millis(body.exp),
            not_before: body.nbf.map(millis),
            issued_at: body.iat.map(millis),
        }
    }
}

/// Seconds may be broken ones; what is out of bounds ends at them.
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::MalformedToken)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::MalformedToken)
}
