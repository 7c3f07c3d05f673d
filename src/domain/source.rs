//! A named inbound hook: who may call it and how its body is read.

use ipnet::IpNet;

use super::name::SourceName;
use super::scheme::HmacScheme;
use super::secret::SecretRef;

/// What a source's body looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Dialogflow ES, API v2.
    DialogflowEs,
    /// Dialogflow CX, API v3.
    DialogflowCx,
    /// Whatever a sender likes to send: JSON, a form, plain text or a query.
    Catch,
}

impl SourceKind {
    /// Every kind there is.
    pub const ALL: [SourceKind; 3] = [SourceKind::DialogflowEs, SourceKind::DialogflowCx, SourceKind::Catch];

    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::DialogflowEs => "dialogflow-es",
            Self::DialogflowCx => "dialogflow-cx",
            Self::Catch => "catch",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// Whether the kind's own bodies carry a deduplication key.
    pub fn has_key(self) -> bool {
        match self {
            Self::DialogflowEs | Self::DialogflowCx => true,
            Self::Catch => false,
        }
    }
}

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
    /// A signature.
    Hmac {
        /// How it is made.
        scheme: HmacScheme,
        /// Any of these may have signed: rotation.
        secrets: Vec<SecretRef>,
    },
}

impl AuthConfig {
    /// Its key in rule files: `basic`, `bearer`, `header`, `query`, `hmac`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::Bearer(_) => "bearer",
            Self::Header { .. } => "header",
            Self::Query { .. } => "query",
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
            Self::Hmac { secrets, .. } => secrets.iter().collect(),
        }
    }
}
