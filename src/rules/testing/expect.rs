//! What a test expects, and what came in its place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::TagSets;
use super::model::Outcome;
use crate::domain::decision::Fault;
use crate::domain::name::RuleId;
use crate::domain::reply::Reply;

/// What a step must come to; what is `None` isn't looked at.
#[derive(Debug, Clone, Default)]
pub struct Expectation {
    /// The rules that match.
    pub rules: Option<Vec<RuleId>>,
    /// The tags that remain.
    pub tags: Option<TagSets>,
    /// The fields that are set, by connection.
    pub set: Option<Fields>,
    /// What is sent on.
    pub forward: Option<Bodies>,
    /// Whom the changes are for, by connection.
    pub contact: Option<BTreeMap<String, String>>,
    /// The rules that can't be carried out.
    pub faults: Option<Vec<String>>,
    /// The reply.
    pub reply: Option<ExpectedReply>,
}

/// Values of fields by connection, as canonical JSON: every digit is compared.
pub type Fields = BTreeMap<String, BTreeMap<String, String>>;
/// Bodies by connection as canonical JSON; in which order isn't compared.
pub type Bodies = BTreeMap<String, Vec<String>>;

/// What reply a test expects.
#[derive(Debug, Clone)]
pub enum ExpectedReply {
    /// None at all.
    Nothing,
    /// This one, as JSON.
    Reply(Value),
}

/// What came of a step.
#[derive(Debug, Default)]
pub struct Came {
    /// The rules that matched.
    pub rules: Vec<RuleId>,
    /// What went wrong in rules.
    pub faults: Vec<Fault>,
    /// The answer.
    pub reply: Option<Reply>,
    /// What it came to.
    pub outcome: Outcome,
}

impl Expectation {
    /// Whether it looks at nothing, so that it can't fail.
    pub fn is_empty(&self) -> bool {
        let Self { rules, tags, set, forward, contact, faults, reply } = self;
        rules.is_none()
            && tags.is_none()
            && set.is_none()
            && forward.is_none()
            && contact.is_none()
            && faults.is_none()
            && reply.is_none()
    }

    /// What isn't as expected, in words.
    pub fn differences(&self, came: &Came) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |key: &str, expected: String, found: String| {
            if expected != found {
                differences.push(format!("{key}: expected {expected}, and there came {found}"));
            }
        };
        if let Some(expected) = &self.rules {
            compare("rules", names(expected), names(&came.rules));
        }
        if let Some(expected) = &self.tags {
            compare("tag", expected.to_string(), came.outcome.tags.to_string());
        }
        if let Some(expected) = &self.set {
            compare("set", fields(expected), fields(&came.outcome.sets));
        }
        if let Some(expected) = &self.forward {
            compare("forward", bodies(expected), bodies(&came.outcome.forwards));
        }
        if let Some(expected) = &self.contact {
            compare("contact", contacts(expected), contacts(&came.outcome.contacts));
        }
        if let Some(expected) = &self.faults {
            let found: Vec<_> = came.faults.iter().map(|fault| fault.rule.to_string()).collect();
            compare("faults", names(expected), names(&found));
        }
        if let Some(expected) = &self.reply {
            let expected = match expected {
                ExpectedReply::Nothing => None,
                ExpectedReply::Reply(reply) => Some(reply.clone()),
            };
            let found = came.reply.as_ref().and_then(|reply| serde_json::to_value(reply).ok());
            compare("reply", shown(expected.as_ref()), shown(found.as_ref()));
        }
        differences
    }
}

/// Each name once, in order: how often and in what order they came isn't compared.
fn names(list: &[impl ToString]) -> String {
    let names: BTreeSet<String> = list.iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".to_owned() } else { format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", ")) }
}

/// `crm: name = "Ana", plan = "pro"`
fn fields(fields: &Fields) -> String {
    let of = |fields: &BTreeMap<String, String>| {
        fields.iter().map(|(field, value)| format!("{field} = {value}")).collect::<Vec<_>>().join(", ")
    };
    by_connection(fields, of)
}

fn bodies(bodies: &Bodies) -> String {
    by_connection(bodies, |bodies| {
        let mut bodies = bodies.clone();
        bodies.sort();
        bodies.join(" and ")
    })
}

fn contacts(contacts: &BTreeMap<String, String>) -> String {
    by_connection(contacts, Clone::clone)
}

fn by_connection<T>(map: &BTreeMap<String, T>, show: impl Fn(&T) -> String) -> String {
    if map.is_empty() {
        return "nothing".to_owned();
    }
    map.iter().map(|(connection, value)| format!("{connection}: {}", show(value))).collect::<Vec<_>>().join(" | ")
}

fn shown(reply: Option<&Value>) -> String {
    match reply {
        None => "none".to_owned(),
        Some(reply) => match (reply.get("text"), reply.as_object().map(serde_json::Map::len)) {
            (Some(text), Some(1)) => text.to_string(),
            _ => reply.to_string(),
        },
    }
}
