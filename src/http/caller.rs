//! Who called, and by which address: as the connection shows it, or as a trusted proxy in front of it says.

use std::net::IpAddr;

use actix_web::dev::RequestHead;

use super::Shared;
use super::failures::Counted;
use crate::domain::forwarded::Origin;

/// Who called.
pub(super) struct Caller {
    /// The sender, whose address counts in `allow_ips`; `None`: nobody knows it.
    pub client: Option<IpAddr>,
    /// Who has the connection: the sender, or the last proxy.
    peer: Option<IpAddr>,
    scheme: Option<&'static str>,
    host: Option<String>,
}

impl Caller {
    /// The caller of a request.
    pub(super) fn of(head: &RequestHead, shared: &Shared) -> Self {
        let Some(peer) = head.peer_addr else {
            return Self { client: None, peer: None, scheme: None, host: None };
        };
        let values = |name| head.headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let Origin { client, scheme, host } = shared.trusted_proxies.origin(peer.ip(), values);
        Self { client, peer: Some(peer.ip().to_canonical()), scheme, host }
    }

    /// The address that people are shown: where nobody knows the sender's, that of the proxy that let it be so.
    pub(super) fn shown(&self) -> Option<IpAddr> {
        self.client.or(self.peer)
    }

    /// The same as the log has it.
    pub(super) fn shown_text(&self) -> String {
        self.shown().map(|address| address.to_string()).unwrap_or_default()
    }

    /// Whose failed proofs these are.
    pub(super) fn counted(&self) -> Option<Counted> {
        self.client.map(Counted::Sender).or(self.peer.map(Counted::Behind))
    }

    /// The address of the request as the sender called it.
    pub(super) fn url(&self, head: &RequestHead, shared: &Shared) -> String {
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        if let Some(base) = &shared.public_url {
            return format!("{base}{path}");
        }
        let own = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = self.scheme.unwrap_or(if shared.tls.is_some() { "https" } else { "http" });
        format!("{scheme}://{}{path}", self.host.as_deref().unwrap_or(own))
    }
}
