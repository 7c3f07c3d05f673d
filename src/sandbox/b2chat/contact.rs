//! The contact object, as `/contacts/export` lists it and `/contacts/import` takes it.

use serde_json::{Map, Value, json};

use super::errors::{Wrong, only};
use crate::domain::time::Timestamp;

/// The texts that a call may write; "each field < 200 characters".
const WRITABLE: [&str; 9] =
    ["fullname", "mobile", "email", "landline", "identification", "address", "country", "city", "company"];
const LONGEST: usize = 200;

/// A contact.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its number.
    pub id: u64,
    fields: Map<String, Value>,
    custom: Map<String, Value>,
    /// Name, and when it was assigned, in Unix seconds.
    tags: Vec<(String, i64)>,
    created: Timestamp,
}

impl Contact {
    /// A contact of whom nothing is known.
    pub fn new(id: u64, now: Timestamp) -> Self {
        Self { id, fields: Map::new(), custom: Map::new(), tags: Vec::new(), created: now }
    }

    /// Writes fields, all or none. An update reads the name as `fullName`, as an integrator found out.
    pub fn write(&mut self, given: Map<String, Value>, name_key: &str) -> Result<(), Wrong> {
        let known: Vec<&str> = WRITABLE.into_iter().chain(["fullName", "custom_attributes"]).collect();
        let mut written = self.clone();
        for (key, value) in only(given, &known)? {
            match value {
                Value::Object(custom) if key == "custom_attributes" => written.custom.extend(custom),
                Value::String(text) if key != "custom_attributes" => {
                    if text.chars().count() >= LONGEST {
                        return Err(Wrong::body(format!("{key} is too long")));
                    }
                    if key == "mobile" && !is_number(&text) {
                        return Err(Wrong::body("mobile must be + and a number"));
                    }
                    let is_name = key == "fullname" || key == "fullName";
                    if !is_name || key == name_key {
                        let key = if is_name { "fullname".to_owned() } else { key };
                        written.fields.insert(key, Value::String(text));
                    }
                }
                _ => return Err(Wrong::body(format!("{key} has the wrong type"))),
            }
        }
        *self = written;
        Ok(())
    }

    /// A field's text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key)?.as_str()
    }

    /// Adds the tags that it doesn't have yet.
    pub fn tag(&mut self, names: &[String], now: Timestamp) {
        for name in names {
            if self.tags.iter().all(|(has, _)| has != name) {
                self.tags.push((name.clone(), now.seconds()));
            }
        }
    }

    /// Takes tags away; one that isn't there is no mistake.
    pub fn untag(&mut self, names: &[String]) {
        self.tags.retain(|(has, _)| !names.contains(has));
    }

    /// The names of its tags.
    pub fn tag_names(&self) -> Vec<String> {
        self.tags.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The object of an export.
    pub fn to_json(&self, with_tags: bool, with_custom: bool) -> Value {
        let mut object = Map::new();
        object.insert("contact_id".to_owned(), json!(self.id));
        for key in WRITABLE {
            object.insert(key.to_owned(), self.fields.get(key).cloned().unwrap_or_default());
        }
        object.insert("merchant_id".to_owned(), Value::Null);
        object.insert("created".to_owned(), json!(self.created.iso_seconds()));
        object.insert("custom_attributes".to_owned(), if with_custom { json!(self.custom) } else { Value::Null });
        let tags = self.tags.iter().map(|(name, at)| json!({ "name": name, "assigned_at": at })).collect();
        object.insert("tags".to_owned(), if with_tags { Value::Array(tags) } else { Value::Null });
        Value::Object(object)
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
