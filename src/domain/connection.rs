//! A named account at a provider, and what each provider can do.

use std::time::Duration;

use super::contact::ContactRef;
use super::duration::{Rate, parse_duration};
use super::name::ConnectionName;
use super::secret::SecretRef;
use super::tag::TagName;

/// A kind of target system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// HelpCrunch, REST API v1.
    Helpcrunch,
    /// 1980TIC: respond.io's API v1, as its white labels have it.
    Tic1980,
    /// respond.io, API v2.
    RespondIo,
    /// B2Chat.
    B2chat,
    /// Any address that takes a POST with JSON: Zapier's catch hooks, Make, n8n.
    Webhook,
}

/// What a provider can do, as its documentation says. Rules that ask for more are refused by `check`.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "it is a table of what a provider can do, and not a state")]
pub struct Capabilities {
    /// Its name in rule files.
    pub name: &'static str,
    /// Where its API is when the connection doesn't say; empty where only the connection can know.
    pub base_url: &'static str,
    /// The keys of a connection that hold credentials: one of these sets, all keys of it.
    pub credentials: &'static [&'static [&'static str]],
    /// Keys of a connection that hold further secrets, none of them required.
    pub optional_secrets: &'static [&'static str],
    /// Keys that only connections of this provider have, credentials aside.
    pub settings: &'static [&'static str],
    /// How many tags one call may carry; 0: it knows no tags.
    pub tags_per_call: usize,
    /// Whether fields of a contact can be set.
    pub sets_fields: bool,
    /// How many fields one call may carry.
    pub fields_per_call: usize,
    /// Whether it takes a body that a rule makes.
    pub forwards: bool,
    /// What contacts can be found by.
    pub finds: Finds,
    /// Whether contacts can be made.
    pub creates: bool,
    /// The fields that a new contact can be given in place of an address or a number, so that it is found by them.
    pub makes_with: Fields,
    /// Calls that may start, unless the connection says otherwise.
    pub rate: Rate,
    /// Whether a contact's tags can be read by its id. Where not, those of contacts that a look-up found may still be.
    pub reads_tags: bool,
    /// Whether the answer to a tag call lists the contact's tags.
    pub answer_lists_tags: bool,
    /// Whether `Lead` and `lead` are one tag there.
    pub ignores_case: bool,
}

/// What a provider can find contacts by, besides their id.
#[derive(Debug, Clone, Copy)]
pub struct Finds {
    /// By an e-mail address.
    pub email: bool,
    /// By a phone number.
    pub phone: bool,
    /// By a field of these names.
    pub fields: Fields,
}

impl Finds {
    /// By what nobody can be found, where a contact is named by that.
    pub fn lacks(&self, contact: &ContactRef) -> Option<&'static str> {
        match contact {
            ContactRef::Id(_) => None,
            ContactRef::Email(_) => (!self.email).then_some("an e-mail address"),
            ContactRef::Phone(_) => (!self.phone).then_some("a phone number"),
            ContactRef::Field { name, .. } => (!self.fields.has(name)).then_some("this field"),
            ContactRef::Stream { .. } => Some("a stream: that is no person"),
        }
    }
}

/// The fields that a provider can search.
#[derive(Debug, Clone, Copy)]
pub enum Fields {
    /// None.
    None,
    /// Any: the account's own custom fields among them.
    Any,
    /// These.
    Of(&'static [&'static str]),
}

impl Fields {
    /// Whether a field can be searched.
    pub fn has(self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Of(names) => names.contains(&name),
        }
    }
}

/// 120 calls a minute: docs.helpcrunch.com/rest-api-v1/api-setup-v1 (newer copies of the page drop the number). No bound for
/// the tags of a call is documented, so 50 is a prudent one of ours. What can be searched: search-customers-v1; of that, messengers'
/// ids can't be written (update-customer-v1).
const HELPCRUNCH: Capabilities = Capabilities {
    name: "helpcrunch",
    base_url: "https://api.helpcrunch.com/v1",
    credentials: &[&["api_key"]],
    optional_secrets: &[],
    settings: &[],
    tags_per_call: 50,
    sets_fields: true,
    fields_per_call: 50,
    forwards: false,
    finds: Finds {
        email: true,
        phone: true,
        fields: Fields::Of(&[
            "userId",
            "name",
            "company",
            "telegramId",
            "facebookId",
            "instagramId",
            "viberId",
            "whatsappId",
        ]),
    },
    creates: true,
    makes_with: Fields::Of(&["userId", "name", "company"]),
    rate: Rate::per_minute(120),
    reads_tags: true,
    answer_lists_tags: true,
    ignores_case: false,
};

/// 10 tags a call and 100 calls a minute for each channel token: the vendor's page "API de contactos". Contacts are found by a
/// custom field, of which e-mail and phone are two.
const TIC_1980: Capabilities = Capabilities {
    name: "1980tic",
    base_url: "https://app.1980tic.us/api/v1",
    credentials: &[&["token"]],
    optional_secrets: &[],
    settings: &["channel"],
    tags_per_call: 10,
    sets_fields: true,
    fields_per_call: 30,
    forwards: false,
    finds: Finds { email: true, phone: true, fields: Fields::Any },
    creates: true,
    makes_with: Fields::Any,
    rate: Rate::per_minute(100),
    reads_tags: true,
    answer_lists_tags: false,
    ignores_case: false,
};

/// 1 to 10 tags a call; 5 calls a second for each method, over the whole organisation: docs.respond.io. Identifiers are an id, an
/// e-mail address or a phone number.
const RESPOND_IO: Capabilities = Capabilities {
    name: "respond-io",
    base_url: "https://api.respond.io/v2",
    credentials: &[&["token"]],
    optional_secrets: &[],
    settings: &[],
    tags_per_call: 10,
    sets_fields: true,
    fields_per_call: 50,
    forwards: false,
    finds: Finds { email: true, phone: true, fields: Fields::None },
    creates: true,
    makes_with: Fields::None,
    rate: Rate { calls: 5, window: Duration::from_secs(1) },
    reads_tags: true,
    answer_lists_tags: false,
    ignores_case: false,
};

/// No limits are published; one tag call in two seconds is what a careful integrator keeps to. The page for adding tags names no
/// bound of tags, so 50 is a prudent one of ours. Contacts are found by their mobile number.
const B2CHAT: Capabilities = Capabilities {
    name: "b2chat",
    base_url: "https://api.b2chat.io",
    credentials: &[&["username", "password"], &["token"]],
    optional_secrets: &[],
    settings: &["missing_tags"],
    tags_per_call: 50,
    sets_fields: true,
    fields_per_call: 50,
    forwards: false,
    finds: Finds { email: false, phone: true, fields: Fields::None },
    creates: true,
    makes_with: Fields::None,
    rate: Rate::per_minute(30),
    reads_tags: false,
    answer_lists_tags: false,
    ignores_case: false,
};

/// Zapier takes 30 requests a second for each hook; 20 stay well below.
const WEBHOOK: Capabilities = Capabilities {
    name: "webhook",
    base_url: "",
    credentials: &[&["url"]],
    optional_secrets: &["signing_secret"],
    settings: &[],
    tags_per_call: 0,
    sets_fields: false,
    fields_per_call: 0,
    forwards: true,
    finds: Finds { email: false, phone: false, fields: Fields::None },
    creates: false,
    makes_with: Fields::None,
    rate: Rate { calls: 20, window: Duration::from_secs(1) },
    reads_tags: false,
    answer_lists_tags: false,
    ignores_case: false,
};

impl ProviderKind {
    /// Every provider there is.
    pub const ALL: [ProviderKind; 5] = [Self::Helpcrunch, Self::Tic1980, Self::RespondIo, Self::B2chat, Self::Webhook];

    /// What it can do.
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::Helpcrunch => &HELPCRUNCH,
            Self::Tic1980 => &TIC_1980,
            Self::RespondIo => &RESPOND_IO,
            Self::B2chat => &B2CHAT,
            Self::Webhook => &WEBHOOK,
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

/// What becomes of tags that the account doesn't know (B2Chat).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingTags {
    /// They are made: `ASSIGN_TAG`.
    #[default]
    Create,
    /// They are passed over: `SKIP_TAGS`, where a 2xx proves nothing.
    Skip,
}

/// A connection as a rule file describes it, checked, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// Its name.
    pub name: ConnectionName,
    /// What it talks to.
    pub provider: ProviderKind,
    /// Everything before the resource path, without a `/` at the end.
    pub base_url: String,
    /// Credentials in the order of one of the provider's sets of `credentials`.
    pub credentials: Vec<SecretRef>,
    /// Further secrets by their key.
    pub secrets: Vec<(&'static str, SecretRef)>,
    /// Settings that the environment gives, as `(key, variable)`: read at start and put in place by [`Self::set`].
    pub from_env: Vec<(&'static str, String)>,
    /// Connections of one account share one allowance; by default those with the same credential. Where their limits differ, the
    /// lower one holds.
    pub account: Option<String>,
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
    /// Decide and record, call nothing.
    pub dry_run: bool,
    /// The channel that contacts are on (1980TIC: `viber` sends ids in Base64).
    pub channel: Option<String>,
    /// What becomes of tags that the account doesn't know (B2Chat).
    pub missing_tags: MissingTags,
    /// The tags in use here, names with `*`; empty: any.
    pub tags: Vec<String>,
    /// Sets of tags, names with `*`, of which a contact has one.
    pub exclusive: Vec<Vec<String>>,
    /// Any one of these tags forbids every add and set here.
    pub unless_tagged: Vec<TagName>,
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
            secrets: Vec::new(),
            from_env: Vec::new(),
            account: None,
            timeout: Duration::from_secs(10),
            concurrency: 4,
            rate_limit: capabilities.rate,
            give_up_after: Duration::from_hours(72),
            gather: Duration::ZERO,
            tag_cache: Duration::from_mins(1),
            allow_private: false,
            dry_run: false,
            channel: None,
            missing_tags: MissingTags::default(),
            tags: Vec::new(),
            exclusive: Vec::new(),
            unless_tagged: Vec::new(),
        }
    }

    /// Sets one plain setting from its text; the error says what was expected. Secrets, lists and `provider` aren't set here.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), &'static str> {
        let duration = || parse_duration(text).ok_or("a duration: `500ms`, `10s`, `5m`, `24h` or `7d`");
        let flag = || text.parse().map_err(|_| "`true` or `false`");
        match key {
            "base_url" if ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme)) => {
                text.trim_end_matches('/').clone_into(&mut self.base_url);
            }
            "base_url" => return Err("an address that begins with `https://` or `http://`"),
            "timeout" => self.timeout = duration()?,
            "concurrency" => {
                let count = text.parse().ok().filter(|count| (1..=64).contains(count));
                self.concurrency = count.ok_or("a whole number from 1 to 64")?;
            }
            "rate_limit" => self.rate_limit = Rate::parse(text).ok_or("a rate: `100/min`, `5/s` or `1000/h`")?,
            "give_up_after" => self.give_up_after = duration()?,
            "gather" => self.gather = duration()?,
            "tag_cache" if text == "off" => self.tag_cache = Duration::ZERO,
            "tag_cache" => self.tag_cache = duration()?,
            "allow_private" => self.allow_private = flag()?,
            "dry_run" => self.dry_run = flag()?,
            "account" => self.account = Some(text.to_owned()),
            "channel" if text == "viber" => self.channel = Some(text.to_owned()),
            "channel" => return Err("`viber`"),
            "missing_tags" => {
                self.missing_tags = match text {
                    "create" => MissingTags::Create,
                    "skip" => MissingTags::Skip,
                    _ => return Err("`create` or `skip`"),
                }
            }
            _ => return Err("no such setting"),
        }
        Ok(())
    }
}

/// Whose allowance a connection uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountKey {
    /// The account that the rules name.
    Named(ProviderKind, String),
    /// None is named: whoever calls there with this credential.
    Credential(ProviderKind, String, Vec<SecretRef>),
}

impl ConnectionConfig {
    /// Connections with the same key share one allowance.
    pub fn account_key(&self) -> AccountKey {
        match &self.account {
            Some(name) => AccountKey::Named(self.provider, name.clone()),
            None => AccountKey::Credential(self.provider, self.base_url.clone(), self.credentials.clone()),
        }
    }
}

/// The plain settings that [`ConnectionConfig::set`] knows.
pub const SETTINGS: [&str; 12] = [
    "base_url",
    "timeout",
    "concurrency",
    "rate_limit",
    "give_up_after",
    "gather",
    "tag_cache",
    "allow_private",
    "dry_run",
    "account",
    "channel",
    "missing_tags",
];
