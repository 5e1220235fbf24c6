//! The table of statuses: each case that a bound customer can bring about, on a real session, and how it is answered.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::{
    Address, CancelSm, DataSm, Destination, Destinations, QuerySm, ReplaceSm, SubmitMulti,
};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{
    BindMode, CommandStatus as Status, EsmClass, InterfaceVersion, Pdu, RegisteredDelivery, ShortMessage,
};
use support::peer::message;
use support::{PASSWORD, Peer, Smsc, World, account, sample};

const SOURCE: Address<'static> = Address { ton: 3, npi: 0, digits: b"40404" };
const NUMBER: Address<'static> = Address { ton: 1, npi: 1, digits: b"491701" };

fn start() -> (World, Smsc) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes[0].prefix = "49".to_owned();
    snapshot.accounts.push(v1::Account { open_messages_max: 1, ..account("full") });
    snapshot.accounts.push(v1::Account { throughput_per_second: 1, ..account("slow") });
    snapshot.accounts.push(v1::Account { binds_max: 1, ..account("single") });
    let listed = v1::SendersAllowed::Listed.into();
    snapshot.accounts.push(v1::Account { senders_allowed: listed, ..account("listed") });
    snapshot.senders.push(v1::Sender {
        name: "one".to_owned(),
        account: "listed".to_owned(),
        address: "ACME".to_owned(),
        ..v1::Sender::default()
    });
    world.apply(&snapshot);
    (world, smsc)
}

fn bound(world: &World, account: &str, mode: BindMode, version: InterfaceVersion) -> Peer {
    Peer::customer_of(world.engine().addresses().smpp, account, mode, version)
}

#[test]
fn each_submit_sm_that_is_wrong_is_told_by_its_own_status() {
    let (world, _smsc) = start();
    let mut peer = bound(&world, "sample", BindMode::Transceiver, InterfaceVersion::V3_4);
    let right = message("491701", b"hello");
    let tlvs = |area: &'static [u8]| Tlvs::lenient(area);
    let table = [
        (Status::ROK, right),
        (Status::RINVMSGLEN, ShortMessage { tlvs: tlvs(b"\x04\x24\0\x01x"), ..right }),
        (Status::RINVPRTFLG, ShortMessage { priority_flag: 4, ..right }),
        (Status::RINVREGDLVFLG, ShortMessage { registered_delivery: RegisteredDelivery(0x20), ..right }),
        (Status::RINVDSTADR, message("33601", b"no route")),
        (Status::RINVDSTADR, message("", b"nobody")),
        (Status::RINVESMCLASS, ShortMessage { esm_class: EsmClass(0x24), ..right }),
        (Status::RINVSRCTON, ShortMessage { source: Address { ton: 7, ..SOURCE }, ..right }),
        (Status::RINVSRCNPI, ShortMessage { source: Address { npi: 2, ..SOURCE }, ..right }),
        (Status::RINVDSTTON, ShortMessage { destination: Address { ton: 9, ..NUMBER }, ..right }),
        (Status::RINVDSTNPI, ShortMessage { destination: Address { npi: 5, ..NUMBER }, ..right }),
        (Status::RINVREPFLAG, ShortMessage { replace_if_present_flag: 2, ..right }),
        (Status::RINVSERTYP, ShortMessage { service_type: b"123456", ..right }),
        (Status::RINVSCHED, ShortMessage { schedule_delivery_time: b"tomorrow", ..right }),
        (Status::RINVEXPIRY, ShortMessage { validity_period: b"000000000000000R", ..right }),
        (Status::RINVTLVSTREAM, ShortMessage { tlvs: tlvs(b"\x04\x24\0\x09x"), ..right }),
        (Status::RMISSINGTLV, ShortMessage { tlvs: tlvs(b"\x02\x0c\0\x02\0\x01"), ..right }),
        (Status::RINVTLVLEN, ShortMessage { tlvs: tlvs(b"\x02\x04\0\x01x"), ..right }),
    ];
    for (expected, wrong) in table {
        let (status, id) = peer.submit_as(&wrong);
        assert_eq!((status, id.is_empty()), (expected, expected != Status::ROK), "{wrong:?}");
    }
    // The session has lived through all of it.
    assert_eq!(peer.submit_as(&right).0, Status::ROK);
}

#[test]
fn limits_of_an_account_are_told_by_their_status() {
    let (world, _smsc) = start();
    let mut full = bound(&world, "full", BindMode::Transmitter, InterfaceVersion::V3_4);
    assert_eq!([(); 2].map(|()| full.submit_as(&message("491701", b"x")).0), [Status::ROK, Status::RMSGQFUL]);
    let mut slow = bound(&world, "slow", BindMode::Transmitter, InterfaceVersion::V3_4);
    assert_eq!(
        [(); 2].map(|()| slow.submit_as(&message("491701", b"x")).0),
        [Status::ROK, Status::RTHROTTLED]
    );
    let mut listed = bound(&world, "listed", BindMode::Transmitter, InterfaceVersion::V3_4);
    let from = |digits: &'static [u8]| ShortMessage {
        source: Address { ton: 5, npi: 0, digits },
        ..message("491701", b"x")
    };
    assert_eq!(listed.submit_as(&from(b"ACME")).0, Status::ROK);
    assert_eq!(listed.submit_as(&from(b"acme")).0, Status::RINVSRCADR);
    assert_eq!(listed.submit_as(&message("491701", b"x")).0, Status::RINVSRCADR);
}

#[test]
fn binds_are_refused_by_their_status() {
    let (world, _smsc) = start();
    let engine = world.engine().addresses().smpp;
    let status = |account: &str, password: &str| {
        Peer::try_customer(engine, account, password, BindMode::Transceiver).1
    };
    assert_eq!(status("nobody", PASSWORD), Status::RINVPASWD);
    assert_eq!(status("sample", "wrong"), Status::RINVPASWD);
    let _first = bound(&world, "single", BindMode::Receiver, InterfaceVersion::V3_4);
    assert_eq!(status("single", PASSWORD), Status::RALYBND);
}

#[test]
fn a_receiver_submits_nothing_and_a_transmitter_is_delivered_nothing() {
    let (world, smsc) = start();
    let mut receiver = bound(&world, "sample", BindMode::Receiver, InterfaceVersion::V3_4);
    let submit = b"\0\0\0\x10\0\0\0\x04\0\0\0\0\0\0\0\x09";
    let requests = [
        (4_u8, Status::RINVBNDSTS),
        (3, Status::RINVBNDSTS),
        (7, Status::RINVBNDSTS),
        (8, Status::RINVBNDSTS),
        (0x21, Status::RINVBNDSTS),
    ];
    for (command, expected) in requests {
        let mut octets = *submit;
        octets[7] = command;
        receiver.write_raw(&octets);
        let answer = receiver.read_raw(16);
        assert_eq!(answer[4..12], [0x80, 0, 0, command, 0, 0, 0, expected.0 as u8], "command {command:#x}");
    }
    drop(receiver);
    let mut transmitter = bound(&world, "sample", BindMode::Transmitter, InterfaceVersion::V3_4);
    let registered_delivery = RegisteredDelivery::ALWAYS;
    transmitter.submit_as(&ShortMessage { registered_delivery, ..message("491701", b"x") });
    let mut alpha = smsc.accept();
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, Status::RINVDSTADR, "");
    world.until("its receipt waits", |world| world.account("sample").deliveries_waiting == 1);
    let mut receiver = bound(&world, "sample", BindMode::Receiver, InterfaceVersion::V3_4);
    assert_eq!(receiver.hear_receipt().1, brivas_smpp::MessageState::Rejected);
    assert_eq!(transmitter.submit_as(&message("491701", b"x")).0, Status::ROK);
}

#[test]
fn other_requests_that_are_wrong_are_told_by_their_own_status() {
    let (world, _smsc) = start();
    let mut peer = bound(&world, "sample", BindMode::Transceiver, InterfaceVersion::V3_4);
    let id = peer.submit("491701");
    let id = id.as_bytes();
    let other = Address { digits: b"999", ..SOURCE };
    let unknown = b"0123456789abcdef";
    let mut lists = Vec::new();
    Destination::List(b"staff").encode(&mut lists);
    let multi = SubmitMulti { source: SOURCE, short_message: b"x", ..SubmitMulti::default() };
    let data = DataSm { source: SOURCE, destination: NUMBER, ..DataSm::default() };
    let replace = ReplaceSm { message_id: id, source: SOURCE, short_message: b"x", ..ReplaceSm::default() };
    let table = [
        (Status::RINVMSGID, Pdu::QuerySm(QuerySm { message_id: unknown, source: SOURCE, trailing: b"" })),
        (Status::RINVMSGID, Pdu::QuerySm(QuerySm::default())),
        (Status::RQUERYFAIL, Pdu::QuerySm(QuerySm { message_id: id, source: other, trailing: b"" })),
        (Status::RINVMSGID, Pdu::CancelSm(CancelSm { message_id: unknown, ..CancelSm::default() })),
        (
            Status::RCANCELFAIL,
            Pdu::CancelSm(CancelSm { message_id: id, source: other, ..CancelSm::default() }),
        ),
        (Status::RINVMSGID, Pdu::ReplaceSm(ReplaceSm { message_id: unknown, ..replace })),
        (Status::RREPLACEFAIL, Pdu::ReplaceSm(ReplaceSm { source: other, ..replace })),
        (
            Status::RINVSCHED,
            Pdu::ReplaceSm(ReplaceSm { schedule_delivery_time: b"000099000000000R", ..replace }),
        ),
        (Status::RINVNUMDESTS, Pdu::SubmitMulti(multi)),
        (
            Status::RCNTSUBDL,
            Pdu::SubmitMulti(SubmitMulti { destinations: Destinations::parse(1, &lists).unwrap(), ..multi }),
        ),
        (Status::RMISSINGTLV, Pdu::DataSm(data)),
        (
            Status::RINVSRCTON,
            Pdu::DataSm(DataSm {
                source: Address { ton: 7, ..SOURCE },
                tlvs: Tlvs::lenient(b"\x04\x24\0\x01x"),
                ..data
            }),
        ),
    ];
    for (expected, request) in table {
        assert_eq!(peer.ask(request).0, expected, "{request:?}");
    }
    assert_eq!(peer.ask(Pdu::ReplaceSm(replace)).0, Status::ROK);
}

#[test]
fn a_3_3_bind_is_told_nothing_of_tlvs() {
    let (world, _smsc) = start();
    let mut peer = bound(&world, "sample", BindMode::Transceiver, InterfaceVersion::V3_3);
    assert_eq!(
        peer.submit_as(&ShortMessage { priority_flag: 4, ..message("491701", b"x") }).0,
        Status::RINVPRTFLG
    );
    let (status, id) = peer.submit_as(&message("491701", b"x"));
    assert_eq!((status, id.len()), (Status::ROK, 8));
}
