//! The keys that Google signs with: a JSON Web Key Set (RFC 7517), believed as long as its answer said.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;

use crate::domain::time::Timestamp;
use crate::sources::fault::OpenError;

/// Where Google publishes them.
pub const GOOGLES: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// What an answer says of its age is kept within these; without a word of it keys are fresh for an hour.
const SHORTEST: Duration = Duration::from_mins(5);
const LONGEST: Duration = Duration::from_hours(24);
const USUAL: Duration = Duration::from_hours(1);

/// For so long keys are believed beyond their time, while Google can't be asked: as long as a token that they signed lives.
const GRACE: Duration = Duration::from_hours(1);

/// The keys of one address.
#[derive(Debug)]
pub struct KeyStore {
    url: String,
    allow_private: bool,
    set: RwLock<Option<Arc<KeySet>>>,
}

/// Why an answer is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    /// It isn't JSON of that form.
    #[error("the answer is no JSON Web Key Set")]
    Form,
    /// There is no key for RS256 in it.
    #[error("the answer holds no key for RS256")]
    NoKey,
}

/// Keys by their ids.
#[derive(Debug)]
pub struct KeySet {
    keys: HashMap<String, Key>,
    fresh_until: Timestamp,
}

/// A public key of RSA.
#[derive(Debug, Clone)]
pub struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeyStore {
    /// No keys yet. What comes without encryption could be anybody's, so that is for one's own network alone.
    pub fn new(url: String, allow_private: bool) -> Result<Self, OpenError> {
        let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if !(starts("https://") || allow_private && starts("http://")) {
            return Err(OpenError::KeysUrl);
        }
        Ok(Self { url, allow_private, set: RwLock::default() })
    }

    /// Where they come from.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether that may be in a network of one's own.
    pub fn allow_private(&self) -> bool {
        self.allow_private
    }

    /// Puts keys in place of those before.
    pub fn put(&self, set: impl Into<Arc<KeySet>>) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Some(set.into());
    }

    /// Whether there are keys that are believed beyond their time, so that it is time to ask again.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.now().is_some_and(|set| (set.fresh_until..set.ends()).contains(&now))
    }

    /// The key of this id, where there is one that is believed.
    pub fn key(&self, id: &str, now: Timestamp) -> Option<Key> {
        let set = self.now()?;
        set.keys.get(id).filter(|_| now < set.ends()).cloned()
    }

    /// Whether both have the same keys.
    pub fn is_like(&self, other: &Self) -> bool {
        self.url == other.url && self.allow_private == other.allow_private
    }

    fn now(&self) -> Option<Arc<KeySet>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeySet {
    fn ends(&self) -> Timestamp {
        self.fresh_until.plus_millis(millis(GRACE))
    }

    /// Reads an answer that is good for so long. Keys for something else are left out.
    pub fn parse(body: &[u8], fresh_for: Option<Duration>, now: Timestamp) -> Result<Self, BadKeySet> {
        let jwks: Jwks = serde_json::from_slice(body).map_err(|_| BadKeySet::Form)?;
        let keys: HashMap<String, Key> = jwks.keys.into_iter().filter_map(Jwk::key).collect();
        if keys.is_empty() {
            return Err(BadKeySet::NoKey);
        }
        let fresh_for = fresh_for.unwrap_or(USUAL).clamp(SHORTEST, LONGEST);
        Ok(Self { keys, fresh_until: now.plus_millis(millis(fresh_for)) })
    }
}

impl Jwk {
    fn key(self) -> Option<(String, Key)> {
        let is_one = self.kty == "RSA"
            && self.alg.is_none_or(|alg| alg == "RS256")
            && self.used_for.is_none_or(|used_for| used_for == "sig");
        let number = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok();
        let (modulus, exponent) = (number(self.n)?, number(self.e)?);
        is_one.then_some((self.kid?, Key { modulus, exponent }))
    }
}

impl Key {
    /// Whether it made this signature. A key of less than 2048 bits has made none.
    pub fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        // Leading zeros, which RFC 7518 forbids and some write, are none to ring.
        let trimmed = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let key = RsaPublicKeyComponents { n: trimmed(&self.modulus), e: trimmed(&self.exponent) };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
