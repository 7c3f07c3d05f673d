//! The answers to mistakes, in the bodies that the vendor's pages show.

use serde_json::{Map, Value, json};

use super::super::request::{Reply, Request};

/// A call that isn't answered with success.
#[derive(Debug)]
pub struct Wrong {
    status: u16,
    errors: Vec<(String, String)>,
}

impl Wrong {
    /// 400 with the field at fault.
    pub fn field(code: impl Into<String>, message: &str) -> Self {
        Self { status: 400, errors: vec![(code.into(), message.to_owned())] }
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::of(401, "unauthorized", "Unauthorized")
    }

    /// 404.
    pub fn not_found(message: &str) -> Self {
        Self::of(404, "not_found", message)
    }

    /// 405, which the pages don't show.
    pub fn method() -> Self {
        Self::of(405, "method_not_allowed", "Method not allowed")
    }

    /// 429.
    pub fn too_many() -> Self {
        Self::of(429, "too_many_requests", "Too many requests")
    }

    /// The sandbox's own bound.
    pub fn full() -> Self {
        Self::of(503, "sandbox_full", "The sandbox holds no more customers")
    }

    fn of(status: u16, code: &str, message: &str) -> Self {
        Self { status, errors: vec![(code.to_owned(), message.to_owned())] }
    }

    /// `{"errors":[..]}` under the head line that stands above all of them.
    pub fn reply(self) -> Reply {
        let mut errors = vec![json!({ "code": "invalid_request", "message": "Invalid request" })];
        errors.extend(self.errors.into_iter().map(|(code, message)| json!({ "code": code, "message": message })));
        Reply::json(self.status, json!({ "errors": errors }))
    }
}

/// The answer of a provider that is told to fail with `status`: the documented body where there is one.
pub fn failure(status: u16) -> Reply {
    let wrong = match status {
        200..=299 => return Reply::empty(status),
        400 => Wrong { status, errors: Vec::new() },
        401 => Wrong::unauthorized(),
        404 => Wrong::not_found("Chat not found"),
        405 => Wrong::method(),
        429 => Wrong::too_many(),
        _ => Wrong::of(status, "failure", "Failed on purpose"),
    };
    wrong.reply()
}

/// The mapping that a call must carry as JSON.
pub fn mapping(request: &Request) -> Result<Map<String, Value>, Wrong> {
    match request.json() {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(Wrong { status: 400, errors: Vec::new() }),
    }
}
