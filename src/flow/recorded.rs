//! Recorded events: how they leave the gateway whole, and what a set of rules makes of one again. No call, nothing stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};

use super::receive::judged;
use super::replay::OURS;
use crate::domain::change::Change;
use crate::domain::decision::Decision;
use crate::domain::name::SourceName;
use crate::domain::request::{Fields, Request};
use crate::domain::time::{Timestamp, rfc3339};
use crate::rules::Catalog;
use crate::sources::{self, ReadError, Verified};
use crate::store::EventRecord;

/// An event as `GET /api/v1/events/recorded` hands it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its acceptance number.
    #[serde(serialize_with = "as_text", deserialize_with = "of_text")]
    pub id: u64,
    /// The hook that it came through.
    pub source: SourceName,
    /// Its intent, as it was read then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The rules that matched then.
    #[serde(default)]
    pub rules: Vec<String>,
    /// When its request was received.
    #[serde(serialize_with = "rfc3339::serialize", deserialize_with = "time")]
    pub received_at: Timestamp,
    /// When it was accepted: `for` and `once` count from here.
    #[serde(serialize_with = "rfc3339::serialize", deserialize_with = "time")]
    pub accepted_at: Timestamp,
    /// The event that it is a replay of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// Its body went with a person who was forgotten.
    #[serde(default)]
    pub forgotten: bool,
    /// The request's query, credentials left out.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// The request's headers, credentials left out.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    #[serde(default)]
    pub body: String,
    /// The same in Base64, where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
    /// What it asked for, where no request brought it: nothing else tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_text<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn of_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("an id is a number"))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("a time is RFC 3339"))
}

impl From<EventRecord> for Recorded {
    fn from(record: EventRecord) -> Self {
        let EventRecord { ord, accepted_at, head, body, .. } = record;
        let is_ours = head.source.as_str().starts_with(OURS);
        let forgotten = head.is_forgotten();
        let (body, body_base64) = match String::from_utf8(body) {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(STANDARD.encode(error.as_bytes()))),
        };
        Self {
            id: ord.0,
            source: head.source,
            intent: head.intent,
            rules: head.rules.iter().map(ToString::to_string).collect(),
            received_at: head.received_at,
            accepted_at,
            replay_of: head.replay_of.map(|of| of.to_string()),
            forgotten,
            query: head.query,
            headers: head.headers,
            body,
            body_base64,
            changes: if is_ours { head.changes } else { Vec::new() },
        }
    }
}

/// Why a set of rules would not take an event.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotTaken {
    /// It has no such source.
    #[error("there is no source {0}")]
    NoSource(SourceName),
    /// The source can't read it.
    #[error("{0} can't read the body: {1}")]
    Unreadable(SourceName, ReadError),
}

/// What a set of rules makes of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was decided; its reply is written below.
    pub decision: Decision,
    /// The answer's bytes.
    pub reply: Vec<u8>,
}

impl Recorded {
    /// Whether no request brought it: a timer, a person, an audit.
    pub fn is_ours(&self) -> bool {
        self.source.as_str().starts_with(OURS)
    }

    /// The body's bytes as they came.
    pub fn bytes(&self) -> Vec<u8> {
        let coded = self.body_base64.as_ref().and_then(|coded| STANDARD.decode(coded).ok());
        coded.unwrap_or_else(|| self.body.clone().into_bytes())
    }

    /// Hands its events to `look`, read anew by the source that a set has under its name.
    pub fn read<T>(
        &self,
        catalog: &Catalog,
        look: impl FnOnce(&crate::domain::source::SourceConfig, &mut [crate::domain::event::Event<'_>]) -> T,
    ) -> Result<T, NotTaken> {
        let config = catalog.source(self.source.as_str()).ok_or_else(|| NotTaken::NoSource(self.source.clone()))?;
        let fields = |pairs: &[(String, String)]| {
            Fields(pairs.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect())
        };
        let query = fields(&self.query).to_query();
        let bytes;
        let body = if self.body_base64.is_some() {
            bytes = self.bytes();
            bytes.as_slice()
        } else {
            self.body.as_bytes()
        };
        let (headers, received_at) = (fields(&self.headers), self.received_at);
        let request = Request { method: "POST", url: "", query: &query, headers, body, peer: None, received_at };
        let verified = Verified::by_operator(request);
        let unreadable = |why| NotTaken::Unreadable(self.source.clone(), why);
        let json = sources::json_body(config, &verified).map_err(unreadable)?;
        let mut reading = sources::read(config, &verified, &json).map_err(unreadable)?;
        Ok(look(config, &mut reading.events))
    }

    /// What a set makes of it: one verdict for each event that it now reads in the body, which is one unless the source has changed.
    pub fn judge(&self, catalog: &Catalog) -> Result<Vec<Verdict>, NotTaken> {
        self.read(catalog, |config, events| {
            let judged = events.iter_mut().map(|event| {
                let (decision, reply) = judged(catalog, config.kind, event);
                Verdict { decision, reply }
            });
            judged.collect()
        })
    }
}

#[cfg(test)]
mod tests;
