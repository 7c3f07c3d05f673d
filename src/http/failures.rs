//! Failed proofs by address: so many a minute are answered, then the address must wait. Whoever has a valid proof never comes here.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::domain::time::Timestamp;

/// Failed proofs that one address may make in a minute.
const FAILURES: u32 = 20;
const MINUTE_MS: i64 = 60_000;
/// Addresses that are remembered.
const ADDRESSES: usize = 10_000;
/// What one customer of a network has of IPv6: whoever guesses has all of it to guess from.
const NETWORK_BITS: u32 = 64;

/// The failures of the last minute.
#[derive(Debug, Default)]
pub(super) struct Failures(HashMap<Counted, Window>);

/// Whose failures are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// One sender.
    Sender(IpAddr),
    /// All of whom nobody knows who they are, behind one proxy. It isn't the proxy that fails.
    Behind(IpAddr),
}

/// The minute that begins with an address's first failure.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    count: u32,
}

/// An address has failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Seconds until it may try again.
    pub retry_after: u64,
    /// Whether this is the failure with which it begins.
    pub begins: bool,
}

impl Window {
    fn is_open(self, now: Timestamp) -> bool {
        // A clock that was set back must not let an old window last for ever.
        (0..MINUTE_MS).contains(&now.since(self.since))
    }
}

impl Failures {
    /// Counts a failed proof; tells when the address has had too many.
    pub(super) fn count(&mut self, whose: Counted, now: Timestamp) -> Option<TooMany> {
        let caller = match whose {
            Counted::Sender(address) => Counted::Sender(caller(address)),
            Counted::Behind(proxy) => Counted::Behind(caller(proxy)),
        };
        if self.0.len() >= ADDRESSES && !self.0.contains_key(&caller) {
            self.make_room(now);
        }
        let window = self.0.entry(caller).or_insert(Window { since: now, count: 0 });
        if !window.is_open(now) {
            *window = Window { since: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        let left = MINUTE_MS - now.since(window.since);
        let retry_after = (left.max(1) as u64).div_ceil(1000);
        (window.count > FAILURES).then_some(TooMany { retry_after, begins: window.count == FAILURES + 1 })
    }

    /// How many addresses must wait.
    pub(super) fn waiting(&self, now: Timestamp) -> usize {
        self.0.values().filter(|window| window.count > FAILURES && window.is_open(now)).count()
    }

    /// Forgets at least half: what is over, then whoever has failed least. So a flood from many addresses can't make room for
    /// the one that guesses.
    fn make_room(&mut self, now: Timestamp) {
        self.0.retain(|_, window| window.is_open(now));
        if self.0.len() > ADDRESSES / 2 {
            let mut counts: Vec<u32> = self.0.values().map(|window| window.count).collect();
            let middle = counts.len() / 2;
            let (_, median, _) = counts.select_nth_unstable(middle);
            let median = *median;
            self.0.retain(|_, window| window.count > median);
        }
    }
}

/// Who counts as one: an IPv4 address, or a network of IPv6.
fn caller(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS)))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Counted {
        Counted::Sender(text.parse().expect("an address"))
    }

    fn numbered(n: u32) -> Counted {
        Counted::Sender(IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn twenty_failed_proofs_a_minute_are_answered_and_the_next_must_wait() {
        let mut failures = Failures::default();
        let peer = ip("127.0.0.1");
        for n in 0..20 {
            assert_eq!(failures.count(peer, Timestamp(n * 1000)), None);
        }
        assert_eq!(failures.waiting(Timestamp(20_000)), 0);
        let too_many = |retry_after, begins| Some(TooMany { retry_after, begins });
        assert_eq!(failures.count(peer, Timestamp(20_000)), too_many(40, true));
        assert_eq!(failures.count(ip("::ffff:127.0.0.1"), Timestamp(59_999)), too_many(1, false));
        assert_eq!(failures.count(ip("127.0.0.2"), Timestamp(20_000)), None);
        assert_eq!((failures.waiting(Timestamp(59_999)), failures.waiting(Timestamp(60_000))), (1, 0));
        assert_eq!(failures.count(peer, Timestamp(60_000)), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let mut failures = Failures::default();
        for n in 0..20 {
            assert_eq!(failures.count(ip(&format!("2001:db8:0:1:{n}::{n}")), Timestamp(0)), None);
        }
        assert!(failures.count(ip("2001:db8:0:1:ffff::1"), Timestamp(0)).is_some());
        assert_eq!(failures.count(ip("2001:db8:0:2::1"), Timestamp(0)), None);
    }

    #[test]
    fn a_flood_from_many_addresses_takes_no_more_room_and_lets_nobody_go() {
        let mut failures = Failures::default();
        let guesser = ip("192.0.2.1");
        for _ in 0..=FAILURES {
            failures.count(guesser, Timestamp(0));
        }
        for n in 0..100_000_u32 {
            assert_eq!(failures.count(numbered(0x0a00_0000 + n), Timestamp(1)), None);
            assert!(failures.0.len() <= ADDRESSES);
        }
        assert!(failures.count(guesser, Timestamp(2)).is_some());
        // A flood in which everybody fails as often is counted anew, and still takes no more room.
        for n in 0..20_000_u32 {
            for _ in 0..2 {
                failures.count(numbered(0x0b00_0000 + n), Timestamp(3));
            }
        }
        assert!(failures.0.len() <= ADDRESSES && failures.waiting(Timestamp(3)) == 1);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_for_longer() {
        let mut failures = Failures::default();
        for _ in 0..30 {
            failures.count(ip("192.0.2.1"), Timestamp(10 * MINUTE_MS));
        }
        assert_eq!(failures.count(ip("192.0.2.1"), Timestamp(0)), None);
    }
    #[test]
    fn whoever_hides_behind_a_proxy_counts_apart_from_it() {
        let mut failures = Failures::default();
        let proxy = ip("10.0.0.5");
        let Counted::Sender(address) = proxy else { unreachable!("a sender") };
        let counts: Vec<_> = (0..21).map(|_| failures.count(Counted::Behind(address), Timestamp(0))).collect();
        assert!(counts.iter().take(20).all(Option::is_none) && counts[20].is_some(), "{counts:?}");
        assert_eq!(failures.count(proxy, Timestamp(0)), None);
    }
}
