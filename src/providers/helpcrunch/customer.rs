//! Reads what HelpCrunch says of customers. The tag pages document one shape: the whole customer at the top level. Where
//! they are silent, every plausible shape is read: wrapped in `data`, the list of tags alone, no body at all, and tags as
//! plain texts. Times, customData and the rest are never looked at, so they may have any form.

use super::Extent;
use crate::domain::json::{Json, JsonKind};
use crate::domain::tag::TagName;
use crate::providers::reading;

/// A customer as a search or a creation tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// HelpCrunch's number as text, so that no digit is lost.
    pub id: String,
    /// The tags, where they are told.
    pub tags: Option<Vec<TagName>>,
}

/// The customer's tags, `None` where none are told; an error when the answer can't be HelpCrunch's.
pub fn read_tags(body: &[u8], extent: &Extent) -> Result<Option<Vec<TagName>>, String> {
    // Of an answer that goes on, nobody knows what follows the blanks.
    if *extent != Extent::Capped && body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    if *extent == Extent::Capped {
        // A customer with very much customData: the start of a mapping is as much as can be asked of it.
        return if starts_mapping(body) { Ok(None) } else { Err(NOT_OURS.to_owned()) };
    }
    let customer = unwrapped(body)?;
    Ok(reading::tags(customer))
}

/// The one customer of an answer.
pub fn read_one(body: &[u8], _extent: &Extent) -> Result<Customer, String> {
    read_customer(unwrapped(body)?).ok_or_else(|| "the answer names no customer".to_owned())
}

/// The customers of a search: `{"data":[...],"total":2}`.
pub fn read_list(body: &[u8], extent: &Extent) -> Result<Vec<Customer>, String> {
    if *extent == Extent::Capped {
        return Err("the answer is too long to be read".to_owned());
    }
    let answer = parse(body)?;
    let list = if answer.kind() == JsonKind::List { answer } else { answer.get("data").unwrap_or(Json::NULL) };
    if list.kind() != JsonKind::List {
        return Err("the answer lists no customers".to_owned());
    }
    list.items().into_iter().map(|c| read_customer(c).ok_or_else(|| "a customer has no id".to_owned())).collect()
}

const NOT_OURS: &str = "the answer isn't HelpCrunch's: is base_url right?";

fn starts_mapping(body: &[u8]) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

fn parse(body: &[u8]) -> Result<Json<'_>, String> {
    Json::parse(body).map_err(|_| NOT_OURS.to_owned())
}

/// The mapping that holds the customer, at the top level or in `data`.
fn unwrapped(body: &[u8]) -> Result<Json<'_>, String> {
    let answer = parse(body)?;
    if answer.kind() != JsonKind::Map {
        return Err(NOT_OURS.to_owned());
    }
    if answer.get("errors").is_some_and(|errors| !errors.items().is_empty()) {
        return Err("the answer lists errors under a status of success".to_owned());
    }
    Ok(answer.get("data").filter(|data| data.kind() == JsonKind::Map).unwrap_or(answer))
}

fn read_customer(customer: Json<'_>) -> Option<Customer> {
    Some(Customer { id: reading::id(customer.get("id")?)?, tags: reading::tags(customer) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Option<Vec<String>>, String> {
        let tags = read_tags(body.as_bytes(), &Extent::Whole)?;
        Ok(tags.map(|tags| tags.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn tags_are_read_in_every_plausible_shape() {
        let vip = Ok(Some(vec!["vip".to_owned()]));
        for body in [
            r##"{"id":542335,"tags":[{"name":"vip","color":"#ff0000"}],"customData":{"a":1},"firstSeen":"1603885746"}"##,
            r#"{"id":542335,"tags":[{"name":"vip"}],"customData":[{"property":"a","value":1}],"firstSeen":1603885746}"#,
            r#"{"data":{"id":542335,"tags":[{"name":"vip"}]}}"#,
            r#"{"tags":[{"name":"vip"}]}"#,
            r#"{"tags":["vip"]}"#,
        ] {
            assert_eq!(read(body), vip, "{body}");
        }
        assert_eq!(read(r#"{"id":1,"tags":[]}"#), Ok(Some(vec![])));
    }

    #[test]
    fn a_success_without_a_list_is_a_success_all_the_same() {
        for body in
            ["", " \n", "{}", r#"{"success":true}"#, r#"{"tags":null}"#, r#"{"tags":[{"name":7}]}"#, r#"{"data":[]}"#]
        {
            assert_eq!(read(body), Ok(None), "{body}");
        }
        let long = format!("{{\"notes\":\"{}", "x".repeat(100));
        assert_eq!(read_tags(long.as_bytes(), &Extent::Capped), Ok(None));
    }

    #[test]
    fn what_is_not_the_vendors_answer_is_not_believed() {
        for body in ["<html>ok</html>", "ok", "[]", "null", "{\"id\":", r#"{"errors":[{"code":"x"}]}"#] {
            assert!(read(body).is_err(), "{body}");
        }
        assert!(read_tags(b"<html>", &Extent::Capped).is_err());
    }

    #[test]
    fn customers_of_a_search_keep_every_digit_of_their_ids() {
        let body = br#"{"data":[{"id":12345678901234567890123,"tags":["a"]},{"id":"7"}],"total":2}"#;
        let found = read_list(body, &Extent::Whole).expect("a list");
        let ids: Vec<&str> = found.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["12345678901234567890123", "7"]);
        for odd in ["{}", "{\"data\":[{}]}", "7"] {
            assert!(read_list(odd.as_bytes(), &Extent::Whole).is_err(), "{odd}");
        }
        assert_eq!(read_one(br#"{"id":9}"#, &Extent::Whole).map(|c| c.id).as_deref(), Ok("9"));
    }
}
