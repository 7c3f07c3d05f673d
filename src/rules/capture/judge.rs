//! What the rules make of a short event, and whether that is still the same.

use super::short;
use super::tree::Tree;
use crate::domain::change::{Change, Effect};
use crate::domain::contact::ContactRef;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::time::Timestamp;
use crate::rules::catalog::Catalog;
use crate::rules::explain::{Explanation, explain_for};

/// Asks the rules again and again.
pub struct Judge<'c> {
    catalog: &'c Catalog,
    source: SourceName,
    whole: Explanation,
    shape: Shape,
}

/// What must stay when personal values are replaced.
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
    pub fn new(catalog: &'c Catalog, event: &Event<'_>) -> Self {
        let whole = explain_for(catalog, event, None);
        let shape = Shape::of(&whole);
        Self { catalog, source: event.source.clone(), whole, shape }
    }

    /// The decision on the event as it came.
    pub fn decision(&self) -> &Decision {
        &self.whole.decision
    }

    /// Whether a short event is decided as the event was, to the letter: each rule that missed missed for the same reason.
    pub fn same(&self, tree: &Tree, at: Timestamp) -> bool {
        let found = self.explain(tree, at);
        let misses = |e: &Explanation| e.rules.iter().map(|rule| rule.miss.clone()).collect::<Vec<_>>();
        found.decision == self.whole.decision && misses(&found) == misses(&self.whole)
    }

    /// Whether the same rules act in the same way, and the others miss in the same place, whatever values they print.
    pub fn alike(&self, tree: &Tree, at: Timestamp) -> bool {
        Shape::of(&self.explain(tree, at)) == self.shape
    }

    /// What the rules make of a short event.
    pub fn explain(&self, tree: &Tree, at: Timestamp) -> Explanation {
        let short = short::read(&self.source, tree);
        explain_for(self.catalog, &short.event(at), short.contact.as_deref())
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
