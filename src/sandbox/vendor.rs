//! The vendors that the sandbox plays, and an account at each: the one place that a further vendor is added to.

use serde_json::Value;

use super::SandboxOptions;
use super::faults::Shape;
use super::request::{Reply, Request};
use super::{b2chat, helpcrunch};
use crate::domain::time::Timestamp;

/// A vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    HelpCrunch,
    B2chat,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::HelpCrunch, Self::B2chat];

    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::HelpCrunch => helpcrunch::NAME,
            Self::B2chat => b2chat::NAME,
        }
    }

    /// Where its API is.
    pub fn base(self) -> &'static str {
        match self {
            Self::HelpCrunch => helpcrunch::BASE,
            Self::B2chat => b2chat::BASE,
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }

    /// The one whose API has this path, and the path below its base.
    pub fn of_path(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|vendor| Some((vendor, path.strip_prefix(vendor.base())?)))
    }

    /// Its answer when it is told to fail with `status`.
    pub fn failure(self, status: u16) -> Reply {
        match self {
            Self::HelpCrunch => helpcrunch::failure(status),
            Self::B2chat => b2chat::failure(status),
        }
    }

    /// A successful answer about one contact, in another form.
    pub fn reshape(self, reply: Reply, request: &Request, shape: Shape) -> Reply {
        match self {
            Self::HelpCrunch => helpcrunch::reshape(reply, request, shape),
            Self::B2chat => b2chat::reshape(reply, shape),
        }
    }
}

/// An account at each vendor.
#[derive(Debug)]
pub struct Accounts {
    /// At HelpCrunch.
    pub helpcrunch: helpcrunch::Account,
    /// At B2Chat.
    pub b2chat: b2chat::Account,
}

impl Accounts {
    /// Accounts without contacts.
    pub fn new(options: SandboxOptions) -> Self {
        Self { helpcrunch: helpcrunch::Account::new(options.clone()), b2chat: b2chat::Account::new(options) }
    }

    /// Answers one call.
    pub fn answer(&mut self, vendor: Vendor, request: &Request, now: Timestamp) -> Reply {
        match vendor {
            Vendor::HelpCrunch => self.helpcrunch.answer(request, now),
            Vendor::B2chat => self.b2chat.answer(request, now),
        }
    }

    /// Every contact with its tags, or the one with this id.
    pub fn contacts(&self, vendor: Vendor, id: Option<&str>) -> Vec<Value> {
        match vendor {
            Vendor::HelpCrunch => self.helpcrunch.contacts(id),
            Vendor::B2chat => self.b2chat.contacts(id),
        }
    }

    /// All there is about a contact.
    pub fn contact(&self, vendor: Vendor, id: &str) -> Option<Value> {
        match vendor {
            Vendor::HelpCrunch => self.helpcrunch.contact(id),
            Vendor::B2chat => self.b2chat.contact(id),
        }
    }

    /// The names of a contact's tags.
    pub fn tags(&self, vendor: Vendor, id: &str) -> Option<Vec<String>> {
        match vendor {
            Vendor::HelpCrunch => self.helpcrunch.tags(id),
            Vendor::B2chat => self.b2chat.tags(id),
        }
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, vendor: Vendor, id: &str, tags: &[String]) -> Result<Value, String> {
        match vendor {
            Vendor::HelpCrunch => self.helpcrunch.set_tags(id, tags),
            Vendor::B2chat => self.b2chat.set_tags(id, tags),
        }
    }
}
