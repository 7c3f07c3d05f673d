//! Inbound hooks: who may call, how a body becomes events, how an answer is written.
//!
//! The only road from a [`Request`] to an event goes through [`Verified`], and only [`Source::verify`] gives one for a
//! request from outside. One file a kind; the schemes of proof are in `auth`.

mod auth;
mod catch;
mod credentials;
mod dialogflow;
mod dialogflow_cx;
mod dialogflow_es;
mod fault;
mod handshake;
mod kinds;
mod media;
mod reading;
#[cfg(test)]
mod tests;
mod typed;

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::reply::Reply;
use crate::domain::request::{Fields, Request};
use crate::domain::source::{SourceConfig, SourceKind};
use crate::domain::time::Timestamp;
use crate::vault::Vault;

pub use self::auth::{KeySet, KeyStore, Proof};
use self::auth::{Known, Verifier};
pub use self::fault::{OpenError, ReadError, Refusal, ReplyTooLarge, TooMuch};
pub use self::handshake::Greeting;
use self::kinds::Reader;
pub use self::kinds::{Sample, code};
pub use self::media::{methods, takes};
pub use self::reading::{JsonBody, Reading};

/// A source with its secrets open.
pub struct Source {
    config: SourceConfig,
    verifier: Verifier,
    verify_token: Option<Known>,
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
        let verifier = Verifier::open(&config.auth, vault);
        let token = config.verify_token.as_ref().map(|secret| Known::open(secret, vault)).transpose();
        match (verifier, token) {
            (Ok(verifier), Ok(verify_token)) => Ok(Self { config: config.clone(), verifier, verify_token }),
            (verifier, token) => Err(verifier.err().into_iter().flatten().chain(token.err()).collect()),
        }
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

    /// Answers what a vendor asks before its first event, without the proof that events have; `None`: it asks nothing of
    /// that kind.
    pub fn greet(&self, request: &Request<'_>) -> Option<Result<Greeting, Refusal>> {
        let handshake = self.config.kind.traits().handshake;
        let greeting = handshake::before_proof(handshake, self.verify_token.as_ref(), request)?;
        Some(if self.may_call(request.peer) { greeting } else { Err(Refusal::AddressNotAllowed) })
    }

    /// Answers what a vendor asks in a body that isn't an event.
    pub fn greet_verified(&self, request: &Verified<'_>) -> Option<Greeting> {
        handshake::after_proof(self.config.kind.traits().handshake, request.0.body)
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

    /// The message's id among headers that somebody gives, named in lower case.
    pub fn given_id(&self, headers: &[(String, String)]) -> Option<String> {
        let mut given =
            credentials::id_headers(&self.config).filter_map(|id| headers.iter().rfind(|(name, _)| name == id));
        given.next().map(|(_, value)| value.clone())
    }

    /// The audience of the identity tokens that are its only way in: those nobody here can sign.
    pub fn only_google_signs(&self) -> Option<String> {
        self.verifier.only_google_signs()
    }

    /// The keys of those who sign for its senders.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<KeyStore>> {
        self.verifier.keys()
    }

    /// Takes over the keys that the same source had in the set before.
    pub fn keep_keys_of(&mut self, before: &Self) {
        self.verifier.keep_keys_of(&before.verifier);
    }

    /// The request's headers and query without anything that proves the sender: what may be stored.
    pub fn without_credentials<'a>(&self, request: &Request<'a>) -> (Fields<'a>, Fields<'a>) {
        credentials::left_out(&self.config, request)
    }
}

/// A request's body as JSON text for [`read`] to borrow from. What is JSON already isn't touched, let alone copied.
pub fn json_body<'r>(config: &SourceConfig, request: &Verified<'r>) -> Result<JsonBody<'r>, ReadError> {
    let code = code(config.kind);
    let mut json = (code.body)(config, &request.0)?;
    json.params = code.params.and_then(|write| write(&json.json));
    Ok(json)
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
    match code(config.kind).reader {
        Reader::One(read) => {
            read(body, &mut event)?;
            if let Some(params) = &body.params {
                event.params = Json::parse(params.as_bytes()).unwrap_or(Json::EMPTY_MAP);
            }
            event.key = event.key.or_else(|| credentials::message_id(config, request));
            Ok(Reading::single(event))
        }
        Reader::Several(read) => {
            event.key = credentials::message_id(config, request);
            read(config, body, event)
        }
    }
}

/// Writes the answer to an event in its vendor's form; without a reply, the vendor's empty answer. Where the vendor has no
/// form of its own it is what stands under `reply` in the answer.
pub fn write_reply(
    kind: SourceKind,
    event_session: Option<&str>,
    event_language: Option<&str>,
    reply: Option<&Reply>,
) -> Result<Vec<u8>, ReplyTooLarge> {
    (code(kind).write)(event_session, event_language, reply)
}
