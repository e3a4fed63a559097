//! Where clients connect to: a host name or an IP address, and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The port that an address without a port means.
pub const DEFAULT_PORT: u16 = 50_000;

/// A server's address as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Reads `HOST:PORT`, `HOST`, `[IPV6]:PORT`, `[IPV6]` or `IPV6`; `None` if the text is none of
    /// them. `default_port` takes the place of a port that is not there.
    pub fn parse(text: &str, default_port: u16) -> Option<Self> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self { host: ip.to_string(), port: default_port });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = port.map_or(Some(default_port), |port| port.parse().ok())?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_name = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
        let is_host = match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(is_name),
        };
        let host = bare.unwrap_or(host).to_owned();
        is_host.then_some(Self { host, port })
    }

    /// Returns true if other machines can connect there, as far as the address shows.
    pub(crate) fn is_reachable(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => !ip.to_canonical().is_loopback() && !ip.is_unspecified(),
            Err(_) => self.host != "localhost" && !self.host.ends_with(".localhost"),
        }
    }
}

/// `HOST:PORT`, as [`std::net::ToSocketAddrs`] reads it.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_left_out_and_an_ipv6_address_may_have_brackets() {
        let read = |text| ServerAddress::parse(text, 50_000).map(|address| address.to_string());
        for (text, address) in [
            ("grades.example.org:443", "grades.example.org:443"),
            ("grades.example.org", "grades.example.org:50000"),
            ("127.0.0.1", "127.0.0.1:50000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:1", "[::1]:1"),
            ("[::1]", "[::1]:50000"),
            ("2001:db8::7", "[2001:db8::7]:50000"),
        ] {
            assert_eq!(read(text).as_deref(), Some(address), "{text}");
        }
        for (text, reachable) in [
            ("grades.example.org", true),
            ("192.0.2.7:1", true),
            ("127.0.0.2", false),
            ("[::1]:7", false),
            ("0.0.0.0:7", false),
            ("[::]:7", false),
            ("localhost:7", false),
        ] {
            let address = ServerAddress::parse(text, 1).unwrap();
            assert_eq!(address.is_reachable(), reachable, "{text}");
        }
        for text in ["", ":1", "host:", "host:x", "host:99999", "[x]:1", "a b:1", "http://h:1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
