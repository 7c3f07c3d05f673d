//! Slowing down by oneself: a provider that answers "too many requests" though the allowance is kept has less to give than its
//! page says, or others use the same account. What is used of the allowance is halved each time, and grows again by steps while
//! the answer doesn't come.

use std::time::Duration;

use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// Shares of the allowance in eighths.
const WHOLE: u32 = 8;
const LEAST: u32 = 1;

/// Of a limit over a longer time so much is looked at: nobody stands still for the rest of an hour, or needs one for each step.
const LONGEST: Duration = Duration::from_mins(1);

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

    /// What others of the account have been told, who used so many eighths from `since` on.
    pub fn told(eighths: u32, since: Timestamp) -> Self {
        Self { eighths: eighths.clamp(LEAST, WHOLE), since }
    }

    /// How many eighths were used from when the limit was met last, for others of the account.
    pub fn tell(&self) -> u32 {
        self.eighths
    }

    /// Whoever met the limit last knows best.
    pub fn newest(self, other: Self) -> Self {
        if other.since > self.since { other } else { self }
    }

    /// What is used of `calls` now: one at least.
    pub fn of(&self, calls: u32, window_ms: i64, now: Timestamp) -> u32 {
        let used = u64::from(calls) * u64::from(self.eighths(window_ms, now)) / u64::from(WHOLE);
        u32::try_from(used).unwrap_or(calls).max(1)
    }

    /// What holds of `rate` now: itself; less of it under pressure, and of one over a long time its part of a minute besides.
    pub fn on(&self, rate: Rate, now: Timestamp) -> impl Iterator<Item = Rate> {
        let window_ms = i64::try_from(rate.window.as_millis()).unwrap_or(i64::MAX);
        let pressed = self.eighths(window_ms, now) < WHOLE;
        let is_long = rate.window > LONGEST;
        let whole =
            Rate { calls: if pressed && !is_long { self.of(rate.calls, window_ms, now) } else { rate.calls }, ..rate };
        let part = f64::from(rate.calls) * LONGEST.as_secs_f64() / rate.window.as_secs_f64();
        let minute = Rate { calls: self.of(part.ceil() as u32, window_ms, now), window: LONGEST };
        std::iter::once(whole).chain((pressed && is_long).then_some(minute))
    }

    /// One more with each window that has passed.
    fn eighths(&self, window_ms: i64, now: Timestamp) -> u32 {
        let step_ms = window_ms.min(LONGEST.as_millis() as i64).max(1);
        let windows = now.millis().saturating_sub(self.since.millis()) / step_ms;
        let grown = u32::try_from(windows.max(0)).unwrap_or(u32::MAX);
        self.eighths.saturating_add(grown).min(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_an_hour_is_slowed_down_by_the_minute() {
        let mut pressure = Pressure::default();
        let rate = Rate { calls: 1_200, window: Duration::from_hours(1) };
        let on = |pressure: &Pressure, at| {
            pressure.on(rate, Timestamp(at)).map(|rate| (rate.calls, rate.window.as_secs())).collect::<Vec<_>>()
        };
        assert_eq!(on(&pressure, 0), [(1_200, 3_600)]);
        pressure.rises(3_600_000, Timestamp(0));
        assert_eq!(on(&pressure, 0), [(1_200, 3_600), (10, 60)]);
        assert_eq!(
            (on(&pressure, 120_000), on(&pressure, 240_000)),
            (vec![(1_200, 3_600), (15, 60)], vec![(1_200, 3_600)])
        );
    }

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
