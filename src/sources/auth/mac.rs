//! HMAC over the three hashes that senders use, keyed once and copied per request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::domain::scheme::{Algorithm, Encoding};

/// The longest of the three, SHA-512.
const LONGEST: usize = 64;

/// A hash that has taken in its key; a copy takes in a message.
///
/// Keying costs two blocks of hashing, which for a short body is as much as the body itself.
#[derive(Clone)]
pub enum Keyed {
    /// HMAC-SHA-1.
    Sha1(Hmac<Sha1>),
    /// HMAC-SHA-256.
    Sha256(Hmac<Sha256>),
    /// HMAC-SHA-512; boxed because its state is several times the size of the others.
    Sha512(Box<Hmac<Sha512>>),
}

impl Keyed {
    /// Takes in the key.
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        const ANY: &str = "HMAC takes a key of any length";
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(key).expect(ANY)),
            Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(ANY)),
            Algorithm::Sha512 => Self::Sha512(Box::new(Hmac::new_from_slice(key).expect(ANY))),
        }
    }

    /// Takes in a part of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(bytes),
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
        }
    }

    /// The signature of what was taken in.
    pub fn finish(self) -> Signature {
        match self {
            Self::Sha1(mac) => Signature::of(&mac.finalize().into_bytes()),
            Self::Sha256(mac) => Signature::of(&mac.finalize().into_bytes()),
            Self::Sha512(mac) => Signature::of(&mac.finalize().into_bytes()),
        }
    }
}

/// A signature's bytes.
#[derive(Clone, Copy)]
pub struct Signature {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Signature {
    fn of(from: &[u8]) -> Self {
        let mut bytes = [0; LONGEST];
        for (to, from) in bytes.iter_mut().zip(from) {
            *to = *from;
        }
        Self { bytes, length: from.len().min(LONGEST) }
    }

    /// Reads a signature as it was written; `None` when it can't be one of this hash.
    pub fn decode(text: &str, encoding: Encoding, algorithm: Algorithm) -> Option<Self> {
        // Room for one block of base64 more than the longest signature: the decoder asks for it.
        let mut room = [0; LONGEST + 4];
        let length = match encoding {
            Encoding::Hex => {
                let room = room.get_mut(..text.len() / 2)?;
                hex::decode_to_slice(text, room).ok()?;
                room.len()
            }
            Encoding::Base64 => STANDARD.decode_slice(text, &mut room).ok()?,
        };
        (length == length_of(algorithm)).then(|| Self::of(room.get(..length).unwrap_or_default()))
    }

    /// Writes it.
    pub fn encode(&self, encoding: Encoding) -> String {
        match encoding {
            Encoding::Hex => hex::encode(self.bytes()),
            Encoding::Base64 => STANDARD.encode(self.bytes()),
        }
    }

    /// Compares in a time that doesn't depend on where the two differ.
    pub fn equals(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn length_of(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
        Algorithm::Sha512 => 64,
    }
}
