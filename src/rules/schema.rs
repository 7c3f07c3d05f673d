//! The JSON Schema of rule files, written from the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{Key, Need, Object, RULE_FILE, Shape, TEST_FILE};

/// Draft-07, the draft that editors know best. Keys that this version can't do are left out, so that editors mark them.
pub fn schema() -> Value {
    let mut properties = properties(&RULE_FILE);
    properties.extend(self::properties(&TEST_FILE));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tagrelay rule files",
        "description": "Sources, connections and rules in *.yaml; tests in *.test.yaml.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn properties(object: &'static Object) -> Map<String, Value> {
    let now = object.keys.iter().filter(|key| key.need != Need::Later);
    now.map(|key| (key.name.to_owned(), property(key))).collect()
}

fn property(key: &'static Key) -> Value {
    let mut schema = shape(&key.shape);
    let mut about = key.about.to_owned();
    if !key.example.is_empty() {
        about.push_str("\n\nExample:\n```yaml\n");
        about.push_str(key.example);
        about.push_str("\n```");
        schema["markdownDescription"] = json!(about);
    }
    schema["description"] = json!(key.about);
    schema
}

fn object(object: &'static Object) -> Value {
    let required: Vec<_> = object.keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties(object) });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
const DURATION: &str = "^[0-9]+(ms|s|m|h|d)$";

fn shape(shape: &'static Shape) -> Value {
    match shape {
        Shape::Text | Shape::Template | Shape::Scalar | Shape::Secret | Shape::SecretUrl | Shape::Regex => {
            json!({ "type": ["string", "number", "boolean"] })
        }
        Shape::Path => json!({ "type": "string" }),
        Shape::Hours => json!({ "type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}$" }),
        Shape::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        Shape::Zone => json!({ "type": "string", "pattern": "^[A-Za-z]" }),
        Shape::Network => json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$" }),
        Shape::Condition => json!({ "type": ["string", "boolean"] }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Shape::Duration => json!({ "type": "string", "pattern": DURATION }),
        Shape::DurationOr(word) => json!({ "type": "string", "pattern": format!("^{word}$|{DURATION}") }),
        Shape::Rate => json!({ "type": "string", "pattern": "^[0-9]+/(s|sec|second|m|min|minute|h|hour)$" }),
        Shape::Url => json!({ "type": "string", "pattern": "^https?://" }),
        Shape::Time => json!({ "type": "string", "format": "date-time" }),
        Shape::Name => json!({ "type": "string", "pattern": NAME }),
        Shape::Anything => json!({}),
        Shape::Nothing => json!({ "type": "null" }),
        Shape::OneOf(words) => json!({ "enum": (words.now)() }),
        Shape::Object(inner) => object(inner),
        Shape::Named(inner) => {
            json!({ "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": self::shape(inner) })
        }
        Shape::Mapping(inner) => json!({ "type": "object", "additionalProperties": self::shape(inner) }),
        Shape::List(inner) => json!({ "type": "array", "items": self::shape(inner) }),
        Shape::OneOrMany(inner) => {
            let one = self::shape(inner);
            json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
        }
        Shape::Either(shapes) => either(shapes),
    }
}

fn either(shapes: &'static [Shape]) -> Value {
    let now: Vec<_> = shapes.iter().map(shape).collect();
    match now.as_slice() {
        [only] => only.clone(),
        _ => json!({ "anyOf": now }),
    }
}
