//! One wanted effect on one contact, and what can become of it.

use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::name::RuleId;
use super::tag::TagName;

/// An event's acceptance number: ascending in the order of the durable writes, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ord(pub u64);

impl std::fmt::Display for Ord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names one change: its event's acceptance number and its place among the event's changes.
///
/// The order of these is the order in which changes have their say; per contact and tag the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeId {
    /// The event's acceptance number.
    pub ord: self::Ord,
    /// From 0, in rule order, removes before adds within a rule.
    pub index: u32,
}

impl std::fmt::Display for ChangeId {
    /// `17.0`: the spelling of the API.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.ord, self.index)
    }
}

impl std::str::FromStr for ChangeId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ord, index) = text.split_once('.').ok_or(())?;
        Ok(Self { ord: Ord(ord.parse().map_err(drop)?), index: index.parse().map_err(drop)? })
    }
}

/// One wanted effect on one contact. It carries all that its delivery needs, so that it outlives its rule and its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whom it is for.
    pub contact: Contact,
    /// What is wanted.
    pub effect: Effect,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// When it holds at all.
    #[serde(default, skip_serializing_if = "Guard::is_open")]
    pub guard: Guard,
}

/// What a change wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The contact shall have this tag.
    AddTag(TagName),
    /// The contact shall not have this tag.
    RemoveTag(TagName),
}

impl Effect {
    /// The tag it is about.
    pub fn tag(&self) -> &TagName {
        match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => tag,
        }
    }

    /// Whether the tag shall be there afterwards.
    pub fn wants(&self) -> bool {
        matches!(self, Self::AddTag(_))
    }
}

/// Tags that a contact must or must not have for a change to hold, judged on the contact as its earlier changes leave it,
/// and once for all changes of a block: what a rule does doesn't change whether it does it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guard {
    /// All of these are needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub if_tagged: Vec<TagName>,
    /// Any one of these forbids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless_tagged: Vec<TagName>,
}

impl Guard {
    /// Whether it asks for nothing.
    pub fn is_open(&self) -> bool {
        self.if_tagged.is_empty() && self.unless_tagged.is_empty()
    }

    /// Every tag it reads.
    pub fn tags(&self) -> impl Iterator<Item = &TagName> {
        self.if_tagged.iter().chain(&self.unless_tagged)
    }
}

/// How a change ended. A change without one is waiting; the flow's `converge` alone settles changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, std::cmp::Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// The provider was called and confirmed it.
    Applied,
    /// Fresh, certain knowledge said that it was so already: no call was spent.
    Already,
    /// A later change of the same tag of the same contact has the last word.
    Superseded,
    /// Its `if_tagged` or `unless_tagged` didn't hold.
    Guarded,
    /// It can't be delivered without a person: a dead letter.
    Dead,
    /// A person discarded its dead letter.
    Discarded,
}

impl Settled {
    /// The word of logs, columns and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Superseded => "superseded",
            Self::Guarded => "guarded",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_ids_order_by_number_then_place_and_spell_both() {
        let id = |ord, index| ChangeId { ord: Ord(ord), index };
        assert!(id(2, 0) > id(1, 9) && id(1, 1) > id(1, 0));
        assert_eq!("17.3".parse(), Ok(id(17, 3)));
        assert_eq!(id(17, 3).to_string(), "17.3");
        assert_eq!("17".parse::<ChangeId>(), Err(()));
    }
}
