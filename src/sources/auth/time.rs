//! When a request was signed, and whether that is near enough to now.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::sources::fault::Refusal;

/// Numbers from here on are milliseconds: as seconds they would lie beyond the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Reads Unix seconds or milliseconds, or an RFC 3339 time (Zendesk).
pub fn read(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(number) if number.saturating_abs() >= MILLISECONDS_FROM => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp(number * 1000)),
        Err(_) => Timestamp::parse(text),
    }
}

/// Refuses what was signed too long ago or too far ahead; a replayed request is the reason to.
pub fn judge(text: &str, now: Timestamp, tolerance: Duration) -> Result<(), Refusal> {
    let signed_at = read(text).ok_or(Refusal::UnreadableTimestamp)?;
    let tolerance = i64::try_from(tolerance.as_millis()).unwrap_or(i64::MAX);
    let age = now.since(signed_at);
    if age > tolerance {
        return Err(Refusal::TimestampTooOld);
    }
    if age < -tolerance {
        return Err(Refusal::TimestampTooEarly);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_milliseconds_or_iso_and_nothing_panics() {
        for text in ["1627207200", "1627207200000", "2021-07-25T10:00:00Z", "2021-07-25T12:00:00+02:00"] {
            assert_eq!(read(text), Some(Timestamp(1_627_207_200_000)), "{text}");
        }
        assert_eq!(read("-5"), Some(Timestamp(-5000)));
        for text in ["", "soon", "99999999999999999999999", "1.5", "2021-07-25"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["9223372036854775807", "-9223372036854775808"] {
            assert!(judge(text, Timestamp(0), Duration::from_mins(5)).is_err());
        }
    }

    #[test]
    fn the_tolerance_holds_both_ways_to_the_millisecond() {
        let now = Timestamp(1_000_000_000);
        let judge = |seconds: i64| judge(&seconds.to_string(), now, Duration::from_mins(5));
        assert_eq!(judge(1_000_000 - 300), Ok(()));
        assert_eq!(judge(1_000_000 + 300), Ok(()));
        assert_eq!(judge(1_000_000 - 301), Err(Refusal::TimestampTooOld));
        assert_eq!(judge(1_000_000 + 301), Err(Refusal::TimestampTooEarly));
    }
}
