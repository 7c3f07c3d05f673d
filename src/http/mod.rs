//! The addresses of the gateway. Handlers are thin: they parse, call a flow, and show.

mod answers;
mod api;
mod caller;
mod failures;
mod guard;
mod health;
mod intake;
mod openapi;
mod problem;
mod refusals;
mod server;
mod table;
pub mod tls;
mod token;

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, web};

use crate::domain::forwarded::TrustedProxies;
use crate::flow::gateway::Gateway;
use problem::Problem;
pub use refusals::Refusals;
pub use server::{Server, serve};
pub use tls::Tls;
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
    /// The proxies that may say who called them.
    pub trusted_proxies: TrustedProxies,
    /// The certificate; without one connections are plain.
    pub tls: Option<Tls>,
}

/// Every address on one screen.
fn routes(app: &mut web::ServiceConfig) {
    // Addresses of webhooks that are written otherwise than they always are; the others `server.rs` sees before.
    app.service(web::scope("/hooks").default_service(web::to(intake::hook)))
        .service(shows("/healthz", health::alive).route(web::head().to(health::alive)))
        .service(shows("/readyz", health::ready).route(web::head().to(health::ready)))
        .service(shows("/metrics", health::metrics))
        .service(shows("/api/openapi.json", openapi::describe))
        .service(web::scope("/api/v1").wrap(from_fn(guard::wrong_tokens)).configure(api_routes))
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

/// What `table.rs` has: an address that isn't there has no handler, and one that is there is described.
fn api_routes(scope: &mut web::ServiceConfig) {
    for (index, address) in table::ADDRESSES.iter().enumerate() {
        let of_path = |other: &&table::Address| other.path == address.path;
        if table::ADDRESSES.iter().take(index).any(|before| of_path(&before)) {
            continue;
        }
        // The first resource that a path fits has it: so it has all methods of the path.
        let all = table::ADDRESSES.iter().filter(of_path);
        let allow = all.clone().map(|other| other.method).collect::<Vec<_>>().join(", ");
        let other = move || std::future::ready(other_method(allow.clone()));
        let resource = all.fold(web::resource(address.path), |resource, one| resource.route((one.route)()));
        scope.service(resource.default_service(web::to(other)));
    }
}

fn other_method(allow: impl Into<Cow<'static, str>>) -> HttpResponse {
    Problem::Method { allow: allow.into() }.error_response()
}
