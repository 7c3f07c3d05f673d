//! Reads what B2Chat says of contacts. Two shapes are known for sure: the list of `/contacts/export`, and the token. What
//! an import answers is documented nowhere that we know of, so an id is looked for in every plausible place.

use super::Extent;
use crate::domain::contact::ContactRef;
use crate::domain::json::{Json, JsonKind};
use crate::domain::tag::TagName;

/// A contact as `/contacts/export` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// B2Chat's number as text, so that no digit is lost.
    pub id: String,
    /// The mobile number, in the form in which numbers are compared.
    pub mobile: Option<ContactRef>,
    /// The tags, where they are told.
    pub tags: Option<Vec<TagName>>,
}

/// A tag call or an update is done with any 2xx: what it answers is documented nowhere, and an integrator reads the status
/// alone (repository AaronLopezB/b2chat). A page is of somebody in between, whatever its status.
pub fn read_nothing(body: &[u8], extent: &Extent) -> Result<(), String> {
    if *extent == Extent::Capped && body.trim_ascii().is_empty() {
        return Err("the answer is too long to be read".to_owned());
    }
    if body.trim_ascii_start().starts_with(b"<") {
        return Err("this is a page, and no answer of B2Chat's".to_owned());
    }
    Ok(())
}

/// `{"contacts":[..],"exported":1,"total":1}`
pub fn read_list(body: &[u8], extent: &Extent) -> Result<Vec<Listed>, String> {
    if *extent == Extent::Capped {
        return Err("the answer is too long to be read".to_owned());
    }
    let answer = parse(body)?;
    let contacts = answer.get("contacts").unwrap_or(Json::NULL);
    if contacts.kind() != JsonKind::List {
        return Err("the answer lists no contacts".to_owned());
    }
    contacts
        .items()
        .into_iter()
        .map(|contact| listed(contact).ok_or_else(|| "a contact has no id".to_owned()))
        .collect()
}

/// The id of an imported contact: in the answer itself, or in its `contact`, its `data` or the first of its `contacts`; `None`
/// where the answer tells none.
#[expect(clippy::unnecessary_wraps, reason = "it is one of several readers, and the others can fail")]
pub fn read_made(body: &[u8], _extent: &Extent) -> Result<Option<String>, String> {
    let Ok(answer) = parse(body) else { return Ok(None) };
    let first = answer.get("contacts").and_then(|list| list.items().into_iter().next());
    let places = [Some(answer), answer.get("contact"), answer.get("data"), first];
    Ok(places.into_iter().flatten().find_map(id_of))
}

fn parse(body: &[u8]) -> Result<Json<'_>, String> {
    let answer = Json::parse(body).ok().filter(|answer| answer.kind() == JsonKind::Map);
    answer.ok_or_else(|| "the answer isn't B2Chat's: is base_url right?".to_owned())
}

fn listed(contact: Json<'_>) -> Option<Listed> {
    let number = ["mobile", "mobile_number"].into_iter().find_map(|key| contact.get(key)?.as_text());
    Some(Listed {
        id: id_of(contact)?,
        mobile: number.and_then(|number| ContactRef::phone(&number)),
        tags: tags_of(contact),
    })
}

/// `contact_id`; one client says that bulk exports have `id` instead (repository PedroPJaramillo/b2chat-analytics).
fn id_of(contact: Json<'_>) -> Option<String> {
    ["contact_id", "id"].into_iter().find_map(|key| {
        let id = contact.get(key)?;
        match id.kind() {
            JsonKind::Number => Some(id.text().to_owned()),
            JsonKind::Text => Some(id.as_text()?.into_owned()).filter(|id| !id.is_empty()),
            _ => None,
        }
    })
}

/// All or nothing: one entry that can't be read would make its tag seem absent.
fn tags_of(contact: Json<'_>) -> Option<Vec<TagName>> {
    let tags = contact.get("tags").filter(|tags| tags.kind() == JsonKind::List)?;
    tags.items().into_iter().map(|tag| TagName::parse(&tag.get("name").unwrap_or(tag).as_text()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_read_with_either_id_and_every_digit_of_it() {
        let body = br#"{"contacts":[
            {"contact_id":8887980,"mobile":"+57 300 000 0000","tags":[{"name":"VIP","assigned_at":1706644084}]},
            {"id":12345678901234567890123,"mobile_number":"573000000001","tags":["a"]},
            {"id":"7","tags":null}],"exported":3,"total":3,"trace_id":"t"}"#;
        let found = read_list(body, &Extent::Whole).expect("a list");
        let ids: Vec<&str> = found.iter().map(|contact| contact.id.as_str()).collect();
        assert_eq!(ids, ["8887980", "12345678901234567890123", "7"]);
        let mobiles: Vec<_> = found.iter().map(|c| c.mobile.as_ref().map(ToString::to_string)).collect();
        assert_eq!(mobiles, [Some("phone:+573000000000".to_owned()), Some("phone:+573000000001".to_owned()), None]);
        assert_eq!((found[0].tags.clone(), found[2].tags.clone()), (TagName::parse("VIP").map(|tag| vec![tag]), None));
        for odd in ["{}", "[]", "ok", r#"{"contacts":[{}]}"#, r#"{"contacts":{}}"#] {
            assert!(read_list(odd.as_bytes(), &Extent::Whole).is_err(), "{odd}");
        }
        assert!(read_list(body, &Extent::Capped).is_err());
    }

    #[test]
    fn the_id_of_an_imported_contact_is_found_where_it_is_told() {
        let made = |body: &str| read_made(body.as_bytes(), &Extent::Whole).expect("never fails");
        for body in [
            r#"{"contact_id":7}"#,
            r#"{"id":"7"}"#,
            r#"{"message":"ok","contact":{"contact_id":7}}"#,
            r#"{"data":{"id":7}}"#,
            r#"{"contacts":[{"contact_id":7}]}"#,
        ] {
            assert_eq!(made(body).as_deref(), Some("7"), "{body}");
        }
        for body in ["", "{}", "ok", r#"{"message":"ok"}"#, r#"{"contacts":[]}"#] {
            assert_eq!(made(body), None, "{body}");
        }
    }
}
