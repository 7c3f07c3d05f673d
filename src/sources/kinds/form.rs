//! A form as JSON, for vendors who send one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::request::{Fields, Request};
use crate::sources::fault::ReadError;

/// The most fields of a form: beyond it, a small body would take much memory.
const MAX_FIELDS: usize = 10_000;

/// The pairs of a request's body.
pub fn pairs<'r>(request: &Request<'r>) -> Result<Fields<'r>, ReadError> {
    let text = std::str::from_utf8(request.body).map_err(|_| ReadError::whole("the body is not UTF-8"))?;
    let fields = Fields::parse_query(text.trim());
    if fields.0.len() > MAX_FIELDS {
        let message = format!("there are {} fields; {MAX_FIELDS} is the most", fields.0.len());
        return Err(ReadError::whole(&message));
    }
    Ok(fields)
}

/// `a=1&b=2&b=3` as `{"a":"1","b":["2","3"]}`.
pub fn mapping(fields: &Fields<'_>) -> Cow<'static, [u8]> {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in &fields.0 {
        let value = Value::from(value.as_ref());
        match map.get_mut(name.as_ref()) {
            None => drop(map.insert(name.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Cow::Owned(serde_json::to_vec(&map).expect("texts are always JSON"))
}
