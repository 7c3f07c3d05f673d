//! What a call came to.

use std::time::Duration;

use crate::domain::attempt::Attempt;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// What a call came to, in the words that the delivery acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done {
        /// The contact's whole list of tags afterwards, where the answer told a list that can be believed.
        tags: Option<Vec<TagName>>,
    },
    /// It was taken, which doesn't prove that it is so: nothing is known of its tags.
    Unproven,
    /// It may succeed later.
    Retry {
        /// Why, for people.
        reason: String,
        /// How long the provider asked to wait; at most a day.
        after: Option<Duration>,
        /// Whether the provider's limit was met: the whole connection should slow down.
        throttled: bool,
        /// Whether the call may have had its effect all the same: what it touched is then unknown.
        in_doubt: bool,
    },
    /// It wasn't called: the calls before it have used up the account's allowance. It says nothing of the provider.
    NotYet {
        /// When it may be.
        until: Timestamp,
    },
    /// It can't succeed as it is; nothing was done.
    Dead {
        /// Why, for people.
        reason: String,
    },
    /// The provider knows no such contact (any more); nothing was done.
    Lost {
        /// Why, for people.
        reason: String,
    },
    /// The credentials or the address are refused: the connection is ill and its changes wait; nothing was done.
    Refused {
        /// Why, for people.
        reason: String,
    },
}

impl Outcome {
    /// One line for people: `done, 3 tags listed`, `retry: ...`.
    pub fn verdict(&self) -> String {
        match self {
            Self::Done { tags: Some(tags) } => format!("done, {} tags listed", tags.len()),
            Self::Done { tags: None } | Self::Unproven => "done".to_owned(),
            Self::Retry { reason, in_doubt: true, .. } => format!("retry, in doubt: {reason}"),
            Self::Retry { reason, .. } => format!("retry: {reason}"),
            Self::NotYet { until } => format!("not called before {until}: the allowance is used up"),
            Self::Dead { reason } => format!("dead: {reason}"),
            Self::Lost { reason } => format!("lost: {reason}"),
            Self::Refused { reason } => format!("refused: {reason}"),
        }
    }
}

/// A call that was made and what it came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// What was sent and what came back, without credentials.
    pub attempt: Attempt,
    /// What it came to.
    pub outcome: Outcome,
}

impl Called {
    /// Writes the outcome into the attempt, for people.
    #[must_use]
    pub fn told(mut self) -> Self {
        self.attempt.verdict = self.outcome.verdict();
        self
    }
}

/// Whom a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// One contact, with this id.
    One(String),
    /// More than one.
    Several,
    /// Not to be told yet: the search has further pages.
    Further(Glance),
}

/// What the pages of a search have shown so far; by default none was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many pages were read.
    pub pages: u32,
    /// The one contact that was on them.
    pub first: Option<String>,
}

impl Found {
    /// Of contacts with these ids; the same one listed twice is one.
    pub fn of(ids: impl IntoIterator<Item = String>) -> Self {
        let mut ids = ids.into_iter();
        match (ids.next(), ids) {
            (None, _) => Self::Nobody,
            (Some(first), mut others) => {
                if others.any(|other| other != first) {
                    Self::Several
                } else {
                    Self::One(first)
                }
            }
        }
    }
}

/// A call that asks for something besides tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<T> {
    /// What was sent and what came back, without credentials.
    pub attempt: Attempt,
    /// What was asked for, or an outcome that is neither [`Outcome::Done`] nor [`Outcome::Unproven`].
    pub answer: Result<T, Outcome>,
}

impl<T> Asked<T> {
    /// The same call, with what was asked for made of what came.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Asked<U> {
        Asked { attempt: self.attempt, answer: self.answer.map(make) }
    }
}

impl Asked<Option<Vec<TagName>>> {
    /// The same as a call about tags; `None` where the answer listed none.
    pub fn called(self) -> Called {
        let outcome = self.answer.map_or_else(|outcome| outcome, |tags| Outcome::Done { tags });
        Called { attempt: self.attempt, outcome }.told()
    }
}
