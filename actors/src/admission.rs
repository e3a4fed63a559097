//! What all listeners of a server share: which addresses are proxies, how many connections each source
//! has, and the numbers of the sessions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::event::SessionNumber;
use crate::limits::Source;

/// The proxies whose word is believed about where a client comes from.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// The addresses in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Returns true if an address is that of a proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns true if every address of IPv4 or IPv6 is one.
    pub fn is_everybody(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Admits connections: counts those of each source, and numbers their sessions.
pub struct Admission {
    proxies: Proxies,
    per_source_max: usize,
    /// The number of open connections of each source.
    open: Mutex<HashMap<Source, usize>>,
    last_number: AtomicU64,
}

impl Admission {
    /// Admits `per_source_max` connections of each source at a time.
    pub fn new(per_source_max: usize, proxies: Proxies) -> Self {
        Self { proxies, per_source_max, open: Mutex::default(), last_number: AtomicU64::new(0) }
    }

    /// The proxies.
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// The number of the next session.
    pub fn next_number(&self) -> SessionNumber {
        SessionNumber(self.last_number.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }

    /// Counts a connection of a source; `None` if the source has as many as allowed.
    pub fn admit(self: &Arc<Self>, source: Source) -> Option<SourcePermit> {
        let mut open = self.open();
        let count = open.entry(source).or_default();
        if *count >= self.per_source_max {
            return None;
        }
        *count += 1;
        Some(SourcePermit { admission: Arc::clone(self), source })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Source, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permit to be one of the open connections of a source, returned when it is dropped.
pub struct SourcePermit {
    admission: Arc<Admission>,
    source: Source,
}

impl SourcePermit {
    /// The source.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl Drop for SourcePermit {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        if let Entry::Occupied(mut count) = open.entry(self.source) {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_so_many_connections_and_gets_another_when_one_ends() {
        let admission = Arc::new(Admission::new(2, Proxies::default()));
        let source = Source::of(address("192.0.2.7"));
        let first = admission.admit(source).unwrap();
        let _second = admission.admit(source).unwrap();
        assert!(admission.admit(source).is_none());
        assert!(admission.admit(Source::of(address("192.0.2.8"))).is_some());
        drop(first);
        assert!(admission.admit(source).is_some());
    }

    #[test]
    fn a_source_without_connections_takes_no_memory() {
        let admission = Arc::new(Admission::new(2, Proxies::default()));
        drop(admission.admit(Source::of(address("192.0.2.7"))));
        assert!(admission.open().is_empty());
    }

    #[test]
    fn a_proxy_is_an_address_in_a_network_also_in_its_ipv6_form() {
        let networks = ["192.0.2.7/32", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let proxies = Proxies::new(networks.to_vec());
        assert!(proxies.contains(address("192.0.2.7")));
        assert!(proxies.contains(address("::ffff:192.0.2.7")));
        assert!(proxies.contains(address("2001:db8::1")));
        assert!(!proxies.contains(address("192.0.2.8")));
        assert!(!proxies.contains(address("2001:db9::1")));
    }
}
