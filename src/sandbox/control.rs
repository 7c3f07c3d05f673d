//! `/_sandbox/`: what a person or a test sees of the sandbox and does to it.

use std::sync::Mutex;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::b2chat;
use super::place::Place;
use super::state::{State, lock};
use crate::clock;

/// Every address below `/_sandbox`.
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource(["/", "/_sandbox", "/_sandbox/"]).get(index))
        .service(web::resource("/_sandbox/contacts").get(contacts))
        .service(web::resource("/_sandbox/contacts/{provider}/{id}").get(contact).post(edit).delete(lose))
        .service(web::resource("/_sandbox/b2chat").get(b2chat_account).post(edit_b2chat))
        .service(web::resource("/_sandbox/calls").get(calls).delete(forget_calls))
        .service(web::resource("/_sandbox/faults").get(faults).post(add_faults).delete(clear_faults));
}

type Shared = web::Data<Mutex<State>>;

async fn index() -> HttpResponse {
    let fault = json!({ "faults": [{ "kind": "status", "status": 503, "times": 3 }] });
    let providers: Map<_, _> =
        Place::ALL.map(|place| (place.name().to_owned(), json!(place.base()))).into_iter().collect();
    HttpResponse::Ok().json(json!({
        "providers": providers,
        "addresses": {
            "GET /_sandbox/contacts": "every contact with its tags; ?id= for one",
            "GET /_sandbox/contacts/{provider}/{id}": "all there is about a contact",
            "POST /_sandbox/contacts/{provider}/{id}": "sets a contact's tags by hand: {\"tags\":[\"Lead\"]}",
            "DELETE /_sandbox/contacts/{provider}/{id}": "the contact is lost: nobody has its id from now on",
            "GET /_sandbox/b2chat": "the B2Chat account's tags with their states, and how its tokens stand",
            "POST /_sandbox/b2chat": "edits them: {\"tags\":{\"Lead\":\"ACTIVE\"},\"token_seconds\":90,\"end_tokens\":true}",
            "GET /_sandbox/calls": "the calls that came in, oldest first; ?since=N for those after number N",
            "DELETE /_sandbox/calls": "forgets them",
            "GET /_sandbox/faults": "what goes wrong on purpose, with the times that are left",
            "POST /_sandbox/faults": "adds faults",
            "DELETE /_sandbox/faults": "all is well again",
        },
        "faults": {
            "kinds": "status, rate, throttle, timeout, reset, ghost, truncate, drip, foreign, echo, slow, shape, mixed",
            "keys": "status, retry_after, millis, shape (whole, data, tags, texts, empty, no_content)",
            "whom": "times, share with seed, provider, method, contact (for webhooks the connection), carries (a tag, a field)",
            "example": fault,
        },
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichContacts {
    id: Option<String>,
}

async fn contacts(state: Shared, which: web::Query<WhichContacts>) -> HttpResponse {
    let state = lock(&state);
    let at = |place| Some((Place::name(place).to_owned(), json!(state.contacts(place, which.id.as_deref())?)));
    HttpResponse::Ok().json(Place::ALL.into_iter().filter_map(at).collect::<Map<_, _>>())
}

async fn contact(state: Shared, path: web::Path<(String, String)>) -> HttpResponse {
    let (provider, id) = path.into_inner();
    match Place::named(&provider).and_then(|place| lock(&state).contact(place, &id)) {
        Some(contact) => HttpResponse::Ok().json(contact),
        None => HttpResponse::NotFound().json(json!({ "error": format!("no contact {id:?} at {provider:?}") })),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    tags: Vec<String>,
}

async fn edit(state: Shared, path: web::Path<(String, String)>, body: Bytes) -> HttpResponse {
    let (provider, id) = path.into_inner();
    let edited = serde_json::from_slice::<Edit>(&body)
        .map_err(|e| e.to_string())
        .and_then(|edit| lock(&state).set_tags(Place::known(&provider)?, &id, &edit.tags));
    respond(edited)
}

async fn lose(state: Shared, path: web::Path<(String, String)>) -> HttpResponse {
    let (provider, id) = path.into_inner();
    match Place::known(&provider).and_then(|place| lock(&state).lose(place, &id)) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => respond(Err(error)),
    }
}

async fn b2chat_account(state: Shared) -> HttpResponse {
    HttpResponse::Ok().json(lock(&state).b2chat.shown(clock::now()))
}

async fn edit_b2chat(state: Shared, body: Bytes) -> HttpResponse {
    let edited = serde_json::from_slice::<b2chat::Edit>(&body)
        .map_err(|e| e.to_string())
        .map(|edit| lock(&state).b2chat.edit(edit, clock::now()));
    respond(edited)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichCalls {
    #[serde(default)]
    since: u64,
}

async fn calls(state: Shared, which: web::Query<WhichCalls>) -> HttpResponse {
    let state = lock(&state);
    HttpResponse::Ok().json(json!({ "calls": state.calls.since(which.since), "last": state.calls.last() }))
}

async fn forget_calls(state: Shared) -> HttpResponse {
    lock(&state).calls.clear();
    HttpResponse::NoContent().finish()
}

async fn faults(state: Shared) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "faults": lock(&state).faults.list() }))
}

async fn add_faults(state: Shared, body: Bytes) -> HttpResponse {
    let mut state = lock(&state);
    let added = state.faults.add(&body).map(|()| json!({ "faults": state.faults.list() }));
    respond(added)
}

async fn clear_faults(state: Shared) -> HttpResponse {
    lock(&state).faults.clear();
    HttpResponse::NoContent().finish()
}

fn respond(answer: Result<Value, String>) -> HttpResponse {
    match answer {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error })),
    }
}
