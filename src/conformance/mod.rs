//! What every provider must hold to, as code: the suite that all of them pass against the sandbox, and its dry form that a person
//! runs against a real account.
//!
//! A [`Subject`] is what is tried: a provider, or in tests one that makes a deliberate mistake, for which the suite must fail.
//! [`suite`] runs every check, each against a sandbox of its own; [`dry`] asks a real account and changes nothing unless it is told
//! to.

mod checks;
pub mod dry;
mod ground;
mod sort;
mod subject;
mod table;

pub use checks::CHECKS;
pub use ground::{Ground, Make};
pub use sort::of_status;
pub use subject::{Answer, Subject};
pub use table::table;

use futures_util::future::BoxFuture;

use crate::domain::connection::{Capabilities, ProviderKind};

/// One thing that every provider must hold to.
pub struct Check {
    /// Its name, as reports have it.
    pub name: &'static str,
    /// The same in a sentence.
    pub about: &'static str,
    /// Whether a provider can be asked for it; the reason why not.
    pub asked_of: fn(ProviderKind, &Capabilities) -> Result<(), &'static str>,
    /// Asks; the error says what was seen instead.
    pub run: for<'g> fn(&'g Ground) -> BoxFuture<'g, Result<(), String>>,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameTo {
    /// It holds.
    Holds,
    /// It doesn't: what was seen instead.
    Fails(String),
    /// The provider can't be asked for it: why.
    NotAsked(&'static str),
}

/// A check and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The check's name.
    pub check: &'static str,
    /// What it came to.
    pub came_to: CameTo,
}

/// Runs every check on what `make` makes of the provider, each against a sandbox of its own. The error: a sandbox can't be started.
pub async fn suite(kind: ProviderKind, make: Make<'_>) -> std::io::Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for check in CHECKS {
        let came_to = if let Err(why) = (check.asked_of)(kind, kind.capabilities()) {
            CameTo::NotAsked(why)
        } else {
            let ground = Ground::new(kind, make)?;
            (check.run)(&ground).await.map_or_else(CameTo::Fails, |()| CameTo::Holds)
        };
        seen.push(Seen { check: check.name, came_to });
    }
    Ok(seen)
}
