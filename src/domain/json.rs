//! JSON that is read where it lies: checked once, then looked into without building a tree.
//!
//! An inbound body is mostly looked at in a few places (an intent, a contact id), so a tree of it would cost more than
//! everything else the intake does. Numbers stay text until somebody computes with them, so an id of any length keeps
//! all its digits.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::scan::{Parts, is_well_formed};
use super::walk::{AS_IT_IS, Walk};

/// How deep lists and mappings may nest in what we read.
pub const MAX_DEPTH: usize = 96;

/// Well-formed JSON text, nested at most [`MAX_DEPTH`] deep.
#[derive(Clone, Copy)]
pub struct Json<'a>(&'a str);

/// Why a text is not JSON that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct JsonError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// What is wrong there, without any of the text itself.
    pub message: String,
}

/// What kind of thing a JSON text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// A mapping.
    Map,
}

impl JsonKind {
    /// In words, for messages: `a text`, `a list`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

impl<'a> Json<'a> {
    /// JSON `null`.
    pub const NULL: Json<'static> = Json("null");
    /// An empty mapping.
    pub const EMPTY_MAP: Json<'static> = Json("{}");
    /// An empty list.
    pub const EMPTY_LIST: Json<'static> = Json("[]");

    /// Checks that `bytes` are one JSON value in UTF-8, nested at most [`MAX_DEPTH`] deep.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let text = check_text(bytes)?;
        if is_well_formed(bytes, MAX_DEPTH) {
            return Ok(Self(text.trim_ascii()));
        }
        check_depth(bytes)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let raw: &'a RawValue = Deserialize::deserialize(&mut deserializer).map_err(|e| JsonError::from_serde(&e))?;
        deserializer.end().map_err(|e| JsonError::from_serde(&e))?;
        Ok(Self(raw.get()))
    }

    /// Like [`Json::parse`], and reads a `T` out of the same text. Whatever `T` ignores is checked all the same.
    pub fn parse_as<T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, Self), JsonError> {
        let text = check_text(bytes)?;
        if is_well_formed(bytes, MAX_DEPTH) {
            let json = Self(text.trim_ascii());
            if let Ok(typed) = T::deserialize(Walk(json.0)) {
                return Ok((typed, json));
            }
        }
        // What is wrong and where, serde_json tells.
        check_depth(bytes)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let typed = T::deserialize(&mut deserializer).map_err(|e| JsonError::from_serde(&e))?;
        deserializer.end().map_err(|e| JsonError::from_serde(&e))?;
        Ok((typed, Self(text.trim_ascii())))
    }

    /// A part of JSON text that has been checked as a whole already.
    fn from_raw(raw: &'a RawValue) -> Self {
        Self(raw.get().trim())
    }

    /// The text itself.
    pub fn text(self) -> &'a str {
        self.0
    }

    /// Whether it is a part of `whole`, in the same place of memory and not only alike.
    pub fn lies_in(self, whole: Json<'_>) -> bool {
        let (whole, part) = (whole.0.as_bytes().as_ptr_range(), self.0.as_bytes().as_ptr_range());
        whole.start <= part.start && part.end <= whole.end
    }

    /// What kind of thing this is.
    pub fn kind(self) -> JsonKind {
        match self.0.as_bytes().first() {
            Some(b'{') => JsonKind::Map,
            Some(b'[') => JsonKind::List,
            Some(b'"') => JsonKind::Text,
            Some(b't' | b'f') => JsonKind::Bool,
            Some(b'n') | None => JsonKind::Null,
            Some(_) => JsonKind::Number,
        }
    }

    /// The text of a JSON text; `None` for anything else.
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        if self.kind() != JsonKind::Text {
            return None;
        }
        let plain = Walk(self.0).plain_text().map(Cow::Borrowed);
        plain.or_else(|| serde_json::from_str::<JsonText<'a>>(self.0).map(|text| text.0).ok())
    }

    /// The value under `key` of a mapping (the last, where a key stands twice). A mapping with a key that is no text (half of a
    /// surrogate pair in it) has nothing to be found in.
    pub fn get(self, key: &str) -> Option<Json<'a>> {
        let mut found = None;
        for (name, value) in self.members() {
            if name? == key {
                found = Some(value);
            }
        }
        found
    }

    /// The values under several keys of a mapping, in one walk over it.
    pub fn pick<const N: usize>(self, keys: [&str; N]) -> [Option<Json<'a>>; N] {
        let mut found = [None; N];
        for (name, value) in self.members() {
            let Some(name) = name else { return [None; N] };
            if let Some(found) = keys.iter().position(|key| *key == name).and_then(|place| found.get_mut(place)) {
                *found = Some(value);
            }
        }
        found
    }

    /// The entries of a mapping, in order; none for anything else.
    pub fn entries(self) -> Vec<(Cow<'a, str>, Json<'a>)> {
        self.members().map(|(name, value)| Some((name?, value))).collect::<Option<_>>().unwrap_or_default()
    }

    /// The items of a list, in order; none for anything else.
    pub fn items(self) -> Vec<Json<'a>> {
        if self.kind() != JsonKind::List {
            return Vec::new();
        }
        Parts::of(self.0).map(|(_, item)| Json(item)).collect()
    }

    /// The entries of a mapping; of a key that is no text, nothing.
    fn members(self) -> impl Iterator<Item = (Option<Cow<'a, str>>, Json<'a>)> {
        let text = if self.kind() == JsonKind::Map { self.0 } else { "" };
        Parts::of(text).map(|(name, value)| (Json(name).as_text(), Json(value)))
    }
}

impl fmt::Debug for Json<'_> {
    /// Bodies hold people's words: only the kind is shown, so that no log line can leak one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({:?}, {} bytes)", self.kind(), self.0.len())
    }
}

impl JsonError {
    /// Keeps the place, and serde's words where they can't quote the text: what it says of syntax never does, what it
    /// says of a wrong type may (`invalid type: string "..."`).
    pub fn from_serde(error: &serde_json::Error) -> Self {
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or("not JSON");
        let quotes = error.is_data() && !words.starts_with("duplicate field") && !words.starts_with("missing field");
        let message = match words.strip_prefix("EOF while parsing ") {
            _ if quotes => "this value has another type than expected".to_owned(),
            Some(what) => format!("the text ends within {what}"),
            None => words.to_owned(),
        };
        Self { line: error.line().max(1), column: error.column().max(1), message }
    }
}

/// UTF-8.
fn check_text(bytes: &[u8]) -> Result<&str, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let (line, column) = place(bytes, e.valid_up_to());
        JsonError { line, column, message: "this byte is not UTF-8".to_owned() }
    })?;
    Ok(text)
}

/// Line and column (from 1) of the byte at `offset`.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |i| i + 1);
    (memchr::memchr_iter(b'\n', before).count() + 1, offset - line_start + 1)
}

/// `serde_json` skips values without recursion, so nothing there stops a body of 200,000 brackets; recursion over it later would
/// overflow the stack. Asked where a text isn't surely well-formed: it may be nested too deep, or else `serde_json` says what is wrong.
fn check_depth(bytes: &[u8]) -> Result<(), JsonError> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (offset, byte) in bytes.iter().enumerate() {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > MAX_DEPTH {
                    let (line, column) = place(bytes, offset);
                    let message = format!("nested more than {MAX_DEPTH} deep");
                    return Err(JsonError { line, column, message });
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// JSON text that owns its bytes: numbers keep all their digits, mappings their order.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnedJson(Arc<str>);

impl OwnedJson {
    /// Keeps a copy of checked JSON.
    pub fn of(json: Json<'_>) -> Self {
        Self(Arc::from(json.text()))
    }

    /// Looks into it.
    pub fn json(&self) -> Json<'_> {
        Json(&self.0)
    }

    /// The same for whatever means the same: keys in order, whole doubles as integers, every digit kept.
    pub fn canonical(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        canonical(self.json(), &mut text);
        text
    }

    /// As a tree, for comparing; numbers beyond a double's digits are rounded there.
    pub fn to_value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }
}

fn canonical(json: Json<'_>, to: &mut String) {
    match json.kind() {
        JsonKind::Number => to.push_str(&super::value::Number::parse(json.text()).to_string()),
        JsonKind::Text => {
            to.push_str(&serde_json::Value::from(json.as_text().unwrap_or_default().as_ref()).to_string());
        }
        JsonKind::List => {
            to.push('[');
            for (index, item) in json.items().into_iter().enumerate() {
                to.push_str(if index == 0 { "" } else { "," });
                canonical(item, to);
            }
            to.push(']');
        }
        JsonKind::Map => {
            // The last of two equal keys counts, as everywhere.
            let entries: std::collections::BTreeMap<_, _> = json.entries().into_iter().collect();
            to.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                to.push_str(if index == 0 { "" } else { "," });
                to.push_str(&serde_json::Value::from(key.as_ref()).to_string());
                to.push(':');
                canonical(value, to);
            }
            to.push('}');
        }
        JsonKind::Null | JsonKind::Bool => to.push_str(json.text()),
    }
}

impl fmt::Debug for OwnedJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json().fmt(f)
    }
}

impl Serialize for OwnedJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OwnedJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Arc::from(raw.get())))
    }
}

/// A text that is borrowed when it holds no escapes; for fields of typed bodies (serde copies an `Option<Cow<str>>`).
#[derive(Debug, Clone)]
pub struct JsonText<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = JsonText<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(JsonText(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(JsonText(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Json<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Json(text))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                <&RawValue>::deserialize(deserializer).map(Json::from_raw)
            }
        }
        deserializer.deserialize_newtype_struct(AS_IT_IS, TextVisitor)
    }
}

/// A `T` that was a mapping: serde's derived structs read a list too, field by field, which no vendor means.
#[derive(Debug, Clone)]
pub struct OnlyMap<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OnlyMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = OnlyMap<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OnlyMap)
            }
        }
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_without_a_tree() {
        let json = Json::parse(br#" {"a": {"b\u0041": [1, "x\n", 123456789012345678901234567890]}, "a2": null} "#)
            .expect("JSON");
        let list = json.get("a").and_then(|a| a.get("bA")).expect("a path").items();
        assert_eq!(list[0].text(), "1");
        assert_eq!(list[1].as_text().as_deref(), Some("x\n"));
        assert_eq!(list[2].text(), "123456789012345678901234567890");
        assert_eq!(json.get("a2").map(Json::kind), Some(JsonKind::Null));
        assert!(json.get("b").is_none());
        let picked = json.pick(["a2", "b", "a"]).map(|found| found.map(Json::kind));
        assert_eq!(picked, [Some(JsonKind::Null), None, Some(JsonKind::Map)]);
    }

    #[test]
    fn a_mapping_with_a_key_that_is_no_text_has_nothing_to_be_found_in() {
        let json = Json::parse(br#"{"plan": "pro", "\ud800": 1, "a": [{"\u0070lan": 2}]}"#).expect("JSON");
        assert!(json.get("plan").is_none() && json.entries().is_empty());
        assert_eq!(json.pick(["plan", "a"]).map(|found| found.is_some()), [false, false]);
        let plain = Json::parse(br#"{"\u0070lan": 2, "": 0, "plan": 3}"#).expect("JSON");
        assert_eq!(plain.get("plan").map(Json::text), Some("3"));
        assert_eq!(plain.pick(["", "plan"]).map(|found| found.map(Json::text)), [Some("0"), Some("3")]);
        assert_eq!(plain.entries().iter().map(|(key, _)| key.as_ref()).collect::<Vec<_>>(), ["plan", "", "plan"]);
    }

    #[test]
    fn faults_have_their_place_and_quote_nothing() {
        let error = Json::parse(b"{\n  \"secret\": oops\n}").expect_err("not JSON");
        assert_eq!((error.line, error.message.contains("oops")), (2, false));
        let error = Json::parse(b"{\"a\":\n \"\xff\"}").expect_err("not UTF-8");
        assert_eq!((error.line, error.column), (2, 3));
        assert!(Json::parse(b"{} {}").is_err());
        assert!(Json::parse(b"").is_err());
    }

    #[test]
    fn a_typed_walk_sees_the_same_text_and_quotes_nothing_either() {
        let (name, json) = Json::parse_as::<JsonText<'_>>(b" \"ana\" \n").expect("a text");
        assert_eq!((name.0.as_ref(), json.text()), ("ana", "\"ana\""));
        assert!(matches!(name.0, Cow::Borrowed(_)));
        for bad in [&b"{\"a\": 4242}"[..], b"4242", b"\"a\" 4242", b"[4242]"] {
            let error = Json::parse_as::<JsonText<'_>>(bad).expect_err("not a text");
            assert!(!error.message.contains("4242"), "{error}");
        }
        assert!(Json::parse_as::<bool>(b"\"secret\"").is_err_and(|e| !e.message.contains("secret")));
    }

    #[test]
    fn depth_is_bounded_before_anything_recurses() {
        let deep = "[".repeat(200_000);
        assert!(Json::parse(deep.as_bytes()).expect_err("deep").message.contains("nested"));
        let wide = format!("[{}1]", "[],".repeat(5_000));
        assert!(Json::parse(wide.as_bytes()).is_ok());
        let quoted = format!("[\"{}\\\"{}\"]", "[".repeat(500), "{".repeat(500));
        assert!(Json::parse(quoted.as_bytes()).is_ok());
    }
}
