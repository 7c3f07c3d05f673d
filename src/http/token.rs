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
    /// Lets a request in that carries a token with the right to do what its method says.
    pub fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        match self.holder(request)? {
            Holder::Viewer if *request.method() != Method::GET => Err(Problem::ViewerActs),
            Holder::Viewer | Holder::Admin => Ok(()),
        }
    }

    /// Lets a request in that only looks, though its method isn't GET.
    pub fn admit_to_look(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.holder(request).map(drop)
    }

    fn holder(&self, request: &HttpRequest) -> Result<Holder, Problem> {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Problem::NoToken)?;
        if same(token, &self.admin) {
            return Ok(Holder::Admin);
        }
        let viewer = self.viewer.as_ref().is_some_and(|viewer| same(token, viewer));
        if viewer { Ok(Holder::Viewer) } else { Err(Problem::NoToken) }
    }
}

/// Whose token it is.
enum Holder {
    Admin,
    Viewer,
}

/// Tells by time nothing but the length.
fn same(given: &str, token: &Secret) -> bool {
    bool::from(given.as_bytes().ct_eq(token.expose().as_bytes()))
}
