//! Requests that were refused lately.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::{Shared, problem::Problem};

/// `GET /api/v1/refusals`: newest first, without bodies.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    Ok(HttpResponse::Ok().json(json!({ "items": shared.refusals.last(), "next": null })))
}
