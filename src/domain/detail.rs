//! What only some platforms tell of an event: one table of names, so that matching, expressions, tests and pages know the same.

use std::borrow::Cow;
use std::fmt;

use super::json::Json;
use super::source::SourceKind;
use super::value::Value;

/// A part of an event that only some platforms tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// The event that the conversation was triggered by, where nobody said anything.
    Trigger,
    /// Whether the agent had no answer: its fallback intent, or CX's no-match and no-input.
    Fallback,
    /// The answer that the platform found in its knowledge base.
    Knowledge,
    /// How glad the words are, -1 to 1.
    Sentiment,
    /// Where the person writes or calls from: `facebook`, `telephony`.
    Platform,
    /// The person's phone number, as `+` and digits.
    Phone,
    /// The intent's id: the last part of its resource name.
    IntentId,
    /// The id of the intent that this one follows.
    ParentIntent,
    /// The agent's environment; unset for the draft.
    Environment,
    /// The agent's region; unset where its name has none.
    Region,
    /// Whether a provider tells of what we did to the contact's tags ourselves.
    Echo,
}

/// What a detail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailType {
    /// A text, or unset.
    Text,
    /// True or false; false where nobody tells it.
    Flag,
    /// A number in these bounds, or unset.
    Number(i8, i8),
}

impl Detail {
    /// Every detail there is.
    pub const ALL: [Self; 11] = [
        Self::Trigger,
        Self::Fallback,
        Self::Knowledge,
        Self::Sentiment,
        Self::Platform,
        Self::Phone,
        Self::IntentId,
        Self::ParentIntent,
        Self::Environment,
        Self::Region,
        Self::Echo,
    ];

    /// Its name in rules and tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Fallback => "fallback",
            Self::Knowledge => "knowledge",
            Self::Sentiment => "sentiment",
            Self::Platform => "platform",
            Self::Phone => "phone",
            Self::IntentId => "intent_id",
            Self::ParentIntent => "parent_intent",
            Self::Environment => "environment",
            Self::Region => "region",
            Self::Echo => "echo",
        }
    }

    /// The detail of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|detail| detail.name() == name)
    }

    /// What it is.
    pub const fn type_of(self) -> DetailType {
        match self {
            Self::Fallback | Self::Echo => DetailType::Flag,
            Self::Sentiment => DetailType::Number(-1, 1),
            _ => DetailType::Text,
        }
    }

    /// Whether events of this kind may tell it.
    pub fn told_by(self, kind: SourceKind) -> bool {
        match kind {
            SourceKind::DialogflowEs => self != Self::Echo,
            // What a CX agent says of knowledge is among its messages, and its intents follow nobody.
            SourceKind::DialogflowCx => !matches!(self, Self::Knowledge | Self::ParentIntent | Self::Echo),
            kind => self == Self::Echo && kind.traits().tells_tags,
        }
    }

    /// What it is where nobody tells it.
    fn untold(self) -> Value<'static> {
        if self.type_of() == DetailType::Flag { Value::Bool(false) } else { Value::Unset }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a kind of source looks into a body.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// A detail.
    pub detail: for<'b> fn(Detail, Json<'b>) -> Value<'b>,
    /// The contact's id.
    pub contact: for<'b> fn(Json<'b>) -> Option<Cow<'b, str>>,
}

/// Where an event's details are. Hardly any rule asks for one, so a body isn't searched before a rule does.
#[derive(Debug, Clone, Default)]
pub enum Details<'a> {
    /// Nobody tells any.
    #[default]
    None,
    /// In the body, where the kind of source knows to look.
    In(Look),
    /// These alone, as a test says.
    Said(Vec<(Detail, Value<'a>)>),
}

impl Details<'_> {
    /// A detail of the event with this body.
    pub fn get<'b>(&'b self, detail: Detail, body: Json<'b>) -> Value<'b> {
        let found = match self {
            Self::None => Value::Unset,
            Self::In(look) => (look.detail)(detail, body),
            Self::Said(said) => {
                let said = said.iter().find(|(known, _)| *known == detail);
                said.map_or(Value::Unset, |(_, value)| value.clone())
            }
        };
        if found.is_unset() { detail.untold() } else { found }
    }

    /// The contact's id in this body.
    pub fn contact<'b>(&self, body: Json<'b>) -> Option<Cow<'b, str>> {
        match self {
            Self::In(look) => (look.contact)(body),
            Self::None | Self::Said(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detail_is_named_once_and_a_flag_is_false_where_nobody_tells_it() {
        for detail in Detail::ALL {
            assert_eq!(Detail::named(detail.name()), Some(detail));
            let untold = Details::None.get(detail, Json::EMPTY_MAP);
            assert_eq!(matches!(untold, Value::Bool(false)), detail.type_of() == DetailType::Flag, "{detail}");
            assert_eq!(detail.told_by(SourceKind::DialogflowEs), detail != Detail::Echo);
        }
    }
}
