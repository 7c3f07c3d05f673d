//! Every form of body as one JSON text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::json::{Json, JsonKind};
use crate::domain::kind::Media;
use crate::domain::request::{Fields, Request, few_fields};
use crate::domain::source::SourceConfig;
use crate::sources::credentials;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::nest::{nested, nests};
use super::xml;

/// Writes a request's body as JSON; without one its query, credentials left out. JSON stays as it came, unless a key nests.
pub fn json_body<'r>(config: &SourceConfig, request: &Request<'r>) -> Result<JsonBody<'r>, ReadError> {
    let body = request.body;
    if body.trim_ascii().is_empty() {
        few_fields(request.query.as_bytes())?;
        let (_, query) = credentials::left_out(config, request);
        return Ok(JsonBody { json: Cow::Owned(of_fields(&query.0)), media: None, params: None });
    }
    if request.method == "GET" {
        // To read it would make the query and the body two truths; to leave it would be to ignore what was sent.
        return Err(ReadError::whole("a GET request has its data in the query, and this one has a body")
            .help("send it with POST or PUT"));
    }
    let media = Media::of(request);
    let json = match media {
        Media::Json => unnested(body)?,
        Media::Form => return form_body(config, body),
        // What is stored of one of several is JSON, whose keys nest: they must have nested before.
        Media::Xml => Cow::Owned(unnested(&xml::json_of(text(body)?)?)?.into_owned()),
        Media::Text => Cow::Owned(json!({ "text": text(body)? }).to_string().into_bytes()),
    };
    Ok(JsonBody { json, media: Some(media), params: None })
}

/// A form as a mapping of texts; each pair once where a signature over the fields may let it in.
fn form_body(config: &SourceConfig, body: &[u8]) -> Result<JsonBody<'static>, ReadError> {
    few_fields(body)?;
    let fields = Fields::parse_query(text(body)?.trim());
    let json = if config.signs_fields() { of_fields(fields.each_once()) } else { of_fields(&fields.0) };
    Ok(JsonBody { json: Cow::Owned(json), media: Some(Media::Form), params: None })
}

fn text(body: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(body).map_err(|_| ReadError::whole("the body is not UTF-8"))
}

/// JSON whose top-level keys nest is written anew, its values as they stand there; all other JSON is not touched.
fn unnested(body: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    if memchr::memmem::find(body, b"__").is_none() {
        return Ok(Cow::Borrowed(body));
    }
    let json = Json::parse(body)?;
    let entries = json.entries();
    if json.kind() != JsonKind::Map || !entries.iter().any(|(key, _)| nests(key)) {
        return Ok(Cow::Borrowed(body));
    }
    let entries = entries.into_iter().map(|(key, value)| (key.into_owned(), value.text().to_owned()));
    Ok(Cow::Owned(nested(&entries.collect())))
}

/// A field of a form.
#[derive(Default)]
struct Field<'f> {
    values: Vec<&'f str>,
    /// It was written `key[]`, so it is a list even with one value.
    is_list: bool,
}

/// `a=1&b__c=2&d=3&d=4` as `{"a":"1","b":{"c":"2"},"d":["3","4"]}`.
fn of_fields<'f>(fields: impl IntoIterator<Item = &'f (Cow<'f, str>, Cow<'f, str>)>) -> Vec<u8> {
    let mut found: BTreeMap<&str, Field<'_>> = BTreeMap::new();
    for (name, value) in fields {
        let listed = name.strip_suffix("[]").filter(|name| !name.is_empty());
        let field = found.entry(listed.unwrap_or(name)).or_default();
        field.is_list |= listed.is_some();
        field.values.push(value);
    }
    let written = found.into_iter().map(|(name, field)| {
        let value = match field.values.as_slice() {
            [value] if !field.is_list => json!(value),
            values => json!(values),
        };
        (name.to_owned(), value.to_string())
    });
    nested(&written.collect())
}
