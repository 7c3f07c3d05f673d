//! The answers to mistakes. No page shows one; clients read `message`, `error`, else the text
//! (repository PedroPJaramillo/b2chat-analytics), so an answer has the first two.

use serde_json::{Map, Value, json};

use super::super::faults::Shape;
use super::super::request::{Reply, Request};

/// A call that isn't answered with success.
#[derive(Debug)]
pub struct Wrong {
    status: u16,
    error: &'static str,
    message: String,
}

impl Wrong {
    /// 400.
    pub fn body(message: impl Into<String>) -> Self {
        Self { status: 400, error: "bad_request", message: message.into() }
    }

    /// 401 for a user or a password.
    pub fn credentials() -> Self {
        Self { status: 401, error: "unauthorized", message: "Bad credentials".to_owned() }
    }

    /// 401 for a token.
    pub fn token() -> Self {
        Self { status: 401, error: "invalid_token", message: "The access token is invalid or has expired".to_owned() }
    }

    /// 404.
    pub fn not_found(message: &str) -> Self {
        Self { status: 404, error: "not_found", message: message.to_owned() }
    }

    /// 429.
    pub fn too_many() -> Self {
        Self { status: 429, error: "too_many_requests", message: "Too many requests".to_owned() }
    }

    /// The sandbox's own bound.
    pub fn full() -> Self {
        Self { status: 503, error: "sandbox_full", message: "The sandbox holds no more contacts".to_owned() }
    }

    /// The answer.
    pub fn reply(self) -> Reply {
        Reply::json(self.status, json!({ "error": self.error, "message": self.message }))
    }
}

/// The answer of a provider that is told to fail with `status`.
pub fn failure(status: u16) -> Reply {
    match status {
        200..=299 => Reply::empty(status),
        401 => Wrong::token().reply(),
        404 => Wrong::not_found("Contact not found").reply(),
        429 => Wrong::too_many().reply(),
        _ => Wrong { status, error: "failure", message: "Failed on purpose".to_owned() }.reply(),
    }
}

/// A success without a body: what a tag call answers is documented nowhere, so clients must take that too.
pub fn reshape(reply: Reply, shape: Shape) -> Reply {
    match (reply.status, shape) {
        (200, Shape::Empty) => Reply::empty(200),
        (200, Shape::NoContent) => Reply::empty(204),
        _ => reply,
    }
}

/// The JSON that a call must carry, declared as such.
pub fn json_body(request: &Request) -> Result<Value, Wrong> {
    let is_json = request.header("content-type").is_some_and(|t| t.starts_with("application/json"));
    if !is_json {
        return Err(Wrong::body("Content-Type must be application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|error| Wrong::body(error.to_string()))
}

/// The same as a mapping with no other keys than these.
pub fn mapping(request: &Request, known: &[&str]) -> Result<Map<String, Value>, Wrong> {
    match json_body(request)? {
        Value::Object(fields) => only(fields, known),
        _ => Err(Wrong::body("the body must be an object")),
    }
}

/// A mapping with no other keys than these: where the pages are silent, a client's mistake shows.
pub fn only(fields: Map<String, Value>, known: &[&str]) -> Result<Map<String, Value>, Wrong> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Wrong::body(format!("{key} was not expected"))),
        None => Ok(fields),
    }
}
