//! Conditions that needn't be judged: whatever they say, a later change has the last word on the tag. A look-up for one of them would be
//! a call for knowledge that can save none.

use std::collections::BTreeMap;

use super::own_guard;
use crate::domain::change::{Change, ChangeId, Effect};
use crate::domain::tag::TagName;

/// The changes that are overruled whether or not they hold, and by which. `changes` are in ascending order.
pub fn moot(changes: &[(ChangeId, Change)]) -> BTreeMap<ChangeId, ChangeId> {
    let mut moot = BTreeMap::new();
    // Nothing can be overruled without a condition.
    if changes.iter().all(|(_, change)| is_plain(change)) {
        return moot;
    }
    // Tags with a later change that holds in any case, and that nothing reads before it.
    let mut later: BTreeMap<&TagName, ChangeId> = BTreeMap::new();
    for (id, change) in changes.iter().rev() {
        let Some(tag) = change.effect.tag() else {
            unsettle(&mut later, change);
            continue;
        };
        if is_plain(change) {
            later.insert(tag, *id);
            continue;
        }
        if let Some(by) = later.get(tag).filter(|_| is_simple(change)) {
            moot.insert(*id, *by);
            continue;
        }
        let excludes = change.terms.as_ref().is_some_and(|terms| !terms.exclusive.is_empty());
        if excludes {
            // It takes away what it finds: every earlier change may matter to it.
            later.clear();
        }
        unsettle(&mut later, change);
        later.remove(tag);
    }
    moot
}

/// What a change reads hangs on earlier ones.
fn unsettle(later: &mut BTreeMap<&TagName, ChangeId>, change: &Change) {
    for read in change.guard.tags().chain(own_guard(change).tags()) {
        later.remove(read);
    }
}

/// Whether a change has nothing but its effect on a tag: it holds, and takes nothing else with it.
fn is_plain(change: &Change) -> bool {
    change.effect.tag().is_some() && change.guard.is_open() && own_guard(change).is_open() && is_simple(change)
}

/// Whether nothing but its conditions decides over it, and it decides over nothing but its own tag.
fn is_simple(change: &Change) -> bool {
    let terms = change.terms.as_deref();
    let is_other = |terms: &crate::domain::change::Terms| {
        terms.once_ms.is_some() || !terms.exclusive.is_empty() || terms.refused.is_some() || terms.ends.is_some()
    };
    matches!(change.effect, Effect::AddTag(_) | Effect::RemoveTag(_)) && !terms.is_some_and(is_other)
}
