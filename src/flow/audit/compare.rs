//! What a contact has, held against our last words. Pure.

use std::collections::BTreeSet;

use crate::domain::change::{Change, ChangeId, Effect, Judged, Settled};
use crate::domain::connection::ConnectionConfig;
use crate::domain::pattern::Pattern;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::store::{Blame, ContactView, Taken};

/// How we stand with a contact: what we said of its tags, and what is still to come.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The contact as people look it up, under all that it is known by.
    pub view: ContactView,
    /// What waits for it, under each of these.
    pub waits: Vec<Taken>,
}

/// What is found of a tag that isn't as our last word wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was so, and somebody else has changed it since.
    Drifted,
    /// This change waits or is under way for it.
    Waits(ChangeId),
    /// It never was so: this dead letter waits for a person.
    Dead(ChangeId),
    /// It never was so: its dead letter was ended by a person.
    Discarded,
    /// It was so and isn't, and the connection's `unless_tagged` forbids that it is asked for again.
    Guarded,
    /// The provider may have passed the tag over, and takes such calls all the same (`missing_tags: skip`).
    Unproven,
}

impl Found {
    /// Whether the tag is otherwise by another hand, which whoever knows the contact as it was has to hear.
    pub fn is_otherwise(self) -> bool {
        matches!(self, Self::Drifted | Self::Guarded)
    }

    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Waits(_) => "waiting",
            Self::Dead(_) => "dead",
            Self::Discarded => "discarded",
            Self::Guarded => "guarded",
            Self::Unproven => "unproven",
        }
    }
}

/// A tag that isn't as our last word wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The tag.
    pub tag: TagName,
    /// Our last word on it, and whose that was.
    pub blame: Blame,
    /// What is found.
    pub found: Found,
    /// The contact's tag that forbids it, where it is guarded.
    pub forbidden_by: Option<TagName>,
}

/// Whether a provider's success may mean that a tag was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A success is one.
    Certain,
    /// A success proves nothing.
    Open,
}

impl Standing {
    /// The change that waits or is under way for a tag, the latest of them.
    fn waits_for(&self, tag: &TagName) -> Option<ChangeId> {
        let touching = |taken: &Taken| {
            let own = taken.changes.iter().filter(|(id, change)| touches(change, taken.past.judged.get(id), tag));
            own.map(|(id, _)| *id).max()
        };
        self.waits.iter().filter_map(touching).max()
    }

    /// How many changes wait.
    pub fn waiting(&self) -> usize {
        self.waits.iter().map(|taken| taken.changes.len()).sum()
    }

    /// When an added tag goes again by itself.
    pub fn ends(&self, add: ChangeId) -> Option<Timestamp> {
        self.view.timers.iter().find(|timer| timer.add == add).map(|timer| timer.due)
    }

    /// Whether a later word wants another tag of a set that this tag is in.
    fn is_outranked(&self, tag: &TagName, id: ChangeId, exclusive: &[Vec<String>]) -> bool {
        let sets = exclusive.iter().filter(|set| fits(set, tag));
        sets.into_iter().any(|set| {
            let later = |(other, blame): &(TagName, Blame)| {
                other != tag && blame.word.wants && blame.word.how.took() && blame.word.id > id && fits(set, other)
            };
            self.view.tags.iter().any(later)
        })
    }

    fn is_ended(&self, id: ChangeId) -> bool {
        !self.view.more_letters && self.view.letters.iter().all(|letter| letter.id != id.to_string())
    }
}

fn fits(set: &[String], tag: &TagName) -> bool {
    set.iter().any(|written| Pattern::parse(written).fits(tag.as_str()))
}

/// Whether a change may have its effect on a tag already, though it waits: an exclusive add takes others away first.
fn touches(change: &Change, judged: Option<&Judged>, tag: &TagName) -> bool {
    let excludes = |terms: &crate::domain::change::Terms| {
        matches!(change.effect, Effect::AddTag(_)) && fits(&terms.exclusive, tag)
    };
    change.effect.tag() == Some(tag)
        || judged.is_some_and(|judged| judged.others.contains(tag) || judged.gone.contains(tag))
        || change.terms.as_deref().is_some_and(excludes)
}

/// What isn't as our last words want it, by tag. Of `exclusive` sets a later word on another tag is a word on this one too.
pub fn compare(
    standing: &Standing,
    exclusive: &[Vec<String>],
    has: &BTreeSet<TagName>,
    proof: Proof,
    now: Timestamp,
) -> Vec<Finding> {
    let one = |(tag, blame): &(TagName, Blame)| {
        let word = &blame.word;
        if has.contains(tag) == word.wants || word.wants && standing.is_outranked(tag, word.id, exclusive) {
            return None;
        }
        let found = match (standing.waits_for(tag), word.how) {
            (Some(id), _) => Found::Waits(id),
            (None, Settled::Dead) if standing.is_ended(word.id) => Found::Discarded,
            (None, Settled::Dead) => Found::Dead(word.id),
            // Its time is over: it is to be gone.
            (None, _) if word.wants && standing.ends(word.id).is_some_and(|due| due <= now) => return None,
            (None, Settled::Applied) if word.wants && proof == Proof::Open => Found::Unproven,
            (None, _) => Found::Drifted,
        };
        Some(Finding { tag: tag.clone(), blame: blame.clone(), found, forbidden_by: None })
    };
    standing.view.tags.iter().filter_map(one).collect()
}

/// Says of each missing tag that the connection's `unless_tagged` forbids: asking for it again would end as `guarded`, each time. A tag
/// that is itself there again goes first in a repair, and forbids nothing.
pub fn guard(findings: &mut [Finding], unless_tagged: &[TagName], has: &BTreeSet<TagName>) {
    let goes = |tag: &TagName| {
        let removal = |one: &Finding| one.tag == *tag && one.found == Found::Drifted && !one.blame.word.wants;
        findings.iter().any(removal)
    };
    let Some(by) = unless_tagged.iter().find(|tag| has.contains(*tag) && !goes(tag)) else { return };
    for finding in findings.iter_mut().filter(|one| one.found == Found::Drifted && one.blame.word.wants) {
        (finding.found, finding.forbidden_by) = (Found::Guarded, Some(by.clone()));
    }
}

/// What is left of findings once we have looked at ourselves again: a word that is another one by now was given while the provider
/// was asked, and says nothing against anybody.
pub fn confirm(found: Vec<Finding>, again: &Standing) -> Vec<Finding> {
    let same = |finding: &Finding| {
        again.view.tags.iter().any(|(tag, blame)| *tag == finding.tag && blame.word == finding.blame.word)
    };
    let told = |finding: Finding| match again.waits_for(&finding.tag) {
        Some(id) => Finding { found: Found::Waits(id), ..finding },
        None => finding,
    };
    found.into_iter().filter(same).map(told).collect()
}

/// Tags that we never had a word on.
pub fn strange(standing: &Standing, has: BTreeSet<TagName>) -> Vec<TagName> {
    let ours = |tag: &TagName| standing.view.tags.iter().any(|(word, _)| word == tag);
    has.into_iter().filter(|tag| !ours(tag)).collect()
}

/// Whether it depends on a tag what becomes of others: it forbids them, or they are of one set.
pub fn decides(tag: &TagName, config: &ConnectionConfig) -> bool {
    config.unless_tagged.contains(tag) || config.exclusive.iter().any(|set| fits(set, tag))
}

#[cfg(test)]
mod tests;
