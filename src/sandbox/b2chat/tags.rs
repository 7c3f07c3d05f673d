//! The account's tags and what a tag call names: `[{"name":"Lead"}]`, the form of both integrators; the vendor's page says only
//! "array of tag names".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::request::Request;
use super::errors::{Wrong, json_body, only};

/// Whether a tag of the account is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Standing {
    /// It is.
    Active,
    /// It is switched off, or was made by `ASSIGN_TAG`.
    Inactive,
}

/// The account's tags by name.
pub type AccountTags = BTreeMap<String, Standing>;

/// What becomes of tags that the account doesn't know: the vendor's page "Adicionar tags a un contacto".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// "When a tag isn't found or isn't ACTIVE it is ignored and isn't associated."
    Skip,
    /// "If a tag isn't found it is created and associated; an inactive one is only associated." It is created INACTIVE.
    Assign,
}

impl Action {
    /// `?tag_actions=`. What it is when it is left out no page says, so that is a mistake here.
    pub fn read(request: &Request) -> Result<Self, Wrong> {
        match request.query.get("tag_actions").map(String::as_str) {
            Some("SKIP_TAGS") => Ok(Self::Skip),
            Some("ASSIGN_TAG") => Ok(Self::Assign),
            _ => Err(Wrong::body("tag_actions must be SKIP_TAGS or ASSIGN_TAG")),
        }
    }

    /// Which of `names` the contact gets.
    pub fn resolve(self, names: Vec<String>, account: &mut AccountTags) -> Vec<String> {
        match self {
            Self::Skip => names.into_iter().filter(|name| account.get(name) == Some(&Standing::Active)).collect(),
            Self::Assign => {
                for name in &names {
                    account.entry(name.clone()).or_insert(Standing::Inactive);
                }
                names
            }
        }
    }
}

/// The names of a tag call's body.
pub fn names(request: &Request) -> Result<Vec<String>, Wrong> {
    let Value::Array(tags) = json_body(request)? else { return Err(Wrong::body("the body must be an array of tags")) };
    if tags.is_empty() {
        return Err(Wrong::body("the array of tags is empty"));
    }
    tags.into_iter().map(name).collect()
}

fn name(tag: Value) -> Result<String, Wrong> {
    let Value::Object(tag) = tag else { return Err(Wrong::body("a tag must be an object with a name")) };
    match only(tag, &["name"])?.remove("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(name),
        _ => Err(Wrong::body("a tag must have a name")),
    }
}
