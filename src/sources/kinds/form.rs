//! A form as JSON, for vendors who send one.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::request::{Fields, Request, few_fields};
use crate::sources::fault::ReadError;

/// The pairs of a request's body.
pub fn pairs<'r>(request: &Request<'r>) -> Result<Fields<'r>, ReadError> {
    few_fields(request.body)?;
    let text = std::str::from_utf8(request.body).map_err(|_| ReadError::whole("the body is not UTF-8"))?;
    Ok(Fields::parse_query(text.trim()))
}

/// `a=1&b=2&b=3` as `{"a":"1","b":["2","3"]}`. A pair counts once: a signature over the fields counts it once too, so that whoever
/// repeats one would else make another event of a request that was signed.
pub fn mapping(fields: &Fields<'_>) -> Cow<'static, [u8]> {
    let mut map: Map<String, Value> = Map::new();
    let mut seen = HashSet::new();
    for (name, value) in fields.0.iter().filter(|pair| seen.insert(*pair)) {
        let value = Value::from(value.as_ref());
        match map.get_mut(name.as_ref()) {
            None => drop(map.insert(name.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Cow::Owned(serde_json::to_vec(&map).expect("texts are always JSON"))
}
