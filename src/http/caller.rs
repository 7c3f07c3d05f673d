//! Who called, and by which address: as the connection shows it, or as a trusted proxy in front of it says.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::Shared;
use crate::domain::forwarded::Origin;

/// Who called.
pub(super) struct Caller {
    /// Whose address counts: in `allow_ips`, for failed proofs, in the list of refusals and the log.
    pub client: Option<IpAddr>,
    scheme: Option<&'static str>,
    host: Option<String>,
}

impl Caller {
    /// The caller of a request.
    pub(super) fn of(request: &HttpRequest, shared: &Shared) -> Self {
        let Some(peer) = request.peer_addr() else { return Self { client: None, scheme: None, host: None } };
        let values =
            |name| request.headers().get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let Origin { client, scheme, host } = shared.trusted_proxies.origin(peer.ip(), values);
        Self { client: Some(client), scheme, host }
    }

    /// The address of the request as the sender called it.
    pub(super) fn url(&self, request: &HttpRequest, shared: &Shared) -> String {
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        if let Some(base) = &shared.public_url {
            return format!("{base}{path}");
        }
        let own = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = self.scheme.unwrap_or(if shared.tls.is_some() { "https" } else { "http" });
        format!("{scheme}://{}{path}", self.host.as_deref().unwrap_or(own))
    }
}
