//! What the providers' answers have in common: ids that are numbers or texts, tags that are names or carry one.

use crate::domain::json::{Json, JsonKind};
use crate::domain::tag::TagName;
use crate::providers::outbound::Extent;

/// Reads the tags of an answer's contact, `None` where none are told; an error when the answer can't be the vendor's.
pub type ReadTags = fn(&[u8], &Extent) -> Result<Option<Vec<TagName>>, String>;

/// An id as text, so that no digit is lost.
pub fn id(id: Json<'_>) -> Option<String> {
    match id.kind() {
        JsonKind::Number => Some(id.text().to_owned()),
        JsonKind::Text => Some(id.as_text()?.into_owned()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The `tags` of a contact. All or nothing: one entry that can't be read would make its tag seem absent.
pub fn tags(contact: Json<'_>) -> Option<Vec<TagName>> {
    let tags = contact.get("tags").filter(|tags| tags.kind() == JsonKind::List)?;
    tags.items().into_iter().map(|tag| TagName::parse(&tag.get("name").unwrap_or(tag).as_text()?)).collect()
}

/// A text, a number or a truth value as text; `None` for anything else.
pub fn plain(value: Json<'_>) -> Option<String> {
    match value.kind() {
        JsonKind::Text => Some(value.as_text()?.into_owned()),
        JsonKind::Number | JsonKind::Bool => Some(value.text().to_owned()),
        _ => None,
    }
}
