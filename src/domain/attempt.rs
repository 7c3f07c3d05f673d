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
    /// The path below the connection's base URL; of a webhook the host alone, as `hooks.example.com/***`.
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
    /// What came back of the provider's limits, as `x-ratelimit-remaining: 4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
    /// When other calls started that were made for this one, as for a token: they count against the limit too.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "stored::list")]
    pub also: Vec<Timestamp>,
    /// Whether it is no start of its own: nothing was sent, or the call was made for another contact, which tells of it too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
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

    pub mod list {
        use serde::ser::SerializeSeq;

        use super::{Deserialize, Deserializer, Error, Serializer, Timestamp};

        pub fn serialize<S: Serializer>(times: &[Timestamp], serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(Some(times.len()))?;
            times.iter().try_for_each(|time| list.serialize_element(&time.to_string()))?;
            list.end()
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Timestamp>, D::Error> {
            let texts = Vec::<String>::deserialize(deserializer)?;
            let times = texts.iter().map(|text| Timestamp::parse(text));
            times.collect::<Option<_>>().ok_or_else(|| D::Error::custom("not RFC 3339 times"))
        }
    }

    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}
