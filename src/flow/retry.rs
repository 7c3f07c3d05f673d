//! When a failed try is made again.

use std::time::Duration;

use crate::domain::contact::ContactKey;

/// The waits between tries; the last one again and again until the connection's `give_up_after`.
pub const SCHEDULE: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
];

/// The wait after `tries` failed tries (from 1). `jitter` in 0..1 only ever adds, up to a tenth, so that contacts that failed
/// together don't come back together.
pub fn wait(tries: u32, jitter: f64) -> Duration {
    let index = (tries.max(1) as usize - 1).min(SCHEDULE.len() - 1);
    let base = SCHEDULE.get(index).copied().unwrap_or_default();
    base + base.mul_f64(jitter.clamp(0.0, 1.0) * 0.1)
}

/// What spreads the tries of contacts for [`wait`], 0 to 1: the same for the same try of the same contact.
pub fn jitter(key: ContactKey, tries: u32) -> f64 {
    // A key is a hash: any of its bytes are as good as random ones.
    let bytes = key.0.iter().cycle().skip(tries as usize * 2).take(2);
    let number = bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_follow_the_schedule_and_jitter_only_adds() {
        let seconds: Vec<u64> = (1..=10).map(|tries| wait(tries, 0.0).as_secs()).collect();
        assert_eq!(seconds, [5, 30, 120, 600, 1800, 7200, 18000, 36000, 36000, 36000]);
        assert!(
            (1..=10)
                .all(|tries| wait(tries, 1.0) >= wait(tries, 0.0) && wait(tries, 1.0) <= wait(tries, 0.0).mul_f64(1.1))
        );
    }
}
