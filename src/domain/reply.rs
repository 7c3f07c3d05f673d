//! What a rule answers with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A rendered reply. A source writes it in its vendor's form; what the vendor has no place for, `check` refuses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Messages in the vendor's own form (Dialogflow ES: `Intent.Message`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Value>,
    /// A payload passed to the integration as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Map<String, Value>>,
    /// Contexts to set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<OutputContext>,
    /// An event that the platform shall act on instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<FollowupEvent>,
}

/// A Dialogflow context to set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputContext {
    /// Its short name; the source puts the session before it.
    pub name: String,
    /// For how many turns it lives; 0 ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifespan: Option<u32>,
    /// What it carries.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

/// An event to invoke in place of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowupEvent {
    /// The event's name.
    pub name: String,
    /// The language to go on in; the request's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What it carries.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}
