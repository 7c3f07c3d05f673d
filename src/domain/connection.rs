//! A named account at a provider, and what each provider can do.

use std::time::Duration;

use super::duration::Rate;
use super::name::ConnectionName;
use super::secret::SecretRef;

/// A kind of target system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// HelpCrunch, REST API v1.
    Helpcrunch,
}

/// What a provider can do, as its documentation says. Rules that ask for more are refused by `check`.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Its name in rule files.
    pub name: &'static str,
    /// Where its API is when the connection doesn't say.
    pub base_url: &'static str,
    /// The keys of a connection that hold credentials, all of them required.
    pub credentials: &'static [&'static str],
    /// How many tags one call may carry.
    pub tags_per_call: usize,
    /// Calls that may start, unless the connection says otherwise.
    pub rate: Rate,
    /// Whether the contact's tags can be read.
    pub reads_tags: bool,
    /// Whether the answer to a tag call lists the contact's tags.
    pub answer_lists_tags: bool,
    /// Whether `Lead` and `lead` are one tag there.
    pub ignores_case: bool,
}

/// 120 calls a minute: docs.helpcrunch.com/rest-api-v1/api-setup-v1 (newer copies of the page drop the number). No bound for
/// the tags of a call is documented, so 50 is a prudent one of ours.
const HELPCRUNCH: Capabilities = Capabilities {
    name: "helpcrunch",
    base_url: "https://api.helpcrunch.com/v1",
    credentials: &["api_key"],
    tags_per_call: 50,
    rate: Rate::per_minute(120),
    reads_tags: true,
    answer_lists_tags: true,
    ignores_case: false,
};

impl ProviderKind {
    /// Every provider there is.
    pub const ALL: [ProviderKind; 1] = [ProviderKind::Helpcrunch];

    /// What it can do.
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::Helpcrunch => &HELPCRUNCH,
        }
    }

    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        self.capabilities().name
    }

    /// The provider of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// A connection as a rule file describes it, checked, defaults filled in.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    /// Its name.
    pub name: ConnectionName,
    /// What it talks to.
    pub provider: ProviderKind,
    /// Everything before the resource path, without a `/` at the end.
    pub base_url: String,
    /// Credentials in the order of the provider's `credentials`.
    pub credentials: Vec<SecretRef>,
    /// How long a call may take in all.
    pub timeout: Duration,
    /// How many contacts may be in delivery at once.
    pub concurrency: usize,
    /// Calls that may start.
    pub rate_limit: Rate,
    /// How long a change is retried before it is a dead letter.
    pub give_up_after: Duration,
    /// How long to wait for more changes of one contact before calling.
    pub gather: Duration,
    /// How long knowledge of a contact's tags is trusted; zero: never, every change is called for.
    pub tag_cache: Duration,
    /// Whether private, link-local and loopback addresses may be called.
    pub allow_private: bool,
}

impl ConnectionConfig {
    /// The defaults of the contract for an account at `provider`.
    pub fn with_defaults(name: ConnectionName, provider: ProviderKind, credentials: Vec<SecretRef>) -> Self {
        let capabilities = provider.capabilities();
        Self {
            name,
            provider,
            base_url: capabilities.base_url.to_owned(),
            credentials,
            timeout: Duration::from_secs(10),
            concurrency: 4,
            rate_limit: capabilities.rate,
            give_up_after: Duration::from_hours(72),
            gather: Duration::ZERO,
            tag_cache: Duration::from_mins(1),
            allow_private: false,
        }
    }
}
