//! A person at a connection.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::name::ConnectionName;

/// How a person is named at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactRef {
    /// The provider's own id, as text so that no digit is lost.
    Id(String),
}

impl fmt::Display for ContactRef {
    /// `id:1568834`: the spelling of logs, the API and the contact's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id:{id}"),
        }
    }
}

/// A person at a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// Where the person is known.
    pub connection: ConnectionName,
    /// By what.
    pub reference: ContactRef,
}

impl Contact {
    /// The 16 bytes under which the store keeps this contact.
    pub fn key(&self) -> ContactKey {
        let mut hasher = Sha256::new();
        hasher.update(self.connection.as_str().as_bytes());
        // A name holds no NUL, so two contacts never spell the same bytes.
        hasher.update([0]);
        hasher.update(self.reference.to_string().as_bytes());
        ContactKey::from_hash(&hasher.finalize())
    }
}

/// A 16-byte hash of a contact. Two contacts meet in one with a chance of about 2^-64 after 2^32 contacts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContactKey(pub [u8; 16]);

impl ContactKey {
    /// The first 16 bytes of a longer hash.
    pub fn from_hash(hash: &[u8]) -> Self {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(hash) {
            *to = *from;
        }
        Self(key)
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_connections_and_references_apart() {
        let contact = |connection: &str, id: &str| {
            Contact {
                connection: ConnectionName::parse(connection).expect("a name"),
                reference: ContactRef::Id(id.into()),
            }
            .key()
        };
        assert_eq!(contact("crm", "1"), contact("crm", "1"));
        assert_ne!(contact("crm", "1"), contact("crm", "2"));
        assert_ne!(contact("crm", "1"), contact("crm2", "1"));
    }
}
