//! The trace: what a busy shop asks for, made of a seed.
//!
//! 100,000 tag actions, 20 a second; contacts by Zipf 0.8 over 50,000; bursts of 4 with a mean gap of 6 s; 30 % repeat a tag that the
//! contact has already, 9.6 % remove a tag that was added 8 s before.

use std::collections::HashMap;

/// One action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Milliseconds after the beginning.
    pub at: i64,
    pub contact: u32,
    pub tag: u32,
    pub there: bool,
}

const CONTACTS: usize = 50_000;
const SKEW: f64 = 0.8;
const A_SECOND: f64 = 20.0;
const BURST: usize = 4;
const GAP_S: f64 = 6.0;
const REPEATS: f64 = 0.30;
const REMOVALS: f64 = 0.096;
const REMOVED_AFTER_MS: i64 = 8_000;

/// Numbers that look random: xorshift with a multiplier, the same on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 up to 1.
    pub fn part(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn gap_ms(&mut self, mean_s: f64) -> i64 {
        (-mean_s * 1_000.0 * (1.0 - self.part()).ln()) as i64
    }
}

/// The actions in order of time.
pub fn trace(seed: u64, actions: usize) -> Vec<Action> {
    let mut dice = Dice::new(seed);
    let weights: Vec<f64> = (1..=CONTACTS).map(|rank| (rank as f64).powf(-SKEW)).collect();
    let total: f64 = weights.iter().sum();
    let mut sums = Vec::with_capacity(CONTACTS);
    weights.iter().fold(0.0, |sum, weight| {
        sums.push((sum + weight) / total);
        sum + weight
    });
    // A removal comes on top of what a burst asks for.
    let bursts = (actions as f64 * (1.0 - REMOVALS) / BURST as f64).ceil() as usize;
    let length_ms = actions as f64 / A_SECOND * 1_000.0;
    let mut wishes: Vec<(i64, u32)> = Vec::with_capacity(bursts * BURST);
    for _ in 0..bursts {
        let place = dice.part();
        let contact = sums.partition_point(|sum| *sum < place).min(CONTACTS - 1) as u32;
        let mut at = (dice.part() * length_ms) as i64;
        for _ in 0..BURST {
            wishes.push((at, contact));
            at += dice.gap_ms(GAP_S);
        }
    }
    wishes.sort_unstable();
    let mut held: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut next_tag: HashMap<u32, u32> = HashMap::new();
    let mut all = Vec::with_capacity(actions);
    // Of what isn't a repeat so many are taken back.
    let taken_back = REMOVALS / (1.0 - REMOVALS - REPEATS);
    for (at, contact) in wishes {
        let theirs = held.entry(contact).or_default();
        if !theirs.is_empty() && dice.part() < REPEATS / (1.0 - REMOVALS) {
            let tag = theirs[(dice.part() * theirs.len() as f64) as usize % theirs.len()];
            all.push(Action { at, contact, tag, there: true });
            continue;
        }
        let next = next_tag.entry(contact).or_default();
        let tag = *next;
        *next += 1;
        all.push(Action { at, contact, tag, there: true });
        if dice.part() < taken_back {
            all.push(Action { at: at + REMOVED_AFTER_MS, contact, tag, there: false });
        } else {
            theirs.push(tag);
        }
    }
    all.sort_by_key(|action| action.at);
    all.truncate(actions);
    all
}
