//! The tags of a call: `{"tags":[{"name":"Lead","color":"#c57de0"}]}`.

use serde_json::{Map, Value};

use super::errors::Wrong;

/// "Default: #c377e0": docs.helpcrunch.com/rest-api-v1/tag-customer-v1.
pub const DEFAULT_COLOUR: &str = "#c377e0";

const BLANK: &str = "This value should not be blank.";

/// A tag as a call names it.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// Its colour, should it have to be created.
    pub color: Option<String>,
}

/// Tags without a word about their colours.
pub fn named(names: &[String]) -> Vec<Wanted> {
    names.iter().map(|name| Wanted { name: name.clone(), color: None }).collect()
}

/// Reads the body of a tag call.
pub fn wanted(body: &Map<String, Value>) -> Result<Vec<Wanted>, Wrong> {
    if let Some(key) = body.keys().find(|key| *key != "tags") {
        return Err(Wrong::field(key, "This field was not expected."));
    }
    list(body.get("tags").unwrap_or(&Value::Null))
}

/// Reads a list of tags.
pub fn list(tags: &Value) -> Result<Vec<Wanted>, Wrong> {
    let Value::Array(tags) = tags else { return Err(Wrong::field("tags", "This value should be of type array.")) };
    if tags.is_empty() {
        return Err(Wrong::field("tags", BLANK));
    }
    tags.iter().enumerate().map(|(n, tag)| one(n, tag)).collect()
}

fn one(n: usize, tag: &Value) -> Result<Wanted, Wrong> {
    let Value::Object(tag) = tag else {
        return Err(Wrong::field(format!("tags[{n}]"), "This value should be of type object."));
    };
    if let Some(key) = tag.keys().find(|key| !matches!(key.as_str(), "name" | "color")) {
        return Err(Wrong::field(format!("tags[{n}].{key}"), "This field was not expected."));
    }
    let color = match tag.get("color") {
        None | Some(Value::Null) => None,
        Some(Value::String(color)) => Some(color.clone()),
        Some(_) => return Err(Wrong::field(format!("tags[{n}].color"), "This value should be of type string.")),
    };
    match tag.get("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(Wanted { name: name.clone(), color }),
        _ => Err(Wrong::field(format!("tags[{n}].name"), BLANK)),
    }
}
