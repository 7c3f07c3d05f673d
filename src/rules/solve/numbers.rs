//! Sets of numbers: an interval without some points, or a few points.

use std::cmp::Ordering;

use super::pick::Pick;
use crate::domain::value::Number;

/// A number as rules write it.
pub type Exact = Number<'static>;

/// An end of an interval.
#[derive(Debug, Clone)]
pub struct End {
    /// Where it is.
    pub at: Exact,
    /// Whether that point is within.
    pub closed: bool,
}

/// Numbers that all of these let through.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    low: Option<End>,
    high: Option<End>,
    /// Where there are only a few.
    only: Option<Vec<Exact>>,
    not: Vec<Exact>,
}

impl Numbers {
    /// These alone.
    pub fn only(points: impl IntoIterator<Item = Exact>) -> Self {
        Self { only: Some(points.into_iter().collect()), ..Self::default() }
    }

    /// All but these.
    pub fn but(points: impl IntoIterator<Item = Exact>) -> Self {
        Self { not: points.into_iter().collect(), ..Self::default() }
    }

    /// From here on.
    pub fn from(at: Exact, closed: bool) -> Self {
        Self { low: Some(End { at, closed }), ..Self::default() }
    }

    /// Up to here.
    pub fn to(at: Exact, closed: bool) -> Self {
        Self { high: Some(End { at, closed }), ..Self::default() }
    }

    /// Those that are in both.
    pub fn meet(&self, other: &Self) -> Self {
        let mut not = self.not.clone();
        not.extend(other.not.iter().cloned());
        let both = Self {
            low: narrower(self.low.as_ref(), other.low.as_ref(), Ordering::Greater),
            high: narrower(self.high.as_ref(), other.high.as_ref(), Ordering::Less),
            only: self.only.clone().or_else(|| other.only.clone()),
            not,
        };
        if self.only.is_none() && other.only.is_none() {
            return both;
        }
        let points = both.only.iter().flatten().filter(|point| both.holds(point) && other.holds(point));
        Self::only(points.cloned())
    }

    /// Whether a number is in it.
    pub fn holds(&self, number: &Number<'_>) -> bool {
        let equal = |point: &Exact| point.compare(number) == Some(Ordering::Equal);
        let within = |end: &Option<End>, beyond: Ordering| {
            end.as_ref().is_none_or(|end| match number.compare(&end.at) {
                Some(Ordering::Equal) => end.closed,
                Some(order) => order != beyond,
                None => false,
            })
        };
        within(&self.low, Ordering::Less)
            && within(&self.high, Ordering::Greater)
            && self.only.as_ref().is_none_or(|only| only.iter().any(equal))
            && !self.not.iter().any(equal)
    }

    /// One of them, a round one where there is a choice.
    pub fn pick(&self) -> Pick<Exact> {
        if let Some(only) = &self.only {
            return only.iter().find(|point| self.holds(point)).map_or(Pick::Empty, |point| Pick::One(point.clone()));
        }
        if let (Some(low), Some(high)) = (&self.low, &self.high) {
            match low.at.compare(&high.at) {
                Some(Ordering::Less) => {}
                Some(Ordering::Equal) if low.closed && high.closed => {
                    return if self.holds(&low.at) { Pick::One(low.at.clone()) } else { Pick::Empty };
                }
                _ => return Pick::Empty,
            }
        }
        // More tries than points that are left out, so one of them is in, unless doubles have no room there.
        let tries = 2 * self.not.len() + 8;
        self.candidates(tries).find(|number| self.holds(number)).map_or(Pick::Unknown, Pick::One)
    }

    /// The ends, whole numbers beside them, and points between them.
    fn candidates(&self, count: usize) -> impl Iterator<Item = Exact> {
        let ends = [self.low.as_ref(), self.high.as_ref()].map(|end| end.map(|end| end.at.clone()));
        let (low, high) = (ends[0].as_ref().map(Number::to_f64), ends[1].as_ref().map(Number::to_f64));
        let start = low.map_or_else(|| high.map_or(1.0, f64::ceil), f64::floor);
        let step = if low.is_none() && high.is_some() { -1.0 } else { 1.0 };
        let whole = (0..count).map(move |number| Number::from_f64(start + step * number as f64));
        let between = (1..=count).filter_map(move |part| {
            let (low, high) = low.zip(high)?;
            Some(Number::from_f64(low + (high - low) * part as f64 / (count + 1) as f64))
        });
        ends.into_iter().flatten().chain(whole).chain(between)
    }
}

/// The end that lets less through; `further` is where that lies.
fn narrower(a: Option<&End>, b: Option<&End>, further: Ordering) -> Option<End> {
    let (Some(one), Some(other)) = (a, b) else { return a.or(b).cloned() };
    let order = one.at.compare(&other.at);
    let first = order == Some(further) || order == Some(Ordering::Equal) && !one.closed;
    Some(if first { one.clone() } else { other.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: i128) -> Exact {
        Number::Int(number)
    }

    #[test]
    fn intervals_meet_and_hold_what_lies_in_them() {
        let from = Numbers::from(whole(2), true);
        assert_eq!(from.meet(&Numbers::to(whole(2), false)).pick().map(|n| n.to_string()), Pick::Empty);
        assert_eq!(from.meet(&Numbers::to(whole(2), true)).pick().map(|n| n.to_string()), Pick::One("2".to_owned()));
        let between = Numbers::from(whole(2), false).meet(&Numbers::to(whole(3), false));
        assert!(matches!(between.pick(), Pick::One(number) if between.holds(&number)));
        assert!(matches!(from.meet(&Numbers::only([whole(1)])).pick(), Pick::Empty));
        assert!(matches!(from.meet(&Numbers::only([whole(1), whole(5)])).pick(), Pick::One(Number::Int(5))));
    }

    #[test]
    fn points_that_are_left_out_leave_others() {
        let some = Numbers::from(whole(0), true).meet(&Numbers::but((0..20).map(whole)));
        assert!(matches!(some.pick(), Pick::One(number) if some.holds(&number)));
        assert!(matches!(Numbers::but([whole(1)]).meet(&Numbers::only([whole(1)])).pick(), Pick::Empty));
        assert!(matches!(Numbers::to(whole(100), false).pick(), Pick::One(Number::Int(99))));
    }
}
