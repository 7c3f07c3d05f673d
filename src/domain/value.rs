//! What an expression computes with.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::json::{Json, JsonKind};

/// A value as rules see it. An absent parameter, `null` and `""` are all [`Value::Unset`].
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Nothing was given.
    Unset,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// A text that isn't empty.
    Text(Cow<'a, str>),
    /// A list; its items may be unset.
    List(Vec<Value<'a>>),
    /// A mapping, looked into on demand.
    Map(Json<'a>),
}

impl<'a> Value<'a> {
    /// Reads JSON: texts are borrowed where they hold no escape, mappings are left as they lie.
    pub fn from_json(json: Json<'a>) -> Self {
        match json.kind() {
            JsonKind::Null => Self::Unset,
            JsonKind::Bool => Self::Bool(json.text() == "true"),
            JsonKind::Number => Self::Number(Number::parse(json.text())),
            JsonKind::Text => json.as_text().map_or(Self::Unset, Self::text),
            JsonKind::List => Self::List(json.items().into_iter().map(Self::from_json).collect()),
            JsonKind::Map => Self::Map(json),
        }
    }

    /// A text; the empty one is unset.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Unset } else { Self::Text(text) }
    }

    /// An optional text; absent and empty are unset.
    pub fn optional_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Unset, Self::text)
    }

    /// Whether nothing was given.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }

    /// The kind in a rule author's words, for messages: `a number`, `a text`, ...
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// Equality as rules have it: exact for texts, by number for numbers, item by item for lists; unlike kinds differ.
    pub fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Number(a), Value::Number(b)) => a.compare(b) == Some(Ordering::Equal),
            (Self::Text(a), Value::Text(b)) => a == b,
            (Self::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Map(a), Value::Map(b)) => a.text() == b.text(),
            (Self::Unset, Value::Unset) => true,
            _ => false,
        }
    }

    /// As JSON text, at the end of `to`: numbers keep their digits, mappings their order.
    pub fn write_json(&self, to: &mut String) {
        match self {
            Self::Number(number @ Number::Float(_)) if !number.to_f64().is_finite() => to.push_str("null"),
            Self::Number(number) => to.push_str(&number.to_string()),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    to.push(if index == 0 { '[' } else { ',' });
                    item.write_json(to);
                }
                to.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Self::Map(json) => to.push_str(json.text()),
            Self::Unset | Self::Bool(_) | Self::Text(_) => to.push_str(&self.to_json().to_string()),
        }
    }

    /// The same value, owning its texts where that is possible without copying a mapping.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Unset => serde_json::Value::Null,
            Self::Bool(b) => serde_json::Value::Bool(*b),
            Self::Number(n) => serde_json::from_str(&n.to_string()).unwrap_or(serde_json::Value::Null),
            Self::Text(t) => serde_json::Value::String(t.to_string()),
            Self::List(items) => serde_json::Value::Array(items.iter().map(Value::to_json).collect()),
            Self::Map(json) => serde_json::from_str(json.text()).unwrap_or(serde_json::Value::Null),
        }
    }
}

/// A number that keeps what was written: whole ones exactly up to 38 digits, longer ones as their digits.
#[derive(Debug, Clone)]
pub enum Number<'a> {
    /// A whole number; whole doubles (`3.0`) are these too.
    Int(i128),
    /// A fraction, or a double too large to be exact.
    Float(f64),
    /// A whole number of more than 38 digits.
    Digits(Cow<'a, str>),
}

/// Up to here every whole double is exact, so `3.0` may become `3` without inventing digits.
const EXACT_DOUBLE: f64 = 9_007_199_254_740_992.0;

impl<'a> Number<'a> {
    /// Reads a JSON number.
    pub fn parse(text: &'a str) -> Self {
        if let Ok(whole) = text.parse::<i128>() {
            return Self::Int(whole);
        }
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Self::Digits(Cow::Borrowed(text));
        }
        Self::from_f64(text.parse().unwrap_or(f64::NAN))
    }

    /// The same number with digits of its own.
    pub fn into_owned(self) -> Number<'static> {
        match self {
            Self::Int(whole) => Number::Int(whole),
            Self::Float(double) => Number::Float(double),
            Self::Digits(digits) => Number::Digits(digits.into_owned().into()),
        }
    }

    /// A double; a whole one becomes an integer.
    pub fn from_f64(double: f64) -> Self {
        if double.fract() == 0.0 && double.abs() <= EXACT_DOUBLE {
            Self::Int(double as i128)
        } else {
            Self::Float(double)
        }
    }

    /// The nearest double, for arithmetic with fractions.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Int(whole) => *whole as f64,
            Self::Float(double) => *double,
            Self::Digits(digits) => digits.parse().unwrap_or(f64::INFINITY),
        }
    }

    /// Orders by value; `None` when one of them is not a number at all.
    pub fn compare(&self, other: &Number<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Number::Int(b)) => Some(a.cmp(b)),
            (Self::Digits(a), Number::Digits(b)) => {
                let (a_negative, b_negative) = (a.starts_with('-'), b.starts_with('-'));
                let by_size = a.len().cmp(&b.len()).then_with(|| a.as_ref().cmp(b.as_ref()));
                Some(match (a_negative, b_negative) {
                    (false, false) => by_size,
                    (true, true) => by_size.reverse(),
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                })
            }
            (Self::Int(whole), Number::Float(double)) => int_and_double(*whole, *double),
            (Self::Float(double), Number::Int(whole)) => int_and_double(*whole, *double).map(Ordering::reverse),
            // So many digits are more than every other whole number has.
            (Self::Int(_), Number::Digits(digits)) => {
                Some(if digits.starts_with('-') { Ordering::Greater } else { Ordering::Less })
            }
            (Self::Digits(_), Number::Int(_)) => other.compare(self).map(Ordering::reverse),
            _ => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }
}

/// Exactly, whatever the double could not say of the whole number.
fn int_and_double(whole: i128, double: f64) -> Option<Ordering> {
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if double.is_nan() {
        return None;
    }
    if double >= BEYOND {
        return Some(Ordering::Less);
    }
    if double < -BEYOND {
        return Some(Ordering::Greater);
    }
    Some(whole.cmp(&(double.trunc() as i128)).then_with(|| 0.0_f64.total_cmp(&(double.fract() + 0.0))))
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(whole) => write!(f, "{whole}"),
            Self::Float(double) => write!(f, "{double}"),
            Self::Digits(digits) => f.write_str(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value<'_> {
        Value::from_json(Json::parse(text.as_bytes()).expect("JSON"))
    }

    #[test]
    fn absent_null_and_empty_text_are_unset() {
        assert!(read("null").is_unset());
        assert!(read("\"\"").is_unset());
        assert!(!read("\" \"").is_unset());
        assert!(!read("0").is_unset());
    }

    #[test]
    fn whole_doubles_are_integers_and_ids_keep_their_digits() {
        for (text, printed) in [
            ("3.0", "3"),
            ("1e3", "1000"),
            ("0.5", "0.5"),
            ("-0.0", "0"),
            ("12345678901234567890123456789", "12345678901234567890123456789"),
            ("1234567890123456789012345678901234567890123", "1234567890123456789012345678901234567890123"),
        ] {
            let Value::Number(number) = read(text) else { panic!("{text} is a number") };
            assert_eq!(number.to_string(), printed);
        }
    }

    #[test]
    fn numbers_of_unlike_forms_are_compared_to_the_last_digit() {
        let order = |a: &str, b: &str| match (read(a), read(b)) {
            (Value::Number(a), Value::Number(b)) => (a.compare(&b), b.compare(&a).map(Ordering::reverse)),
            _ => panic!("{a} and {b} are numbers"),
        };
        for (a, b, expected) in [
            ("170141183460469231731687303715884105727", "170141183460469231731687303715884105728", Ordering::Less),
            ("-170141183460469231731687303715884105728", "-170141183460469231731687303715884105729", Ordering::Greater),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("100000000000000001", "1e17", Ordering::Greater),
            ("100000000000000000", "1e17", Ordering::Equal),
            ("3", "3.5", Ordering::Less),
            ("-3", "-3.5", Ordering::Greater),
            ("1", "1e300", Ordering::Less),
            ("1", "-1e300", Ordering::Greater),
        ] {
            assert_eq!(order(a, b), (Some(expected), Some(expected)), "{a} {b}");
        }
    }

    #[test]
    fn equality_is_exact_within_a_kind_and_false_between_kinds() {
        assert!(read("1.0").equals(&read("1")));
        assert!(!read("1").equals(&read("\"1\"")));
        assert!(!read("\"a\"").equals(&read("\"A\"")));
        assert!(read("[1, \"a\"]").equals(&read("[1.0, \"a\"]")));
    }
}
