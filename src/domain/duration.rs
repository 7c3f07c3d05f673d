//! Durations and rates as rule files write them: `500ms`, `10s`, `5m`, `24h`, `7d`; `100/min`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads `500ms`, `10s`, `5m`, `24h` or `7d`; at most ten years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let millis = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (millis <= 10 * 366 * 86_400_000).then(|| Duration::from_millis(millis))
}

/// Writes a duration in the largest unit that holds it whole: `90s`, `2m`.
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, factor) = UNITS.iter().rev().find(|(_, f)| millis % f == 0 && millis >= *f).unwrap_or(&UNITS[0]);
    format!("{}{unit}", millis / factor)
}

/// An allowance: at most `calls` starts in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls that may start.
    pub calls: u32,
    /// In any span of this length.
    pub window: Duration,
}

impl std::fmt::Display for Rate {
    /// `100/min`, as rule files write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.window.as_secs() {
            1 => write!(f, "{}/s", self.calls),
            60 => write!(f, "{}/min", self.calls),
            3_600 => write!(f, "{}/h", self.calls),
            _ => write!(f, "{} in {}", self.calls, format_duration(self.window)),
        }
    }
}

impl Rate {
    /// `calls` in any minute.
    pub const fn per_minute(calls: u32) -> Self {
        Self { calls, window: Duration::from_mins(1) }
    }

    /// Reads `100/min`, `5/s` or `1000/h`.
    pub fn parse(text: &str) -> Option<Self> {
        let (calls, unit) = text.split_once('/')?;
        let window = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            _ => return None,
        };
        let calls = calls.trim().parse::<u32>().ok().filter(|n| (1..=1_000_000).contains(n))?;
        Some(Self { calls, window: Duration::from_secs(window) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_five_units() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(
                parse_duration(&format_duration(Duration::from_millis(millis))),
                Some(Duration::from_millis(millis))
            );
        }
        for bad in ["", "s", "10", "10 s", "1w", "-5s", "99999999999d", "1.5h"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn rates_are_calls_in_a_window() {
        assert_eq!(Rate::parse("100/min"), Some(Rate::per_minute(100)));
        for text in ["100/min", "5/s", "1000/h"] {
            assert_eq!(Rate::parse(text).map(|rate| rate.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Rate::parse("5/s").map(|r| r.window), Some(Duration::from_secs(1)));
        for bad in ["", "100", "0/min", "x/min", "5/day"] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }
}
