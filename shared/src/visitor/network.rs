//! Client networks: who shares a limit. IPv4 by address, IPv6 by /64, because one household or server has at least that.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::bytes;
use crate::bytes::Bytes;

/// A network in canonical form. No `Debug` and no `Display`: an address is personal data and is never written down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// One address: /32.
    V4([u8; 4]),
    /// The first 64 bits.
    V6([u8; 8]),
    /// The first 48 bits: what a provider hands to one site, and whoever has it has 65,536 of [`Network::V6`].
    V6Site([u8; 6]),
}

/// The network of a client. An IPv4 address in an IPv6 one (`::ffff:0:0/96`) is that IPv4 address; 6to4 and Teredo
/// addresses hold one as well, but anybody can write any address there, so they stay IPv6.
pub fn network(ip: IpAddr) -> Network {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Network::V4(ip.octets()),
        IpAddr::V6(ip) => Network::V6(first(ip.octets())),
    }
}

impl Network {
    /// The site around an IPv6 /64; `None` for everything else.
    pub fn site(self) -> Option<Self> {
        match self {
            Self::V6(octets) => Some(Self::V6Site(first(octets))),
            Self::V4(_) | Self::V6Site(_) => None,
        }
    }

    /// Its bytes; the length tells the kinds apart.
    pub(crate) fn octets(self) -> Vec<u8> {
        match self {
            Self::V4(octets) => octets.to_vec(),
            Self::V6(octets) => octets.to_vec(),
            Self::V6Site(octets) => octets.to_vec(),
        }
    }
}

impl From<IpAddr> for Network {
    fn from(ip: IpAddr) -> Self {
        network(ip)
    }
}

fn first<const M: usize, const N: usize>(octets: [u8; M]) -> [u8; N] {
    const { assert!(N <= M, "a prefix is no longer than the whole") };
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(octets) {
        *to = from;
    }
    out
}

/// The keyed hash of a [`Network`], made by [`IndexKey::visitor`](crate::keys::IndexKey::visitor). 128 bits, base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VisitorId(Bytes<16>);

impl VisitorId {
    /// Wraps the hash.
    pub fn new(hash: [u8; 16]) -> Self {
        Self(Bytes(hash))
    }

    /// The hash.
    pub fn hash(&self) -> &Bytes<16> {
        &self.0
    }
}

impl fmt::Display for VisitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bytes::encode(&self.0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::IndexKey;

    fn of(ip: &str) -> Network {
        network(ip.parse().unwrap())
    }

    #[test]
    fn one_client_has_one_network_however_its_address_is_written() {
        let same = [
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("192.0.2.7", "::ffff:c000:207"),
            ("2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff"),
            ("2001:db8:1:2::", "2001:0db8:0001:0002:0:0:0:9"),
        ];
        for (one, other) in same {
            assert!(of(one) == of(other), "{one} {other}");
        }
        let different = [
            ("192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "::192.0.2.7"),
            ("192.0.2.7", "2002:c000:207::1"),
            ("192.0.2.7", "2001:0:c000:207::1"),
            ("192.0.2.7", "64:ff9b::192.0.2.7"),
            ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ];
        for (one, other) in different {
            assert!(of(one) != of(other), "{one} {other}");
        }
        assert!("fe80::1%eth0".parse::<IpAddr>().is_err(), "zone ids have no way in");
    }

    #[test]
    fn a_site_joins_the_networks_of_one_48_and_is_none_of_them() {
        let site = |ip| of(ip).site();
        assert!(site("2001:db8:1:2::1") == site("2001:db8:1:ffff::1"));
        assert!(site("2001:db8:1:2::1") != site("2001:db8:2:2::1"));
        assert!(site("192.0.2.7").is_none() && site("::ffff:192.0.2.7").is_none());
        let key = IndexKey::new([1; 32]);
        let narrow = key.visitor(of("2001:db8:1::1"));
        assert_ne!(narrow, key.visitor(site("2001:db8:1::1").unwrap()));
        assert_ne!(narrow, IndexKey::new([2; 32]).visitor(of("2001:db8:1::1")));
        assert_eq!(narrow, key.visitor("2001:db8:1::2".parse::<IpAddr>().unwrap()));
    }
}
