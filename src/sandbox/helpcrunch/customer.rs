//! The customer object (docs.helpcrunch.com/rest-api-v1, "contact data model").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::errors::Wrong;
use super::tags::{self, Wanted};
use crate::domain::time::Timestamp;

/// What a call may write: the name, and the kind of value besides null.
const WRITABLE: [(&str, Kind); 14] = [
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("userId", Kind::Text),
    ("company", Kind::Text),
    ("phone", Kind::Text),
    ("location", Kind::Map),
    ("unsubscribed", Kind::Flag),
    ("blocked", Kind::Flag),
    ("source", Kind::Text),
    ("referer", Kind::Text),
    ("lastPage", Kind::Text),
    ("locale", Kind::Text),
    ("integrationId", Kind::Text),
    ("notes", Kind::Text),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Map,
}

/// A customer. Its fields are JSON, since nothing is done with them but to store, search and show them.
#[derive(Debug, Clone)]
pub struct Customer {
    id: u64,
    fields: Map<String, Value>,
    custom: Map<String, Value>,
    /// Name and colour, in the order of their coming.
    tags: Vec<(String, String)>,
}

impl Customer {
    /// A customer of whom nothing is known. Times are texts, as in the newer copies of the pages.
    pub fn new(id: u64, now: Timestamp) -> Self {
        let mut customer = Self { id, fields: Map::new(), custom: Map::new(), tags: Vec::new() };
        customer.clear();
        for seen in ["firstSeen", "lastSeen"] {
            customer.fields.insert(seen.to_owned(), json!(now.seconds().to_string()));
        }
        customer.fields.insert("createdFrom".to_owned(), json!("api"));
        customer.fields.insert("device".to_owned(), Value::Null);
        customer
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What `PUT` does to the fields that it doesn't name.
    pub fn clear(&mut self) {
        for (name, kind) in WRITABLE {
            let empty = match kind {
                Kind::Text => Value::Null,
                Kind::Flag => Value::Bool(false),
                Kind::Map => json!({ "regionCode": null, "countryCode": null, "city": null }),
            };
            self.fields.insert(name.to_owned(), empty);
        }
        self.custom.clear();
    }

    /// Writes fields, all or none, and returns the tags among them.
    pub fn write(&mut self, given: &Map<String, Value>) -> Result<Option<Vec<Wanted>>, Wrong> {
        let mut written = self.clone();
        let mut wanted = None;
        for (name, value) in given {
            match name.as_str() {
                "tags" => wanted = Some(tags::list(value)?),
                "customData" => written.custom.extend(custom_data(value)?),
                _ => {
                    written.fields.insert(name.clone(), checked(name, value)?);
                }
            }
        }
        *self = written;
        Ok(wanted)
    }

    /// Appends the tags that it doesn't have yet.
    pub fn tag(&mut self, wanted: &[Wanted], colours: &BTreeMap<String, String>) {
        for Wanted { name, .. } in wanted {
            if self.tags.iter().all(|(has, _)| has != name) {
                let colour = colours.get(name).map_or(tags::DEFAULT_COLOUR, String::as_str);
                self.tags.push((name.clone(), colour.to_owned()));
            }
        }
    }

    /// Takes tags away; one that isn't there is no mistake.
    pub fn untag(&mut self, unwanted: &[Wanted]) {
        self.tags.retain(|(name, _)| unwanted.iter().all(|tag| tag.name != *name));
    }

    /// Takes all of them away.
    pub fn untag_all(&mut self) {
        self.tags.clear();
    }

    /// The names of its tags.
    pub fn tag_names(&self) -> Vec<String> {
        self.tags.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A field by the name that searches know it by, after `customers.`.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match name {
            "countryCode" | "city" | "regionCode" => self.fields.get("location")?.get(name),
            // The pages don't say where these ids are kept; the object has one place for them.
            "telegramId" | "facebookId" | "instagramId" | "viberId" | "whatsappId" => self.fields.get("integrationId"),
            _ => self.fields.get(name),
        }
    }

    /// The object at the top level of an answer.
    pub fn to_json(&self) -> Value {
        let mut object = self.fields.clone();
        let tags: Vec<Value> = self.tags.iter().map(|(name, color)| json!({ "name": name, "color": color })).collect();
        object.insert("id".to_owned(), json!(self.id));
        object.insert("tags".to_owned(), Value::Array(tags));
        object.insert("customData".to_owned(), Value::Object(self.custom.clone()));
        Value::Object(object)
    }
}

fn checked(name: &str, value: &Value) -> Result<Value, Wrong> {
    let Some((_, kind)) = WRITABLE.iter().find(|(known, _)| *known == name) else {
        return Err(Wrong::field(name, "This field was not expected."));
    };
    match (kind, value) {
        (_, Value::Null)
        | (Kind::Text, Value::String(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Map, Value::Object(_)) => Ok(value.clone()),
        (Kind::Text, _) => Err(Wrong::field(name, "This value should be of type string.")),
        (Kind::Flag, _) => Err(Wrong::field(name, "This value should be of type bool.")),
        (Kind::Map, _) => Err(Wrong::field(name, "This value should be of type object.")),
    }
}

/// An object, or the list of `{"property","value"}` that the pages show for requests.
fn custom_data(value: &Value) -> Result<Map<String, Value>, Wrong> {
    let wrong = || Wrong::field("customData", "This value should be of type object or array of properties.");
    match value {
        Value::Object(fields) => Ok(fields.clone()),
        Value::Array(pairs) => pairs
            .iter()
            .map(|pair| {
                let name = pair.get("property")?.as_str()?;
                Some((name.to_owned(), pair.get("value")?.clone()))
            })
            .collect::<Option<Map<_, _>>>()
            .ok_or_else(wrong),
        _ => Err(wrong()),
    }
}
