//! Alive, ready, counted.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Shared;
use super::problem::Problem;
use crate::clock;

/// So long a look at the counts may wait for the database.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

/// `GET /readyz`: rules are loaded and the store takes events.
pub async fn ready(shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.gateway.store.ping().await?;
    let set = shared.gateway.rules();
    let (rules, rule_set) = (set.catalog.rule_count(), set.catalog.hash());
    Ok(HttpResponse::Ok().json(json!({ "status": "ready", "rules": rules, "rule_set": rule_set })))
}

/// `GET /metrics`: Prometheus. Whatever the database does: it is most wanted while that is away.
pub async fn metrics(shared: web::Data<Shared>) -> HttpResponse {
    let gateway = &shared.gateway;
    let reader = gateway.store.reader();
    let looks = async { (reader.dead_count().await.ok(), reader.peers().await.unwrap_or_default()) };
    let (dead, peers) = tokio::time::timeout(PATIENCE, looks).await.unwrap_or_default();
    let lanes = gateway.deliveries.status().await;
    let now = clock::now();
    gateway.metrics.addresses_waiting(shared.refusals.waiting(now));
    if let Some(tls) = &shared.tls {
        // Whoever watches the certificate's end is told of the files as they are.
        drop(tls.current(&gateway.metrics, now));
    }
    let text = gateway.metrics.text(&lanes, dead, &peers);
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}
