//! The gateways that share the database.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::super::{Shared, problem::Problem};

/// `GET /api/v1/gateways`: which there are, what each runs and for how many contacts it delivers; none where the database is a file.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit_to_look(&request)?;
    let items = shared.gateway.store.reader().peers().await?;
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": null })))
}
