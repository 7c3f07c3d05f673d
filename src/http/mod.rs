//! The addresses of the gateway. Handlers are thin: they parse, call a flow, and show.

mod api;
mod health;
mod intake;
mod problem;
mod refusals;
mod server;
mod token;

use std::sync::Arc;

use actix_web::web;

use crate::flow::gateway::Gateway;
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
