//! The PROXY protocol, version 2 (HAProxy's specification, 2.2 to 2.6): what a proxy says of the client it speaks for.
//!
//! A listener reads the header, and not one octet more, before anything else of the connection. Only peers that the
//! configuration trusts are read like this, and of these it is demanded.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first octets of every header.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What stands before the addresses.
const FIXED_OCTETS: usize = 16;
/// A header with its TLVs; the largest that proxies send have some hundred octets.
const OCTETS_MAX: usize = 4_096;
const IPV4_OCTETS: usize = 12;
const IPV6_OCTETS: usize = 36;

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyError {
    NoSignature,
    /// "PROXY TCP4 ...": a proxy that is set up for version 1.
    VersionOne,
    Version(u8),
    Command(u8),
    Family(u8),
    TooShort,
    TooLong(usize),
}

impl std::fmt::Display for ProxyError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PROXY header: ")?;
        match self {
            Self::NoSignature => {
                formatter.write_str("there is none; this proxy must send one (send-proxy-v2)")
            }
            Self::VersionOne => formatter.write_str("version 1; only version 2 is read (send-proxy-v2)"),
            Self::Version(version) => write!(formatter, "version {version}; only version 2 is read"),
            Self::Command(command) => write!(formatter, "command {command} is unknown"),
            Self::Family(family) => write!(formatter, "family {family:#04x} is not TCP over IP"),
            Self::TooShort => formatter.write_str("too short for its addresses"),
            Self::TooLong(octets) => write!(formatter, "{octets} octets, more than {OCTETS_MAX}"),
        }
    }
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It has at least so many octets.
    Needs(usize),
    /// It has exactly so many octets; and the client's address, unless the proxy speaks for itself (LOCAL, UNSPEC).
    Complete(usize, Option<SocketAddr>),
}

/// Looks at the beginning of a connection.
fn parse(octets: &[u8]) -> Result<Progress, ProxyError> {
    let begun = octets.len().min(SIGNATURE.len());
    if octets[..begun] != SIGNATURE[..begun] {
        let text = b"PROXY ";
        let is_text = octets[..begun.min(text.len())] == text[..begun.min(text.len())];
        return Err(if is_text { ProxyError::VersionOne } else { ProxyError::NoSignature });
    }
    let Some(&[version_and_command, family, high, low]) = octets.get(SIGNATURE.len()..FIXED_OCTETS) else {
        return Ok(Progress::Needs(FIXED_OCTETS));
    };
    if version_and_command >> 4 != 2 {
        return Err(ProxyError::Version(version_and_command >> 4));
    }
    let whole = FIXED_OCTETS + usize::from(u16::from_be_bytes([high, low]));
    if whole > OCTETS_MAX {
        return Err(ProxyError::TooLong(whole));
    }
    let addresses_octets = match (version_and_command & 0xF, family) {
        // LOCAL: the proxy's own connection, a health check. Whatever stands there is passed over.
        (0, _) => 0,
        (1, 0x00) => 0,
        (1, 0x11) => IPV4_OCTETS,
        (1, 0x21) => IPV6_OCTETS,
        (1, other) => return Err(ProxyError::Family(other)),
        (other, _) => return Err(ProxyError::Command(other)),
    };
    if whole - FIXED_OCTETS < addresses_octets {
        return Err(ProxyError::TooShort);
    }
    let Some(addresses) = octets.get(FIXED_OCTETS..whole) else { return Ok(Progress::Needs(whole)) };
    let port = |at: usize| u16::from_be_bytes([addresses[at], addresses[at + 1]]);
    let source = match addresses_octets {
        IPV4_OCTETS => {
            let source: [u8; 4] = addresses[..4].try_into().unwrap_or_default();
            Some(SocketAddr::new(Ipv4Addr::from(source).into(), port(8)))
        }
        IPV6_OCTETS => {
            let source: [u8; 16] = addresses[..16].try_into().unwrap_or_default();
            Some(SocketAddr::new(Ipv6Addr::from(source).to_canonical(), port(32)))
        }
        _ => None,
    };
    Ok(Progress::Complete(whole, source))
}

/// A header that is being read.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    header: Vec<u8>,
}

/// What one look at the socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is nothing more now.
    Waits,
    /// The header has ended; whom the proxy speaks for.
    Done(Option<SocketAddr>),
}

impl Prologue {
    /// Whether anything came at all.
    pub(crate) fn has_begun(&self) -> bool {
        !self.header.is_empty()
    }

    /// Reads on, up to the header's last octet.
    ///
    /// # Errors
    /// The socket's own, `UnexpectedEof`, or `InvalidData` with what is wrong with the header.
    pub(crate) fn read(&mut self, socket: &mut impl Read) -> std::io::Result<Step> {
        loop {
            let wrong = |error: ProxyError| std::io::Error::new(ErrorKind::InvalidData, error.to_string());
            let have = self.header.len();
            let needs = match parse(&self.header).map_err(wrong)? {
                Progress::Complete(_, source) => return Ok(Step::Done(source)),
                Progress::Needs(octets) => octets,
            };
            self.header.resize(needs, 0);
            let read = socket.read(&mut self.header[have..]);
            self.header.truncate(have + read.as_ref().map_or(0, |&count| count));
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Waits),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = (rest.len() as u16).to_be_bytes();
        [&SIGNATURE[..], &[version_and_command, family], &length, rest].concat()
    }

    const FOUR: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x1F, 0x90, 0x0A, 0xD7];

    fn six(source: &str) -> Vec<u8> {
        let source: Ipv6Addr = source.parse().unwrap();
        [&source.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0x1F, 0x90, 0x0A, 0xD7]].concat()
    }

    /// Gives what it has, some octets at a time, and then nothing for now.
    struct Drips<'a>(&'a [u8], usize);

    impl Read for Drips<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn the_clients_address_is_read_from_a_proxy_v2_header() {
        let source = |text: &str| Some(text.parse().unwrap());
        for (octets, expected) in [
            (header(0x21, 0x11, &FOUR), source("192.0.2.1:8080")),
            (header(0x21, 0x11, &[&FOUR[..], &[3, 0, 4, 1, 2, 3, 4]].concat()), source("192.0.2.1:8080")),
            (header(0x21, 0x21, &six("2001:db8::7")), source("[2001:db8::7]:8080")),
            (header(0x21, 0x21, &six("::ffff:192.0.2.1")), source("192.0.2.1:8080")),
            (header(0x20, 0x00, &[]), None),
            (header(0x20, 0x11, &[1, 2, 3]), None),
            (header(0x21, 0x00, &[9; 40]), None),
        ] {
            assert_eq!(parse(&octets), Ok(Progress::Complete(octets.len(), expected)));
        }
    }

    #[test]
    fn what_is_no_proxy_v2_header_is_told_apart() {
        for (octets, expected) in [
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 8080 2775\r\n".to_vec(), ProxyError::VersionOne),
            (b"P".to_vec(), ProxyError::VersionOne),
            (b"\0\0\0\x2f\0\0\0\x09".to_vec(), ProxyError::NoSignature),
            (b"\r\n\r\r".to_vec(), ProxyError::NoSignature),
            (header(0x11, 0x11, &FOUR), ProxyError::Version(1)),
            (header(0x22, 0x11, &FOUR), ProxyError::Command(2)),
            (header(0x21, 0x12, &FOUR), ProxyError::Family(0x12)),
            (header(0x21, 0x31, &[0; 216]), ProxyError::Family(0x31)),
            (header(0x21, 0x11, &FOUR[..11]), ProxyError::TooShort),
            (header(0x21, 0x21, &[0; 35]), ProxyError::TooShort),
            (header(0x21, 0x11, &[0; 4_081]), ProxyError::TooLong(4_097)),
        ] {
            assert_eq!(parse(&octets), Err(expected));
        }
        assert!(parse(&header(0x21, 0x11, &[0; 4_080])).is_ok());
    }

    #[test]
    fn an_end_within_the_header_is_told() {
        let mut prologue = Prologue::default();
        let mut socket = &header(0x21, 0x11, &FOUR)[..20];
        assert_eq!(prologue.read(&mut socket).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert!(prologue.has_begun() && !Prologue::default().has_begun());
    }

    proptest! {
        #[test]
        fn a_header_split_over_reads_ends_where_it_ends(
            step in 1_usize..40, tlvs in proptest::collection::vec(any::<u8>(), 0..300), behind in "[a-z]{0,40}",
        ) {
            let octets = header(0x21, 0x11, &[&FOUR[..], &tlvs].concat());
            let sent = [&octets[..], behind.as_bytes()].concat();
            for split in [0, octets.len() / 2, octets.len() - 1] {
                let mut prologue = Prologue::default();
                let mut first = Drips(&sent[..split], step);
                prop_assert_eq!(prologue.read(&mut first).unwrap(), Step::Waits);
                let mut second = Drips(&sent[split..], step);
                let source = Some("192.0.2.1:8080".parse().unwrap());
                prop_assert_eq!(prologue.read(&mut second).unwrap(), Step::Done(source));
                prop_assert_eq!(second.0, behind.as_bytes());
            }
        }

        #[test]
        fn no_octets_panic_or_ask_for_more_than_the_bound(
            mut octets in proptest::collection::vec(any::<u8>(), 0..80), has_signature: bool, is_version_two: bool,
        ) {
            if has_signature {
                octets.splice(0..octets.len().min(12), SIGNATURE);
            }
            if is_version_two && octets.len() > 12 {
                octets[12] = 0x20 | (octets[12] & 1);
            }
            match parse(&octets) {
                Ok(Progress::Needs(more)) => prop_assert!(more > octets.len() && more <= OCTETS_MAX),
                Ok(Progress::Complete(whole, _)) => prop_assert!((FIXED_OCTETS..=octets.len()).contains(&whole)),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
            // All of its beginnings are beginnings, or what is wrong is wrong already.
            for end in 0..octets.len() {
                let _ = parse(&octets[..end]);
            }
        }
    }
}
