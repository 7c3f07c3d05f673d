//! Dead letters: changes that wait for a person.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{Paging, asked, contact, events, part, query, time};
use crate::domain::cause::{Cause, Needs};
use crate::domain::change::ChangeId;
use crate::flow::letters;
use crate::store::{DeadFilter, DeadLetter, DeadQuery};

/// Which letters a list shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    cursor: Option<String>,
    limit: Option<String>,
    #[serde(flatten)]
    filter: Filter,
}

/// `GET /api/v1/dead-letters`: newest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let list: List = query(&request, &shared)?;
    let paging = Paging::of(list.limit.as_deref(), list.cursor.as_deref())?;
    let query = DeadQuery { before: paging.before()?, filter: list.filter.read()?, limit: paging.limit };
    let page = shared.gateway.store.reader().dead_letters(query).await?;
    let items: Vec<Value> = page.items.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}

/// `GET /api/v1/dead-letters/{id}`: with the body of its event.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id = part(&request, "id", "dead letter")?;
    let reader = shared.gateway.store.reader();
    let mut letter = shown(&reader.dead_letter(id).await?.ok_or_else(gone)?);
    letter["body"] = reader.dead_event(id).await?.map_or(Value::Null, |body| events::text_or_json(&body));
    Ok(HttpResponse::Ok().json(letter))
}

/// How one letter is tried again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    #[serde(default)]
    as_new: bool,
}

/// `POST /api/v1/dead-letters/{id}/retry`: the change waits again under its old number, or with `{"as_new":true}` under a new one.
pub async fn retry(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id: ChangeId = part(&request, "id", "dead letter")?;
    let Retry { as_new } = asked(&request, &body)?;
    let filter = DeadFilter { id: Some(id), ..DeadFilter::default() };
    if as_new {
        let renewed = letters::renew(&shared.gateway, &filter).await?;
        let event = renewed.into_iter().next().ok_or_else(gone)?.event;
        return Ok(HttpResponse::Ok().json(json!({ "id": id.to_string(), "state": "discarded", "event": event })));
    }
    match letters::retry(&shared.gateway, &filter).await? {
        0 => Err(gone()),
        _ => Ok(HttpResponse::Ok().json(json!({ "id": id.to_string(), "state": "waiting" }))),
    }
}

/// A note for whoever asks later.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    note: Option<String>,
}

/// `POST /api/v1/dead-letters/{id}/discard` with `{"note":"..."}` or nothing.
pub async fn discard(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id: ChangeId = part(&request, "id", "dead letter")?;
    let Note { note } = asked(&request, &body)?;
    let filter = DeadFilter { id: Some(id), ..DeadFilter::default() };
    match letters::discard(&shared.gateway, &filter, note.as_deref().unwrap_or_default()).await? {
        0 => Err(gone()),
        _ => Ok(HttpResponse::Ok().json(json!({ "id": id.to_string(), "state": "discarded" }))),
    }
}

/// What is to happen to many letters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    /// Instead of a filter: really all of them.
    #[serde(default)]
    all: bool,
    /// Say how many, and do nothing.
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    as_new: bool,
    note: Option<String>,
    #[serde(flatten)]
    filter: Filter,
}

impl Many {
    /// What a call without a filter would do by mistake, it has to say.
    fn filter(&self) -> Result<DeadFilter, Problem> {
        let filter = self.filter.clone().read()?;
        match (self.all, filter == DeadFilter::default()) {
            (true, false) => Err(Problem::Call("body: `all` and a filter contradict each other".to_owned())),
            (false, true) => Err(Problem::Call("body: expected a filter, or \"all\": true".to_owned())),
            _ => Ok(filter),
        }
    }
}

/// `POST /api/v1/dead-letters/retry` with a filter: all of these; `"dry_run":true` says how many, `"as_new":true` gives new numbers.
pub async fn retry_many(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let many: Many = asked(&request, &body)?;
    if many.note.is_some() {
        return Err(Problem::Call("body: `note` is for discarding".to_owned()));
    }
    let filter = many.filter()?;
    if many.dry_run {
        return count(&shared, filter).await;
    }
    let answer = if many.as_new {
        let renewed = letters::renew(&shared.gateway, &filter).await?;
        json!({ "dry_run": false, "count": renewed.len(), "events": renewed })
    } else {
        json!({ "dry_run": false, "count": letters::retry(&shared.gateway, &filter).await? })
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/v1/dead-letters/discard` with a filter and a note.
pub async fn discard_many(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let many: Many = asked(&request, &body)?;
    if many.as_new {
        return Err(Problem::Call("body: `as_new` is for retrying".to_owned()));
    }
    let filter = many.filter()?;
    if many.dry_run {
        return count(&shared, filter).await;
    }
    let count = letters::discard(&shared.gateway, &filter, many.note.as_deref().unwrap_or_default()).await?;
    Ok(HttpResponse::Ok().json(json!({ "dry_run": false, "count": count })))
}

async fn count(shared: &Shared, filter: DeadFilter) -> Result<HttpResponse, Problem> {
    let count = shared.gateway.store.reader().dead_count_of(filter).await?;
    Ok(HttpResponse::Ok().json(json!({ "dry_run": true, "count": count })))
}

/// A filter as it is written, in a query or in a body.
#[derive(Clone, Deserialize)]
struct Filter {
    connection: Option<String>,
    contact: Option<String>,
    rule: Option<String>,
    reason: Option<String>,
    cause: Option<String>,
    needs: Option<String>,
    since: Option<String>,
}

impl Filter {
    fn read(self) -> Result<DeadFilter, Problem> {
        let of = contact::asked_for(self.connection.as_deref(), self.contact.as_deref())?;
        Ok(DeadFilter {
            id: None,
            contacts: of.map(|contact| vec![contact.key()]),
            connection: self.connection,
            rule: self.rule,
            reason: self.reason,
            cause: word("cause", self.cause.as_deref(), &Cause::ALL, Cause::word)?,
            needs: word("needs", self.needs.as_deref(), &Needs::ALL, Needs::word)?,
            since: time("since", self.since.as_deref())?,
        })
    }
}

/// One of the words that there are.
fn word<T: Copy>(name: &str, text: Option<&str>, all: &[T], word: fn(T) -> &'static str) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let words: Vec<_> = all.iter().map(|one| word(*one)).collect();
    let found = all.iter().copied().find(|one| word(*one) == text);
    found.map(Some).ok_or_else(|| Problem::Call(format!("{name}: expected one of {}", words.join(", "))))
}

fn gone() -> Problem {
    Problem::NotFound("there is no dead letter of this id".to_owned())
}

pub(super) fn shown(letter: &DeadLetter) -> Value {
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
        "field": events::field(effect),
        "value": events::value(effect),
        "cause": letter.cause,
        "needs": letter.cause.needs(),
        "reason": letter.reason,
        // What the connection's list refuses was never called for, whatever an earlier version kept with it.
        "last_attempt": letter.last_attempt.as_ref().filter(|_| letter.cause != Cause::NotListed),
    })
}
