//! What the rules made of one event.

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::contact::Contact;
use super::name::RuleId;
use super::reply::Reply;

/// The whole outcome of deciding: which rules matched, what they want, what to answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Decision {
    /// The rules that matched, in the order they acted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleId>,
    /// What went wrong in rules on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What is wanted, in the order it has its say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Whose tags somebody else has changed, as the event says: what is known of them is known no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags_changed: Vec<Contact>,
    /// The answer: the first matching rule's that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
}

/// A rule that could not be carried out for an event. Marked on the event and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The rule.
    pub rule: RuleId,
    /// Where in the rule: `when`, `tag.crm.add[1]`, `contact`, `reply`.
    pub at: String,
    /// What went wrong, without personal data.
    pub message: String,
}
