//! The intake's own threads: accept, serve, and be still when nobody calls.
//!
//! actix-web's `HttpServer` keeps a clock for the `Date` header that wakes each worker several times a second for ever. Here
//! the service that owns that clock lives only while connections are open, so an idle gateway sleeps.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App, HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, LocalSet};

use super::tls::{Handshakes, Ticket, Wire};
use super::{Shared, intake, routes};
use crate::flow::batch::Batcher;

/// How long a sender may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection stays open between requests.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// How long the service outlives its last connection, so that senders that reconnect for each request find it there.
const LINGER: Duration = Duration::from_secs(2);
/// How long requests under way may take when the gateway stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// Connections that one thread serves at once; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 16_384;
/// How long to wait when the system has no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What HTTP is spoken over, which HTTP, and with whom.
type Connection = (Wire, Protocol, Option<SocketAddr>);

/// The threads that serve.
pub struct Server {
    ended: Vec<oneshot::Receiver<()>>,
    stop: watch::Sender<bool>,
}

/// One core is left to the store's writer and the deliveries.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// Serves on `listener` until [`Server::stop`].
pub fn serve(listener: TcpListener, shared: Shared) -> io::Result<Server> {
    listener.set_nonblocking(true)?;
    let shared = web::Data::new(shared);
    let (stop, stopped) = watch::channel(false);
    let mut ended = Vec::new();
    let mut listeners: Vec<TcpListener> = (1..workers()).map(|_| listener.try_clone()).collect::<Result<_, _>>()?;
    listeners.push(listener);
    for (n, listener) in listeners.into_iter().enumerate() {
        let (end, ending) = oneshot::channel();
        let worker = Worker { listener, shared: shared.clone(), stopped: stopped.clone() };
        std::thread::Builder::new().name(format!("intake-{n}")).spawn(move || {
            if let Err(error) = worker.run() {
                tracing::error!(%error, "an intake thread could not start");
            }
            drop(end);
        })?;
        ended.push(ending);
    }
    Ok(Server { ended, stop })
}

impl Server {
    /// Takes no new connection, lets the requests under way finish, at most [`STOP_TIMEOUT`] long.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for ending in self.ended {
            let _ = ending.await;
        }
    }
}

struct Worker {
    listener: TcpListener,
    shared: web::Data<Shared>,
    stopped: watch::Receiver<bool>,
}

impl Worker {
    fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let address = self.listener.local_addr()?;
        let listener = {
            let _guard = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener)?
        };
        let make = || service(self.shared.clone(), address, self.stopped.clone());
        LocalSet::new().block_on(&runtime, accept(listener, make, &self.shared, self.stopped.clone()));
        Ok(())
    }
}

/// Accepts until told to stop; the service is made for the first connection and dropped some time after the last.
async fn accept<F, S>(
    listener: tokio::net::TcpListener,
    make: impl Fn() -> F,
    shared: &web::Data<Shared>,
    mut stopped: watch::Receiver<bool>,
) where
    F: ServiceFactory<Connection, Config = (), Service = S>,
    S: Service<Connection> + 'static,
{
    let mut service: Option<Rc<S>> = None;
    let mut open: JoinSet<()> = JoinSet::new();
    let mut handshakes = Handshakes::default();
    loop {
        tokio::select! {
            accepted = listener.accept(), if open.len() < MAX_CONNECTIONS => {
                let Ok((stream, peer)) = accepted else {
                    // No room for another file: the ones that are open must end first.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                // Answers are small and whole: waiting for more to send would only delay them.
                let _ = stream.set_nodelay(true);
                if service.is_none() {
                    service = make().new_service(()).await.ok().map(Rc::new);
                }
                let Some(service) = service.clone() else { continue };
                let handshake = shared.tls.is_some().then(|| (shared.clone(), handshakes.begin()));
                open.spawn_local(async move {
                    let Some(wire) = wire(stream, handshake).await else { return };
                    // How a connection ends is its sender's matter.
                    let _ = service.call((wire, Protocol::Http1, Some(peer))).await;
                });
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
            () = tokio::time::sleep(LINGER), if open.is_empty() && service.is_some() => service = None,
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    // Who hasn't asked for anything yet isn't waited for.
    handshakes.end();
    let finished = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIMEOUT, finished).await.is_err() {
        tracing::warn!("requests were still under way at the end; their senders got no answer");
    }
}

/// Secures a connection where the gateway has a certificate; `None` where it came to nothing.
async fn wire(stream: TcpStream, handshake: Option<(web::Data<Shared>, Ticket)>) -> Option<Wire> {
    let Some((shared, ticket)) = handshake else { return Some(Wire::Plain(stream)) };
    let secured = shared.tls.as_ref()?.secure(stream, ticket, &shared.gateway.metrics).await;
    secured.map(|stream| Wire::Secure(Box::new(stream)))
}

fn service(
    shared: web::Data<Shared>,
    address: SocketAddr,
    stopped: watch::Receiver<bool>,
) -> impl ServiceFactory<Connection, Config = (), Response = (), Service = impl Service<Connection> + 'static> {
    let batcher = Batcher::new(shared.gateway.store.clone());
    let app = App::new().app_data(shared.clone()).app_data(Rc::clone(&batcher)).configure(routes).into_factory();
    let app = map_config(app, |()| AppConfig::default());
    let app = apply_fn_factory(app, move |mut request: Request, app: &_| -> LocalBoxFuture<'static, _> {
        if intake::named(request.head()).is_none() {
            let answer = Service::call(app, request);
            return Box::pin(async { answer.await.map(|answer| Response::from(HttpResponse::from(answer))) });
        }
        // These don't go through the router, which would cost more than to decide them.
        let (shared, batcher) = (shared.clone(), Rc::clone(&batcher));
        Box::pin(async move {
            let payload = request.take_payload();
            let name = intake::named(request.head()).unwrap_or_default();
            Ok(Response::from(intake::answer(request.head(), name, payload, &shared, &batcher).await))
        })
    });
    let app = app.map_err(|error: actix_web::Error| error.error_response());
    HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .local_addr(address)
        .graceful_shutdown_signal(move || {
            let mut stopped = stopped.clone();
            async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            }
        })
        .finish(app)
}
