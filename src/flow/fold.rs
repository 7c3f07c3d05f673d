//! Folding: all that waits for a contact becomes its net effect. Pure.

use std::collections::BTreeMap;

use crate::domain::change::{Change, ChangeId, Guard, Settled};
use crate::domain::known::KnownTags;
use crate::domain::tag::TagName;

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
    /// Guards judged now; they must be durable before the first call, since that call may change what they read.
    pub judged: Vec<(ChangeId, bool)>,
}

/// What folding came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folded {
    /// This is to be done.
    Plan(Plan),
    /// A guard reads a tag that isn't known: look the contact up first.
    LookUp,
}

/// Folds `changes` (in ascending order) of one contact.
///
/// `last` gives the number of the last settled word on a tag: an older change that comes late is superseded. `judged` holds
/// the guards of earlier tries, which stay as they were judged then.
pub fn fold(
    changes: &[(ChangeId, Change)],
    last: impl Fn(&TagName) -> Option<ChangeId>,
    judged: &BTreeMap<ChangeId, bool>,
    known: &KnownTags,
    trust: Trust,
) -> Folded {
    let mut plan = Plan::default();
    // For each tag the change that has the last word so far, and what it wants.
    let mut words: BTreeMap<&TagName, (ChangeId, bool)> = BTreeMap::new();
    // A rule's guard is judged once for all that the rule does to the contact: its own first change must not decide over its second.
    let mut block: Option<(&ChangeId, &Change, bool)> = None;
    for (id, change) in changes {
        if let Some(reason) = change.refused() {
            plan.free.push(Free { id: *id, how: Settled::Dead, reason: reason.to_owned() });
            continue;
        }
        // What isn't about a tag is held back before: see `Change::held`.
        let Some(tag) = change.effect.tag() else { continue };
        if let Some(later) = last(tag).filter(|later| later > id) {
            plan.free.push(superseded(*id, later));
            continue;
        }
        let own = own_guard(change);
        if !change.guard.is_open() || !own.is_open() {
            let with = block.filter(|(other, with, _)| other.ord == id.ord && of_one_block(with, change));
            let state = |tag: &TagName| words.get(tag).map(|(_, w)| *w).or_else(|| known.get(tag));
            let of_block = with.map(|(_, _, holds)| holds).or_else(|| judge(&change.guard, state));
            let holds = match judged.get(id) {
                Some(holds) => *holds,
                None => {
                    let holds = match of_block {
                        Some(true) => judge(&own, state),
                        other => other,
                    };
                    let Some(holds) = holds else { return Folded::LookUp };
                    plan.judged.push((*id, holds));
                    holds
                }
            };
            // What was judged earlier stands for its block, unless the connection's own guard may have had a say in it.
            block = Some((id, change, of_block.filter(|_| !own.is_open()).unwrap_or(holds)));
            if !holds {
                let guard = if of_block == Some(true) { &own } else { &change.guard };
                plan.free.push(Free { id: *id, how: Settled::Guarded, reason: why_guarded(guard) });
                continue;
            }
        }
        if let Some((earlier, _)) = words.insert(tag, (*id, change.effect.wants())) {
            plan.free.push(superseded(earlier, *id));
        }
    }
    for (tag, (by, wants)) in words {
        if trust == Trust::Fresh && known.get(tag) == Some(wants) {
            let reason = if wants { "the contact has this tag already" } else { "the contact doesn't have this tag" };
            plan.free.push(Free { id: by, how: Settled::Already, reason: reason.to_owned() });
            continue;
        }
        let list = if wants { &mut plan.add } else { &mut plan.remove };
        list.push(Wanted { tag: tag.clone(), by });
    }
    Folded::Plan(plan)
}

/// The connection's own `unless_tagged`, which each add is held against by itself: it sees what its own block removed.
fn own_guard(change: &Change) -> Guard {
    let unless_tagged = match &change.terms {
        Some(terms) if change.effect.wants() => terms.unless.clone(),
        _ => Vec::new(),
    };
    Guard { if_tagged: Vec::new(), unless_tagged }
}

/// Whether two changes of one event stand in one block of a rule.
fn of_one_block(one: &Change, other: &Change) -> bool {
    one.rule == other.rule && one.contact == other.contact && one.guard == other.guard
}

fn superseded(id: ChangeId, by: ChangeId) -> Free {
    Free { id, how: Settled::Superseded, reason: format!("change {by} has the last word on this tag") }
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
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::change::{Effect, Ord, Terms};
    use crate::domain::contact::{Contact, ContactRef};
    use crate::domain::name::{ConnectionName, RuleId};

    const TAGS: [&str; 4] = ["a", "b", "c", "d"];

    fn tag(index: usize) -> TagName {
        TagName::parse(TAGS[index % 4]).expect("a tag")
    }

    fn change(wants: bool, index: usize, guard: Guard) -> Change {
        let effect = if wants { Effect::AddTag(tag(index)) } else { Effect::RemoveTag(tag(index)) };
        let contact = Contact {
            connection: ConnectionName::parse("crm").expect("a name"),
            reference: ContactRef::Id("1".to_owned()),
        };
        Change { contact, effect, rule: RuleId::parse("r").expect("a name"), guard, terms: None }
    }

    fn numbered(changes: Vec<Change>) -> Vec<(ChangeId, Change)> {
        let id = |i| ChangeId { ord: Ord(i as u64 + 1), index: 0 };
        changes.into_iter().enumerate().map(|(i, c)| (id(i), c)).collect()
    }

    /// The plain model: one change after the other on the contact's real tags.
    fn one_by_one(changes: &[(ChangeId, Change)], mut tags: BTreeSet<TagName>) -> BTreeSet<TagName> {
        for (_, change) in changes {
            let own = own_guard(change);
            let forbidding = change.guard.unless_tagged.iter().chain(&own.unless_tagged);
            let holds = change.guard.if_tagged.iter().all(|t| tags.contains(t))
                && !forbidding.into_iter().any(|t| tags.contains(t));
            match &change.effect {
                Effect::AddTag(tag) if holds => drop(tags.insert(tag.clone())),
                Effect::RemoveTag(tag) if holds => drop(tags.remove(tag)),
                _ => {}
            }
        }
        tags
    }

    fn apply(plan: &Plan, mut tags: BTreeSet<TagName>) -> BTreeSet<TagName> {
        tags.retain(|tag| plan.remove.iter().all(|w| w.tag != *tag));
        tags.extend(plan.add.iter().map(|w| w.tag.clone()));
        tags
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let guard = (proptest::collection::vec(0..4_usize, 0..2), proptest::collection::vec(0..4_usize, 0..2))
            .prop_map(|(needed, forbidden)| Guard {
                if_tagged: needed.into_iter().map(tag).collect(),
                unless_tagged: forbidden.into_iter().map(tag).collect(),
            });
        let unless = proptest::collection::vec(0..4_usize, 0..2);
        let change = (any::<bool>(), 0..4_usize, guard, unless).prop_map(|(wants, index, guard, unless)| {
            let terms = Terms { unless: unless.into_iter().map(tag).collect(), ..Terms::default() }.boxed();
            Change { terms, ..change(wants, index, guard) }
        });
        proptest::collection::vec(change, 0..24)
    }

    fn start() -> impl Strategy<Value = BTreeSet<TagName>> {
        proptest::collection::btree_set((0..4_usize).prop_map(tag), 0..4)
    }

    proptest! {
        #[test]
        fn folding_then_applying_equals_applying_one_by_one(list in changes(), tags in start(), off in any::<bool>()) {
            let list = numbered(list);
            let trust = if off { Trust::Never } else { Trust::Fresh };
            let known = KnownTags::whole(tags.clone());
            let Folded::Plan(plan) = fold(&list, |_| None, &BTreeMap::new(), &known, trust) else {
                panic!("everything is known");
            };
            prop_assert_eq!(apply(&plan, tags.clone()), one_by_one(&list, tags));
            // Every change is accounted for exactly once.
            let mut ids: Vec<_> = plan.free.iter().map(|f| f.id).collect();
            ids.extend(plan.add.iter().chain(&plan.remove).map(|w| w.by));
            ids.sort_unstable();
            prop_assert_eq!(ids, list.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        }

        /// Calls may land one at a time with a crash between any two; what was judged before the first stays judged.
        #[test]
        fn a_plan_that_is_cut_short_ends_right(list in changes(), tags in start(), cut in 0..8_usize, more in changes()) {
            let mut list = numbered(list);
            let expected = one_by_one(&list, tags.clone());
            let known = KnownTags::whole(tags.clone());
            let Folded::Plan(plan) = fold(&list, |_| None, &BTreeMap::new(), &known, Trust::Fresh) else {
                panic!("everything is known");
            };
            let judged: BTreeMap<_, _> = plan.judged.iter().copied().collect();
            let landed = Plan { remove: plan.remove.iter().take(cut).cloned().collect(),
                add: plan.add.iter().take(cut.saturating_sub(plan.remove.len())).cloned().collect(), ..Plan::default() };
            let tags = apply(&landed, tags);
            // The calls landed but nothing was recorded; later changes came meanwhile.
            let later: Vec<_> = more.into_iter().enumerate()
                .map(|(i, c)| (ChangeId { ord: Ord(1000 + i as u64), index: 0 }, c)).collect();
            let expected = one_by_one(&later, expected);
            list.extend(later);
            let Folded::Plan(plan) = fold(&list, |_| None, &judged, &KnownTags::whole(tags.clone()), Trust::Fresh) else {
                panic!("everything is known");
            };
            // A later guard reads tags that no pending change touches from the contact itself, where they are unchanged.
            prop_assert_eq!(apply(&plan, tags), expected);
        }
    }

    #[test]
    fn a_block_is_judged_once_whatever_it_does_to_the_tags_of_its_guard() {
        let guard = |index| Guard { if_tagged: vec![tag(index)], ..Guard::default() };
        let id = |ord, index| ChangeId { ord: Ord(ord), index };
        // "If Cold: remove Cold, add Warm", and the same again in a later event.
        let swap = |ord| [(id(ord, 0), change(false, 0, guard(0))), (id(ord, 1), change(true, 1, guard(0)))];
        let list: Vec<_> = swap(1).into_iter().chain(swap(2)).collect();
        let known = KnownTags::whole([tag(0)]);
        let Folded::Plan(plan) = fold(&list, |_| None, &BTreeMap::new(), &known, Trust::Fresh) else {
            panic!("everything is known");
        };
        assert_eq!((&plan.remove[0].by, &plan.add[0].by), (&id(1, 0), &id(1, 1)));
        let judged = [(id(1, 0), true), (id(1, 1), true), (id(2, 0), false), (id(2, 1), false)];
        assert_eq!(plan.judged, judged);
    }

    #[test]
    fn a_connections_own_guard_sees_what_its_block_removed_and_is_held_against_adds_alone() {
        let unless = |index| Terms { unless: vec![tag(index)], ..Terms::default() }.boxed();
        let id = |index| ChangeId { ord: Ord(1), index };
        let with = |wants, index| Change { terms: unless(0), ..change(wants, index, Guard::default()) };
        let known = KnownTags::whole([tag(0), tag(2)]);
        let plan = |list: &[(ChangeId, Change)]| match fold(list, |_| None, &BTreeMap::new(), &known, Trust::Fresh) {
            Folded::Plan(plan) => plan,
            Folded::LookUp => panic!("everything is known"),
        };
        // The contact has a: removes pass, adds don't.
        let held = plan(&[(id(0), with(false, 2)), (id(1), with(true, 1))]);
        assert_eq!((held.remove.len(), held.add.len(), held.free[0].how), (1, 0, Settled::Guarded));
        // Once a is taken away, the same rule's adds pass.
        let back = plan(&[(id(0), with(false, 0)), (id(1), with(true, 1))]);
        assert_eq!((back.remove.len(), back.add.len()), (1, 1));
    }

    #[test]
    fn an_older_change_that_comes_late_is_superseded() {
        let list = numbered(vec![change(true, 0, Guard::default())]);
        let last = |_: &TagName| Some(ChangeId { ord: Ord(9), index: 0 });
        let Folded::Plan(plan) = fold(&list, last, &BTreeMap::new(), &KnownTags::nothing(), Trust::Fresh) else {
            panic!("no guard");
        };
        assert_eq!(plan.free[0].how, Settled::Superseded);
        assert!(plan.add.is_empty());
    }

    #[test]
    fn unknown_never_skips_and_a_guard_on_it_needs_a_look() {
        let plain = numbered(vec![change(false, 0, Guard::default())]);
        let none = KnownTags::nothing();
        let Folded::Plan(plan) = fold(&plain, |_| None, &BTreeMap::new(), &none, Trust::Fresh) else {
            panic!("no guard");
        };
        assert_eq!(plan.remove.len(), 1);
        let guard = Guard { unless_tagged: vec![tag(1)], ..Guard::default() };
        let guarded = numbered(vec![change(true, 0, guard.clone())]);
        assert_eq!(fold(&guarded, |_| None, &BTreeMap::new(), &none, Trust::Fresh), Folded::LookUp);
        // An earlier change that waits says what the guard will see: no look-up is needed.
        let told = numbered(vec![change(true, 1, Guard::default()), change(true, 0, guard)]);
        let Folded::Plan(plan) = fold(&told, |_| None, &BTreeMap::new(), &none, Trust::Fresh) else {
            panic!("the guard is decided");
        };
        assert_eq!((plan.add.len(), plan.free[0].how), (1, Settled::Guarded));
    }
}
