//! Who sent this? Every form of `auth`, opened once and asked per request.

mod form;
mod google;
mod hmac;
mod key;
mod mac;
mod secret;
mod time;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::request::{Fields, Request};
use crate::domain::source::AuthConfig;
use crate::domain::time::Timestamp;
use crate::sources::fault::{OpenError, Refusal};
use crate::vault::Vault;

pub use self::google::{KeySet, KeyStore};

use self::google::GoogleTokens;
use self::hmac::Signed;
pub use self::secret::Known;

/// What a request must carry so that a source lets it in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Headers to add, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Pairs to add to the query, not yet percent-encoded.
    pub query: Vec<(String, String)>,
}

impl std::fmt::Debug for Proof {
    /// It holds secrets: only names are shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.headers.iter().chain(&self.query).map(|(name, _)| name)).finish()
    }
}

/// All that a source asks of its senders.
pub struct Verifier {
    /// Any one lets in; none at all: everybody may call.
    ways: Vec<Way>,
}

/// One form of `auth`, its secrets open.
enum Way {
    Basic { username: Known, password: Known },
    Bearer(Known),
    Header { name: String, value: Known },
    Query { name: String, value: Known },
    Google(Box<GoogleTokens>),
    Hmac(Box<Signed>),
}

impl Verifier {
    /// Opens every secret; all that have no value, and all schemes that can't work, are reported at once.
    pub fn open(auth: &[AuthConfig], vault: &Vault) -> Result<Self, Vec<OpenError>> {
        let mut ways = Vec::new();
        let mut faults = Vec::new();
        for config in auth {
            match Way::open(config, vault) {
                Ok(way) => ways.push(way),
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() { Ok(Self { ways }) } else { Err(faults) }
    }

    /// Whether any way lets the request in; else the refusal that came nearest.
    pub fn verify(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let mut nearest = None;
        for way in &self.ways {
            match way.verify(request) {
                Ok(()) => return Ok(()),
                Err(refusal) => nearest = nearest.max(Some(refusal)),
            }
        }
        nearest.map_or(Ok(()), Err)
    }

    /// What a sender would add for the first way in which we can sign; nothing where everybody may call.
    pub fn proof(&self, now: Timestamp, url: &str, body: &[u8], id: &str) -> Proof {
        let signs = |way: &&Way| !matches!(way, Way::Google(_));
        self.ways.iter().find(signs).map(|way| way.proof(now, url, body, id)).unwrap_or_default()
    }

    /// The audience of the identity tokens that are the only way in; nobody but Google can make one.
    pub fn only_google_signs(&self) -> Option<String> {
        let only = self.ways.iter().all(|way| matches!(way, Way::Google(_)));
        self.google().next().filter(|_| only).and_then(GoogleTokens::audience)
    }

    /// The keys of those who sign for somebody else.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<KeyStore>> {
        self.google().map(GoogleTokens::keys)
    }

    /// Takes over the keys that another opening of the source has.
    pub fn keep_keys_of(&mut self, before: &Self) {
        for way in &mut self.ways {
            if let Way::Google(tokens) = way {
                before.google().for_each(|before| tokens.keep_keys_of(before));
            }
        }
    }

    fn google(&self) -> impl Iterator<Item = &GoogleTokens> {
        self.ways.iter().filter_map(|way| match way {
            Way::Google(tokens) => Some(&**tokens),
            _ => None,
        })
    }
}

impl Way {
    fn open(config: &AuthConfig, vault: &Vault) -> Result<Self, Vec<OpenError>> {
        let known = |secret| Known::open(secret, vault);
        match config {
            AuthConfig::Basic { username, password } => match (known(username), known(password)) {
                (Ok(user), Ok(_)) if user.current().expose().contains(':') => {
                    Err(vec![OpenError::Colon(format!("{username:?}"))])
                }
                (Ok(username), Ok(password)) => Ok(Self::Basic { username, password }),
                (username, password) => Err(username.err().into_iter().chain(password.err()).collect()),
            },
            AuthConfig::Bearer(secret) => known(secret).map(Self::Bearer).map_err(|e| vec![e]),
            AuthConfig::Header { name, value } => {
                let value = known(value).map_err(|e| vec![e])?;
                Ok(Self::Header { name: name.clone(), value })
            }
            AuthConfig::Query { name, value } => {
                let value = known(value).map_err(|e| vec![e])?;
                Ok(Self::Query { name: name.clone(), value })
            }
            AuthConfig::GoogleIdToken(config) => {
                GoogleTokens::open(config, vault).map(|tokens| Self::Google(Box::new(tokens)))
            }
            AuthConfig::Hmac { scheme, secrets } => {
                Signed::open(scheme, secrets, vault).map(|signed| Self::Hmac(Box::new(signed)))
            }
        }
    }

    fn verify(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let passes = match self {
            Self::Basic { username, password } => {
                let (user, pass) = basic(authorization(request, "basic")?).ok_or(Refusal::MalformedAuthorization)?;
                // Both are compared whatever the first says, or the time would tell which one was wrong.
                username.is(&user) & password.is(&pass)
            }
            Self::Bearer(secret) => secret.is(authorization(request, "bearer")?.as_bytes()),
            Self::Header { name, value } => any_is(value, request.headers.all(name)).ok_or(Refusal::MissingHeader)?,
            Self::Query { name, value } => {
                let query = Fields::parse_query(request.query);
                any_is(value, query.all(name)).ok_or(Refusal::MissingQuery)?
            }
            Self::Google(tokens) => return tokens.verify(authorization(request, "bearer")?, request.received_at),
            Self::Hmac(signed) => return signed.verify(request),
        };
        if passes { Ok(()) } else { Err(Refusal::NoSecretMatches) }
    }

    fn proof(&self, now: Timestamp, url: &str, body: &[u8], id: &str) -> Proof {
        let authorization = |value| Proof { headers: vec![("authorization".to_owned(), value)], query: Vec::new() };
        let text = |secret: &Known| secret.current().expose().to_owned();
        match self {
            Self::Basic { username, password } => {
                let pair = format!("{}:{}", text(username), text(password));
                authorization(format!("Basic {}", STANDARD.encode(pair)))
            }
            Self::Bearer(secret) => authorization(format!("Bearer {}", text(secret))),
            Self::Header { name, value } => Proof { headers: vec![(name.clone(), text(value))], query: Vec::new() },
            Self::Query { name, value } => Proof { headers: Vec::new(), query: vec![(name.clone(), text(value))] },
            Self::Google(_) => Proof::default(),
            Self::Hmac(signed) => signed.proof(now, url, body, id),
        }
    }
}

/// What follows the scheme's name in `Authorization`; the name's case doesn't matter (RFC 9110, section 11.1).
fn authorization<'r>(request: &'r Request<'_>, scheme: &str) -> Result<&'r str, Refusal> {
    let header = request.headers.get("authorization").ok_or(Refusal::MissingAuthorization)?;
    let (name, credentials) = header.trim().split_once(' ').ok_or(Refusal::MalformedAuthorization)?;
    if name.eq_ignore_ascii_case(scheme) { Ok(credentials.trim()) } else { Err(Refusal::MalformedAuthorization) }
}

/// The user and the password: everything up to the first colon, and after it (RFC 7617).
fn basic(credentials: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut user = STANDARD.decode(credentials).ok()?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.split_off(colon + 1);
    user.truncate(colon);
    Some((user, password))
}

/// Whether one of the values is the secret; `None` when there are no values.
fn any_is<'v>(secret: &Known, values: impl Iterator<Item = &'v str>) -> Option<bool> {
    values.map(|value| secret.is(value.as_bytes())).reduce(|a, b| a | b)
}
