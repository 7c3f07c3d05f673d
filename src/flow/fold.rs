//! Folding: all that waits for a contact becomes its net effect. Pure.
//!
//! What a change means, one after the other, stands in `rules/testing/model.rs` in the fewest words; folding comes to the
//! same with the fewest calls.

mod moot;
mod overtaken;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::change::{Change, ChangeId, Effect, Guard, Judged, Settled};
use crate::domain::json::OwnedJson;
use crate::domain::known::KnownTags;
use crate::domain::pattern::Pattern;
use crate::domain::tag::TagName;
use crate::store::{Once, Past};
pub use overtaken::overtaken;

/// Whether knowledge may spare a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// What is known need not be called for.
    Fresh,
    /// `tag_cache: off`: every last word is called for.
    Never,
}

/// A tag whose state has to be brought about by a call, and the change that wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The tag.
    pub tag: TagName,
    /// The change that has the last word on it.
    pub by: ChangeId,
    /// Whether the change is about another tag, which excludes this one: it ends with that tag's own call.
    pub excluded: bool,
}

/// A field that has to be set, and the change that wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedField {
    /// The field.
    pub field: String,
    /// What it shall be.
    pub value: OwnedJson,
    /// The change that has the last word on it.
    pub by: ChangeId,
}

/// A change that ends without a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// Which.
    pub id: ChangeId,
    /// How.
    pub how: Settled,
    /// Why, in words.
    pub reason: String,
}

/// The net effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Changes that end without a call.
    pub free: Vec<Free>,
    /// Tags to add.
    pub add: Vec<Wanted>,
    /// Tags to remove.
    pub remove: Vec<Wanted>,
    /// Fields to set.
    pub set: Vec<WantedField>,
    /// Bodies to send on, one call each, in this order.
    pub forward: Vec<ChangeId>,
    /// What was judged now; it must be durable before the first call, since that call may change what it hung on.
    pub judged: Vec<(ChangeId, Judged)>,
}

impl Plan {
    /// How many parts of it need a call.
    pub fn open(&self) -> usize {
        self.add.len() + self.remove.len() + self.set.len() + self.forward.len()
    }
}

/// What folding came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folded {
    /// This is to be done.
    Plan(Plan),
    /// A condition hangs on a tag that isn't known: look the contact up first.
    LookUp,
}

/// Folds `changes` (in ascending order) of one contact.
///
/// `past` holds the last settled words (an older change that comes late is superseded) and what was judged on earlier tries,
/// which stays as it was judged then.
pub fn fold(changes: &[(ChangeId, Change)], past: &Past, known: &KnownTags, trust: Trust) -> Folded {
    let mut folding = Folding {
        past,
        known,
        plan: Plan::default(),
        words: BTreeMap::new(),
        fields: BTreeMap::new(),
        once: past.once.clone(),
        block: None,
        moot: moot::moot(changes),
    };
    for (id, change) in changes {
        if folding.take(*id, change).is_none() {
            return Folded::LookUp;
        }
    }
    Folded::Plan(folding.end(trust))
}

/// The last word on a tag so far.
#[derive(Clone, Copy)]
struct LastWord {
    by: ChangeId,
    wants: bool,
    excluded: bool,
}

struct Folding<'f> {
    past: &'f Past,
    known: &'f KnownTags,
    plan: Plan,
    words: BTreeMap<TagName, LastWord>,
    fields: BTreeMap<&'f str, (ChangeId, &'f OwnedJson)>,
    once: BTreeMap<crate::domain::name::RuleId, Once>,
    /// A rule's guard is judged once for all that the rule does to the contact: its own first change must not decide over its
    /// second.
    block: Option<(ChangeId, &'f Change, bool)>,
    /// Changes whose conditions needn't be judged, and what overrules them.
    moot: BTreeMap<ChangeId, ChangeId>,
}

impl<'f> Folding<'f> {
    /// Takes in one change; `None` when it hangs on a tag that isn't known.
    fn take(&mut self, id: ChangeId, change: &'f Change) -> Option<()> {
        if let Some(reason) = change.refused() {
            self.free(id, Settled::Dead, reason.to_owned());
            return Some(());
        }
        let judged = self.past.judged.get(&id);
        if judged.is_none() && self.is_done_with(id, change) {
            self.free(id, Settled::Skipped, "its rule has acted on this contact within its `once`".to_owned());
            return Some(());
        }
        let last = match &change.effect {
            Effect::AddTag(tag) | Effect::RemoveTag(tag) => self.past.words.get(tag),
            Effect::Set { field, .. } => self.past.fields.get(field),
            Effect::Forward { .. } => None,
        };
        if let Some(later) = last.filter(|word| word.beats(id)).map(|word| word.id) {
            // What an exclusive add takes away goes all the same, once that was judged: its own tag's later word says nothing of it.
            if let (Effect::AddTag(tag), Some(judged)) = (&change.effect, judged) {
                self.exclude(id, tag, change, Some(judged))?;
            }
            // It may stay open for that, and a later change of its rule be folded with it.
            self.count_once(id, change);
            self.superseded(id, later, if change.effect.tag().is_some() { "tag" } else { "field" });
            return Some(());
        }
        if let Some(later) = self.outranked_by(id, change) {
            self.count_once(id, change);
            self.superseded(id, later, "set of exclusive tags");
            return Some(());
        }
        if let Some(later) = self.outlived_by(id, change) {
            self.superseded(id, later, "tag");
            return Some(());
        }
        if let Some(later) = self.moot.get(&id).copied().filter(|_| judged.is_none()) {
            self.superseded(id, later, "tag");
            return Some(());
        }
        if !self.lets_through(id, change, judged)? {
            return Some(());
        }
        self.count_once(id, change);
        match &change.effect {
            Effect::AddTag(tag) => {
                self.exclude(id, tag, change, judged)?;
                self.word(tag.clone(), LastWord { by: id, wants: true, excluded: false });
            }
            Effect::RemoveTag(tag) => self.word(tag.clone(), LastWord { by: id, wants: false, excluded: false }),
            Effect::Set { field, value } => {
                if let Some((earlier, _)) = self.fields.insert(field, (id, value)) {
                    self.superseded(earlier, id, "field");
                }
            }
            Effect::Forward { .. } => self.plan.forward.push(id),
        }
        Some(())
    }

    /// A later add of another tag of the same exclusive set that took effect: an older one that comes late, as a dead letter that is
    /// tried again does, must not drive it out.
    fn outranked_by(&self, id: ChangeId, change: &Change) -> Option<ChangeId> {
        let (Effect::AddTag(tag), Some(terms)) = (&change.effect, change.terms.as_deref()) else { return None };
        if terms.exclusive.is_empty() || self.past.judged.contains_key(&id) {
            return None;
        }
        let since = terms.ends.unwrap_or(id);
        let patterns: Vec<Pattern> = terms.exclusive.iter().map(|written| Pattern::parse(written)).collect();
        let words = self.past.words.iter().filter(|(other, word)| {
            *other != tag
                && word.wants
                && word.how.took()
                && patterns.iter().any(|pattern| pattern.fits(other.as_str()))
        });
        words.map(|(_, word)| word.id).filter(|later| *later > since).max()
    }

    /// What has the last word on a tag whose time is over, where that isn't the add which set the time; nor this removal itself,
    /// which has it once it has died and is tried again.
    fn outlived_by(&self, id: ChangeId, change: &Change) -> Option<ChangeId> {
        let add = change.terms.as_ref()?.ends?;
        let tag = change.effect.tag()?;
        let pending = self.words.get(tag).map(|word| word.by);
        let last = pending.or_else(|| self.past.words.get(tag).map(|word| word.id))?;
        (last != add && last != id).then_some(last)
    }

    /// Whether the guards hold; a change that is kept off ends here.
    fn lets_through(&mut self, id: ChangeId, change: &'f Change, judged: Option<&Judged>) -> Option<bool> {
        let own = own_guard(change);
        if change.guard.is_open() && own.is_open() {
            return Some(true);
        }
        let with = self.block.filter(|(other, with, _)| other.ord == id.ord && of_one_block(with, change));
        let of_block = with.map(|(_, _, holds)| holds).or_else(|| judge(&change.guard, |tag| self.state(tag)));
        let holds = if let Some(judged) = judged {
            judged.holds
        } else {
            let holds = match of_block {
                Some(true) => judge(&own, |tag| self.state(tag)),
                other => other,
            }?;
            self.plan.judged.push((id, Judged::guards(holds)));
            holds
        };
        // What was judged earlier stands for its block, unless the connection's own guard may have had a say in it.
        self.block = Some((id, change, of_block.filter(|_| !own.is_open()).unwrap_or(holds)));
        if !holds {
            let guard = if of_block == Some(true) { &own } else { &change.guard };
            self.free(id, Settled::Guarded, why_guarded(guard));
        }
        Some(holds)
    }

    /// The contact's other tags of an exclusive set go. Which these are is judged once.
    fn exclude(&mut self, id: ChangeId, tag: &TagName, change: &Change, judged: Option<&Judged>) -> Option<()> {
        let patterns = change.terms.as_ref().map(|terms| terms.exclusive.as_slice()).unwrap_or_default();
        if patterns.is_empty() {
            return Some(());
        }
        let others = if let Some(judged) = judged {
            // What is gone by now was an earlier change's word, which must not bring it back.
            for gone in &judged.gone {
                if let Some(earlier) = self.words.remove(gone).filter(|earlier| !earlier.excluded) {
                    self.superseded(earlier.by, id, "tag");
                }
            }
            judged.others.clone()
        } else {
            let others = self.others_of(tag, patterns)?;
            let judged = Judged { others: others.clone(), ..Judged::guards(true) };
            match self.plan.judged.iter_mut().find(|(this, _)| *this == id) {
                Some((_, already)) => *already = judged,
                None => self.plan.judged.push((id, judged)),
            }
            others
        };
        for other in others {
            let later = self.past.words.get(&other).is_some_and(|word| word.beats(id));
            if !later {
                self.word(other, LastWord { by: id, wants: false, excluded: true });
            }
        }
        Some(())
    }

    /// What the contact has besides `tag` of a set; `None` when not all of its tags are known.
    fn others_of(&self, tag: &TagName, patterns: &[String]) -> Option<Vec<TagName>> {
        let may_have = self.known.may_have()?;
        let added = self.words.iter().filter(|(_, word)| word.wants).map(|(tag, _)| tag);
        let removed = |other: &TagName| self.words.get(other).is_some_and(|word| !word.wants);
        let candidates: BTreeSet<&TagName> =
            may_have.into_iter().filter(|other| !removed(other)).chain(added).collect();
        let patterns: Vec<Pattern> = patterns.iter().map(|written| Pattern::parse(written)).collect();
        let fits = |other: &&TagName| patterns.iter().any(|pattern| pattern.fits(other.as_str()));
        Some(candidates.into_iter().filter(|other| *other != tag).filter(fits).cloned().collect())
    }

    /// Whether the rule has acted on the contact within its `once`, by an earlier event.
    fn is_done_with(&self, id: ChangeId, change: &Change) -> bool {
        let has_once = change.terms.as_ref().is_some_and(|terms| terms.once_ms.is_some());
        // A dead letter that is tried again is older than what the rule did since; it acted in its time.
        has_once && self.once.get(&change.rule).is_some_and(|once| once.ord < id.ord && change.at < once.until)
    }

    fn count_once(&mut self, id: ChangeId, change: &Change) {
        let Some(once) = change.terms.as_ref().and_then(|terms| terms.once_ms) else { return };
        if self.once.get(&change.rule).is_none_or(|kept| kept.ord < id.ord) {
            let until = change.at.plus_millis(i64::try_from(once).unwrap_or(i64::MAX));
            self.once.insert(change.rule.clone(), Once { ord: id.ord, until });
        }
    }

    /// Whether the contact has a tag as its earlier changes leave it; `None` where that isn't known.
    fn state(&self, tag: &TagName) -> Option<bool> {
        self.words.get(tag).map(|word| word.wants).or_else(|| self.known.get(tag))
    }

    fn word(&mut self, tag: TagName, word: LastWord) {
        let earlier = self.words.insert(tag, word);
        // What excluded the tag ends with its own tag.
        if let Some(earlier) = earlier.filter(|earlier| !earlier.excluded) {
            self.superseded(earlier.by, word.by, "tag");
        }
    }

    fn free(&mut self, id: ChangeId, how: Settled, reason: String) {
        self.plan.free.push(Free { id, how, reason });
    }

    fn superseded(&mut self, id: ChangeId, by: ChangeId, what: &str) {
        self.free(id, Settled::Superseded, format!("change {by} has the last word on this {what}"));
    }

    fn end(self, trust: Trust) -> Plan {
        let Self { mut plan, words, fields, known, .. } = self;
        let is_so = |tag: &TagName, wants| trust == Trust::Fresh && known.get(tag) == Some(wants);
        // A change that still excludes others isn't over, even where its own tag is there already or has a later word.
        let excludes: BTreeSet<ChangeId> =
            words.iter().filter(|(tag, w)| w.excluded && !is_so(tag, w.wants)).map(|(_, word)| word.by).collect();
        plan.free.retain(|free| !excludes.contains(&free.id));
        for (tag, LastWord { by, wants, excluded }) in words {
            if !is_so(&tag, wants) {
                let list = if wants { &mut plan.add } else { &mut plan.remove };
                list.push(Wanted { tag, by, excluded });
            } else if !excluded && !excludes.contains(&by) {
                let reason = if wants {
                    "it was known that the contact has this tag"
                } else {
                    "it was known that the contact doesn't have this tag"
                };
                plan.free.push(Free { id: by, how: Settled::Already, reason: reason.to_owned() });
            }
        }
        let wanted = |(field, (by, value)): (&str, (ChangeId, &OwnedJson))| WantedField {
            field: field.to_owned(),
            value: value.clone(),
            by,
        };
        plan.set = fields.into_iter().map(wanted).collect();
        plan
    }
}

/// The connection's own `unless_tagged`, which each add and set is held against by itself: it sees what its own block removed.
fn own_guard(change: &Change) -> Guard {
    let unless_tagged = match (&change.terms, &change.effect) {
        (Some(terms), Effect::AddTag(_) | Effect::Set { .. }) => terms.unless.clone(),
        _ => Vec::new(),
    };
    Guard { if_tagged: Vec::new(), unless_tagged }
}

/// Whether two changes of one event stand in one block of a rule.
fn of_one_block(one: &Change, other: &Change) -> bool {
    one.rule == other.rule && one.contact == other.contact && one.guard == other.guard
}

/// Whether a guard holds; `None` when that hangs on a tag that isn't known. One tag that decides is enough.
fn judge<'g>(guard: &'g Guard, state: impl Fn(&'g TagName) -> Option<bool>) -> Option<bool> {
    let needed = guard.if_tagged.iter().map(&state);
    let forbidden = guard.unless_tagged.iter().map(|tag| state(tag).map(|there| !there));
    let each: Vec<Option<bool>> = needed.chain(forbidden).collect();
    if each.contains(&Some(false)) { Some(false) } else { each.into_iter().collect::<Option<Vec<_>>>().map(|_| true) }
}

fn why_guarded(guard: &Guard) -> String {
    let list = |tags: &[TagName]| tags.iter().map(TagName::as_str).collect::<Vec<_>>().join(", ");
    match (guard.if_tagged.is_empty(), guard.unless_tagged.is_empty()) {
        (false, true) => format!("if_tagged: the contact lacks one of: {}", list(&guard.if_tagged)),
        (true, _) => format!("unless_tagged: the contact has one of: {}", list(&guard.unless_tagged)),
        (false, false) => format!(
            "if_tagged: {}; unless_tagged: {}: one of them didn't hold",
            list(&guard.if_tagged),
            list(&guard.unless_tagged)
        ),
    }
}

#[cfg(test)]
mod tests;
