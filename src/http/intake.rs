//! `/hooks/{source}`: from an HTTP request to a plain one, and back to an answer.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::{Payload, RequestHead};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::caller::Caller;
use super::problem::Problem;
use super::refusals::Refused;
use super::{Shared, answers};
use crate::clock;
use crate::domain::request::{Fields, Request};
use crate::domain::source::SourceKind;
use crate::domain::time::Timestamp;
use crate::flow::batch::Batcher;
use crate::flow::receive::{NotTaken, receive};
use crate::flow::ruleset::RuleSet;
use crate::sources::{self, Refusal};

/// The most that a request's headers may take; real senders use one or two thousand bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long a sender may take for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the address of a webhook begins with.
const HOOKS: &str = "/hooks/";

/// The source that a request names, where its address is written as it always is. No name of a source holds a `/`, so a longer
/// address names none.
pub fn named(head: &RequestHead) -> Option<&str> {
    head.uri.path().strip_prefix(HOOKS).filter(|name| !name.contains('%'))
}

/// Takes a webhook whose address is written otherwise; the router has read it.
pub async fn hook(request: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    let Some(batcher) = request.app_data::<Rc<Batcher>>() else { return Problem::Unavailable.error_response() };
    let name = request.match_info().unprocessed().strip_prefix('/').unwrap_or_default();
    answer(request.head(), name, payload.into_inner(), &shared, batcher).await
}

/// Takes a webhook of the source of this name.
pub async fn answer(
    head: &RequestHead,
    name: &str,
    payload: Payload,
    shared: &Shared,
    batcher: &Rc<Batcher>,
) -> HttpResponse {
    let now = clock::now();
    // Once: who may call and what follows belong to one set.
    let rules = shared.gateway.rules();
    let caller = Caller::of(head, shared);
    match take(head, name, payload, shared, batcher, &rules, &caller, now).await {
        Ok(response) => response,
        Err(refusing) => refuse(name, shared, &rules, &caller, now, *refusing.0),
    }
}

/// A problem, and what the operator may know of it; boxed, since nearly no request has one.
struct Refusing(Box<(Problem, String)>);

#[expect(clippy::too_many_arguments, reason = "the request, who shares in it, and what was found out of it, once each")]
async fn take(
    head: &RequestHead,
    name: &str,
    payload: Payload,
    shared: &Shared,
    batcher: &Rc<Batcher>,
    rules: &RuleSet,
    caller: &Caller,
    now: Timestamp,
) -> Result<HttpResponse, Refusing> {
    let source = rules.source(name).ok_or_else(|| plain(Problem::NotFound("no such source".to_owned())))?;
    let kind = source.config().kind;
    let allow = sources::methods(kind);
    if !allow.split(", ").any(|method| method == head.method.as_str()) {
        return Err(plain(Problem::Method { allow: allow.into() }));
    }
    check_head(kind, &head.headers)?;
    let body = read_body(&head.headers, payload, shared.max_body_bytes).await?;
    let url = caller.url(head, shared);
    let plain_request = Request {
        method: head.method.as_str(),
        url: &url,
        query: head.uri.query().unwrap_or_default(),
        headers: fields(&head.headers),
        body: &body,
        peer: caller.client,
        received_at: now,
    };
    let taken = receive(&shared.gateway, rules, batcher, source, plain_request).await.map_err(not_taken)?;
    let (content_type, answer) = answers::written(kind, taken);
    Ok(HttpResponse::build(StatusCode::OK).content_type(content_type).body(answer))
}

fn plain(problem: Problem) -> Refusing {
    let reason = problem.to_string();
    Refusing(Box::new((problem, reason)))
}

fn not_taken(error: NotTaken) -> Refusing {
    match error {
        NotTaken::Sender(refusal @ Refusal::NoKeys) => Refusing(Box::new((Problem::NoKeys, refusal.to_string()))),
        NotTaken::Sender(refusal) => Refusing(Box::new((Problem::NoProof, format!("{}: {refusal}", refusal.word())))),
        NotTaken::Body(error) => plain(Problem::Body(error)),
        NotTaken::TooMuch(much) => plain(Problem::TooMuch(much)),
        NotTaken::Store(error) => Refusing(Box::new((Problem::Unavailable, error.to_string()))),
    }
}

/// What can be refused before a byte of the body is read.
fn check_head(kind: SourceKind, headers: &HeaderMap) -> Result<(), Refusing> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEAD_BYTES {
        return Err(plain(Problem::Headers { limit: MAX_HEAD_BYTES }));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(plain(Problem::MediaType { expected: "bodies without Content-Encoding" }));
    }
    let media = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    sources::takes(kind, media).map_err(|expected| plain(Problem::MediaType { expected }))
}

async fn read_body(headers: &HeaderMap, mut payload: Payload, limit: usize) -> Result<Bytes, Refusing> {
    let too_large = || plain(Problem::TooLarge { limit });
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if told.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let read = async {
        let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
        let first = first.map_err(|_| plain(Problem::Call("the body ended early".to_owned())))?;
        if told == Some(first.len()) {
            // The common case: one piece, nothing copied.
            return Ok(first);
        }
        let mut body = BytesMut::from(first.as_ref());
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|_| plain(Problem::Call("the body ended early".to_owned())))?;
            if body.len() + piece.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(plain(Problem::Timeout)))
}

fn fields(headers: &HeaderMap) -> Fields<'_> {
    let text = |value: &actix_web::http::header::HeaderValue| match value.to_str() {
        Ok(_) => String::new(),
        Err(_) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let pairs = headers.iter().map(|(name, value)| {
        let value = value.to_str().map_or_else(|_| Cow::Owned(text(value)), Cow::Borrowed);
        (Cow::Borrowed(name.as_str()), value)
    });
    Fields(pairs.collect())
}

fn refuse(
    name: &str,
    shared: &Shared,
    rules: &RuleSet,
    caller: &Caller,
    now: Timestamp,
    refusing: (Problem, String),
) -> HttpResponse {
    let (problem, reason) = refusing;
    let too_many = match problem {
        Problem::NoProof => shared.refusals.failed_proof(caller.counted(), now),
        _ => None,
    };
    let problem = too_many.map_or(problem, |many| Problem::TooManyProofs { retry_after: many.retry_after });
    // An address that nobody configured would let a stranger write labels and log lines of any length.
    let known = rules.source(name).map_or("unknown", |source| source.config().name.as_str());
    let (word, client) = (problem.word(), caller.shown_text());
    if too_many.is_some_and(|many| !many.begins) {
        // Whoever goes on guessing writes no more into the log; metric and list have it all.
        tracing::debug!(source = known, problem = word, client, reason, "request refused");
    } else {
        tracing::warn!(source = known, problem = word, client, reason, "request refused");
    }
    shared.gateway.metrics.refused(known, problem.word());
    let (source, peer) = (known.to_owned(), caller.shown());
    shared.refusals.keep(Refused { at: now, source, peer, problem: problem.word(), reason });
    problem.error_response()
}
