//! Two rules that ask for opposite things, and how that is told.

use super::Review;
use crate::domain::name::RuleId;
use crate::rules::codes::Code;
use crate::rules::finding::Span;
use crate::rules::model::Rule;
use crate::rules::solve::Witness;

/// What two rules quarrel about.
#[derive(Debug, Clone)]
pub struct Quarrel<'c> {
    pub code: Code,
    pub later: &'c Rule,
    /// Where the later rule says its part.
    pub at: Option<Span>,
    /// What it is about, for the name of a test: `Lead`
    pub about: String,
    /// What is wrong, after the earlier rule's name: "adds it"
    pub message: String,
    pub help: &'static str,
}

/// An earlier rule that says the opposite.
pub struct Rival<'c> {
    pub rule: &'c Rule,
    /// Where it does.
    pub at: Option<Span>,
    /// What it does there.
    pub label: String,
    pub witness: Witness,
}

/// So many earlier rules are looked for; after that nobody reads on.
pub const MOST_RIVALS: usize = 3;

/// A rule that may say the opposite.
pub struct Doubt<'c> {
    pub rule: &'c Rule,
    pub at: Option<Span>,
    /// An event in which it does, which has a list where nobody says that there is one.
    pub witness: Option<Witness>,
}

/// Tells of a later rule and the earlier ones that it contradicts.
pub fn tell(review: &mut Review<'_, '_>, quarrel: &Quarrel<'_>, rivals: &[Rival<'_>]) {
    let Some(first) = rivals.first() else { return };
    let at = quarrel.at.unwrap_or_else(|| review.places.id(quarrel.later));
    let test = as_test(review, quarrel, first.rule, &first.witness);
    let elsewhere: Vec<(Span, String)> = rivals
        .iter()
        .enumerate()
        .map(|(number, rival)| {
            let label = match number + 1 {
                MOST_RIVALS => format!("{}; further ones aren't looked for", rival.label),
                _ => rival.label.clone(),
            };
            (rival.at.unwrap_or_else(|| review.places.id(rival.rule)), label)
        })
        .collect();
    let mut told = review.findings.add(quarrel.code, at, quarrel.message.clone()).help(quarrel.help).witness(test);
    for (span, label) in elsewhere {
        told = told.related(span, label);
    }
}

fn as_test(review: &Review<'_, '_>, quarrel: &Quarrel<'_>, earlier: &Rule, witness: &Witness) -> String {
    let matching = witness.matching(review.solver.catalog());
    let names: Vec<&str> = matching.iter().map(RuleId::as_str).collect();
    let about = quarrel.about.replace('`', "");
    witness.as_test(&format!("{} and {}: {about}", earlier.id, quarrel.later.id), &names)
}

/// Tells of a pair of which neither a proof nor an example was found, or an example that most events aren't like.
pub fn tell_doubt(review: &mut Review<'_, '_>, quarrel: &Quarrel<'_>, doubt: &Doubt<'_>) {
    let here = quarrel.at.unwrap_or_else(|| review.places.id(quarrel.later));
    let there = doubt.at.unwrap_or_else(|| review.places.id(doubt.rule));
    let (earlier, later, about) = (&doubt.rule.id, &quarrel.later.id, &quarrel.about);
    let test = doubt.witness.as_ref().map(|witness| as_test(review, quarrel, doubt.rule, witness));
    let (message, help) = match &test {
        None => (
            format!("it can't be told whether `{earlier}` and `{later}` contradict each other over {about}"),
            "no event was found that shows it, and no proof that there is none",
        ),
        Some(_) => (
            format!(
                "`{earlier}` and `{later}` contradict each other over {about}, but only where a parameter is a list"
            ),
            "a list fits by any of its items; where no such list is ever sent, all is well",
        ),
    };
    let told = review.findings.add(Code::MayClash, here, message).related(there, "the other rule").help(help);
    if let Some(test) = test {
        told.witness(test);
    }
}
