//! Which addresses an outbound request may reach. Merchants choose webhook addresses, so everything that is not the
//! public internet is closed: a name may resolve to anything, so it is the *address* that is checked, after DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use url::Host;

/// Networks that are not the public internet (IANA special-purpose registries), for IPv4.
const CLOSED_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // former 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// The parts of IPv6's global unicast space (2000::/3) that are not the public internet.
const CLOSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo (carries IPv4 addresses)
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4 (carries IPv4 addresses)
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// What may be reached although it is not public.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exceptions {
    networks: Vec<IpNet>,
    hosts: Vec<Host>,
}

impl Exceptions {
    /// Reads names, addresses and networks (`terminal.shop.lan`, `10.1.2.3`, `10.0.0.0/8`).
    pub(crate) fn parse(entries: &[String]) -> Result<Self, String> {
        let mut exceptions = Self::default();
        for entry in entries {
            if let Ok(network) = entry.parse::<IpNet>() {
                exceptions.networks.push(network.trunc());
            } else if let Ok(address) = entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
                exceptions.networks.push(IpNet::from(address));
            } else {
                let host = Host::parse(entry);
                exceptions.hosts.push(host.map_err(|error| {
                    format!("{entry:?} is not a host, an address or a network like 10.0.0.0/8 ({error})")
                })?);
            }
        }
        Ok(exceptions)
    }

    /// Whether a request to `host`, which resolved to `address`, may connect to it.
    pub(crate) fn may_reach(&self, host: &Host, address: IpAddr) -> bool {
        is_public(address)
            || self.hosts.contains(host)
            || self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// Whether `address` belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !CLOSED_V4
        .iter()
        .any(|(network, length)| same_prefix(u128::from(address.to_bits()), u128::from(network.to_bits()), 32, *length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // NAT64: the IPv4 address behind it decides.
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() {
        return is_public_v4(Ipv4Addr::from_bits(u32::from(high).wrapping_shl(16) | u32::from(low)));
    }
    let global = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
    same_prefix(address.to_bits(), global.to_bits(), 128, 3)
        && !CLOSED_V6.iter().any(|(network, length)| same_prefix(address.to_bits(), network.to_bits(), 128, *length))
}

/// Whether two addresses of `width` bits agree in their first `length` bits.
fn same_prefix(a: u128, b: u128, width: u8, length: u8) -> bool {
    (a ^ b).checked_shr(u32::from(width.saturating_sub(length))).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_open() {
        for closed in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(closed.parse().unwrap()), "{closed}");
        }
        for open in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(open.parse().unwrap()), "{open}");
        }
    }

    #[test]
    fn exceptions_are_by_name_address_or_network() {
        let entries = ["shop.lan", "10.1.0.0/16", "127.0.0.1", "::1"].map(str::to_owned);
        let exceptions = Exceptions::parse(&entries).unwrap();
        let (shop, other) = (Host::parse("SHOP.lan").unwrap(), Host::parse("other.lan").unwrap());
        for (host, address, expected) in [
            (&shop, "192.168.1.1", true),
            (&other, "192.168.1.1", false),
            (&other, "10.1.2.3", true),
            (&other, "10.2.0.1", false),
            (&other, "127.0.0.1", true),
            (&other, "::ffff:127.0.0.1", true),
            (&other, "127.0.0.2", false),
            (&other, "::1", true),
        ] {
            assert_eq!(exceptions.may_reach(host, address.parse().unwrap()), expected, "{host} {address}");
        }
        assert!(Exceptions::parse(&["not a host".to_owned()]).is_err());
    }
}
