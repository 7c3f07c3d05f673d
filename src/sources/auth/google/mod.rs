//! Google's identity tokens: RS256 over a few claims, by a key that Google publishes and changes.
//!
//! Nothing here asks anybody for keys: who opens the source is told that they are needed, fetches them and puts them in place.

mod keys;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use crate::domain::source::GoogleIdToken;
use crate::domain::time::Timestamp;
use crate::sources::fault::{OpenError, Refusal};
use crate::vault::{LiveSecret, Vault};

pub use self::keys::{KeySet, KeyStore};
use self::token::Token;

/// Who may sign, and whom for.
pub struct GoogleTokens {
    audiences: Vec<LiveSecret>,
    emails: Vec<LiveSecret>,
    keys: Arc<KeyStore>,
}

/// How far Google's clock and ours may be apart, in milliseconds.
const SKEW: i64 = 60_000;

const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

impl GoogleTokens {
    /// Opens what the rule file says.
    pub fn open(config: &GoogleIdToken, vault: &Vault) -> Result<Self, Vec<OpenError>> {
        let mut faults = Vec::new();
        let mut all = |secrets: &[crate::domain::secret::SecretRef]| {
            let opened = secrets.iter().map(|secret| super::secret::open(secret, vault));
            opened.filter_map(|opened| opened.map_err(|fault| faults.push(fault)).ok()).collect::<Vec<_>>()
        };
        let (audiences, emails) = (all(&config.audiences), all(&config.emails));
        let url = all(config.keys_url.as_slice()).pop().map(|url| url.current().expose().to_owned());
        let keys = KeyStore::new(url.unwrap_or_else(|| keys::GOOGLES.to_owned()), config.allow_private);
        match keys {
            Ok(keys) if faults.is_empty() => Ok(Self { audiences, emails, keys: Arc::new(keys) }),
            Ok(_) => Err(faults),
            Err(fault) => Err(faults.into_iter().chain([fault]).collect()),
        }
    }

    /// Its keys, and where they come from.
    pub fn keys(&self) -> &Arc<KeyStore> {
        &self.keys
    }

    /// Takes over the keys of a source that was opened before, where both come from the same place.
    pub fn keep_keys_of(&mut self, before: &Self) {
        if self.keys.is_like(&before.keys) {
            self.keys = Arc::clone(&before.keys);
        }
    }

    /// Who may call, in words for whoever can't sign.
    pub fn audience(&self) -> Option<String> {
        self.audiences.first().map(|audience| audience.current().expose().to_owned())
    }

    /// Whether a token lets its bearer in. What it says is looked at first: a key is asked for only where all else is right, so
    /// that not every stranger can have keys fetched.
    pub fn verify(&self, bearer: &str, now: Timestamp) -> Result<(), Refusal> {
        let token = Token::parse(bearer)?;
        let claims = &token.claims;
        if !ISSUERS.contains(&claims.issuer.as_str()) {
            return Err(Refusal::OtherIssuer);
        }
        let is_one = |list: &[LiveSecret], text: &str| list.iter().any(|one| one.current().expose() == text);
        if !claims.audiences.iter().any(|audience| is_one(&self.audiences, audience)) {
            return Err(Refusal::OtherAudience);
        }
        if !claims.email_verified || !claims.email.as_deref().is_some_and(|email| is_one(&self.emails, email)) {
            return Err(Refusal::OtherEmail);
        }
        if now.millis() >= claims.expires_at.saturating_add(SKEW) {
            return Err(Refusal::TimestampTooOld);
        }
        let begins = claims.not_before.into_iter().chain(claims.issued_at).max().unwrap_or(i64::MIN);
        if begins > now.millis().saturating_add(SKEW) {
            return Err(Refusal::TimestampTooEarly);
        }
        match self.keys.key(&token.key_id, now) {
            Some(key) if key.has_signed(token.signed, &token.signature) => Ok(()),
            Some(_) => Err(Refusal::NoSecretMatches),
            None => Err(Refusal::UnknownKey),
        }
    }
}
