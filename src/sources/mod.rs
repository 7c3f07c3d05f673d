//! Inbound hooks: who may call, how a body becomes events, how an answer is written.
//!
//! The only road from a [`Request`] to an event goes through [`Verified`], and only [`Source::verify`] gives one for a
//! request from outside. One file a kind; the schemes of proof are in `auth`.

mod auth;
mod catch;
mod credentials;
mod dialogflow_cx;
mod dialogflow_es;
mod fault;
mod media;
mod reading;
#[cfg(test)]
mod tests;
mod typed;

use std::net::IpAddr;

use crate::domain::event::Event;
use crate::domain::reply::Reply;
use crate::domain::request::{Fields, Request};
use crate::domain::source::{SourceConfig, SourceKind};
use crate::domain::time::Timestamp;
use crate::vault::Vault;

pub use self::auth::Proof;
use self::auth::Verifier;
pub use self::fault::{OpenError, ReadError, Refusal, ReplyTooLarge, TooMuch};
pub use self::media::{Media, methods, takes};
pub use self::reading::{JsonBody, Reading};

/// A source with its secrets open.
pub struct Source {
    config: SourceConfig,
    verifier: Verifier,
}

/// A request whose sender is proven, or that an operator vouches for.
#[derive(Debug, Clone)]
pub struct Verified<'a>(Request<'a>);

impl<'a> Verified<'a> {
    /// The operator's road, for a body that no sender proves: `explain`, replay, rule tests.
    pub fn by_operator(request: Request<'a>) -> Self {
        Self(request)
    }

    /// The request.
    pub fn request(&self) -> &Request<'a> {
        &self.0
    }
}

impl Source {
    /// Opens a source; every secret without a value and every scheme that can't work is reported at once.
    pub fn open(config: &SourceConfig, vault: &Vault) -> Result<Self, Vec<OpenError>> {
        let verifier = Verifier::open(&config.auth, vault)?;
        Ok(Self { config: config.clone(), verifier })
    }

    /// What the rule file says of it.
    pub fn config(&self) -> &SourceConfig {
        &self.config
    }

    /// Lets a request in when its address may call and any one form of `auth` passes; the refusal says how near it came.
    pub fn verify<'a>(&self, request: Request<'a>) -> Result<Verified<'a>, Refusal> {
        if !self.may_call(request.peer) {
            return Err(Refusal::AddressNotAllowed);
        }
        self.verifier.verify(&request)?;
        Ok(Verified(request))
    }

    /// Whether `allow_ips` has the caller. An IPv4 address that arrives in IPv6's clothes is the IPv4 address.
    fn may_call(&self, peer: Option<IpAddr>) -> bool {
        let allowed = &self.config.allow_ips;
        allowed.is_empty() || peer.is_some_and(|peer| allowed.iter().any(|net| net.contains(&peer.to_canonical())))
    }

    /// What `tagrelay send` adds to a request so that this source lets it in: the first form of `auth` decides.
    ///
    /// `url` is the address as the gateway will see it; `id` names the message where the scheme has a place for that.
    pub fn proof(&self, now: Timestamp, url: &str, body: &[u8], id: &str) -> Proof {
        self.verifier.proof(now, url, body, id)
    }

    /// The request's headers and query without anything that proves the sender: what may be stored.
    pub fn without_credentials<'a>(&self, request: &Request<'a>) -> (Fields<'a>, Fields<'a>) {
        credentials::left_out(&self.config, request)
    }
}

/// A request's body as JSON text for [`read`] to borrow from. What is JSON already isn't touched, let alone copied.
pub fn json_body<'r>(config: &SourceConfig, request: &Verified<'r>) -> Result<JsonBody<'r>, ReadError> {
    match config.kind {
        SourceKind::DialogflowEs | SourceKind::DialogflowCx => Ok(JsonBody::as_it_came(request.0.body)),
        SourceKind::Catch => catch::json_body(config, &request.0),
    }
}

/// Reads a request's body into events, in the order they stand there.
///
/// Credentials are left out of an event's headers and query. An event without a key of its own gets the scheme's.
pub fn read<'a>(
    config: &SourceConfig,
    request: &Verified<'a>,
    body: &'a JsonBody<'_>,
) -> Result<Reading<'a>, ReadError> {
    let request = request.request();
    let mut event = Event::empty(config.name.clone(), request.received_at);
    (event.headers, event.query) = credentials::left_out(config, request);
    match config.kind {
        SourceKind::DialogflowEs => dialogflow_es::read(&body.json, &mut event)?,
        SourceKind::DialogflowCx => dialogflow_cx::read(&body.json, &mut event)?,
        SourceKind::Catch => {
            event.key = credentials::message_id(config, request);
            return catch::read(config.each.as_deref(), body, event);
        }
    }
    event.key = event.key.or_else(|| credentials::message_id(config, request));
    Ok(Reading::single(event))
}

/// Writes the answer to an event in its vendor's form; without a reply, the vendor's empty answer. For a catch source it is
/// what stands under `reply` in the answer.
pub fn write_reply(
    kind: SourceKind,
    event_session: Option<&str>,
    event_language: Option<&str>,
    reply: Option<&Reply>,
) -> Result<Vec<u8>, ReplyTooLarge> {
    match kind {
        SourceKind::DialogflowEs => dialogflow_es::write_reply(event_session, event_language, reply),
        SourceKind::DialogflowCx => dialogflow_cx::write_reply(reply),
        SourceKind::Catch => Ok(catch::write_reply(reply)),
    }
}
