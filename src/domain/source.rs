//! A named inbound hook: who may call it and how its body is read.

use ipnet::IpNet;

use super::kind::OwnProof;
use super::name::SourceName;
use super::presets::Preset;
use super::scheme::HmacScheme;
use super::secret::SecretRef;

pub use super::kind::SourceKind;

/// A source as a rule file describes it, checked.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name.
    pub name: SourceName,
    /// How its body is read.
    pub kind: SourceKind,
    /// Any one of these lets a request in. Empty: `auth: none` was written out, and everybody may call.
    pub auth: Vec<AuthConfig>,
    /// The addresses that may call, besides having a proof; empty: any.
    pub allow_ips: Vec<IpNet>,
    /// Catch: the way from the body to the list that holds one event each; `None`: a bare array is split, anything else
    /// is one event.
    pub each: Option<Vec<String>>,
    /// What the vendor's first request must know, where the kind's handshake asks for a token.
    pub verify_token: Option<SecretRef>,
}

/// One way to prove who is calling.
#[derive(Debug, Clone)]
pub enum AuthConfig {
    /// HTTP Basic.
    Basic {
        /// The user.
        username: SecretRef,
        /// The password.
        password: SecretRef,
    },
    /// `Authorization: Bearer ...`
    Bearer(SecretRef),
    /// A header that must have this value.
    Header {
        /// In lower case.
        name: String,
        /// What it must be.
        value: SecretRef,
    },
    /// A query parameter that must have this value.
    Query {
        /// Its name.
        name: String,
        /// What it must be.
        value: SecretRef,
    },
    /// `Authorization: Bearer` with an identity token that Google has signed.
    GoogleIdToken(GoogleIdToken),
    /// A signature.
    Hmac {
        /// How it is made.
        scheme: HmacScheme,
        /// Any of these may have signed: rotation.
        secrets: Vec<SecretRef>,
    },
}

/// Whose identity tokens let a request in.
#[derive(Debug, Clone)]
pub struct GoogleIdToken {
    /// Whom they must be for: any of these.
    pub audiences: Vec<SecretRef>,
    /// Whose they must be: any of these verified addresses.
    pub emails: Vec<SecretRef>,
    /// Where the keys are; `None`: at Google.
    pub keys_url: Option<SecretRef>,
    /// Whether that may be in a network of one's own, and without encryption.
    pub allow_private: bool,
}

impl SourceConfig {
    /// Whether a signature over the fields of a form lets somebody in. It tells nothing of how often a field stands there.
    pub fn signs_fields(&self) -> bool {
        let signs =
            |auth: &AuthConfig| matches!(auth, AuthConfig::Hmac { scheme, .. } if scheme.signed.contains("{form}"));
        self.auth.iter().any(signs)
    }
}

impl AuthConfig {
    /// Its key in rule files: `basic`, `bearer`, `header`, `query`, `google_id_token`, `hmac`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::Bearer(_) => "bearer",
            Self::Header { .. } => "header",
            Self::Query { .. } => "query",
            Self::GoogleIdToken(_) => "google_id_token",
            Self::Hmac { .. } => "hmac",
        }
    }

    /// Every secret it names.
    pub fn secrets(&self) -> Vec<&SecretRef> {
        match self {
            Self::Basic { username, password } => vec![username, password],
            Self::Bearer(secret) | Self::Header { value: secret, .. } | Self::Query { value: secret, .. } => {
                vec![secret]
            }
            Self::GoogleIdToken(tokens) => {
                tokens.audiences.iter().chain(&tokens.emails).chain(&tokens.keys_url).collect()
            }
            Self::Hmac { secrets, .. } => secrets.iter().collect(),
        }
    }
}

impl OwnProof {
    /// The forms of `auth` that these secrets stand for; `None`: the sender proves nothing by itself.
    pub fn forms(self, secrets: Vec<SecretRef>) -> Option<Vec<AuthConfig>> {
        match self {
            Self::None => None,
            Self::Signature(preset) => {
                let scheme = Preset::named(preset)?.scheme();
                Some(vec![AuthConfig::Hmac { scheme, secrets }])
            }
            Self::Header(name) => {
                let form = |value| AuthConfig::Header { name: name.to_owned(), value };
                Some(secrets.into_iter().map(form).collect())
            }
        }
    }
}
