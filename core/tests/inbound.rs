//! Carriers that connect to us: they bind, or ask for our bind by outbind, and are carriers like all others from then on.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, DataSm};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{BindMode, CommandId, CommandStatus, EsmClass, Pdu, Role};
use support::{PASSWORD, PATIENCE, Peer, Said, Wire, World, account, carrier_at, incoming_route, route};

const ROK: Said = Said::BindAnswered(CommandStatus::ROK);

fn snapshot() -> v1::Snapshot {
    let carrier = v1::Carrier {
        direction: v1::CarrierDirection::Inbound.into(),
        host: String::new(),
        password_hash: account("alpha").password_hash,
        binds_max: 2,
        ..carrier_at("alpha", 0)
    };
    v1::Snapshot {
        accounts: vec![account("sample")],
        carriers: vec![carrier],
        routes: vec![route(&["alpha"]), incoming_route("sample")],
        ..v1::Snapshot::default()
    }
}

fn world() -> World {
    let world = World::new();
    world.apply(&snapshot());
    world
}

fn connect(world: &World, role: Role) -> Peer {
    let socket = TcpStream::connect(world.engine().addresses().smpp).unwrap();
    Peer::over(Wire::Plain(socket), role)
}

fn bind(world: &World, password: &str) -> (Peer, Said) {
    let mut peer = connect(world, Role::Esme);
    let said = peer.bind("alpha", password, BindMode::Transceiver);
    (peer, said)
}

fn outbind(system_id: &str, password: &str) -> Vec<u8> {
    let body = format!("{system_id}\0{password}\0");
    let mut octets = Vec::new();
    for word in [16 + body.len() as u32, CommandId::OUTBIND.0, 0, 1] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    octets.extend_from_slice(body.as_bytes());
    octets
}

/// A message to the carrier, and one from it.
fn carry(world: &World, carrier: &mut Peer) {
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    customer.submit("491701");
    let (sequence_number, to) = carrier.hear_message();
    assert_eq!(to, "491701");
    carrier.answer(sequence_number, CommandStatus::ROK, "");
    world.until("it is sent", |world| world.carrier("alpha").sent == 1);
    carrier.say_to("40404", 7);
    carrier.flush();
    loop {
        let Said::Message { sequence_number, to, is_receipt, .. } = customer.hear() else { continue };
        customer.answer(sequence_number, CommandStatus::ROK, "");
        if !is_receipt {
            assert_eq!(to, "40404");
            break;
        }
    }
    let said = carrier.hear();
    assert!(matches!(said, Said::Answered { token: 7, status: CommandStatus::ROK, .. }), "{said:?}");
}

#[test]
fn a_carrier_that_binds_to_us_is_sent_messages_and_sends_its_own() {
    let world = world();
    let (mut carrier, said) = bind(&world, PASSWORD);
    assert_eq!(said, ROK);
    carry(&world, &mut carrier);
    // It leaves, and may come again.
    drop(carrier);
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    assert_eq!(bind(&world, PASSWORD).1, ROK);
}

#[test]
fn an_outbind_is_answered_with_our_bind() {
    let world = world();
    let mut carrier = connect(&world, Role::Smsc);
    carrier.write_raw(&outbind("alpha", PASSWORD));
    while !carrier.session.is_bound() {
        assert_ne!(carrier.hear_within(Duration::from_millis(50)), Some(Said::Closed));
    }
    carry(&world, &mut carrier);
}

#[test]
fn a_carrier_binds_as_often_as_it_may_and_with_its_password_only() {
    let world = world();
    assert_eq!(bind(&world, "wrong").1, Said::BindAnswered(CommandStatus::RINVPASWD));
    let binds = [bind(&world, PASSWORD), bind(&world, PASSWORD)];
    assert!(binds.iter().all(|(_, said)| *said == ROK));
    assert_eq!(bind(&world, PASSWORD).1, Said::BindAnswered(CommandStatus::RALYBND));
}

#[test]
fn a_carrier_binds_from_its_addresses_only() {
    let world = World::new();
    let mut snapshot = snapshot();
    snapshot.carriers[0].addresses = vec!["192.0.2.0/24".to_owned()];
    world.apply(&snapshot);
    assert_eq!(bind(&world, PASSWORD).1, Said::BindAnswered(CommandStatus::RBINDFAIL));
    snapshot.carriers[0].addresses.push("127.0.0.0/8".to_owned());
    world.apply(&snapshot);
    assert_eq!(bind(&world, PASSWORD).1, ROK);
}

#[test]
fn an_outbind_that_is_not_believed_learns_no_password_of_ours() {
    let world = world();
    // Too long, of nobody, of an account, with a wrong password.
    let long = [&[0, 1, 0, 0], &outbind("alpha", PASSWORD)[4..]].concat();
    for octets in [long, outbind("nobody", "x"), outbind("sample", PASSWORD), outbind("alpha", "wrong")] {
        let mut socket = TcpStream::connect(world.engine().addresses().smpp).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(&octets).unwrap();
        let mut answer = Vec::new();
        // A reset is an end too.
        let _ = socket.read_to_end(&mut answer);
        assert!(!answer.windows(PASSWORD.len()).any(|octets| octets == PASSWORD.as_bytes()));
        assert!(answer.len() <= 16, "{answer:?}");
    }
    assert_eq!(world.carrier("alpha").binds_up, 0);
}

#[test]
fn a_carrier_that_binds_anew_succeeds_the_bind_that_is_to_go_whatever_place_is_free() {
    let world = world();
    let (first, _) = bind(&world, PASSWORD);
    let (mut second, said) = bind(&world, PASSWORD);
    assert_eq!(said, ROK);
    drop(first);
    world.until("one is left", |world| world.carrier("alpha").binds_up == 1);
    let mut changed = snapshot();
    changed.carriers[0].system_type = "new".to_owned();
    world.apply(&changed);
    // The first place is free as well.
    let (_third, said) = bind(&world, PASSWORD);
    assert_eq!(said, ROK);
    // It is asked to part by an unbind, which it answers.
    while second.hear() != Said::Closed {}
    assert_eq!(world.carrier("alpha").binds_up, 1);
}

#[test]
fn a_receipt_by_data_sm_from_a_carrier_that_binds_to_us_is_answered_by_data_sm_resp() {
    let world = world();
    let (mut carrier, _) = bind(&world, PASSWORD);
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let id = customer.submit("491701");
    let (sequence_number, _) = carrier.hear_message();
    carrier.answer(sequence_number, CommandStatus::ROK, "a1");
    world.until("it is sent", |world| world.carrier("alpha").sent == 1);
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"id:a1 stat:DELIVRD err:000 text:");
    let data = DataSm {
        source: Address { ton: 1, npi: 1, digits: b"491701" },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        esm_class: EsmClass::RECEIPT,
        tlvs: Tlvs::parse(&area).unwrap(),
        ..DataSm::default()
    };
    assert_eq!(carrier.ask(Pdu::DataSm(data)).0, CommandStatus::ROK);
    assert_eq!(customer.hear_receipt().0, id);
    assert_eq!(carrier.session.counters().stray_responses, 0);
}
