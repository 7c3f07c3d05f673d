//! The plain model of what changes do to contacts: one after the other, on a clock of its own.
//!
//! It is the meaning of guards, exclusive tags, `for` and `once` in the fewest words; deliveries must come to the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::TagSets;
use super::expect::{Bodies, Fields};
use crate::domain::change::{Change, Effect, Guard};
use crate::domain::contact::Contact;
use crate::domain::json::OwnedJson;
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::rules::pattern::Pattern;

/// Everybody in a test, or in a record of events.
#[derive(Debug, Default)]
pub struct People {
    /// What the contacts of a connection have to begin with.
    tagged: BTreeMap<String, BTreeSet<TagName>>,
    contacts: HashMap<Contact, Person>,
    /// When tags that were added for a time go again; one whose person has another end by now is over.
    ends: BTreeMap<Timestamp, Vec<(Contact, TagName)>>,
    /// Until when a rule is done with a contact, and by which event.
    done: HashMap<(RuleId, Contact), (Timestamp, usize)>,
    /// How many events there were.
    events: usize,
}

#[derive(Debug, Default, Clone)]
struct Person {
    tags: BTreeSet<TagName>,
    /// When tags that were added for a time go again.
    ends: BTreeMap<TagName, Timestamp>,
}

/// What happened to somebody.
#[derive(Debug, Clone, Copy)]
pub enum Happened<'c> {
    /// A change was meant for them, guarded ones included.
    Meant,
    /// A tag is there from now on, or isn't.
    Tag(&'c TagName, bool),
    /// A field has this value from now on.
    Set(&'c str, &'c OwnedJson),
    /// A body is sent on.
    Forward(&'c OwnedJson),
    /// The change at this place of the list came to that.
    Came(usize, Fate),
}

/// What becomes of a change.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// Its rule's guard holds, or doesn't.
    Judged(bool),
    /// It is carried out.
    Done,
}

/// Hears what happens.
pub type Hearer<'h> = dyn FnMut(&Contact, Happened<'_>) + 'h;

/// What a step came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The last word on each tag.
    pub tags: TagSets,
    /// The last value of each field.
    pub sets: Fields,
    /// What is sent on.
    pub forwards: Bodies,
    /// Whom changes were for, guarded ones included.
    pub contacts: BTreeMap<String, String>,
}

impl Outcome {
    fn hear(&mut self, contact: &Contact, happened: Happened<'_>) {
        let connection = contact.connection.as_str();
        match happened {
            Happened::Meant => drop(self.contacts.insert(connection.to_owned(), contact.reference.to_string())),
            Happened::Tag(tag, wants) => self.tags.set(connection, tag.clone(), wants),
            Happened::Set(field, value) => {
                let fields = self.sets.entry(connection.to_owned()).or_default();
                fields.insert(field.to_owned(), value.canonical());
            }
            Happened::Forward(body) => {
                self.forwards.entry(connection.to_owned()).or_default().push(body.canonical());
            }
            Happened::Came(..) => {}
        }
    }
}

impl People {
    /// Contacts that have these tags.
    pub fn tagged(tagged: &[(ConnectionName, Vec<TagName>)]) -> Self {
        let tagged = tagged.iter().map(|(connection, tags)| (connection.to_string(), tags.iter().cloned().collect()));
        Self { tagged: tagged.collect(), ..Self::default() }
    }

    /// Lets time go by: what was added for a time goes.
    pub fn pass(&mut self, now: Timestamp, outcome: &mut Outcome) {
        self.pass_heard(now, &mut |contact, happened| outcome.hear(contact, happened));
    }

    /// Carries out what one event asks for, and tells what becomes of each change.
    pub fn apply(
        &mut self,
        changes: &[Change],
        now: Timestamp,
        outcome: &mut Outcome,
        mut told: impl FnMut(usize, Fate),
    ) {
        self.apply_heard(changes, now, &mut |contact, happened| match happened {
            Happened::Came(index, fate) => told(index, fate),
            other => outcome.hear(contact, other),
        });
    }

    /// When the next tag goes that was added for a time.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.ends.first_key_value().map(|(end, _)| *end)
    }

    /// Lets time go by, and says what happens.
    pub fn pass_heard(&mut self, now: Timestamp, hear: &mut Hearer<'_>) {
        while let Some(entry) = self.ends.first_entry().filter(|entry| *entry.key() <= now) {
            let (end, gone) = entry.remove_entry();
            for (contact, tag) in gone {
                let Some(person) = self.contacts.get_mut(&contact) else { continue };
                if person.ends.get(&tag) == Some(&end) {
                    person.remove(&contact, &tag, hear);
                }
            }
        }
    }

    /// Carries out what one event asks for, and says what happens.
    pub fn apply_heard(&mut self, changes: &[Change], now: Timestamp, hear: &mut Hearer<'_>) {
        self.events += 1;
        let mut blocks: BTreeMap<&str, (&Change, bool)> = BTreeMap::new();
        for (index, change) in changes.iter().enumerate() {
            let contact = &change.contact;
            let connection = contact.connection.as_str();
            hear(contact, Happened::Meant);
            if !self.contacts.contains_key(contact) {
                let tags = self.tagged.get(connection).cloned().unwrap_or_default();
                self.contacts.insert(contact.clone(), Person { tags, ends: BTreeMap::new() });
            }
            let Some(person) = self.contacts.get_mut(contact) else { continue };
            // A rule's guard is judged once for all that the rule does there; the connection's own for each change.
            let with =
                blocks.get(connection).filter(|(with, _)| with.rule == change.rule && with.guard == change.guard);
            let holds = with.map_or_else(|| allows(&change.guard, &person.tags), |(_, holds)| *holds);
            blocks.insert(connection, (change, holds));
            hear(contact, Happened::Came(index, Fate::Judged(holds)));
            let terms = change.terms.as_deref();
            let is_kept_off = |tag| person.tags.contains(tag) && !matches!(change.effect, Effect::RemoveTag(_));
            let kept_off = terms.is_some_and(|terms| terms.unless.iter().any(is_kept_off));
            if !holds || kept_off || change.refused().is_some() {
                continue;
            }
            if let Some(once) = terms.and_then(|terms| terms.once_ms) {
                let until = now.plus_millis(i64::try_from(once).unwrap_or(i64::MAX));
                let done = self.done.entry((change.rule.clone(), contact.clone()));
                let (end, event) = done.or_insert((until, self.events));
                if *event != self.events && now < *end {
                    continue;
                }
                (*end, *event) = (until, self.events);
            }
            if let Some((end, tag)) = person.carry_out(change, now, hear) {
                self.ends.entry(end).or_default().push((contact.clone(), tag));
            }
            hear(contact, Happened::Came(index, Fate::Done));
        }
    }
}

impl Person {
    /// Carries out a change; when its tag goes again, if it was added for a time.
    fn carry_out(&mut self, change: &Change, now: Timestamp, hear: &mut Hearer<'_>) -> Option<(Timestamp, TagName)> {
        let contact = &change.contact;
        match &change.effect {
            Effect::AddTag(tag) => {
                let terms = change.terms.as_deref();
                for pattern in terms.map(|terms| terms.exclusive.as_slice()).unwrap_or_default() {
                    let pattern = Pattern::parse(pattern);
                    let others: Vec<_> = self
                        .tags
                        .iter()
                        .filter(|other| *other != tag && pattern.fits(other.as_str()))
                        .cloned()
                        .collect();
                    for other in others {
                        self.remove(contact, &other, hear);
                    }
                }
                self.tags.insert(tag.clone());
                hear(contact, Happened::Tag(tag, true));
                // The last add decides: without `for` it stops the clock.
                let Some(lasts) = terms.and_then(|terms| terms.lasts_ms) else {
                    self.ends.remove(tag);
                    return None;
                };
                let end = now.plus_millis(i64::try_from(lasts).unwrap_or(i64::MAX));
                self.ends.insert(tag.clone(), end);
                return Some((end, tag.clone()));
            }
            Effect::RemoveTag(tag) => self.remove(contact, tag, hear),
            Effect::Set { field, value } => hear(contact, Happened::Set(field, value)),
            Effect::Forward { body } => hear(contact, Happened::Forward(body)),
        }
        None
    }

    fn remove(&mut self, contact: &Contact, tag: &TagName, hear: &mut Hearer<'_>) {
        self.tags.remove(tag);
        self.ends.remove(tag);
        hear(contact, Happened::Tag(tag, false));
    }
}

fn allows(guard: &Guard, tags: &BTreeSet<TagName>) -> bool {
    guard.if_tagged.iter().all(|tag| tags.contains(tag)) && !guard.unless_tagged.iter().any(|tag| tags.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Terms;
    use crate::domain::contact::ContactRef;

    fn tag(name: &str) -> TagName {
        TagName::parse(name).expect("a tag")
    }

    fn change(rule: &str, effect: Effect, guard: Guard, terms: Terms) -> Change {
        let connection = ConnectionName::parse("crm").expect("a name");
        let contact = Contact { connection, reference: ContactRef::Id("7".to_owned()) };
        Change { guard, terms: terms.boxed(), ..Change::plain(contact, effect, RuleId::parse(rule).expect("a name")) }
    }

    fn add(name: &str, terms: Terms) -> Change {
        change("r", Effect::AddTag(tag(name)), Guard::default(), terms)
    }

    /// One step after `seconds`, as its tags are shown.
    fn step(people: &mut People, seconds: i64, changes: &[Change]) -> String {
        let (now, mut outcome) = (Timestamp(seconds * 1000), Outcome::default());
        people.pass(now, &mut outcome);
        people.apply(changes, now, &mut outcome, |_, _| {});
        outcome.tags.to_string()
    }

    #[test]
    fn a_block_is_judged_once_whatever_it_does_to_the_tags_of_its_guard() {
        let guard = Guard { if_tagged: vec![tag("Cold")], ..Guard::default() };
        let swap = |rule| {
            [Effect::RemoveTag(tag("Cold")), Effect::AddTag(tag(rule))]
                .map(|effect| change(rule, effect, guard.clone(), Terms::default()))
        };
        let changes: Vec<Change> = swap("warm").into_iter().chain(swap("late")).collect();
        let mut people = People::tagged(&[(ConnectionName::parse("crm").expect("a name"), vec![tag("Cold")])]);
        assert_eq!(step(&mut people, 0, &changes), "crm: add warm; remove Cold");
    }

    #[test]
    fn the_last_add_decides_when_a_tag_goes() {
        let lasting = |seconds: u64| add("Hot", Terms { lasts_ms: Some(seconds * 1000), ..Terms::default() });
        let mut people = People::default();
        assert_eq!(step(&mut people, 0, &[lasting(10)]), "crm: add Hot");
        assert_eq!(step(&mut people, 5, &[lasting(10)]), "crm: add Hot");
        assert_eq!(step(&mut people, 12, &[]), "nothing");
        assert_eq!(step(&mut people, 15, &[]), "crm: remove Hot");
        assert_eq!(step(&mut people, 20, &[lasting(10), add("Hot", Terms::default())]), "crm: add Hot");
        assert_eq!(step(&mut people, 99, &[]), "nothing");
    }

    #[test]
    fn once_counts_for_the_whole_rule_and_contact_and_starts_anew_when_it_is_over() {
        let once = |name| add(name, Terms { once_ms: Some(10_000), ..Terms::default() });
        let mut people = People::default();
        assert_eq!(step(&mut people, 0, &[once("a"), once("b")]), "crm: add a, b");
        assert_eq!(step(&mut people, 9, &[once("a"), once("c")]), "nothing");
        assert_eq!(step(&mut people, 10, &[once("c")]), "crm: add c");
        assert_eq!(step(&mut people, 19, &[once("d")]), "nothing");
    }

    #[test]
    fn adding_an_exclusive_tag_removes_the_others_of_its_set() {
        let stage = |name| add(name, Terms { exclusive: vec!["stage:*".to_owned()], ..Terms::default() });
        let mut people = People::default();
        assert_eq!(
            step(&mut people, 0, &[stage("stage:new"), add("Lead", Terms::default())]),
            "crm: add Lead, stage:new"
        );
        assert_eq!(step(&mut people, 1, &[stage("stage:won")]), "crm: add stage:won; remove stage:new");
    }
}
