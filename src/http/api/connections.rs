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

/// `POST /api/v1/connections/{name}/retry`: whatever waits for its time is tried now, a paused connection looked at. The answer says how
/// it stood.
pub async fn retry(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let name = request.match_info().get("name").unwrap_or_default();
    let stood = shared.gateway.deliveries.status().await.into_iter().find(|lane| lane.name.as_str() == name);
    match stood {
        Some(stood) if shared.gateway.deliveries.try_now(name) => Ok(HttpResponse::Ok().json(json!({
            "name": name,
            "state": "retrying",
            "was": stood.state,
            "reason": stood.reason,
            "since": stood.since.map(|since| since.to_string()),
            "waiting": stood.waiting,
            "held_until": stood.allowance.and_then(|usage| usage.held_until).map(|until| until.to_string()),
        }))),
        _ => Err(contact::no_connection(&shared, name).await),
    }
}
