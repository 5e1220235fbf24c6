//! Networks in CIDR notation: who may connect, and who may speak for others. No I/O.

use std::net::IpAddr;

/// Networks of one list at most: it is looked through at every bind.
pub(crate) const NETWORKS_MAX: usize = 256;

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<Network>);

impl Networks {
    /// Reads a list of `192.0.2.0/24`, `2001:db8::/32`, or single addresses.
    ///
    /// # Errors
    /// Which one makes no sense, and why.
    pub(crate) fn parse(list: &[String]) -> Result<Self, String> {
        if list.len() > NETWORKS_MAX {
            return Err(format!("{} networks, more than {NETWORKS_MAX}", list.len()));
        }
        list.iter().map(|text| Network::parse(text)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address lies in one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        // An IPv4 peer on an IPv6 socket is an IPv4 peer (RFC 4291 §2.5.5.2).
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let wrong = || format!("{text:?} is no network: an address, or like 192.0.2.0/24 or 2001:db8::/32");
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        // Digits only: "+24" is a number for Rust, and a slip for people.
        let digits =
            |bits: &str| (bits.bytes().all(|octet| octet.is_ascii_digit())).then(|| bits.parse().ok());
        let prefix_bits = match bits {
            None => most,
            Some(bits) => digits(bits).flatten().filter(|&bits| bits <= most).ok_or_else(wrong)?,
        };
        Ok(Self { address, prefix_bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                u32::from(self.prefix_bits) <= differing.leading_zeros()
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                u32::from(self.prefix_bits) <= differing.leading_zeros()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(list: &[&str]) -> Result<Networks, String> {
        Networks::parse(&list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_address_is_in_its_network_and_in_no_other() {
        let some = networks(&["192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "::1"]).unwrap();
        for inside in ["192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8:1::5", "::1", "::ffff:192.0.2.9"]
        {
            assert!(some.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.3.0", "198.51.100.8", "2001:db9::", "::2", "::ffff:192.0.3.9", "::"] {
            assert!(!some.contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(!networks(&["0.0.0.0/0"]).unwrap().contains("::1".parse().unwrap()));
        assert!(networks(&["::/0"]).unwrap().contains("2001::".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for wrong in
            ["", "/", "192.0.2.0/33", "192.0.2.0/+4", "192.0.2.0/", "::/129", "acme.example", "1.2.3/8"]
        {
            assert!(networks(&[wrong]).unwrap_err().contains(&format!("{wrong:?}")), "{wrong}");
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let most = vec!["192.0.2.1".to_owned(); NETWORKS_MAX];
        assert!(Networks::parse(&most).is_ok());
        assert!(Networks::parse(&[most, vec!["::1".to_owned()]].concat()).unwrap_err().contains("257"));
    }

    proptest! {
        #[test]
        fn the_leading_bits_decide(network: u32, address: u32, bits in 0_u8..=32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let text = format!("{}/{bits}", std::net::Ipv4Addr::from_bits(network));
            let list = networks(&[&text]).unwrap();
            let is_in = list.contains(std::net::Ipv4Addr::from_bits(address).into());
            prop_assert_eq!(is_in, network & mask == address & mask);
            prop_assert!(list.contains(std::net::Ipv4Addr::from_bits(network).into()));
        }
    }
}
