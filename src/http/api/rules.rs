//! The rules in force, and what they would do.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::{Shared, problem::Problem};

/// `GET /api/v1/rules`.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    Ok(HttpResponse::Ok().json(json!({ "rule_set": shared.gateway.catalog.hash() })))
}

/// x
pub async fn evaluate(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    Ok(HttpResponse::Ok().json(json!({ "rule_set": shared.gateway.catalog.hash() })))
}
