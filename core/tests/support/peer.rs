//! Scripted peers: customers and carriers that say and hear exactly what a test tells them to.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use brivas_smpp::pdu::{Address, BindRequest};
use brivas_smpp::receipt::NewReceipt;
use brivas_smpp::session::{Operations, State};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, EsmClass, Event, InterfaceVersion, MessageState, Pdu,
    RegisteredDelivery, Role, Session, SessionConfig, ShortMessage,
};

use super::{Authority, PASSWORD, PATIENCE, Pair, Wire};

/// What a peer heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    BindAnswered(CommandStatus),
    Message {
        sequence_number: u32,
        to: String,
        from: String,
        text: Vec<u8>,
        is_receipt: bool,
        /// The whole body.
        body: Vec<u8>,
        /// The TLV area as it came.
        tlvs: Vec<u8>,
    },
    Answered {
        token: u64,
        status: CommandStatus,
        id: String,
    },
    /// Another request was answered: its response's body, as `ask` gives it.
    Responded {
        status: CommandStatus,
        body: Vec<u8>,
    },
    /// data_sm.
    Data {
        sequence_number: u32,
        is_receipt: bool,
        payload: Vec<u8>,
        tlvs: Vec<u8>,
    },
    /// alert_notification.
    Alerted {
        source: String,
        esme: String,
        tlvs: Vec<u8>,
    },
    /// The connection has ended.
    Closed,
}

/// One end of a connection to the engine.
pub struct Peer {
    wire: Wire,
    pub session: Session,
    input: Vec<u8>,
    heard: VecDeque<Said>,
    began: Instant,
}

impl Peer {
    fn new(stream: TcpStream, role: Role) -> Self {
        Self::over(Wire::Plain(stream), role)
    }

    /// A peer on a connection of any kind, not bound.
    pub fn over(wire: Wire, role: Role) -> Self {
        wire.socket().set_nodelay(true).unwrap();
        let config = SessionConfig {
            window_max: 100_000,
            peer_window_max: 100_000,
            operations: Operations::NONE.with(CommandId::ALERT_NOTIFICATION).with(CommandId::DATA_SM),
            ..SessionConfig::new(role)
        };
        Self {
            wire,
            session: Session::new(config, 0),
            input: Vec::new(),
            heard: VecDeque::new(),
            began: Instant::now(),
        }
    }

    /// A customer that is bound; the account's name is its system_id.
    pub fn customer(engine: SocketAddr, account: &str, mode: BindMode) -> Self {
        let (peer, status) = Self::try_customer(engine, account, PASSWORD, mode);
        assert_eq!(status, CommandStatus::ROK);
        peer
    }

    /// A customer, and how its bind was answered.
    pub fn try_customer(
        engine: SocketAddr,
        account: &str,
        password: &str,
        mode: BindMode,
    ) -> (Self, CommandStatus) {
        Self::try_customer_of(engine, account, password, mode, InterfaceVersion::V3_4)
    }

    /// A customer of this version that is bound.
    pub fn customer_of(engine: SocketAddr, account: &str, mode: BindMode, version: InterfaceVersion) -> Self {
        let (peer, status) = Self::try_customer_of(engine, account, PASSWORD, mode, version);
        assert_eq!(status, CommandStatus::ROK);
        peer
    }

    pub fn try_customer_of(
        engine: SocketAddr,
        account: &str,
        password: &str,
        mode: BindMode,
        interface_version: InterfaceVersion,
    ) -> (Self, CommandStatus) {
        let mut peer = Self::new(TcpStream::connect(engine).unwrap(), Role::Esme);
        match peer.bind_as(account, password, mode, interface_version) {
            Said::BindAnswered(status) => (peer, status),
            other => panic!("{other:?}"),
        }
    }

    /// Asks to bind; what the engine says to that.
    #[track_caller]
    pub fn bind(&mut self, system_id: &str, password: &str, mode: BindMode) -> Said {
        self.bind_as(system_id, password, mode, InterfaceVersion::V3_4)
    }

    #[track_caller]
    fn bind_as(
        &mut self,
        system_id: &str,
        password: &str,
        mode: BindMode,
        interface_version: InterfaceVersion,
    ) -> Said {
        let request = BindRequest {
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            system_type: b"",
            interface_version,
            ton: 0,
            npi: 0,
            address_range: b"",
            trailing: b"",
        };
        let now_ms = self.now_ms();
        self.session.bind(now_ms, mode, request);
        self.hear()
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    /// Writes what the session has to say.
    pub fn flush(&mut self) {
        // A peer that has gone is noticed by the next read.
        let _ = self.wire.write_all(self.session.output());
        let count = self.session.output().len();
        self.session.written(count);
        let _ = self.wire.flush();
    }

    /// As the engine sees it.
    pub fn local_addr(&self) -> SocketAddr {
        self.wire.socket().local_addr().unwrap()
    }

    /// Its socket, for what no session would do.
    pub fn into_stream(self) -> TcpStream {
        match self.wire {
            Wire::Plain(socket) => socket,
            _ => panic!("TLS"),
        }
    }

    /// Octets as they are, past the session.
    pub fn write_raw(&mut self, octets: &[u8]) {
        self.wire.write_all(octets).unwrap();
    }

    /// The next octets that the engine sends, past the session.
    pub fn read_raw(&mut self, count: usize) -> Vec<u8> {
        self.wire.socket().set_read_timeout(Some(PATIENCE)).unwrap();
        let mut octets = vec![0; count];
        self.wire.read_exact(&mut octets).unwrap();
        octets
    }

    /// The next thing that the engine says.
    #[track_caller]
    pub fn hear(&mut self) -> Said {
        self.hear_within(PATIENCE).expect("the engine says something in time")
    }

    /// The same; None if it says nothing for so long.
    pub fn hear_within(&mut self, patience: std::time::Duration) -> Option<Said> {
        let deadline = Instant::now() + patience;
        loop {
            self.take();
            self.flush();
            if let Some(said) = self.heard.pop_front() {
                return Some(said);
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            if self.session.state() == State::Closed || !self.read(left) {
                return Some(Said::Closed);
            }
        }
    }

    /// Reads once; false: the connection has ended.
    fn read(&mut self, patience: std::time::Duration) -> bool {
        let mut buffer = [0; 1 << 16];
        self.wire.socket().set_read_timeout(Some(patience)).unwrap();
        match self.wire.read(&mut buffer) {
            Ok(count) => {
                self.input.extend_from_slice(&buffer[..count]);
                count > 0
            }
            Err(error) => {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
            }
        }
    }

    fn has_gone(&self) -> bool {
        self.wire.socket().set_nonblocking(true).unwrap();
        let has_gone = match self.wire.socket().peek(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.wire.socket().set_nonblocking(false).unwrap();
        has_gone
    }

    /// Hears until there is a message.
    #[track_caller]
    pub fn hear_message(&mut self) -> (u32, String) {
        loop {
            match self.hear() {
                Said::Message { sequence_number, to, .. } => return (sequence_number, to),
                Said::Closed => panic!("closed"),
                _ => {}
            }
        }
    }

    fn take(&mut self) {
        let now_ms = self.now_ms();
        let input = std::mem::take(&mut self.input);
        let mut consumed = 0;
        while let Some(event) = self.session.receive(now_ms, &input, &mut consumed) {
            let said = match event {
                Event::Bind { sequence_number, .. } => {
                    self.session.accept_bind(sequence_number, b"smsc", 100_000);
                    continue;
                }
                Event::BindAnswered(status) => Said::BindAnswered(status),
                Event::Message { sequence_number, message } => Said::Message {
                    sequence_number,
                    to: String::from_utf8_lossy(message.destination.digits).into_owned(),
                    from: String::from_utf8_lossy(message.source.digits).into_owned(),
                    text: message.text().to_vec(),
                    is_receipt: message.esm_class.is_receipt(),
                    body: {
                        let mut body = Vec::new();
                        message.encode(&mut body);
                        body
                    },
                    tlvs: message.tlvs.octets().to_vec(),
                },
                Event::Answered { token, status, message_id, .. } => {
                    Said::Answered { token, status, id: String::from_utf8_lossy(message_id).into_owned() }
                }
                Event::Response { status, pdu, .. } => {
                    let mut body = Vec::new();
                    pdu.encode_body(&mut body);
                    Said::Responded { status, body }
                }
                Event::Request { pdu: Pdu::AlertNotification(alert), .. } => Said::Alerted {
                    source: String::from_utf8_lossy(alert.source.digits).into_owned(),
                    esme: String::from_utf8_lossy(alert.esme.digits).into_owned(),
                    tlvs: alert.tlvs.octets().to_vec(),
                },
                Event::Request { sequence_number, pdu: Pdu::DataSm(data) } => Said::Data {
                    sequence_number,
                    is_receipt: data.esm_class.is_receipt(),
                    payload: data.text().to_vec(),
                    tlvs: data.tlvs.octets().to_vec(),
                },
                Event::AnsweredLate { .. } | Event::Unanswered { .. } | Event::Request { .. } => continue,
            };
            self.heard.push_back(said);
        }
        self.input = input[consumed..].to_vec();
    }

    /// Queues a message that asks for a receipt; `flush` or `hear` sends it.
    pub fn say_to(&mut self, to: &str, token: u64) {
        let registered_delivery = RegisteredDelivery::ALWAYS;
        self.say(token, &ShortMessage { registered_delivery, ..message(to, b"hello") });
    }

    pub fn say(&mut self, token: u64, message: &ShortMessage<'_>) {
        let mut mandatory = Vec::new();
        message.encode_mandatory(&mut mandatory);
        let now_ms = self.now_ms();
        self.session.send(now_ms, token, &mandatory, message.tlvs.octets()).unwrap();
    }

    /// Sends one message and hears its id; anything else it hears fails the test.
    #[track_caller]
    pub fn submit(&mut self, to: &str) -> String {
        self.say_to(to, 1);
        match self.hear() {
            Said::Answered { status: CommandStatus::ROK, id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    /// Sends one message, whatever it says, and hears how it is answered.
    #[track_caller]
    pub fn submit_as(&mut self, message: &ShortMessage<'_>) -> (CommandStatus, String) {
        self.say(1, message);
        loop {
            match self.hear() {
                Said::Answered { status, id, .. } => return (status, id),
                Said::Closed => panic!("closed"),
                _ => {}
            }
        }
    }

    /// Sends another request, and hears its status and its response's body.
    #[track_caller]
    pub fn ask(&mut self, request: Pdu<'_>) -> (CommandStatus, Vec<u8>) {
        let now_ms = self.now_ms();
        self.session.send_request(now_ms, 1, request).unwrap();
        loop {
            match self.hear() {
                Said::Responded { status, body } => return (status, body),
                Said::Closed => panic!("closed"),
                _ => {}
            }
        }
    }

    /// Hears the next receipt, takes it, and gives its id and state.
    #[track_caller]
    pub fn hear_receipt(&mut self) -> (String, MessageState, String) {
        loop {
            match self.hear() {
                Said::Message { sequence_number, from, text, is_receipt: true, .. } => {
                    self.answer(sequence_number, CommandStatus::ROK, "");
                    let short = ShortMessage { esm_class: EsmClass::RECEIPT, ..message("", &text) };
                    let receipt = brivas_smpp::receipt::Receipt::read(&short).unwrap();
                    let id = String::from_utf8_lossy(receipt.message_id).into_owned();
                    return (id, receipt.state, from);
                }
                Said::Closed => panic!("closed"),
                _ => {}
            }
        }
    }

    /// Answers a message.
    pub fn answer(&mut self, sequence_number: u32, status: CommandStatus, id: &str) {
        self.session.respond(sequence_number, status, id.as_bytes());
        self.flush();
    }

    /// Carrier: sends the receipt of a message.
    pub fn say_receipt(&mut self, id: &str, state: MessageState) {
        self.say_receipt_done(id, state, super::now_ms());
    }

    pub fn say_receipt_done(&mut self, id: &str, state: MessageState, done_at_ms: i64) {
        let receipt = NewReceipt {
            message_id: id.as_bytes(),
            state,
            error: b"000",
            submitted_at_ms: done_at_ms,
            done_at_ms,
            text: b"",
        };
        let mut text = Vec::new();
        receipt.append_text(&mut text);
        let short = ShortMessage { esm_class: EsmClass::RECEIPT, ..message("40404", &text) };
        self.say(u64::MAX - 1, &short);
        self.flush();
    }

    pub fn unbind(&mut self) {
        let now_ms = self.now_ms();
        self.session.unbind(now_ms);
        self.flush();
    }
}

/// A message to a number.
pub fn message<'a>(to: &'a str, text: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        source: Address { ton: 3, npi: 0, digits: b"40404" },
        destination: Address { ton: 1, npi: 1, digits: to.as_bytes() },
        short_message: text,
        tlvs: Tlvs::default(),
        ..ShortMessage::default()
    }
}

/// A carrier's message centre: takes connections, one at a time, as the test asks.
pub struct Smsc {
    listener: TcpListener,
}

impl Smsc {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Linux: the time that `accept` waits at most as well.
        socket2::SockRef::from(&listener).set_read_timeout(Some(PATIENCE)).unwrap();
        Self { listener }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// The next bind of the engine's, accepted. Those that an engine which has ended left in the queue are passed over.
    pub fn accept(&self) -> Peer {
        loop {
            let mut peer = Peer::new(self.accept_raw(), Role::Smsc);
            while !peer.session.is_bound() && peer.read(PATIENCE) {
                peer.take();
            }
            peer.flush();
            if peer.session.is_bound() && !peer.has_gone() {
                return peer;
            }
        }
    }

    /// The next bind of the engine's by TLS; the end of the connection where there is none.
    pub fn accept_tls(&self, authority: &Authority, pair: &Pair, clients: bool) -> Peer {
        let mut peer = Peer::over(authority.accept(self.accept_raw(), pair, clients), Role::Smsc);
        while !peer.session.is_bound() && peer.read(PATIENCE) {
            peer.take();
        }
        peer.flush();
        peer
    }

    /// The next connection, not answered.
    pub fn accept_raw(&self) -> TcpStream {
        self.listener.accept().unwrap().0
    }
}
