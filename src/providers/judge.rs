//! From a status to an outcome: one table a provider, read from the top, the first row that holds decides.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use super::outcome::Outcome;
use crate::domain::time::Timestamp;

/// One row: these statuses mean this.
#[derive(Debug, Clone)]
pub struct Row {
    /// The statuses it speaks of.
    pub statuses: RangeInclusive<u16>,
    /// In lower case: the answer's message holds one of these. Empty: whatever it says.
    pub says: &'static [&'static str],
    /// What they mean for the change.
    pub ruling: Ruling,
    /// The same for people.
    pub why: &'static str,
}

/// What a status means for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It is done.
    Done,
    /// Later; nothing was done.
    Later,
    /// Later, and slower; nothing was done.
    Throttled,
    /// Later; it may have been done.
    InDoubt,
    /// Never; nothing was done.
    Dead,
    /// There is no such contact; nothing was done.
    Lost,
    /// The connection is ill; nothing was done.
    Refused,
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Later => "retried later",
            Self::Throttled => "retried later, and slower",
            Self::InDoubt => "in doubt",
            Self::Dead => "dead",
            Self::Lost => "lost",
            Self::Refused => "refused",
        })
    }
}

/// A row of a table.
pub const fn row(from: u16, to: u16, ruling: Ruling, why: &'static str) -> Row {
    Row { statuses: from..=to, says: &[], ruling, why }
}

/// A row for answers with this status whose message holds one of these words, which are in lower case.
pub const fn saying(status: u16, says: &'static [&'static str], ruling: Ruling, why: &'static str) -> Row {
    Row { statuses: status..=status, says, ruling, why }
}

/// The row for `status`, where no row asks what is said. Every table ends with a row for all statuses.
pub fn judge(table: &'static [Row], status: u16) -> (Ruling, &'static str) {
    judge_said(table, status, "")
}

/// The row for `status` and what the answer's message says.
pub fn judge_said(table: &'static [Row], status: u16, message: &str) -> (Ruling, &'static str) {
    let message = message.to_lowercase();
    let said = |row: &Row| row.says.is_empty() || row.says.iter().any(|words| message.contains(words));
    let found = table.iter().find(|row| row.statuses.contains(&status) && said(row));
    found.map_or((Ruling::InDoubt, "a status that the table doesn't know"), |row| (row.ruling, row.why))
}

/// The outcome of a ruling that isn't [`Ruling::Done`].
pub fn undone(ruling: Ruling, reason: String, after: Option<Duration>) -> Outcome {
    let retry = |throttled, in_doubt, reason| Outcome::Retry { reason, after, throttled, in_doubt };
    match ruling {
        Ruling::Later => retry(false, false, reason),
        Ruling::Throttled => retry(true, false, reason),
        Ruling::Done | Ruling::InDoubt => retry(false, true, reason),
        Ruling::Dead => Outcome::Dead { reason },
        Ruling::Lost => Outcome::Lost { reason },
        Ruling::Refused => Outcome::Refused { reason },
    }
}

/// The longest that a provider's wish is obeyed: a broken header must not stop a connection for years.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Reads `Retry-After`, seconds or an HTTP date; a date that has passed is no wait, nonsense is no wish.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let text = header.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // Too many digits for a number are a long wait all the same.
        return Some(text.parse().map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
    Some(date.duration_since(now).unwrap_or_default().min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_may_ask_what_is_said() {
        const TABLE: [Row; 2] =
            [saying(403, &["not found"], Ruling::Lost, "lost"), row(0, u16::MAX, Ruling::Dead, "dead")];
        assert_eq!(judge_said(&TABLE, 403, "Contact Not Found."), (Ruling::Lost, "lost"));
        assert_eq!(judge_said(&TABLE, 403, "Too many tags"), (Ruling::Dead, "dead"));
        assert_eq!(judge_said(&TABLE, 404, "Contact not found"), (Ruling::Dead, "dead"));
        assert_eq!(judge(&TABLE, 403), (Ruling::Dead, "dead"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
        let now = Timestamp::parse("2026-11-06T08:49:37Z").expect("a time");
        let seconds = |s| Some(Duration::from_secs(s));
        for (header, wait) in [
            ("0", seconds(0)),
            (" 120 ", seconds(120)),
            ("86401", seconds(86_400)),
            ("99999999999999999999999999", seconds(86_400)),
            ("Fri, 06 Nov 2026 08:51:07 GMT", seconds(90)),
            ("Friday, 06-Nov-26 08:51:07 GMT", seconds(90)),
            ("Fri, 06 Nov 2026 08:00:00 GMT", seconds(0)),
            ("Sun, 06 Nov 2044 08:49:37 GMT", seconds(86_400)),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
        ] {
            assert_eq!(retry_after(header, now), wait, "{header:?}");
        }
    }
}
