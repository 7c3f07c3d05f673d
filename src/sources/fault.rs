//! What can go wrong between a request and its events: a source that can't open, a sender without proof, a body that
//! can't be read, a reply that is too large.

use std::fmt;

use crate::domain::json::JsonError;
use crate::domain::request::TooManyFields;
use crate::domain::scheme_text::SchemeError;
use crate::vault::VaultError;

/// Why a source can't open. It names secrets, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The secret has no value.
    #[error(transparent)]
    Secret(#[from] VaultError),
    /// The secret is there and empty.
    #[error("{0} is empty, and an empty secret would let everybody in")]
    Empty(String),
    /// The secret isn't a key in the form that the scheme asks for.
    #[error("{0} is not a key in base64")]
    Key(String),
    /// HTTP Basic ends the user at the first colon, so this one could never be given.
    #[error("{0} has a colon, which a user of HTTP Basic can't have")]
    Colon(String),
    /// `hmac` without any secret lets nobody in.
    #[error("`hmac` has no secret")]
    NoSecret,
    /// Keys that come unencrypted could be anybody's.
    #[error("`keys_url` must begin with https://; http:// is for one's own network, with `allow_private: true`")]
    KeysUrl,
    /// The scheme contradicts itself.
    #[error(transparent)]
    Scheme(#[from] SchemeError),
}

/// Why a request has no valid proof of its sender, in the order of how near it came.
///
/// For the operator's log and console. The caller learns only that there is no proof: anything more would help to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The caller's address isn't one that may call.
    AddressNotAllowed,
    /// No `Authorization` header.
    MissingAuthorization,
    /// The header that holds the secret isn't there.
    MissingHeader,
    /// The query parameter that holds the secret isn't there.
    MissingQuery,
    /// The header that holds the signature isn't there.
    MissingSignature,
    /// `Authorization` is of another form than the source asks for.
    MalformedAuthorization,
    /// The signature's header isn't of the scheme's form, or holds nothing that could be a signature.
    MalformedSignature,
    /// What follows `Bearer` is no JSON Web Token.
    MalformedToken,
    /// The token is not signed by RS256.
    OtherAlgorithm,
    /// Somebody else than Google says so.
    OtherIssuer,
    /// The token is for somebody else.
    OtherAudience,
    /// The token is somebody else's, or its address isn't verified.
    OtherEmail,
    /// The signature needs a time, and there is none.
    MissingTimestamp,
    /// The signature needs the message's id, and there is none.
    MissingId,
    /// The form that would be signed has more fields than are read.
    TooManyFields,
    /// The time is neither a number nor an RFC 3339 time.
    UnreadableTimestamp,
    /// Signed too long ago.
    TimestampTooOld,
    /// Signed too far in the future.
    TimestampTooEarly,
    /// All is there, and no secret fits it.
    NoSecretMatches,
    /// The token is said to be signed by a key that isn't known.
    UnknownKey,
    /// The same, and nobody could be asked for it: this says nothing of the sender.
    NoKeys,
}

impl Refusal {
    /// A stable word for logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::AddressNotAllowed => "address_not_allowed",
            Self::MissingAuthorization => "missing_authorization",
            Self::MissingHeader => "missing_header",
            Self::MissingQuery => "missing_query",
            Self::MissingSignature => "missing_signature",
            Self::MalformedAuthorization => "malformed_authorization",
            Self::MalformedSignature => "malformed_signature",
            Self::MalformedToken => "malformed_token",
            Self::OtherAlgorithm => "other_algorithm",
            Self::OtherIssuer => "other_issuer",
            Self::OtherAudience => "other_audience",
            Self::OtherEmail => "other_email",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MissingId => "missing_id",
            Self::TooManyFields => "too_many_fields",
            Self::UnreadableTimestamp => "unreadable_timestamp",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampTooEarly => "timestamp_too_early",
            Self::NoSecretMatches => "no_secret_matches",
            Self::UnknownKey => "unknown_key",
            Self::NoKeys => "no_keys",
        }
    }
}

impl fmt::Display for Refusal {
    /// A sentence for the operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressNotAllowed => "the caller's address is not in `allow_ips`",
            Self::MissingAuthorization => "there is no Authorization header",
            Self::MissingHeader => "the header with the secret is missing",
            Self::MissingQuery => "the query parameter with the secret is missing",
            Self::MissingSignature => "the header with the signature is missing",
            Self::MalformedAuthorization => "the Authorization header is not of the form that the source asks for",
            Self::MalformedSignature => "the signature is not of the form that the scheme asks for",
            Self::MalformedToken => "what follows Bearer is no JSON Web Token",
            Self::OtherAlgorithm => "the token is not signed by RS256, which is what Google does",
            Self::OtherIssuer => "the token's issuer is not Google",
            Self::OtherAudience => "the token is for another audience than the source's `audience`",
            Self::OtherEmail => "the token's address is not the source's `email`, or isn't verified",
            Self::MissingTimestamp => "the time of the signature is missing",
            Self::MissingId => "the header with the message's id is missing",
            Self::TooManyFields => "the form has more fields than are read",
            Self::UnreadableTimestamp => "the time of the signature can't be read",
            Self::TimestampTooOld => "the signature is too old; was the request replayed, or is a clock wrong?",
            Self::TimestampTooEarly => "the signature is from the future; a clock is wrong",
            Self::NoSecretMatches => "no secret matches",
            Self::UnknownKey => "the token names a key that is not among Google's",
            Self::NoKeys => "Google's keys can't be fetched, so nothing is known of the token",
        })
    }
}

impl std::error::Error for Refusal {}

/// Why a body isn't an event. It never quotes the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadError {
    /// Where, counted from 1; unknown when something is missing.
    pub line: Option<usize>,
    /// Where in the line, in bytes, counted from 1.
    pub column: Option<usize>,
    /// The field, as a path: `queryResult.intent.displayName`.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where we know.
    pub help: Option<String>,
}

impl ReadError {
    /// An error of the body as a whole.
    pub fn whole(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::default() }
    }

    /// An error of one field.
    pub fn field(field: &str, message: &str) -> Self {
        Self { field: Some(field.to_owned()), ..Self::whole(message) }
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()), ..self }
    }
}

impl From<TooManyFields> for ReadError {
    fn from(error: TooManyFields) -> Self {
        Self::whole(&error.to_string())
    }
}

impl From<JsonError> for ReadError {
    fn from(error: JsonError) -> Self {
        Self { line: Some(error.line), column: Some(error.column), ..Self::whole(&error.message) }
    }
}

impl fmt::Display for ReadError {
    /// `queryResult.action: expected a text, found a number`, `line 3, column 7: expected value`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.field, self.line, self.column) {
            (Some(field), _, _) => write!(f, "{field}: ")?,
            (None, Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            _ => {}
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for ReadError {}

/// A reply that the platform would not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reply is {bytes} bytes, {limit} is the most that the platform takes")]
pub struct ReplyTooLarge {
    /// How long it is.
    pub bytes: usize,
    /// How long it may be.
    pub limit: usize,
}

/// More than one request may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More of the store than it may take.
    #[error("the {events} events of this body would be stored as {bytes} bytes, {limit} is the most for one request")]
    Bytes {
        /// How many events.
        events: usize,
        /// How much they would take.
        bytes: usize,
        /// How much they may take.
        limit: usize,
    },
    /// More changes than rules may make of it.
    #[error("the rules make {changes} changes and more of this body, {limit} is the most for one request")]
    Changes {
        /// How many there were when they became too many.
        changes: usize,
        /// How many there may be.
        limit: usize,
    },
}
