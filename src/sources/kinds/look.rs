//! How vendors' bodies are looked into. A field that is absent, null or of another type than the vendor says is unset: what is
//! told otherwise in next year's body must not cost the event, whose payload rules can still ask.

use std::borrow::Cow;

use crate::domain::json::{Json, JsonKind};
use crate::domain::value::Number;
use crate::sources::fault::ReadError;
use crate::sources::reading::{JsonBody, MAX_EVENTS};

/// The body as a mapping.
pub fn mapping<'a>(body: &'a JsonBody<'_>) -> Result<Json<'a>, ReadError> {
    if body.json.trim_ascii().is_empty() {
        return Err(ReadError::whole("the body is empty"));
    }
    let json = Json::parse(&body.json)?;
    match json.kind() {
        JsonKind::Map => Ok(json),
        other => Err(ReadError::whole(&format!("expected a mapping, found {}", other.name()))),
    }
}

/// A text that isn't empty.
pub fn text(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    json?.as_text().filter(|text| !text.is_empty())
}

/// An id: a text that isn't empty, or a whole number with all its digits.
pub fn id(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let json = json?;
    match json.kind() {
        JsonKind::Number => match Number::parse(json.text()) {
            number @ (Number::Int(_) | Number::Digits(_)) => Some(number.to_string().into()),
            Number::Float(_) => None,
        },
        _ => text(Some(json)),
    }
}

/// A mapping, or an empty one.
pub fn map(json: Option<Json<'_>>) -> Json<'_> {
    json.filter(|json| json.kind() == JsonKind::Map).unwrap_or(Json::EMPTY_MAP)
}

/// The texts of a list.
pub fn texts(json: Json<'_>) -> Vec<Cow<'_, str>> {
    json.items().into_iter().filter_map(|item| text(Some(item))).collect()
}

/// The list by which a vendor's bodies are told.
pub fn list<'a>(json: Json<'a>, field: &str, vendor: &str) -> Result<Json<'a>, ReadError> {
    json.get(field).filter(|list| list.kind() == JsonKind::List).ok_or_else(|| {
        ReadError::field(field, &format!("missing; {vendor} has a list there"))
            .help("a sender of another kind needs a source of its own kind; `catch` takes anything")
    })
}

/// Whether there are few enough events in one body.
pub fn few(events: usize, field: &str) -> Result<(), ReadError> {
    if events > MAX_EVENTS {
        let message =
            format!("there are {events} events in this list or more; {MAX_EVENTS} is the most for one request");
        return Err(ReadError::field(field, &message));
    }
    Ok(())
}

/// The field by which a vendor's bodies are told; without it this is something else.
pub fn told<'a>(json: Option<Json<'a>>, field: &str, vendor: &str) -> Result<Cow<'a, str>, ReadError> {
    text(json).ok_or_else(|| {
        ReadError::field(field, &format!("missing; {vendor} has a text there"))
            .help("a sender of another kind needs a source of its own kind; `catch` takes anything")
    })
}

/// The words of HTML: without its tags, its commonest entities as the signs that they stand for.
pub fn plain(html: Cow<'_, str>) -> Cow<'_, str> {
    const ENTITIES: [(&str, &str); 6] =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    if !html.contains(['<', '&']) {
        return html;
    }
    let mut words = String::with_capacity(html.len());
    let mut in_tag = false;
    for letter in html.chars() {
        match letter {
            // Where one paragraph ends and the next begins, two words must not become one.
            '<' => {
                in_tag = true;
                words.push(' ');
            }
            '>' if in_tag => in_tag = false,
            _ if !in_tag => words.push(letter),
            _ => {}
        }
    }
    let words = ENTITIES.iter().fold(words, |words, (entity, sign)| words.replace(entity, sign));
    Cow::Owned(words.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_its_words() {
        assert_eq!(plain("<p>¿Precio &amp; plan?</p><p>Hola&nbsp;<b>Ana</b></p>".into()), "¿Precio & plan? Hola Ana");
        assert_eq!(plain("&amp;lt;".into()), "&lt;");
        assert!(matches!(plain("2 > 1".into()), Cow::Borrowed("2 > 1")));
    }

    #[test]
    fn what_has_another_type_is_unset() {
        let json =
            Json::parse(br#"{"a":12345678901234567890123456789012345678901,"b":1.5,"c":"","d":null,"e":7.0,"f":"x"}"#)
                .expect("JSON");
        let found = json.pick(["a", "b", "c", "d", "e", "f"]);
        let digits = "12345678901234567890123456789012345678901";
        assert_eq!(found.map(|json| id(json).map(Cow::into_owned).unwrap_or_default()), [digits, "", "", "", "7", "x"]);
        assert_eq!(found.map(|json| text(json).is_some()), [false, false, false, false, false, true]);
        assert_eq!((map(found[5]).text(), map(Some(json)).text()), ("{}", json.text()));
    }
}
