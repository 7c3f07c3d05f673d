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
    /// When the last of its changes was accepted that had a later one before it could be called for.
    overtaken: Timestamp,
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
        let (before, overtaken) = self.0.get(&entry).map_or((never, never), |flip| (flip.last, flip.overtaken));
        self.0.insert(entry, Flip { before, last: now, overtaken, until: never });
    }

    /// A change of the tag that was accepted at `at` had a later one before it could be called for. It counts also where nothing is
    /// called for then, since the last word is true already: the next change would look like a calm one.
    pub fn overtook(&self, key: ContactKey, tag: &TagName, at: Timestamp) {
        let entry = (key, tag.clone());
        if let Some(flip) = self.0.get(&entry).filter(|flip| flip.overtaken < at) {
            self.0.insert(entry, Flip { overtaken: at, ..flip });
        }
    }

    /// Nothing rests any more: somebody wants it now.
    pub fn forget_all(&self) {
        self.0.invalidate_all();
    }

    /// Until when the tag rests, to be shown.
    pub fn resting(&self, key: ContactKey, tag: &TagName, now: Timestamp) -> Option<Timestamp> {
        self.0.get(&(key, tag.clone())).map(|flip| flip.until).filter(|until| *until > now)
    }

    /// Until when the tag rests. It begins to where it was called for twice in the last window, and a change of it that was accepted
    /// after the last call was overtaken: changes come faster than calls can follow.
    pub fn rests(&self, key: ContactKey, tag: &TagName, window_ms: i64, now: Timestamp) -> Option<Timestamp> {
        let entry = (key, tag.clone());
        let flip = self.0.get(&entry)?;
        // One that lies further off is from before the clock was set back.
        if flip.until > now && flip.until <= now.plus_millis(window_ms) {
            return Some(flip.until);
        }
        let until = flip.before.plus_millis(window_ms);
        if flip.overtaken <= flip.last || until <= now || flip.before > now {
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
            if restless {
                flips.overtook(key, &tag, Timestamp(now - 1));
            }
            flips.rests(key, &tag, 1_000, Timestamp(now)).map(|at| at.0)
        };
        assert_eq!(rests(true, 0), None);
        flips.called(key, &tag, Timestamp(0));
        assert_eq!(rests(true, 10), None, "the second call of the window");
        flips.called(key, &tag, Timestamp(10));
        assert_eq!(rests(false, 20), None, "one change at a time is called for at once");
        flips.overtook(key, &tag, Timestamp(10));
        assert_eq!(rests(false, 20), None, "what waited longer than the last call takes has failed, and doesn't flap");
        assert_eq!((rests(true, 20), rests(false, 30)), (Some(1_000), Some(1_000)), "who rests goes on resting");
        assert_eq!(rests(true, 1_000), None);
        flips.called(key, &tag, Timestamp(1_000));
        assert_eq!(rests(true, 1_005), Some(1_010));
    }

    #[test]
    fn changes_that_are_overtaken_where_nothing_is_called_for_count_too() {
        let (flips, key, tag) = (Flips::default(), ContactKey([1; 16]), TagName::parse("Lead").expect("a tag"));
        flips.called(key, &tag, Timestamp(0));
        flips.called(key, &tag, Timestamp(10));
        flips.overtook(key, &tag, Timestamp(15));
        assert_eq!(
            flips.rests(key, &tag, 1_000, Timestamp(30)),
            Some(Timestamp(1_000)),
            "also for the single change that comes next"
        );
    }
}
