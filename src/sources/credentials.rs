//! What of a request proves the sender, and so must never be stored, logged or shown to a rule.

use std::borrow::Cow;

use crate::domain::request::{Fields, Request};
use crate::domain::scheme::header_names;
use crate::domain::source::{AuthConfig, SourceConfig};

/// Headers that carry credentials whatever the source asks for: a sender may send more than it is asked.
const HEADERS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "x-auth-token",
    "x-gitlab-token",
    "x-telegram-bot-api-secret-token",
];

/// Query parameters that do (RFC 6750, section 2.3).
const QUERY: [&str; 1] = ["access_token"];

/// The request's headers and query without anything that proves the sender.
pub fn left_out<'a>(config: &SourceConfig, request: &Request<'a>) -> (Fields<'a>, Fields<'a>) {
    let header = |(name, _): &&(Cow<'a, str>, Cow<'a, str>)| !is_header(config, name);
    let headers = Fields(request.headers.0.iter().filter(header).cloned().collect());
    let mut query = Fields::parse_query(request.query);
    query.0.retain(|(name, _)| !is_query(config, name));
    (headers, query)
}

fn is_header(config: &SourceConfig, name: &str) -> bool {
    let asked = |auth: &AuthConfig| match auth {
        AuthConfig::Header { name: header, .. } => header.eq_ignore_ascii_case(name),
        AuthConfig::Hmac { scheme, .. } => header_names(&scheme.header).any(|header| header.eq_ignore_ascii_case(name)),
        AuthConfig::Basic { .. } | AuthConfig::Bearer(_) | AuthConfig::Query { .. } | AuthConfig::GoogleIdToken(_) => {
            false
        }
    };
    HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name)) || config.auth.iter().any(asked)
}

fn is_query(config: &SourceConfig, name: &str) -> bool {
    let asked = |auth: &AuthConfig| matches!(auth, AuthConfig::Query { name: query, .. } if query == name);
    QUERY.contains(&name) || config.auth.iter().any(asked)
}

/// The message's id where a scheme of this source names a header for it: the key of a request whose kind has none.
pub fn message_id<'a>(config: &SourceConfig, request: &Request<'a>) -> Option<Cow<'a, str>> {
    let mut found = id_headers(config).filter_map(|id| request.headers.0.iter().find(|(name, _)| name == id));
    found.next().map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

/// The headers in which the schemes of this source have the message's id, in lower case.
pub fn id_headers(config: &SourceConfig) -> impl Iterator<Item = &str> {
    let id_headers = config.auth.iter().filter_map(|auth| match auth {
        AuthConfig::Hmac { scheme, .. } => scheme.id_header.as_deref().map(header_names),
        _ => None,
    });
    id_headers.flatten()
}
