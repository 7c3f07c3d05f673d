//! Dead letters: changes that wait for a person.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{ListQuery, part};
use crate::domain::change::ChangeId;
use crate::store::{DeadLetter, DeadQuery};

/// `GET /api/v1/dead-letters?limit=&cursor=`: newest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let query = ListQuery::read(&request, &shared)?;
    let query = DeadQuery { before: query.cursor()?, limit: query.limit()? };
    let page = shared.gateway.store.reader().dead_letters(query).await?;
    let items: Vec<Value> = page.items.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}

/// `GET /api/v1/dead-letters/{id}`.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let letter = shared.gateway.store.reader().dead_letter(part(&request, "id", "dead letter")?).await?;
    letter.map(|letter| HttpResponse::Ok().json(shown(&letter))).ok_or_else(gone)
}

/// `POST /api/v1/dead-letters/{id}/retry`: the change waits again under its old number.
pub async fn retry(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id: ChangeId = part(&request, "id", "dead letter")?;
    if shared.gateway.store.retry_dead(id).await? {
        tracing::info!(change = %id, "dead letter retried");
        Ok(HttpResponse::Ok().json(json!({ "id": id.to_string(), "state": "waiting" })))
    } else {
        Err(gone())
    }
}

/// A note for whoever asks later.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    #[serde(default)]
    note: String,
}

/// `POST /api/v1/dead-letters/{id}/discard` with `{"note":"..."}` or nothing.
pub async fn discard(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id: ChangeId = part(&request, "id", "dead letter")?;
    let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let note: Note = serde_json::from_slice(text).map_err(|error| Problem::Call(format!("body: {error}")))?;
    if shared.gateway.store.discard_dead(id, note.note).await? {
        tracing::info!(change = %id, "dead letter discarded");
        Ok(HttpResponse::Ok().json(json!({ "id": id.to_string(), "state": "discarded" })))
    } else {
        Err(gone())
    }
}

fn gone() -> Problem {
    Problem::NotFound("there is no dead letter of this id".to_owned())
}

fn shown(letter: &DeadLetter) -> Value {
    let (change, effect) = (&letter.change, &letter.change.effect);
    json!({
        "id": letter.id,
        "event": letter.id.split('.').next(),
        "at": letter.at.to_string(),
        "rule": change.rule,
        "connection": change.contact.connection,
        "contact": change.contact.reference.to_string(),
        "wanted": effect.word(),
        "tag": effect.tag(),
        "field": super::events::field(effect),
        "value": super::events::value(effect),
        "reason": letter.reason,
        "last_attempt": letter.last_attempt,
    })
}
