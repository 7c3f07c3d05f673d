//! Reads what the Contacts API v1 says: `{"data":..}` of a contact, `{"status":"success","message":..,"data":[]}` of a change of
//! tags, a page of a search. `{"status":"error",..}` is no success under any status.

use super::Extent;
use crate::domain::json::{Json, JsonKind};
use crate::domain::tag::TagName;
use crate::providers::reading;

/// A page of a search.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Each contact's id, and what the answer says of the field that was searched.
    pub contacts: Vec<(String, Option<String>)>,
    /// Whether there is a page after it.
    pub has_next: bool,
}

/// A change was made; the answer lists no tags.
pub fn read_done(body: &[u8], extent: &Extent) -> Result<Option<Vec<TagName>>, String> {
    if *extent != Extent::Capped && body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    envelope(body, extent).map(|_| None)
}

/// The tags of the one contact of an answer; `None` where none are told.
pub fn read_tags(body: &[u8], extent: &Extent) -> Result<Option<Vec<TagName>>, String> {
    Ok(envelope(body, extent)?.get("data").and_then(reading::tags))
}

/// The id of the one contact of an answer.
pub fn read_id(body: &[u8], extent: &Extent) -> Result<String, String> {
    let id = envelope(body, extent)?.get("data").and_then(|data| data.get("id")).and_then(reading::id);
    id.ok_or_else(|| "the answer names no contact".to_owned())
}

/// A page of contacts with what it says of `field`.
pub fn read_page(body: &[u8], extent: &Extent, field: &str) -> Result<Page, String> {
    let answer = envelope(body, extent)?;
    let list = answer.get("data").filter(|data| data.kind() == JsonKind::List);
    let list = list.ok_or_else(|| "the answer lists no contacts".to_owned())?;
    let contact = |contact: Json<'_>| {
        let id = contact.get("id").and_then(reading::id).ok_or_else(|| "a contact has no id".to_owned())?;
        Ok((id, contact.get("custom_fields").and_then(|fields| fields.get(field)).and_then(reading::plain)))
    };
    let contacts = list.items().into_iter().map(contact).collect::<Result<_, String>>()?;
    Ok(Page { contacts, has_next: has_next(answer) })
}

/// Laravel's two ways of saying it.
fn has_next(answer: Json<'_>) -> bool {
    let next = answer.get("links").and_then(|links| links.get("next"));
    let number = |key: &str| answer.get("meta")?.get(key)?.text().parse::<u64>().ok();
    next.is_some_and(|next| next.kind() == JsonKind::Text)
        || number("current_page").zip(number("last_page")).is_some_and(|(current, last)| current < last)
}

fn envelope<'b>(body: &'b [u8], extent: &Extent) -> Result<Json<'b>, String> {
    const NOT_OURS: &str = "the answer isn't the Contacts API's: is base_url right?";
    if *extent == Extent::Capped {
        return Err("the answer is too long to be read".to_owned());
    }
    let answer = Json::parse(body).map_err(|_| NOT_OURS.to_owned())?;
    if answer.kind() != JsonKind::Map {
        return Err(NOT_OURS.to_owned());
    }
    let status = answer.get("status").and_then(Json::as_text);
    if status.is_some_and(|status| status == "error") {
        return Err("the answer says `error` under a status of success".to_owned());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Extent = Extent::Whole;

    #[test]
    fn the_pages_answers_are_read() {
        let contact = br#"{"data":{"id":"1776025372480910","custom_fields":{"firstName":"Mahin"},
            "tags":["Blog Updates","Platform Updates"],"created_at":1575618542}}"#;
        let tags = read_tags(contact, &WHOLE).expect("a contact").expect("tags");
        assert_eq!(tags.iter().map(TagName::as_str).collect::<Vec<_>>(), ["Blog Updates", "Platform Updates"]);
        assert_eq!(read_id(br#"{"data":{"id":"cus_112233344555"}}"#, &WHOLE), Ok("cus_112233344555".to_owned()));
        let done = br#"{"status":"success","message":"Contact Tags have been added successfully.","data":[]}"#;
        assert_eq!((read_done(done, &WHOLE), read_done(b"", &WHOLE)), (Ok(None), Ok(None)));
        assert_eq!(read_tags(done, &WHOLE), Ok(None), "an empty list of data is no contact without tags");
    }

    #[test]
    fn what_is_not_the_vendors_answer_is_not_believed() {
        for body in ["<html>ok</html>", "[]", "null", "{", r#"{"status":"error","message":"Message String","data":[]}"#]
        {
            assert!(read_done(body.as_bytes(), &WHOLE).is_err(), "{body}");
            assert!(read_tags(body.as_bytes(), &WHOLE).is_err(), "{body}");
        }
        assert!(read_done(b"{}", &Extent::Capped).is_err());
        assert!(read_id(br#"{"data":{"id":""}}"#, &WHOLE).is_err());
        for odd in ["{}", r#"{"data":{}}"#, r#"{"data":[{}]}"#] {
            assert!(read_page(odd.as_bytes(), &WHOLE, "email").is_err(), "{odd}");
        }
    }

    #[test]
    fn a_page_says_who_is_on_it_and_whether_it_is_the_last() {
        let page = |links: &str, meta: &str| {
            let body = format!(
                r#"{{"data":[{{"id":7,"custom_fields":{{"customerid":1}}}},{{"id":"8"}}],"links":{links},"meta":{meta}}}"#
            );
            read_page(body.as_bytes(), &WHOLE, "customerid").expect("a page")
        };
        let last = page(r#"{"next":null}"#, r#"{"current_page":1,"last_page":1,"total":1}"#);
        let contacts = vec![("7".to_owned(), Some("1".to_owned())), ("8".to_owned(), None)];
        assert_eq!(last, Page { contacts, has_next: false });
        assert!(page(r#"{"next":"http://app.1980TIC.com/api/v1/contact/by_custom_field?page=2"}"#, "{}").has_next);
        assert!(page("{}", r#"{"current_page":1,"last_page":2}"#).has_next);
    }
}
