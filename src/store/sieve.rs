//! A sieve for keys: says of most keys that were never put in that they weren't, without reading a page of the file.

/// Bits for each key: with seven probes about one new key in a hundred is looked up in vain.
const BITS_A_KEY: usize = 10;
const PROBES: u64 = 7;

/// Remembers keys in about ten bits each (a Bloom filter that grows by layers). It forgets nothing and invents some.
#[derive(Debug)]
pub(super) struct Sieve {
    /// Keys that the first layer holds; each further one holds twice as many as the one before.
    first: usize,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    bits: Vec<u64>,
    room: usize,
}

impl Sieve {
    /// A sieve without keys, for about so many of them; more only take more layers.
    pub fn for_about(keys: usize) -> Self {
        Self { first: keys, layers: Vec::new() }
    }

    /// Remembers a key, which is a hash.
    pub fn insert(&mut self, key: [u8; 16]) {
        if self.layers.last().is_none_or(|layer| layer.room == 0) {
            let keys = self.first << self.layers.len();
            self.layers.push(Layer { bits: vec![0; keys * BITS_A_KEY / 64], room: keys });
        }
        let Some(layer) = self.layers.last_mut() else { return };
        layer.room -= 1;
        for bit in probes(key, layer.bits.len()) {
            if let Some(word) = layer.bits.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// Whether the key may have been put in; `false` is certain.
    pub fn may_hold(&self, key: [u8; 16]) -> bool {
        let set = |layer: &Layer, bit: usize| layer.bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        self.layers.iter().any(|layer| probes(key, layer.bits.len()).all(|bit| set(layer, bit)))
    }
}

/// A key is a hash already: its two halves give as many positions as are wanted.
fn probes(key: [u8; 16], words: usize) -> impl Iterator<Item = usize> {
    let number = u128::from_le_bytes(key);
    let (start, step) = (number as u64, (number >> 64) as u64 | 1);
    let bits = words as u64 * 64;
    (0..PROBES).map(move |probe| (start.wrapping_add(step.wrapping_mul(probe)) % bits) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::SourceName;
    use crate::store::DedupKey;

    #[test]
    fn what_was_put_in_is_never_denied_and_little_else_is_believed() {
        const FIRST: usize = 1 << 16;
        let source = SourceName::parse("s").expect("a name");
        let key = |number: usize| DedupKey::of(&source, &number.to_string()).0;
        let mut sieve = Sieve::for_about(FIRST);
        // Into the second layer.
        let held = FIRST + 1_000;
        (0..held).for_each(|number| sieve.insert(key(number)));
        assert!((0..held).all(|number| sieve.may_hold(key(number))));
        let invented = (held..held + 10_000).filter(|number| sieve.may_hold(key(*number))).count();
        assert!(invented < 300, "{invented} of 10,000");
    }
}
