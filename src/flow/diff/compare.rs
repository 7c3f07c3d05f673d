//! One event, judged twice: what differs.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::change::{Change, Effect, Guard, Terms};
use crate::domain::contact::Contact;
use crate::domain::decision::Fault;
use crate::domain::name::RuleId;
use crate::flow::recorded::{NotTaken, Verdict};

/// What a set made of a recorded event.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// The rules that matched.
    pub rules: Vec<RuleId>,
    /// What went wrong in rules.
    pub faults: Vec<Fault>,
    /// What is wanted, in the order it has its say.
    pub changes: Vec<Change>,
    /// Whose tags others have changed.
    pub tags_changed: Vec<Contact>,
    /// The answers.
    pub replies: Vec<Vec<u8>>,
    /// Why the set would not take it.
    pub not_taken: Option<String>,
}

impl Outcome {
    /// Of an event, or of several where the source now reads several.
    pub fn of(judged: Result<Vec<Verdict>, NotTaken>) -> Self {
        let mut outcome = Self::default();
        match judged {
            Ok(verdicts) => {
                for Verdict { decision, reply } in verdicts {
                    outcome.rules.extend(decision.rules);
                    outcome.faults.extend(decision.faults);
                    outcome.changes.extend(decision.changes);
                    outcome.tags_changed.extend(decision.tags_changed);
                    outcome.replies.push(reply);
                }
            }
            Err(NotTaken::NoSource(source)) => outcome.not_taken = Some(format!("there is no source {source}")),
            // Where in the body is of no use for thousands of them.
            Err(NotTaken::Unreadable(source, _)) => {
                outcome.not_taken = Some(format!("{source} can't read the body"));
            }
        }
        outcome
    }
}

/// In what two outcomes differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "it is a list of what was compared, and not a state")]
pub struct Aspects {
    /// Other rules matched.
    pub rules: bool,
    /// Something else is wanted of somebody.
    pub changes: bool,
    /// The answer is another.
    pub replies: bool,
    /// Other things went wrong.
    pub faults: bool,
    /// One of the two would not take it.
    pub taken: bool,
}

impl Aspects {
    /// Whether nothing differs.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// In words: `rules`, `changes`, `reply`, `faults`, `taken`.
    pub fn words(self) -> Vec<&'static str> {
        let each = [
            (self.rules, "rules"),
            (self.changes, "changes"),
            (self.replies, "reply"),
            (self.faults, "faults"),
            (self.taken, "taken"),
        ];
        each.into_iter().filter(|(differs, _)| *differs).map(|(_, word)| word).collect()
    }
}

/// How one rule fared in one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleTally {
    /// It matched by the one set.
    pub base: bool,
    /// It matched by the other.
    pub new: bool,
    /// It matched by both, and asked for something else.
    pub otherwise: bool,
}

/// One event, counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Each rule that matched by either.
    pub rules: Vec<(RuleId, RuleTally)>,
    /// What differs.
    pub aspects: Aspects,
}

/// Compares. Rules that matched in another order, and changes that came in another order but are about different things, don't differ.
pub fn tally(base: &Outcome, new: &Outcome) -> Tally {
    if base == new {
        let both = RuleTally { base: true, new: true, otherwise: false };
        let rules: BTreeSet<&RuleId> = base.rules.iter().collect();
        return Tally { rules: rules.into_iter().map(|rule| (rule.clone(), both)).collect(), ..Tally::default() };
    }
    let names = |outcome: &Outcome| outcome.rules.iter().cloned().collect::<BTreeSet<RuleId>>();
    let (of_base, of_new) = (names(base), names(new));
    let changed = |outcome: &Outcome| {
        outcome.tags_changed.iter().map(|contact| (contact.connection.clone(), contact.reference.to_string())).collect()
    };
    let (changed_base, changed_new): (BTreeSet<_>, BTreeSet<_>) = (changed(base), changed(new));
    let aspects = Aspects {
        rules: of_base != of_new,
        changes: wants(base.changes.iter()) != wants(new.changes.iter()) || changed_base != changed_new,
        replies: base.replies != new.replies && base.not_taken.is_none() && new.not_taken.is_none(),
        faults: faults(base) != faults(new),
        taken: base.not_taken != new.not_taken,
    };
    let rules = of_base.union(&of_new).map(|rule| {
        let (base_matched, new_matched) = (of_base.contains(rule), of_new.contains(rule));
        let own = |outcome: &'_ Outcome| -> bool {
            outcome.changes.iter().any(|change| change.rule == *rule)
                || outcome.faults.iter().any(|fault| fault.rule == *rule)
        };
        let otherwise = base_matched && new_matched && (own(base) || own(new)) && differs(rule, base, new);
        (rule.clone(), RuleTally { base: base_matched, new: new_matched, otherwise })
    });
    Tally { rules: rules.collect(), aspects }
}

/// Whether a rule that matched by both asks for something else.
fn differs(rule: &RuleId, base: &Outcome, new: &Outcome) -> bool {
    let of = |outcome: &'_ Outcome| {
        let faults: BTreeSet<(String, String)> = outcome
            .faults
            .iter()
            .filter(|fault| fault.rule == *rule)
            .map(|fault| (fault.at.clone(), fault.message.clone()))
            .collect();
        faults
    };
    let own = |outcome: &'_ Outcome| outcome.changes.iter().filter(|c| c.rule == *rule).cloned().collect::<Vec<_>>();
    of(base) != of(new) || wants(own(base).iter()) != wants(own(new).iter())
}

fn faults(outcome: &Outcome) -> BTreeSet<(String, String, String)> {
    let named = |fault: &Fault| (fault.rule.to_string(), fault.at.clone(), fault.message.clone());
    outcome.faults.iter().map(named).collect()
}

/// What is wanted of one thing, whichever rule says so.
type Want = (Effect, Guard, Option<Box<Terms>>);

/// What is wanted, thing by thing: a tag of a contact, a field, what is sent on. What is said of one thing keeps its order.
fn wants<'c>(changes: impl Iterator<Item = &'c Change>) -> BTreeMap<(String, String, u8, String), Vec<Want>> {
    let mut wants: BTreeMap<_, Vec<Want>> = BTreeMap::new();
    for change in changes {
        let thing = match &change.effect {
            Effect::AddTag(_) | Effect::RemoveTag(_) => 0,
            Effect::Set { .. } => 1,
            Effect::Forward { .. } => 2,
        };
        let contact = &change.contact;
        let subject = change.effect.subject().to_owned();
        let key = (contact.connection.to_string(), contact.reference.to_string(), thing, subject);
        wants.entry(key).or_default().push((change.effect.clone(), change.guard.clone(), change.terms.clone()));
    }
    wants
}
