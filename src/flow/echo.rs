//! Echoes: a provider's news about tags that we changed ourselves. What is judged here is whether news tells of another hand.
//!
//! A tag is **in play** while a change of it waits or was settled less than [`WINDOW`] ago: news of it may have been written
//! before, during or after our call, so they prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::known::KnownTags;
use crate::domain::news::News;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// So long, in milliseconds, news of what we did may be on its way.
pub const WINDOW: i64 = 120_000;

/// What we know of a contact's tags before the news.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// Our last words that took: whether the tag shall be there, and when that was settled.
    pub words: BTreeMap<TagName, (bool, Timestamp)>,
    /// Tags for which changes wait.
    pub waiting: BTreeSet<TagName>,
    /// What the provider told last, however old, but for what our words overrule.
    pub known: KnownTags,
}

impl Before {
    /// Whether news of a tag proves nothing.
    pub fn is_in_play(&self, tag: &TagName, now: Timestamp) -> bool {
        self.waiting.contains(tag) || self.words.get(tag).is_some_and(|(_, settled)| is_recent(*settled, now))
    }

    /// Whether we ever did something of theirs, as far as is known.
    pub fn is_touched(&self) -> bool {
        !self.words.is_empty() || !self.waiting.is_empty()
    }
}

fn is_recent(settled: Timestamp, now: Timestamp) -> bool {
    now.since(settled) < WINDOW
}

/// What news comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that we hadn't brought about, or known.
    Echo {
        /// Whether what it tells may be believed: nothing of it was written before our last call.
        current: bool,
    },
    /// Another hand changed something.
    Foreign,
}

/// Whose doing it is that news tells of.
pub fn judge(news: &News, before: &Before, now: Timestamp) -> Verdict {
    if !before.is_touched() && before.known == KnownTags::nothing() {
        // Nothing was brought about by us, nor told before, that this could be the echo of.
        return Verdict::Foreign;
    }
    let is_recent = |at: Timestamp| is_recent(at, now);
    let in_play = |tag: &TagName| before.is_in_play(tag, now);
    let acted = !before.waiting.is_empty() || before.words.values().any(|(_, settled)| is_recent(*settled));
    let told: Vec<(&TagName, bool)> = match news {
        News::Unknown => return if acted { Verdict::Echo { current: false } } else { Verdict::Foreign },
        News::Some(tags) => tags.iter().map(|(tag, there)| (tag, *there)).collect(),
        News::All(tags) => {
            let missing = before.words.keys().chain(before.known.present()).filter(|tag| !tags.contains(*tag));
            let missing: BTreeSet<&TagName> = missing.collect();
            tags.iter().map(|tag| (tag, true)).chain(missing.into_iter().map(|tag| (tag, false))).collect()
        }
    };
    let is_news = |tag: &TagName, there: bool| match (before.known.get(tag), before.words.get(tag)) {
        (Some(known), _) => known != there,
        (None, Some((wants, _))) => *wants != there,
        // Of a whole list that comes right after a call of ours nobody can say what of it is new.
        (None, None) => !(acted && matches!(news, News::All(_))),
    };
    if told.iter().any(|(tag, there)| !in_play(tag) && is_news(tag, *there)) {
        return Verdict::Foreign;
    }
    let agrees = |(tag, there): &(&TagName, bool)| {
        before.words.get(*tag).is_none_or(|(wants, settled)| !is_recent(*settled) || wants == there)
    };
    Verdict::Echo { current: before.waiting.is_empty() && told.iter().all(agrees) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(10_000_000);
    const LONG_AGO: Timestamp = Timestamp(1_000_000);
    const JUST_NOW: Timestamp = Timestamp(9_999_000);

    fn tag(name: &str) -> TagName {
        TagName::parse(name).expect("a tag")
    }

    fn all(names: &[&str]) -> News {
        News::All(names.iter().map(|name| tag(name)).collect())
    }

    fn some(names: &[(&str, bool)]) -> News {
        News::Some(names.iter().map(|(name, there)| (tag(name), *there)).collect())
    }

    fn before(words: &[(&str, bool, Timestamp)], waiting: &[&str], known: KnownTags) -> Before {
        Before {
            words: words.iter().map(|(name, wants, at)| (tag(name), (*wants, *at))).collect(),
            waiting: waiting.iter().map(|name| tag(name)).collect(),
            known,
        }
    }

    fn nothing() -> KnownTags {
        KnownTags::nothing()
    }

    fn whole(names: &[&str]) -> KnownTags {
        KnownTags::whole(names.iter().map(|name| tag(name)))
    }

    const ECHO: Verdict = Verdict::Echo { current: true };
    const LATE: Verdict = Verdict::Echo { current: false };

    #[test]
    fn what_we_did_comes_back_and_is_no_news_and_what_others_did_is() {
        let lead = [("Lead", true, JUST_NOW)];
        let old = [("Lead", true, LONG_AGO)];
        let gone = [("Lead", false, JUST_NOW)];
        for (name, news, before, expected) in [
            ("right after our call", all(&["Lead"]), before(&lead, &[], nothing()), ECHO),
            ("with tags of which nothing is known", all(&["Lead", "VIP"]), before(&lead, &[], nothing()), ECHO),
            (
                "with a tag that is known not to have been there",
                all(&["Lead", "VIP"]),
                before(&lead, &[], whole(&["Lead"])),
                Verdict::Foreign,
            ),
            (
                "without one that was known",
                all(&["Lead"]),
                before(&lead, &[], whole(&["Lead", "VIP"])),
                Verdict::Foreign,
            ),
            ("the same once more, much later", all(&["Lead"]), before(&old, &[], nothing()), ECHO),
            ("removed by hand, much later", all(&[]), before(&old, &[], nothing()), Verdict::Foreign),
            (
                "another added by hand, much later",
                all(&["Lead", "VIP"]),
                before(&old, &[], nothing()),
                Verdict::Foreign,
            ),
            ("while our call is under way", all(&[]), before(&[], &["Lead"], nothing()), LATE),
            ("written before our last call", all(&[]), before(&lead, &[], nothing()), LATE),
            ("written between an add and a remove", all(&["Lead"]), before(&gone, &[], nothing()), LATE),
            ("added", some(&[("Lead", true)]), before(&lead, &[], nothing()), ECHO),
            ("added, and our word is old", some(&[("Lead", true)]), before(&old, &[], nothing()), ECHO),
            (
                "added again after somebody removed it",
                some(&[("Lead", true)]),
                {
                    let mut known = nothing();
                    known.set(tag("Lead"), false);
                    before(&old, &[], known)
                },
                Verdict::Foreign,
            ),
            ("removed by hand", some(&[("Lead", false)]), before(&old, &[], nothing()), Verdict::Foreign),
            (
                "another tag, beside our call",
                some(&[("VIP", true)]),
                before(&lead, &["Hot"], nothing()),
                Verdict::Foreign,
            ),
            (
                "the removal of what we never knew",
                some(&[("VIP", false)]),
                before(&lead, &[], nothing()),
                Verdict::Foreign,
            ),
            ("something, right after our call", News::Unknown, before(&lead, &[], nothing()), LATE),
            ("something, while a change waits", News::Unknown, before(&old, &["Hot"], nothing()), LATE),
            ("something, much later", News::Unknown, before(&old, &[], nothing()), Verdict::Foreign),
            ("something, of somebody we never changed", News::Unknown, Before::default(), Verdict::Foreign),
            ("that somebody we never changed has no tag left", all(&[]), Before::default(), Verdict::Foreign),
            ("the same once more", all(&[]), before(&[], &[], whole(&[])), ECHO),
        ] {
            assert_eq!(judge(&news, &before, NOW), expected, "{name}");
        }
    }

    #[test]
    fn the_window_ends() {
        let at = |millis: i64| {
            judge(&News::Unknown, &before(&[("Lead", true, NOW.plus_millis(-millis))], &[], nothing()), NOW)
        };
        assert_eq!((at(WINDOW - 1), at(WINDOW)), (LATE, Verdict::Foreign));
    }
}
