//! Connections: how each stands, over all gateways that share the database.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::{Shared, problem::Problem};
use super::contact;
use crate::flow::standings;

/// `GET /api/v1/connections`. `incomplete` says why what the other gateways have left is not part of it.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let (items, error) = standings::together(&shared.gateway).await;
    let mut answer = json!({ "items": items, "next": null });
    if let Some(error) = error {
        answer["incomplete"] = format!("only what this gateway knows itself: {error}").into();
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/v1/connections/{name}/retry`: whatever waits for its time is tried now, a paused connection looked at, at every gateway. The
/// answer says how it stood.
pub async fn retry(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let name = request.match_info().get("name").unwrap_or_default();
    let (all, _) = standings::together(&shared.gateway).await;
    let mut stood = all.into_iter().map(|standing| standing.whole).find(|whole| whole.name.as_str() == name);
    // What other gateways have left is some moments old: nobody is to be told that nothing waits because of that.
    let store = &shared.gateway.store;
    if let Some(stood) = stood.as_mut().filter(|stood| stood.waiting == 0 && store.is_shared()) {
        stood.waiting = store.waiting_anywhere(stood.name.clone()).await?.len();
    }
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
