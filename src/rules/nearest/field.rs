//! The parts of an event that may be thought of otherwise, and the event with other ones.

use std::borrow::Cow;
use std::fmt;

use crate::domain::detail::{Detail, DetailType, Details};
use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::value::{Number, Value};
use crate::rules::expr::ast::{Path, Root, Step};

/// A part of an event. The source, the time and what follows from them are what they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// What the person meant.
    Intent,
    /// The action, tag or event name.
    Type,
    /// What the person said.
    Text,
    /// The language tag.
    Language,
    /// How sure the platform is.
    Confidence,
    /// The conversation.
    Session,
    /// The page of the conversation.
    Page,
    /// The flow of the conversation.
    Flow,
    /// Whom the source finds.
    Contact,
    /// What only some platforms tell.
    Detail(Detail),
    /// A parameter, or a part of one.
    Params(Vec<String>),
    /// A part of the item.
    Payload(Vec<String>),
    /// A part of the body.
    Body(Vec<String>),
    /// Of the query.
    Query(String),
    /// A header.
    Header(String),
}

impl Field {
    /// The part that a path leads to.
    pub fn at(path: &Path) -> Option<Self> {
        let keys = || {
            let key = |step: &Step| match step {
                Step::Key(key) => Some(key.to_string()),
                Step::Index(_) => None,
            };
            path.steps.iter().map(key).collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty())
        };
        let one = || keys().and_then(|mut keys| keys.pop().filter(|_| keys.is_empty()));
        match path.root? {
            Root::Params => keys().map(Self::Params),
            Root::Payload => keys().map(Self::Payload),
            Root::Body => keys().map(Self::Body),
            Root::Query => one().map(Self::Query),
            Root::Headers => one().map(Self::Header),
            _ if !path.steps.is_empty() => None,
            Root::Intent => Some(Self::Intent),
            Root::Type => Some(Self::Type),
            Root::Text => Some(Self::Text),
            Root::Language => Some(Self::Language),
            Root::Confidence => Some(Self::Confidence),
            Root::Session => Some(Self::Session),
            Root::Page => Some(Self::Page),
            Root::Flow => Some(Self::Flow),
            Root::Contact => Some(Self::Contact),
            Root::Detail(detail) => Some(Self::Detail(detail)),
            Root::Source | Root::ReceivedAt | Root::Form | Root::Values | Root::Conditions => None,
        }
    }

    /// What stands there now, as it came.
    pub fn of<'e>(&self, event: &'e Event<'_>) -> Value<'e> {
        let text = |text: &'e Option<Cow<'_, str>>| Value::optional_text(text.as_deref());
        match self {
            Self::Intent => text(&event.intent),
            Self::Type => text(&event.kind),
            Self::Text => text(&event.text),
            Self::Language => text(&event.language),
            Self::Session => text(&event.session),
            Self::Page => text(&event.page),
            Self::Flow => text(&event.flow),
            Self::Contact => event.whose().map_or(Value::Unset, Value::text),
            Self::Detail(detail) => event.detail(*detail),
            Self::Confidence => event.confidence.map_or(Value::Unset, |sure| Value::Number(Number::from_f64(sure))),
            Self::Params(keys) => walk(event.params, keys),
            Self::Payload(keys) => walk(event.payload, keys),
            Self::Body(keys) => walk(event.body, keys),
            Self::Query(name) => Value::optional_text(event.query.get(name)),
            Self::Header(name) => Value::optional_text(event.headers.get(name)),
        }
    }

    /// Whether such a value can stand there.
    pub fn takes(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Params(_) | Self::Payload(_) | Self::Body(_) => !matches!(value, Value::Map(_)),
            // How sure somebody can be.
            Self::Confidence => match value {
                Value::Unset => true,
                Value::Number(number) => (0.0..=1.0).contains(&number.to_f64()),
                _ => false,
            },
            Self::Detail(detail) => match (detail.type_of(), value) {
                (DetailType::Flag, Value::Bool(_))
                | (DetailType::Text, Value::Unset | Value::Text(_))
                | (DetailType::Number(..), Value::Unset) => true,
                (DetailType::Number(least, most), Value::Number(number)) => {
                    (f64::from(least)..=f64::from(most)).contains(&number.to_f64())
                }
                _ => false,
            },
            // A test can say whom a source finds, and not that it finds nobody.
            Self::Contact => matches!(value, Value::Text(_)),
            _ => matches!(value, Value::Unset | Value::Text(_)),
        }
    }
}

impl fmt::Display for Field {
    /// As a rule names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (root, keys): (_, &[String]) = match self {
            Self::Intent => ("intent", &[]),
            Self::Type => ("type", &[]),
            Self::Text => ("text", &[]),
            Self::Language => ("language", &[]),
            Self::Confidence => ("confidence", &[]),
            Self::Session => ("session", &[]),
            Self::Page => ("page", &[]),
            Self::Flow => ("flow", &[]),
            Self::Contact => ("contact", &[]),
            Self::Detail(detail) => (detail.name(), &[]),
            Self::Params(keys) => ("params", keys),
            Self::Payload(keys) => ("payload", keys),
            Self::Body(keys) => ("body", keys),
            Self::Query(name) => ("query", std::slice::from_ref(name)),
            Self::Header(name) => ("headers", std::slice::from_ref(name)),
        };
        f.write_str(root)?;
        for key in keys {
            let is_plain = key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if is_plain { write!(f, ".{key}")? } else { write!(f, "[{key:?}]")? }
        }
        Ok(())
    }
}

fn walk<'e>(start: Json<'e>, keys: &[String]) -> Value<'e> {
    let found = keys.iter().try_fold(start, |json, key| json.get(key));
    found.map_or(Value::Unset, Value::from_json)
}

/// Other values of fields.
pub type Other = (Field, Value<'static>);

/// The event with other values, and whom its source would find then, where that is one of them.
pub fn with<T>(event: &Event<'_>, others: &[Other], look: impl FnOnce(&Event<'_>, Option<&str>) -> T) -> T {
    let json = |start: Json<'_>, mine: fn(&Field) -> Option<&[String]>| {
        let mut made: Option<String> = None;
        for (keys, value) in others.iter().filter_map(|(field, value)| Some((mine(field)?, value))) {
            let before = made.take();
            let before = before.as_deref().and_then(|text| Json::parse(text.as_bytes()).ok()).unwrap_or(start);
            made = Some(put(before, keys, value));
        }
        made
    };
    let params = json(event.params, |field| if let Field::Params(keys) = field { Some(keys.as_slice()) } else { None });
    let payload =
        json(event.payload, |field| if let Field::Payload(keys) = field { Some(keys.as_slice()) } else { None });
    let body = json(event.body, |field| if let Field::Body(keys) = field { Some(keys.as_slice()) } else { None });
    let mut other = event.clone();
    let mut found = None;
    for (text, place) in [(&params, &mut other.params), (&payload, &mut other.payload), (&body, &mut other.body)] {
        if let Some(made) = text.as_deref().and_then(|text| Json::parse(text.as_bytes()).ok()) {
            *place = made;
        }
    }
    let mut said = Vec::new();
    for (field, value) in others {
        let text = match value {
            Value::Text(text) => Some(Cow::Borrowed(text.as_ref())),
            _ => None,
        };
        match field {
            Field::Intent => other.intent = text,
            Field::Type => other.kind = text,
            Field::Text => other.text = text,
            Field::Language => other.language = text,
            Field::Session => other.session = text,
            Field::Page => other.page = text,
            Field::Flow => other.flow = text,
            Field::Contact => found = text,
            Field::Detail(detail) => said.push((*detail, value.clone())),
            Field::Confidence => {
                other.confidence = if let Value::Number(number) = value { Some(number.to_f64()) } else { None };
            }
            Field::Query(name) | Field::Header(name) => {
                let fields = if matches!(field, Field::Query(_)) { &mut other.query } else { &mut other.headers };
                fields.0.retain(|(known, _)| known != name);
                fields.0.extend(text.map(|text| (Cow::Borrowed(name.as_str()), text)));
            }
            Field::Params(_) | Field::Payload(_) | Field::Body(_) => {}
        }
    }
    if !said.is_empty() {
        let others = Detail::ALL.into_iter().filter(|detail| said.iter().all(|(other, _)| other != detail));
        said.extend(others.map(|detail| (detail, event.detail(detail))).collect::<Vec<_>>());
        other.details = Details::Said(said);
    }
    look(&other, found.as_deref())
}

/// A mapping with another value at the end of a way; all else stays letter by letter.
fn put(json: Json<'_>, keys: &[String], value: &Value<'_>) -> String {
    let mut written = String::new();
    let Some((key, rest)) = keys.split_first() else {
        value.write_json(&mut written);
        return written;
    };
    let entries = json.entries();
    let mut lines: Vec<(&str, String)> = entries
        .iter()
        .map(|(name, item)| {
            (name.as_ref(), if *name == *key { put(*item, rest, value) } else { item.text().to_owned() })
        })
        .collect();
    if lines.iter().all(|(name, _)| name != key) {
        lines.push((key, put(Json::EMPTY_MAP, rest, value)));
    }
    let lines: Vec<_> = lines.iter().map(|(name, item)| format!("{}:{item}", serde_json::Value::from(*name))).collect();
    format!("{{{}}}", lines.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::SourceName;
    use crate::domain::time::Timestamp;

    #[test]
    fn other_values_are_put_in_place_and_all_else_stays() {
        let params = r#"{"id":12345678901234567890123456789012345678901234,"a":{"b":1,"c":[1.50]}}"#;
        let source = SourceName::parse("bot").expect("a name");
        let event =
            Event { params: Json::parse(params.as_bytes()).expect("JSON"), ..Event::empty(source, Timestamp(0)) };
        let keys = |keys: &[&str]| Field::Params(keys.iter().map(|key| (*key).to_owned()).collect());
        let others = [
            (keys(&["a", "b"]), Value::text("x\"y")),
            (keys(&["n", "m"]), Value::Bool(true)),
            (Field::Query("q".to_owned()), Value::text("1")),
            (Field::Contact, Value::text("7")),
        ];
        with(&event, &others, |event, found| {
            assert_eq!(
                event.params.text(),
                r#"{"id":12345678901234567890123456789012345678901234,"a":{"b":"x\"y","c":[1.50]},"n":{"m":true}}"#
            );
            assert_eq!((event.query.get("q"), found), (Some("1"), Some("7")));
            assert!(others.iter().take(3).all(|(field, value)| field.of(event).equals(value)));
        });
        assert_eq!(keys(&["a", "b-c"]).to_string(), "params.a[\"b-c\"]");
    }
}
