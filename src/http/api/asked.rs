//! What a call says, held against the table of addresses before anything reads it: whatever is wrong is told of every address in the
//! same words, with its place, what was expected and what was found.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::Shared;
use super::super::problem::Problem;
use super::super::table::{self, Address, Kind};
use crate::domain::json::{Json, JsonError, JsonKind};

/// Reads the body of a call; none stands for a call that says nothing.
pub fn asked<'b, T: Deserialize<'b>>(request: &HttpRequest, body: &'b [u8]) -> Result<T, Problem> {
    let wrong = |what: String| Problem::Call(format!("body: {what}"));
    let text: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let json = Json::parse(text).map_err(|error| wrong(error.to_string()))?;
    fits(json, address(request)?.body).map_err(wrong)?;
    // What is left is inside a text, as half of a surrogate pair.
    serde_json::from_str(json.text()).map_err(|error| wrong(JsonError::from_serde(&error).to_string()))
}

/// A member of a body that a call can't do without.
pub fn needed<T>(member: Option<T>, name: &str, kind: &str) -> Result<T, Problem> {
    member.ok_or_else(|| Problem::Call(format!("body: {name}: expected {kind}, found nothing")))
}

/// Reads the query of a request after its token.
pub fn query<T: DeserializeOwned>(request: &HttpRequest, shared: &Shared) -> Result<T, Problem> {
    shared.tokens.admit(request)?;
    let wrong = |what: String| Problem::Call(format!("query: {what}"));
    let text = request.query_string();
    let unreadable = || wrong("expected name=value, joined by &".to_owned());
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| unreadable())?.into_inner();
    named(pairs.iter().map(|(name, _)| name.as_str()), address(request)?.query.iter().copied()).map_err(wrong)?;
    for (name, value) in &pairs {
        if table::FLAGS.contains(&name.as_str()) && !matches!(value.as_str(), "true" | "false") {
            return Err(wrong(format!("{name}: expected true or false, found {value:?}")));
        }
    }
    web::Query::<T>::from_query(text).map(web::Query::into_inner).map_err(|_| unreadable())
}

/// The address that was called, as the table has it.
fn address(request: &HttpRequest) -> Result<&'static Address, Problem> {
    let pattern = request.match_pattern().unwrap_or_default();
    let found = table::ADDRESSES.iter().find(|address| {
        address.method == request.method().as_str() && pattern.strip_prefix("/api/v1") == Some(address.path)
    });
    found.ok_or_else(|| Problem::NotFound("there is nothing at this address".to_owned()))
}

/// Whether a body is a mapping of what the table says.
fn fits(body: Json<'_>, members: &[(&str, Kind)]) -> Result<(), String> {
    if body.kind() != JsonKind::Map {
        return Err(format!("expected {}, found {}", JsonKind::Map.name(), body.kind().name()));
    }
    let entries = body.entries();
    named(entries.iter().map(|(name, _)| &**name), members.iter().map(|(name, _)| *name))?;
    for (name, value) in &entries {
        let kind = members.iter().find(|(member, _)| member == name).map(|(_, kind)| *kind);
        kind.map_or(Ok(()), |kind| is_of(kind, name, *value))?;
    }
    Ok(())
}

/// Whether each name is known, and stands once.
fn named<'n>(names: impl Iterator<Item = &'n str>, known: impl Iterator<Item = &'n str>) -> Result<(), String> {
    let known: Vec<&str> = known.collect();
    let mut seen = Vec::new();
    for name in names {
        if !known.contains(&name) {
            let there = if known.is_empty() {
                "nothing is expected here".to_owned()
            } else {
                format!("there is: {}", known.join(", "))
            };
            return Err(format!("{name}: unknown; {there}"));
        }
        if seen.contains(&name) {
            return Err(format!("{name}: stands twice"));
        }
        seen.push(name);
    }
    Ok(())
}

fn is_of(kind: Kind, place: &str, value: Json<'_>) -> Result<(), String> {
    let wrong = |expected: &str| Err(format!("{place}: expected {expected}, found {}", value.kind().name()));
    match (kind, value.kind()) {
        (Kind::Number, JsonKind::Number) if value.text().parse::<u32>().is_err() => {
            Err(format!("{place}: expected a whole number, found {}", value.text()))
        }
        (Kind::Any, _)
        | (Kind::Flag, JsonKind::Bool)
        // A text or a number that is null isn't given: a script hands on the `next` that it got.
        | (Kind::Text, JsonKind::Text | JsonKind::Null)
        | (Kind::Number, JsonKind::Number | JsonKind::Null) => Ok(()),
        (Kind::Texts, JsonKind::List) => {
            let wrong = |(index, item): (usize, Json<'_>)| {
                let is_text = item.kind() == JsonKind::Text;
                let place = format!("{place}[{index}]");
                (!is_text).then(|| format!("{place}: expected a text, found {}", item.kind().name()))
            };
            value.items().into_iter().enumerate().find_map(wrong).map_or(Ok(()), Err)
        }
        (Kind::Flag, _) => wrong("true or false"),
        (Kind::Number, _) => wrong("a number"),
        (Kind::Text, _) => wrong("a text"),
        (Kind::Texts, _) => wrong("a list of texts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [(&str, Kind); 5] =
        [("all", Kind::Flag), ("limit", Kind::Number), ("note", Kind::Text), ("add", Kind::Texts), ("body", Kind::Any)];

    #[test]
    fn whatever_is_wrong_is_told_with_its_place() {
        for (body, told) in [
            ("[]", "expected a mapping, found a list"),
            ("null", "expected a mapping, found null"),
            ("\"all\"", "expected a mapping, found a text"),
            (r#"{"colour":1}"#, "colour: unknown; there is: all, limit, note, add, body"),
            (r#"{"all":true,"all":false}"#, "all: stands twice"),
            (r#"{"all":"yes"}"#, "all: expected true or false, found a text"),
            (r#"{"all":null}"#, "all: expected true or false, found null"),
            (r#"{"limit":"7"}"#, "limit: expected a number, found a text"),
            (r#"{"limit":-1}"#, "limit: expected a whole number, found -1"),
            (r#"{"limit":1.5}"#, "limit: expected a whole number, found 1.5"),
            (r#"{"note":{"a":1}}"#, "note: expected a text, found a mapping"),
            (r#"{"add":"VIP"}"#, "add: expected a list of texts, found a text"),
            (r#"{"add":["VIP",7]}"#, "add[1]: expected a text, found a number"),
        ] {
            let json = Json::parse(body.as_bytes()).expect("JSON");
            assert_eq!(fits(json, &MEMBERS), Err(told.to_owned()), "{body}");
        }
        let well = br#"{"all":true,"limit":7,"note":null,"add":["VIP"],"body":[1]}"#;
        assert_eq!(fits(Json::parse(well).expect("JSON"), &MEMBERS), Ok(()));
    }
}
