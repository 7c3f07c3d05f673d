//! One HTTP call to a provider, with what was sent and what came back.

use serde::{Deserialize, Serialize};

use super::time::{Timestamp, rfc3339};

/// One call. Credentials are never part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the call started.
    #[serde(serialize_with = "stored::time", deserialize_with = "stored::read")]
    pub at: Timestamp,
    /// `PUT`, `DELETE`, ...
    pub method: String,
    /// The path below the connection's base URL.
    pub path: String,
    /// The JSON body that was sent, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<serde_json::Value>,
    /// The status that came back; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first part of what came back, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// How long it took.
    pub took_ms: u64,
    /// What the provider's table made of it.
    pub verdict: String,
}

/// Times are RFC 3339 in what people read and in what is stored alike: attempts are few, and a dump explains itself.
mod stored {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Timestamp, rfc3339};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        rfc3339::serialize(time, serializer)
    }

    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}
