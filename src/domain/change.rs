//! One wanted effect on one contact, and what can become of it.

use serde::{Deserialize, Serialize};

use super::contact::{Contact, ContactRef};
use super::json::OwnedJson;
use super::name::RuleId;
use super::tag::TagName;
use super::time::Timestamp;
use super::whence::Whence;

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
    /// What else its rule and its connection say of it; most changes have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Box<Terms>>,
    /// When its event was accepted; zero until the store has written it. `once` and `for` count from here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(at: &Timestamp) -> bool {
    at.0 == 0
}

impl Change {
    /// A change that always holds and that nothing more is said of.
    pub fn plain(contact: Contact, effect: Effect, rule: RuleId) -> Self {
        Self { contact, effect, rule, guard: Guard::default(), terms: None, at: Timestamp::default() }
    }

    /// Why it can't be brought about whatever the provider says: it is a dead letter from the start.
    pub fn refused(&self) -> Option<&str> {
        self.terms.as_ref()?.refused.as_deref()
    }

    /// The remove that takes an added tag away again, and when: `for` counts from the event's acceptance.
    pub fn end(&self, id: ChangeId) -> Option<(Timestamp, Self)> {
        let Effect::AddTag(tag) = &self.effect else { return None };
        let lasts = self.terms.as_ref()?.lasts_ms?;
        let due = self.at.plus_millis(i64::try_from(lasts).unwrap_or(i64::MAX));
        let terms = Terms { ends: Some(id), ..Terms::default() }.boxed();
        let remove = Self::plain(self.contact.clone(), Effect::RemoveTag(tag.clone()), self.rule.clone());
        Some((due, Self { terms, ..remove }))
    }
}

/// What a rule and a connection say of a change beside its effect, so that it outlives both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// The connection's own `unless_tagged`: any one of these forbids an add or a set, judged for each change by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<TagName>,
    /// Names with `*`: adding the tag removes the contact's other tags that fit one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclusive: Vec<String>,
    /// `for`: the tag goes again so many milliseconds after the event's acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts_ms: Option<u64>,
    /// `once`: skipped where the rule acted on the contact less than so many milliseconds before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_ms: Option<u64>,
    /// Whether a contact that isn't found is made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// Why it can't be brought about at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The change that this one answers: an add whose time is over, or one whose effect has drifted. It holds only while that change
    /// has the last word on the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<ChangeId>,
    /// What the contact was found by, where its id came from a look-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found_by: Option<ContactRef>,
    /// Whether that look-up was repeated because the provider had lost the contact.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub found_again: bool,
    /// The event that it came from, where it has waited so long that the event's retention has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whence: Option<Whence>,
}

impl Terms {
    /// Itself, boxed, where it says anything.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// What a change wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The contact shall have this tag.
    AddTag(TagName),
    /// The contact shall not have this tag.
    RemoveTag(TagName),
    /// The contact's field shall have this value.
    Set {
        /// The field, as the provider names it.
        field: String,
        /// What it shall be.
        value: OwnedJson,
    },
    /// This body shall be sent on.
    Forward {
        /// What is sent.
        body: OwnedJson,
    },
}

impl Effect {
    /// The tag it is about, if it is about one.
    pub fn tag(&self) -> Option<&TagName> {
        match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => Some(tag),
            Self::Set { .. } | Self::Forward { .. } => None,
        }
    }

    /// What it is about: the tag's name, the field's, or nothing for a forward.
    pub fn subject(&self) -> &str {
        match self {
            Self::AddTag(tag) | Self::RemoveTag(tag) => tag.as_str(),
            Self::Set { field, .. } => field,
            Self::Forward { .. } => "",
        }
    }

    /// Whether the tag shall be there afterwards.
    pub fn wants(&self) -> bool {
        matches!(self, Self::AddTag(_))
    }

    /// The word of logs, columns and the API: `add`, `remove`, `set`, `forward`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AddTag(_) => "add",
            Self::RemoveTag(_) => "remove",
            Self::Set { .. } => "set",
            Self::Forward { .. } => "forward",
        }
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

/// What was decided of a change before the first call, since that call may change what the decision hung on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Judged {
    /// Whether its guards let it through.
    pub holds: bool,
    /// Tags of the contact that an exclusive add takes away, as long as they are not gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<TagName>,
    /// Those that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<TagName>,
}

impl Judged {
    /// Guards that hold or don't, and no more.
    pub fn guards(holds: bool) -> Self {
        Self { holds, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for Judged {
    /// A bare `true` or `false` is what an earlier version kept.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Bare(bool),
            Whole {
                holds: bool,
                #[serde(default)]
                others: Vec<TagName>,
                #[serde(default)]
                gone: Vec<TagName>,
            },
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Bare(holds) => Self::guards(holds),
            Form::Whole { holds, others, gone } => Self { holds, others, gone },
        })
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
    /// Its rule has acted on the contact within its `once`.
    Skipped,
    /// Its connection is on `dry_run`: decided and recorded, nothing was called.
    DryRun,
    /// It goes on under the id that a look-up found.
    Moved,
    /// It can't be delivered without a person: a dead letter.
    Dead,
    /// A person discarded its dead letter.
    Discarded,
}

impl Settled {
    /// Whether the change has a say on its tag: not when its own guard, a later change or a person overruled it, nor when
    /// nothing was ever to be called.
    pub fn is_word(self) -> bool {
        matches!(self, Self::Applied | Self::Already | Self::Dead)
    }

    /// Whether it is so now, as far as the provider has told.
    pub fn took(self) -> bool {
        matches!(self, Self::Applied | Self::Already)
    }

    /// Whether the rule acted on the contact by it, whatever the provider said in the end.
    pub fn acted(self) -> bool {
        matches!(self, Self::Applied | Self::Already | Self::Superseded | Self::Dead | Self::DryRun | Self::Moved)
    }

    /// The word of logs, columns and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Superseded => "superseded",
            Self::Guarded => "guarded",
            Self::Skipped => "skipped",
            Self::DryRun => "dry_run",
            Self::Moved => "moved",
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
