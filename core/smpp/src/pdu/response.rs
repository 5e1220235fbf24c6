//! Responses that are a message id and TLVs, and C-octet strings as responses have them.
//!
//! Responses are read tolerantly: a body in an error response, a missing one, or a missing NUL are all seen in the field
//! (SMPP 3.4 §4.4.2 and §5.0 disagree about them). Each keeps its octets.

use super::layout::layout;
use super::rules;
use crate::tlv::Tlvs;

/// A C-octet string that may lack its NUL, or be missing with the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CText<'a> {
    /// The text, without its NUL.
    pub octets: &'a [u8],
    /// Whether the NUL is there.
    pub is_terminated: bool,
}

impl<'a> CText<'a> {
    /// Not there: the body ends before it.
    pub const MISSING: Self = Self { octets: &[], is_terminated: false };

    /// With its NUL, as it should be. `octets` has none.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, is_terminated: true }
    }
}

impl Default for CText<'_> {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl<'a> From<&'a [u8]> for CText<'a> {
    fn from(octets: &'a [u8]) -> Self {
        Self::new(octets)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for CText<'a> {
    fn from(octets: &'a [u8; N]) -> Self {
        Self::new(octets)
    }
}

impl std::ops::Deref for CText<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets
    }
}

layout! {
    /// submit_sm_resp, deliver_sm_resp, data_sm_resp, broadcast_sm_resp, query_broadcast_sm_resp
    /// (SMPP 3.4 §4.4.2, §4.6.2, §4.7.2; 5.0 §4.2.1.2, §4.3.1.2, §4.4.1.2, §4.6.1.3).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    MessageResponse {
        /// As the message centre names the message; unused in deliver_sm_resp.
        message_id: CText<'a> = loose_text(rules::MESSAGE_ID),
    } then {
        /// What went wrong, and congestion_state (5.0).
        tlvs: Tlvs<'a> = loose_tlvs(rules::TLVS),
    }
}

impl<'a> MessageResponse<'a> {
    /// With a message id and no TLVs.
    pub const fn new(message_id: &'a [u8]) -> Self {
        Self { message_id: CText::new(message_id), tlvs: Tlvs::EMPTY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_read_with_or_without_its_nul_or_body_and_written_as_it_came() {
        let forms: [(&[u8], &[u8], &[u8]); 6] = [
            (b"abc\0", b"abc", b""),
            (b"abc", b"abc", b""),
            (b"", b"", b""),
            (b"\0", b"", b""),
            (b"abc\0\0", b"abc", b"\0"),
            (b"abc\0\x04\x28\0\x01\x50", b"abc", b"\x04\x28\0\x01\x50"),
        ];
        for (body, message_id, tail) in forms {
            let response = MessageResponse::decode(body).unwrap();
            assert_eq!((response.message_id.octets, response.tlvs.octets()), (message_id, tail));
            let mut again = Vec::new();
            response.encode(&mut again);
            assert_eq!(again, body);
        }
    }
}
