//! Subscriptions: who is told of what happens, as Zapier's REST hooks have it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{asked, needed, query};
use crate::domain::subscription::{Narrowed, Progress, Subscription, Topic};
use crate::flow::subscribers::{self, NotSubscribed};

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    target_url: Option<String>,
    /// The same, as Zapier's older hooks name it.
    #[serde(rename = "hookUrl")]
    hook_url: Option<String>,
    event: Option<String>,
    connection: Option<String>,
    rule: Option<String>,
    tag: Option<String>,
}

/// `POST /api/v1/subscriptions`: a 201 with the id that ends it, and the secret that signs, which is shown this once.
pub async fn begin(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let Wanted { target_url, hook_url, event, connection, rule, tag } = asked(&request, &body)?;
    let url = match (target_url, hook_url) {
        (Some(_), Some(_)) => {
            return Err(Problem::Call("body: target_url: says the same as hookUrl; give one of them".to_owned()));
        }
        (url, other) => needed(url.or(other), "target_url", "the address that is told")?,
    };
    let topic = topic("body", &needed(event, "event", &words())?)?;
    let subscription = subscribers::subscribe(&shared.gateway, topic, narrowed(connection, rule, tag), &url).await?;
    let mut told = shown(&subscription, &Progress::default());
    told["secret"] = json!(subscription.secret.expose());
    Ok(HttpResponse::Created().json(told))
}

/// `GET /api/v1/subscriptions`: the oldest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let all = subscribers::list(&shared.gateway).await?;
    let items: Vec<Value> = all.iter().map(|(subscription, progress)| shown(subscription, progress)).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": null })))
}

/// `GET /api/v1/subscriptions/{id}`.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id = request.match_info().get("id").unwrap_or_default();
    let found = subscribers::list(&shared.gateway).await?.into_iter().find(|(subscription, _)| subscription.id == id);
    let (subscription, progress) = found.ok_or_else(gone)?;
    Ok(HttpResponse::Ok().json(shown(&subscription, &progress)))
}

/// `DELETE /api/v1/subscriptions/{id}`: nothing more is sent, and nothing is kept of it.
pub async fn end(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let id = request.match_info().get("id").unwrap_or_default();
    if subscribers::unsubscribe(&shared.gateway, id).await? {
        return Ok(HttpResponse::Ok().json(json!({ "id": id, "state": "ended" })));
    }
    Err(gone())
}

/// Of what samples are wanted.
#[derive(Deserialize)]
struct Sample {
    event: Option<String>,
    connection: Option<String>,
    rule: Option<String>,
    tag: Option<String>,
}

/// `GET /api/v1/subscriptions/sample?event=`: what a subscriber would be told, the newest first; an example where nothing has
/// happened lately.
pub async fn sample(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let Sample { event, connection, rule, tag } = query(&request, &shared)?;
    let event = event.ok_or_else(|| Problem::Call(format!("query: event: expected {}, found nothing", words())))?;
    let items =
        subscribers::samples(&shared.gateway, topic("query", &event)?, &narrowed(connection, rule, tag)).await?;
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": null })))
}

fn topic(place: &str, name: &str) -> Result<Topic, Problem> {
    let wrong = || Problem::Call(format!("{place}: event: expected {}, found {name:?}", words()));
    Topic::named(name).ok_or_else(wrong)
}

/// The topics, for a message.
fn words() -> String {
    format!("one of {}", Topic::ALL.map(Topic::name).join(", "))
}

/// What an empty field of a form leaves open is open.
fn narrowed(connection: Option<String>, rule: Option<String>, tag: Option<String>) -> Narrowed {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Narrowed { connection: given(connection), rule: given(rule), tag: given(tag) }
}

fn gone() -> Problem {
    Problem::NotFound("there is no subscription of this id".to_owned())
}

/// Without its address, of which only the host is told, and without its secret.
fn shown(subscription: &Subscription, progress: &Progress) -> Value {
    let Narrowed { connection, rule, tag } = &subscription.narrowed;
    let state = match progress {
        Progress { ended: Some(_), .. } => "ended",
        Progress { failing: Some(_), .. } => "failing",
        _ => "active",
    };
    let failing = progress.failing.as_ref().map(|failing| {
        json!({
            "since": failing.since.to_string(),
            "tries": failing.tries,
            "next_try_at": failing.next_try_at.to_string(),
            "reason": failing.reason,
        })
    });
    let ended = progress.ended.as_ref().map(|ended| json!({ "at": ended.at.to_string(), "reason": ended.reason }));
    json!({
        "id": subscription.id,
        "event": subscription.topic.name(),
        "target": subscribers::place(subscription),
        "connection": connection,
        "rule": rule,
        "tag": tag,
        "state": state,
        "since": subscription.at.to_string(),
        "sent": progress.sent,
        "left_out": progress.left_out,
        "failing": failing,
        "ended": ended,
    })
}

impl From<NotSubscribed> for Problem {
    fn from(why: NotSubscribed) -> Self {
        match why {
            NotSubscribed::Address(why) => Self::Call(format!("body: target_url: {why}")),
            NotSubscribed::Store(error) => error.into(),
            why => Self::Call(format!("body: {why}")),
        }
    }
}
