//! Other forms of a successful answer about one customer.

use serde_json::{Value, json};

use super::super::faults::Shape;
use super::super::request::{Reply, Request};

/// The same answer in another form. Errors and lists stay as they are.
pub fn reshape(reply: Reply, request: &Request, shape: Shape) -> Reply {
    let is_about_one = request.segments.len() >= 2 && request.contact() != Some("search");
    if reply.status != 200 || !is_about_one {
        return reply;
    }
    let customer = reply.body.unwrap_or_default();
    let tags = customer.get("tags").cloned().unwrap_or_else(|| json!([]));
    match shape {
        Shape::Whole => Reply::json(200, customer),
        Shape::Data => Reply::json(200, json!({ "data": customer })),
        Shape::Tags => Reply::json(200, json!({ "tags": tags })),
        Shape::Texts => Reply::json(200, json!({ "tags": names(&tags) })),
        Shape::Empty => Reply::empty(200),
        Shape::NoContent => Reply::empty(204),
    }
}

fn names(tags: &Value) -> Vec<&Value> {
    tags.as_array().into_iter().flatten().filter_map(|tag| tag.get("name")).collect()
}
