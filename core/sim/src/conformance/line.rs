//! One connection to the other side: sends what a check says, right or wrong, and hears what comes, each within its time.
//!
//! While it waits for an answer it is a good peer: it answers enquire_link, takes deliver_sm and keeps them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use brivas_smpp::frame::{self, Check, Frame, HEADER_BYTES, Header, PDU_BYTES_MAX};
use brivas_smpp::pdu::MessageResponse;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{BindMode, CommandId, CommandStatus, Pdu};

/// PDUs of a check that are shown.
const SHOWN_MAX: usize = 24;
/// Octets of a PDU that are shown.
const SHOWN_OCTETS: usize = 96;
/// Messages that are kept.
const DELIVERIES_MAX: usize = 256;

/// A PDU that came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) header: Header,
    pub(super) octets: Vec<u8>,
    pub(super) at: Instant,
}

impl Heard {
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame { header: self.header, body: &self.octets[HEADER_BYTES..] }
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.octets[HEADER_BYTES..]
    }

    pub(super) const fn id(&self) -> CommandId {
        self.header.command_id
    }

    pub(super) const fn status(&self) -> CommandStatus {
        CommandStatus(self.header.command_status)
    }

    pub(super) fn pdu(&self) -> Option<Pdu<'_>> {
        Pdu::decode_leniently(self.frame()).ok()
    }

    /// `submit_sm_resp ESME_ROK`.
    pub(super) fn words(&self) -> String {
        let name = name_of(self.id());
        if self.id().is_response() { format!("{name} {}", self.status()) } else { name }
    }
}

/// Why nothing came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The time is over.
    Nothing(Duration),
    /// The connection ended.
    Closed,
    /// A length that no PDU has: the other side's stream cannot be read further.
    BadLength(u32),
}

impl std::fmt::Display for Silence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing(waited) => write!(formatter, "no answer within {} ms", waited.as_millis()),
            Self::Closed => write!(formatter, "the connection was closed"),
            Self::BadLength(length) => {
                write!(
                    formatter,
                    "a PDU with command_length {length} came: its stream cannot be read further"
                )
            }
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    input: Vec<u8>,
    next_sequence: u32,
    timeout: Duration,
    /// Whether deliver_sm and data_sm are taken with ESME_ROK while waiting.
    pub(super) takes_messages: bool,
    /// Messages that came.
    pub(super) deliveries: Vec<Heard>,
    /// Requests of the other side that were answered or taken, by their command and sequence number.
    pub(super) requests: Vec<(CommandId, u32)>,
    said: Vec<String>,
    left_out: usize,
}

impl Line {
    pub(super) fn connect(address: SocketAddr, timeout: Duration) -> std::io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, timeout)?, timeout)
    }

    pub(super) fn over(stream: TcpStream, timeout: Duration) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self {
            stream,
            input: Vec::new(),
            next_sequence: 1,
            timeout,
            takes_messages: true,
            deliveries: Vec::new(),
            requests: Vec::new(),
            said: Vec::new(),
            left_out: 0,
        })
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The next sequence number.
    pub(super) const fn sequence(&mut self) -> u32 {
        let sequence_number = self.next_sequence;
        self.next_sequence += 1;
        sequence_number
    }

    /// Sends octets as they are.
    pub(super) fn send(&mut self, octets: &[u8]) {
        self.note('>', octets);
        self.write(octets);
    }

    /// Sends octets one at a time, each in a segment of its own where the network lets them.
    pub(super) fn send_singly(&mut self, octets: &[u8]) {
        self.note('>', octets);
        for octet in octets {
            self.write(std::slice::from_ref(octet));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn write(&mut self, octets: &[u8]) {
        // A connection that has ended is told by the next read.
        let _ = self.stream.write_all(octets);
    }

    /// Sends a PDU; its sequence number.
    pub(super) fn say(&mut self, pdu: &Pdu<'_>) -> u32 {
        let sequence_number = self.sequence();
        let octets = octets_of(pdu, CommandStatus::ROK, sequence_number);
        self.send(&octets);
        sequence_number
    }

    /// Sends a body as it is, under a command; its sequence number.
    pub(super) fn say_body(&mut self, id: CommandId, body: &[u8]) -> u32 {
        let sequence_number = self.sequence();
        let octets = raw(id, sequence_number, body);
        self.send(&octets);
        sequence_number
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, pdu: &Pdu<'_>, status: CommandStatus, sequence_number: u32) {
        let octets = octets_of(pdu, status, sequence_number);
        self.send(&octets);
    }

    /// Sends a request and waits for its answer.
    pub(super) fn ask(&mut self, pdu: &Pdu<'_>) -> Result<Heard, Silence> {
        let sequence_number = self.say(pdu);
        self.answer_to(sequence_number)
    }

    /// The same of a body as it is.
    pub(super) fn ask_body(&mut self, id: CommandId, body: &[u8]) -> Result<Heard, Silence> {
        let sequence_number = self.say_body(id, body);
        self.answer_to(sequence_number)
    }

    /// Whether the other side answers still.
    pub(super) fn is_alive(&mut self) -> bool {
        let answer = self.ask(&Pdu::EnquireLink(Tlvs::EMPTY));
        answer.is_ok_and(|answer| answer.id() == CommandId::ENQUIRE_LINK_RESP)
    }

    /// The answer to a request; what comes before it is dealt with.
    pub(super) fn answer_to(&mut self, sequence_number: u32) -> Result<Heard, Silence> {
        self.hear_until(self.timeout, |heard| {
            heard.id().is_response() && heard.header.sequence_number == sequence_number
        })
    }

    /// What is wanted; what comes before it is dealt with.
    pub(super) fn hear_until(
        &mut self,
        patience: Duration,
        wanted: impl Fn(&Heard) -> bool,
    ) -> Result<Heard, Silence> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.hear(left) {
                Ok(heard) if wanted(&heard) => return Ok(heard),
                Ok(heard) => self.deal_with(heard),
                Err(Silence::Nothing(_)) => return Err(Silence::Nothing(patience)),
                Err(silence) => return Err(silence),
            }
        }
    }

    /// Deals with what comes until a message does, or the time is over.
    pub(super) fn wait_for_message(&mut self, patience: Duration) -> Result<(), Silence> {
        let deadline = Instant::now() + patience;
        let before = self.deliveries.len();
        while self.deliveries.len() == before {
            let left = deadline.saturating_duration_since(Instant::now());
            let heard = self.hear(left)?;
            self.deal_with(heard);
        }
        Ok(())
    }

    /// The next PDU, whatever it is.
    pub(super) fn hear(&mut self, patience: Duration) -> Result<Heard, Silence> {
        let deadline = Instant::now() + patience;
        loop {
            match frame::check(&self.input, PDU_BYTES_MAX) {
                Check::Complete(Frame { header, .. }) => {
                    let behind = self.input.split_off(header.command_length as usize);
                    let octets = std::mem::replace(&mut self.input, behind);
                    self.note('<', &octets);
                    return Ok(Heard { header, octets, at: Instant::now() });
                }
                Check::BadLength(length, _) => {
                    let input = std::mem::take(&mut self.input);
                    self.note('<', &input);
                    return Err(Silence::BadLength(length));
                }
                Check::Incomplete => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Silence::Nothing(patience));
            }
            let mut buffer = [0; 16_384];
            let read = self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.read(&mut buffer));
            match read {
                Ok(0) => return Err(Silence::Closed),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(_) => return Err(Silence::Closed),
            }
        }
    }

    /// What a good peer does with a request that no check waits for.
    pub(super) fn deal_with(&mut self, heard: Heard) {
        let (id, sequence_number) = (heard.id(), heard.header.sequence_number);
        if id.is_response() {
            return;
        }
        if self.requests.len() < DELIVERIES_MAX {
            self.requests.push((id, sequence_number));
        }
        let answer = match id {
            CommandId::ENQUIRE_LINK => Pdu::EnquireLinkResp(Tlvs::EMPTY),
            CommandId::UNBIND => Pdu::UnbindResp(Tlvs::EMPTY),
            CommandId::DELIVER_SM if self.takes_messages => Pdu::DeliverSmResp(MessageResponse::new(b"")),
            CommandId::SUBMIT_SM => Pdu::SubmitSmResp(MessageResponse::new(b"0000abcd")),
            CommandId::DATA_SM if self.takes_messages => Pdu::DataSmResp(MessageResponse::new(b"")),
            _ => return,
        };
        self.answer(&answer, CommandStatus::ROK, sequence_number);
        if matches!(id, CommandId::DELIVER_SM | CommandId::DATA_SM) && self.deliveries.len() < DELIVERIES_MAX
        {
            self.deliveries.push(heard);
        }
    }

    /// Ends our half: nothing more will be sent.
    pub(super) fn shut(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Parts in order, as far as the other side lets it.
    pub(super) fn part(mut self) {
        if let Ok(answer) = self.ask(&Pdu::Unbind(Tlvs::EMPTY))
            && answer.status().is_ok()
        {
            let _ = self.hear(Duration::from_millis(50));
        }
    }

    /// What was said since the last call: `>` by us, `<` by the other side.
    pub(super) fn exchange(&mut self) -> Vec<String> {
        let mut said = std::mem::take(&mut self.said);
        if self.left_out > 0 {
            said.push(format!("({} more)", std::mem::take(&mut self.left_out)));
        }
        said
    }

    fn note(&mut self, side: char, octets: &[u8]) {
        if self.said.len() >= SHOWN_MAX {
            self.left_out += 1;
            return;
        }
        let mut text = String::from(side);
        text.push(' ');
        let octets = &hidden(octets);
        for octet in octets.iter().take(SHOWN_OCTETS) {
            text.push_str(&format!("{octet:02x}"));
        }
        if octets.len() > SHOWN_OCTETS {
            text.push_str(&format!("... ({} octets)", octets.len()));
        }
        self.said.push(text);
    }
}

/// The octets with passwords of binds overwritten, of broken ones too: a report is passed on.
fn hidden(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    let command = octets.get(4..8).and_then(|id| <[u8; 4]>::try_from(id).ok()).map(u32::from_be_bytes);
    let is_bind = command.is_some_and(|id| BindMode::from_command_id(CommandId(id)).is_some());
    if let Some(body) = octets.get_mut(HEADER_BYTES..).filter(|_| is_bind) {
        let start = body.iter().position(|&octet| octet == 0).map_or(0, |end| end + 1);
        body[start..].iter_mut().take_while(|octet| **octet != 0).for_each(|octet| *octet = b'*');
    }
    octets
}

/// A whole PDU.
pub(super) fn octets_of(pdu: &Pdu<'_>, status: CommandStatus, sequence_number: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    pdu.encode(&mut octets, status, sequence_number);
    octets
}

/// A whole PDU with a body as it is.
pub(super) fn raw(id: CommandId, sequence_number: u32, body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    frame::append(&mut octets, id, 0, sequence_number, |out| out.extend_from_slice(body));
    octets
}

/// A command's name, or its number.
pub(super) fn name_of(id: CommandId) -> String {
    id.name().map_or_else(|| format!("command {:#010x}", id.0), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::InterfaceVersion;
    use brivas_smpp::pdu::BindRequest;

    #[test]
    fn passwords_do_not_stand_in_reports() {
        let bind = BindRequest {
            system_id: b"acme",
            password: b"hunter2",
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            ton: 0,
            npi: 0,
            address_range: b"",
            trailing: b"",
        };
        let octets = octets_of(&Pdu::Bind(BindMode::Transceiver, bind), CommandStatus::ROK, 1);
        let shown = hidden(&octets);
        assert_eq!(shown.len(), octets.len());
        assert!(!shown.windows(7).any(|octets| octets == b"hunter2"));
    }
}
