//! What the rules make of a short event, and whether that is still the same.

use super::tree::Tree;
use crate::domain::change::{Change, Effect};
use crate::domain::contact::ContactRef;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::time::Timestamp;
use crate::rules::catalog::Catalog;
use crate::rules::explain::{Explanation, explain_for};

/// What was seen of an event, and what the rules make of it.
pub struct Seen {
    /// What the rules make of it.
    pub explanation: Explanation,
    /// Its intent, type and language: they tell a reader what it is about, whether or not a rule asks.
    telling: [Option<String>; 3],
}

impl Seen {
    /// Looks at an event; a test may say whom the source would have found.
    pub fn of(catalog: &Catalog, event: &Event<'_>, found: Option<&str>) -> Self {
        let telling = [&event.intent, &event.kind, &event.language].map(|part| part.as_deref().map(str::to_owned));
        Self { explanation: explain_for(catalog, event, found), telling }
    }
}

/// What the rules make of what a tree stands for; nothing where it stands for no single event.
pub type Ask<'a> = dyn Fn(&Tree, Timestamp) -> Option<Seen> + 'a;

/// Asks the rules again and again.
pub struct Judge<'c> {
    ask: &'c Ask<'c>,
    source: SourceName,
    whole: Seen,
}

/// What must stay when personal values are replaced.
#[derive(Debug, PartialEq)]
pub struct Likeness(Shape, [Option<String>; 3]);

#[derive(Debug, PartialEq)]
struct Shape {
    rules: Vec<(RuleId, bool, Option<String>)>,
    faults: Vec<(RuleId, String)>,
    changes: Vec<ChangeShape>,
    tags_changed: usize,
    replies: bool,
}

#[derive(Debug, PartialEq)]
struct ChangeShape {
    rule: RuleId,
    connection: String,
    contact: &'static str,
    effect: (&'static str, String),
    guards: Vec<String>,
    refused: bool,
}

impl<'c> Judge<'c> {
    /// Holds everything against what the rules make of the event as it came.
    pub fn new(source: SourceName, whole: Seen, ask: &'c Ask<'c>) -> Self {
        Self { ask, source, whole }
    }

    /// The decision on the event as it came.
    pub fn decision(&self) -> &Decision {
        &self.whole.explanation.decision
    }

    /// Whether a tree is decided as the event was, to the letter: each rule that missed missed for the same reason.
    pub fn same(&self, tree: &Tree, at: Timestamp) -> bool {
        let misses = |e: &Explanation| e.rules.iter().map(|rule| rule.miss.clone()).collect::<Vec<_>>();
        let whole = &self.whole.explanation;
        self.explain(tree, at).is_some_and(|found| found.decision == whole.decision && misses(&found) == misses(whole))
    }

    /// Which rules act and in what way, where the others miss, and what the event is about, whatever values it has.
    pub fn likeness(&self, tree: &Tree, at: Timestamp) -> Option<Likeness> {
        (self.ask)(tree, at).map(|seen| Likeness(Shape::of(&seen.explanation), seen.telling))
    }

    /// What the rules make of a tree.
    pub fn explain(&self, tree: &Tree, at: Timestamp) -> Option<Explanation> {
        (self.ask)(tree, at).map(|seen| seen.explanation)
    }

    /// The source.
    pub fn source(&self) -> &SourceName {
        &self.source
    }
}

impl Shape {
    fn of(explanation: &Explanation) -> Self {
        let decision = &explanation.decision;
        let rule = |rule: &crate::rules::Verdict| {
            (rule.id.clone(), rule.matched, rule.miss.as_ref().map(|miss| miss.at.clone()))
        };
        Self {
            rules: explanation.rules.iter().map(rule).collect(),
            faults: decision.faults.iter().map(|fault| (fault.rule.clone(), fault.at.clone())).collect(),
            changes: decision.changes.iter().map(ChangeShape::of).collect(),
            tags_changed: decision.tags_changed.len(),
            replies: decision.reply.is_some(),
        }
    }
}

impl ChangeShape {
    fn of(change: &Change) -> Self {
        let contact = match &change.contact.reference {
            ContactRef::Id(_) => "id",
            ContactRef::Email(_) => "email",
            ContactRef::Phone(_) => "phone",
            ContactRef::Field { .. } => "field",
            ContactRef::Stream { contact: Some(_), .. } => "stream of a contact",
            ContactRef::Stream { contact: None, .. } => "stream",
        };
        let subject = match &change.effect {
            Effect::AddTag(tag) | Effect::RemoveTag(tag) => tag.to_string(),
            Effect::Set { field, .. } => field.clone(),
            Effect::Forward { .. } => String::new(),
        };
        Self {
            rule: change.rule.clone(),
            connection: change.contact.connection.to_string(),
            contact,
            effect: (change.effect.word(), subject),
            guards: change.guard.tags().map(ToString::to_string).collect(),
            refused: change.refused().is_some(),
        }
    }
}
