//! Why a change became a dead letter, as far as it says who has to do something.

use serde::{Deserialize, Serialize};

/// What a dead letter died of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nobody is found by its look-up, or the provider has lost the contact.
    UnknownContact,
    /// Its look-up finds several contacts.
    SeveralContacts,
    /// The provider refused the call as wrong.
    Refused,
    /// The connection's `tags` don't list the tag.
    NotListed,
    /// The provider failed for longer than `give_up_after`.
    GivenUp,
    /// An earlier version kept it, and didn't say.
    #[default]
    Unknown,
}

/// What has to happen before it can be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// A person has to mend something first: a contact, a rule, a list of tags.
    Mend,
    /// Nothing is wrong with it: another try, once the provider is well.
    Retry,
}

impl Needs {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mend, Self::Retry];

    /// The word of columns and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mend => "mend",
            Self::Retry => "retry",
        }
    }
}

impl Cause {
    /// Every cause, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::UnknownContact, Self::SeveralContacts, Self::Refused, Self::NotListed, Self::GivenUp, Self::Unknown];

    /// The word of columns and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownContact => "unknown_contact",
            Self::SeveralContacts => "several_contacts",
            Self::Refused => "refused",
            Self::NotListed => "not_listed",
            Self::GivenUp => "given_up",
            Self::Unknown => "unknown",
        }
    }

    /// What it needs; `None` where nobody knows.
    pub fn needs(self) -> Option<Needs> {
        match self {
            Self::UnknownContact | Self::SeveralContacts | Self::Refused | Self::NotListed => Some(Needs::Mend),
            Self::GivenUp => Some(Needs::Retry),
            Self::Unknown => None,
        }
    }

    /// Reads a word; a later version's is unknown here.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|cause| cause.word() == word).unwrap_or_default()
    }
}
