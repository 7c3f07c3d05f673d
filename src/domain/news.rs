//! News of a contact's tags, as a provider tells them.

use std::collections::{BTreeMap, BTreeSet};

use super::contact::Contact;
use super::tag::TagName;

/// What a provider tells of a contact's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// These are all.
    All(BTreeSet<TagName>),
    /// Of these alone: there, or gone.
    Some(BTreeMap<TagName, bool>),
    /// That something changed.
    Unknown,
}

/// News, and whose tags they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsTold {
    /// At each connection at which the news counts.
    pub whose: Vec<Contact>,
    /// What is told.
    pub news: News,
}
