//! Signatures over the fields of a form, as Twilio makes them: each field sorted by name, its name right before its value. A
//! body of another form isn't signed; the address, which is, has its hash.

use sha2::{Digest, Sha256};

use crate::domain::kind::Media;
use crate::domain::request::{Fields, Request, few_fields, percent_decoded};
use crate::sources::fault::Refusal;

/// The parameter of the address that holds a body's SHA-256, as hexadecimal.
const HASH: &str = "bodySHA256";

/// What of the body is signed beside the address. A body that the address doesn't speak for was signed by nobody.
pub fn covered(request: &Request<'_>) -> Result<Vec<u8>, Refusal> {
    if request.body.is_empty() {
        return Ok(Vec::new());
    }
    if Media::of(request) == Media::Form {
        // Nothing is proven yet, and a body of many short fields would take long to sort.
        few_fields(request.body).map_err(|_| Refusal::TooManyFields)?;
        return Ok(fields(request.body));
    }
    let query = Fields::parse_query(request.url.split_once('?').map_or("", |(_, query)| query));
    let told = query.get(HASH).ok_or(Refusal::NoSecretMatches)?;
    if told == hash(request.body) { Ok(Vec::new()) } else { Err(Refusal::NoSecretMatches) }
}

/// What of a body a sender signs, and what it adds to the address.
pub fn to_sign(body: &[u8]) -> (Vec<u8>, Vec<(String, String)>) {
    if body.is_empty() || Media::by_look(body) == Media::Form {
        (fields(body), Vec::new())
    } else {
        (Vec::new(), vec![(HASH.to_owned(), hash(body))])
    }
}

/// An address with more in its query.
pub fn with_query(url: &str, query: &[(String, String)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in query {
        url += if url.contains('?') { "&" } else { "?" };
        url += name;
        url += "=";
        url += value;
    }
    url
}

/// The same address with its scheme's port, or without a port.
pub fn other_spellings(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Vec::new() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let port = if scheme == "https" { "443" } else { "80" };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':').filter(|(_, port)| is_port(port)) {
        Some((host, _)) => vec![format!("{scheme}://{host}{path}")],
        None => vec![format!("{scheme}://{host}:{port}{path}")],
    }
}

/// The fields, each value of a name once. They stay bytes: two that aren't UTF-8 are two, whatever they would be shown as.
fn fields(body: &[u8]) -> Vec<u8> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs
        .map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(equals + 1..).unwrap_or_default();
            (percent_decoded(pair.get(..equals).unwrap_or_default()), percent_decoded(value))
        })
        .collect();
    pairs.sort();
    pairs.dedup();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect::<Vec<_>>().concat()
}

fn hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_a_value_counts_once() {
        assert_eq!(fields(b"b=2&a=x+y%20z&a=%C3%B1&b=2&c&%zz=%4"), "%zz%4ax y zañb2c".as_bytes());
        assert_eq!(fields(b""), b"");
        assert_eq!(fields(b"a=%FF"), b"a\xff");
        assert_ne!(fields(b"a=%FF"), fields(b"a=%FE"));
    }

    #[test]
    fn an_address_is_known_with_and_without_its_port() {
        let other = |url| other_spellings(url).into_iter().next().unwrap_or_default();
        assert_eq!(other("https://a.example/x?y=1:2"), "https://a.example:443/x?y=1:2");
        assert_eq!(other("https://a.example:8443/x"), "https://a.example/x");
        assert_eq!(other("http://[::1]/x"), "http://[::1]:80/x");
        assert_eq!(other("http://a.example:80"), "http://a.example");
        assert_eq!(other("a.example"), "");
    }
}
