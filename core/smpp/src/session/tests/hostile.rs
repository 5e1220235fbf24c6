//! Peers that break the rules, at the session: what is answered, and what is never kept.

use super::*;

#[test]
fn a_second_unbind_is_refused_and_the_first_one_is_answered() {
    let mut pair = Pair::bound(BindMode::Transceiver, 3);
    pair.esme.send(0, 1, &body(b"hi"), &[]).unwrap();
    let [Seen::Message(number, _)] = pair.deliver_to_smsc()[..] else { panic!() };
    let mut unbinds = Vec::new();
    for sequence_number in [70, 71] {
        frame::append(&mut unbinds, CommandId::UNBIND, 0, sequence_number, |_| {});
    }
    assert_eq!(feed(&mut pair.smsc, 0, &unbinds), (vec![], 32));
    pair.smsc.respond(number, CommandStatus::ROK, b"id");
    let mut answers = Vec::new();
    let mut rest = pair.smsc.output();
    while let Check::Complete(answer) = frame::check(rest, 1_000) {
        let header = answer.header;
        answers.push((header.command_id, header.sequence_number, CommandStatus(header.command_status)));
        rest = &rest[header.command_length as usize..];
    }
    let expected = [
        (CommandId::UNBIND_RESP, 71, CommandStatus::RINVBNDSTS),
        (CommandId::SUBMIT_SM_RESP, number, CommandStatus::ROK),
        (CommandId::UNBIND_RESP, 70, CommandStatus::ROK),
    ];
    assert_eq!(answers, expected);
    assert_eq!(pair.smsc.close_reason(), Some(CloseReason::Unbound));
}

#[test]
fn before_the_bind_a_long_pdu_is_refused_by_its_length_alone() {
    let length = UNBOUND_PDU_BYTES_MAX as u32 + 1;
    let mut octets = Vec::new();
    for word in [length, CommandId::SUBMIT_SM.0, 0, 9] {
        octets.extend_from_slice(&word.to_be_bytes());
    }
    let mut open = Pair::open();
    assert_eq!(feed(&mut open.smsc, 0, &octets), (vec![], 16));
    assert_eq!(open.smsc.close_reason(), Some(CloseReason::BadLength(length)));
    // Once bound it is waited for; and what a message centre says before it has bound us may be as long as ever.
    let mut bound = Pair::bound(BindMode::Transceiver, 3);
    assert_eq!(feed(&mut bound.smsc, 0, &octets), (vec![], 0));
    assert_eq!(feed(&mut Pair::open().esme, 0, &octets), (vec![], 0));
    // Unless it is the one that has connected.
    let operations = Operations::NONE.with(CommandId::OUTBIND);
    let mut called = Session::new(SessionConfig { operations, ..SessionConfig::new(Role::Esme) }, 0);
    assert_eq!(feed(&mut called, 0, &octets), (vec![], 16));
    assert_eq!(called.close_reason(), Some(CloseReason::BadLength(length)));
}

#[test]
fn what_stands_behind_an_undecided_bind_is_measured_as_of_a_bind() {
    let mut pair = Pair::open();
    pair.esme.bind(0, BindMode::Transceiver, BIND);
    let mut octets = pair.esme.output().to_vec();
    frame::append(&mut octets, CommandId::SUBMIT_SM, 0, 2, |out| {
        out.extend_from_slice(&body(b""));
        crate::tlv::append(out, crate::tlv::Tag::MESSAGE_PAYLOAD, &[b'x'; 60_000]);
    });
    let (events, consumed) = feed(&mut pair.smsc, 0, &octets);
    assert_eq!(events, [Seen::Bind(1)]);
    pair.smsc.accept_bind(1, b"brivas", 3);
    let (events, _) = feed(&mut pair.smsc, 0, &octets[consumed..]);
    assert!(matches!(events[..], [Seen::Message(2, _)]));
}
