//! What carriers say beyond deliver_sm, and what of it customers get: alert_notification, data_sm; and the texts in receipts.

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, AlertNotification, DataSm, MessageResponse};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{
    BindMode, CommandStatus, EsmClass, InterfaceVersion, MessageState, Pdu, RegisteredDelivery, ShortMessage,
};
use support::peer::message;
use support::{PATIENCE, Peer, Said, Smsc, World, incoming_route, sample};

const PHONE: Address<'static> = Address { ton: 1, npi: 1, digits: b"447700900123" };
const CODE: Address<'static> = Address { ton: 3, npi: 0, digits: b"40404" };

fn start(change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    change(&mut snapshot);
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

fn bind(world: &World, mode: BindMode, version: InterfaceVersion) -> Peer {
    Peer::customer_of(world.engine().addresses().smpp, "sample", mode, version)
}

fn alert(alpha: &mut Peer, esme: Address<'_>) {
    let alert = AlertNotification { source: PHONE, esme, tlvs: Tlvs::parse(b"\x04\x22\0\x01\0").unwrap() };
    alpha.session.send_request(0, 1, Pdu::AlertNotification(alert)).unwrap();
    alpha.flush();
}

#[test]
fn an_alert_goes_to_a_bind_that_receives_of_the_account_that_its_address_leads_to() {
    let (world, _smsc, mut alpha) = start(|snapshot| {
        let route = snapshot.routes.last_mut().unwrap();
        route.prefix = "40404".to_owned();
    });
    // Neither can take it: the one sends only, the other is of a version that has no such PDU.
    let _sends = bind(&world, BindMode::Transmitter, InterfaceVersion::V3_4);
    let _old = bind(&world, BindMode::Receiver, InterfaceVersion::V3_3);
    alert(&mut alpha, CODE);
    let fields = world.notice("alert_not_delivered");
    assert_eq!(fields[0], ("carrier", "alpha".to_owned()));
    assert!(fields[1].1.contains("no bind of SMPP 3.4"), "{fields:?}");
    let mut receives = bind(&world, BindMode::Receiver, InterfaceVersion::V3_4);
    alert(&mut alpha, Address { digits: b"50505", ..CODE });
    alert(&mut alpha, CODE);
    let Said::Alerted { source, esme, tlvs } = receives.hear() else { panic!() };
    assert_eq!(
        (source.as_str(), esme.as_str(), &tlvs[..]),
        ("447700900123", "40404", &b"\x04\x22\0\x01\0"[..])
    );
    assert_eq!((world.totals().alerts, world.totals().alerts_delivered), (3, 1));
}

#[test]
fn a_message_by_data_sm_comes_as_deliver_sm_with_its_text_where_clients_look_for_it() {
    let (world, _smsc, mut alpha) = start(|_| {});
    // Below 3.4 there are no TLVs: a text in one would not arrive.
    let mut peer = bind(&world, BindMode::Transceiver, InterfaceVersion::V3_3);
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"\x05\x00\x03\x07\x02\x01hello");
    let data = DataSm {
        source: PHONE,
        destination: CODE,
        esm_class: EsmClass(0x40),
        data_coding: 1,
        tlvs: Tlvs::parse(&area).unwrap(),
        ..DataSm::default()
    };
    alpha.session.send_request(0, 1, Pdu::DataSm(data)).unwrap();
    let Said::Message { sequence_number, body, is_receipt: false, .. } = (alpha.flush(), peer.hear()).1
    else {
        panic!()
    };
    let got = ShortMessage::decode(&body).unwrap();
    assert_eq!((got.short_message, got.data_coding), (&b"\x05\x00\x03\x07\x02\x01hello"[..], 1));
    assert_eq!((got.source.digits, got.destination.digits), (PHONE.digits, CODE.digits));
    assert!(got.esm_class.has_udh() && got.tlvs.is_empty());
    peer.answer(sequence_number, CommandStatus::ROK, "");
    assert!(matches!(alpha.hear(), Said::Responded { status: CommandStatus::ROK, .. }));
    // What no deliver_sm could hold is refused by its field.
    let long = Address { digits: b"4477009001234477009001", ..PHONE };
    let status = |alpha: &mut Peer, data: DataSm<'_>| alpha.ask(Pdu::DataSm(data)).0;
    assert_eq!(status(&mut alpha, DataSm { source: long, ..data }), CommandStatus::RINVSRCADR);
    assert_eq!(status(&mut alpha, DataSm { destination: long, ..data }), CommandStatus::RINVDSTADR);
    // A receipt by data_sm ends its message.
    let id = peer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    let receipt = DataSm {
        source: PHONE,
        destination: CODE,
        esm_class: EsmClass::RECEIPT,
        tlvs: Tlvs::parse(b"\x00\x1e\0\x03c1\0\x04\x27\0\x01\x02").unwrap(),
        ..DataSm::default()
    };
    assert_eq!(status(&mut alpha, receipt), CommandStatus::ROK);
    assert_eq!(peer.hear_receipt().1, MessageState::Delivered);
    assert!(!id.is_empty());
}

#[test]
fn an_account_may_have_all_of_it_by_data_sm() {
    let (mut world, smsc, mut alpha) = start(|snapshot| snapshot.accounts[0].deliver_by_data_sm = true);
    let mut peer = bind(&world, BindMode::Transceiver, InterfaceVersion::V3_4);
    let answer = |peer: &mut Peer, sequence_number, status: CommandStatus| {
        peer.session.answer(sequence_number, Pdu::DataSmResp(MessageResponse::default()), status);
        peer.flush();
    };
    alpha.say(1, &ShortMessage { source: PHONE, ..message("40404", b"from a phone") });
    alpha.flush();
    let Said::Data { sequence_number, payload, is_receipt: false, .. } = peer.hear() else { panic!() };
    assert_eq!(payload, b"from a phone");
    answer(&mut peer, sequence_number, CommandStatus::ROK);
    world.until("it was taken", |world| world.totals().mo_delivered == 1);
    let id = peer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    let Said::Data { payload, tlvs, is_receipt: true, .. } = peer.hear() else { panic!() };
    assert!(payload.starts_with(format!("id:{id} ").as_bytes()));
    let told = Tlvs::parse(&tlvs).unwrap().find(Tag::RECEIPTED_MESSAGE_ID).unwrap();
    assert_eq!(tlv::c_string(told), id.as_bytes());
    // It was not answered: it comes again, to a bind of 3.3 as deliver_sm.
    drop(peer);
    world.crash();
    let _alpha = smsc.accept();
    let mut peer = bind(&world, BindMode::Transceiver, InterfaceVersion::V3_3);
    assert_eq!(peer.hear_receipt(), (id, MessageState::Delivered, "491701".to_owned()));
    world.until("it was taken", |world| world.totals().receipts_delivered == 1);
}

#[test]
fn a_receipt_begins_its_text_in_the_customers_alphabet_whatever_the_message_was_in() {
    for (alphabet, data_coding, sent, shown) in [
        (
            v1::DefaultAlphabet::Gsm,
            0,
            &b"Gr\x7e\x1ee an alle Leser hier"[..],
            &b"Gr\x7e\x1ee an alle Leser "[..],
        ),
        (v1::DefaultAlphabet::Latin1, 0, b"d\xe9j\xe0 vu", b"d\xe9j\xe0 vu"),
        (v1::DefaultAlphabet::Gsm, 3, b"d\xe9j\xe0 vu", b"d\x05j\x7f vu"),
        (v1::DefaultAlphabet::Latin1, 8, b"\0d\0\xe9\x4f\x60", b"d\xe9?"),
        (v1::DefaultAlphabet::GsmPacked, 0, b"\xe8\x32\x9b\xfd\x06", b"hello"),
        (v1::DefaultAlphabet::Gsm, 4, b"\x01\x02", b""),
    ] {
        let (world, _smsc, mut alpha) = start(|snapshot| {
            snapshot.accounts[0].default_alphabet = alphabet.into();
        });
        let mut peer = bind(&world, BindMode::Transceiver, InterfaceVersion::V3_4);
        let (status, _) = peer.submit_as(&ShortMessage {
            data_coding,
            registered_delivery: RegisteredDelivery::ALWAYS,
            ..message("491701", sent)
        });
        assert_eq!(status, CommandStatus::ROK);
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, "c1");
        alpha.say_receipt("c1", MessageState::Delivered);
        let Said::Message { text, is_receipt: true, .. } = peer.hear() else { panic!() };
        let at = text.windows(6).position(|octets| octets == b" text:").unwrap() + 6;
        assert_eq!(&text[at..], shown, "{alphabet:?} {data_coding}");
    }
}

#[test]
fn rules_read_data_coding_0_as_its_sender_means_it() {
    let casino = v1::PolicyRule {
        name: "casinos".to_owned(),
        // In GSM's alphabet these octets are another text.
        when: Some(v1::Conditions {
            text_patterns: vec!["pók[e]r@".to_owned()],
            ..v1::Conditions::default()
        }),
        then: v1::PolicyAction::Refuse.into(),
        status: "ESME_RSUBMITFAIL".to_owned(),
        ..v1::PolicyRule::default()
    };
    for (alphabet, octets) in
        [(v1::DefaultAlphabet::Latin1, &b"p\xf3ker@"[..]), (v1::DefaultAlphabet::Utf8, "póker@".as_bytes())]
    {
        let (world, _smsc, _alpha) = start(|snapshot| {
            snapshot.policy_rules = vec![casino.clone()];
            snapshot.accounts[0].default_alphabet = alphabet.into();
        });
        let mut peer = bind(&world, BindMode::Transceiver, InterfaceVersion::V3_4);
        assert_eq!(peer.submit_as(&message("491701", octets)).0, CommandStatus::RSUBMITFAIL, "{alphabet:?}");
        let (status, id) = peer.submit_as(&message("491701", b"poker"));
        assert_eq!(status, CommandStatus::ROK);
        // Whoever is told of the content is told how to read it.
        let told = world.query(&id).unwrap();
        assert_eq!(told.content.unwrap().alphabet(), alphabet);
        let Some(v1::event::Kind::Accepted(accepted)) = told.history[0].event.clone().unwrap().kind else {
            panic!()
        };
        assert_eq!(accepted.content.unwrap().alphabet(), alphabet);
    }
}

#[test]
fn who_was_refused_has_time_to_read_that_and_is_not_reset() {
    let (world, _smsc, _alpha) = start(|_| {});
    let stranger = || {
        let stream = std::net::TcpStream::connect(world.engine().addresses().smpp).unwrap();
        let mut peer = Peer::over(support::Wire::Plain(stream), brivas_smpp::Role::Esme);
        let answered = peer.bind("sample", "wrong", BindMode::Transceiver);
        assert_eq!(answered, Said::BindAnswered(CommandStatus::RINVPASWD));
        peer.into_stream()
    };
    let began = Instant::now();
    let mut stays = stranger();
    // What comes behind the bind is read and passed over: unread, it would make the system reset the connection.
    stays.write_all(&[0; 4_096]).unwrap();
    stays.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stays.read(&mut [0; 64]).unwrap(), 0);
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    // Who closes is gone at once, and until then it counts among the connections.
    let closes = stranger();
    drop(closes);
    world.until("only the carrier is there", |world| world.totals().connections == 1);
}
