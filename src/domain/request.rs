//! An inbound request as plain data: what the sources need of HTTP, and nothing of any server.

use std::borrow::Cow;
use std::collections::HashSet;
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

/// The most fields of a form or a query: beyond it, a small body would take much memory.
const MAX_FIELDS: usize = 10_000;

/// A form or a query has more fields than are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {0} fields; {MAX_FIELDS} is the most")]
pub struct TooManyFields(usize);

/// Whether a form or a query has few enough fields, told before any of them is read.
pub fn few_fields(text: &[u8]) -> Result<(), TooManyFields> {
    let fields = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
    if fields > MAX_FIELDS { Err(TooManyFields(fields)) } else { Ok(()) }
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

    /// Each pair once. So a signature over the fields of a form counts them, and so must whoever reads a form that was let in by one: a
    /// pair that is repeated on the way would else make another event of the same request.
    pub fn each_once(&self) -> impl Iterator<Item = &(Cow<'_, str>, Cow<'_, str>)> {
        let mut seen = HashSet::new();
        self.0.iter().filter(move |pair| seen.insert(*pair))
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

/// The same as a text, in which what isn't UTF-8 is replaced.
fn percent_decode(text: &str) -> Cow<'_, str> {
    match percent_decoded(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Decodes `%41` and `+`; what isn't a valid escape stays as it is.
pub fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, after) = match (first, tail) {
            (b'+', _) => (b' ', tail),
            (b'%', [high, low, after @ ..]) => escaped(*high, *low).map_or((b'%', tail), |byte| (byte, after)),
            (other, _) => (*other, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(bytes)
}

/// The byte that two digits of an escape stand for. They are digits and nothing else: `+1` is a number too, and no escape.
fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |letter: u8| char::from(letter).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
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
    /// Who called; `None`: nobody knows.
    pub peer: Option<IpAddr>,
    /// When.
    pub received_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_never_fail() {
        let fields = Fields::parse_query("a=1&b=x%20y+z&c&%ff=%zz&&d=%&f=%+1%2b%4");
        assert_eq!(fields.get("b"), Some("x y z"));
        assert_eq!(fields.get("c"), Some(""));
        assert_eq!(fields.get("\u{fffd}"), Some("%zz"));
        assert_eq!(fields.get("d"), Some("%"));
        assert_eq!(fields.get("e"), None);
        assert_eq!(fields.get("f"), Some("% 1+%4"));
        assert!(matches!(percent_decoded(b"plain"), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn fields_are_counted_before_they_are_read() {
        assert_eq!(few_fields("&a".repeat(10_000).as_bytes()), Ok(()));
        let error = few_fields("a&".repeat(10_001).as_bytes()).expect_err("too many");
        assert_eq!(error.to_string(), "there are 10001 fields; 10000 is the most");
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
