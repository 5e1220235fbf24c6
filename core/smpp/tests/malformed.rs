//! Malformed requests, field by field: each is refused with the status that the specification gives the field.

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::{
    Address, AlertNotification, BindRequest, BroadcastSm, CancelBroadcastSm, CancelSm, DataSm, DecodeError,
    Destination, Destinations, Outbind, QueryBroadcastSm, QuerySm, ReplaceSm, SubmitMulti,
};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, EsmClass, InterfaceVersion, Pdu, RegisteredDelivery, ShortMessage,
};

const LONG: &[u8] = &[b'9'; 300];
const TO: Address<'_> = Address { ton: 1, npi: 1, digits: b"4917" };

fn address(digits: &[u8]) -> Address<'_> {
    Address { ton: 1, npi: 1, digits }
}

fn bind() -> BindRequest<'static> {
    BindRequest {
        system_id: b"sample",
        password: b"secret",
        system_type: b"",
        interface_version: InterfaceVersion::V3_4,
        ton: 0,
        npi: 0,
        address_range: b"",
        trailing: b"",
    }
}

fn submit() -> ShortMessage<'static> {
    ShortMessage {
        source: address(b"4912"),
        destination: TO,
        short_message: b"hello",
        ..ShortMessage::default()
    }
}

fn multi() -> SubmitMulti<'static> {
    SubmitMulti {
        destinations: Destinations::parse(1, b"\x01\x01\x014917\0").unwrap(),
        ..SubmitMulti::default()
    }
}

fn data() -> DataSm<'static> {
    DataSm { destination: TO, tlvs: area(&[(Tag::MESSAGE_PAYLOAD, b"hi")]), ..DataSm::default() }
}

fn replace() -> ReplaceSm<'static> {
    ReplaceSm { message_id: b"1", short_message: b"hi", ..ReplaceSm::default() }
}

const BROADCAST: [(Tag, &[u8]); 4] = [
    (Tag::BROADCAST_AREA_IDENTIFIER, b"\0north"),
    (Tag::BROADCAST_CONTENT_TYPE, &[0, 0, 1]),
    (Tag::BROADCAST_REP_NUM, &[0, 1]),
    (Tag::BROADCAST_FREQUENCY_INTERVAL, &[9, 0, 1]),
];

fn broadcast() -> BroadcastSm<'static> {
    BroadcastSm { tlvs: area(&BROADCAST), ..BroadcastSm::default() }
}

fn area(tlvs: &[(Tag, &[u8])]) -> Tlvs<'static> {
    let mut area = Vec::new();
    tlvs.iter().for_each(|(tag, value)| tlv::append(&mut area, *tag, value));
    Tlvs::parse(area.leak()).unwrap()
}

/// Reads what the PDU is on the wire, and checks it as a message centre of this version does.
fn judge(pdu: &Pdu<'_>, version: InterfaceVersion) -> Result<(), DecodeError> {
    let mut octets = Vec::new();
    pdu.encode(&mut octets, CommandStatus::ROK, 1);
    let Check::Complete(frame) = frame::check(&octets, frame::PDU_BYTES_MAX) else { panic!("not complete") };
    Pdu::decode(frame).and_then(|pdu| pdu.check(version))
}

fn refused(rows: &[(Pdu<'_>, CommandStatus, &str)], version: InterfaceVersion) {
    for (pdu, status, field) in rows {
        let error = judge(pdu, version).expect_err(&format!("{field} of {:?}", pdu.command_id()));
        assert_eq!((error.status, error.field), (*status, *field), "{:?}", pdu.command_id());
    }
}

#[test]
fn what_these_tables_start_from_is_right() {
    let right = [
        Pdu::Bind(BindMode::Transceiver, bind()),
        Pdu::SubmitSm(submit()),
        Pdu::SubmitMulti(multi()),
        Pdu::DataSm(data()),
        Pdu::ReplaceSm(replace()),
        Pdu::BroadcastSm(broadcast()),
    ];
    for pdu in right {
        assert_eq!(judge(&pdu, InterfaceVersion::V5_0), Ok(()), "{:?}", pdu.command_id());
    }
}

#[test]
fn a_text_that_is_too_long_is_refused_with_its_own_status() {
    let trx = |bind| Pdu::Bind(BindMode::Transceiver, bind);
    let (long, source) = (address(LONG), "source_addr");
    let lists = |list: &[Destination<'_>]| {
        let mut octets = Vec::new();
        list.iter().for_each(|each| each.encode(&mut octets));
        octets
    };
    let long_list = [b"\0\0\0\0\x01".to_vec(), lists(&[Destination::List(LONG)])].concat();
    let long_number = [b"\0\0\0\0\x01".to_vec(), lists(&[Destination::Address(long)])].concat();
    use CommandStatus as S;
    refused(
        &[
            (trx(BindRequest { system_id: LONG, ..bind() }), S::RINVSYSID, "system_id"),
            (trx(BindRequest { password: LONG, ..bind() }), S::RINVPASWD, "password"),
            (trx(BindRequest { system_type: LONG, ..bind() }), S::RINVSYSTYP, "system_type"),
            (trx(BindRequest { address_range: LONG, ..bind() }), S::RBINDFAIL, "address_range"),
            (Pdu::Outbind(Outbind { system_id: LONG, ..Outbind::default() }), S::RINVSYSID, "system_id"),
            (Pdu::Outbind(Outbind { password: LONG, ..Outbind::default() }), S::RINVPASWD, "password"),
            (Pdu::SubmitSm(ShortMessage { service_type: LONG, ..submit() }), S::RINVSERTYP, "service_type"),
            (Pdu::SubmitSm(ShortMessage { source: long, ..submit() }), S::RINVSRCADR, source),
            (
                Pdu::SubmitSm(ShortMessage { destination: long, ..submit() }),
                S::RINVDSTADR,
                "destination_addr",
            ),
            (
                Pdu::SubmitSm(ShortMessage { schedule_delivery_time: LONG, ..submit() }),
                S::RINVSCHED,
                "schedule_delivery_time",
            ),
            (
                Pdu::SubmitSm(ShortMessage { validity_period: LONG, ..submit() }),
                S::RINVEXPIRY,
                "validity_period",
            ),
            (Pdu::DeliverSm(ShortMessage { source: long, ..submit() }), S::RINVSRCADR, source),
            (Pdu::DataSm(DataSm { service_type: LONG, ..data() }), S::RINVSERTYP, "service_type"),
            (Pdu::DataSm(DataSm { source: long, ..data() }), S::RINVSRCADR, source),
            (Pdu::DataSm(DataSm { destination: long, ..data() }), S::RINVDSTADR, "destination_addr"),
            (
                Pdu::AlertNotification(AlertNotification { source: long, ..Default::default() }),
                S::RINVSRCADR,
                source,
            ),
            (
                Pdu::AlertNotification(AlertNotification { esme: long, ..Default::default() }),
                S::RINVDSTADR,
                "esme_addr",
            ),
            (Pdu::SubmitMulti(SubmitMulti { service_type: LONG, ..multi() }), S::RINVSERTYP, "service_type"),
            (Pdu::SubmitMulti(SubmitMulti { source: long, ..multi() }), S::RINVSRCADR, source),
            (Pdu::Other(CommandId::SUBMIT_MULTI, &long_list), S::RINVDLNAME, "dl_name"),
            (Pdu::Other(CommandId::SUBMIT_MULTI, &long_number), S::RINVDSTADR, "destination_addr"),
            (Pdu::QuerySm(QuerySm { message_id: LONG, ..QuerySm::default() }), S::RINVMSGID, "message_id"),
            (Pdu::QuerySm(QuerySm { source: long, ..QuerySm::default() }), S::RINVSRCADR, source),
            (
                Pdu::CancelSm(CancelSm { service_type: LONG, ..CancelSm::default() }),
                S::RINVSERTYP,
                "service_type",
            ),
            (Pdu::CancelSm(CancelSm { message_id: LONG, ..CancelSm::default() }), S::RINVMSGID, "message_id"),
            (Pdu::CancelSm(CancelSm { source: long, ..CancelSm::default() }), S::RINVSRCADR, source),
            (
                Pdu::CancelSm(CancelSm { destination: long, ..CancelSm::default() }),
                S::RINVDSTADR,
                "destination_addr",
            ),
            (Pdu::ReplaceSm(ReplaceSm { message_id: LONG, ..replace() }), S::RINVMSGID, "message_id"),
            (Pdu::ReplaceSm(ReplaceSm { source: long, ..replace() }), S::RINVSRCADR, source),
            (
                Pdu::ReplaceSm(ReplaceSm { schedule_delivery_time: LONG, ..replace() }),
                S::RINVSCHED,
                "schedule_delivery_time",
            ),
            (
                Pdu::ReplaceSm(ReplaceSm { validity_period: LONG, ..replace() }),
                S::RINVEXPIRY,
                "validity_period",
            ),
            (
                Pdu::BroadcastSm(BroadcastSm { service_type: LONG, ..broadcast() }),
                S::RINVSERTYP,
                "service_type",
            ),
            (Pdu::BroadcastSm(BroadcastSm { message_id: LONG, ..broadcast() }), S::RINVMSGID, "message_id"),
            (Pdu::BroadcastSm(BroadcastSm { source: long, ..broadcast() }), S::RINVSRCADR, source),
            (
                Pdu::QueryBroadcastSm(QueryBroadcastSm { message_id: LONG, ..Default::default() }),
                S::RINVMSGID,
                "message_id",
            ),
            (
                Pdu::CancelBroadcastSm(CancelBroadcastSm { message_id: LONG, ..Default::default() }),
                S::RINVMSGID,
                "message_id",
            ),
        ],
        InterfaceVersion::V5_0,
    );
}

#[test]
fn each_text_may_have_all_its_octets_and_no_more() {
    let fits = |octets: usize| {
        let digits = &LONG[..octets];
        let short = judge(
            &Pdu::SubmitSm(ShortMessage { source: address(digits), ..submit() }),
            InterfaceVersion::V3_4,
        );
        let long = judge(&Pdu::DataSm(DataSm { source: address(digits), ..data() }), InterfaceVersion::V3_4);
        (short.is_ok(), long.is_ok())
    };
    assert_eq!(
        [fits(20), fits(21), fits(64), fits(65)],
        [(true, true), (false, true), (false, true), (false, false)]
    );
    let query = |octets: usize, version| {
        judge(&Pdu::QuerySm(QuerySm { message_id: &LONG[..octets], ..QuerySm::default() }), version)
    };
    assert!(query(64, InterfaceVersion::V3_4).is_ok() && query(65, InterfaceVersion::V3_4).is_err());
    // 3.3 names messages by 8 hexadecimal digits.
    assert!(query(8, InterfaceVersion::V3_3).is_ok() && query(9, InterfaceVersion::V3_3).is_err());
}

#[test]
fn a_value_that_is_reserved_is_refused_with_its_own_status() {
    use CommandStatus as S;
    let ton = |ton| Address { ton, ..TO };
    let npi = |npi| Address { npi, ..TO };
    let submit_with = |change: fn(&mut ShortMessage<'static>)| {
        let mut message = submit();
        change(&mut message);
        Pdu::SubmitSm(message)
    };
    let none = Destinations::default();
    let unnamed = Destinations::parse(1, b"\x02\0").unwrap();
    let both = area(&[(Tag::MESSAGE_PAYLOAD, b"x")]);
    let twice = "short_message and message_payload";
    refused(
        &[
            (Pdu::SubmitSm(ShortMessage { source: ton(7), ..submit() }), S::RINVSRCTON, "source_addr_ton"),
            (Pdu::SubmitSm(ShortMessage { source: npi(2), ..submit() }), S::RINVSRCNPI, "source_addr_npi"),
            (Pdu::SubmitSm(ShortMessage { destination: ton(7), ..submit() }), S::RINVDSTTON, "dest_addr_ton"),
            (Pdu::SubmitSm(ShortMessage { destination: npi(2), ..submit() }), S::RINVDSTNPI, "dest_addr_npi"),
            (
                Pdu::SubmitSm(ShortMessage { destination: address(b""), ..submit() }),
                S::RINVDSTADR,
                "destination_addr",
            ),
            (submit_with(|message| message.esm_class = EsmClass(0x0C)), S::RINVESMCLASS, "esm_class"),
            (submit_with(|message| message.priority_flag = 4), S::RINVPRTFLG, "priority_flag"),
            (
                submit_with(|message| message.registered_delivery = RegisteredDelivery(0x20)),
                S::RINVREGDLVFLG,
                "registered_delivery",
            ),
            (
                submit_with(|message| message.replace_if_present_flag = 2),
                S::RINVREPFLAG,
                "replace_if_present_flag",
            ),
            (
                submit_with(|message| message.schedule_delivery_time = b"soon"),
                S::RINVSCHED,
                "schedule_delivery_time",
            ),
            (
                submit_with(|message| message.schedule_delivery_time = b"261301000000000+"),
                S::RINVSCHED,
                "schedule_delivery_time",
            ),
            (
                submit_with(|message| message.validity_period = b"tomorrowtomorrow"),
                S::RINVEXPIRY,
                "validity_period",
            ),
            (submit_with(|message| message.short_message = &LONG[..255]), S::RINVMSGLEN, "sm_length"),
            (Pdu::SubmitSm(ShortMessage { tlvs: both, ..submit() }), S::RINVMSGLEN, twice),
            (
                Pdu::SubmitMulti(SubmitMulti { destinations: none, ..multi() }),
                S::RINVNUMDESTS,
                "number_of_dests",
            ),
            (Pdu::SubmitMulti(SubmitMulti { destinations: unnamed, ..multi() }), S::RINVDLNAME, "dl_name"),
            (Pdu::Other(CommandId::SUBMIT_MULTI, b"\0\0\0\0\x01\x03"), S::RINVDESTFLAG, "dest_flag"),
            (Pdu::SubmitMulti(SubmitMulti { priority_flag: 4, ..multi() }), S::RINVPRTFLG, "priority_flag"),
            (Pdu::DataSm(DataSm { destination: ton(9), ..data() }), S::RINVDSTTON, "dest_addr_ton"),
            (Pdu::DataSm(DataSm { esm_class: EsmClass(0x3C), ..data() }), S::RINVESMCLASS, "esm_class"),
            (Pdu::QuerySm(QuerySm::default()), S::RINVMSGID, "message_id"),
            (Pdu::ReplaceSm(ReplaceSm { message_id: b"", ..replace() }), S::RINVMSGID, "message_id"),
            (
                Pdu::ReplaceSm(ReplaceSm { validity_period: b"x", ..replace() }),
                S::RINVEXPIRY,
                "validity_period",
            ),
        ],
        InterfaceVersion::V3_4,
    );
}

#[test]
fn versions_differ_where_the_specifications_do() {
    let payload = area(&[(Tag::MESSAGE_PAYLOAD, b"x")]);
    let many = |count: u8| {
        let list = b"\x01\x01\x014917\0".repeat(count.into()).leak();
        Pdu::SubmitMulti(SubmitMulti { destinations: Destinations::parse(count, list).unwrap(), ..multi() })
    };
    // (PDU, status in 3.4); 5.0 takes all of them.
    let only_5_0 = [
        (Pdu::SubmitSm(ShortMessage { priority_flag: 4, ..submit() }), Some(CommandStatus::RINVPRTFLG)),
        (
            Pdu::SubmitSm(ShortMessage { short_message: &LONG[..255], ..submit() }),
            Some(CommandStatus::RINVMSGLEN),
        ),
        (many(255), Some(CommandStatus::RINVNUMDESTS)),
        (many(254), None),
        (Pdu::ReplaceSm(ReplaceSm { tlvs: payload, short_message: b"", ..replace() }), None),
    ];
    for (pdu, in_3_4) in only_5_0 {
        assert_eq!(judge(&pdu, InterfaceVersion::V5_0), Ok(()));
        assert_eq!(judge(&pdu, InterfaceVersion::V3_4).err().map(|error| error.status), in_3_4);
    }
    // message_payload in replace_sm means something in 5.0 only.
    let both = Pdu::ReplaceSm(ReplaceSm { tlvs: payload, ..replace() });
    assert_eq!(judge(&both, InterfaceVersion::V3_4), Ok(()));
    assert_eq!(judge(&both, InterfaceVersion::V5_0).unwrap_err().status, CommandStatus::RINVMSGLEN);
}

#[test]
fn tlvs_are_refused_by_what_is_wrong_with_them() {
    use CommandStatus as S;
    let with = |tlvs: &[(Tag, &[u8])]| Pdu::SubmitSm(ShortMessage { tlvs: area(tlvs), ..submit() });
    let sar = "sar_msg_ref_num, sar_total_segments, sar_segment_seqnum";
    let missing = |tag: Tag| {
        let rest: Vec<_> = BROADCAST.into_iter().filter(|row| row.0 != tag).collect();
        Pdu::BroadcastSm(BroadcastSm { tlvs: area(&rest), ..broadcast() })
    };
    refused(
        &[
            (with(&[(Tag::SOURCE_PORT, &[1])]), S::RINVTLVLEN, "source_port"),
            (with(&[(Tag::USER_MESSAGE_REFERENCE, &[0, 1, 2])]), S::RINVTLVLEN, "user_message_reference"),
            (with(&[(Tag::CALLBACK_NUM, &[1; 20])]), S::RINVTLVLEN, "callback_num"),
            (with(&[(Tag::SAR_TOTAL_SEGMENTS, &[2])]), S::RMISSINGTLV, sar),
            (with(&[(Tag::SAR_MSG_REF_NUM, &[0, 1]), (Tag::SAR_SEGMENT_SEQNUM, &[1])]), S::RMISSINGTLV, sar),
            (
                with(&[
                    (Tag::SAR_MSG_REF_NUM, &[0, 1]),
                    (Tag::SAR_TOTAL_SEGMENTS, &[2]),
                    (Tag::SAR_SEGMENT_SEQNUM, &[3]),
                ]),
                S::RINVTLVVAL,
                "sar_segment_seqnum",
            ),
            (Pdu::DataSm(DataSm { tlvs: Tlvs::EMPTY, ..data() }), S::RMISSINGTLV, "message_payload"),
            (missing(Tag::BROADCAST_AREA_IDENTIFIER), S::RMISSINGTLV, "broadcast_area_identifier"),
            (missing(Tag::BROADCAST_CONTENT_TYPE), S::RMISSINGTLV, "broadcast_content_type"),
            (missing(Tag::BROADCAST_REP_NUM), S::RMISSINGTLV, "broadcast_rep_num"),
            (missing(Tag::BROADCAST_FREQUENCY_INTERVAL), S::RMISSINGTLV, "broadcast_frequency_interval"),
            (
                Pdu::SubmitSm(ShortMessage { tlvs: Tlvs::lenient(b"\x02\x04\0\x02\x01"), ..submit() }),
                S::RINVTLVSTREAM,
                "optional parameters",
            ),
        ],
        InterfaceVersion::V5_0,
    );
    // What is unknown, of a vendor, or of no use here is no error (SMPP 3.4 §3.3).
    let tolerated =
        [(Tag(0x1400), &b"vendor"[..]), (Tag(0x0001), b""), (Tag::MESSAGE_STATE, &[2]), (Tag(0x1400), b"")];
    assert_eq!(judge(&with(&tolerated), InterfaceVersion::V3_4), Ok(()));
    // An immediate broadcast is not repeated a number of times.
    let Pdu::BroadcastSm(once) = missing(Tag::BROADCAST_REP_NUM) else { unreachable!() };
    assert_eq!(
        judge(&Pdu::BroadcastSm(BroadcastSm { priority_flag: 1, ..once }), InterfaceVersion::V5_0),
        Ok(())
    );
}

/// Where a body ends too early, the field that is missing is named, and the length is to blame.
#[test]
fn each_cut_is_refused_by_the_field_it_hits() {
    let rows: [(Pdu<'_>, &[&str]); 12] = [
        (
            Pdu::Bind(BindMode::Receiver, bind()),
            &[
                "system_id",
                "password",
                "system_type",
                "interface_version",
                "addr_ton",
                "addr_npi",
                "address_range",
            ],
        ),
        (
            Pdu::Outbind(Outbind { system_id: b"a", password: b"b", trailing: b"" }),
            &["system_id", "password"],
        ),
        (Pdu::SubmitSm(ShortMessage { short_message: b"", ..submit() }), MESSAGE),
        (Pdu::DeliverSm(ShortMessage { short_message: b"", ..submit() }), MESSAGE),
        (
            Pdu::SubmitMulti(multi()),
            &[
                "service_type",
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "number_of_dests",
                "dest_flag",
                "dest_addr_ton",
                "dest_addr_npi",
                "destination_addr",
                "esm_class",
                "protocol_id",
                "priority_flag",
                "schedule_delivery_time",
                "validity_period",
                "registered_delivery",
                "replace_if_present_flag",
                "data_coding",
                "sm_default_msg_id",
                "sm_length",
            ],
        ),
        (
            Pdu::DataSm(DataSm { tlvs: Tlvs::EMPTY, ..data() }),
            &[
                "service_type",
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "dest_addr_ton",
                "dest_addr_npi",
                "destination_addr",
                "esm_class",
                "registered_delivery",
                "data_coding",
            ],
        ),
        (
            Pdu::AlertNotification(AlertNotification { source: TO, esme: TO, tlvs: Tlvs::EMPTY }),
            &[
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "esme_addr_ton",
                "esme_addr_npi",
                "esme_addr",
            ],
        ),
        (
            Pdu::QuerySm(QuerySm { message_id: b"1", source: TO, trailing: b"" }),
            &["message_id", "source_addr_ton", "source_addr_npi", "source_addr"],
        ),
        (
            Pdu::CancelSm(CancelSm { destination: TO, ..CancelSm::default() }),
            &[
                "service_type",
                "message_id",
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "dest_addr_ton",
                "dest_addr_npi",
                "destination_addr",
            ],
        ),
        (
            Pdu::ReplaceSm(ReplaceSm { short_message: b"", ..replace() }),
            &[
                "message_id",
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "schedule_delivery_time",
                "validity_period",
                "registered_delivery",
                "sm_default_msg_id",
                "sm_length",
            ],
        ),
        (
            Pdu::BroadcastSm(BroadcastSm { tlvs: Tlvs::EMPTY, ..broadcast() }),
            &[
                "service_type",
                "source_addr_ton",
                "source_addr_npi",
                "source_addr",
                "message_id",
                "priority_flag",
                "schedule_delivery_time",
                "validity_period",
                "replace_if_present_flag",
                "data_coding",
                "sm_default_msg_id",
            ],
        ),
        (
            Pdu::CancelBroadcastSm(CancelBroadcastSm::default()),
            &["service_type", "message_id", "source_addr_ton", "source_addr_npi", "source_addr"],
        ),
    ];
    for (pdu, fields) in rows {
        let mut body = Vec::new();
        pdu.encode_body(&mut body);
        let mut hit: Vec<&str> = Vec::new();
        for end in 0..body.len() {
            let mut octets = Vec::new();
            frame::append(&mut octets, pdu.command_id(), 0, 1, |out| out.extend_from_slice(&body[..end]));
            let Check::Complete(frame) = frame::check(&octets, 1_000) else { panic!("not complete") };
            let error = Pdu::decode(frame).expect_err("a cut body is refused");
            assert_eq!(error.status, CommandStatus::RINVCMDLEN, "{:?} cut at {end}", pdu.command_id());
            if hit.last() != Some(&error.field) {
                hit.push(error.field);
            }
        }
        assert_eq!(hit, fields, "{:?}", pdu.command_id());
    }
}

const MESSAGE: &[&str] = &[
    "service_type",
    "source_addr_ton",
    "source_addr_npi",
    "source_addr",
    "dest_addr_ton",
    "dest_addr_npi",
    "destination_addr",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "schedule_delivery_time",
    "validity_period",
    "registered_delivery",
    "replace_if_present_flag",
    "data_coding",
    "sm_default_msg_id",
    "sm_length",
];
