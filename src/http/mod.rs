//! The addresses of the gateway. Handlers are thin: they parse, call a flow, and show.

mod answers;
mod api;
mod health;
mod intake;
mod problem;
mod refusals;
mod server;
mod token;

use std::sync::Arc;

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, web};

use crate::flow::gateway::Gateway;
use problem::Problem;
pub use refusals::Refusals;
pub use server::{Server, serve};
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

/// Every address on one screen.
fn routes(app: &mut web::ServiceConfig) {
    // A scope, since its prefix is compared as it stands: a `{source}` here would be a regular expression for each request.
    app.service(web::scope("/hooks").default_service(web::to(intake::hook)))
        .service(shows("/healthz", health::alive).route(web::head().to(health::alive)))
        .service(shows("/readyz", health::ready).route(web::head().to(health::ready)))
        .service(shows("/metrics", health::metrics))
        .service(
            web::scope("/api/v1")
                .service(shows("/events", api::events::list))
                .service(acts("/events/replay", api::replay::many))
                .service(shows("/events/{id}", api::events::one))
                .service(acts("/events/{id}/replay", api::replay::one))
                .service(acts("/events/{id}/dismiss", api::replay::dismiss))
                .service(shows("/deliveries", api::deliveries::list))
                .service(shows("/dead-letters", api::dead_letters::list))
                .service(acts("/dead-letters/retry", api::dead_letters::retry_many))
                .service(acts("/dead-letters/discard", api::dead_letters::discard_many))
                .service(shows("/dead-letters/{id}", api::dead_letters::one))
                .service(acts("/dead-letters/{id}/retry", api::dead_letters::retry))
                .service(acts("/dead-letters/{id}/discard", api::dead_letters::discard))
                .service(shows("/connections", api::connections::list))
                .service(acts("/connections/{name}/retry", api::connections::retry))
                .service(shows("/contacts", api::contacts::list))
                .service(shows("/contacts/{connection}/{id}", api::contacts::one))
                .service(acts("/contacts/{connection}/{id}/tags", api::contacts::tags))
                .service(acts("/contacts/{connection}/{id}/forget", api::contacts::forget))
                .service(shows("/rules", api::rules::list))
                .service(acts("/evaluate", api::rules::evaluate))
                .service(acts("/backup", api::backup::copy))
                .service(shows("/refusals", api::refusals::list)),
        )
        .default_service(web::to(api::nowhere));
}

/// An address that takes `GET`.
fn shows<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler)).default_service(web::to(async || other_method("GET")))
}

/// An address that takes `POST`.
fn acts<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::post().to(handler)).default_service(web::to(async || other_method("POST")))
}

fn other_method(allow: &'static str) -> HttpResponse {
    Problem::Method { allow }.error_response()
}
