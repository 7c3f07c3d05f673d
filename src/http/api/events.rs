//! Events: what came, which rules matched, what became of it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{Paging, contact, part, query, time};
use crate::domain::change::{Change, ChangeId, Effect, Ord, Terms};
use crate::domain::contact::Contact;
use crate::domain::json::OwnedJson;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;
use crate::store::{ChangeState, EventFilter, EventHead, EventLine, EventQuery, EventView};

/// Which events a list shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    cursor: Option<String>,
    limit: Option<String>,
    source: Option<String>,
    rule: Option<String>,
    intent: Option<String>,
    connection: Option<String>,
    contact: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    faulty: bool,
}

/// `GET /api/v1/events`: newest first.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let list: List = query(&request, &shared)?;
    let paging = Paging::of(list.limit.as_deref(), list.cursor.as_deref())?;
    if list.connection.is_some() && list.contact.is_none() {
        return Err(Problem::Call("connection: goes with `contact`".to_owned()));
    }
    let contact = contact::asked_for(list.connection.as_deref(), list.contact.as_deref())?;
    let filter = EventFilter {
        source: source(list.source.as_deref())?,
        rule: list.rule,
        intent: list.intent,
        contacts: contact.map(|contact| vec![contact.key()]),
        since: time("since", list.since.as_deref())?,
        until: time("until", list.until.as_deref())?,
        faulty: list.faulty,
    };
    let query = EventQuery { before: paging.before()?.map(Ord), filter, limit: paging.limit };
    let page = shared.gateway.store.reader().events(query).await?;
    let items: Vec<Value> = page.items.iter().map(line).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}

/// The name of a source in a call.
pub(super) fn source(text: Option<&str>) -> Result<Option<SourceName>, Problem> {
    text.map(SourceName::parse).transpose().map_err(|error| Problem::Call(format!("source: {error}")))
}

/// `GET /api/v1/events/{id}`: one event with its verdicts, changes, deliveries and attempts.
pub async fn one(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let ord = Ord(part(&request, "id", "event")?);
    let view = shared.gateway.store.reader().event(ord).await?;
    let view =
        view.ok_or_else(|| Problem::NotFound("there is no event of this id, or its retention has ended".to_owned()))?;
    Ok(HttpResponse::Ok().json(whole(&view)))
}

fn line(line: &EventLine) -> Value {
    summary(line.ord, line.accepted_at, &line.head)
}

fn summary(ord: Ord, accepted_at: Timestamp, head: &EventHead) -> Value {
    json!({
        "id": ord.to_string(),
        "source": head.source,
        "received_at": head.received_at.to_string(),
        "accepted_at": accepted_at.to_string(),
        "type": head.kind,
        "intent": head.intent,
        "language": head.language,
        "key": head.key,
        "rule_set": head.rule_set,
        "rules": head.rules,
        "echo": head.is_echo(),
        "contacts": contacts(head),
        "tags_changed": head.tags_changed.iter().map(named).collect::<Vec<_>>(),
        "faults": head.faults,
        "replay_of": head.replay_of.map(|of| of.to_string()),
        "note": head.note,
        "forgotten": head.is_forgotten(),
    })
}

/// Whom its changes are about, each once, in the order of the changes.
fn contacts(head: &EventHead) -> Vec<Value> {
    let mut seen: Vec<&Contact> = Vec::new();
    for change in &head.changes {
        if !seen.contains(&&change.contact) {
            seen.push(&change.contact);
        }
    }
    seen.into_iter().map(named).collect()
}

fn named(contact: &Contact) -> Value {
    json!({ "connection": contact.connection, "contact": contact.reference.to_string() })
}

fn whole(view: &EventView) -> Value {
    let record = &view.record;
    let mut event = summary(record.ord, record.accepted_at, &record.head);
    event["faulty"] = view.faulty.into();
    event["changes"] = view.changes.iter().map(change).collect();
    event["deliveries"] = view.deliveries.iter().map(delivery).collect();
    event["duplicates"] = view.duplicates.iter().map(duplicate).collect();
    event["reply"] = text_or_json(&view.record.reply);
    event["body"] = text_or_json(&view.record.body);
    event["query"] = pairs(&view.record.head.query);
    event["headers"] = pairs(&view.record.head.headers);
    event
}

fn change(state: &ChangeState) -> Value {
    let mut change = wanted(state.id, &state.change);
    change["state"] = state.state.into();
    change["reason"] = state.reason.as_str().into();
    change["delivery"] = state.delivery.into();
    change["next_try"] = state.retry.as_ref().map(|retry| retry.at.to_string()).into();
    change["tries"] = state.retry.as_ref().map(|retry| retry.tries).into();
    change
}

/// What a change wants, of whom, and why.
pub(super) fn wanted(id: ChangeId, change: &Change) -> Value {
    let effect = &change.effect;
    json!({
        "id": id.to_string(),
        "rule": change.rule,
        "connection": change.contact.connection,
        "contact": change.contact.reference.to_string(),
        "wanted": effect.word(),
        "tag": effect.tag(),
        "field": field(effect),
        "value": value(effect),
        "if_tagged": change.guard.if_tagged,
        "unless_tagged": change.guard.unless_tagged,
        "terms": change.terms.as_deref().and_then(|terms| Terms { whence: None, ..terms.clone() }.boxed()),
    })
}

pub(super) fn delivery(delivery: &crate::store::Delivery) -> Value {
    let settled = delivery.settled.iter().map(|done| {
        let effect = &done.change.effect;
        json!({ "change": done.id.to_string(), "rule": done.change.rule, "wanted": effect.word(), "tag": effect.tag(),
                "field": field(effect), "cause": done.cause, "state": done.how.word(), "reason": done.reason })
    });
    json!({
        "id": delivery.id,
        "at": delivery.at.to_string(),
        "connection": delivery.connection,
        "contact": delivery.contact,
        "settled": settled.collect::<Vec<_>>(),
        "for": delivery.made_for.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attempts": delivery.attempts,
        "next_try": delivery.retry.as_ref().map(|retry| retry.at.to_string()),
    })
}

/// The field that a `set` is about.
pub(super) fn field(effect: &Effect) -> Option<&str> {
    matches!(effect, Effect::Set { .. }).then(|| effect.subject())
}

/// What a `set` writes, or what a forward sends.
pub(super) fn value(effect: &Effect) -> Option<&OwnedJson> {
    match effect {
        Effect::Set { value, .. } => Some(value),
        Effect::Forward { body } => Some(body),
        Effect::AddTag(_) | Effect::RemoveTag(_) => None,
    }
}

fn duplicate((at, differs): &(Timestamp, bool)) -> Value {
    json!({ "at": at.to_string(), "differs": differs })
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| json!([name, value])).collect()
}

/// JSON as JSON, so that it can be read; anything else as text.
pub(super) fn text_or_json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
}
