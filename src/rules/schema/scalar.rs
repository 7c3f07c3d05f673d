//! How single values look. A pattern refuses nothing that `check` takes; what it can't say, `check` alone refuses.

use serde_json::{Value, json};

use super::tree::Tree;
use crate::rules::keys::Shape;

/// What names look like.
pub const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
const ENV: &str = "env:[A-Za-z_][A-Za-z0-9_]*$";
/// `env:NAME`, `file:PATH` or a literal, which begins with neither.
const SECRET: &str = "^(?!env:(?![A-Za-z_][A-Za-z0-9_]*$))(?!file:$)";
const DURATION: &str = "^[0-9]+(ms|s|m|h|d)$";
const RATE: &str = "^\\s*\\+?0*[1-9][0-9]*\\s*/\\s*(s|sec|second|m|min|minute|h|hour)\\s*$";
const HOURS: &str = "^\\s*[0-9]{1,2}:[0-9]{2}\\s*-\\s*[0-9]{1,2}:[0-9]{2}\\s*$";
pub const LANGUAGE: &str = "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
const TIME: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$";
const URL: &str = "^https?://[^/\\s]\\S*$";

/// A text that fits a pattern, with the words that an editor shows where it doesn't.
fn text(pattern: &str, expected: &str) -> Tree {
    json!({ "type": "string", "pattern": pattern, "patternErrorMessage": format!("It must be {expected}.") }).into()
}

/// The schema of a single value; `None` for what isn't one. In a connection `env:NAME` may stand for any.
pub fn scalar(shape: &Shape, takes_variables: bool) -> Option<Tree> {
    let plain = match shape {
        Shape::Text | Shape::Template if !takes_variables => json!({
            "type": ["string", "number", "boolean"],
            "pattern": format!("^(?!{ENV})"),
            "patternErrorMessage": "`env:NAME` isn't read here.",
        })
        .into(),
        Shape::Text | Shape::Template | Shape::Scalar | Shape::Regex => {
            json!({ "type": ["string", "number", "boolean"] }).into()
        }
        Shape::Secret => json!({
            "type": ["string", "number", "boolean"],
            "pattern": SECRET,
            "patternErrorMessage": "It must be `env:NAME`, `file:PATH`, or the secret itself.",
        })
        .into(),
        Shape::Setting => json!({
            "type": ["string", "number", "boolean"],
            "pattern": SECRET,
            "patternErrorMessage": "It must be `env:NAME`, `file:PATH`, or the text itself.",
        })
        .into(),
        Shape::SecretUrl => text(
            "^(env:[A-Za-z_][A-Za-z0-9_]*$|file:.|https?://[^/\\s]\\S*$)",
            "an address that begins with `https://` or `http://`, `env:NAME` or `file:PATH`",
        ),
        Shape::Condition => json!({ "type": ["string", "boolean"] }).into(),
        Shape::Path => text("^(body|payload)([^A-Za-z0-9_]|$)", "a way into the body: `body.leads`, `payload.fields`"),
        Shape::Name => json!({
            "type": ["string", "number", "boolean"],
            "pattern": NAME,
            "patternErrorMessage": "A name has 1 to 64 of a-z A-Z 0-9 - _ . and begins with a letter or a digit.",
            "minimum": 0,
        })
        .into(),
        Shape::Flag => json!({ "type": "boolean" }).into(),
        Shape::Count(least, most) => number("integer", &json!(least), &json!(most)),
        Shape::Number(least, most) => number("number", &json!(least), &json!(most)),
        Shape::Duration => text(DURATION, "a duration: `500ms`, `10s`, `5m`, `24h` or `7d`"),
        Shape::DurationOr(word) => {
            text(&format!("^{word}$|{DURATION}"), &format!("a duration such as `10s`, or `{word}`"))
        }
        Shape::Rate => text(RATE, "a rate: `100/min`, `5/s` or `1000/h`"),
        Shape::Url => text(URL, "an address that begins with `https://` or `http://`"),
        Shape::Hours => text(HOURS, "hours: `09:00-18:00`"),
        Shape::Date => text(DATE, "a date: `2026-12-25`"),
        Shape::Time => text(TIME, "a time with its zone: `2026-03-02T15:00:00-05:00`"),
        Shape::Language => text(LANGUAGE, "a language: `es`, which covers all of its regions, or `es-MX`"),
        Shape::Zone => text("^[A-Za-z][A-Za-z0-9_+/-]*$", "a time zone's IANA name: `America/Bogota`"),
        Shape::Network => text("^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", "an address or a network: `203.0.113.0/24`"),
        Shape::Nothing => json!({ "type": "null" }).into(),
        Shape::OneOf(words) => json!({ "enum": (words.now)() }).into(),
        _ => return None,
    };
    Some(if takes_variables { or_variable(shape, plain) } else { plain })
}

/// A number, also in quotes.
fn number(kind: &str, least: &Value, most: &Value) -> Tree {
    json!({ "type": [kind, "string"], "minimum": least, "maximum": most, "pattern": "^\\+?[0-9.]+([eE][+-]?[0-9]+)?$" })
        .into()
}

/// The same, or a variable's name. One schema for both, since an editor shows less of a choice between two.
fn or_variable(shape: &Shape, plain: Tree) -> Tree {
    let variable =
        || json!({ "type": "string", "pattern": format!("^{ENV}"), "patternErrorMessage": "Or `env:NAME`." });
    match (shape, plain) {
        (Shape::Text | Shape::Secret | Shape::SecretUrl, plain) => plain,
        (_, Tree::Value(Value::Object(mut plain))) if plain.contains_key("type") => {
            let pattern = match plain.get("pattern").and_then(Value::as_str) {
                Some(own) => format!("^{ENV}|{own}"),
                None => format!("^{ENV}"),
            };
            let kinds = match plain.remove("type") {
                Some(Value::Array(kinds)) => Value::Array(kinds),
                Some(Value::String(kind)) if kind != "string" => json!([kind, "string"]),
                _ => "string".into(),
            };
            plain.insert("type".to_owned(), kinds);
            plain.insert("pattern".to_owned(), pattern.into());
            Tree::Value(plain.into())
        }
        (_, plain) => Tree::map([("anyOf", Tree::List(vec![plain, variable().into()]))]),
    }
}
