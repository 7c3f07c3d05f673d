//! Every way in which a request can fail, as RFC 9457 has it. What the client reads and what the log reads are two texts.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::sources::{ReadError, TooMuch};
use crate::store::StoreError;

/// A problem.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The body can't be read.
    #[error("{0}")]
    Body(ReadError),
    /// A part of the address, the query or the body of an API call is wrong.
    #[error("{0}")]
    Call(String),
    /// No valid proof of the sender.
    #[error("no valid proof of the sender")]
    NoProof,
    /// No valid token.
    #[error("this address needs `Authorization: Bearer` with the admin or viewer token")]
    NoToken,
    /// A viewer may only look.
    #[error("the viewer token may only look")]
    ViewerActs,
    /// No such thing.
    #[error("{0}")]
    NotFound(String),
    /// This event can't be replayed.
    #[error("{0}")]
    NotReplayable(String),
    /// The database can't be copied by the gateway.
    #[error("{0}")]
    NotAFile(String),
    /// Another method is needed.
    #[error("this address takes {allow}")]
    Method {
        /// What it takes.
        allow: Cow<'static, str>,
    },
    /// The sender took too long.
    #[error("the request took too long")]
    Timeout,
    /// The body is too large.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The events of the body would take too much of the store.
    #[error("{0}")]
    TooMuch(TooMuch),
    /// The body is of another type.
    #[error("this source takes {expected}")]
    MediaType {
        /// What it takes.
        expected: &'static str,
    },
    /// Too many failed proofs from one address.
    #[error("too many requests without valid proof from this address")]
    TooManyProofs {
        /// Seconds until it may try again.
        retry_after: u64,
    },
    /// The head is too large.
    #[error("the headers are larger than {limit} bytes")]
    Headers {
        /// The bound.
        limit: usize,
    },
    /// Who signs for the sender can't be asked for keys.
    #[error("the keys that prove the sender can't be had now; nothing was kept, please send it again")]
    NoKeys,
    /// The store can't take it now.
    #[error("the store can't take this now; nothing was kept, please send it again")]
    Unavailable,
    /// The store can't be asked now.
    #[error("the store can't be asked now: try again in a moment; the log says why")]
    Away,
}

/// How soon a sender should come back when the store can't take something.
const STORE_RETRY_S: u64 = 5;

impl Problem {
    /// The table: status, stable type, title.
    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Body(_) => (StatusCode::BAD_REQUEST, "unreadable-body", "The body can't be read"),
            Self::Call(_) => (StatusCode::BAD_REQUEST, "bad-call", "The call is wrong"),
            Self::NoProof => (StatusCode::UNAUTHORIZED, "no-proof", "No valid proof of the sender"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no-token", "No valid token"),
            Self::ViewerActs => (StatusCode::FORBIDDEN, "viewer", "Not with the viewer token"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::NotReplayable(_) => (StatusCode::CONFLICT, "not-replayable", "This event can't be replayed"),
            Self::NotAFile(_) => {
                (StatusCode::CONFLICT, "not-a-file", "The database is not a file of the gateway's own")
            }
            Self::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method", "Another method is needed"),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long"),
            Self::TooLarge { .. } | Self::TooMuch(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large")
            }
            Self::MediaType { .. } => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Another content type is needed")
            }
            Self::TooManyProofs { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-failures", "Too many failed proofs")
            }
            Self::Headers { .. } => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "The headers are too large")
            }
            Self::NoKeys => (StatusCode::SERVICE_UNAVAILABLE, "keys-unavailable", "The sender's keys can't be had now"),
            Self::Unavailable | Self::Away => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store can't take it now")
            }
        }
    }

    /// The stable word, for metrics and the list of refusals.
    pub fn word(&self) -> &'static str {
        self.row().1
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.row().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, word, title) = self.row();
        let mut body = json!({
            "type": format!("urn:tagrelay:problem:{word}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        let mut response = HttpResponse::build(status);
        match self {
            Self::Body(error) => {
                for (name, place) in [("line", error.line), ("column", error.column)] {
                    if let Some(place) = place {
                        body[name] = place.into();
                    }
                }
                if let Some(field) = &error.field {
                    body["field"] = field.as_str().into();
                }
            }
            Self::NoToken => drop(response.insert_header((WWW_AUTHENTICATE, "Bearer"))),
            Self::Method { allow } => drop(response.insert_header((ALLOW, allow.as_ref()))),
            Self::TooManyProofs { retry_after } => drop(response.insert_header((RETRY_AFTER, retry_after.to_string()))),
            Self::Unavailable | Self::Away | Self::NoKeys => {
                response.insert_header((RETRY_AFTER, STORE_RETRY_S.to_string()));
            }
            // The rest of an oversized request isn't read, so the connection can't carry another.
            Self::TooLarge { .. } | Self::Headers { .. } | Self::Timeout => {
                response.force_close();
            }
            _ => {}
        }
        response.content_type("application/problem+json").body(body.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let StoreError::NotAFile = error {
            return Self::NotAFile(error.to_string());
        }
        tracing::error!(%error, "the store can't do what was asked");
        Self::Away
    }
}
