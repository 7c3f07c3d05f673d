//! Hashing for keys that are hashes themselves: their first bytes are as good as any hash of them.

use std::hash::{BuildHasher, Hasher};

/// For maps whose keys are 16 bytes of SHA-256.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AlreadyHashed;

impl BuildHasher for AlreadyHashed {
    type Hasher = FirstBytes;

    fn build_hasher(&self) -> FirstBytes {
        FirstBytes(0)
    }
}

/// Takes the first eight bytes that it is given.
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// An array's length comes before its bytes and says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
