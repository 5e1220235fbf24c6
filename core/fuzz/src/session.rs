//! Any operations on two sessions that talk to each other, and any octets between them, held against a model of what each
//! side has sent and has to answer.
//!
//! Octets: the versions and operations of both, then one operation after the other with its arguments.

use std::collections::{BTreeSet, VecDeque};

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::{
    Address, AlertNotification, BindRequest, CancelSm, MessageResponse, Outbind, QuerySm, QuerySmResponse,
    ReplaceSm,
};
use brivas_smpp::session::{Operations, State};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, Event, InterfaceVersion, Pdu, Role, Session, SessionConfig,
    ShortMessage,
};

pub fn check(octets: &[u8]) {
    let mut input = Input(octets);
    let mut pair = Pair::new(&mut input);
    // Each operation costs: a bound keeps one run short.
    for _ in 0..400 {
        if input.0.is_empty() {
            break;
        }
        pair.act(&mut input);
        pair.sides.iter_mut().for_each(Side::hold_against_model);
    }
    pair.sides.iter_mut().for_each(Side::end);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> u8 {
        let Some((&octet, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        octet
    }

    fn octets(&mut self, count: usize) -> &'a [u8] {
        let (octets, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        octets
    }

    fn version(&mut self) -> InterfaceVersion {
        match self.octet() {
            octet @ 0..=2 => {
                [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0][usize::from(octet)]
            }
            other => InterfaceVersion(other),
        }
    }

    fn mode(&mut self) -> BindMode {
        [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver][usize::from(self.octet() % 3)]
    }
}

/// A session, and what it must be thinking.
struct Side {
    session: Session,
    /// Octets at the front of the output whose PDU was written in part.
    begun: usize,
    /// Octets that were read from the wire and not taken yet.
    unread: Vec<u8>,
    /// Of what it sent and was not answered.
    tokens: BTreeSet<u64>,
    next_token: u64,
    /// Of what it got and did not answer: (sequence number, command).
    unanswered: VecDeque<(u32, CommandId)>,
    bind: Option<u32>,
    was_closed: bool,
}

struct Pair {
    sides: [Side; 2],
    now_ms: u64,
}

const ESME: usize = 0;
const SMSC: usize = 1;

impl Pair {
    fn new(input: &mut Input<'_>) -> Self {
        let mut side = |role| {
            let config = SessionConfig {
                window_max: 4,
                peer_window_max: 6,
                interface_version: input.version(),
                operations: if input.octet().is_multiple_of(2) { Operations::ALL } else { Operations::NONE },
                pdu_bytes_max: 2_000,
                enquire_link_ms: 100,
                response_timeout_ms: 70,
                bind_timeout_ms: 50,
                pdu_timeout_ms: 30,
                ..SessionConfig::new(role)
            };
            Side {
                session: Session::new(config, 0),
                begun: 0,
                unread: Vec::new(),
                tokens: BTreeSet::new(),
                next_token: 1,
                unanswered: VecDeque::new(),
                bind: None,
                was_closed: false,
            }
        };
        Self { sides: [side(Role::Esme), side(Role::Smsc)], now_ms: 0 }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        let now_ms = self.now_ms;
        let (operation, which) = (input.octet(), usize::from(input.octet() % 2));
        match operation % 16 {
            0 => {
                let (mode, version) = (input.mode(), input.version());
                self.sides[ESME].session.bind(now_ms, mode, bind(version));
            }
            1 => self.sides[SMSC].decide_bind(input),
            2 | 3 => self.sides[which].send(now_ms, input),
            4 | 5 => self.carry(which, usize::MAX),
            6 => self.carry(which, usize::from(input.octet())),
            7 | 8 => self.sides[which].respond(input),
            9 => {
                self.now_ms += u64::from(input.octet());
                let now_ms = self.now_ms;
                self.sides.iter_mut().for_each(|side| side.wait(now_ms));
            }
            10 => self.sides[which].session.unbind(now_ms),
            11 => self.sides[which].send_request(now_ms, input),
            12 => {
                let count = usize::from(input.octet());
                let octets = input.octets(count);
                self.sides[which].read(now_ms, octets);
            }
            13 => {
                let id = CommandId::ALL.get(usize::from(input.octet())).copied().unwrap_or(CommandId(0x99));
                let (status, number) = (input.octet(), input.octet());
                let count = usize::from(input.octet());
                let body = input.octets(count);
                let mut octets = Vec::new();
                frame::append(&mut octets, id, status.into(), number.into(), |out| {
                    out.extend_from_slice(body)
                });
                self.sides[which].read(now_ms, &octets);
            }
            14 => self.sides[which].session.set_window_max(usize::from(input.octet() % 8)),
            _ => {
                self.sides[SMSC].session.outbind(Outbind { system_id: b"smsc", password: b"", trailing: b"" })
            }
        }
    }

    /// Carries octets of one side's output to the other; a PDU may go in pieces.
    fn carry(&mut self, from: usize, count: usize) {
        let side = &mut self.sides[from];
        let borders = side.check_output();
        let output = side.session.output();
        let octets = output[..count.min(output.len())].to_vec();
        side.session.written(octets.len());
        side.begun =
            borders.into_iter().find(|&border| border >= octets.len()).unwrap_or(octets.len()) - octets.len();
        self.sides[1 - from].read(self.now_ms, &octets);
    }
}

impl Side {
    fn decide_bind(&mut self, input: &mut Input<'_>) {
        let Some(number) = self.bind.take() else { return };
        match input.octet() {
            0 => self.session.refuse_bind(number, b"smsc", CommandStatus::RINVPASWD),
            window_max => self.session.accept_bind(number, b"smsc", usize::from(window_max % 8)),
        }
    }

    fn send(&mut self, now_ms: u64, input: &mut Input<'_>) {
        let destination = Address { ton: 1, npi: 1, digits: b"4917" };
        let count = usize::from(input.octet() % 32);
        let message =
            ShortMessage { destination, short_message: input.octets(count), ..ShortMessage::default() };
        let mut body = Vec::new();
        message.encode(&mut body);
        let room = self.session.room();
        let token = self.next_token;
        if self.session.send(now_ms, token, &body, &[0x02, 0x04, 0, 2, 0, 1]).is_ok() {
            assert!(room > 0, "sent beyond the window");
            self.sent(token);
        }
    }

    fn send_request(&mut self, now_ms: u64, input: &mut Input<'_>) {
        let pdu = match input.octet() % 6 {
            0 => Pdu::QuerySm(QuerySm { message_id: b"1", ..QuerySm::default() }),
            1 => Pdu::CancelSm(CancelSm::default()),
            2 => Pdu::ReplaceSm(ReplaceSm { message_id: b"1", ..ReplaceSm::default() }),
            3 => Pdu::AlertNotification(AlertNotification::default()),
            4 => Pdu::CancelBroadcastSm(Default::default()),
            _ => Pdu::EnquireLink(Tlvs::EMPTY),
        };
        let (room, token) = (self.session.room(), self.next_token);
        if self.session.send_request(now_ms, token, pdu).is_ok() {
            assert!(room > 0, "sent beyond the window");
            if pdu.command_id().has_response() {
                self.sent(token);
            }
        }
    }

    fn sent(&mut self, token: u64) {
        self.next_token += 1;
        assert!(self.tokens.insert(token));
    }

    fn respond(&mut self, input: &mut Input<'_>) {
        let Some((number, id)) = self.unanswered.pop_front() else { return };
        let status = CommandStatus(u32::from(input.octet()));
        match id {
            CommandId::SUBMIT_SM | CommandId::DELIVER_SM => self.session.respond(number, status, b"id"),
            CommandId::QUERY_SM => {
                let state = QuerySmResponse { message_id: b"1", ..QuerySmResponse::default() };
                self.session.answer(number, Pdu::QuerySmResp(Some(state)), status);
            }
            CommandId::DATA_SM => {
                self.session.answer(number, Pdu::DataSmResp(MessageResponse::new(b"id")), status)
            }
            other => self.session.refuse(number, other, status),
        }
    }

    fn read(&mut self, now_ms: u64, octets: &[u8]) {
        // A deaf owner reads no more: what is unread is bounded as a socket's buffer is.
        if self.unread.len() < 8_000 {
            self.unread.extend_from_slice(octets);
        }
        let unread = std::mem::take(&mut self.unread);
        let mut consumed = 0;
        loop {
            let before = consumed;
            let Some(event) = self.session.receive(now_ms, &unread, &mut consumed) else { break };
            assert!(consumed > before && consumed <= unread.len());
            match event {
                Event::Bind { sequence_number, .. } => self.bind = Some(sequence_number),
                Event::BindAnswered(_) => {}
                Event::Message { sequence_number, message } => {
                    let id = match self.session.config().role {
                        Role::Smsc => CommandId::SUBMIT_SM,
                        Role::Esme => CommandId::DELIVER_SM,
                    };
                    assert!(message.short_message.len() <= 255);
                    self.unanswered.push_back((sequence_number, id));
                }
                Event::Request { sequence_number, pdu } => {
                    if pdu.command_id().has_response() {
                        self.unanswered.push_back((sequence_number, pdu.command_id()));
                    }
                }
                // None is remembered, so none comes late.
                Event::AnsweredLate { .. } => panic!("{event:?}"),
                Event::Answered { token, .. }
                | Event::Response { token, .. }
                | Event::Unanswered { token } => {
                    assert!(self.tokens.remove(&token), "token {token} was not waiting");
                }
            }
        }
        self.unread = unread[consumed..].to_vec();
    }

    fn wait(&mut self, now_ms: u64) {
        while let Some(event) = self.session.handle_timeout(now_ms) {
            let Event::Unanswered { token } = event else { panic!("{event:?} by time") };
            assert!(self.tokens.remove(&token), "token {token} was not waiting");
        }
        let next_ms = self.session.next_timeout_ms();
        assert!(
            next_ms.is_none_or(|next_ms| next_ms > now_ms),
            "what is due at {next_ms:?} was not done at {now_ms}"
        );
    }

    fn hold_against_model(&mut self) {
        let session = &self.session;
        assert_eq!(session.in_flight(), self.tokens.len());
        assert_eq!(session.peer_in_flight(), self.unanswered.len());
        assert!(session.room() == 0 || session.is_bound());
        let is_closed = session.state() == State::Closed;
        assert_eq!(is_closed, session.close_reason().is_some());
        assert!(is_closed || !self.was_closed, "a closed session went on");
        self.was_closed = is_closed;
        if self.session.config().role == Role::Esme {
            assert!(self.bind.is_none());
        }
    }

    /// What it wrote are whole PDUs that anybody can read: gives where they end.
    fn check_output(&self) -> Vec<usize> {
        let output = self.session.output();
        let mut borders = vec![self.begun];
        let mut start = self.begun;
        while start < output.len() {
            let Check::Complete(frame) = frame::check(&output[start..], frame::PDU_BYTES_MAX) else {
                panic!("no PDU at {start} of {output:02x?}")
            };
            let read = Pdu::decode(frame);
            assert!(read.is_ok(), "{read:?}");
            let header = frame.header;
            let is_refusal = header.command_id.is_response() && header.command_status != 0;
            let may = [CommandId::BIND_TRANSCEIVER.response(), CommandId::DELIVER_SM.response()];
            let is_bare = frame.body.is_empty() || may.contains(&header.command_id);
            assert!(!is_refusal || is_bare, "an error response has a body");
            start += header.command_length as usize;
            borders.push(start);
        }
        borders
    }

    /// Each token that was not reported is given back, once.
    fn end(&mut self) {
        while let Some(token) = self.session.take_unanswered() {
            assert!(self.tokens.remove(&token), "token {token} was not waiting");
        }
        assert!(self.tokens.is_empty(), "lost: {:?}", self.tokens);
        assert_eq!(self.session.in_flight(), 0);
    }
}

fn bind(interface_version: InterfaceVersion) -> BindRequest<'static> {
    BindRequest {
        system_id: b"sample",
        password: b"secret",
        system_type: b"",
        interface_version,
        ton: 0,
        npi: 0,
        address_range: b"",
        trailing: b"",
    }
}
