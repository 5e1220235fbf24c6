//! Carriers that write PDUs, numbers and statuses as no specification has them. The list of all quirks stands in `quirks.rs`.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, BindRequest};
use brivas_smpp::{CommandStatus, EsmClass, ShortMessage};
use support::{Peer, RawPeer, Said, Smsc, World, incoming_route, raw, request, sample, texts};

const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM: u32 = 0x05;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;

fn start_with(change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, RawPeer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    change(&mut snapshot);
    world.apply(&snapshot);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    alpha.take_bind(b"smsc\0");
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

/// Sends so many, each with an id; gives their numbers.
fn send(world: &World, alpha: &mut RawPeer, count: usize) -> Vec<String> {
    world.submit(request(texts(count))).unwrap();
    let answer = |number| {
        let submit = alpha.read_until(SUBMIT_SM);
        let id = format!("m{number}\0");
        alpha.write(&raw(SUBMIT_SM_RESP, 0, submit.sequence_number, id.as_bytes()));
        let message = ShortMessage::decode(&submit.body).unwrap();
        String::from_utf8(message.destination.digits.to_vec()).unwrap()
    };
    (0..count).map(answer).collect()
}

/// A receipt's body, from a number.
fn receipt(id: &str, number: &str) -> Vec<u8> {
    let text = format!("id:{id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:");
    let message = ShortMessage {
        source: Address { ton: 1, npi: 1, digits: number.as_bytes() },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        esm_class: EsmClass::RECEIPT,
        short_message: text.as_bytes(),
        ..ShortMessage::default()
    };
    let mut body = Vec::new();
    message.encode(&mut body);
    body
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
}

/// Quirk 3.
#[test]
fn octets_behind_a_text_or_a_pdu_and_tlvs_without_their_nul_hurt_nothing() {
    let (world, _smsc, mut alpha) = start_with(|_| {});
    let numbers = send(&world, &mut alpha, 5);
    // A NUL behind the text that its length does not count.
    let behind = [receipt("m0", &numbers[0]), vec![0]].concat();
    // A NUL that it counts.
    let mut counted = receipt("m1", &numbers[1]);
    let text_length = counted.len() - 1 - counted.iter().rposition(|&octet| octet == 0).unwrap();
    let at = counted.len() - text_length - 1;
    counted.push(0);
    counted[at] = text_length as u8 + 1;
    // Trailing octets that are no TLV; one whose length goes beyond the PDU; a text's TLV without its NUL.
    let trailing = [receipt("m2", &numbers[2]), vec![0, 0, 0]].concat();
    let overlong = [receipt("m3", &numbers[3]), vec![0x04, 0x27, 0, 9, 2]].concat();
    let bare = [receipt("other", &numbers[4]), b"\0\x1e\0\x02m4\x04\x27\0\x01\x02".to_vec()].concat();
    for (sequence_number, body) in (1..).zip([behind, counted, trailing, overlong, bare]) {
        alpha.write(&raw(DELIVER_SM, 0, sequence_number, &body));
        let answer = alpha.read_until(DELIVER_SM_RESP);
        assert_eq!((answer.sequence_number, answer.status), (sequence_number, 0));
    }
    all_is_done(&world);
    assert_eq!(world.totals().delivered, 5);
}

/// Quirk 4; bodies in errors and none in success stand in `quirks.rs`.
#[test]
fn a_bind_response_without_a_system_id_or_with_octets_behind_it_is_a_bind() {
    for body in [&b""[..], b"smsc", b"\0", b"smsc\0\0\0", b"smsc\0\x02\x10\0\x05\x34"] {
        let (world, smsc) = (World::new(), Smsc::new());
        world.apply(&sample(&smsc));
        let mut alpha = RawPeer::new(smsc.accept_raw());
        alpha.take_bind(body);
        world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    }
}

/// Quirk 5: longer credentials than SMPP allows, which the configuration permits.
#[test]
fn long_credentials_are_sent_whole() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    let (system_id, password) = ("s".repeat(64), "p".repeat(64));
    (snapshot.carriers[0].system_id, snapshot.carriers[0].password) = (system_id.clone(), password.clone());
    world.apply(&snapshot);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    let bind = alpha.take_bind(b"smsc\0");
    let asked = BindRequest::decode(&bind.body).unwrap();
    assert_eq!((asked.system_id, asked.password), (system_id.as_bytes(), password.as_bytes()));
}

/// Quirk 5: ids beyond 64 octets, numbers with and without '+', in national form.
#[test]
fn overlong_ids_and_numbers_in_other_forms_are_told_apart() {
    let (world, _smsc, mut alpha) = start_with(|_| {});
    world.submit(request(texts(3))).unwrap();
    // All have one id, so that the numbers decide; it is longer than any may be.
    let id = "x".repeat(100);
    let numbers: Vec<_> = (0..3)
        .map(|_| {
            let submit = alpha.read_until(SUBMIT_SM);
            alpha.write(&raw(SUBMIT_SM_RESP, 0, submit.sequence_number, format!("{id}\0").as_bytes()));
            let message = ShortMessage::decode(&submit.body).unwrap();
            String::from_utf8(message.destination.digits.to_vec()).unwrap()
        })
        .collect();
    world.until("all are sent", |world| world.totals().sent == 3);
    let national = format!("0{}", &numbers[1][2..]);
    for (sequence_number, number) in
        (1..).zip([format!("+{}", numbers[0]), national, format!("00{}", numbers[2])])
    {
        alpha.write(&raw(DELIVER_SM, 0, sequence_number, &receipt(&id, &number)));
        assert_eq!(alpha.read_until(DELIVER_SM_RESP).status, 0);
    }
    all_is_done(&world);
    assert_eq!(world.totals().delivered, 3);
}

/// Quirk 6: esm_class 0x43, UDHI in messages with SAR TLVs; data_coding 0 stands in `long_messages.rs`.
#[test]
fn incoming_messages_in_peculiar_codings_reach_the_customer_as_they_came() {
    let (world, _smsc, mut alpha) = start_with(|snapshot| snapshot.routes.push(incoming_route("sample")));
    let smpp = world.engine().addresses().smpp;
    let mut customer = Peer::customer(smpp, "sample", brivas_smpp::BindMode::Transceiver);
    let sar: &[u8] = b"\x02\x0c\0\x02\0\x07\x02\x0e\0\x01\x02\x02\x0f\0\x01\x01";
    for (esm_class, data_coding, text, area) in [
        (0x43, 0, &b"\x05\0\x03\x07\x02\x01hello"[..], &b""[..]),
        (0x40, 0, b"\x05\0\x03\x07\x02\x01hello", sar),
        (0x00, 0xF1, b"hello", b""),
        (0x00, 0xF5, b"\x01\x02\x03", b""),
        // UCS-2 whose octets are the other way round.
        (0x00, 8, b"h\0i\0", b""),
    ] {
        let message = ShortMessage {
            source: Address { ton: 1, npi: 1, digits: b"491701" },
            destination: Address { ton: 3, npi: 0, digits: b"40404" },
            esm_class: EsmClass(esm_class),
            data_coding,
            short_message: text,
            ..ShortMessage::default()
        };
        let mut body = Vec::new();
        message.encode(&mut body);
        body.extend_from_slice(area);
        alpha.write(&raw(DELIVER_SM, 0, 1, &body));
        let Said::Message { sequence_number, body: heard, tlvs, .. } = customer.hear() else {
            panic!("no message")
        };
        let heard = ShortMessage::decode(&heard).unwrap();
        assert_eq!((heard.short_message, heard.data_coding), (text, data_coding));
        assert_eq!((heard.esm_class.has_udh(), &tlvs[..]), (message.esm_class.has_udh(), area));
        customer.answer(sequence_number, CommandStatus::ROK, "");
        assert_eq!(alpha.read_until(DELIVER_SM_RESP).status, 0);
    }
}

/// Quirk 7.
#[test]
fn whatever_a_carrier_says_for_too_fast_the_message_comes_again() {
    let (world, _smsc, mut alpha) = start_with(|_| {});
    // RTHROTTLED, RMSGQFUL, RSYSERR, RSUBMITFAIL, and numbers of vendors.
    for status in [0x58, 0x14, 0x08, 0x45, 0x400, 0x4FF, 0x7FFF_FFFF] {
        let id = world.submit(request(texts(1))).unwrap().results.remove(0).id;
        let submit = alpha.read_until(SUBMIT_SM);
        alpha.write(&raw(SUBMIT_SM_RESP, status, submit.sequence_number, b""));
        let again = alpha.read_until(SUBMIT_SM);
        alpha.write(&raw(SUBMIT_SM_RESP, 0, again.sequence_number, b"\0"));
        world.until("it has ended", |world| world.totals().open_messages == 0);
        assert_eq!(world.query(&id).unwrap().state(), v1::MessageState::Accepted, "{status:#x}");
    }
}

/// Quirk 8.
#[test]
fn an_enquire_link_before_the_bind_response_is_answered_and_one_of_ours_may_not_stay_unanswered() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    (snapshot.carriers[0].enquire_link_ms, snapshot.carriers[0].response_timeout_ms) = (100, 300);
    world.apply(&snapshot);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    let bind = alpha.read();
    alpha.write(&raw(0x15, 0, 9, b""));
    let answer = alpha.read();
    assert_eq!((answer.command_id, answer.sequence_number, answer.status), (0x8000_0015, 9, 0));
    alpha.write(&raw(0x8000_0009, 0, bind.sequence_number, b"smsc\0"));
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    // It goes on asking and does not answer: it counts as gone, and is bound to again.
    let asked = alpha.read_until(0x15);
    assert_ne!(asked.sequence_number, 0);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    alpha.take_bind(b"smsc\0");
    world.until("alpha is up again", |world| world.carrier("alpha").binds_up == 1);
}

/// Quirk 10; responses to nothing, and generic_nack, stand in `quirks.rs`.
#[test]
fn sequence_numbers_of_any_kind_are_answered_with_themselves() {
    let (world, _smsc, mut alpha) = start_with(|_| {});
    let numbers = send(&world, &mut alpha, 7);
    let peculiar = [0, 0, 5, 5, 3, 0x8000_0001, u32::MAX];
    for (at, sequence_number) in peculiar.into_iter().enumerate() {
        alpha.write(&raw(DELIVER_SM, 0, sequence_number, &receipt(&format!("m{at}"), &numbers[at])));
    }
    let mut answered: Vec<_> = (0..7).map(|_| alpha.read_until(DELIVER_SM_RESP)).collect();
    answered.sort_by_key(|answer| answer.sequence_number);
    let mut expected = peculiar;
    expected.sort_unstable();
    assert_eq!(answered.iter().map(|answer| answer.sequence_number).collect::<Vec<_>>(), expected);
    assert!(answered.iter().all(|answer| answer.status == 0));
    all_is_done(&world);
}

/// Quirk 12; an unbind stands in `succession.rs`.
#[test]
fn a_carrier_that_resets_its_connection_is_bound_to_again_and_gets_what_it_has_not_answered() {
    let (world, smsc, mut alpha) = start_with(|_| {});
    world.submit(request(texts(1))).unwrap();
    let first = alpha.read_until(SUBMIT_SM);
    socket2::SockRef::from(&alpha.0).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(alpha);
    let mut alpha = RawPeer::new(smsc.accept_raw());
    alpha.take_bind(b"smsc\0");
    let again = alpha.read_until(SUBMIT_SM);
    assert_eq!(again.body, first.body);
    alpha.write(&raw(SUBMIT_SM_RESP, 0, again.sequence_number, b"\0"));
    all_is_done(&world);
}
