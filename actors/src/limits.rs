//! How much and how long: the slice of the settings that sessions and the listener need.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How long a session waits.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a request to be whole, from its first byte.
    pub request: Duration,
    /// For the next request, from the end of the last.
    pub idle: Duration,
    /// For a client to take in one batch of replies.
    pub write: Duration,
    /// For a client to close its side, after the server has closed its own.
    pub linger: Duration,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In all: beyond it, connections wait to be accepted.
    pub total: usize,
    /// From one [`Source`]: beyond it, connections are closed at once.
    pub per_source: usize,
}

/// Where a client comes from, for counting: an IPv4 address, or the /64 network of an IPv6 one,
/// since a single host commonly has all of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Network);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Network {
    V4(Ipv4Addr),
    /// The first half of the address.
    V6(u64),
}

impl Source {
    /// The source of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Network::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                Network::V6(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
        })
    }
}

/// The address, or the network's first address.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Network::V4(v4) => v4.fmt(f),
            Network::V6(first_half) => Ipv6Addr::from_bits(u128::from(first_half) << 64).fmt(f),
        }
    }
}

/// The rate of requests that each source may keep up, with a burst of one second's worth.
pub struct RequestRate(DefaultKeyedRateLimiter<Source>);

impl RequestRate {
    /// This many requests a second for each source.
    pub fn per_second(requests: NonZeroU32) -> Self {
        Self(RateLimiter::keyed(Quota::per_second(requests)))
    }

    /// Counts a request, and says whether it may be answered.
    pub(crate) fn admits(&self, source: Source) -> bool {
        self.0.check_key(&source).is_ok()
    }

    /// Forgets the sources that have been quiet.
    pub(crate) fn forget_quiet(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(source("192.0.2.7"), source("::ffff:192.0.2.7"));
        assert_ne!(source("192.0.2.7"), source("192.0.2.8"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:0:0:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::");
        assert_eq!(source("192.0.2.7").to_string(), "192.0.2.7");
    }

    #[test]
    fn a_source_may_burst_a_second_s_worth_and_others_do_not_pay_for_it() {
        let rate = RequestRate::per_second(NonZeroU32::new(3).unwrap());
        let admitted = |text| (0..5).filter(|_| rate.admits(source(text))).count();
        assert_eq!(admitted("192.0.2.7"), 3);
        assert_eq!(admitted("192.0.2.8"), 3);
    }
}
