//! Changes that wait and will come to nothing: whatever a look-up finds, a later one has the last word on the same tag or field.
//! For whoever looks at what waits; folding finds out by itself, and more, since it knows the contact's tags.

use std::collections::BTreeMap;

use super::own_guard;
use crate::domain::change::{Change, ChangeId, Effect, Terms};

/// Which of these changes are overtaken, and by which. `changes` are in ascending order; `settled` gives the change that has a settled last
/// word on what one is about, where that is later.
pub fn overtaken(
    changes: &[(ChangeId, Change)],
    settled: impl Fn(ChangeId, &Change) -> Option<ChangeId>,
) -> BTreeMap<ChangeId, ChangeId> {
    let mut overtaken = BTreeMap::new();
    // By what a change is about: whether a tag, and its name.
    let mut later: BTreeMap<(bool, &str), (ChangeId, &Change)> = BTreeMap::new();
    for (id, change) in changes.iter().rev() {
        if matches!(change.effect, Effect::Forward { .. }) || change.refused().is_some() {
            continue;
        }
        let subject = (change.effect.tag().is_some(), change.effect.subject());
        let waiting = later.get(&subject).filter(|(_, by)| takes_over(by, change)).map(|(by, _)| *by);
        let by = waiting.or_else(|| settled(*id, change).filter(|_| exclusive(change).is_empty()));
        match by {
            Some(by) => drop(overtaken.insert(*id, by)),
            None if holds(change) => drop(later.insert(subject, (*id, change))),
            None => {}
        }
    }
    overtaken
}

fn exclusive(change: &Change) -> &[String] {
    change.terms.as_deref().map(|terms| terms.exclusive.as_slice()).unwrap_or_default()
}

/// Whether a later change does all that an earlier one would have left behind: an exclusive add takes other tags away.
fn takes_over(later: &Change, earlier: &Change) -> bool {
    exclusive(earlier).is_empty() || later.effect.wants() && exclusive(later) == exclusive(earlier)
}

/// Whether it has its say in any case.
fn holds(change: &Change) -> bool {
    let hangs = |terms: &Terms| terms.once_ms.is_some() || terms.ends.is_some();
    change.guard.is_open() && own_guard(change).is_open() && !change.terms.as_deref().is_some_and(hangs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::{Guard, Ord};
    use crate::domain::contact::{Contact, ContactRef};
    use crate::domain::name::{ConnectionName, RuleId};
    use crate::domain::tag::TagName;

    fn change(tag: &str) -> Change {
        let name = |text: &str| TagName::parse(text).expect("a tag");
        let effect =
            tag.strip_prefix('-').map_or_else(|| Effect::AddTag(name(tag)), |tag| Effect::RemoveTag(name(tag)));
        let connection = ConnectionName::parse("crm").expect("a name");
        let contact = Contact { connection, reference: ContactRef::Id("7".to_owned()) };
        Change::plain(contact, effect, RuleId::parse("rule").expect("a name"))
    }

    fn with(tag: &str, terms: Terms) -> Change {
        Change { terms: terms.boxed(), ..change(tag) }
    }

    /// Numbers of the overtaken changes, which are counted from 1, and of what overtakes them.
    fn told(changes: Vec<Change>, settled: Option<u64>) -> Vec<(u64, u64)> {
        let id = |ord| ChangeId { ord: Ord(ord), index: 0 };
        let changes: Vec<_> = (1..).map(id).zip(changes).collect();
        let later = |this: ChangeId, _: &Change| settled.map(id).filter(|settled| *settled > this);
        overtaken(&changes, later).into_iter().map(|(id, by)| (id.ord.0, by.ord.0)).collect()
    }

    #[test]
    fn the_last_change_that_holds_in_any_case_overtakes_the_earlier_ones() {
        assert_eq!(told(vec![change("A"), change("-A"), change("B"), change("A")], None), [(1, 4), (2, 4)]);
        let guarded = || Change {
            guard: Guard { if_tagged: vec![TagName::parse("X").expect("a tag")], ..Guard::default() },
            ..change("-A")
        };
        assert_eq!(told(vec![change("A"), guarded()], None), [], "nobody knows whether it holds");
        assert_eq!(told(vec![guarded(), change("A")], None), [(1, 2)]);
        let once = Terms { once_ms: Some(1), ..Terms::default() };
        assert_eq!(told(vec![change("A"), with("A", once)], None), []);
        assert_eq!(
            told(vec![change("A"), change("A")], Some(2)),
            [(1, 2)],
            "of what isn't later than itself nothing is overtaken"
        );
        assert_eq!(told(vec![change("A")], Some(5)), [(1, 5)], "a settled word is the last one");
    }

    #[test]
    fn what_still_has_something_else_to_do_is_not_overtaken() {
        let set = |patterns: &[&str]| Terms {
            exclusive: patterns.iter().map(|&p| p.to_owned()).collect(),
            ..Terms::default()
        };
        assert_eq!(told(vec![with("A", set(&["A", "B"])), change("-A")], None), [], "it takes B away");
        assert_eq!(told(vec![with("A", set(&["A", "B"])), with("A", set(&["A", "B"]))], None), [(1, 2)]);
        let refused = Terms { refused: Some("not listed".to_owned()), ..Terms::default() };
        assert_eq!(told(vec![with("A", refused), change("A")], None), [], "it becomes a dead letter");
    }
}
