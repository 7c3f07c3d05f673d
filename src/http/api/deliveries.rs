//! Deliveries: what was called, and what came back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{ListQuery, events};

/// `GET /api/v1/deliveries?limit=&cursor=`: newest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let query = ListQuery::read(&request, &shared)?;
    let page = shared.gateway.store.reader().deliveries(query.cursor()?, query.limit()?).await?;
    let items: Vec<Value> = page.items.iter().map(events::delivery).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}
