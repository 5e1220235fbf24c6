//! The codec as a whole: every PDU comes back as it was written, every octet survives, no octet panics.

mod support;

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::{DecodeError, describe, describe_json};
use brivas_smpp::tlv::{DEFINITIONS, Tlvs};
use brivas_smpp::{CommandId, CommandStatus, Frame, InterfaceVersion, Pdu};
use proptest::prelude::*;
use support::pdus::{Ingredients, pdu};

fn whole(octets: &[u8]) -> Frame<'_> {
    match frame::check(octets, frame::PDU_BYTES_MAX) {
        Check::Complete(frame) => frame,
        other => panic!("{other:?}"),
    }
}

/// All that is of valid form.
const ANY: Ingredients = Ingredients { characters: 1..=255, tlvs: |_| true, is_real: false };

fn any_pdu() -> impl Strategy<Value = Pdu<'static>> {
    prop::sample::select(CommandId::ALL).prop_flat_map(|id| pdu(id, &ANY))
}

fn any_command() -> impl Strategy<Value = CommandId> {
    prop_oneof![9 => prop::sample::select(CommandId::ALL), 1 => any::<u32>().prop_map(CommandId)]
}

fn any_response() -> impl Strategy<Value = CommandId> {
    let responses: Vec<_> = CommandId::ALL.iter().copied().filter(|id| id.is_response()).collect();
    prop::sample::select(responses)
}

/// Bodies with many NULs, and small numbers where lengths may stand.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => 0..8_u8, 2 => any::<u8>()], 0..300)
}

/// What every reader of a PDU may ask it.
fn ask(pdu: &Pdu<'_>) {
    for version in [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0] {
        let _ = pdu.check(version);
    }
    ask_tlvs(pdu.tlvs());
    match pdu {
        Pdu::SubmitMulti(message) => {
            assert_eq!(message.destinations.iter().count(), message.destinations.count().into())
        }
        Pdu::SubmitMultiResp(Some(response)) => {
            assert_eq!(response.unsuccessful.iter().count(), response.unsuccessful.count().into());
        }
        _ => {}
    }
}

fn ask_tlvs(tlvs: Tlvs<'_>) {
    assert_eq!(tlvs.well_formed().octets().len() + tlvs.broken().len(), tlvs.octets().len());
    let total: usize = tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum();
    assert_eq!(total, tlvs.well_formed().octets().len());
    for definition in DEFINITIONS {
        let first = tlvs.find(definition.tag);
        assert_eq!(first, tlvs.find_all(definition.tag).next());
    }
    tlvs.callback_nums().for_each(drop);
    tlvs.broadcast_areas().for_each(drop);
    let _ = (tlvs.sar(), tlvs.network_error(), tlvs.congestion(), tlvs.subaddresses(), tlvs.its_session());
    let _ = (tlvs.broadcast_content(), tlvs.broadcast_frequency(), tlvs.phone_validity());
}

/// Reads octets in both ways; what is read must encode to the same octets.
fn read_and_write_back(octets: &[u8]) -> Result<(), TestCaseError> {
    let frame = whole(octets);
    let same = |read: Result<Pdu<'_>, DecodeError>| -> Result<(), TestCaseError> {
        if let Ok(pdu) = read {
            ask(&pdu);
            let mut again = Vec::new();
            let status = CommandStatus(frame.header.command_status);
            pdu.encode_with_body(&mut again, status, frame.header.sequence_number);
            prop_assert_eq!(again, octets);
        }
        Ok(())
    };
    same(Pdu::decode(frame))?;
    same(Pdu::decode_leniently(frame))?;
    // Who reads strictly reads what the lenient read, if anything.
    if let (Ok(strict), lenient) = (Pdu::decode(frame), Pdu::decode_leniently(frame)) {
        prop_assert_eq!(Ok(strict), lenient);
    }
    prop_assert_eq!(describe(frame).is_ok(), describe_json(frame).is_ok());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pdu_comes_back_as_it_was_written(written in any_pdu(), status in any::<u32>(), number in any::<u32>()) {
        let mut octets = Vec::new();
        written.encode_with_body(&mut octets, CommandStatus(status), number);
        let frame = whole(&octets);
        prop_assert_eq!(frame.header.command_id, written.command_id());
        prop_assert_eq!((frame.header.command_status, frame.header.sequence_number), (status, number));
        prop_assert_eq!(Pdu::decode(frame), Ok(written));
        ask(&written);
        // Descriptions name each field once.
        let fields = describe(frame).unwrap();
        let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), fields.len());
    }

    #[test]
    fn no_octets_panic_and_all_survive(id in any_command(), status in any::<u32>(), body in any_body()) {
        let mut octets = Vec::new();
        frame::append(&mut octets, id, status, 1, |out| out.extend_from_slice(&body));
        read_and_write_back(&octets)?;
    }

    #[test]
    fn damaged_pdus_do_not_panic_and_survive(
        written in any_pdu(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut body = Vec::new();
        written.encode_body(&mut body);
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len() + 1));
        }
        body.extend_from_slice(&more);
        for (at, octet) in changes.iter().filter(|_| !body.is_empty()).copied().collect::<Vec<_>>() {
            let at = at.index(body.len());
            body[at] = octet;
        }
        let mut octets = Vec::new();
        frame::append(&mut octets, written.command_id(), 0, 1, |out| out.extend_from_slice(&body));
        read_and_write_back(&octets)?;
    }

    #[test]
    fn an_error_response_is_read_without_a_body(id in any_response(), status in 1_u32..) {
        let mut octets = Vec::new();
        frame::append(&mut octets, id, status, 1, |_| {});
        let read = Pdu::decode(whole(&octets));
        prop_assert!(read.is_ok(), "{:?}", read);
        let mut again = Vec::new();
        read.unwrap().encode(&mut again, CommandStatus(status), 1);
        prop_assert_eq!(again, octets);
    }

    #[test]
    fn peers_below_3_4_get_no_tlvs(written in any_pdu(), version in 0_u8..0x34) {
        let mut octets = Vec::new();
        written.encode_for(InterfaceVersion(version), &mut octets, CommandStatus::ROK, 1);
        prop_assert_eq!(Pdu::decode(whole(&octets)), Ok(written.without_tlvs()));
    }
}

#[test]
fn memory_grows_with_what_came_not_with_what_it_says() {
    // A TLV, a list and a text that promise 64 KiB, 255 entries and 255 octets, and hold nothing.
    let promises: [(CommandId, &[u8]); 3] = [
        (CommandId::DATA_SM, b"\0\0\0\0\0\0\0\0\0\0\x04\x24\xFF\xFF"),
        (CommandId::SUBMIT_MULTI, b"\0\0\0\0\xFF"),
        (CommandId::SUBMIT_SM, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xFF"),
    ];
    for (id, body) in promises {
        let mut octets = Vec::new();
        frame::append(&mut octets, id, 0, 1, |out| out.extend_from_slice(body));
        assert!(Pdu::decode(whole(&octets)).is_err(), "{id:?}");
    }
}
