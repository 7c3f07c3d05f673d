//! Connections that speak without encryption to a host of the public internet.

use std::net::{IpAddr, Ipv6Addr};

use super::desk::Desk;
use crate::rules::codes::Code;
use crate::rules::yaml::{Entry, Node};

/// The keys that hold an address.
const ADDRESSES: [&str; 2] = ["url", "base_url"];
/// What a name of a private network ends with.
const PRIVATE: [&str; 8] = [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet", ".test", ".svc"];

/// Tells of `http://` where others may read along. `allow_private` says that the host is in a network of one's own.
pub fn look(connection: &Entry, desk: &mut Desk<'_>) {
    if Desk::flag(&connection.value, "allow_private") == Some(true) {
        return;
    }
    for node in ADDRESSES.iter().filter_map(|key| connection.value.get(key)) {
        let Some(host) = node.text().and_then(plain_host).filter(|host| is_public(host)) else { continue };
        let message = format!("what is sent to `{host}` can be read on the way: credentials, contacts and tags");
        desk.findings.add(Code::PlainHttp, host_span(node, desk), message).help("write `https://`");
    }
}

/// The address may hold a secret, so no more of it is underlined than `http://`.
fn host_span(node: &Node, desk: &Desk<'_>) -> crate::rules::finding::Span {
    let written = desk.findings.text(node.span.file).get(node.span.range()).unwrap_or_default();
    match written.find("http://") {
        Some(at) => {
            let start = node.span.start + at;
            crate::rules::finding::Span { start, end: start + "http://".len(), ..node.span }
        }
        None => node.span,
    }
}

/// The host of an address that begins with `http://`.
fn plain_host(address: &str) -> Option<&str> {
    let rest = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://")).and(address.get(7..))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    }
}

fn is_public(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()),
        Ok(IpAddr::V6(v6)) => !(v6 == Ipv6Addr::LOCALHOST || v6.is_unique_local() || v6.is_unicast_link_local()),
        Err(_) => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            // A name without a dot is found in one's own network alone, as a container's.
            host.contains('.') && !PRIVATE.iter().any(|end| host.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_hosts_are_told_from_those_of_a_private_network() {
        let is_told = |address: &str| plain_host(address).is_some_and(is_public);
        for address in [
            "http://example.com/x",
            "HTTP://Example.com",
            "http://u:p@hooks.example:80/",
            "http://8.8.8.8",
            "http://[2606:4700::1]:80/",
        ] {
            assert!(is_told(address), "{address}");
        }
        for address in [
            "https://example.com",
            "http://localhost:8090/x",
            "http://127.0.0.1",
            "http://10.1.2.3/x",
            "http://crm:8080",
            "http://crm.internal",
            "http://[::1]:80/",
            "http://[fd00::1]/",
            "http://crm.default.svc",
            "env:URL",
            "http://",
        ] {
            assert!(!is_told(address), "{address}");
        }
    }
}
