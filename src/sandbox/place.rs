//! The APIs that are here: each has a name and an address.

use super::{b2chat, helpcrunch, respond_io, tic1980, webhook};

/// An API of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// HelpCrunch.
    HelpCrunch,
    /// B2Chat.
    B2chat,
    /// 1980TIC.
    Tic1980,
    /// respond.io, API v2.
    RespondIo,
    /// Any address that takes a body.
    Webhook,
}

impl Place {
    /// All of them.
    pub const ALL: [Place; 5] = [Self::HelpCrunch, Self::B2chat, Self::Tic1980, Self::RespondIo, Self::Webhook];

    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::HelpCrunch => helpcrunch::NAME,
            Self::B2chat => b2chat::NAME,
            Self::Tic1980 => tic1980::NAME,
            Self::RespondIo => respond_io::NAME,
            Self::Webhook => webhook::NAME,
        }
    }

    /// Everything before the resource path.
    pub fn base(self) -> &'static str {
        match self {
            Self::HelpCrunch => helpcrunch::BASE,
            Self::B2chat => b2chat::BASE,
            Self::Tic1980 => tic1980::BASE,
            Self::RespondIo => respond_io::BASE,
            Self::Webhook => webhook::BASE,
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// The one of this name, or what to say of it.
    pub fn known(name: &str) -> Result<Self, String> {
        Self::named(name).ok_or_else(|| format!("no provider {name:?} here"))
    }
}
