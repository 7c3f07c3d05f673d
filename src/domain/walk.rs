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
