//! The addresses of the gateway. Handlers are thin: they parse, call a flow, and show.

mod api;
mod health;
mod intake;
mod problem;
mod refusals;
mod token;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use crate::flow::gateway::Gateway;
pub use refusals::Refusals;
pub use token::Tokens;

/// What the handlers share.
pub struct Shared {
    /// The gateway itself.
    pub gateway: Arc<Gateway>,
    /// Who may look and act.
    pub tokens: Tokens,
    /// Requests that were refused lately.
    pub refusals: Refusals,
    /// The largest body taken.
    pub max_body_bytes: usize,
    /// The address under which senders reach the gateway, for schemes that sign it.
    pub public_url: Option<String>,
}

/// How long a sender may take for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection stays open between requests.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// How long requests under way may take when the gateway stops.
const STOP_TIMEOUT_S: u64 = 4;

/// Serves on `listener` until the returned server's handle stops it.
pub fn serve(listener: TcpListener, shared: Shared) -> std::io::Result<Server> {
    let shared = web::Data::new(shared);
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes))
        .workers(workers())
        .backlog(2048)
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(STOP_TIMEOUT_S)
        .disable_signals();
    Ok(server.listen(listener)?.run())
}

/// One core is left to the store's writer and the deliveries; each further worker also wakes twice a second when idle.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// Every address on one screen.
fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/hooks/{source}").to(intake::hook))
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready))
        .route("/metrics", web::get().to(health::metrics))
        .service(
            web::scope("/api/v1")
                .route("/events", web::get().to(api::events::list))
                .route("/events/{id}", web::get().to(api::events::one))
                .route("/deliveries", web::get().to(api::deliveries::list))
                .route("/dead-letters", web::get().to(api::dead_letters::list))
                .route("/dead-letters/{id}", web::get().to(api::dead_letters::one))
                .route("/dead-letters/{id}/retry", web::post().to(api::dead_letters::retry))
                .route("/dead-letters/{id}/discard", web::post().to(api::dead_letters::discard))
                .route("/connections", web::get().to(api::connections::list))
                .route("/connections/{name}/retry", web::post().to(api::connections::retry))
                .route("/contacts/{connection}/{id}", web::get().to(api::contacts::one))
                .route("/rules", web::get().to(api::rules::list))
                .route("/evaluate", web::post().to(api::rules::evaluate))
                .route("/refusals", web::get().to(api::refusals::list)),
        )
        .default_service(web::to(api::nowhere));
}
