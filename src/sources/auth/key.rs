//! From a secret's text to the key that signs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::scheme::{Algorithm, KeyForm};
use crate::domain::secret::SecretRef;
use crate::sources::fault::OpenError;
use crate::vault::{LiveSecret, Vault};

use super::mac::Keyed;

/// Keys come with and without padding. Trailing bits are let through so that `sandbox`, the value of every secret that
/// isn't set under `--sandbox`, is a key in each form.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One secret that may have signed.
pub enum Key {
    /// Keyed once; its secret stays.
    Fixed(Keyed),
    /// Made anew for each request: the file that holds its secret may change.
    Live(LiveSecret, Algorithm, KeyForm),
}

impl Key {
    /// Opens a secret and makes sure that it is a key now.
    pub fn open(secret: &SecretRef, vault: &Vault, algorithm: Algorithm, form: KeyForm) -> Result<Self, OpenError> {
        let live = super::secret::open(secret, vault)?;
        let key = key_bytes(live.current().expose(), form).ok_or_else(|| OpenError::Key(format!("{secret:?}")))?;
        Ok(match secret {
            SecretRef::File(_) => Self::Live(live, algorithm, form),
            SecretRef::Env(_) | SecretRef::Literal(_) => Self::Fixed(Keyed::new(algorithm, &key)),
        })
    }

    /// A hash that has taken in the key; `None` when the secret's file no longer holds one.
    pub fn keyed(&self) -> Option<Keyed> {
        match self {
            Self::Fixed(keyed) => Some(keyed.clone()),
            Self::Live(secret, algorithm, form) => {
                key_bytes(secret.current().expose(), *form).map(|key| Keyed::new(*algorithm, &key))
            }
        }
    }
}

/// An empty key is none: everybody could sign with it.
fn key_bytes(text: &str, form: KeyForm) -> Option<Vec<u8>> {
    let key = match form {
        KeyForm::Text => Some(text.as_bytes().to_vec()),
        KeyForm::Base64 => LENIENT.decode(text).ok(),
        KeyForm::Whsec => LENIENT.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok(),
    };
    key.filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_each_form_and_never_of_nothing() {
        assert_eq!(key_bytes("whsec_YWJj", KeyForm::Text).as_deref(), Some(&b"whsec_YWJj"[..]));
        for (text, form) in
            [("YWJjZA==", KeyForm::Base64), ("YWJjZA", KeyForm::Whsec), ("whsec_YWJjZA==", KeyForm::Whsec)]
        {
            assert_eq!(key_bytes(text, form).as_deref(), Some(&b"abcd"[..]), "{text}");
        }
        for form in [KeyForm::Text, KeyForm::Base64, KeyForm::Whsec] {
            assert!(key_bytes("sandbox", form).is_some());
            assert!(key_bytes("", form).is_none());
        }
        assert!(key_bytes("whsec_", KeyForm::Whsec).is_none());
        assert!(key_bytes("not base64!", KeyForm::Base64).is_none());
    }
}
