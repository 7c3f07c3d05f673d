//! Connections: how each stands.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::{Shared, problem::Problem};
use super::contact;

/// `GET /api/v1/connections`.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let items = shared.gateway.deliveries.status().await;
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": null })))
}

/// `POST /api/v1/connections/{name}/retry`: whatever waits for its time is tried now, a paused connection looked at.
pub async fn retry(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let name = request.match_info().get("name").unwrap_or_default();
    if shared.gateway.deliveries.try_now(name) {
        Ok(HttpResponse::Ok().json(json!({ "name": name, "state": "retrying" })))
    } else {
        Err(contact::no_connection(&shared, name))
    }
}
