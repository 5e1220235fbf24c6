//! Any body of any command: what is read encodes to the same octets, and everything may be asked of it.
//!
//! Octets: which command (an index into the table; one above it is unknown), the status's last octet, the body.

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::{DecodeError, describe, describe_json};
use brivas_smpp::{CommandId, CommandStatus, InterfaceVersion, Pdu};

pub fn check(octets: &[u8]) {
    let Some((&[command, status], body)) = octets.split_first_chunk() else { return };
    let id =
        CommandId::ALL.get(usize::from(command)).copied().unwrap_or(CommandId(0x99 + u32::from(command)));
    let status = CommandStatus(u32::from(status));
    let mut wire = Vec::new();
    frame::append(&mut wire, id, status.0, 7, |out| out.extend_from_slice(body));
    let Check::Complete(frame) = frame::check(&wire, frame::PDU_BYTES_MAX) else { return };

    let strict = Pdu::decode(frame);
    let lenient = Pdu::decode_leniently(frame);
    // Leniency is about TLV areas only.
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => assert_eq!(strict, lenient),
        (Err(error), Ok(_)) => assert_eq!(error.status, CommandStatus::RINVTLVSTREAM),
        (Err(strict), Err(lenient)) => assert_eq!(strict, lenient),
        (Ok(_), Err(_)) => panic!("the lenient way is the stricter one"),
    }
    for read in [strict, lenient] {
        ask(read, status, &wire);
    }
    assert_eq!(describe(frame).is_ok(), strict.is_ok());
    assert_eq!(describe_json(frame).is_ok(), strict.is_ok());
    if let Ok(fields) = describe(frame) {
        let mut names: Vec<_> = fields.iter().map(|field| &field.0).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), fields.len(), "a name stands for two fields");
    }
}

fn ask(read: Result<Pdu<'_>, DecodeError>, status: CommandStatus, wire: &[u8]) {
    let Ok(pdu) = read else { return };
    let mut again = Vec::new();
    pdu.encode_with_body(&mut again, status, 7);
    assert_eq!(again, wire, "not every octet survived");
    super::tlv::ask(pdu.tlvs());
    for version in [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0] {
        let _ = pdu.check(version);
        // What we send is well formed.
        let mut sent = Vec::new();
        pdu.encode_for(version, &mut sent, status, 7);
        assert!(matches!(frame::check(&sent, frame::PDU_BYTES_MAX), Check::Complete(_)));
        let is_delivery = pdu.command_id() == CommandId::DELIVER_SM.response();
        if !status.is_ok() && pdu.command_id().is_response() && !is_delivery {
            assert_eq!(sent.len(), frame::HEADER_BYTES, "an error response has a body");
        }
    }
    match pdu {
        Pdu::SubmitMulti(multi) => {
            assert_eq!(multi.destinations.iter().count(), usize::from(multi.destinations.count()));
        }
        Pdu::SubmitMultiResp(Some(response)) => {
            assert_eq!(response.unsuccessful.iter().count(), usize::from(response.unsuccessful.count()));
        }
        _ => {}
    }
}
