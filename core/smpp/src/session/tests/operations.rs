//! Requests beyond messages, and the whole state matrix by what sessions answer.

use super::*;
use crate::pdu::{
    Address, AlertNotification, CancelSm, DataSm, MessageResponse, Outbind, QuerySm, QuerySmResponse,
    ReplaceSm,
};
use crate::tlv::Tag;

const VERSIONS: [InterfaceVersion; 3] =
    [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0];

fn bind_as(version: InterfaceVersion) -> BindRequest<'static> {
    BindRequest { interface_version: version, ..BIND }
}

/// Both ends speak this version and take every operation. A message centre of 3.4 serves those of 3.3.
fn pair(version: InterfaceVersion) -> Pair {
    let session = |role| {
        let config = SessionConfig {
            interface_version: version.max(InterfaceVersion::V3_4),
            operations: Operations::ALL,
            ..SessionConfig::new(role)
        };
        Session::new(config, 0)
    };
    Pair { esme: session(Role::Esme), smsc: session(Role::Smsc), now_ms: 0 }
}

fn bound(version: InterfaceVersion, mode: BindMode) -> Pair {
    let mut pair = pair(version);
    pair.esme.bind(0, mode, bind_as(version));
    let Some(Seen::Bind(number)) = pair.deliver_to_smsc().pop() else { panic!("no bind") };
    pair.smsc.accept_bind(number, b"brivas", 10);
    assert_eq!(pair.deliver_to_esme(), [Seen::BindAnswered(CommandStatus::ROK)]);
    assert_eq!((pair.esme.version(), pair.smsc.version()), (version, version));
    pair
}

/// A body that every version takes.
fn valid_body(id: CommandId) -> Vec<u8> {
    let destination = Address { ton: 1, npi: 1, digits: b"4917" };
    let mut payload = Vec::new();
    crate::tlv::append(&mut payload, Tag::MESSAGE_PAYLOAD, b"hi");
    let mut broadcast = payload.clone();
    for (tag, value) in [
        (Tag::BROADCAST_AREA_IDENTIFIER, &b"\0north"[..]),
        (Tag::BROADCAST_CONTENT_TYPE, &[0, 0, 1]),
        (Tag::BROADCAST_REP_NUM, &[0, 1]),
        (Tag::BROADCAST_FREQUENCY_INTERVAL, &[9, 0, 1]),
    ] {
        crate::tlv::append(&mut broadcast, tag, value);
    }
    let pdu = match id {
        CommandId::SUBMIT_SM | CommandId::DELIVER_SM => return body(b"hi"),
        CommandId::DATA_SM => {
            Pdu::DataSm(DataSm { destination, tlvs: Tlvs::parse(&payload).unwrap(), ..DataSm::default() })
        }
        CommandId::QUERY_SM => Pdu::QuerySm(QuerySm { message_id: b"1", ..QuerySm::default() }),
        CommandId::REPLACE_SM => {
            Pdu::ReplaceSm(ReplaceSm { message_id: b"1", short_message: b"hi", ..ReplaceSm::default() })
        }
        CommandId::SUBMIT_MULTI => {
            return b"\0\0\0\0\x01\x01\x01\x014917\0\0\0\0\0\0\0\0\0\0\x02hi".to_vec();
        }
        CommandId::BROADCAST_SM => Pdu::BroadcastSm(crate::pdu::BroadcastSm {
            tlvs: Tlvs::parse(&broadcast).unwrap(),
            ..Default::default()
        }),
        CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => {
            Pdu::Bind(BindMode::Transceiver, BIND)
        }
        CommandId::UNBIND | CommandId::ENQUIRE_LINK => return Vec::new(),
        CommandId::CANCEL_SM => Pdu::CancelSm(CancelSm::default()),
        CommandId::OUTBIND => Pdu::Outbind(Outbind::default()),
        CommandId::ALERT_NOTIFICATION => Pdu::AlertNotification(AlertNotification::default()),
        CommandId::QUERY_BROADCAST_SM => Pdu::QueryBroadcastSm(Default::default()),
        CommandId::CANCEL_BROADCAST_SM => Pdu::CancelBroadcastSm(Default::default()),
        other => panic!("{other:?} has no body here"),
    };
    let mut out = Vec::new();
    pdu.encode_body(&mut out);
    out
}

/// What becomes of a request: an event or an answer of success, or this status.
fn outcome(session: &mut Session, id: CommandId) -> Result<(), CommandStatus> {
    session.written(session.output().len());
    let mut bytes = Vec::new();
    frame::append(&mut bytes, id, 0, 77, |out| out.extend_from_slice(&valid_body(id)));
    let (events, _) = feed(session, 0, &bytes);
    match frame::check(session.output(), 1_000) {
        Check::Complete(answer) => {
            assert_eq!(answer.header.command_id, id.response());
            assert_eq!(answer.header.sequence_number, 77);
            match CommandStatus(answer.header.command_status) {
                CommandStatus::ROK => Ok(()),
                status => Err(status),
            }
        }
        _ if events.is_empty() && !id.has_response() => Err(CommandStatus::RINVBNDSTS),
        _ => {
            assert_eq!(events.len(), 1, "{id:?}");
            Ok(())
        }
    }
}

/// The sessions of both ends in each state that a version can reach.
fn states(version: InterfaceVersion) -> Vec<Pair> {
    let mut outbound = pair(version);
    outbound.smsc.outbind(Outbind { system_id: b"brivas", password: b"", trailing: b"" });
    outbound.deliver_to_esme();
    let mut states = vec![pair(version), outbound];
    for mode in [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver] {
        states.push(bound(version, mode));
        let mut unbinding = bound(version, mode);
        unbinding.esme.unbind(0);
        unbinding.smsc.unbind(0);
        states.push(unbinding);
    }
    states
}

#[test]
fn each_request_in_each_state_is_taken_or_refused_as_the_matrix_says() {
    let mut cells = 0;
    for version in VERSIONS {
        let requests = CommandId::ALL.iter().copied().filter(|id| !id.is_response());
        for id in requests {
            for role in [Role::Smsc, Role::Esme] {
                for pair in states(version) {
                    let mut session = if role == Role::Smsc { pair.smsc } else { pair.esme };
                    let (state, spoken) = (session.state(), session.version());
                    let taken = outcome(&mut session, id);
                    let allowed = state.allows(role.other(), id, spoken)
                        || id == CommandId::ENQUIRE_LINK
                        || (id == CommandId::UNBIND && state == State::Unbinding);
                    let is_bind = BindMode::from_command_id(id).is_some();
                    let expected = match state {
                        _ if allowed => Ok(()),
                        State::Bound(_) if is_bind => Err(CommandStatus::RALYBND),
                        State::Bound(_)
                            if id.has_response() && !super::super::state::is_known(id, spoken) =>
                        {
                            Err(CommandStatus::RINVCMDID)
                        }
                        _ => Err(CommandStatus::RINVBNDSTS),
                    };
                    assert_eq!(taken, expected, "{id:?} to {role:?} in {state:?}, version {spoken:?}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 3 * 17 * 2 * 8);
}

#[test]
fn operations_that_the_owner_does_not_take_are_unknown() {
    let mut smsc = Pair::bound(BindMode::Transceiver, 10).smsc;
    for id in [CommandId::QUERY_SM, CommandId::DATA_SM, CommandId::SUBMIT_MULTI, CommandId::BROADCAST_SM] {
        assert_eq!(outcome(&mut smsc, id), Err(CommandStatus::RINVCMDID));
    }
    assert_eq!(smsc.peer_in_flight(), 0);
}

#[test]
fn a_query_comes_back_with_its_answer() {
    let mut pair = bound(InterfaceVersion::V3_4, BindMode::Transmitter);
    let query = QuerySm { message_id: b"00ab", ..QuerySm::default() };
    pair.esme.send_request(0, 5, Pdu::QuerySm(query)).unwrap();
    let [Seen::Request(number, CommandId::QUERY_SM)] = pair.deliver_to_smsc()[..] else { panic!() };
    assert_eq!((pair.esme.in_flight(), pair.smsc.peer_in_flight()), (1, 1));
    let state = QuerySmResponse { message_id: b"00ab", message_state: 2, ..QuerySmResponse::default() };
    pair.smsc.answer(number, Pdu::QuerySmResp(Some(state)), CommandStatus::ROK);
    assert_eq!(pair.deliver_to_esme(), [Seen::Response(5, CommandStatus::ROK, CommandId::QUERY_SM_RESP)]);
    // A refusal has no body.
    pair.esme.send_request(0, 6, Pdu::QuerySm(query)).unwrap();
    let [Seen::Request(number, id)] = pair.deliver_to_smsc()[..] else { panic!() };
    pair.smsc.refuse(number, id, CommandStatus::RQUERYFAIL);
    assert_eq!(pair.smsc.output().len(), 16);
    assert_eq!(
        pair.deliver_to_esme(),
        [Seen::Response(6, CommandStatus::RQUERYFAIL, CommandId::QUERY_SM_RESP)]
    );
    assert_eq!((pair.esme.in_flight(), pair.smsc.peer_in_flight()), (0, 0));
}

#[test]
fn a_request_without_an_answer_is_reported_like_a_message() {
    let mut pair = bound(InterfaceVersion::V3_4, BindMode::Transceiver);
    pair.esme.send_request(0, 9, Pdu::CancelSm(CancelSm::default())).unwrap();
    assert_eq!(pair.esme.handle_timeout(30_000).map(seen), Some(Seen::Unanswered(9)));
}

#[test]
fn data_sm_goes_both_ways_and_shares_the_window() {
    let mut pair = bound(InterfaceVersion::V5_0, BindMode::Transceiver);
    let mut payload = Vec::new();
    crate::tlv::append(&mut payload, Tag::MESSAGE_PAYLOAD, b"hi");
    let destination = Address { ton: 1, npi: 1, digits: b"4917" };
    let data = Pdu::DataSm(DataSm { destination, tlvs: Tlvs::parse(&payload).unwrap(), ..DataSm::default() });
    pair.smsc.send_request(0, 1, data).unwrap();
    let [Seen::Request(number, CommandId::DATA_SM)] = pair.deliver_to_esme()[..] else { panic!() };
    let response = Pdu::DataSmResp(MessageResponse::default());
    pair.esme.answer(number, response, CommandStatus::ROK);
    assert_eq!(pair.deliver_to_smsc(), [Seen::Response(1, CommandStatus::ROK, CommandId::DATA_SM_RESP)]);
    pair.esme.set_window_max(1);
    pair.esme.send_request(0, 2, data).unwrap();
    assert_eq!(pair.esme.send_request(0, 3, data), Err(SendError::WindowFull));
    assert_eq!(pair.esme.send(0, 4, &body(b"hi"), &[]), Err(SendError::WindowFull));
}

#[test]
fn what_the_state_does_not_allow_is_not_sent() {
    let mut pair = bound(InterfaceVersion::V3_4, BindMode::Transmitter);
    let alert = Pdu::AlertNotification(AlertNotification::default());
    assert_eq!(pair.smsc.send_request(0, 1, alert), Err(SendError::NotBound));
    let broadcast = Pdu::CancelBroadcastSm(crate::pdu::CancelBroadcastSm::default());
    assert_eq!(pair.esme.send_request(0, 1, broadcast), Err(SendError::NotBound));
    assert!(pair.smsc.output().is_empty() && pair.esme.output().is_empty());
}

#[test]
fn an_alert_is_told_and_not_answered() {
    let mut pair = bound(InterfaceVersion::V3_4, BindMode::Receiver);
    pair.smsc.send_request(0, 1, Pdu::AlertNotification(AlertNotification::default())).unwrap();
    assert_eq!(pair.smsc.in_flight(), 0);
    let [Seen::Request(_, CommandId::ALERT_NOTIFICATION)] = pair.deliver_to_esme()[..] else { panic!() };
    assert_eq!(pair.esme.peer_in_flight(), 0);
    assert!(pair.esme.output().is_empty());
}

#[test]
fn an_outbind_leads_to_a_bind() {
    let mut pair = pair(InterfaceVersion::V3_4);
    pair.smsc.outbind(Outbind { system_id: b"brivas", password: b"secret", trailing: b"" });
    assert_eq!(pair.smsc.state(), State::Outbound);
    let [Seen::Request(_, CommandId::OUTBIND)] = pair.deliver_to_esme()[..] else { panic!() };
    assert_eq!(pair.esme.state(), State::Outbound);
    pair.esme.bind(0, BindMode::Receiver, BIND);
    let [Seen::Bind(number)] = pair.deliver_to_smsc()[..] else { panic!() };
    pair.smsc.accept_bind(number, b"brivas", 10);
    assert_eq!(pair.deliver_to_esme(), [Seen::BindAnswered(CommandStatus::ROK)]);
    assert!(pair.esme.is_bound() && pair.smsc.is_bound());
}

#[test]
fn no_bind_after_an_outbind_ends_the_session() {
    let mut pair = pair(InterfaceVersion::V3_4);
    pair.smsc.outbind(Outbind { system_id: b"brivas", password: b"", trailing: b"" });
    assert_eq!(pair.smsc.next_timeout_ms(), Some(10_000));
    pair.smsc.handle_timeout(10_000);
    assert_eq!(pair.smsc.close_reason(), Some(CloseReason::BindTimeout));
}

#[test]
fn a_status_of_5_0_becomes_one_that_the_peer_knows() {
    for (version, expected) in [(InterfaceVersion::V3_4, 0x45), (InterfaceVersion::V5_0, 0x101)] {
        let mut pair = bound(version, BindMode::Transceiver);
        pair.esme.send(0, 1, &body(b"hi"), &[]).unwrap();
        let [Seen::Message(number, _)] = pair.deliver_to_smsc()[..] else { panic!() };
        pair.smsc.respond(number, CommandStatus::RPROHIBITED, b"");
        assert_eq!(pair.deliver_to_esme(), [Seen::Answered(1, CommandStatus(expected), vec![])]);
    }
}

#[test]
fn what_a_3_3_peer_sends_behind_its_fields_is_no_tlv() {
    let mut pair = bound(InterfaceVersion::V3_3, BindMode::Transmitter);
    let mut bytes = Vec::new();
    frame::append(&mut bytes, CommandId::SUBMIT_SM, 0, 9, |out| {
        out.extend_from_slice(&body(b"hi"));
        out.push(0);
    });
    let mut consumed = 0;
    let Some(Event::Message { message, .. }) = pair.smsc.receive(0, &bytes, &mut consumed) else { panic!() };
    assert!(message.tlvs.is_empty());
}

#[test]
fn priority_4_is_of_5_0() {
    let urgent = |version| {
        let mut pair = bound(version, BindMode::Transceiver);
        let destination = Address { ton: 1, npi: 1, digits: b"4917" };
        let mut body = Vec::new();
        ShortMessage { destination, priority_flag: 4, ..ShortMessage::default() }.encode(&mut body);
        pair.esme.send(0, 1, &body, &[]).unwrap();
        pair.deliver_to_smsc();
        pair.deliver_to_esme()
    };
    assert_eq!(urgent(InterfaceVersion::V3_4), [Seen::Answered(1, CommandStatus::RINVPRTFLG, vec![])]);
    assert_eq!(urgent(InterfaceVersion::V5_0), []);
}
