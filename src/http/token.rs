//! Who may look and who may act.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::domain::secret::Secret;

/// The tokens of the API.
pub struct Tokens {
    /// Full rights.
    pub admin: Secret,
    /// May only look.
    pub viewer: Option<Secret>,
}

impl Tokens {
    /// Lets a request in that carries a token with the right to do what it asks.
    pub fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Problem::NoToken)?;
        if same(token, &self.admin) {
            return Ok(());
        }
        match &self.viewer {
            Some(viewer) if same(token, viewer) && *request.method() == Method::GET => Ok(()),
            Some(viewer) if same(token, viewer) => Err(Problem::ViewerActs),
            _ => Err(Problem::NoToken),
        }
    }
}

/// Tells by time nothing but the length.
fn same(given: &str, token: &Secret) -> bool {
    bool::from(given.as_bytes().ct_eq(token.expose().as_bytes()))
}
