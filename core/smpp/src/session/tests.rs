//! Two sessions talk to each other without a socket or a clock.

mod hostile;
mod operations;

use super::*;
use crate::frame::Check;

/// A session of each role, what is between them, and the time.
struct Pair {
    esme: Session,
    smsc: Session,
    now_ms: u64,
}

/// What a side made of what arrived, without its borrows.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Bind(u32),
    BindAnswered(CommandStatus),
    Message(u32, Vec<u8>),
    Answered(u64, CommandStatus, Vec<u8>),
    Late(u64, CommandStatus, Vec<u8>),
    Unanswered(u64),
    Request(u32, CommandId),
    Response(u64, CommandStatus, CommandId),
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Bind { sequence_number, .. } => Seen::Bind(sequence_number),
        Event::BindAnswered(status) => Seen::BindAnswered(status),
        Event::Message { sequence_number, message } => {
            Seen::Message(sequence_number, message.text().to_vec())
        }
        Event::Answered { token, status, message_id, .. } => {
            Seen::Answered(token, status, message_id.to_vec())
        }
        Event::AnsweredLate { token, status, message_id } => Seen::Late(token, status, message_id.to_vec()),
        Event::Unanswered { token } => Seen::Unanswered(token),
        Event::Request { sequence_number, pdu } => Seen::Request(sequence_number, pdu.command_id()),
        Event::Response { token, status, pdu } => Seen::Response(token, status, pdu.command_id()),
    }
}

fn feed(session: &mut Session, now_ms: u64, bytes: &[u8]) -> (Vec<Seen>, usize) {
    let (mut events, mut consumed) = (Vec::new(), 0);
    while let Some(event) = session.receive(now_ms, bytes, &mut consumed) {
        events.push(seen(event));
    }
    (events, consumed)
}

fn carry(from: &mut Session, to: &mut Session, now_ms: u64) -> Vec<Seen> {
    let bytes = from.output().to_vec();
    from.written(bytes.len());
    let (events, consumed) = feed(to, now_ms, &bytes);
    assert_eq!(consumed, bytes.len());
    events
}

const BIND: BindRequest<'_> = BindRequest {
    system_id: b"sample",
    password: b"secret",
    system_type: b"",
    interface_version: InterfaceVersion::V3_4,
    ton: 0,
    npi: 0,
    address_range: b"",
    trailing: b"",
};

impl Pair {
    fn open() -> Self {
        let esme = Session::new(SessionConfig::new(Role::Esme), 0);
        let smsc = Session::new(SessionConfig::new(Role::Smsc), 0);
        Self { esme, smsc, now_ms: 0 }
    }

    fn bound(mode: BindMode, window_max: usize) -> Self {
        let mut pair = Self::open();
        pair.esme.set_window_max(window_max);
        pair.esme.bind(0, mode, BIND);
        let Some(Seen::Bind(number)) = pair.deliver_to_smsc().pop() else { panic!("no bind") };
        pair.smsc.accept_bind(number, b"brivas", window_max);
        assert_eq!(pair.deliver_to_esme(), [Seen::BindAnswered(CommandStatus::ROK)]);
        pair
    }

    fn deliver_to_smsc(&mut self) -> Vec<Seen> {
        carry(&mut self.esme, &mut self.smsc, self.now_ms)
    }

    fn deliver_to_esme(&mut self) -> Vec<Seen> {
        carry(&mut self.smsc, &mut self.esme, self.now_ms)
    }
}

fn body(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let destination = crate::pdu::Address { ton: 1, npi: 1, digits: b"4917" };
    ShortMessage { destination, short_message: text, ..ShortMessage::default() }.encode(&mut body);
    body
}

#[test]
fn a_message_is_answered_and_its_receipt_too() {
    let mut pair = Pair::bound(BindMode::Transceiver, 10);
    pair.esme.send(0, 7, &body(b"hi"), &[]).unwrap();
    let [Seen::Message(number, text)] = &pair.deliver_to_smsc()[..] else { panic!() };
    assert_eq!((pair.smsc.peer_in_flight(), &text[..]), (1, &b"hi"[..]));
    pair.smsc.respond(*number, CommandStatus::ROK, b"id");
    pair.smsc.send(0, 8, &body(b"receipt"), &[]).unwrap();
    let events = pair.deliver_to_esme();
    assert_eq!(events[0], Seen::Answered(7, CommandStatus::ROK, b"id".to_vec()));
    let Seen::Message(number, _) = events[1] else { panic!() };
    pair.esme.respond(number, CommandStatus::ROK, b"");
    assert_eq!(pair.deliver_to_smsc(), [Seen::Answered(8, CommandStatus::ROK, vec![])]);
    assert_eq!((pair.esme.in_flight(), pair.smsc.in_flight(), pair.smsc.peer_in_flight()), (0, 0, 0));
}

#[test]
fn what_will_be_answered_is_seen_ahead_and_changes_nothing() {
    let mut pair = Pair::bound(BindMode::Transceiver, 10);
    for token in 7..11 {
        pair.esme.send(0, token, &body(b"hi"), &[]).unwrap();
    }
    for event in pair.deliver_to_smsc() {
        let Seen::Message(number, _) = event else { panic!() };
        pair.smsc.respond(number, CommandStatus::ROK, b"id");
        pair.smsc.send(0, 1, &body(b"receipt"), &[]).unwrap();
    }
    let octets = pair.smsc.output().to_vec();
    let ahead = |octets: &[u8], pdus| pair.esme.answered_ahead(octets, pdus).collect::<Vec<_>>();
    assert_eq!(ahead(&octets, 100), [7, 8, 9, 10]);
    // Receipts lie between, and the last PDU is not whole.
    assert_eq!(ahead(&octets, 5), [7, 8, 9]);
    assert_eq!(ahead(&octets[..octets.len() - 1], 100), [7, 8, 9, 10]);
    assert!(ahead(&[0, 0, 0, 3], 100).is_empty() && ahead(&[], 100).is_empty());
    assert_eq!(pair.deliver_to_esme().len(), 8);
    assert!(pair.esme.answered_ahead(&octets, 100).next().is_none(), "all have their answer");
}

#[test]
fn octets_may_come_one_by_one() {
    let mut pair = Pair::bound(BindMode::Transmitter, 10);
    for token in 0..3 {
        pair.esme.send(0, token, &body(b"hi"), &[]).unwrap();
    }
    let bytes = pair.esme.output().to_vec();
    let (mut from, mut messages) = (0, 0);
    for end in 1..=bytes.len() {
        let (events, consumed) = feed(&mut pair.smsc, 0, &bytes[from..end]);
        from += consumed;
        messages += events.len();
    }
    assert_eq!((messages, from), (3, bytes.len()));
}

#[test]
fn what_is_pipelined_behind_a_bind_waits_for_it() {
    let mut pair = Pair::open();
    let mut bytes = Vec::new();
    Pdu::Bind(BindMode::Transceiver, BIND).encode(&mut bytes, CommandStatus::ROK, 1);
    frame::append(&mut bytes, CommandId::SUBMIT_SM, 0, 2, |out| out.extend_from_slice(&body(b"hi")));
    let (events, consumed) = feed(&mut pair.smsc, 0, &bytes);
    assert_eq!(events, [Seen::Bind(1)]);
    assert!(pair.smsc.is_blocked());
    pair.smsc.accept_bind(1, b"brivas", 10);
    let (events, _) = feed(&mut pair.smsc, 0, &bytes[consumed..]);
    assert_eq!(events, [Seen::Message(2, b"hi".to_vec())]);
}

/// What the SMSC answers to one request: (command_id, command_status).
fn answer(session: &mut Session, id: CommandId, body: &[u8]) -> (u32, u32) {
    let mut bytes = Vec::new();
    frame::append(&mut bytes, id, 0, 77, |out| out.extend_from_slice(body));
    feed(session, 0, &bytes);
    let Check::Complete(frame) = frame::check(session.output(), 1_000) else { panic!("no answer") };
    assert_eq!(frame.header.sequence_number, 77);
    let answered = (frame.header.command_id.0, frame.header.command_status);
    session.written(session.output().len());
    answered
}

#[test]
fn submit_before_bind_is_rejected_with_rinvbndsts() {
    let mut smsc = Pair::open().smsc;
    assert_eq!(answer(&mut smsc, CommandId::SUBMIT_SM, &body(b"hi")), (0x8000_0004, 0x04));
    assert_eq!(answer(&mut smsc, CommandId::ENQUIRE_LINK, &[]), (0x8000_0015, 0));
    assert_eq!(smsc.state(), State::Open);
}

#[test]
fn what_a_bind_does_not_allow_is_answered_by_its_own_response() {
    let mut smsc = Pair::bound(BindMode::Receiver, 10).smsc;
    assert_eq!(answer(&mut smsc, CommandId::SUBMIT_SM, &body(b"hi")), (0x8000_0004, 0x04));
    assert_eq!(answer(&mut smsc, CommandId::BIND_TRANSCEIVER, &[]), (0x8000_0009, 0x05));
    assert_eq!(answer(&mut smsc, CommandId::QUERY_SM, &[]), (0x8000_0003, 0x03));
    assert_eq!(answer(&mut smsc, CommandId(0x99), &[]), (0x8000_0000, 0x03));
    assert!(smsc.is_bound());
}

#[test]
fn a_broken_message_is_refused_by_field_and_the_session_stays() {
    let mut smsc = Pair::bound(BindMode::Transceiver, 10).smsc;
    assert_eq!(answer(&mut smsc, CommandId::SUBMIT_SM, b"\0"), (0x8000_0004, 0x02));
    assert_eq!(smsc.peer_in_flight(), 0);
    assert!(smsc.is_bound());
}

#[test]
fn an_impossible_length_is_nacked_and_ends_the_session() {
    let mut smsc = Pair::bound(BindMode::Transceiver, 10).smsc;
    let (events, _) = feed(&mut smsc, 0, &[0, 0, 0, 15, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3]);
    assert_eq!((events, smsc.close_reason()), (vec![], Some(CloseReason::BadLength(15))));
    let Check::Complete(frame) = frame::check(smsc.output(), 1_000) else { panic!("no answer") };
    assert_eq!((frame.header.command_id, frame.header.command_status), (CommandId::GENERIC_NACK, 0x02));
}

#[test]
fn a_window_bounds_what_is_unanswered_on_both_sides() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    for token in 0..3 {
        pair.esme.send(0, token, &body(b"hi"), &[]).unwrap();
    }
    assert_eq!(pair.esme.send(0, 3, &body(b"hi"), &[]), Err(SendError::WindowFull));
    // A peer that sends more all the same is not read further.
    pair.esme.set_window_max(4);
    pair.esme.send(0, 3, &body(b"hi"), &[]).unwrap();
    let bytes = pair.esme.output().to_vec();
    let (events, consumed) = feed(&mut pair.smsc, 0, &bytes);
    assert_eq!(events.len(), 3);
    assert!(consumed < bytes.len() && pair.smsc.is_blocked());
    let Seen::Message(number, _) = events[0] else { panic!() };
    pair.smsc.respond(number, CommandStatus::ROK, b"id");
    assert_eq!(feed(&mut pair.smsc, 0, &bytes[consumed..]).0.len(), 1);
}

#[test]
fn deliveries_that_wait_for_their_answer_do_not_hold_up_the_responses_behind_them() {
    let mut pair = Pair::bound(BindMode::Transceiver, 1_500);
    pair.esme.set_window_max(1);
    pair.esme.send(0, 7, &body(b"hi"), &[]).unwrap();
    let [Seen::Message(number, _)] = pair.deliver_to_smsc()[..] else { panic!() };
    for token in 0..1_500 {
        pair.smsc.send(0, token, &body(b"receipt"), &[]).unwrap();
    }
    pair.smsc.respond(number, CommandStatus::ROK, b"id");
    let events = pair.deliver_to_esme();
    assert_eq!(events.len(), 1_501);
    assert!(matches!(events[1_500], Seen::Answered(7, ..)), "{:?}", events[1_500]);
}

#[test]
fn a_silent_peer_is_asked_and_then_left() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    assert_eq!(pair.esme.next_timeout_ms(), Some(30_000));
    assert_eq!(pair.esme.handle_timeout(29_999), None);
    assert!(pair.esme.output().is_empty());
    assert_eq!(pair.esme.handle_timeout(30_000), None);
    assert_eq!(pair.esme.output().len(), 16);
    pair.esme.handle_timeout(60_000);
    assert_eq!(pair.esme.close_reason(), Some(CloseReason::Silent));
}

#[test]
fn any_pdu_proves_that_the_peer_lives() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    pair.now_ms = 20_000;
    pair.smsc.send(pair.now_ms, 1, &body(b"hi"), &[]).unwrap();
    pair.deliver_to_esme();
    assert_eq!(pair.esme.next_timeout_ms(), Some(50_000));
}

#[test]
fn an_unanswered_message_is_reported_once_and_its_late_answer_is_stray() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    pair.esme.send(5, 42, &body(b"hi"), &[]).unwrap();
    assert_eq!(pair.esme.handle_timeout(30_004), None);
    let unanswered = pair.esme.handle_timeout(30_005).map(seen);
    assert_eq!(unanswered, Some(Seen::Unanswered(42)));
    assert_eq!(pair.esme.in_flight(), 0);
    let [Seen::Message(number, _)] = pair.deliver_to_smsc()[..] else { panic!() };
    pair.smsc.respond(number, CommandStatus::ROK, b"id");
    assert_eq!(pair.deliver_to_esme(), []);
    assert_eq!(pair.esme.counters().stray_responses, 1);
}

#[test]
fn no_bind_in_time_ends_the_session() {
    let mut smsc = Pair::open().smsc;
    assert_eq!(smsc.next_timeout_ms(), Some(10_000));
    smsc.handle_timeout(10_000);
    assert_eq!(smsc.close_reason(), Some(CloseReason::BindTimeout));
}

#[test]
fn half_a_pdu_ends_the_session_in_time() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    feed(&mut pair.smsc, 1_000, &[0, 0, 0, 16, 0]);
    assert_eq!(pair.smsc.next_timeout_ms(), Some(11_000));
    pair.smsc.handle_timeout(11_000);
    assert_eq!(pair.smsc.close_reason(), Some(CloseReason::PduTimeout));
}

#[test]
fn what_came_before_an_unbind_is_answered_before_it() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    pair.esme.send(0, 1, &body(b"hi"), &[]).unwrap();
    pair.esme.unbind(0);
    let [Seen::Message(number, _)] = pair.deliver_to_smsc()[..] else { panic!() };
    assert!(pair.smsc.output().is_empty());
    pair.smsc.respond(number, CommandStatus::ROK, b"id");
    assert_eq!(pair.deliver_to_esme(), [Seen::Answered(1, CommandStatus::ROK, b"id".to_vec())]);
    assert_eq!(pair.esme.close_reason(), Some(CloseReason::Unbound));
    assert_eq!(pair.smsc.close_reason(), Some(CloseReason::Unbound));
}

#[test]
fn a_refused_bind_is_told_and_ends_the_session() {
    let mut pair = Pair::open();
    pair.esme.bind(0, BindMode::Transmitter, BIND);
    pair.deliver_to_smsc();
    pair.smsc.refuse_bind(1, b"smsc", CommandStatus::RINVPASWD);
    assert_eq!(pair.deliver_to_esme(), [Seen::BindAnswered(CommandStatus::RINVPASWD)]);
    assert_eq!(pair.esme.close_reason(), Some(CloseReason::BindRefused(CommandStatus::RINVPASWD)));
}

#[test]
fn a_refused_transceiver_is_told_by_whom_and_others_get_no_body() {
    for (mode, body) in
        [(BindMode::Transceiver, &b"smsc\0"[..]), (BindMode::Transmitter, b""), (BindMode::Receiver, b"")]
    {
        let mut pair = Pair::open();
        pair.esme.bind(0, mode, BIND);
        pair.deliver_to_smsc();
        pair.smsc.refuse_bind(1, b"smsc", CommandStatus::RINVPASWD);
        assert_eq!(&pair.smsc.output()[16..], body);
        assert_eq!(pair.deliver_to_esme(), [Seen::BindAnswered(CommandStatus::RINVPASWD)]);
    }
}

#[test]
fn tlvs_stay_behind_for_peers_below_3_4() {
    let mut pair = Pair::open();
    pair.esme.bind(
        0,
        BindMode::Transceiver,
        BindRequest { interface_version: InterfaceVersion::V3_3, ..BIND },
    );
    pair.deliver_to_smsc();
    pair.smsc.accept_bind(1, b"brivas", 3);
    assert_eq!(pair.smsc.output().len(), 16 + 7);
    pair.deliver_to_esme();
    pair.smsc.send(0, 1, &body(b"hi"), &[0x04, 0x27, 0, 1, 2]).unwrap();
    let length = pair.smsc.output().len();
    assert_eq!(length, 16 + body(b"hi").len());
}

#[test]
fn what_is_unanswered_when_the_connection_goes_is_given_back_oldest_first() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    for token in [5, 3, 9] {
        pair.esme.send(0, token, &body(b"hi"), &[]).unwrap();
    }
    let back: Vec<u64> = std::iter::from_fn(|| pair.esme.take_unanswered()).collect();
    assert_eq!(back, [5, 3, 9]);
}
