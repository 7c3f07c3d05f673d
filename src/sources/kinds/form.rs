//! A form as JSON, for vendors who send one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::request::{Fields, Request, few_fields};
use crate::sources::fault::ReadError;

/// The pairs of a request's body.
pub fn pairs<'r>(request: &Request<'r>) -> Result<Fields<'r>, ReadError> {
    few_fields(request.body)?;
    let text = std::str::from_utf8(request.body).map_err(|_| ReadError::whole("the body is not UTF-8"))?;
    Ok(Fields::parse_query(text.trim()))
}

/// `a=1&b=2&b=3` as `{"a":"1","b":["2","3"]}`, each pair once.
pub fn mapping(fields: &Fields<'_>) -> Cow<'static, [u8]> {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in fields.each_once() {
        let value = Value::from(value.as_ref());
        match map.get_mut(name.as_ref()) {
            None => drop(map.insert(name.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Cow::Owned(serde_json::to_vec(&map).expect("texts are always JSON"))
}
