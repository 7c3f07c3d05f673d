//! Contacts: the last word on each tag, whose it is, and what is still to come.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Shared, problem::Problem};
use super::{Paging, asked, contact, dead_letters, events, query};
use crate::clock;
use crate::domain::change::{Change, ChangeId};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::known::KnownTags;
use crate::domain::tag::TagName;
use crate::flow::by_hand::{self, Asked, NotAsked};
use crate::flow::fold::overtaken;
use crate::flow::{forget, standings};
use crate::store::{Blame, ContactQuery, ContactRecord, ContactView, Forgotten, Timer};

/// Which contacts a list shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    cursor: Option<String>,
    limit: Option<String>,
    connection: Option<String>,
    #[serde(default)]
    waiting: bool,
    #[serde(default)]
    dead: bool,
}

/// `GET /api/v1/contacts`: those that something was settled for, or (`waiting=true`) that wait at a connection.
pub async fn list(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let list: List = query(&request, &shared)?;
    let paging = Paging::of(list.limit.as_deref(), list.cursor.as_deref())?;
    let wrong = || Problem::Call("cursor: expected what `next` gave".to_owned());
    let after = paging.cursor.map(|text| hex::decode(text).map_err(|_| wrong())).transpose()?;
    let after = after.map(|bytes| ContactKey::from_hash(&bytes));
    if list.waiting {
        if list.dead {
            return Err(Problem::Call("query: `waiting` and `dead` are two lists".to_owned()));
        }
        let connection = list.connection.as_deref();
        let connection = connection.ok_or_else(|| Problem::Call("waiting: `connection` says where".to_owned()))?;
        let connection = contact::told_connection(&shared, connection).await?;
        return waiting(&shared, &connection, after, paging.limit).await;
    }
    let query = ContactQuery { after, connection: list.connection, dead: list.dead, limit: paging.limit };
    let page = shared.gateway.store.reader().contacts(query).await?;
    let items: Vec<Value> = page.items.iter().map(|record| short(record, 0)).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": page.next })))
}

async fn waiting(
    shared: &Shared,
    connection: &crate::domain::name::ConnectionName,
    after: Option<ContactKey>,
    limit: usize,
) -> Result<HttpResponse, Problem> {
    let store = &shared.gateway.store;
    let all = store.waiting_anywhere(connection.clone()).await?;
    let mut keys: Vec<ContactKey> = all.into_iter().map(|one| one.key).filter(|key| after < Some(*key)).collect();
    keys.sort_unstable();
    let more = keys.len() > limit;
    keys.truncate(limit);
    let mut items = Vec::new();
    for key in &keys {
        let taken = store.look(*key).await?;
        let Some(contact) = taken.contact else { continue };
        let record = store.reader().contact_record(*key).await?;
        let record = record.unwrap_or(ContactRecord { contact, tags: Vec::new(), at: None, dead: 0 });
        items.push(short(&record, taken.changes.len()));
    }
    let next = keys.last().filter(|_| more).map(|key| hex::encode(key.0));
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

fn short(record: &ContactRecord, waiting: usize) -> Value {
    json!({
        "connection": record.contact.connection,
        "contact": record.contact.reference.to_string(),
        "tags": record.tags,
        "at": record.at.map(|at| at.to_string()),
        "waiting": waiting,
        "dead": record.dead,
    })
}

/// `GET /api/v1/contacts/{connection}/{id}`: each tag with the last word on it and how it came to be.
pub async fn one(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let asked = contact::shown_at(&shared, &path).await?;
    let view = shared.gateway.store.reader().contact(asked).await?;
    let (mut waits, mut more) = (Vec::new(), false);
    let (mut retry, mut judged) = (None, BTreeMap::new());
    for contact in &view.known_as {
        let taken = shared.gateway.look(contact).await?;
        judged.extend(taken.past.judged.into_iter().map(|(id, judged)| (id, judged.holds)));
        waits.extend(taken.changes);
        more |= taken.more;
        retry = retry.or(taken.retry);
    }
    waits.sort_by_key(|(id, _)| *id);
    let waiting: BTreeSet<TagName> = waits.iter().filter_map(|(_, change)| change.effect.tag().cloned()).collect();
    let flaps = flaps(&shared, &view, &waiting);
    let known = known(&shared, &view);
    let shown = |(tag, blame): &(TagName, Blame)| tag_of(tag, blame, &known, waiting.contains(tag));
    let mut tags: Vec<Value> = view.tags.iter().map(shown).collect();
    let words = |tag: &&TagName| view.tags.iter().all(|(word, _)| word != *tag);
    let strange = known.iter().flat_map(KnownTags::present).filter(words);
    tags.extend(strange.map(|tag| json!({ "tag": tag, "state": NOT_BY_US, "known": true })));
    let (path_connection, path_id) = path.into_inner();
    let lane = standings::serving(&shared.gateway, &path_connection, &view.known_as).await;
    let lane = lane.as_ref();
    let accounts = shared.gateway.deliveries.accounts();
    let is_trial =
        accounts.iter().any(|account| account.config.name.as_str() == path_connection && account.config.dry_run);
    Ok(HttpResponse::Ok().json(json!({
        "connection": path_connection,
        "owner": owner(&shared, &view).await?,
        "dry_run": is_trial,
        "connection_state": lane.map(|lane| lane.state),
        "connection_reason": lane.and_then(|lane| lane.reason.as_deref()),
        "connection_held_until": lane.and_then(|lane| lane.allowance?.held_until).map(|until| until.to_string()),
        "id": path_id,
        "known_as": view.known_as.iter().map(|contact| contact.reference.to_string()).collect::<Vec<_>>(),
        "tags": tags,
        "fields": view.fields.iter().map(|(field, blame)| field_of(field, blame)).collect::<Vec<_>>(),
        "waiting": waiting_of(&waits, &view, &judged),
        "more_waiting": more,
        "next_try": retry.as_ref().map(|retry| retry.at.to_string()),
        "tries": retry.as_ref().map(|retry| retry.tries),
        "next_look": lane.and_then(|lane| lane.probe_at).map(|at| at.to_string()),
        "flaps": flaps,
        "failing": retry.map(|retry| retry.reason),
        "timers": view.timers.iter().map(timer).collect::<Vec<_>>(),
        "dead_letters": view.letters.iter().map(dead_letters::shown).collect::<Vec<_>>(),
        "more_dead_letters": view.more_letters,
    })))
}

/// The gateway that delivers for the contact, where several share the database: it alone knows what the provider has, and what flaps.
async fn owner(shared: &Shared, view: &ContactView) -> Result<Option<Value>, Problem> {
    let reader = shared.gateway.store.reader();
    let Some(contact) = standings::called_for(&view.known_as) else { return Ok(None) };
    let Some(owner) = reader.owner(contact.key()).await? else { return Ok(None) };
    let peers = reader.peers().await?;
    Ok(peers.iter().find(|peer| peer.id == owner).map(|peer| json!({ "name": peer.name, "this": peer.this })))
}

/// What waits; what of it a later change has overtaken, and of what has guards whether they let it through, as far as they were judged.
fn waiting_of(waits: &[(ChangeId, Change)], view: &ContactView, judged: &BTreeMap<ChangeId, bool>) -> Vec<Value> {
    let settled = |id: ChangeId, change: &Change| {
        let on_tag = view.tags.iter().find(|(tag, _)| change.effect.tag() == Some(tag)).map(|(_, blame)| blame);
        let on_field = || view.fields.iter().find(|(field, _)| events::field(&change.effect) == Some(field));
        let blame = on_tag.or_else(|| on_field().map(|(_, blame)| blame));
        blame.map(|blame| &blame.word).filter(|word| word.beats(id)).map(|word| word.id)
    };
    let overtaken = overtaken(waits, settled);
    let shown = |(id, change): &(ChangeId, Change)| {
        let mut shown = events::wanted(*id, change);
        shown["overtaken_by"] = json!(overtaken.get(id).map(ToString::to_string));
        shown["guards_hold"] = json!(judged.get(id));
        shown
    };
    waits.iter().map(shown).collect()
}

/// Tags that wait since they flap: their changes overtake the calls.
fn flaps(shared: &Shared, view: &ContactView, waiting: &BTreeSet<TagName>) -> Vec<Value> {
    let now = clock::now();
    let until = |tag| view.known_as.iter().find_map(|contact| shared.gateway.resting(contact, tag, now));
    let each = waiting.iter().filter_map(|tag| Some((tag, until(tag)?)));
    each.map(|(tag, until)| json!({ "tag": tag, "until": until.to_string() })).collect()
}

/// The state of a tag that is there, or isn't, by another hand.
const NOT_BY_US: &str = "not by us";

/// What is known of the contact's tags without a call, be it told by calls or by news.
fn known(shared: &Shared, view: &ContactView) -> Vec<KnownTags> {
    let now = clock::now();
    let words = || view.tags.iter().map(|(tag, blame)| (tag, &blame.word)).filter(|(_, word)| word.how.took());
    let words = || words().map(|(tag, word)| (tag, word.wants, word.at));
    let all = view.known_as.iter();
    all.filter_map(|contact| shared.gateway.last_known(contact, words(), now)).collect()
}

fn tag_of(tag: &TagName, blame: &Blame, known: &[KnownTags], waits: bool) -> Value {
    let mut shown = word(blame);
    let known = known.iter().find_map(|known| known.get(tag));
    shown["tag"] = json!(tag);
    shown["wanted"] = if blame.word.wants { "add" } else { "remove" }.into();
    shown["known"] = json!(known);
    // What we brought about is otherwise now: another hand did that. While a change waits, it may be the call under way.
    if blame.word.how.took() && !waits && known.is_some_and(|known| known != blame.word.wants) {
        shown["our_state"] = shown["state"].take();
        shown["state"] = NOT_BY_US.into();
    }
    shown
}

fn field_of(field: &str, blame: &Blame) -> Value {
    let mut shown = word(blame);
    shown["field"] = field.into();
    shown
}

/// A last word with how it came to be.
pub(super) fn word(blame: &Blame) -> Value {
    let word = &blame.word;
    json!({
        "state": word.how.word(),
        "event": word.id.ord.to_string(),
        "change": word.id.to_string(),
        "source": blame.source,
        "rule": word.rule,
        "rule_set": blame.rule_set,
        "note": blame.note,
        "reason": blame.reason,
        "at": word.at.to_string(),
        "delivery": word.delivery,
        "attempt": blame.attempt,
    })
}

fn timer(timer: &Timer) -> Value {
    json!({ "due": timer.due.to_string(), "tag": timer.remove.effect.tag(), "rule": timer.remove.rule,
            "set_by": timer.add.to_string() })
}

/// Tags that are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tags {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
    note: Option<String>,
}

/// `POST /api/v1/contacts/{connection}/{id}/tags` with `{"add":[..],"remove":[..],"note":".."}`: an event like any other.
pub async fn tags(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let contact: Contact = contact::at(&shared, &path).await?;
    let Tags { add, remove, note } = asked(&request, &body)?;
    let names = |list: Vec<String>| {
        let name =
            |text: String| TagName::parse(&text).ok_or_else(|| Problem::Call("body: a tag has no name".to_owned()));
        list.into_iter().map(name).collect::<Result<Vec<_>, _>>()
    };
    let asked = Asked { contact, add: names(add)?, remove: names(remove)?, note: note.unwrap_or_default() };
    let ord = by_hand::tags(&shared.gateway, asked, &body).await?;
    Ok(HttpResponse::Ok().json(json!({ "event": ord.to_string() })))
}

/// `POST /api/v1/contacts/{connection}/{id}/forget`: erases all that names the person here. The rules may have lost the connection.
pub async fn forget(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let (connection, reference) = path.into_inner();
    let asked = contact::asked_for(Some(&connection), Some(&reference))?;
    let asked = asked.ok_or_else(|| Problem::Call("expected a contact".to_owned()))?;
    let erased = forget::forget(&shared.gateway, asked).await?;
    if erased == Forgotten::default() {
        contact::known_connection(&shared, &connection).await?;
    }
    Ok(HttpResponse::Ok().json(json!({ "erased": erased })))
}

impl From<NotAsked> for Problem {
    fn from(why: NotAsked) -> Self {
        match why {
            NotAsked::NoConnection => Self::NotFound(why.to_string()),
            NotAsked::Store(error) => error.into(),
            why => Self::Call(format!("body: {why}")),
        }
    }
}
