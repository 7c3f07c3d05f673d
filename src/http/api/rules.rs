//! The rules in force, and what they would do.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::{Shared, problem::Problem};
use super::{asked, needed};
use crate::clock;
use crate::flow::preview;
use crate::rules::nearest::NEAREST;

/// `GET /api/v1/rules`: those in force, and why those on disk aren't where they differ.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let (set, refused) = (shared.gateway.rules(), shared.gateway.refused());
    let items: Vec<_> = set.catalog.rules().collect();
    let sources: Vec<_> = set.catalog.sources().map(|source| source.name.as_str()).collect();
    Ok(HttpResponse::Ok().json(json!({
        "items": items, "next": null, "sources": sources, "rule_set": set.catalog.hash(), "since": set.since.to_string(), "refused": refused,
    })))
}

/// A body to look at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evaluate<'a> {
    source: Option<String>,
    /// As it would come from the sender.
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// `POST /api/v1/evaluate` with `{"source":"website-bot","body":{..}}`: the event, and what would
/// happen, rule by rule, with the nearest misses; nothing is stored.
pub async fn evaluate(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit_to_look(&request)?;
    let Evaluate { source, body } = asked(&request, &body)?;
    let name = needed(source, "source", "the name of a source")?;
    let body = needed(body, "body", "what the sender would send")?;
    let set = shared.gateway.rules();
    let source = set.catalog.source(&name).cloned();
    let source = source.ok_or_else(|| Problem::Call(format!("body: source: there is no {name:?}")))?;
    let body = body.get().to_owned();
    // What is nearest takes its time, and no webhook waits for it.
    let looked = web::block(move || {
        let events = preview::explain_body(&set.catalog, &source, body.as_bytes(), clock::now(), NEAREST)?;
        Ok(json!({ "events": events }))
    });
    // Without threads to look on, the process ends.
    let told = looked.await.map_err(|_| Problem::Unavailable)?.map_err(Problem::Body)?;
    Ok(HttpResponse::Ok().json(told))
}
