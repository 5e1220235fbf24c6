//! Passwords do not leave the engine: they are overwritten in what a trace shows.

use brivas_smpp::CommandId;
use brivas_smpp::frame::HEADER_BYTES;

const MASK: u8 = b'*';

/// Overwrites the password in a bind or outbind, whose body is `system_id NUL password NUL ...` (SMPP 3.4 §4.1.1, §4.1.7).
/// It keeps its length, so that the PDU stays what it is. Of a body without any NUL nothing is shown.
pub(super) fn redact(command_id: CommandId, pdu: &mut [u8]) {
    let has_password = matches!(
        command_id,
        CommandId::BIND_RECEIVER
            | CommandId::BIND_TRANSMITTER
            | CommandId::BIND_TRANSCEIVER
            | CommandId::OUTBIND
    );
    let Some(body) = pdu.get_mut(HEADER_BYTES..).filter(|_| has_password) else { return };
    let start = body.iter().position(|&octet| octet == 0).map_or(0, |end| end + 1);
    for octet in body[start..].iter_mut().take_while(|octet| **octet != 0) {
        *octet = MASK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::frame;

    fn redacted(id: CommandId, body: &[u8]) -> Vec<u8> {
        let mut pdu = Vec::new();
        frame::append(&mut pdu, id, 0, 1, |out| out.extend_from_slice(body));
        redact(id, &mut pdu);
        pdu.split_off(HEADER_BYTES)
    }

    #[test]
    fn a_password_is_overwritten_in_every_pdu_that_has_one() {
        for id in [CommandId::BIND_RECEIVER, CommandId::BIND_TRANSMITTER, CommandId::BIND_TRANSCEIVER] {
            assert_eq!(redacted(id, b"acme\0secret\0vma\0\x34\0\0\0"), b"acme\0******\0vma\0\x34\0\0\0");
        }
        assert_eq!(redacted(CommandId::OUTBIND, b"smsc\0secret\0"), b"smsc\0******\0");
        assert_eq!(redacted(CommandId::SUBMIT_SM, b"\0\0\0\0"), b"\0\0\0\0");
        assert_eq!(redacted(CommandId::BIND_TRANSCEIVER.response(), b"acme\0x"), b"acme\0x");
    }

    #[test]
    fn a_password_in_a_broken_bind_is_overwritten_as_well() {
        let id = CommandId::BIND_TRANSCEIVER;
        assert_eq!(redacted(id, b"acme\0secret"), b"acme\0******");
        assert_eq!(redacted(id, b"acmesecret"), b"**********");
        assert_eq!(redacted(id, b"acme\0"), b"acme\0");
        assert_eq!(redacted(id, b""), b"");
    }
}
