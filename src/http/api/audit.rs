//! Audits: whether the tags at a provider are still what we brought about.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{LARGEST_PAGE, PAGE, asked, contact, contacts};
use crate::domain::contact::{ContactKey, ContactRef};
use crate::flow::audit::{self, Asked, Audited, Finding, Found, NotAudited, Page, State};

/// What is to be audited.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    cursor: Option<String>,
    limit: Option<usize>,
    contact: Option<String>,
    #[serde(default)]
    repair: bool,
    #[serde(default)]
    all: bool,
    note: Option<String>,
}

/// `POST /api/v1/connections/{name}/audit`: reads the next contacts, and tells what isn't as our last words want it. Without `repair`
/// it only looks.
pub async fn page(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit_to_look(&request)?;
    let call: Call = asked(&request, &body)?;
    if call.repair {
        shared.tokens.admit(&request)?;
    }
    if call.note.is_some() && !call.repair {
        return Err(Problem::Call("body: note: goes with `repair`".to_owned()));
    }
    let connection = contact::known_connection(&shared, request.match_info().get("name").unwrap_or_default()).await?;
    let limit = Some(call.limit.unwrap_or(PAGE)).filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let limit = limit.ok_or_else(|| Problem::Call(format!("body: limit: expected 1 to {LARGEST_PAGE}")))?;
    let key = |text: &String| hex::decode(text).ok().filter(|bytes| bytes.len() == 16);
    let wrong = || Problem::Call("body: cursor: expected what `next` gave".to_owned());
    let after = call.cursor.as_ref().map(|text| key(text).ok_or_else(wrong)).transpose()?;
    let person = contact::asked_for(Some(connection.as_str()), call.contact.as_deref())?;
    if person.as_ref().is_some_and(|person| matches!(person.reference, ContactRef::Stream { .. })) {
        return Err(Problem::Call("body: contact: a stream is no person".to_owned()));
    }
    let asked = Asked {
        connection,
        contact: person.map(|person| person.reference),
        after: after.map(|bytes| ContactKey::from_hash(&bytes)),
        limit,
        repair: call.repair,
        note: call.note.unwrap_or_default(),
    };
    let page = audit::page(&shared.gateway, &asked).await?;
    Ok(HttpResponse::Ok().json(shown(&asked, &page, call.all)))
}

/// Contacts that are as we left them are counted and not listed, unless all are asked for.
fn shown(asked: &Asked, page: &Page, all: bool) -> Value {
    let count = |state: State| page.items.iter().filter(|one| one.state == state).count();
    let items = page.items.iter().filter(|one| all || one.state != State::Clean);
    json!({
        "connection": asked.connection,
        "items": items.map(|one| item(one, all)).collect::<Vec<_>>(),
        "next": page.next.map(|key| hex::encode(key.0)),
        "read": page.items.iter().filter(|one| one.at.is_some()).count(),
        "clean": count(State::Clean),
        "drifted": count(State::Drifted),
        "explained": count(State::Explained),
        "lost": count(State::Lost),
        "unread": count(State::Unread),
        "unreadable": count(State::Unreadable),
        "repaired": page.items.iter().filter(|one| one.repaired.is_some()).count(),
        "not_by_us": page.items.iter().map(|one| one.strange.len()).sum::<usize>(),
        "waits": page.waits.as_ref().map(|waits| {
            json!({ "until": waits.until.map(|until| until.to_string()), "reason": waits.reason })
        }),
        "stopped": page.stopped.as_ref().map(|stopped| json!({ "state": stopped.word, "reason": stopped.reason })),
    })
}

fn item(one: &Audited, all: bool) -> Value {
    let mut item = json!({
        "contact": one.contact.reference.to_string(),
        "known_as": one.known_as.iter().map(|known| known.reference.to_string()).collect::<Vec<_>>(),
        "state": one.state.word(),
        "at": one.at.map(|at| at.to_string()),
        "findings": one.findings.iter().map(|found| finding(one, found)).collect::<Vec<_>>(),
        "waiting": one.waiting,
        "repaired_by": one.repaired.as_ref().map(|repair| repair.event.to_string()),
    });
    if !one.reason.is_empty() {
        item["reason"] = one.reason.as_str().into();
    }
    if all {
        item["not_by_us"] = json!(one.strange);
    }
    item
}

/// The word on the tag as a contact shows it, with what is found.
fn finding(one: &Audited, finding: &Finding) -> Value {
    let mut shown = contacts::word(&finding.blame);
    let wants = finding.blame.word.wants;
    shown["tag"] = json!(finding.tag);
    shown["wanted"] = if wants { "add" } else { "remove" }.into();
    shown["found"] = finding.found.word().into();
    shown["reason"] = reason(finding, wants).into();
    let repair = one.repaired.as_ref().filter(|repair| repair.tags.contains(&finding.tag));
    shown["repaired_by"] = json!(repair.map(|repair| repair.event.to_string()));
    shown
}

fn reason(finding: &Finding, wants: bool) -> String {
    let is = if wants { "missing" } else { "there again" };
    match finding.found {
        Found::Drifted => format!("{is}: changed by another hand since"),
        Found::Waits(id) => format!("change {id} waits or is under way for it"),
        Found::Dead(id) => format!("never done: dead letter {id} waits for a person"),
        Found::Discarded => "never done: its dead letter was ended by a person".to_owned(),
        Found::Guarded => {
            let by = finding.forbidden_by.as_ref().map_or("", |tag| tag.as_str());
            format!("{is}: not asked for again, since `unless_tagged` forbids it: the contact has {by:?}")
        }
        Found::Unproven => format!("{is}: with `missing_tags: skip` the provider may have passed it over"),
    }
}

impl From<NotAudited> for Problem {
    fn from(why: NotAudited) -> Self {
        match why {
            NotAudited::Store(error) => error.into(),
            why => Self::NotFound(why.to_string()),
        }
    }
}
