//! What vendors ask before their first event: is anybody there, and do they know a token? Nothing of it is stored.

use crate::domain::json::Json;
use crate::domain::kind::Handshake;
use crate::domain::request::{Fields, Request};

use super::auth::Known;
use super::fault::Refusal;

/// The answer to a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Its content type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Vec<u8>,
}

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers a handshake that comes without the proof that events have; `None`: this is none.
pub fn before_proof(
    handshake: Handshake,
    token: Option<&Known>,
    request: &Request<'_>,
) -> Option<Result<Greeting, Refusal>> {
    match handshake {
        Handshake::Head if request.method == "HEAD" => Some(Ok(Greeting { content_type: TEXT, body: Vec::new() })),
        Handshake::Query { token: name, challenge } if request.method == "GET" => {
            let query = Fields::parse_query(request.query);
            let Some(given) = query.get(name) else { return Some(Err(Refusal::MissingQuery)) };
            // Without a token of ours nobody knows it.
            if !token.is_some_and(|token| token.is(given.as_bytes())) {
                return Some(Err(Refusal::NoSecretMatches));
            }
            let body = query.get(challenge).unwrap_or_default().as_bytes().to_vec();
            Some(Ok(Greeting { content_type: TEXT, body }))
        }
        _ => None,
    }
}

/// Answers a handshake whose sender is proven; `None`: this is none.
pub fn after_proof(handshake: Handshake, body: &[u8]) -> Option<Greeting> {
    let Handshake::Body { key, is, answer } = handshake else { return None };
    // Nearly every body is an event, and few of those have these letters.
    memchr::memmem::find(body, is.as_bytes())?;
    let json = Json::parse(body).ok()?;
    if json.get(key)?.as_text()? != is {
        return None;
    }
    Some(match answer {
        Some(answer) => {
            let text = json.get(answer).and_then(Json::as_text).unwrap_or_default();
            Greeting { content_type: TEXT, body: text.as_bytes().to_vec() }
        }
        None => Greeting { content_type: "application/json", body: b"{}".to_vec() },
    })
}
