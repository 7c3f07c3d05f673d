//! What was recorded, handed out whole: events with their bodies, and the rules that judged them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::super::{Shared, problem::Problem};
use super::{Paging, events, query, time};
use crate::domain::change::Ord;
use crate::flow::recorded::Recorded;
use crate::rules::recorded_files;
use crate::store::{Page, RecordedQuery};

/// Which events are handed out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    cursor: Option<String>,
    limit: Option<String>,
    since: Option<String>,
    until: Option<String>,
    source: Option<String>,
}

/// `GET /api/v1/events/recorded`: oldest first; the cursor is the number of the event before.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let list: List = query(&request, &shared)?;
    let paging = Paging::of(list.limit.as_deref(), list.cursor.as_deref())?;
    let query = RecordedQuery {
        after: paging.before()?.map(Ord),
        since: time("since", list.since.as_deref())?,
        until: time("until", list.until.as_deref())?,
        source: events::source(list.source.as_deref())?,
        limit: paging.limit,
    };
    let page = shared.gateway.store.reader().recorded(query).await?;
    let items: Vec<Recorded> = page.items.into_iter().map(Recorded::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next: page.next }))
}

/// `GET /api/v1/rule-sets/{hash}`: the files of a set that is or was in force, without secrets.
pub async fn rule_set(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let hash = request.match_info().get("hash").unwrap_or_default().to_owned();
    let text = shared.gateway.store.reader().rule_set(hash.clone()).await?;
    let text = text.ok_or_else(|| Problem::NotFound("no set of this hash was ever in force here".to_owned()))?;
    let files: Vec<_> =
        recorded_files(&text).into_iter().map(|file| json!({ "path": file.path, "text": file.text })).collect();
    Ok(HttpResponse::Ok().json(json!({ "rule_set": hash, "files": files })))
}
