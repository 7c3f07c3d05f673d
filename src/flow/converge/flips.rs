//! Tags that flap: one that is added and removed faster than it can be delivered would use up the allowance for nothing. It costs two
//! calls a window of the allowance, and ends as its last word says.

use moka::sync::Cache;

use crate::domain::contact::ContactKey;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// How many tags of contacts are remembered; a forgotten one may cost a call more.
const TAGS: u64 = 20_000;

/// When tags were called for lately.
#[derive(Debug)]
pub struct Flips(Cache<(ContactKey, TagName), Flip>);

#[derive(Debug, Clone, Copy)]
struct Flip {
    /// The last two calls.
    before: Timestamp,
    last: Timestamp,
    /// Until when it rests.
    until: Timestamp,
}

impl Default for Flips {
    fn default() -> Self {
        Self(Cache::new(TAGS))
    }
}

impl Flips {
    /// The tag was called for.
    pub fn called(&self, key: ContactKey, tag: &TagName, now: Timestamp) {
        let never = Timestamp(i64::MIN);
        let entry = (key, tag.clone());
        let before = self.0.get(&entry).map_or(never, |flip| flip.last);
        self.0.insert(entry, Flip { before, last: now, until: never });
    }

    /// Nothing rests any more: somebody wants it now.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }

    /// Until when the tag rests. It begins to where it was called for twice in the last window, and a change of it that was accepted
    /// at `overtaken`, after the last call, had a later one before it could be called for: changes come faster than calls can follow.
    pub fn rests(
        &self,
        key: ContactKey,
        tag: &TagName,
        overtaken: Option<Timestamp>,
        window_ms: i64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let entry = (key, tag.clone());
        let flip = self.0.get(&entry)?;
        if flip.until > now {
            return Some(flip.until);
        }
        let until = flip.before.plus_millis(window_ms);
        if overtaken.is_none_or(|at| at <= flip.last) || until <= now || flip.before > now {
            return None;
        }
        self.0.insert(entry, Flip { until, ..flip });
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restless_tag_is_called_for_twice_a_window_and_a_calm_one_at_once() {
        let (flips, key, tag) = (Flips::default(), ContactKey([1; 16]), TagName::parse("Lead").expect("a tag"));
        let rests = |restless: bool, now| {
            let overtaken = restless.then_some(Timestamp(now - 1));
            flips.rests(key, &tag, overtaken, 1_000, Timestamp(now)).map(|at| at.0)
        };
        assert_eq!(rests(true, 0), None);
        flips.called(key, &tag, Timestamp(0));
        assert_eq!(rests(true, 10), None, "the second call of the window");
        flips.called(key, &tag, Timestamp(10));
        assert_eq!(rests(false, 20), None, "one change at a time is called for at once");
        let old = flips.rests(key, &tag, Some(Timestamp(10)), 1_000, Timestamp(20));
        assert_eq!(old, None, "what waited longer than the last call takes has failed, and doesn't flap");
        assert_eq!((rests(true, 20), rests(false, 30)), (Some(1_000), Some(1_000)), "who rests goes on resting");
        assert_eq!(rests(true, 1_000), None);
        flips.called(key, &tag, Timestamp(1_000));
        assert_eq!(rests(true, 1_005), Some(1_010));
    }
}
