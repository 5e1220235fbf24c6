//! What tests of long messages say and hear: parts, payloads, receipts.

use brivas_proto::v1;
use brivas_smpp::segment::{Kind, Segmented};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{BindMode, CommandStatus, EsmClass, RegisteredDelivery, ShortMessage};

use super::peer::message;
use super::{Peer, Said, Smsc, World, incoming_route, sample};

pub const TO: &str = "491701";

pub fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

/// The sample with incoming messages, a bind of its carrier and one of its customer.
pub fn start_with(change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, Peer, Peer) {
    start_in(World::new(), change)
}

pub fn start_in(world: World, change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, Peer, Peer) {
    let smsc = Smsc::new();
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    change(&mut snapshot);
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let customer = customer(&world);
    (world, smsc, alpha, customer)
}

#[track_caller]
pub fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let stats = world.stats();
    for carrier in &stats.carriers {
        assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
    }
    for account in &stats.accounts {
        assert_eq!((account.open_messages, account.deliveries_waiting), (0, 0), "{account:?}");
    }
}

pub fn payload(text: &[u8]) -> Vec<u8> {
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, text);
    area
}

#[track_caller]
pub fn say_payload(customer: &mut Peer, text: &[u8]) -> String {
    let area = payload(text);
    let tlvs = Tlvs::parse(&area).unwrap();
    let registered_delivery = RegisteredDelivery::ALWAYS;
    customer.say(1, &ShortMessage { tlvs, registered_delivery, ..message(TO, b"") });
    accepted(customer)
}

#[track_caller]
pub fn accepted(customer: &mut Peer) -> String {
    match customer.hear() {
        Said::Answered { status: CommandStatus::ROK, id, .. } => id,
        other => panic!("{other:?}"),
    }
}

/// Queues a part with an 8-bit reference.
pub fn say_part(peer: &mut Peer, reference: u8, total: u8, sequence: u8, text: &[u8], is_from_phone: bool) {
    let mut octets = vec![5, 0, 3, reference, total, sequence];
    octets.extend_from_slice(text);
    let registered_delivery = if is_from_phone { RegisteredDelivery(0) } else { RegisteredDelivery::ALWAYS };
    let part = message(TO, &octets);
    peer.say(1, &ShortMessage { esm_class: EsmClass(0x40), registered_delivery, ..part });
}

/// What stands in a PDU.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub kind: Kind,
    pub reference: u16,
    pub place: (u8, u8),
    pub content: Vec<u8>,
    pub data_coding: u8,
}

#[track_caller]
pub fn hear_part(peer: &mut Peer) -> (u32, Part) {
    loop {
        match peer.hear() {
            Said::Message { sequence_number, body, .. } => {
                let message = ShortMessage::decode(&body).unwrap();
                let part = Segmented::read(&message).unwrap();
                let (kind, reference) = (part.kind, part.reference);
                let (place, content) = ((part.sequence, part.total), part.content.to_vec());
                let data_coding = message.data_coding;
                return (sequence_number, Part { kind, reference, place, content, data_coding });
            }
            Said::Closed => panic!("closed"),
            _ => {}
        }
    }
}

#[track_caller]
pub fn receipt(customer: &mut Peer) -> String {
    loop {
        match customer.hear() {
            Said::Message { sequence_number, text, is_receipt: true, .. } => {
                customer.answer(sequence_number, CommandStatus::ROK, "");
                return String::from_utf8_lossy(&text).into_owned();
            }
            Said::Answered { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
