//! Where a PDU begins and ends (SMPP 3.4 §3.2, 5.0 §3.2.1): checked before anything is parsed or kept.

use crate::values::CommandId;

/// Octets of the header that every PDU starts with.
pub const HEADER_BYTES: usize = 16;

/// The largest PDU taken by default: a `message_payload` of 64 KiB and the fields around it.
pub const PDU_BYTES_MAX: usize = 66_000;

/// The four header fields, each an unsigned 32-bit integer, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, this field included.
    pub command_length: u32,
    /// What the PDU is.
    pub command_id: CommandId,
    /// 0 in requests.
    pub command_status: u32,
    /// Echoed by the response.
    pub sequence_number: u32,
}

impl Header {
    /// Reads the header from the first 16 octets.
    pub fn read(octets: &[u8; HEADER_BYTES]) -> Self {
        let word =
            |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        Self {
            command_length: word(0),
            command_id: CommandId(word(4)),
            command_status: word(8),
            sequence_number: word(12),
        }
    }

    /// The header as it goes to the wire.
    pub fn octets(&self) -> [u8; HEADER_BYTES] {
        let mut octets = [0; HEADER_BYTES];
        octets[0..4].copy_from_slice(&self.command_length.to_be_bytes());
        octets[4..8].copy_from_slice(&self.command_id.0.to_be_bytes());
        octets[8..12].copy_from_slice(&self.command_status.to_be_bytes());
        octets[12..16].copy_from_slice(&self.sequence_number.to_be_bytes());
        octets
    }
}

/// One whole PDU in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header.
    pub header: Header,
    /// What follows the header.
    pub body: &'a [u8],
}

/// What stands at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// More octets are needed.
    Incomplete,
    /// A whole PDU.
    Complete(Frame<'a>),
    /// A command_length below 16 or over the limit: the stream cannot be resynchronised
    /// (SMPP 3.4 §5.1.3, ESME_RINVCMDLEN). The header is given where it has arrived.
    BadLength(u32, Option<Header>),
}

/// The headers of the PDUs that stand one after the other in `buffer`, up to the first that is impossible or not whole.
pub fn headers(buffer: &[u8]) -> impl Iterator<Item = Header> {
    let mut rest = buffer;
    std::iter::from_fn(move || match check(rest, rest.len()) {
        Check::Complete(frame) => {
            rest = &rest[HEADER_BYTES + frame.body.len()..];
            Some(frame.header)
        }
        Check::Incomplete | Check::BadLength(..) => None,
    })
}

/// Tells what stands at the front of `buffer`; allocates nothing, whatever the length says.
pub fn check(buffer: &[u8], pdu_bytes_max: usize) -> Check<'_> {
    let Some(length_octets) = buffer.first_chunk::<4>() else {
        return Check::Incomplete;
    };
    let length = u32::from_be_bytes(*length_octets);
    let header = buffer.first_chunk::<HEADER_BYTES>().map(Header::read);
    if (length as usize) < HEADER_BYTES || length as usize > pdu_bytes_max {
        return Check::BadLength(length, header);
    }
    match (header, buffer.get(HEADER_BYTES..length as usize)) {
        (Some(header), Some(body)) => Check::Complete(Frame { header, body }),
        _ => Check::Incomplete,
    }
}

/// Appends a PDU: reserves the header, lets `write_body` append the body, fills in the length.
pub fn append(
    out: &mut Vec<u8>,
    command_id: CommandId,
    command_status: u32,
    sequence_number: u32,
    write_body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    let header = Header { command_length: 0, command_id, command_status, sequence_number };
    out.extend_from_slice(&header.octets());
    write_body(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_below_16_or_over_the_limit_is_bad_before_the_header_is_whole() {
        assert_eq!(check(&[0, 0, 0, 15], 1000), Check::BadLength(15, None));
        assert_eq!(check(&[0xff; 4], 1000), Check::BadLength(u32::MAX, None));
        assert_eq!(check(&[0, 0, 0], 1000), Check::Incomplete);
    }

    #[test]
    fn a_frame_is_complete_with_its_last_octet() {
        let mut out = Vec::new();
        append(&mut out, CommandId::ENQUIRE_LINK, 0, 7, |body| body.extend_from_slice(b"abc"));
        for end in 0..out.len() {
            assert_eq!(check(&out[..end], 1000), Check::Incomplete);
        }
        let Check::Complete(frame) = check(&out, 1000) else { panic!("not complete") };
        assert_eq!((frame.header.sequence_number, frame.body), (7, &b"abc"[..]));
    }
}
