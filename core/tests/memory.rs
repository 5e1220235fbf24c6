//! Memory is bounded in octets, not only in messages: a customer may send the largest there are.

mod support;

use brivas_proto::v1;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{BindMode, CommandStatus, MessageState, ShortMessage};
use support::peer::message;
use support::{Peer, Smsc, World, sample};

const MEMORY: u64 = 4 << 20;
/// Of a message_payload: binary, so that it is one message wherever it goes.
const PAYLOAD: usize = 60_000;

#[test]
fn what_waits_takes_no_more_memory_than_it_may_and_nothing_is_lost() {
    let (mut world, smsc) = (World::with_memory(MEMORY), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].long_messages = v1::LongMessages::Payload.into();
    world.apply(&snapshot);
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &vec![0xA5; PAYLOAD]);
    let large =
        ShortMessage { data_coding: 4, tlvs: Tlvs::parse(&area).unwrap(), ..message("491701234567", b"") };
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let mut taken = Vec::new();
    let refusal = loop {
        match customer.submit_as(&large) {
            (CommandStatus::ROK, id) => taken.push(id),
            (status, _) => break status,
        }
    };
    assert_eq!(refusal, CommandStatus::RMSGQFUL);
    // The last one begins within the bound, and may end beyond it.
    let fit = MEMORY as usize / PAYLOAD + 1;
    assert!((fit / 2..=fit).contains(&taken.len()), "{} were taken, {fit} fit", taken.len());
    assert_eq!(customer.submit_as(&message("491701234567", b"small")).0, CommandStatus::RMSGQFUL);
    assert!(world.account("sample").queue_full >= 2);

    // What was accepted is kept over a crash, and stands against the bound again.
    drop(customer);
    world.crash();
    assert_eq!(world.totals().open_messages, taken.len() as u64);
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    assert_eq!(customer.submit_as(&large).0, CommandStatus::RMSGQFUL);

    // As it ends there is room again.
    let mut alpha = smsc.accept();
    for number in 0..taken.len() {
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("{number}x"));
    }
    for number in 0..taken.len() {
        alpha.say_receipt(&format!("{number}x"), MessageState::Delivered);
    }
    for id in &taken {
        world.until("it is final", |world| world.history(id).contains(&"final"));
    }
    world.until("all have ended", |world| world.totals().open_messages == 0);
    assert_eq!(customer.submit_as(&large).0, CommandStatus::ROK);
}
