//! What somebody speaks who does not speak SMPP: a guess from the first octets, so that a log line says what to change.
//!
//! No PDU begins like these: as a length they are all far above what a PDU may have.

/// Other protocols by their first octets, and what is to be done about each.
const BEGINNINGS: [(&[u8], &str); 8] = [
    (b"\x16\x03", "the peer speaks TLS, and this listener is plain: point it at a listener with `tls`"),
    (b"\r\n\r\n", "a PROXY header, version 2, from an address that is not in proxyProtocol.from"),
    (b"PROX", "a PROXY header, version 1: only version 2 is read, on listeners with proxyProtocol"),
    (b"GET ", "the peer speaks HTTP"),
    (b"POST", "the peer speaks HTTP"),
    (b"HEAD", "the peer speaks HTTP"),
    (b"PRI ", "the peer speaks HTTP/2 or gRPC"),
    (b"SSH-", "the peer speaks SSH"),
];

/// What the octets that a connection began with look like.
pub(crate) fn describe(first: &[u8]) -> Option<&'static str> {
    BEGINNINGS.iter().find(|(beginning, _)| first.starts_with(beginning)).map(|&(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_told_apart_from_pdus_that_are_too_long() {
        assert!(describe(b"\x16\x03\x01\x02\x00\x01\x00").unwrap().contains("`tls`"));
        assert!(describe(b"\r\n\r\n\0\r\nQUIT\n\x21\x11").unwrap().contains("proxyProtocol.from"));
        assert!(describe(b"PROXY TCP4 192.0.2.1").unwrap().contains("version 1"));
        assert!(describe(b"GET / HTTP/1.1\r\n").unwrap().contains("HTTP"));
        for smpp in [
            &b"\0\0\0\x2f\0\0\0\x09\0\0\0\0\0\0\0\x01"[..],
            b"\0\x16\x03\x01",
            b"\xff\xff\xff\xff",
            b"GE",
            b"",
        ] {
            assert_eq!(describe(smpp), None);
        }
    }

    #[test]
    fn no_pdu_that_may_be_begins_like_another_protocol() {
        for (beginning, _) in BEGINNINGS {
            assert!(beginning[0] > 0, "its command_length would be possible");
        }
    }
}
