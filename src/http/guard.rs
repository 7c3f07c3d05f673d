//! Tokens that are guessed: they count as failed proofs do, wherever in the API they are tried.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use crate::clock;

/// What the metric calls the API, as events by hand call it.
const API: &str = "tagrelay.api";

/// Answers 429 where an address has given too many tokens that aren't one. A call without a token guesses nothing, and one with a
/// valid token always passes.
pub(super) async fn wrong_tokens(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let gives_one = request.headers().contains_key(AUTHORIZATION);
    let response = next.call(request).await?.map_into_boxed_body();
    if !gives_one || response.status() != StatusCode::UNAUTHORIZED {
        return Ok(response);
    }
    let request = response.request().clone();
    let Some(shared) = request.app_data::<web::Data<Shared>>() else { return Ok(response) };
    let caller = Caller::of(request.head(), shared);
    let too_many = shared.refusals.failed_proof(caller.counted(), clock::now());
    let problem = too_many.map_or(Problem::NoToken, |many| Problem::TooManyProofs { retry_after: many.retry_after });
    shared.gateway.metrics.refused(API, problem.word());
    let Some(too_many) = too_many else { return Ok(response) };
    if too_many.begins {
        tracing::warn!(client = caller.shown_text(), "too many wrong tokens for the API; this address must wait");
    }
    Ok(ServiceResponse::new(request, problem.error_response()))
}
