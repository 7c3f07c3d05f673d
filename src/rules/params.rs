//! Parameters: looked up, and made what their source says they mean.

use std::collections::BTreeMap;

use super::expr::ExprFault;
use crate::domain::event::Event;
use crate::domain::time::Timestamp;
use crate::domain::value::{Number, Value};

/// What a parameter that arrives as text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// `"27"` is 27.
    Number,
    /// `"a, b"` is a list of two.
    List,
    /// A time or a day, as RFC 3339 in UTC, so that earlier ones come first.
    Date,
    /// `"true"` and `"yes"` are true.
    Boolean,
    /// A number stays the text that it was written as.
    Text,
}

impl ParamType {
    /// Each with its name in rule files.
    pub const ALL: [(&'static str, ParamType); 5] = [
        ("number", Self::Number),
        ("list", Self::List),
        ("date", Self::Date),
        ("boolean", Self::Boolean),
        ("text", Self::Text),
    ];

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, declared)| declared)
    }

    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, declared)| *declared == self).map_or("", |(name, _)| name)
    }
}

/// What a source says of its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParamTypes(BTreeMap<String, ParamType>);

impl ParamTypes {
    /// From names and types.
    pub fn new(types: impl IntoIterator<Item = (String, ParamType)>) -> Self {
        Self(types.into_iter().collect())
    }

    /// The parameters that it says something of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The type of a parameter, if the source says one.
    pub fn get(&self, name: &str) -> Option<ParamType> {
        self.0.get(name).copied()
    }
}

/// The items that a split makes at most: memory stays bounded whatever comes.
pub const MOST_ITEMS: usize = 1_000;

/// The parameter of this name, as its source means it; what isn't there is unset.
pub fn param<'e>(event: &Event<'e>, name: &str, types: &ParamTypes) -> Result<Value<'e>, ExprFault> {
    let value = event.params.get(name).map_or(Value::Unset, Value::from_json);
    match types.get(name) {
        None => Ok(value),
        Some(declared) => convert(value, declared).map_err(|why| ExprFault::new(format!("`{name}` {why}"))),
    }
}

/// Whether a parameter of this type can be equal to a value as a rule writes it. What isn't of the type is compared as it came,
/// so only a value that the type would turn into another one never is.
pub fn can_equal(written: &Value<'_>, declared: ParamType) -> bool {
    convert(written.clone(), declared).map_or(true, |meant| meant.equals(written))
}

fn convert(value: Value<'_>, declared: ParamType) -> Result<Value<'_>, &'static str> {
    match (declared, value) {
        (_, Value::Unset) => Ok(Value::Unset),
        (ParamType::Number, Value::Text(text)) => number(text.trim()).ok_or("should be a number, and isn't one"),
        (ParamType::Number, number @ Value::Number(_)) => Ok(number),
        (ParamType::List, list @ Value::List(_)) => Ok(list),
        (ParamType::List, Value::Text(text)) => {
            split(&text, ",").map(Value::List).ok_or("should be a list, and has too many items")
        }
        (ParamType::List, single @ (Value::Number(_) | Value::Bool(_))) => Ok(Value::List(vec![single])),
        (ParamType::Boolean, truth @ Value::Bool(_)) => Ok(truth),
        (ParamType::Boolean, Value::Text(text)) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err("should be true or false, and is neither"),
        },
        (ParamType::Date, Value::Text(text)) => {
            time(text.trim()).map(|time| Value::text(time.to_string())).ok_or("should be a date, and isn't one")
        }
        (ParamType::Date, Value::Number(number)) => {
            epoch(&number).map(|time| Value::text(time.to_string())).ok_or("should be a date, and isn't one")
        }
        (ParamType::Text, text @ Value::Text(_)) => Ok(text),
        (ParamType::Text, Value::Number(number)) => Ok(Value::text(number.to_string())),
        (ParamType::Text, Value::Bool(truth)) => Ok(Value::text(truth.to_string())),
        _ => Err("is of another kind than its source says"),
    }
}

/// A number as JSON or people write it: `27`, `-3.50`, `1e3`.
fn number(text: &str) -> Option<Value<'static>> {
    let checked: Box<serde_json::value::RawValue> = serde_json::from_str(text).ok()?;
    let is_number = checked.get().starts_with(|c: char| c == '-' || c.is_ascii_digit());
    is_number.then(|| Value::Number(Number::parse(checked.get()).into_owned()))
}

/// A text cut at each `between`, without white space around the items; `None` for too many.
pub fn split(text: &str, between: &str) -> Option<Vec<Value<'static>>> {
    let items: Vec<_> =
        text.split(between).take(MOST_ITEMS + 1).map(|item| Value::text(item.trim().to_owned())).collect();
    (items.len() <= MOST_ITEMS).then_some(items)
}

/// A time with its zone, or a day, which begins in UTC.
pub fn time(text: &str) -> Option<Timestamp> {
    let day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|start| Timestamp(start.timestamp().as_millisecond()))
    };
    Timestamp::parse(text).or_else(day)
}

/// Seconds, or milliseconds where seconds would lie beyond the year 5138.
pub fn epoch(number: &Number<'_>) -> Option<Timestamp> {
    const MILLISECONDS_FROM: u128 = 100_000_000_000;
    let Number::Int(whole) = number else { return None };
    let millis = if whole.unsigned_abs() >= MILLISECONDS_FROM { *whole } else { whole * 1000 };
    i64::try_from(millis).ok().map(Timestamp).filter(|time| jiff::Timestamp::from_millisecond(time.millis()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &'static str, declared: ParamType) -> Result<String, &'static str> {
        convert(Value::text(text), declared).map(|value| value.to_json().to_string())
    }

    #[test]
    fn what_arrives_as_text_becomes_what_it_means() {
        assert_eq!(converted("27", ParamType::Number).as_deref(), Ok("27"));
        assert_eq!(converted(" 3.50 ", ParamType::Number).as_deref(), Ok("3.5"));
        assert_eq!(converted("a, b,,c", ParamType::List).as_deref(), Ok(r#"["a","b",null,"c"]"#));
        assert_eq!(converted("Yes", ParamType::Boolean).as_deref(), Ok("true"));
        assert_eq!(converted("2026-03-02", ParamType::Date).as_deref(), Ok(r#""2026-03-02T00:00:00.000Z""#));
        assert_eq!(
            converted("2026-03-02T10:00:00-05:00", ParamType::Date).as_deref(),
            Ok(r#""2026-03-02T15:00:00.000Z""#)
        );
        let unix = convert(Value::Number(Number::Int(1_767_268_800)), ParamType::Date).expect("a date");
        assert_eq!(unix.to_json(), "2026-01-01T12:00:00.000Z");
        assert!(convert(Value::text(""), ParamType::Number).expect("unset").is_unset());
    }

    #[test]
    fn what_can_not_mean_that_is_a_fault() {
        for (text, declared) in [
            ("many", ParamType::Number),
            ("[1]", ParamType::Number),
            ("NaN", ParamType::Number),
            ("perhaps", ParamType::Boolean),
            ("soon", ParamType::Date),
            ("99999999999999999999", ParamType::Date),
        ] {
            assert!(converted(text, declared).is_err(), "{text}");
        }
        let many: &'static str = Box::leak(",".repeat(MOST_ITEMS).into_boxed_str());
        assert!(converted(many, ParamType::List).is_err());
        assert_eq!(epoch(&Number::Int(i128::MAX)), None);
    }
}
