//! An example tried on the code that judges real events.

use super::witness::Witness;
use crate::domain::change::Change;
use crate::domain::decision::Decision;
use crate::domain::name::RuleId;
use crate::rules::catalog::Catalog;
use crate::rules::decide::{decide_among, decide_for};
use crate::rules::testing::model::{Outcome, People};

/// What rules make of an example.
#[derive(Debug)]
pub struct Trial {
    /// What was decided.
    pub decision: Decision,
    /// What each rule's changes come to, guards and exclusive tags seen to.
    pub outcomes: Vec<(RuleId, Outcome)>,
}

impl Trial {
    /// Lets the rules at these places judge it.
    pub fn new(catalog: &Catalog, witness: &Witness, places: &[usize]) -> Self {
        let event = witness.event.event(witness.at);
        let decision = decide_among(catalog, &event, witness.event.contact.as_deref(), places);
        let mut people = People::tagged(&witness.tagged);
        let outcome = |changes: &[Change]| {
            let mut outcome = Outcome::default();
            people.apply(changes, witness.at, &mut outcome, |_, _| {});
            (changes.first().map(|change| change.rule.clone()), outcome)
        };
        let by_rule = decision.changes.chunk_by(|one, other| one.rule == other.rule).map(outcome);
        let outcomes = by_rule.filter_map(|(rule, outcome)| Some((rule?, outcome))).collect();
        Self { decision, outcomes }
    }

    /// Whether a rule matched.
    pub fn matched(&self, rule: &RuleId) -> bool {
        self.decision.rules.contains(rule)
    }

    /// What a rule's changes come to.
    pub fn outcome(&self, rule: &RuleId) -> Option<&Outcome> {
        self.outcomes.iter().find(|(known, _)| known == rule).map(|(_, outcome)| outcome)
    }
}

impl Witness {
    /// All rules of the set that match it.
    pub fn matching(&self, catalog: &Catalog) -> Vec<RuleId> {
        decide_for(catalog, &self.event.event(self.at), self.event.contact.as_deref(), None).rules
    }
}
