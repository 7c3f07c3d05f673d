//! Contacts: the last word on each tag, and whose it is.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;

/// `GET /api/v1/contacts/{connection}/{id}`.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let part = |name: &str| request.match_info().get(name).unwrap_or_default();
    let connection = ConnectionName::parse(part("connection")).ok();
    let rules = shared.gateway.rules();
    let connection = connection.filter(|name| rules.connections().any(|known| known == name));
    let connection = connection.ok_or_else(|| Problem::NotFound("there is no connection of this name".to_owned()))?;
    let reference = ContactRef::Id(part("id").to_owned());
    let words = shared.gateway.store.reader().words(Contact { connection: connection.clone(), reference }).await?;
    let tags: Vec<Value> = words
        .iter()
        .map(|(tag, word)| {
            json!({ "tag": tag, "wanted": if word.wants { "add" } else { "remove" }, "state": word.how.word(),
                    "event": word.id.ord.to_string(), "change": word.id.to_string(), "rule": word.rule,
                    "at": word.at.to_string(), "delivery": word.delivery })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "connection": connection, "id": part("id"), "tags": tags })))
}
