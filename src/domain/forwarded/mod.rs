//! Who called, where proxies stand between: only what a trusted one says counts, and of a list only what it added itself.

mod standard;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};

/// The proxies whose word is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Where a request comes from, as far as it can be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The sender: the nearest address in front of the proxies that are trusted. `None`: nobody knows; a proxy's own address must
    /// never stand for it, since whoever called could have it so.
    pub client: Option<IpAddr>,
    /// `http` or `https`, as the sender called the outermost trusted proxy.
    pub scheme: Option<&'static str>,
    /// The host, and port if any, that the sender called.
    pub host: Option<String>,
}

/// What a proxy says of the request that it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hop {
    /// Who sent it; `None`: what stands there is no address.
    from: Option<IpAddr>,
    scheme: Option<&'static str>,
    host: Option<String>,
}

impl TrustedProxies {
    /// Reads addresses and networks with commas or spaces between: `127.0.0.1, 10.0.0.0/8, fd00::/8`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
        let networks: Vec<IpNet> = words.enumerate().map(|(n, word)| network(n + 1, word)).collect::<Result<_, _>>()?;
        if networks.is_empty() {
            Err("expected addresses or networks such as 10.0.0.0/8".into())
        } else {
            Ok(Self(networks))
        }
    }

    /// Whether this address is one of them.
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from that `peer` handed over. `values` gives all values of a header in the order they came.
    pub fn origin<'r>(&self, peer: IpAddr, values: impl Fn(&'static str) -> Vec<Cow<'r, str>>) -> Origin {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return Origin { client: Some(peer), scheme: None, host: None };
        }
        let listed = listed(&values("x-forwarded-for"));
        let standard: Vec<Hop> = values("forwarded").iter().flat_map(|line| standard::hops(line)).collect();
        let (client, hop) = match (self.outermost(peer, &listed), self.outermost(peer, &standard)) {
            // A proxy writes one of the two and may hand the other on as the sender made it up. Where they tell different
            // stories, nobody knows which is the proxy's.
            (Some((one, _)), Some((other, _))) if one != other => return Origin::default(),
            (Some(from), _) => from,
            (None, Some((client, hop))) => {
                let Hop { scheme, host, .. } = standard.into_iter().rev().nth(hop).unwrap_or_default();
                return told(client, hop, &values, scheme, host);
            }
            (None, None) => (Some(peer), 0),
        };
        told(client, hop, &values, None, None)
    }

    /// Walks from the nearest proxy outwards as long as each is trusted: the last address that is told, and which hop from the
    /// end tells it. `None` where nothing is told. What is no address ends the walk, and nobody knows whose it would be.
    fn outermost(&self, peer: IpAddr, hops: &[Hop]) -> Option<(Option<IpAddr>, usize)> {
        let mut last = (Some(peer), 0);
        for (n, hop) in hops.iter().rev().enumerate() {
            let Some(from) = hop.from else {
                last.0 = None;
                break;
            };
            last = (Some(from), n);
            if !self.trusts(from) {
                break;
            }
        }
        (!hops.is_empty()).then_some(last)
    }
}

/// The sender with the address that it called, where the proxy of this hop tells it.
fn told<'r>(
    client: Option<IpAddr>,
    hop: usize,
    values: &impl Fn(&'static str) -> Vec<Cow<'r, str>>,
    scheme: Option<&'static str>,
    host: Option<String>,
) -> Origin {
    let nth = |name| nth_from_the_end(&items(&values(name)), hop).map(str::to_owned);
    let scheme = scheme.or_else(|| known_scheme(&nth("x-forwarded-proto")?));
    let host = host.or_else(|| nth("x-forwarded-host").filter(|host| is_host(host)));
    Origin { client, scheme, host }
}

impl From<Option<IpAddr>> for Hop {
    fn from(from: Option<IpAddr>) -> Self {
        Self { from, ..Self::default() }
    }
}

/// The hops of `X-Forwarded-For`, outermost first. A header in which nothing stands is one hop that says nothing.
fn listed(values: &[Cow<'_, str>]) -> Vec<Hop> {
    let hops: Vec<Hop> = items(values).iter().map(|item| Hop::from(node(item))).collect();
    if hops.is_empty() && !values.is_empty() { vec![Hop::default()] } else { hops }
}

fn network(n: usize, word: &str) -> Result<IpNet, String> {
    let read = word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from));
    let network = match read.ok_or_else(|| format!("entry {n}: expected an address or a network such as 10.0.0.0/8"))? {
        // Addresses are compared as what they are: one of IPv4 in IPv6's clothes is of IPv4.
        IpNet::V6(net) if net.prefix_len() >= 96 => match net.addr().to_ipv4_mapped() {
            Some(address) => Ipv4Net::new(address, net.prefix_len() - 96).map_or(IpNet::V6(net), IpNet::V4),
            None => IpNet::V6(net),
        },
        network => network,
    };
    if network.prefix_len() == 0 {
        return Err(format!("entry {n} is everybody: whoever calls could say which address is his; name the proxies"));
    }
    Ok(network)
}

/// The items of lists with commas, in their order.
fn items<'v>(values: &'v [Cow<'_, str>]) -> Vec<&'v str> {
    values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// What the proxy of this hop wrote; a list that is shorter was written anew by a nearer one, so that its first is what counts.
fn nth_from_the_end<'v>(items: &[&'v str], hop: usize) -> Option<&'v str> {
    items.iter().rev().nth(hop).or_else(|| items.first()).copied()
}

fn known_scheme(text: &str) -> Option<&'static str> {
    ["https", "http"].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme))
}

/// `hooks.example`, `hooks.example:8443`, `[2001:db8::1]:8443`: nothing that could become another part of an address.
fn is_host(text: &str) -> bool {
    let may_be = |letter: u8| letter.is_ascii_alphanumeric() || b".-_:[]".contains(&letter);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(may_be)
}

/// An address as proxies write it, with a port or without: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    bare.or_else(in_brackets).map(|address| address.to_canonical())
}
