//! Reads what API v2 says: a contact at the top level, `{"contactId":1}` of a change. `{"code":400,"message":..}` is no success under
//! any status.

use super::Extent;
use crate::domain::json::{Json, JsonKind};
use crate::domain::tag::TagName;
use crate::providers::reading;

/// A change was made; the answer lists no tags.
pub fn read_done(body: &[u8], extent: &Extent) -> Result<Option<Vec<TagName>>, String> {
    if *extent != Extent::Capped && body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    answer(body, extent).map(|_| None)
}

/// The contact's tags; `None` where none are told.
pub fn read_tags(body: &[u8], extent: &Extent) -> Result<Option<Vec<TagName>>, String> {
    answer(body, extent).map(reading::tags)
}

/// The contact's id, of the contact itself or of a change.
pub fn read_id(body: &[u8], extent: &Extent) -> Result<String, String> {
    let answer = answer(body, extent)?;
    let id = answer.get("id").or_else(|| answer.get("contactId")).and_then(reading::id);
    // The vendor's examples have 0 where an id would stand.
    id.filter(|id| id != "0").ok_or_else(|| "the answer names no contact".to_owned())
}

fn answer<'b>(body: &'b [u8], extent: &Extent) -> Result<Json<'b>, String> {
    const NOT_OURS: &str = "the answer isn't respond.io's: is base_url right?";
    if *extent == Extent::Capped {
        return Err("the answer is too long to be read".to_owned());
    }
    let answer = Json::parse(body).map_err(|_| NOT_OURS.to_owned())?;
    if answer.kind() != JsonKind::Map {
        return Err(NOT_OURS.to_owned());
    }
    let code = answer.get("code").and_then(|code| code.text().parse::<u16>().ok());
    if code.is_some_and(|code| code >= 400) {
        return Err("the answer holds an error's code under a status of success".to_owned());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Extent = Extent::Whole;

    #[test]
    fn contacts_and_changes_are_read() {
        let contact = br#"{"id":12345678901234567890,"firstName":"Ana","tags":["vip","Lead"],"custom_fields":[]}"#;
        let tags = read_tags(contact, &WHOLE).expect("a contact").expect("tags");
        assert_eq!(tags.iter().map(TagName::as_str).collect::<Vec<_>>(), ["vip", "Lead"]);
        assert_eq!(read_id(contact, &WHOLE).as_deref(), Ok("12345678901234567890"));
        assert_eq!(read_id(br#"{"contactId":7}"#, &WHOLE).as_deref(), Ok("7"));
        assert_eq!((read_done(br#"{"contactId":0}"#, &WHOLE), read_done(b" ", &WHOLE)), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_is_not_the_vendors_answer_is_not_believed() {
        for body in ["<html>", "[]", "null", "{", r#"{"code":400,"message":"Validation error."}"#] {
            assert!(read_done(body.as_bytes(), &WHOLE).is_err(), "{body}");
            assert!(read_id(body.as_bytes(), &WHOLE).is_err(), "{body}");
        }
        assert!(read_id(br#"{"contactId":0}"#, &WHOLE).is_err());
        assert!(read_done(b"{}", &Extent::Capped).is_err());
    }
}
