//! An inbound request as plain data: what the sources need of HTTP, and nothing of any server.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::IpAddr;

use super::time::Timestamp;

/// Names and values in the order they came: headers (names in lower case) or a query (percent-decoded).
#[derive(Debug, Clone, Default)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// The first value under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_ref())
    }

    /// Every value under `name`.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> + 's {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_ref())
    }

    /// Reads a query string or a form: `a=1&b=x%20y`, `+` as a space.
    pub fn parse_query(query: &'a str) -> Self {
        let pairs = query.split('&').filter(|p| !p.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (percent_decode(name), percent_decode(value))
                })
                .collect(),
        )
    }
}

impl Fields<'_> {
    /// Writes the pairs as a query that [`Fields::parse_query`] reads as the same pairs.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.0 {
            if !query.is_empty() {
                query.push('&');
            }
            percent_encode(name, &mut query);
            query.push('=');
            percent_encode(value, &mut query);
        }
        query
    }
}

/// Escapes all but what RFC 3986 never reserves.
fn percent_encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            to.push(char::from(byte));
        } else {
            write!(to, "%{byte:02X}").expect("a String takes every text");
        }
    }
}

/// Decodes `%41` and `+`; what isn't a valid escape stays as it is, what isn't UTF-8 is replaced.
fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = tail
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, escape) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (byte, _) => {
                bytes.push(if *byte == b'+' { b' ' } else { *byte });
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// A request to `/hooks/{source}`, not yet trusted.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `POST`, `GET`, ...
    pub method: &'a str,
    /// The address the sender called, scheme and host included, for schemes that sign it.
    pub url: &'a str,
    /// The raw query, without `?`.
    pub query: &'a str,
    /// Headers, names in lower case.
    pub headers: Fields<'a>,
    /// The raw bytes, never re-serialised: signatures are over these.
    pub body: &'a [u8],
    /// Who called.
    pub peer: Option<IpAddr>,
    /// When.
    pub received_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_never_fail() {
        let fields = Fields::parse_query("a=1&b=x%20y+z&c&%ff=%zz&&d=%");
        assert_eq!(fields.get("b"), Some("x y z"));
        assert_eq!(fields.get("c"), Some(""));
        assert_eq!(fields.get("\u{fffd}"), Some("%zz"));
        assert_eq!(fields.get("d"), Some("%"));
        assert_eq!(fields.get("e"), None);
    }

    #[test]
    fn a_query_that_is_written_reads_as_it_was() {
        let query = "a=1&b=x%20y+z&c&%ff=%zz&=&d=%&ñ=&&a=2";
        let fields = Fields::parse_query(query);
        let written = fields.to_query();
        assert_eq!(written, "a=1&b=x%20y%20z&c=&%EF%BF%BD=%25zz&=&d=%25&%C3%B1=&a=2");
        assert_eq!(Fields::parse_query(&written).0, fields.0);
    }
}
