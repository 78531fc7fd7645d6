//! Which machines may be connected to.
//!
//! Endpoints of Web Push come from users, who could name a machine inside. A name is resolved
//! once, every address that it has is looked at, and the connection goes to one of those: a name
//! that means something else a moment later leads nowhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which machines may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Any: the configuration names the machine.
    Anywhere,
    /// Those of the public internet alone.
    Public,
}

impl Reach {
    /// The addresses that `host` has now.
    ///
    /// # Errors
    ///
    /// It has none, or one that is out of reach, of the kind `PermissionDenied`.
    pub(super) async fn resolve(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let addresses = tokio::net::lookup_host((host, port)).await?.collect::<Vec<_>>();
        match self {
            Self::Public if !addresses.iter().all(|address| is_public(address.ip())) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "an address that is not of the public internet",
            )),
            Self::Anywhere | Self::Public => Ok(addresses),
        }
    }
}

/// Whether an address is one of the public internet, by the registries of special-purpose
/// addresses (RFC 6890 and what has been added since).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Written as IPv6, an IPv4 address is still what it is.
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, d, e, f, ..] = address.segments();
    // NAT64 reaches the IPv4 address in its last half.
    if (a, b, c, d, e, f) == (0x64, 0xff9b, 0, 0, 0, 0) {
        let [.., h, i, j, k] = address.octets();
        return is_public_v4(Ipv4Addr::new(h, i, j, k));
    }
    // 6to4 has its IPv4 address behind the prefix, and nobody needs it.
    let special = a & 0xe000 != 0x2000
        || a == 0x2002
        || (a == 0x2001 && b < 0x0200)
        || (a == 0x2001 && b == 0xdb8)
        || (a == 0x3fff && b < 0x1000);
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "2600:1901::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for inner in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
        ] {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
    }

    #[tokio::test]
    async fn a_name_of_an_inner_machine_is_out_of_reach() {
        let refused = Reach::Public.resolve("localhost", 443).await.unwrap_err();

        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(Reach::Anywhere.resolve("localhost", 443).await.is_ok());
    }
}
