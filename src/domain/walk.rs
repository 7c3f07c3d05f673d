//! Types read out of JSON text that is known to be well-formed: what a type ignores is skipped, not checked again.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use super::scan::Parts;

/// What a type asks for that keeps a part of the text as it is.
pub const AS_IT_IS: &str = "tagrelay: JSON text as it is";

/// One value's text, without whitespace around it. An error says only that it doesn't fit: where and why, `serde_json` tells.
pub struct Walk<'de>(pub &'de str);

impl<'de> Walk<'de> {
    /// The inside of a text without escapes.
    pub fn plain_text(self) -> Option<&'de str> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        (memchr::memchr(b'\\', inside.as_bytes()).is_none()).then_some(inside)
    }
}

impl<'de> Deserializer<'de> for Walk<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.as_bytes().first() {
            Some(b'{') => visitor.visit_map(Inside { parts: Parts::of(self.0), value: None }),
            Some(b'[') => visitor.visit_seq(Inside { parts: Parts::of(self.0), value: None }),
            Some(b'"') => match Self(self.0).plain_text() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => serde_json::Deserializer::from_str(self.0).deserialize_any(visitor),
            },
            _ => serde_json::Deserializer::from_str(self.0).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0 == "null" { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == AS_IT_IS { visitor.visit_borrowed_str(self.0) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    /// As `serde_json` reads a floating-point number, to the last digit.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str(self.0).deserialize_f64(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct enum identifier
    }
}

/// A mapping or a list on its way.
struct Inside<'de> {
    parts: Parts<'de>,
    value: Option<&'de str>,
}

impl<'de> MapAccess<'de> for Inside<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.parts.next() else { return Ok(None) };
        self.value = Some(value);
        match Walk(key).plain_text() {
            Some(key) => seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some),
            None => seed.deserialize(&mut serde_json::Deserializer::from_str(key)).map(Some),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Walk(self.value.take().unwrap_or_default()))
    }
}

impl<'de> SeqAccess<'de> for Inside<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.parts.next().map(|(_, item)| seed.deserialize(Walk(item))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::IgnoredAny;

    use super::*;
    use crate::domain::json::{Json, JsonText, OnlyMap};
    use crate::domain::scan::is_well_formed;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "they are compared as they are shown")]
    struct Outer<'a> {
        #[serde(borrow)]
        name: Option<JsonText<'a>>,
        #[serde(borrow, alias = "in_side")]
        inside: Option<OnlyMap<Inner<'a>>>,
        #[serde(borrow)]
        kept: Option<Json<'a>>,
        gone: Option<IgnoredAny>,
        numbers: Option<Vec<i64>>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "they are compared as they are shown")]
    struct Inner<'a> {
        #[serde(borrow)]
        text: JsonText<'a>,
        share: Option<f64>,
        yes: Option<bool>,
    }

    /// What is read, the text of what was kept included.
    fn shown(outer: &Outer<'_>) -> String {
        format!("{outer:?} {:?}", outer.kept.map(Json::text))
    }

    fn reads_alike(text: &str) {
        let theirs = serde_json::from_str::<OnlyMap<Outer<'_>>>(text).ok().map(|OnlyMap(outer)| shown(&outer));
        let well_formed = is_well_formed(text.as_bytes(), 96);
        assert!(well_formed || theirs.is_none(), "{text}");
        let ours = OnlyMap::<Outer<'_>>::deserialize(Walk(text.trim_ascii())).ok().map(|OnlyMap(outer)| shown(&outer));
        assert_eq!(ours.filter(|_| well_formed), theirs, "{text}");
    }

    const BODY: &str = r#" {"name": "An\u00e1 \"x\"", "kept": {"a" : [1, "]"]}, "in_side": {"text": "t", "share": 0.8700000047683716, "yes": true},
        "more": [{"name": 1}], "gone": [1.5e3], "n\u0061me2": null, "numbers": [1, -22, 333]} "#;

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        for text in [
            BODY,
            "{}",
            "[]",
            "null",
            "{\"name\": null, \"inside\": null, \"kept\": null, \"gone\": null}",
            "{\"name\": 1}",
            "{\"name\": \"a\", \"name\": \"b\"}",
            "{\"inside\": {\"text\": \"a\"}, \"in_side\": {\"text\": \"b\"}}",
            "{\"inside\": {}}",
            "{\"inside\": [\"a\", 1, true]}",
            "{\"inside\": {\"text\": \"\\ud800\"}}",
            "{\"numbers\": [1.5]}",
            "{\"kept\": \"x\"}",
            "{\"kept\": [ ]}",
            "{\"n\\u0061me\": \"a\"}",
            "{\"\\ud800\": 1}",
        ] {
            reads_alike(text);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_a_body_is_read_as_serde_json_reads_it(
            changes in prop::collection::vec((0..BODY.len(), "[ -~ñ\n]"), 1..4)
        ) {
            let mut text = BODY.to_owned();
            for (at, with) in changes {
                let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
                let end = (at + 1..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(at);
                text.replace_range(at..end, &with);
            }
            reads_alike(&text);
        }
    }
}
