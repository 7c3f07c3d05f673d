//! Slowing down by oneself: a provider that answers "too many requests" though the allowance is kept has less to give than its
//! page says, or others use the same account. What is used of the allowance is halved each time, and grows again by steps while
//! the answer doesn't come.

use crate::domain::time::Timestamp;

/// Shares of the allowance in eighths.
const WHOLE: u32 = 8;
const LEAST: u32 = 1;

/// How much of an allowance is used.
#[derive(Debug, Clone, Copy)]
pub struct Pressure {
    eighths: u32,
    since: Timestamp,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { eighths: WHOLE, since: Timestamp(i64::MIN) }
    }
}

impl Pressure {
    /// The provider said that it was too much.
    pub fn rises(&mut self, window_ms: i64, now: Timestamp) {
        *self = Self { eighths: (self.eighths(window_ms, now) / 2).max(LEAST), since: now };
    }

    /// What is used of `calls` now: one at least.
    pub fn of(&self, calls: u32, window_ms: i64, now: Timestamp) -> u32 {
        let used = u64::from(calls) * u64::from(self.eighths(window_ms, now)) / u64::from(WHOLE);
        u32::try_from(used).unwrap_or(calls).max(1)
    }

    /// One more with each window that has passed.
    fn eighths(&self, window_ms: i64, now: Timestamp) -> u32 {
        let windows = now.millis().saturating_sub(self.since.millis()) / window_ms.max(1);
        let grown = u32::try_from(windows.max(0)).unwrap_or(u32::MAX);
        self.eighths.saturating_add(grown).min(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_halves_and_each_quiet_window_gives_an_eighth_back() {
        let mut pressure = Pressure::default();
        let of = |pressure: &Pressure, at| pressure.of(100, 1_000, Timestamp(at));
        assert_eq!(of(&pressure, 0), 100);
        pressure.rises(1_000, Timestamp(0));
        assert_eq!((of(&pressure, 0), of(&pressure, 999), of(&pressure, 1_000)), (50, 50, 62));
        pressure.rises(1_000, Timestamp(1_000));
        pressure.rises(1_000, Timestamp(1_500));
        pressure.rises(1_000, Timestamp(1_800));
        assert_eq!(of(&pressure, 1_800), 12, "an eighth is left in any case");
        assert_eq!((of(&pressure, 8_000), of(&pressure, 9_000)), (87, 100));
        assert_eq!(
            Pressure { eighths: LEAST, since: Timestamp(0) }.of(1, 1_000, Timestamp(0)),
            1,
            "one call is left in any case"
        );
    }
}
