//! Folding, held against the plain model.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::change::{Effect, Ord, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::time::Timestamp;
use crate::store::Word;

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
    Change { guard, ..Change::plain(contact, effect, RuleId::parse("r").expect("a name")) }
}

/// A second between any two.
fn numbered_from(first: u64, changes: Vec<Change>) -> Vec<(ChangeId, Change)> {
    let number = |(i, change): (usize, Change)| {
        let ord = first + i as u64;
        (ChangeId { ord: Ord(ord), index: 0 }, Change { at: Timestamp(ord as i64 * 1000), ..change })
    };
    changes.into_iter().enumerate().map(number).collect()
}

fn numbered(changes: Vec<Change>) -> Vec<(ChangeId, Change)> {
    numbered_from(1, changes)
}

/// The plain model: one change after the other on the contact's real tags.
fn one_by_one(changes: &[(ChangeId, Change)], mut tags: BTreeSet<TagName>) -> BTreeSet<TagName> {
    let mut done: BTreeMap<RuleId, Timestamp> = BTreeMap::new();
    for (_, change) in changes {
        let terms = change.terms.as_deref().cloned().unwrap_or_default();
        let own = own_guard(change);
        let forbidding = change.guard.unless_tagged.iter().chain(&own.unless_tagged);
        let holds = change.guard.if_tagged.iter().all(|t| tags.contains(t))
            && !forbidding.into_iter().any(|t| tags.contains(t));
        let done_with = terms.once_ms.is_some() && done.get(&change.rule).is_some_and(|until| change.at < *until);
        if !holds || done_with {
            continue;
        }
        if let Some(once) = terms.once_ms {
            done.insert(change.rule.clone(), change.at.plus_millis(once as i64));
        }
        match &change.effect {
            Effect::AddTag(tag) => {
                tags.retain(|other| terms.exclusive.iter().all(|one| one != other.as_str()));
                tags.insert(tag.clone());
            }
            Effect::RemoveTag(tag) => drop(tags.remove(tag)),
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
    // Up to three of four tags, so that a guard with several of them is as common as one with none.
    let some = || proptest::collection::vec(0..4_usize, 0..4);
    let guard = (some(), some()).prop_map(|(needed, forbidden)| Guard {
        if_tagged: needed.into_iter().map(tag).collect(),
        unless_tagged: forbidden.into_iter().map(tag).collect(),
    });
    let once = proptest::option::weighted(0.2, 0..6_000_u64);
    let change = (any::<bool>(), 0..4_usize, guard, some(), some(), once, 0..3_u32).prop_map(
        |(wants, index, guard, unless, exclusive, once_ms, rule)| {
            let exclusive = exclusive.into_iter().map(|other| tag(other).to_string()).collect();
            let unless = unless.into_iter().map(tag).collect();
            let terms = Terms { unless, exclusive, once_ms, ..Terms::default() }.boxed();
            let rule = RuleId::parse(&format!("r{rule}")).expect("a name");
            Change { rule, terms, ..change(wants, index, guard) }
        },
    );
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
        let Folded::Plan(plan) = fold(&list, &Past::default(), &known, trust) else {
            panic!("everything is known");
        };
        prop_assert_eq!(apply(&plan, tags.clone()), one_by_one(&list, tags));
        // Every change is accounted for exactly once.
        let mut ids: Vec<_> = plan.free.iter().map(|f| f.id).collect();
        ids.extend(plan.add.iter().chain(&plan.remove).filter(|w| !w.excluded).map(|w| w.by));
        // One whose own tag is there already ends when the tags that it excludes are gone.
        let excluding: BTreeSet<_> = plan.remove.iter().filter(|w| w.excluded).map(|w| w.by).collect();
        ids.extend(excluding.into_iter().filter(|id| plan.add.iter().all(|w| w.by != *id)));
        ids.sort_unstable();
        prop_assert_eq!(ids, list.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    }

    /// Calls may land one at a time with a crash between any two; what was judged before the first stays judged.
    #[test]
    fn a_plan_that_is_cut_short_ends_right(list in changes(), tags in start(), cut in 0..8_usize, more in changes()) {
        let mut list = numbered(list);
        let expected = one_by_one(&list, tags.clone());
        let known = KnownTags::whole(tags.clone());
        let Folded::Plan(plan) = fold(&list, &Past::default(), &known, Trust::Fresh) else {
            panic!("everything is known");
        };
        let past = Past { judged: plan.judged.iter().cloned().collect(), ..Past::default() };
        let landed = Plan { remove: plan.remove.iter().take(cut).cloned().collect(),
            add: plan.add.iter().take(cut.saturating_sub(plan.remove.len())).cloned().collect(), ..Plan::default() };
        let tags = apply(&landed, tags);
        // The calls landed but nothing was recorded; later changes came meanwhile.
        let later = numbered_from(1000, more);
        let expected = one_by_one(&later, expected);
        list.extend(later);
        let Folded::Plan(plan) = fold(&list, &past, &KnownTags::whole(tags.clone()), Trust::Fresh) else {
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
    let Folded::Plan(plan) = fold(&list, &Past::default(), &known, Trust::Fresh) else {
        panic!("everything is known");
    };
    assert_eq!((&plan.remove[0].by, &plan.add[0].by), (&id(1, 0), &id(1, 1)));
    let judged = [(id(1, 0), true), (id(1, 1), true), (id(2, 0), false), (id(2, 1), false)];
    assert_eq!(plan.judged, judged.map(|(id, holds)| (id, Judged::guards(holds))));
}

#[test]
fn a_connections_own_guard_sees_what_its_block_removed_and_is_held_against_adds_alone() {
    let unless = |index| Terms { unless: vec![tag(index)], ..Terms::default() }.boxed();
    let id = |index| ChangeId { ord: Ord(1), index };
    let with = |wants, index| Change { terms: unless(0), ..change(wants, index, Guard::default()) };
    let known = KnownTags::whole([tag(0), tag(2)]);
    let plan = |list: &[(ChangeId, Change)]| match fold(list, &Past::default(), &known, Trust::Fresh) {
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

/// The last word on a tag: that it shall not be there.
fn word(ord: u64) -> Word {
    Word {
        id: ChangeId { ord: Ord(ord), index: 0 },
        wants: false,
        how: Settled::Applied,
        rule: RuleId::parse("r").expect("a name"),
        at: Timestamp(0),
        delivery: 1,
        ends: None,
        whence: None,
        call: None,
    }
}

#[test]
fn an_older_change_that_comes_late_is_superseded() {
    let list = numbered(vec![change(true, 0, Guard::default())]);
    let past = Past { words: [(tag(0), word(9))].into(), ..Past::default() };
    let Folded::Plan(plan) = fold(&list, &past, &KnownTags::nothing(), Trust::Fresh) else {
        panic!("no guard");
    };
    assert_eq!(plan.free[0].how, Settled::Superseded);
    assert!(plan.add.is_empty());
}

#[test]
fn unknown_never_skips_and_a_guard_on_it_needs_a_look() {
    let plain = numbered(vec![change(false, 0, Guard::default())]);
    let none = KnownTags::nothing();
    let Folded::Plan(plan) = fold(&plain, &Past::default(), &none, Trust::Fresh) else {
        panic!("no guard");
    };
    assert_eq!(plan.remove.len(), 1);
    let guard = Guard { unless_tagged: vec![tag(1)], ..Guard::default() };
    let guarded = numbered(vec![change(true, 0, guard.clone())]);
    assert_eq!(fold(&guarded, &Past::default(), &none, Trust::Fresh), Folded::LookUp);
    // An earlier change that waits says what the guard will see: no look-up is needed.
    let told = numbered(vec![change(true, 1, Guard::default()), change(true, 0, guard)]);
    let Folded::Plan(plan) = fold(&told, &Past::default(), &none, Trust::Fresh) else {
        panic!("the guard is decided");
    };
    assert_eq!((plan.add.len(), plan.free[0].how), (1, Settled::Guarded));
}

#[test]
fn what_excludes_others_must_know_them_and_ends_when_they_are_gone() {
    let exclusive = || Terms { exclusive: vec!["a".to_owned(), "b".to_owned()], ..Terms::default() }.boxed();
    let list = numbered(vec![Change { terms: exclusive(), ..change(true, 0, Guard::default()) }]);
    assert_eq!(fold(&list, &Past::default(), &KnownTags::nothing(), Trust::Fresh), Folded::LookUp);
    let known = KnownTags::whole([tag(0), tag(1), tag(2)]);
    let Folded::Plan(plan) = fold(&list, &Past::default(), &known, Trust::Fresh) else { panic!("all is known") };
    assert_eq!(plan.remove.iter().map(|w| (w.tag.clone(), w.excluded)).collect::<Vec<_>>(), [(tag(1), true)]);
    assert!(plan.free.is_empty(), "it has its own tag, and is not over");
    // What was judged needs no second look, and ends with the others gone.
    let judged = |others| (list[0].0, Judged { others, ..Judged::guards(true) });
    let past = Past { judged: [judged(Vec::new())].into(), ..Past::default() };
    let Folded::Plan(plan) = fold(&list, &past, &KnownTags::nothing(), Trust::Never) else { panic!("it was judged") };
    assert_eq!((plan.add.len(), plan.remove.len()), (1, 0));
}

#[test]
fn the_last_value_of_a_field_is_set_and_bodies_are_all_sent_on() {
    let json = |text: &str| OwnedJson::of(crate::domain::json::Json::parse(text.as_bytes()).expect("JSON"));
    let with = |effect| Change { effect, ..change(true, 0, Guard::default()) };
    let set = |value: &str| with(Effect::Set { field: "plan".to_owned(), value: json(value) });
    let send = || with(Effect::Forward { body: json("{}") });
    let list = numbered(vec![set("1"), send(), set("2"), send()]);
    let Folded::Plan(plan) = fold(&list, &Past::default(), &KnownTags::nothing(), Trust::Fresh) else {
        panic!("nothing hangs on a tag");
    };
    assert_eq!((plan.set.len(), plan.set[0].by, plan.set[0].value.json().text()), (1, list[2].0, "2"));
    assert_eq!(plan.forward, [list[1].0, list[3].0]);
    assert_eq!((plan.free[0].id, plan.free[0].how), (list[0].0, Settled::Superseded));
}

#[test]
fn what_answers_a_word_holds_only_while_that_word_is_the_last() {
    let id = |ord| ChangeId { ord: Ord(ord), index: 0 };
    let terms = Terms { ends: Some(id(1)), ..Terms::default() }.boxed();
    let answer = Change { terms, ..change(true, 0, Guard::default()) };
    let word = |ord| {
        let (wants, how, rule) = (true, Settled::Applied, answer.rule.clone());
        Word { id: id(ord), wants, how, rule, at: Timestamp(0), delivery: 1, ends: None, whence: None, call: None }
    };
    let past = |ord| Past { words: [(tag(0), word(ord))].into(), ..Past::default() };
    let known = KnownTags::whole([]);
    let folded = |past: &Past, earlier: Vec<Change>| {
        let list = numbered_from(3, earlier.into_iter().chain([answer.clone()]).collect());
        let Folded::Plan(plan) = fold(&list, past, &known, Trust::Fresh) else { panic!("all is known") };
        (plan.add.len(), plan.free.iter().map(|free| free.how).collect::<Vec<_>>())
    };
    assert_eq!(folded(&past(1), Vec::new()), (1, Vec::new()));
    assert_eq!(folded(&past(2), Vec::new()), (0, vec![Settled::Superseded]), "another word came in between");
    let removal = change(false, 0, Guard::default());
    assert_eq!(folded(&past(1), vec![removal]), (0, vec![Settled::Superseded, Settled::Already]), "it waits still");
}

#[test]
fn an_older_tag_of_an_exclusive_set_does_not_drive_out_a_newer_one() {
    let exclusive = || Terms { exclusive: vec!["a".to_owned(), "b".to_owned()], ..Terms::default() }.boxed();
    let add = Change { terms: exclusive(), ..change(true, 0, Guard::default()) };
    let late = (ChangeId { ord: Ord(5), index: 0 }, add);
    let newer = |ord, how| {
        let (id, rule) = (ChangeId { ord: Ord(ord), index: 0 }, RuleId::parse("r").expect("a name"));
        Word { id, wants: true, how, rule, at: Timestamp(0), delivery: 1, ends: None, whence: None, call: None }
    };
    let known = KnownTags::whole([tag(1)]);
    for (ord, how, superseded) in [(6, Settled::Applied, true), (6, Settled::Dead, false), (4, Settled::Applied, false)]
    {
        let past = Past { words: [(tag(1), newer(ord, how))].into(), ..Past::default() };
        let Folded::Plan(plan) = fold(std::slice::from_ref(&late), &past, &known, Trust::Fresh) else {
            panic!("all is known");
        };
        assert_eq!(plan.add.is_empty(), superseded, "{ord} {how:?}");
    }
}

#[test]
fn an_exclusive_add_whose_others_are_gone_brings_no_earlier_one_back() {
    let exclusive = || Terms { exclusive: vec!["a".to_owned(), "b".to_owned()], ..Terms::default() }.boxed();
    let add = |tag| Change { terms: exclusive(), ..change(true, tag, Guard::default()) };
    let list = numbered(vec![add(0), add(1)]);
    let judged = |others, gone| Judged { others, gone, ..Judged::guards(true) };
    let past = Past {
        judged: [(list[0].0, judged(Vec::new(), Vec::new())), (list[1].0, judged(Vec::new(), vec![tag(0)]))].into(),
        ..Past::default()
    };
    let Folded::Plan(plan) = fold(&list, &past, &KnownTags::nothing(), Trust::Never) else { panic!("it was judged") };
    assert_eq!(plan.add.iter().map(|wanted| wanted.tag.clone()).collect::<Vec<_>>(), [tag(1)]);
    assert_eq!((plan.free[0].id, plan.free[0].how), (list[0].0, Settled::Superseded));
}

#[test]
fn a_condition_that_a_later_change_makes_idle_is_not_looked_up() {
    let guard = || Guard { unless_tagged: vec![tag(1)], ..Guard::default() };
    let none = KnownTags::nothing();
    let guarded = || change(true, 0, guard());
    let plain = || change(false, 0, Guard::default());
    let Folded::Plan(plan) = fold(&numbered(vec![guarded(), plain()]), &Past::default(), &none, Trust::Fresh) else {
        panic!("whatever the guard says, the tag goes")
    };
    assert_eq!((plan.free[0].how, plan.remove.len(), plan.judged.len()), (Settled::Superseded, 1, 0));
    // Another change reads what the guarded one may have done.
    let reads = change(true, 2, Guard { if_tagged: vec![tag(0)], ..Guard::default() });
    for list in [vec![guarded(), reads, plain()], vec![plain(), guarded()], vec![guarded(), guarded()]] {
        assert_eq!(fold(&numbered(list), &Past::default(), &none, Trust::Fresh), Folded::LookUp);
    }
}

#[test]
fn a_rule_has_acted_by_a_change_that_is_overruled_and_still_open() {
    let once = Terms { once_ms: Some(60_000), ..Terms::default() };
    let excludes = Change {
        terms: Terms { exclusive: vec!["b".to_owned()], ..once.clone() }.boxed(),
        ..change(true, 0, Guard::default())
    };
    let again = Change { terms: once.boxed(), ..change(false, 2, Guard::default()) };
    let changes = numbered(vec![excludes, again]);
    let (first, second) = (changes[0].0, changes[1].0);
    // The add was judged and then overruled by a change that has ended already: what it takes away keeps it open.
    let judged = Judged { others: vec![tag(1)], ..Judged::guards(true) };
    let past = Past {
        judged: BTreeMap::from([(first, judged)]),
        words: BTreeMap::from([(tag(0), word(9))]),
        ..Past::default()
    };
    let Folded::Plan(plan) = fold(&changes, &past, &KnownTags::nothing(), Trust::Fresh) else {
        panic!("all is known that matters");
    };
    let removed: Vec<_> = plan.remove.iter().map(|wanted| (wanted.tag.as_str(), wanted.by)).collect();
    assert_eq!(removed, [("b", first)]);
    let skipped = plan.free.iter().find(|free| free.id == second).map(|free| free.how);
    assert_eq!(skipped, Some(Settled::Skipped));
}
