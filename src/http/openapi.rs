//! `GET /api/openapi.json`: the API as programs read it, from the same table that its router is made of.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::table::{ADDRESSES, Address, FLAGS, Kind};

/// The description; it tells nothing of this gateway's data, and needs no token.
pub async fn describe() -> HttpResponse {
    HttpResponse::Ok().json(description())
}

fn description() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for address in ADDRESSES {
        let path = paths.entry(format!("/api/v1{}", address.path)).or_insert_with(|| json!({}));
        path[address.method.to_lowercase()] = operation(address);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "tagrelay", "version": env!("CARGO_PKG_VERSION") },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "problem": {
                    "description": "Why not (RFC 9457)",
                    "content": { "application/problem+json": { "schema": {
                        "type": "object",
                        "required": ["type", "title", "status", "detail"],
                        "properties": {
                            "type": { "type": "string" },
                            "title": { "type": "string" },
                            "status": { "type": "integer" },
                            "detail": { "type": "string" },
                        },
                    } } },
                },
            },
        },
    })
}

fn operation(address: &Address) -> Value {
    let parts = address.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let text = |name: &str, place: &str, required: bool| {
        let kind = if place == "query" && FLAGS.contains(&name) { Kind::Flag } else { Kind::Text };
        json!({ "name": name, "in": place, "required": required, "schema": schema(kind) })
    };
    let parts = parts.map(|name| text(name, "path", true));
    let query = address.query.iter().map(|name| text(name, "query", false));
    let answer = if address.path == "/backup" { "application/vnd.sqlite3" } else { "application/json" };
    let mut operation = json!({
        "summary": address.summary,
        "parameters": parts.chain(query).collect::<Vec<_>>(),
        "responses": {
            address.status.to_string(): { "description": "It is so", "content": { answer: {} } },
            "default": { "$ref": "#/components/responses/problem" },
        },
    });
    if !address.body.is_empty() {
        let property = |(name, kind): &(&str, Kind)| ((*name).to_owned(), schema(*kind));
        let properties: Map<String, Value> = address.body.iter().map(property).collect();
        let schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number => json!({ "type": "integer" }),
        Kind::Any => json!({}),
    }
}
