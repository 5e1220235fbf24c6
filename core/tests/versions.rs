//! Carriers of SMPP 3.3 and 5.0: bound to in their version, sent what it has, understood in what it writes.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, BindRequest};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{BindMode, CommandStatus, EsmClass, RegisteredDelivery, ShortMessage};
use support::{Peer, RawPeer, Smsc, World, raw, sample};

const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM: u32 = 0x05;

fn start(version: u32) -> (World, RawPeer, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].interface_version = version;
    world.apply(&snapshot);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    // A message centre of 3.3 names itself and says no version.
    let body: &[u8] = if version < 0x34 { b"smsc\0" } else { b"smsc\0\x02\x10\0\x01\x50" };
    let bind = alpha.take_bind(body);
    assert_eq!(u32::from(BindRequest::decode(&bind.body).unwrap().interface_version.0), version);
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    (world, alpha, customer)
}

/// A message with TLVs, its own and a vendor's.
fn tlvs() -> Vec<u8> {
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::USER_MESSAGE_REFERENCE, &[0, 7]);
    tlv::append(&mut area, Tag(0x1401), b"vendor");
    area
}

fn say<'a>(text: &'a [u8], area: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        destination: Address { ton: 1, npi: 1, digits: b"491701" },
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: text,
        tlvs: Tlvs::parse(area).unwrap(),
        ..ShortMessage::default()
    }
}

fn say_receipt(alpha: &mut RawPeer, id: &str) {
    let text = format!("id:{id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:");
    let receipt = ShortMessage {
        source: Address { ton: 1, npi: 1, digits: b"491701" },
        esm_class: EsmClass::RECEIPT,
        short_message: text.as_bytes(),
        ..ShortMessage::default()
    };
    let mut body = Vec::new();
    receipt.encode(&mut body);
    alpha.write(&raw(DELIVER_SM, 0, 77, &body));
    assert_eq!(alpha.read_until(0x8000_0005).status, 0);
}

#[test]
fn a_carrier_of_3_3_gets_no_tlvs_and_its_ids_of_eight_digits_are_understood() {
    let (world, mut alpha, mut customer) = start(0x33);
    let area = tlvs();
    let (status, id) = customer.submit_as(&say(b"hello", &area));
    assert_eq!(status, CommandStatus::ROK);
    let submit = alpha.read_until(SUBMIT_SM);
    let message = ShortMessage::decode(&submit.body).unwrap();
    assert_eq!((message.short_message, message.tlvs.octets()), (&b"hello"[..], &b""[..]));
    alpha.write(&raw(0x8000_0004, 0, submit.sequence_number, b"0000ABCD\0"));
    // In decimal, as 3.3 has it in its receipts (3.3 §6.3.1.1 has no receipted_message_id).
    say_receipt(&mut alpha, "43981");
    assert_eq!(customer.hear_receipt().0, id);
    world.until("nothing is open", |world| world.totals().open_messages == 0);
}

#[test]
fn a_text_in_a_tlv_reaches_a_carrier_of_3_3_in_parts_that_it_can_read() {
    let (world, mut alpha, mut customer) = start(0x33);
    for length in [5, 300] {
        let text = vec![b'a'; length];
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &text);
        let (status, id) = customer.submit_as(&say(b"", &area));
        assert_eq!(status, CommandStatus::ROK);
        let (mut read, mut parts) = (0, Vec::new());
        while read < length {
            let submit = alpha.read_until(SUBMIT_SM);
            let message = ShortMessage::decode(&submit.body).unwrap();
            assert!(message.tlvs.octets().is_empty());
            let header = if message.esm_class.has_udh() { 6 } else { 0 };
            read += message.short_message.len() - header;
            parts.push(format!("{:08x}", 0x100 * length + read));
            let id = format!("{}\0", parts[parts.len() - 1]);
            alpha.write(&raw(0x8000_0004, 0, submit.sequence_number, id.as_bytes()));
        }
        assert_eq!((read, parts.len()), (length, length.div_ceil(153)));
        parts.iter().for_each(|part| say_receipt(&mut alpha, part));
        assert_eq!(customer.hear_receipt().0, id);
    }
    world.until("nothing is open", |world| world.totals().open_messages == 0);
}

#[test]
fn a_carrier_of_5_0_gets_all_tlvs_and_its_congestion_and_statuses_are_understood() {
    let (world, mut alpha, mut customer) = start(0x50);
    let area = tlvs();
    let (_, id) = customer.submit_as(&say(b"hello", &area));
    let submit = alpha.read_until(SUBMIT_SM);
    let message = ShortMessage::decode(&submit.body).unwrap();
    assert_eq!(message.tlvs.octets(), area, "as they came, the vendor's too");
    // congestion_state (5.0 §4.8.4.18).
    alpha.write(&raw(0x8000_0004, 0, submit.sequence_number, b"a1\0\x04\x28\0\x01\x55"));
    say_receipt(&mut alpha, "a1");
    assert_eq!(customer.hear_receipt().0, id);
    assert_eq!(world.carrier("alpha").congestion_state, Some(85));
    // ESME_RPROHIBITED is 5.0's own, and final.
    let (_, refused) = customer.submit_as(&say(b"hello", b""));
    let submit = alpha.read_until(SUBMIT_SM);
    alpha.write(&raw(0x8000_0004, 0x101, submit.sequence_number, b""));
    assert_eq!(customer.hear_receipt().0, refused);
    assert_eq!(world.query(&refused).unwrap().state(), v1::MessageState::Rejected);
}

#[test]
fn our_bind_asks_in_its_version_and_no_other_is_tried() {
    for version in [0x33, 0x34, 0x50] {
        let (world, smsc) = (World::new(), Smsc::new());
        let mut snapshot = sample(&smsc);
        snapshot.carriers[0].interface_version = version;
        world.apply(&snapshot);
        for _ in 0..2 {
            let mut alpha = RawPeer::new(smsc.accept_raw());
            let bind = alpha.read();
            assert_eq!(u32::from(BindRequest::decode(&bind.body).unwrap().interface_version.0), version);
            // "Bind failed": of a version that it does not have, say.
            alpha.write(&raw(0x8000_0009, 0x0D, bind.sequence_number, b""));
        }
    }
}
