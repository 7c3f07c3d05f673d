//! What both versions of Dialogflow share: bodies whose fields have known types, and answers of a bounded size.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::json::{Json, JsonError, JsonKind, JsonText};

use super::fault::{ReadError, ReplyTooLarge};

/// A field that a kind reads, as a path, and what it must be.
pub type Field = (&'static [&'static str], JsonKind);

/// Protobuf doesn't tell an empty text from an absent one, so neither do we.
pub fn given(text: Option<JsonText<'_>>) -> Option<Cow<'_, str>> {
    text.map(|JsonText(text)| text).filter(|text| !text.is_empty())
}

/// Finds out what is wrong with a body that didn't read. This is the slow road, and bodies rarely take it.
///
/// In `fields` a parent stands before its children; `look` finds a key in a mapping, in each spelling that the kind reads.
pub fn explain(
    body: &[u8],
    fault: JsonError,
    fields: &[Field],
    look: for<'a> fn(Json<'a>, &str) -> Option<Json<'a>>,
) -> ReadError {
    if body.trim_ascii().is_empty() {
        return ReadError::whole("the body is empty");
    }
    // Where it isn't JSON at all, the place is all there is to say.
    let Ok(json) = Json::parse(body) else { return fault.into() };
    if json.kind() != JsonKind::Map {
        return ReadError::whole(&format!("expected a mapping, found {}", json.kind().name()));
    }
    let wrong = fields.iter().find_map(|(path, expected)| {
        let found = path.iter().try_fold(json, |json, key| look(json, key))?;
        let fits = found.kind() == *expected || found.kind() == JsonKind::Null;
        (!fits).then(|| wrong_type(&path.join("."), *expected, found))
    });
    wrong.unwrap_or_else(|| fault.into())
}

/// A field that is something else than it must be.
pub fn wrong_type(field: &str, expected: JsonKind, found: Json<'_>) -> ReadError {
    ReadError::field(field, &format!("expected {}, found {}", expected.name(), found.kind().name()))
}

/// The most that Dialogflow takes of an answer.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// An answer's bytes, if they aren't too many.
pub fn written(response: &impl Serialize) -> Result<Vec<u8>, ReplyTooLarge> {
    let bytes = serde_json::to_vec(response).expect("texts, mappings and numbers are always JSON");
    if bytes.len() > MAX_REPLY_BYTES {
        return Err(ReplyTooLarge { bytes: bytes.len(), limit: MAX_REPLY_BYTES });
    }
    Ok(bytes)
}
