//! What binds of customers may ask beyond submit_sm, in each version: submit_multi, data_sm, query_sm, cancel_sm, replace_sm.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::{
    Address, BroadcastSm, CancelSm, DataSm, Destination, Destinations, MessageResponse, QuerySm,
    QuerySmResponse, ReplaceSm, SubmitMulti, SubmitMultiResponse,
};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{
    BindMode, CommandStatus, InterfaceVersion, MessageState, Pdu, RegisteredDelivery, ShortMessage,
};
use support::peer::message;
use support::{Peer, Said, Smsc, World, sample};

const SOURCE: Address<'static> = Address { ton: 3, npi: 0, digits: b"40404" };

fn customer(world: &World, version: InterfaceVersion) -> Peer {
    Peer::customer_of(world.engine().addresses().smpp, "sample", BindMode::Transceiver, version)
}

/// An engine whose carrier is not there: everything stays queued.
fn without_carrier() -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let peer = customer(&world, InterfaceVersion::V3_4);
    (world, smsc, peer)
}

fn start(version: InterfaceVersion) -> (World, Smsc, Peer, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let peer = customer(&world, version);
    (world, smsc, alpha, peer)
}

fn query<'a>(id: &'a str, source: &'a [u8]) -> Pdu<'a> {
    let source = Address { digits: source, ..SOURCE };
    Pdu::QuerySm(QuerySm { message_id: id.as_bytes(), source, trailing: b"" })
}

fn cancel(id: &str) -> Pdu<'_> {
    Pdu::CancelSm(CancelSm { message_id: id.as_bytes(), source: SOURCE, ..CancelSm::default() })
}

fn replace<'a>(id: &'a str, text: &'a [u8]) -> ReplaceSm<'a> {
    ReplaceSm {
        message_id: id.as_bytes(),
        source: SOURCE,
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: text,
        ..ReplaceSm::default()
    }
}

#[track_caller]
fn state(peer: &mut Peer, id: &str) -> (MessageState, bool, u8) {
    let (status, body) = peer.ask(query(id, b"40404"));
    assert_eq!(status, CommandStatus::ROK);
    let response = QuerySmResponse::decode(&body).unwrap();
    assert_eq!(response.message_id, id.as_bytes());
    (response.state().unwrap(), !response.final_date.is_empty(), response.error_code)
}

fn to_many(numbers: &[&str]) -> Vec<u8> {
    let mut list = Vec::new();
    for number in numbers {
        Destination::Address(Address { ton: 1, npi: 1, digits: number.as_bytes() }).encode(&mut list);
    }
    list
}

fn multi(count: u8, list: &[u8]) -> Pdu<'_> {
    Pdu::SubmitMulti(SubmitMulti {
        source: SOURCE,
        destinations: Destinations::parse(count, list).unwrap(),
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: b"to all",
        ..SubmitMulti::default()
    })
}

#[test]
fn query_tells_a_message_from_its_acceptance_to_its_end() {
    let (_world, _smsc, mut alpha, mut peer) = start(InterfaceVersion::V3_4);
    let id = peer.submit("491701");
    assert_eq!(state(&mut peer, &id), (MessageState::Enroute, false, 0));
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    assert_eq!(peer.hear_receipt().0, id);
    assert_eq!(state(&mut peer, &id), (MessageState::Delivered, true, 0));
    let id = peer.submit("491702");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
    assert_eq!(peer.hear_receipt().1, MessageState::Rejected);
    assert_eq!(state(&mut peer, &id), (MessageState::Rejected, true, 0x0B));
}

#[test]
fn query_of_what_is_not_ones_own_or_of_another_source_is_refused() {
    let (world, smsc, mut peer) = without_carrier();
    let mut snapshot = sample(&smsc);
    snapshot.accounts.push(support::account("other"));
    world.apply(&snapshot);
    let id = peer.submit("491701");
    let status = |peer: &mut Peer, id: &str, source: &[u8]| peer.ask(query(id, source)).0;
    assert_eq!(status(&mut peer, &id, b"40404"), CommandStatus::ROK);
    assert_eq!(status(&mut peer, &id, b""), CommandStatus::ROK);
    assert_eq!(status(&mut peer, &id, b"40405"), CommandStatus::RQUERYFAIL);
    assert_eq!(status(&mut peer, "0123456789abcdef", b"40404"), CommandStatus::RINVMSGID);
    assert_eq!(status(&mut peer, "no id at all", b"40404"), CommandStatus::RINVMSGID);
    let engine = world.engine().addresses().smpp;
    let mut other = Peer::customer(engine, "other", BindMode::Transceiver);
    assert_eq!(status(&mut other, &id, b"40404"), CommandStatus::RINVMSGID);
    assert_eq!(other.ask(cancel(&id)).0, CommandStatus::RINVMSGID);
    assert_eq!(other.ask(Pdu::ReplaceSm(replace(&id, b"mine"))).0, CommandStatus::RINVMSGID);
}

#[test]
fn what_is_cancelled_is_not_sent_and_what_a_carrier_has_is_not_cancelled() {
    let (mut world, smsc, mut peer) = without_carrier();
    let ids = ["491701", "491702", "491703"].map(|to| peer.submit(to));
    let other = CancelSm {
        source: Address { digits: b"4", ..SOURCE },
        message_id: ids[1].as_bytes(),
        ..CancelSm::default()
    };
    assert_eq!(peer.ask(Pdu::CancelSm(other)).0, CommandStatus::RCANCELFAIL);
    assert_eq!(peer.ask(cancel(&ids[1])).0, CommandStatus::ROK);
    assert_eq!(peer.ask(cancel(&ids[1])).0, CommandStatus::RCANCELFAIL);
    assert_eq!(state(&mut peer, &ids[1]).0, MessageState::Deleted);
    world.crash();
    let mut alpha = smsc.accept();
    assert_eq!([alpha.hear_message().1, alpha.hear_message().1], ["491701", "491703"]);
    assert_eq!(alpha.hear_within(Duration::from_millis(100)), None);
    let mut peer = customer(&world, InterfaceVersion::V3_4);
    assert_eq!(peer.hear_receipt().1, MessageState::Deleted);
    assert_eq!(state(&mut peer, &ids[1]).0, MessageState::Deleted);
    assert_eq!(peer.ask(cancel(&ids[0])).0, CommandStatus::RCANCELFAIL);
    assert_eq!(peer.ask(cancel("0123456789abcdef")).0, CommandStatus::RINVMSGID);
    assert_eq!(world.totals().cancelled, 0);
}

#[test]
fn a_replaced_text_is_what_is_sent_also_after_a_crash() {
    let (mut world, smsc, mut peer) = without_carrier();
    let ids = ["491701", "491702"].map(|to| peer.submit(to));
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace(&ids[0], b"better"))).0, CommandStatus::ROK);
    assert_eq!(world.history(&ids[0]), ["accepted", "replaced"]);
    assert_eq!(world.query(&ids[0]).unwrap().content.unwrap().short_message, b"better");
    world.crash();
    let mut alpha = smsc.accept();
    for text in [&b"better"[..], b"hello"] {
        let Said::Message { sequence_number, text: sent, .. } = alpha.hear() else { panic!() };
        assert_eq!(sent, text);
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{sequence_number}"));
    }
    let mut peer = customer(&world, InterfaceVersion::V3_4);
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace(&ids[0], b"late"))).0, CommandStatus::RREPLACEFAIL);
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace("0123456789abcdef", b"x"))).0, CommandStatus::RINVMSGID);
    let wrong = ReplaceSm { source: Address { digits: b"4", ..SOURCE }, ..replace(&ids[0], b"x") };
    assert_eq!(peer.ask(Pdu::ReplaceSm(wrong)).0, CommandStatus::RREPLACEFAIL);
}

#[test]
fn a_5_0_bind_replaces_with_a_payload_and_other_tlvs_stay() {
    let (world, smsc, _) = without_carrier();
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    let mut area = Vec::new();
    tlv::append_short(&mut area, Tag::USER_MESSAGE_REFERENCE, 7);
    let (status, id) =
        peer.submit_as(&ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..message("491701", b"short") });
    assert_eq!(status, CommandStatus::ROK);
    let long = [b'x'; 500];
    let mut payload = Vec::new();
    tlv::append(&mut payload, Tag::MESSAGE_PAYLOAD, &long);
    let new = ReplaceSm { tlvs: Tlvs::parse(&payload).unwrap(), ..replace(&id, b"") };
    assert_eq!(peer.ask(Pdu::ReplaceSm(new)).0, CommandStatus::ROK);
    let tlvs = world.query(&id).unwrap().content.unwrap().tlvs;
    let tlvs = Tlvs::parse(&tlvs).unwrap();
    assert_eq!((tlvs.user_message_reference(), tlvs.message_payload()), (Some(7), Some(&long[..])));
    let Said::Message { text, .. } = smsc.accept().hear() else { panic!() };
    assert_eq!(text, long);
}

#[test]
fn a_partly_failed_submit_multi_tells_each_refused_destination_and_why() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes[0].prefix = "49".to_owned();
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let mut peer = customer(&world, InterfaceVersion::V3_4);
    let numbers = ["33601", "491701", "33602", "491702"];
    let list = to_many(&numbers);
    let (status, body) = peer.ask(multi(4, &list));
    assert_eq!(status, CommandStatus::ROK);
    let response = SubmitMultiResponse::decode(&body).unwrap();
    let refused: Vec<_> =
        response.unsuccessful.iter().map(|each| (each.address.digits, each.status)).collect();
    assert_eq!(refused, [(&b"33601"[..], CommandStatus::RINVDSTADR), (b"33602", CommandStatus::RINVDSTADR)]);
    let id = String::from_utf8(response.message_id.to_vec()).unwrap();
    // Each recipient has a state of its own, under the one id.
    let mut recipients = Vec::new();
    for (sent, outcome) in [(0, MessageState::Delivered), (1, MessageState::Undeliverable)] {
        let (sequence_number, to) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{sent}"));
        alpha.say_receipt(&format!("c{sent}"), outcome);
        let (receipt_id, state, from) = peer.hear_receipt();
        assert_eq!((&receipt_id, state, &from), (&id, outcome, &to));
        recipients.push(to);
        if sent == 0 {
            assert_eq!(self::state(&mut peer, &id).0, MessageState::Enroute);
        }
    }
    recipients.sort();
    assert_eq!(recipients, ["491701", "491702"]);
    assert_eq!(state(&mut peer, &id).0, MessageState::Undeliverable);
    // All refused: the first one's status, and no id.
    let list = to_many(&["33601", "33602"]);
    assert_eq!(peer.ask(multi(2, &list)), (CommandStatus::RINVDSTADR, vec![]));
    assert_eq!((world.totals().accepted, world.totals().refused), (2, 4));
}

#[test]
fn a_submit_multi_whose_recipients_are_nearly_all_refused_tells_each_of_them() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes[0].prefix = "49".to_owned();
    world.apply(&snapshot);
    // The longest numbers there are, so that the answer is the longest there is.
    let bad: Vec<String> = (0..254).map(|number| format!("336{number:017}")).collect();
    let mut numbers: Vec<&str> = bad.iter().map(String::as_str).collect();
    // All that a bind of 3.4 may name, and all refused: one status, and nobody's state.
    let mut peer = customer(&world, InterfaceVersion::V3_4);
    assert_eq!(peer.ask(multi(254, &to_many(&numbers))), (CommandStatus::RINVDSTADR, vec![]));
    // One of 255 is good.
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    numbers.insert(100, "491701");
    let (status, body) = peer.ask(multi(255, &to_many(&numbers)));
    assert_eq!(status, CommandStatus::ROK);
    let response = SubmitMultiResponse::decode(&body).unwrap();
    let refused: Vec<_> = response.unsuccessful.iter().collect();
    assert_eq!(refused.len(), 254);
    for (told, number) in refused.iter().zip(&bad) {
        assert_eq!((told.address.digits, told.status), (number.as_bytes(), CommandStatus::RINVDSTADR));
    }
    assert_eq!((world.totals().accepted, world.totals().refused), (1, 508));
    let id = String::from_utf8(response.message_id.to_vec()).unwrap();
    assert_eq!(state(&mut peer, &id).0, MessageState::Enroute);
    // And the bind goes on.
    peer.submit("491702");
}

#[test]
fn a_submission_to_the_most_recipients_survives_a_crash_with_its_one_id() {
    let (mut world, smsc, _) = without_carrier();
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    let numbers: Vec<String> = (0..255).map(|number| format!("4917{number:06}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let list = to_many(&numbers);
    let (status, body) = peer.ask(multi(255, &list));
    assert_eq!(status, CommandStatus::ROK);
    let id = String::from_utf8(SubmitMultiResponse::decode(&body).unwrap().message_id.to_vec()).unwrap();
    world.crash();
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    assert_eq!(world.totals().open_messages, 255);
    assert_eq!(state(&mut peer, &id).0, MessageState::Enroute);
    // One of them, then the rest.
    let one = CancelSm {
        message_id: id.as_bytes(),
        source: SOURCE,
        destination: Address { ton: 1, npi: 1, digits: b"4917000254" },
        ..CancelSm::default()
    };
    assert_eq!(peer.ask(Pdu::CancelSm(one)).0, CommandStatus::ROK);
    let (receipt_id, state, from) = peer.hear_receipt();
    assert_eq!((receipt_id, state, from.as_str()), (id.clone(), MessageState::Deleted, "4917000254"));
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace(&id, b"new"))).0, CommandStatus::RREPLACEFAIL);
    assert_eq!(peer.ask(cancel(&id)).0, CommandStatus::ROK);
    world.until("all are cancelled", |world| world.totals().cancelled == 255);
    assert_eq!(self::state(&mut peer, &id).0, MessageState::Deleted);
    drop(smsc);
}

#[test]
fn a_text_is_replaced_for_every_recipient_of_a_submission() {
    let (_world, smsc, mut peer) = without_carrier();
    let list = to_many(&["491701", "491702"]);
    let (_, body) = peer.ask(multi(2, &list));
    let id = String::from_utf8(SubmitMultiResponse::decode(&body).unwrap().message_id.to_vec()).unwrap();
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace(&id, b"new"))).0, CommandStatus::ROK);
    let mut alpha = smsc.accept();
    for _ in 0..2 {
        let Said::Message { text, .. } = alpha.hear() else { panic!() };
        assert_eq!(text, b"new");
    }
}

#[test]
fn distribution_lists_are_refused_whole() {
    let (world, _smsc, mut peer) = without_carrier();
    let mut list = to_many(&["491701"]);
    Destination::List(b"staff").encode(&mut list);
    assert_eq!(peer.ask(multi(2, &list)).0, CommandStatus::RCNTSUBDL);
    assert_eq!(world.totals().accepted, 0);
}

#[test]
fn data_sm_is_taken_like_submit_sm_and_goes_on_as_one() {
    let (_world, _smsc, mut alpha, mut peer) = start(InterfaceVersion::V3_4);
    let data = |area: &'static [u8]| DataSm {
        source: SOURCE,
        destination: Address { ton: 1, npi: 1, digits: b"491701" },
        registered_delivery: RegisteredDelivery::ALWAYS,
        tlvs: Tlvs::parse(area).unwrap(),
        ..DataSm::default()
    };
    let (status, body) = peer.ask(Pdu::DataSm(data(b"\x04\x24\0\x05hello\x02\x04\0\x02\0\x07")));
    assert_eq!(status, CommandStatus::ROK);
    let id = String::from_utf8(MessageResponse::decode(&body).unwrap().message_id.to_vec()).unwrap();
    let Said::Message { sequence_number, text, .. } = alpha.hear() else { panic!() };
    assert_eq!(text, b"hello");
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    assert_eq!(peer.hear_receipt().0, id);
    assert_eq!(peer.ask(Pdu::DataSm(data(b""))).0, CommandStatus::RMISSINGTLV);
    let long = Address { ton: 1, npi: 1, digits: b"491701491701491701491701" };
    let text = b"\x04\x24\0\x05hello";
    let to_long = DataSm { destination: long, ..data(text) };
    assert_eq!(peer.ask(Pdu::DataSm(to_long)).0, CommandStatus::RINVDSTADR);
    assert_eq!(peer.ask(Pdu::DataSm(DataSm { source: long, ..data(text) })).0, CommandStatus::RINVSRCADR);
}

#[test]
fn a_3_3_bind_gets_ids_of_eight_digits_and_no_tlvs() {
    let (mut world, smsc, mut alpha, mut peer) = start(InterfaceVersion::V3_3);
    let id = peer.submit("491701");
    assert_eq!(id.len(), 8);
    assert_eq!(state(&mut peer, &id).0, MessageState::Enroute);
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    assert_eq!(peer.hear_receipt().0, id);
    assert_eq!(state(&mut peer, &id).0, MessageState::Delivered);
    // Of several recipients it is one id, and it is the same after a crash.
    drop(alpha);
    let list = to_many(&["491702", "491703"]);
    let (status, body) = peer.ask(multi(2, &list));
    assert_eq!(status, CommandStatus::ROK);
    let many = String::from_utf8(SubmitMultiResponse::decode(&body).unwrap().message_id.to_vec()).unwrap();
    assert_eq!(many.len(), 8);
    world.crash();
    let mut peer = customer(&world, InterfaceVersion::V3_3);
    assert_eq!(state(&mut peer, &id).0, MessageState::Delivered);
    assert_eq!(state(&mut peer, &many).0, MessageState::Enroute);
    let mut alpha = smsc.accept();
    for number in ["c2", "c3"] {
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, number);
        alpha.say_receipt(number, MessageState::Delivered);
        assert_eq!(peer.hear_receipt().0, many);
    }
    let next = peer.submit("491704");
    assert!(next.len() == 8 && next != id && next != many);
    assert_eq!(peer.session.version(), InterfaceVersion::V3_3);
}

#[test]
fn broadcasts_are_refused_as_commands_that_are_not_there() {
    let (world, _smsc, _) = without_carrier();
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    for request in [
        Pdu::BroadcastSm(BroadcastSm::default()),
        Pdu::QueryBroadcastSm(Default::default()),
        Pdu::CancelBroadcastSm(Default::default()),
    ] {
        assert_eq!(peer.ask(request).0, CommandStatus::RINVCMDID, "{request:?}");
    }
    peer.submit("491701");
}

#[test]
fn each_version_is_told_what_both_speak() {
    let (world, _smsc, _) = without_carrier();
    let mut peers = Vec::new();
    for (asked, told) in [
        (InterfaceVersion::V3_4, InterfaceVersion::V3_4),
        (InterfaceVersion::V5_0, InterfaceVersion::V5_0),
        (InterfaceVersion(0x60), InterfaceVersion::V5_0),
    ] {
        let peer = customer(&world, asked);
        assert_eq!(peer.session.peer_version(), told);
        peers.push(peer);
    }
    let versions: Vec<_> = world
        .control(async |mut client| client.binds(v1::BindsRequest {}).await)
        .unwrap()
        .binds
        .into_iter()
        .filter(|bind| bind.side == "customer")
        .map(|bind| bind.interface_version)
        .collect();
    assert!(versions.contains(&0x34) && versions.contains(&0x50), "{versions:?}");
}
