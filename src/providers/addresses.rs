//! Which addresses may be called.
//!
//! A rule file names where tagrelay connects to, so without a policy it could reach into the network that tagrelay runs
//! in: cloud metadata at 169.254.169.254, a database on loopback. `allow_private` lifts the policy for one connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

/// Which addresses a connection may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Addresses of the public internet.
    PublicOnly,
    /// Any address: the connection says `allow_private`.
    Any,
}

/// Why an address isn't called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {what}, which is called only with `allow_private: true`")]
pub struct AddressRefused {
    /// The host as the URL has it.
    pub host: String,
    /// What kind of address it is.
    pub what: &'static str,
}

/// A block of IPv4 addresses that isn't the public internet: its first address, the bits that count, what it is.
type Block4 = (Ipv4Addr, u32, &'static str);

/// The IANA special-purpose registry for IPv4, and multicast.
const BLOCKS_4: [Block4; 15] = [
    (Ipv4Addr::UNSPECIFIED, 8, "an unspecified address"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a carrier's private address"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "a reserved address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a 6to4 relay"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "an address for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "an address for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved or broadcast address"),
];

/// The same for IPv6. What isn't in `2000::/3` isn't given out at all, so [`special_6`] refuses it without a row.
const BLOCKS_6: [(Ipv6Addr, u32, &str); 11] = [
    (Ipv6Addr::UNSPECIFIED, 128, "an unspecified address"),
    (Ipv6Addr::LOCALHOST, 128, "a loopback address"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "a unique-local address"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "a link-local address"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "a multicast address"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "an address for documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "an address for documentation"),
    // Teredo and other protocol assignments; a Teredo address hides an IPv4 one.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "a reserved address"),
    // 6to4 carries an IPv4 address, so 2002:7f00:1:: would be loopback; nobody serves an API there.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "a 6to4 address"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "a local NAT64 address"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "a discarding address"),
];

/// The well-known NAT64 prefix: its last 32 bits are the IPv4 address that is really called.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// What makes `address` other than one of the public internet; `None` when it is one.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => special_4(v4),
        IpAddr::V6(v6) => special_6(v6),
    }
}

fn special_4(address: Ipv4Addr) -> Option<&'static str> {
    BLOCKS_4.iter().find(|(first, bits, _)| (address.to_bits() ^ first.to_bits()) >> (32 - bits) == 0).map(|row| row.2)
}

fn special_6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(v4) = address.to_ipv4_mapped() {
        return special_4(v4).or(Some("an IPv4 address in IPv6 clothes"));
    }
    if in_block_6(address, NAT64, 96) {
        return special_4(Ipv4Addr::from_bits(address.to_bits() as u32));
    }
    if let Some(row) = BLOCKS_6.iter().find(|(first, bits, _)| in_block_6(address, *first, *bits)) {
        return Some(row.2);
    }
    (!in_block_6(address, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)).then_some("a reserved address")
}

fn in_block_6(address: Ipv6Addr, first: Ipv6Addr, bits: u32) -> bool {
    (address.to_bits() ^ first.to_bits()) >> (128 - bits) == 0
}

/// Judges the host of a URL when it is an address itself: no resolver is asked for those. Odd spellings (`0x7f.1`,
/// `2130706433`, full-width digits) are addresses already when [`Url`] has read them.
pub fn check_literal(url: &Url, policy: AddressPolicy) -> Result<(), AddressRefused> {
    if policy == AddressPolicy::Any {
        return Ok(());
    }
    let Some(host) = url.host_str() else { return Ok(()) };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(address) = bare.parse::<IpAddr>() else { return Ok(()) };
    match special(address) {
        Some(what) => Err(AddressRefused { host: host.to_owned(), what }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<&'static str> {
        check_literal(&Url::parse(url).expect("a URL"), AddressPolicy::PublicOnly).err().map(|e| e.what)
    }

    #[test]
    fn loopback_is_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.0.1.",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "127.255.255.254",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::]",
        ] {
            assert!(refused(&format!("http://{host}:80/v1")).is_some(), "{host}");
        }
    }

    #[test]
    fn what_is_not_the_public_internet_is_refused() {
        for host in [
            "0.0.0.0",
            "0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "[febf::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[100::1]",
            "[64:ff9b:1::1]",
            "[64:ff9b::a9fe:a9fe]",
            "[::ffff:10.0.0.1]",
            "[::ffff:8.8.8.8]",
        ] {
            assert!(refused(&format!("https://{host}/")).is_some(), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_pass() {
        for host in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "[2606:4700:4700::1111]",
            "[2a00:1450::1]",
            "[64:ff9b::808:808]",
            "api.helpcrunch.com",
        ] {
            assert_eq!(refused(&format!("https://{host}/")), None, "{host}");
        }
        let loopback = Url::parse("http://127.0.0.1/").expect("a URL");
        assert_eq!(check_literal(&loopback, AddressPolicy::Any), Ok(()));
    }
}
