//! A secret that a request must repeat: compared by its hash, so that neither its bytes nor its length show in the time.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::secret::{Secret, SecretRef};
use crate::sources::fault::OpenError;
use crate::vault::{LiveSecret, Vault};

/// Opens a secret; an empty one would let everybody in.
pub fn open(secret: &SecretRef, vault: &Vault) -> Result<LiveSecret, OpenError> {
    let live = vault.open(secret)?;
    if live.current().expose().is_empty() { Err(OpenError::Empty(format!("{secret:?}"))) } else { Ok(live) }
}

/// A text that is known.
pub struct Known {
    secret: LiveSecret,
    /// Only of a secret that stays: a file's may change.
    hash: Option<[u8; 32]>,
}

impl Known {
    /// Opens a secret.
    pub fn open(secret: &SecretRef, vault: &Vault) -> Result<Self, OpenError> {
        let live = open(secret, vault)?;
        let stays = !matches!(secret, SecretRef::File(_));
        let hash = stays.then(|| sha256(live.current().expose().as_bytes()));
        Ok(Self { secret: live, hash })
    }

    /// Whether `given` is the secret. A file that has become empty lets nobody in.
    pub fn is(&self, given: &[u8]) -> bool {
        let given_hash = sha256(given);
        let same = match self.hash {
            Some(hash) => hash.ct_eq(&given_hash),
            None => sha256(self.secret.current().expose().as_bytes()).ct_eq(&given_hash),
        };
        bool::from(same) && !given.is_empty()
    }

    /// The secret, to send it.
    pub fn current(&self) -> Secret {
        self.secret.current()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
