//! A histogram of durations: buckets that grow with the value, 3 % wide, so that a percentile costs nothing to keep.

/// Buckets for each doubling.
const STEPS: u32 = 32;
/// The least value told apart is a microsecond, the greatest about a minute.
const BUCKETS: usize = (STEPS * 27) as usize;

/// Counts of durations in microseconds.
#[derive(Clone)]
pub struct Histogram(Vec<u32>);

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; BUCKETS])
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, micros: u64) {
        if let Some(count) = self.0.get_mut(bucket(micros)) {
            *count += 1;
        }
    }

    /// Takes in another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The upper edge of the bucket below which this share (0 to 1) of the values lies, in microseconds.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.0.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted.max(1) {
                return edge(index + 1);
            }
        }
        0
    }
}

fn bucket(micros: u64) -> usize {
    let value = micros.max(1);
    if value < u64::from(STEPS) {
        return value as usize;
    }
    let doubling = value.ilog2() - STEPS.ilog2();
    let step = (value >> doubling) as u32 - STEPS;
    ((STEPS * (doubling + 1) + step) as usize).min(BUCKETS - 1)
}

fn edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let steps = u64::from(STEPS);
    if bucket < steps {
        return bucket;
    }
    let doubling = bucket / steps - 1;
    (steps + bucket % steps) << doubling
}
