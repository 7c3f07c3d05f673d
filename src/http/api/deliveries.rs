//! Deliveries: what was called, and what came back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{Paging, contact, events, query};
use crate::store::DeliveryQuery;

/// Which deliveries a list shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    cursor: Option<String>,
    limit: Option<String>,
    connection: Option<String>,
    contact: Option<String>,
}

/// `GET /api/v1/deliveries?limit=&cursor=`: newest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let list: List = query(&request, &shared)?;
    let paging = Paging::of(list.limit.as_deref(), list.cursor.as_deref())?;
    let of = contact::asked_for(list.connection.as_deref(), list.contact.as_deref())?;
    let query = DeliveryQuery {
        before: paging.before()?,
        connection: list.connection,
        contact: of.map(|contact| contact.key()),
        limit: paging.limit,
    };
    let page = shared.gateway.store.reader().deliveries(query).await?;
    let items: Vec<Value> = page.items.iter().map(events::delivery).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}
