//! What each kind of source takes of HTTP: methods and content types.

use crate::domain::json::Json;
use crate::domain::kind::Media;
use crate::domain::request::Request;
use crate::domain::source::SourceKind;

/// The methods that a kind takes, as the `Allow` header has them.
pub fn methods(kind: SourceKind) -> &'static str {
    kind.traits().methods
}

/// Whether a kind takes a body of this content type; else what it takes, in words. No content type at all is taken.
pub fn takes(kind: SourceKind, content_type: Option<&str>) -> Result<(), &'static str> {
    let Some(content_type) = content_type else { return Ok(()) };
    let media = kind.traits().media;
    match Media::named(content_type) {
        Some(named) if media.contains(&named) => Ok(()),
        _ => Err(expected(media)),
    }
}

fn expected(media: &[Media]) -> &'static str {
    match (media.contains(&Media::Json), media.contains(&Media::Form), media.contains(&Media::Text)) {
        (true, true, true) => "application/json, application/xml, application/x-www-form-urlencoded and text/plain",
        (true, true, false) => "application/json and application/x-www-form-urlencoded",
        (false, true, _) => "application/x-www-form-urlencoded",
        _ => "application/json",
    }
}

/// A content type without its parameters.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl Media {
    /// The one that a content type names, if we read it.
    pub fn named(content_type: &str) -> Option<Self> {
        match essence(content_type).as_str() {
            "application/json" => Some(Self::Json),
            "application/xml" | "text/xml" => Some(Self::Xml),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "text/plain" => Some(Self::Text),
            other if other.ends_with("+xml") => Some(Self::Xml),
            other if other.ends_with("+json") => Some(Self::Json),
            _ => None,
        }
    }

    /// Its content type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// What a request's body is. Without a content type (a stored body, a file) its look decides.
    pub fn of(request: &Request<'_>) -> Self {
        match request.headers.get("content-type").and_then(Self::named) {
            // `curl -d '{..}'` calls JSON a form. In a form these brackets would be escaped, so this can't be one.
            Some(Self::Form) if opens_json(request.body) && Json::parse(request.body).is_ok() => Self::Json,
            Some(named) => named,
            None => Self::by_look(request.body),
        }
    }

    /// What a body looks like: what opens like JSON is JSON, even if it is damaged, so that the damage has its place.
    pub fn by_look(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        let is_json = opens_json(body) || body.first() == Some(&b'"') || Json::parse(body).is_ok();
        // A form has no spaces: they are written `+` or `%20`.
        let is_form = || body.contains(&b'=') && !body.iter().any(u8::is_ascii_whitespace);
        match is_json {
            true => Self::Json,
            false if opens_xml(body) => Self::Xml,
            false if is_form() => Self::Form,
            false => Self::Text,
        }
    }
}

fn opens_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Whether it begins and ends as an element does, or says that it is XML. Words may begin with `<` too: `<3`.
fn opens_xml(body: &[u8]) -> bool {
    let begins = matches!(body, [b'<', letter, ..] if letter.is_ascii_alphabetic() || *letter == b'_');
    body.starts_with(b"<?xml") || body.starts_with(b"<!DOCTYPE") || begins && body.ends_with(b">")
}
