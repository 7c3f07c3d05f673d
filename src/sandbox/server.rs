//! The sandbox on a socket: requests in, replies out, and the ways in which a reply can fail to arrive.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::ServerHandle;
use actix_web::http::{StatusCode, header};
use actix_web::rt::time::sleep;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::control;
use super::place::Place;
use super::request::{Reply, Request};
use super::state::{Delivery, State, lock};
use crate::clock;

const MOST_BODY: usize = 256 * 1024;

/// Serves on a thread of its own and returns as soon as it does.
pub fn spawn(listener: TcpListener, state: Arc<Mutex<State>>) -> io::Result<ServerHandle> {
    let (tell, told) = mpsc::channel();
    let serve = move || {
        let system = actix_web::rt::System::new();
        let outcome = system.block_on(async move {
            let server = build(listener, state)?;
            // Nobody listens only when the starter has gone; then the server is dropped with the thread.
            let _ = tell.send(server.handle());
            server.await
        });
        if let Err(error) = outcome {
            tracing::error!(%error, "the sandbox has stopped");
        }
    };
    std::thread::Builder::new().name("sandbox".to_owned()).spawn(serve)?;
    told.recv().map_err(|_| io::Error::other("the sandbox could not be started"))
}

fn build(listener: TcpListener, state: Arc<Mutex<State>>) -> io::Result<actix_web::dev::Server> {
    let state = web::Data::from(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(web::PayloadConfig::new(MOST_BODY))
            .configure(control::routes)
            .configure(providers)
            .default_service(web::to(nowhere))
    });
    let server = server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?;
    Ok(server.run())
}

async fn nowhere() -> HttpResponse {
    HttpResponse::NotFound().json(serde_json::json!({ "error": "nothing here; GET /_sandbox/ says what there is" }))
}

fn providers(app: &mut web::ServiceConfig) {
    for place in Place::ALL {
        let base = place.base();
        app.service(
            web::resource([base.to_owned(), format!("{base}/{{below:.*}}")])
                .to(move |http, body, state| provider(place, http, body, state)),
        );
    }
}

async fn provider(place: Place, http: HttpRequest, body: Bytes, state: web::Data<Mutex<State>>) -> HttpResponse {
    let request = read(place, &http, &body);
    let answered = lock(&state).call(place, &request, clock::now());
    if !answered.delay.is_zero() {
        sleep(answered.delay).await;
    }
    match answered.delivery {
        Delivery::Whole(reply) => whole(reply, answered.retry_after),
        Delivery::Half(reply) => half(&reply),
        Delivery::Drip(reply, over) => drip(&reply, over),
        Delivery::Page => HttpResponse::Ok().content_type("text/html").body("<html><body>Welcome</body></html>"),
        Delivery::Closed => closed(),
    }
}

fn read(place: Place, http: &HttpRequest, body: &Bytes) -> Request {
    let mut headers = BTreeMap::new();
    for (name, value) in http.headers() {
        headers.insert(name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let below = http.path().strip_prefix(place.base()).unwrap_or_default();
    let query = web::Query::<BTreeMap<String, String>>::from_query(http.query_string());
    Request {
        provider: place.name(),
        method: http.method().as_str().to_owned(),
        target: http.uri().to_string(),
        segments: below.split('/').skip(1).map(unescaped).collect(),
        query: query.map(web::Query::into_inner).unwrap_or_default(),
        headers,
        body: body.to_vec(),
    }
}

/// Undoes `%2F` and the like; what isn't an escape stays.
fn unescaped(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.split_at_checked(2).filter(|_| *first == b'%');
        let byte = escape.and_then(|(digits, behind)| Some((hex::decode(digits).ok()?, behind)));
        let (byte, behind) = byte.unwrap_or((vec![*first], after));
        bytes.extend(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn whole(reply: Reply, retry_after: Option<String>) -> HttpResponse {
    let mut response = HttpResponse::build(status(&reply));
    for header in reply.headers {
        response.insert_header(header);
    }
    if let Some(retry_after) = retry_after {
        response.insert_header((header::RETRY_AFTER, retry_after));
    }
    match reply.body {
        Some(body) => response.json(body),
        None => response.finish(),
    }
}

fn status(reply: &Reply) -> StatusCode {
    StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Promises the whole body, sends half of it and closes the connection.
fn half(reply: &Reply) -> HttpResponse {
    let body = reply.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let sent = Bytes::from(body.clone().into_bytes()).slice(..body.len() / 2);
    let end = async {
        // Without a pause the server would find the end before it has written the beginning.
        sleep(Duration::from_millis(10)).await;
        Err(cut_off())
    };
    let stream = stream::iter([Ok(sent)]).chain(stream::once(end));
    let promised = body.len().max(2) as u64;
    HttpResponse::build(status(reply))
        .content_type("application/json")
        .body(SizedStream::new(promised, Box::pin(stream)))
}

/// Sends the body a byte at a time, over so long in all.
fn drip(reply: &Reply, over: Duration) -> HttpResponse {
    let body = Bytes::from(reply.body.as_ref().map_or_else(|| "{}".to_owned(), ToString::to_string));
    let (promised, pause) = (body.len() as u64, over / u32::try_from(body.len()).unwrap_or(u32::MAX));
    let bytes = stream::iter(0..body.len()).then(move |at| {
        let byte = body.slice(at..=at);
        async move {
            sleep(pause).await;
            Ok::<_, io::Error>(byte)
        }
    });
    HttpResponse::build(status(reply))
        .content_type("application/json")
        .body(SizedStream::new(promised, Box::pin(bytes)))
}

/// Closes the connection with nothing written: a body that fails before the head has left takes the connection with it.
fn closed() -> HttpResponse {
    HttpResponse::Ok().body(BodyStream::new(stream::iter([Err::<Bytes, _>(cut_off())])))
}

fn cut_off() -> io::Error {
    io::Error::other("cut off on purpose")
}
