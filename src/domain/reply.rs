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
    /// Dialogflow CX: session parameters to set; `null` removes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Map<String, Value>>,
    /// Dialogflow CX: the page to go to, by its resource name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_page: Option<String>,
    /// Dialogflow CX: the flow to go to, by its resource name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_flow: Option<String>,
    /// Dialogflow CX: what becomes of the agent's own messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
}

/// Whether a reply's messages join those of the agent or stand in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// They come after them: what the platform does unless told otherwise.
    Append,
    /// They stand in their place.
    Replace,
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
