use std::borrow::Cow;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

const NOBODY_KNOWS: &str = "nobody knows";

fn proxies() -> TrustedProxies {
    TrustedProxies::parse("10.0.0.0/8, 127.0.0.1\tfd00::/8,::ffff:192.168.0.0/112").expect("networks")
}

fn origin(peer: &str, headers: &[(&str, &str)]) -> Origin {
    proxies().origin(ip(peer), |name| {
        headers.iter().filter(|(n, _)| *n == name).map(|(_, value)| Cow::Borrowed(*value)).collect()
    })
}

fn client(peer: &str, headers: &[(&str, &str)]) -> String {
    origin(peer, headers).client.map_or_else(|| NOBODY_KNOWS.to_owned(), |client| client.to_string())
}

#[test]
fn the_nearest_address_in_front_of_the_trusted_proxies_is_the_sender() {
    for (peer, listed, expected) in [
        ("10.1.1.1", "203.0.113.7", "203.0.113.7"),
        ("10.1.1.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.1.1.1", "198.51.100.1,203.0.113.7 ,10.2.2.2,\t127.0.0.1", "203.0.113.7"),
        ("::ffff:10.1.1.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("192.168.3.4", "203.0.113.7:4711", "203.0.113.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "[2001:db8::7]:4711, [fd00::2]", "2001:db8::7"),
        // All of them are ours: the outermost is whoever called.
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        // What is no address ends the walk, and the proxy that let it stand isn't the sender.
        ("10.1.1.1", ", ,", NOBODY_KNOWS),
        ("10.1.1.1", "", NOBODY_KNOWS),
        ("10.1.1.1", "203.0.113.7, nonsense", NOBODY_KNOWS),
        ("10.1.1.1", "203.0.113.7, unknown, 10.2.2.2", NOBODY_KNOWS),
        ("10.1.1.1", "203.0.113.7, 999.1.1.1, 10.2.2.2", NOBODY_KNOWS),
        // Whoever isn't trusted says what he likes.
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("11.0.0.1", "10.0.0.1", "11.0.0.1"),
    ] {
        assert_eq!(client(peer, &[("x-forwarded-for", listed)]), expected, "{peer}: {listed}");
    }
    let several =
        [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "10.2.2.2")];
    assert_eq!(client("10.1.1.1", &several), "203.0.113.7");
    assert_eq!(client("10.1.1.1", &[]), "10.1.1.1");
}

#[test]
fn the_standard_header_is_read_too_and_strictly() {
    for (line, expected) in [
        ("for=203.0.113.7;proto=https;by=10.1.1.1", "203.0.113.7"),
        ("For=\"[2001:db8::7]:4711\" ; Proto=http, for=10.2.2.2", "2001:db8::7"),
        ("for=198.51.100.1, for=\"203.0.113.7:80\"", "203.0.113.7"),
        ("for=_hidden", NOBODY_KNOWS),
        ("proto=https", NOBODY_KNOWS),
        ("", NOBODY_KNOWS),
        // Quotes that are opened to swallow what the proxy adds.
        ("for=198.51.100.1;x=\", for=203.0.113.7", NOBODY_KNOWS),
        ("for=198.51.100.1;x=\", for=\"[2001:db8::7]\"", NOBODY_KNOWS),
        ("for=198.51.100.1;x=\", for=\"\\\"[2001:db8::7]\"", NOBODY_KNOWS),
    ] {
        assert_eq!(client("10.1.1.1", &[("forwarded", line)]), expected, "{line}");
    }
    let agreed = [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=203.0.113.7")];
    assert_eq!(client("10.1.1.1", &agreed), "203.0.113.7");
    // One of the two is made up by the sender, and nobody knows which; nor may he be taken for the proxy.
    for made_up in ["for=198.51.100.1", "for=10.1.1.1", "for=", "nonsense", "for=198.51.100.1;x=\""] {
        let other = [("x-forwarded-for", "203.0.113.7"), ("forwarded", made_up)];
        assert_eq!(origin("10.1.1.1", &other), Origin::default(), "{made_up}");
    }
    // The line that a sender spoils is that of the outer proxy, and the inner one begins another.
    let spoilt = [("forwarded", "for=198.51.100.1;x=\", for=203.0.113.7"), ("forwarded", "for=10.2.2.2")];
    assert_eq!(client("10.1.1.1", &spoilt), NOBODY_KNOWS);
}

#[test]
fn scheme_and_host_are_those_that_the_outermost_trusted_proxy_was_called_by() {
    let told = |peer: &str, headers: &[(&str, &str)]| {
        let origin = origin(peer, headers);
        (origin.scheme, origin.host)
    };
    let host = |text: &str| Some(text.to_owned());
    let one = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "HTTPS"),
        ("x-forwarded-host", "hooks.example:8443"),
    ];
    assert_eq!(told("10.1.1.1", &one), (Some("https"), host("hooks.example:8443")));
    assert_eq!(told("203.0.113.9", &one), (None, None));
    // Two proxies of ours, each of which adds to the lists: what the sender put in front of them doesn't count.
    let two = [
        ("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.2.2.2"),
        ("x-forwarded-proto", "ftp, https, http"),
        ("x-forwarded-host", "evil.example, hooks.example, inner"),
    ];
    assert_eq!(told("10.1.1.1", &two), (Some("https"), host("hooks.example")));
    let odd = [("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a/b@c")];
    assert_eq!(told("10.1.1.1", &odd), (None, None));
    let standard =
        [("forwarded", "for=198.51.100.1;host=evil.example, for=203.0.113.7;proto=https;host=\"hooks.example:8443\"")];
    assert_eq!(told("10.1.1.1", &standard), (Some("https"), host("hooks.example:8443")));
}

#[test]
fn what_is_no_network_is_told_with_its_place() {
    for (text, told) in [
        ("", "expected addresses or networks"),
        ("10.0.0.0/8, proxy", "entry 2: expected an address or a network"),
        ("10.0.0.0/33", "entry 1: expected"),
        ("10.0.0.1, 0.0.0.0/0", "entry 2 is everybody"),
        ("::/0", "entry 1 is everybody"),
        ("::ffff:0.0.0.0/96", "entry 1 is everybody"),
    ] {
        let error = TrustedProxies::parse(text).expect_err(text);
        assert!(error.starts_with(told), "{text}: {error}");
    }
}

/// An address that no trusted network has.
fn sender() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u16; 8]>().prop_map(IpAddr::from),]
        .prop_map(|address| address.to_canonical())
        .prop_filter("it is a proxy's", |address| !proxies().trusts(*address))
}

fn proxy() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 3]>().prop_map(|rest| IpAddr::from([10, rest[0], rest[1], rest[2]])),
        any::<[u16; 7]>().prop_map(|r| IpAddr::from([0xfd00, r[0], r[1], r[2], r[3], r[4], r[5], r[6]])),
    ]
}

/// As proxies write an address.
fn written(address: IpAddr, port: Option<u16>) -> String {
    port.map_or_else(|| address.to_string(), |port| SocketAddr::new(address, port).to_string())
}

/// What a sender may hope to get away with.
fn made_up() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof!["\\PC{0,40}", "([0-9a-f.:,\\[\\]\" ]|for=|10\\.0\\.0\\.1|;){0,12}"];
    proptest::collection::vec(line, 0..3)
}

proptest! {
    #[test]
    fn whatever_a_sender_makes_up_he_is_known_by_his_own_address(
        sender in sender(),
        ways in proptest::collection::vec((proxy(), any::<Option<u16>>(), any::<bool>()), 1..4),
        listed in made_up(),
        standard in made_up(),
        writes_standard in any::<bool>(),
    ) {
        let (mut listed, mut standard) = (listed, standard);
        let made_up_other = if writes_standard { !listed.is_empty() } else { !standard.is_empty() };
        let mut from = sender;
        for (proxy, port, appends) in &ways {
            let (lines, item) = if writes_standard {
                (&mut standard, format!("for=\"{}\"", port.map_or_else(|| match from {
                    IpAddr::V6(six) => format!("[{six}]"),
                    four @ IpAddr::V4(_) => four.to_string(),
                }, |port| SocketAddr::new(from, port).to_string())))
            } else {
                (&mut listed, written(from, *port))
            };
            match lines.last_mut().filter(|_| *appends) {
                Some(line) => *line = format!("{line}, {item}"),
                None => lines.push(item),
            }
            from = *proxy;
        }
        let origin = proxies().origin(from, |name| {
            let lines = match name {
                "x-forwarded-for" => &listed,
                "forwarded" => &standard,
                _ => return Vec::new(),
            };
            lines.iter().map(|line| Cow::Borrowed(line.as_str())).collect()
        });
        // A second story, or a quote that swallows the proxy's words, may hide who called. It never makes him another one.
        let hidden = origin.client.is_none() && (made_up_other || writes_standard);
        prop_assert!(hidden || origin.client == Some(sender), "{origin:?}");
    }

    #[test]
    fn who_is_not_trusted_is_known_by_his_own_address(sender in sender(), listed in made_up(), standard in made_up()) {
        let origin = proxies().origin(sender, |name| {
            let lines = if name == "forwarded" { &standard } else { &listed };
            lines.iter().map(|line| Cow::Borrowed(line.as_str())).collect()
        });
        prop_assert_eq!(origin, Origin { client: Some(sender), scheme: None, host: None });
    }
}
