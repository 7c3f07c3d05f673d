//! Events that are run again, and faults that need no second look.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{asked, events, part, time};
use crate::domain::change::{ChangeId, Ord};
use crate::flow::replay::{self, NotReplayed, Replayed};
use crate::store::EventFilter;

/// `POST /api/v1/events/{id}/replay`: against the rules of today, as a new event.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let replayed = replay::one(&shared.gateway, Ord(part(&request, "id", "event")?)).await?;
    Ok(HttpResponse::Ok().json(whole(&replayed)))
}

/// `POST /api/v1/events/{id}/dismiss`: its faults need no second look.
pub async fn dismiss(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let ord = Ord(part(&request, "id", "event")?);
    if shared.gateway.store.dismiss(ord).await? {
        tracing::info!(event = %ord, "faults dismissed");
        return Ok(HttpResponse::Ok().json(json!({ "id": ord.to_string(), "faulty": false })));
    }
    Err(Problem::NotFound("this event has no faults that wait for an answer".to_owned()))
}

/// Which events are run again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    /// Instead of a filter: really all of them.
    #[serde(default)]
    all: bool,
    /// Say how many, and do nothing.
    #[serde(default)]
    dry_run: bool,
    source: Option<String>,
    rule: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    faulty: bool,
}

impl Many {
    fn filter(&self) -> Result<EventFilter, Problem> {
        let filter = EventFilter {
            source: events::source(self.source.as_deref())?,
            rule: self.rule.clone(),
            since: time("since", self.since.as_deref())?,
            until: time("until", self.until.as_deref())?,
            faulty: self.faulty,
            ..EventFilter::default()
        };
        match (self.all, filter == EventFilter::default()) {
            (true, false) => Err(Problem::Call("body: `all` and a filter contradict each other".to_owned())),
            (false, true) => Err(Problem::Call("body: expected a filter, or \"all\": true".to_owned())),
            _ => Ok(filter),
        }
    }
}

/// `POST /api/v1/events/replay` with a filter: oldest first; `"dry_run":true` says how many.
pub async fn many(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let many: Many = asked(&request, &body)?;
    let ords = replay::select(&shared.gateway, &many.filter()?).await?;
    if many.dry_run {
        return Ok(HttpResponse::Ok().json(json!({ "dry_run": true, "count": ords.len() })));
    }
    let done = replay::many(&shared.gateway, &ords).await?;
    let items: Vec<Value> = done.replayed.iter().map(short).collect();
    let not: Vec<String> = done.not.iter().map(ToString::to_string).collect();
    let faulty = done.replayed.iter().filter(|replayed| replayed.faults > 0).count();
    Ok(HttpResponse::Ok().json(json!({
        "dry_run": false,
        "count": items.len(),
        "faulty": faulty,
        "events": items,
        "not_replayed": not,
    })))
}

fn short(replayed: &Replayed) -> Value {
    json!({
        "id": replayed.ord.to_string(),
        "replay_of": replayed.of.to_string(),
        "rules": replayed.rules,
        "faults": replayed.faults,
    })
}

fn whole(replayed: &Replayed) -> Value {
    let mut event = short(replayed);
    let id = |index: usize| ChangeId { ord: replayed.ord, index: index as u32 };
    let changes = replayed.changes.iter().enumerate();
    event["changes"] = changes.map(|(index, change)| events::wanted(id(index), change)).collect();
    event
}

impl From<NotReplayed> for Problem {
    fn from(why: NotReplayed) -> Self {
        match why {
            NotReplayed::NoEvent => Self::NotFound(why.to_string()),
            NotReplayed::TooMany => Self::Call(why.to_string()),
            NotReplayed::Store(error) => error.into(),
            why => Self::NotReplayable(why.to_string()),
        }
    }
}
