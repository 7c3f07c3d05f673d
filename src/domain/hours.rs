//! Opening hours: when an office is open, week by week, in its own zone.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::time::Timestamp;

/// The days as rule files name them, Monday first.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A minute of a day, 0 to 1440.
type Minute = u16;

/// From a minute of a day up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: Minute,
    to: Minute,
}

impl Span {
    /// Reads `09:00-18:00`; `24:00` ends a day, and `22:00-02:00` goes on into the next one.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from.trim())?, minute(to.trim())?);
        (from != to && from < 1440).then_some(Self { from, to })
    }

    /// Whether it holds this minute of the day on which it begins.
    fn holds(self, minute: Minute) -> bool {
        self.from <= minute && (minute < self.to || self.to < self.from)
    }

    /// Whether it holds this minute of the day after the one on which it begins.
    fn holds_next_day(self, minute: Minute) -> bool {
        self.to < self.from && minute < self.to
    }
}

fn minute(text: &str) -> Option<Minute> {
    let (hour, minute) = text.split_once(':')?;
    let digits =
        |part: &str| (part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok())?;
    let (hour, minute) = (digits(hour)?, digits(minute).filter(|_| minute.len() == 2)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 1440).then_some(total)
}

/// The days of `mon` or `mon-fri`, as places in [`DAYS`]; a range may go on over Sunday (`sat-mon`).
pub fn days(text: &str) -> Option<Vec<usize>> {
    let place = |name: &str| DAYS.iter().position(|day| *day == name);
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (place(first)?, place(last)?),
        None => (place(text)?, place(text)?),
    };
    let count = (last + 7 - first) % 7;
    Some((0..=count).map(|step| (first + step) % 7).collect())
}

/// Reads a date as it stands in rule files: `2026-12-25`.
pub fn date(text: &str) -> Option<Date> {
    text.parse().ok()
}

/// When an office is open.
#[derive(Debug, Clone)]
pub struct Hours {
    zone: TimeZone,
    week: [Vec<Span>; 7],
    closed: BTreeSet<Date>,
}

impl Hours {
    /// Always closed, in the zone of this IANA name (`America/Bogota`); `None` where there is no such zone.
    pub fn in_zone(zone: &str) -> Option<Self> {
        let zone = TimeZone::get(zone).ok()?;
        Some(Self { zone, week: Default::default(), closed: BTreeSet::new() })
    }

    /// Opens on a day, by its place in [`DAYS`].
    pub fn open_on(&mut self, day: usize, span: Span) {
        if let Some(spans) = self.week.get_mut(day) {
            spans.push(span);
        }
    }

    /// Closes on a date, whatever day of the week it is.
    pub fn close_on(&mut self, date: Date) {
        self.closed.insert(date);
    }

    /// Whether it is open at a time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let Ok(time) = jiff::Timestamp::from_millisecond(at.millis()) else { return false };
        let local = time.to_zoned(self.zone.clone());
        let minute = local.hour() as Minute * 60 + local.minute() as Minute;
        let today = self.spans(local.date()).is_some_and(|spans| spans.iter().any(|span| span.holds(minute)));
        let before = local.date().yesterday().ok().and_then(|date| self.spans(date));
        today || before.is_some_and(|spans| spans.iter().any(|span| span.holds_next_day(minute)))
    }

    fn spans(&self, date: Date) -> Option<&[Span]> {
        if self.closed.contains(&date) {
            return None;
        }
        let day = match date.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.week.get(day).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    #[test]
    fn an_office_is_open_in_its_own_zone_and_closed_on_its_holidays() {
        let mut office = Hours::in_zone("America/Bogota").expect("a zone");
        for day in days("mon-fri").expect("days") {
            office.open_on(day, Span::parse("09:00-18:00").expect("hours"));
        }
        office.close_on(date("2026-12-25").expect("a date"));
        assert!(office.is_open(at("2026-03-02T09:00:00-05:00")));
        assert!(office.is_open(at("2026-03-02T22:59:59Z")));
        assert!(!office.is_open(at("2026-03-02T18:00:00-05:00")));
        assert!(!office.is_open(at("2026-03-01T12:00:00-05:00")), "a Sunday");
        assert!(!office.is_open(at("2026-12-25T12:00:00-05:00")), "a holiday");
    }

    #[test]
    fn nights_go_on_into_the_next_day_and_clocks_may_change() {
        let mut bar = Hours::in_zone("Europe/Madrid").expect("a zone");
        bar.open_on(5, Span::parse("22:00-02:00").expect("hours"));
        assert!(bar.is_open(at("2026-03-28T23:00:00+01:00")));
        assert!(bar.is_open(at("2026-03-29T01:30:00+01:00")), "Sunday night belongs to Saturday");
        // At 02:00 the clock goes on to 03:00.
        assert!(!bar.is_open(at("2026-03-29T03:00:00+02:00")));
        assert!(!bar.is_open(at("2026-03-28T01:00:00+01:00")), "Friday was closed");
    }

    #[test]
    fn what_is_no_time_no_day_and_no_zone_is_refused() {
        for bad in
            ["9-18", "09:00", "25:00-26:00", "09:60-10:00", "09:00-09:00", "24:00-02:00", "09:5-10:00", "+9:00-10:00"]
        {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
        assert!(Span::parse("9:00-24:00").is_some());
        assert_eq!(days("sat-mon"), Some(vec![5, 6, 0]));
        assert_eq!(days("monday"), None);
        assert!(Hours::in_zone("Bogota").is_none());
    }
}
